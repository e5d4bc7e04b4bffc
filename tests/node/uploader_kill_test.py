# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every step of the ledger while bundles go to a real endpoint, then run again: the same end,
and no build repeated. strace ends the uploader on entry to the Nth call of one kind, as in
tests/uploader/kill_test.py. SEALIFT_KILL_EVERY=N tries each Nth only; tests/long tries each."""
import json
import os
import subprocess
import threading
import unittest

import far
import places

EVERY = int(os.environ.get("SEALIFT_KILL_EVERY", "10"))


def setUpModule():
    global cloud, account, preparer
    cloud, account, preparer = far.start_all()


class Steps(unittest.TestCase):
    maxDiff = None
    bundles, lock = 0, threading.Lock()

    def new_bundle(self):
        with self.lock:
            Steps.bundles += 1
            return preparer.small([f"1.{self.bundles}.0"])[0]

    def add(self, name):
        uploader = far.Uploader(cloud, preparer, name)
        config = uploader.configure(user_endpoint_config={"threads": 4}, builds=8)
        code, _, err = uploader.call("add", self.new_bundle(), "--builder", cloud.endpoints["builder"].id,
                                     "--runner", "local", "--builder-config", config)
        self.assertEqual(code, 0, err)
        return uploader

    def end_state(self, uploader):
        """All that may not depend on where the uploader was killed."""
        code, out, err = uploader.call("export")
        self.assertEqual(code, 0, err)
        row, = json.loads(out)["submissions"]
        outcomes = [(effect["kind"], effect["outcome"]) for effect in row["effects"]]
        self.assertNotIn("tried", {outcome for _, outcome in outcomes})
        files = sorted(path.name for path in uploader.folder.parent.joinpath(row["registration"]).iterdir())
        launches = account.launches().count(row["bundle"])
        return (row["state"], "reason" in row, "worker" in row, bool(row["receipt"]["bundle"] == row["bundle"]), launches,
                outcomes.count(("register", "good")), ("build", "bad") in outcomes, files)

    def run_killed(self, uploader, call, number):
        """True if it was killed, False if it ran through before the call came."""
        trick = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject={call}:signal=SIGKILL:when={number}"]
        done = subprocess.run(cloud.namespace.command(trick + uploader.command("run")), cwd=uploader.folder, text=True,
                              env={**os.environ, **cloud.login(), **uploader.env}, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=600)
        self.assertIn(done.returncode, (0, 137, -9), done.stderr)
        return done.returncode != 0

    def try_one(self, call, number):
        uploader = self.add(f"{call}-{number}")
        killed = self.run_killed(uploader, call, number)
        code, out, err = uploader.call("run")
        self.assertEqual(code, 0, f"after {call} {number}: {out}{err}")
        self.assertEqual(self.end_state(uploader), self.wanted, f"after {call} {number}")
        return killed

    def try_all(self, call, least):
        uploader = self.add(f"undisturbed-{call}")
        code, out, err = uploader.call("run")
        self.assertEqual(code, 0, out + err)
        self.wanted = self.end_state(uploader)
        self.assertEqual((self.wanted[0], self.wanted[4], self.wanted[5]), ("done", 1, 1))
        places.try_all(self, call, EVERY, least)

    def test_t72_at_every_commit_of_the_ledger(self):
        self.try_all("fdatasync", 15)

    if EVERY == 1:
        def test_t72_at_every_write_of_the_ledger(self):
            self.try_all("pwrite64", 40)

        def test_t81_at_every_piece_that_goes_to_the_service(self):
            self.try_all("sendto", 5)


if __name__ == "__main__":
    unittest.main()
