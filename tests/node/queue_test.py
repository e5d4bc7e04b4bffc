# SPDX-License-Identifier: Apache-2.0
"""A queue of bundles before a real endpoint that is reached through a service which misbehaves. A short
program takes the place of apptainer there, so that many builds cost nothing and are counted.
tests/long/queue_test.sh runs it with more bundles and more kills."""
import os
import random
import time
import unittest

import far
import globus

BUNDLES, KILLS = (int(os.environ.get(name, most)) for name, most in
                  (("SEALIFT_QUEUE_BUNDLES", 16), ("SEALIFT_QUEUE_KILLS", 8)))


def setUpModule():
    global cloud, account, preparer
    cloud, account, preparer = globus.Cloud(), far.Account(stand_in=True), far.Preparer()
    for one in (preparer.remove, account.remove, cloud.close):
        unittest.addModuleCleanup(one)
    account.trust(preparer.policy)
    cloud.start_endpoint("builder", environment=account.environment)


class Queue(unittest.TestCase):
    def setUp(self):
        cloud.reset()
        account.behave("")
        self.builder = cloud.endpoints["builder"].id
        self.uploader = far.Uploader(cloud, preparer, self.id().split(".")[-1])
        self.before = len(account.launches())

    def add(self, bundles, **config):
        values = {"user_endpoint_config": {"threads": 2}, **config}
        code, _, err = self.uploader.call("add", *bundles, "--builder", self.builder, "--runner", "local",
                                          "--builder-config", self.uploader.configure(**values))
        self.assertEqual(code, 0, err)

    def run_out(self, code=0):
        got, out, err = self.uploader.call("run", timeout=1200)
        self.assertEqual(got, code, out + err + cloud.log("builder") + cloud.log("service"))
        return out, err

    def states(self):
        return [row["state"] for row in self.uploader.rows()]

    def launched(self):
        return account.launches()[self.before:]

    def submits(self):
        return [entry for entry in cloud.journal("POST", "*/submit") if entry["status"] == 200]

    def test_t80_many_small_bundles_share_submits(self):
        bundles = preparer.small([f"1.{number}.0" for number in range(BUNDLES)])
        cloud.settings(rate_limit={"requests": 20, "seconds": 10})
        self.add(bundles)
        self.run_out()
        self.assertEqual(self.states(), ["done"] * BUNDLES)
        self.assertEqual(len(set(self.launched())), BUNDLES)
        self.assertEqual(len(self.launched()), BUNDLES)
        self.assertLessEqual(len(self.submits()), 12)

    def test_what_bundles_share_travels_once(self):
        bundles = preparer.small([f"2.{number}.0" for number in range(5)], blobs=4, blob_size=5 << 20)
        self.add(bundles)
        self.run_out()
        self.assertEqual(self.states(), ["done"] * 5)
        sent = sum(entry["request_bytes"] for entry in self.submits())
        self.assertLess(sent, (4 * (5 << 20)) * 1.5)

    def test_t72_killed_again_and_again(self):
        bundles = preparer.small([f"3.{number}.0" for number in range(6)], blobs=1, blob_size=3 << 20)
        self.add(bundles)
        chance = random.Random(7)
        for _ in range(KILLS):
            cloud.rules([{"path": "/v3/endpoints/*/submit", "action": "drop", "when": "after"}]
                        if chance.random() < 0.4 else [])
            process = self.uploader.start("run")
            time.sleep(chance.uniform(0.02, 2.5))
            self.uploader.kill(process)
        cloud.rules([])
        self.run_out()
        self.assertEqual(self.states(), ["done"] * 6)
        self.assertEqual(sorted(self.launched()), sorted(set(self.launched())), "a bundle was built twice")
        self.assertEqual(len(self.launched()), 6)

    def test_t73_the_service_goes_away_and_comes_back(self):
        self.add(preparer.small(["4.0.0"]))
        cloud.rules([{"action": "drop", "when": "before", "count": None}])
        with self.uploader.start("run") as running:
            while len(cloud.journal()) < 3:  # it has tried, in vain
                time.sleep(0.1)
            self.assertNotIn("done", self.states())
            cloud.rules([])
            out, err = running.communicate(timeout=400)
        self.assertEqual(running.returncode, 0, out + err)
        self.assertEqual(self.states(), ["done"])

    def test_t74_a_token_is_refused_and_fetched_again(self):
        self.add(preparer.small(["4.1.0"]))
        cloud.rules([{"path": "/v2/batch_status", "action": "reply", "status": 401}])
        self.run_out()
        self.assertEqual(self.states(), ["done"])

    def test_a_configuration_that_the_endpoint_does_not_accept(self):
        self.add(preparer.small(["4.2.0"]), user_endpoint_config={"colour": "blue"})
        out, _ = self.run_out(3)
        self.assertIn("colour", out)
        self.assertEqual(self.launched(), [])

    def test_t83_large_data_does_not_travel_as_tasks_unasked(self):
        self.add(preparer.small(["6.0.0"], blobs=1, blob_size=201 << 20))
        out, _ = self.run_out(7)
        self.assertIn("--force-tasks", out)
        self.assertLess(sum(entry["request_bytes"] for entry in self.submits()), 1 << 20)
        self.assertEqual(self.launched(), [])

    def test_a_bundle_that_the_policy_refuses(self):
        stranger = far.Preparer()
        self.addCleanup(stranger.remove)
        uploader = far.Uploader(cloud, stranger, "stranger")
        code, _, err = uploader.call("add", *stranger.small(["5.0.0"]), "--builder", self.builder, "--runner", "local",
                                     "--builder-config", uploader.configure(user_endpoint_config={"threads": 2}))
        self.assertEqual(code, 0, err)
        code, out, err = uploader.call("run")
        self.assertEqual(code, 4, out + err)
        self.assertEqual(uploader.rows()[0]["state"], "refused")
        self.assertEqual(self.launched(), [])


if __name__ == "__main__":
    unittest.main()
