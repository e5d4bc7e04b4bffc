# SPDX-License-Identifier: Apache-2.0
"""A queue of bundles before a real endpoint that is reached through a service which misbehaves. A short
program takes the place of apptainer there, so that many builds cost nothing and are counted.
tests/long/queue_test.sh runs it with more bundles and more kills."""
import collections
import json
import os
import random
import signal
import sys
import time
import unittest

import far

BUNDLES, KILLS, SHARERS, WHEELS = (int(os.environ.get("SEALIFT_QUEUE_" + name, usual)) for name, usual in (
    ("BUNDLES", 16), ("KILLS", 8), ("SHARERS", 5), ("WHEELS", 20 << 20)))


def setUpModule():
    global cloud, account, preparer
    cloud, account, preparer = far.start_all()


class Queue(unittest.TestCase):
    def setUp(self):
        cloud.reset()
        account.behave("")
        self.builder = cloud.endpoints["builder"].id
        self.uploader = far.Uploader(cloud, preparer, self.id().split(".")[-1])
        self.before = len(account.launches())

    def add(self, bundles, *more, runner="local", **config):
        file = self.uploader.configure(**{"user_endpoint_config": {"threads": 2}, **config})
        words = ["--builder-config", file] + (["--runner-config", file] if runner != "local" else [])
        code, _, err = self.uploader.call("add", *bundles, "--builder", self.builder, "--runner", runner, *words, *more)
        self.assertEqual(code, 0, err)

    def add_to_register(self, bundles, *more):
        """With the runner's word, and the container service told."""
        self.add(bundles, "--container-service", *more, runner=self.builder)

    def run_out(self, code=0):
        """Runs until all is done; how long that took, and what, is printed for people."""
        begin = time.monotonic()
        got, out, err, self.peak = self.uploader.measure("run")
        self.assertEqual(got, code, out[-20000:] + err[-20000:] + cloud.log("builder")[-20000:] + cloud.log("service")[-20000:])
        print("%s: %.0f s, %d submits, %d requests, %.1f MB sent, %d launches, peak %.1f MiB" % (
            self.id().split(".")[-1], time.monotonic() - begin, len(self.submits()), len(cloud.journal()),
            sum(entry["request_bytes"] for entry in self.submits()) / 1e6, len(self.launched()), self.peak / 1024)
            + "; submits of KB at s: " + " ".join("%d@%.0f" % (
                entry["request_bytes"] / 1000, entry["at"] - self.submits()[0]["at"]) for entry in self.submits()),
            file=sys.stderr)
        return out, err

    def states(self):
        return [row["state"] for row in self.uploader.rows()]

    def launched(self):
        return account.launches()[self.before:]

    def submits(self):
        return [entry for entry in cloud.journal("POST", "*/submit") if entry["status"] == 200]

    def test_t83_many_small_bundles_share_submits(self):
        bundles = preparer.small([f"1.{number}.0" for number in range(BUNDLES)])
        cloud.settings(rate_limit={"requests": 20, "seconds": 10})
        self.add(bundles)
        self.run_out()
        self.assertEqual(self.states(), ["done"] * BUNDLES)
        self.assertEqual(len(set(self.launched())), BUNDLES)
        self.assertEqual(len(self.launched()), BUNDLES)
        self.assertLessEqual(len(self.submits()), 12)

    def test_what_bundles_share_travels_once(self):
        bundles = preparer.small([f"2.{number}.0" for number in range(SHARERS)], blobs=4, blob_size=WHEELS // 4)
        self.add(bundles)
        self.run_out()
        self.assertEqual(self.states(), ["done"] * SHARERS)
        sent = sum(entry["request_bytes"] for entry in self.submits())
        self.assertGreater(sent, WHEELS)
        self.assertLess(sent, WHEELS * 4 / 3 * 1.05 + SHARERS * 100000)  # base64, and what each has alone

    def misbehave(self, chance):
        """A service that does one thing wrong, or none."""
        submit, container = {"path": "/v3/endpoints/*/submit"}, {"method": "POST", "path": "/v2/containers"}
        cloud.control("DELETE", "settings")
        chance.choice([lambda: None] * 4 + [
            lambda: cloud.settings(rate_limit={"requests": 20, "seconds": 10}), lambda: cloud.settings(results="once"),
            lambda: cloud.control("POST", "expire-tokens", ["access"])])()
        cloud.rules(chance.choice([
            [], [], [dict(container, action="drop", when="after")], [dict(container, action="drop", when="before")],
            [dict(container, action="reply", status=500, when="after")], [dict(container, action="delay", seconds=3, when="after")],
            [{"path": "/v2/batch_status", "action": "reply", "status": 401}], [dict(submit, action="gare")],
            [dict(submit, action="drop", when="after")], [dict(submit, action="drop", when="before")],
            [dict(submit, action="body", body="truncated")], [dict(submit, action="reply", status=500)],
            [{"path": "/v2/batch_status", "action": "drop", "when": "after"}],
            [{"path": "/v2/batch_status", "action": "reply", "status": 429, "headers": {"Retry-After": "1"}}],
            [{"action": "delay", "seconds": 0.3, "count": 5}]]))

    def let_live(self, process, chance):
        """For a moment; now and then until just after it has asked the container service."""
        if chance.random() < 0.75:
            time.sleep(chance.uniform(0.02, 4))
            return
        asked, deadline = len(cloud.journal("POST", "/v2/containers")), time.monotonic() + 20
        while process.poll() is None and time.monotonic() < deadline:
            if len(cloud.journal("POST", "/v2/containers")) > asked:
                time.sleep(chance.uniform(0, 0.3))
                return
            time.sleep(0.02)

    def kill_a_builder(self, deaths):
        """The process that builds a bundle just now, if there is one."""
        for path in account.folder.glob("data/bundles/*/state.json"):
            try:
                state = json.loads(path.read_text())
                if state["state"] == "building" and state["bundle"] in self.mine:
                    os.kill(state["pid"], signal.SIGKILL)
                    deaths[state["bundle"]] = deaths.get(state["bundle"], 0) + 1
                    return
            except (OSError, ValueError):
                pass

    def test_t72_killed_again_and_again(self):
        """A new bundle comes every now and then, so that there is always something to disturb."""
        seed = int(os.environ.get("SEALIFT_QUEUE_SEED", "7"))
        chance, deaths = random.Random(seed), {}
        bundles = preparer.small([f"3.{number}.0" for number in range(6 + KILLS // 3)], blobs=1, blob_size=3 << 20)
        self.add_to_register(bundles[:6])
        coming = bundles[6:]
        for number in range(KILLS):
            self.misbehave(chance)
            process = self.uploader.start("run")
            self.let_live(process, chance)
            self.uploader.kill(process)
            if number % 3 == 2 and coming:
                self.add_to_register([coming.pop()])
            self.mine = {row["bundle"] for row in self.uploader.rows()}
            if chance.random() < 0.1:
                self.kill_a_builder(deaths)
        cloud.rules([])
        cloud.control("DELETE", "settings")
        if coming:
            self.add_to_register(coming)
        before, unknown = self.end_registrations(bundles)
        rows = self.exported()
        self.assertEqual([row["state"] for row in rows], ["done"] * len(bundles))
        for row in rows:
            launches = self.launched().count(row["bundle"])
            self.assertGreaterEqual(launches, 1)
            self.assertLessEqual(launches, 1 + deaths.get(row["bundle"], 0), f"seed {seed}: built twice")
            effects = [(effect["kind"], effect["outcome"]) for effect in row["effects"]]
            # The folder, and the container.
            self.assertEqual(effects.count(("register", "good")), 2, f"seed {seed}: registered twice")
        print(f"seed {seed}: {KILLS} kills of the uploader, {sum(deaths.values())} of builders, {len(bundles)} bundles, "
              f"{len(self.launched())} launches, {before} containers registered between kills, {unknown} unknown until --again", file=sys.stderr)

    def containers(self):
        """How often the service itself has registered each."""
        return collections.Counter(entry["container"] for entry in cloud.journal("POST", "/v2/containers")
                                   if "container" in entry)

    def end_registrations(self, bundles):
        """Runs until all is done. Where an answer was lost, nobody has asked again until a person says so, and
        then once. Returns how many were registered before, and where an answer was lost."""
        before = sum(self.containers().values())
        self.uploader.call("run")
        rows = self.uploader.rows()
        lost = [row for row in rows if row["state"] != "done"]
        for row in lost:
            self.assertEqual((row["state"], row["kind"]), ("failed", "network"), row.get("reason"))
            self.assertIn("it is not known whether the container service has registered", row["reason"])
        known = self.containers()
        for row in rows:
            self.assertIn(known[f"{row['name']}-{row['version']}"], (0, 1) if row in lost else (1,), "registered twice")
        if lost:
            self.add_to_register([row["path"] for row in lost], "--again")
            self.assertEqual(self.uploader.call("retry")[0], 0)
        self.run_out()
        after = self.containers()
        for row in rows:
            name = f"{row['name']}-{row['version']}"
            self.assertEqual(after[name], known[name] + (row in lost), "asked again more than once")
        return before, len(lost)

    def exported(self):
        code, out, err = self.uploader.call("export")
        self.assertEqual(code, 0, err)
        return json.loads(out)["submissions"]

    def test_t73_the_service_goes_away_and_comes_back(self):
        bundle, = preparer.small(["4.0.0"])
        before = bundle.read_bytes()
        self.add([bundle])
        cloud.rules([{"action": "drop", "when": "before", "count": None}])
        with self.uploader.start("run") as running:
            while len(cloud.journal()) < 3:  # it has tried, in vain
                time.sleep(0.1)
            self.assertNotIn("done", self.states())
            cloud.rules([])
            out, err = running.communicate(timeout=400)
        self.assertEqual(running.returncode, 0, out + err)
        self.assertEqual(self.states(), ["done"])
        self.assertEqual(bundle.read_bytes(), before)

    def test_a_token_is_refused_and_fetched_again(self):
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
