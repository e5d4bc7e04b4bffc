#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every instant that matters, then run again: the same end, and no build repeated.

strace ends the uploader on entry to the Nth call of one kind, for N = 1, 2, … until it runs through:
every write and every sync of the ledger, every piece that goes to the agent, every step of the
registration. Nothing in the product helps. The agent and its builds are not ended: they run on alone,
as on another machine. SEALIFT_KILL_EVERY=N tries each Nth only.
"""
import os
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import line  # noqa: E402
import places  # noqa: E402

EVERY = int(os.environ.get("SEALIFT_KILL_EVERY", "1"))


class Kill(line.Line):
    maxDiff = None

    def end_state(self, host):
        """All that may not depend on where the uploader was killed."""
        rows = []
        for row in host.export():
            self.assertNotIn("tried", {effect["outcome"] for effect in row["effects"]})
            values = (host.home / "data/registrations/small-image-1.0.0/user_endpoint_config.json").read_text()
            rows.append((row["state"], row["name"], row["version"], row["bundle"], "worker" in row,
                         row["receipt"]["image"]["path"].replace(str(host.home), ""),
                         row["registration"].replace(str(host.home), ""), "reason" in row,
                         values.replace(str(host.home), "")))
        return rows, host.launches(), host.tree("data", "registrations"), host.tree("data", "images"), \
            host.tree("data", "objects"), [name for name in host.tree("state") if name != "ledger.sqlite"]

    def run_killed(self, host, call, number):
        """True if it was killed, False if it ran through before the call came."""
        env = dict(host.env, ASAN_OPTIONS="detect_leaks=0")
        trick = ["strace", "-qq", "-o", "/dev/null", "-e", f"inject={call}:signal=SIGKILL:when={number}"]
        done = subprocess.run([*trick, *host.command("run")], env=env, cwd=host.folder / "work",
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        self.assertIn(done.returncode, (0, 137, -9), done.stderr)
        return done.returncode != 0

    def try_one(self, call, number):
        host = self.new_home(f"{call}-{number}")
        self.assertEqual(host.add(self.good)[0], 0)
        killed = self.run_killed(host, call, number)
        code, out, err = host.call("run")
        self.assertEqual(code, 0, f"after {call} {number}: {out}{err}")
        with self.lock:
            self.assertEqual(self.end_state(host), self.wanted, f"after {call} {number}")
        return killed

    def try_all(self, call, least):
        self.wanted, self.lock = self.undisturbed(call), threading.Lock()
        places.try_all(self, call, EVERY, least)

    def undisturbed(self, call):
        host = self.new_home(f"undisturbed-{call}")
        self.assertEqual(host.add(self.good)[0], 0)
        self.assertEqual(host.call("run")[0], 0)
        state = self.end_state(host)
        self.assertEqual(state[1], 1)
        return state

    def test_t72_at_every_commit_of_the_ledger(self):
        self.try_all("fdatasync", 10)

    def test_t72_at_every_write_of_the_ledger(self):
        self.try_all("pwrite64", 40)

    def test_t82_at_every_piece_that_goes_to_the_agent(self):
        self.try_all("write", 20)

    def test_t72_at_every_step_of_the_registration(self):
        for call, least in (("fsync", 6), ("mkdirat", 1), ("renameat2", 1), ("fchmod", 5)):
            with self.subTest(call):
                self.try_all(call, least)


if __name__ == "__main__":
    unittest.main()
