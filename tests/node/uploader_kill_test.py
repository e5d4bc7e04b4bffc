# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every step of the ledger while bundles go to a real endpoint, then run again: the same end,
and no build repeated. strace ends the uploader on entry to the Nth call of one kind, as in
tests/uploader/kill_test.py. SEALIFT_KILL_EVERY=N tries each Nth only; tests/long tries each."""
import json
import os
import subprocess
import threading
import time
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

    def words_to_register(self, uploader):
        """Operands of `add`: with the runner's word, and the container service told."""
        endpoint = cloud.endpoints["builder"].id
        config = uploader.configure(user_endpoint_config={"threads": 4})
        return ["add", self.new_bundle(), "--builder", endpoint, "--runner", endpoint, "--builder-config", config,
                "--runner-config", config, "--container-service"]

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

    def container_effects(self, uploader):
        code, out, err = uploader.call("export")
        self.assertEqual(code, 0, err)
        row, = json.loads(out)["submissions"]
        return row, [effect for effect in row["effects"] if effect["request"].get("driver") == "container-service"]

    def containers_asked(self, row):
        """As the service has seen it."""
        name = f"{row['name']}-{row['version']}"
        return sum(entry.get("container") == name for entry in cloud.journal("POST", "/v2/containers"))

    def test_t81_killed_while_the_container_is_registered(self):
        """Nobody but a person with --again asks the service a second time, and then once."""
        cloud.reset()
        self.addCleanup(cloud.reset)
        uploader = far.Uploader(cloud, preparer, "container")
        words = self.words_to_register(uploader)
        self.assertEqual(uploader.call(*words)[0], 0)
        cloud.rules([{"method": "POST", "path": "/v2/containers", "action": "delay", "when": "after", "seconds": 20}])
        process = uploader.start("run")
        try:
            deadline = time.monotonic() + 120
            while not any(effect["outcome"] == "tried" for effect in self.container_effects(uploader)[1]):
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.2)
            time.sleep(1)
        finally:
            uploader.kill(process)
        cloud.rules([])
        for again in (["run"], ["retry"], ["run"]):
            code, out, err = uploader.call(*again)
            self.assertEqual(code, 6 if again == ["run"] else 0, out + err)
        row, effects = self.container_effects(uploader)
        self.assertEqual((row["state"], [effect["outcome"] for effect in effects], "container" in row),
                         ("failed", ["lost"], False))
        self.assertIn("with --container-service and --again", row["remedy"])
        self.assertNotIn("stays queued", row["remedy"])
        self.assertIn("it is not known whether the container service has registered", row["reason"])
        deadline = time.monotonic() + 60
        while self.containers_asked(row) < 1 and time.monotonic() < deadline:  # it is noted when it is answered
            time.sleep(0.5)
        self.assertEqual(self.containers_asked(row), 1)
        self.assertEqual(uploader.call(*words, "--again")[0], 0)
        self.assertEqual(uploader.call("retry")[0], 0)
        code, out, err = uploader.call("run")
        self.assertEqual(code, 0, out + err)
        self.assertEqual(self.containers_asked(row), 2)
        row, effects = self.container_effects(uploader)
        self.assertEqual(([effect["outcome"] for effect in effects], "again" in row), (["lost", "good"], False))
        self.assertEqual(account.launches().count(row["bundle"]), 1)

    def try_to_register(self, call, number):
        """Killed and run again the service was asked once at most; where nobody knows whether it was, --again asks
        once more. The ledger names what the service has said last."""
        uploader = far.Uploader(cloud, preparer, f"register-{call}-{number}")
        words = self.words_to_register(uploader)
        self.assertEqual(uploader.call(*words)[0], 0)
        killed = self.run_killed(uploader, call, number)
        code, out, err = uploader.call("run")
        row, effects = self.container_effects(uploader)
        asked = self.containers_asked(row)
        where = f"after {call} {number}: {out}{err}"
        if code == 6:
            self.assertEqual((row["state"], [effect["outcome"] for effect in effects]), ("failed", ["lost"]), where)
            self.assertLessEqual(asked, 1, where)
            for more in ([*words, "--again"], ["retry"], ["run"]):
                code, out, err = uploader.call(*more)
                self.assertEqual(code, 0, where + out + err)
            self.assertEqual(self.containers_asked(row), asked + 1, where)
            self.lost += 1
        else:
            self.assertEqual((code, asked), (0, 1), where)
        row, effects = self.container_effects(uploader)
        self.assertEqual((row["state"], effects[-1]["outcome"], effects[-1]["answer"]["container_id"]),
                         ("done", "good", row["container"]), where)
        self.assertEqual(account.launches().count(row["bundle"]), 1, where)
        return killed

    if EVERY == 1:
        def test_t81_at_every_commit_while_the_container_is_registered(self):
            self.lost, self.try_one = 0, self.try_to_register
            places.try_all(self, "fdatasync", EVERY, 15)
            self.assertGreater(self.lost, 0)

        def test_t72_at_every_write_of_the_ledger(self):
            self.try_all("pwrite64", 40)

        def test_t81_at_every_piece_that_goes_to_the_service(self):
            self.try_all("sendto", 5)


if __name__ == "__main__":
    unittest.main()
