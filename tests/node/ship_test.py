# SPDX-License-Identifier: Apache-2.0
"""Before a real endpoint: objects that go through a folder which the endpoint's account sees, images that
were built here and are shipped there, and more than 200 MB through tasks. A short program takes the place of
apptainer; tests/long/ship_test.sh does it with the real one, and with large data."""
import json
import os
import pathlib
import subprocess
import sys
import time
import unittest

import far
import line

LONG = bool(os.environ.get("SEALIFT_SHIP_LONG"))


def setUpModule():
    global cloud, account, preparer
    cloud, account, preparer = far.start_all()


class Base(unittest.TestCase):
    def setUp(self):
        cloud.reset()
        account.behave("")
        account.configure({"scratch": account.inside + "/scratch"})
        self.builder = cloud.endpoints["builder"].id
        self.name = self.id().split(".")[-1]
        self.uploader = far.Uploader(cloud, preparer, self.name)
        self.drop = account.folder / ("drop-" + self.name)
        self.drop.mkdir()
        self.before = len(account.launches())

    def add(self, bundles, *words, **config):
        values = {"user_endpoint_config": {"threads": 2}, **config}
        code, _, err = self.uploader.call("add", *bundles, "--builder", self.builder, "--builder-config",
                                          self.uploader.configure(**values), *words)
        self.assertEqual(code, 0, err)

    def way(self):
        return {"path": {"here": str(self.drop), "there": account.inside + "/" + self.drop.name}}

    def run_out(self, code=0):
        begin = time.monotonic()
        got, out, err, peak = self.uploader.measure("run")
        self.assertEqual(got, code, out + err + cloud.log("builder")[-20000:] + cloud.log("service")[-20000:])
        print("%s: %.0f s, %d submits, %.1f MB sent, %d launches, peak %.1f MiB" % (
            self.name, time.monotonic() - begin, len(self.submits()), self.sent() / 1e6, len(self.launched()),
            peak / 1024), file=sys.stderr)
        return out + err

    def submits(self):
        return [entry for entry in cloud.journal("POST", "*/submit") if entry["status"] == 200]

    def sent(self):
        return sum(entry["request_bytes"] for entry in self.submits())

    def launched(self):
        return account.launches()[self.before:]

    def left(self):
        return [path for path in self.drop.rglob("*") if not path.is_dir()]

    def states(self):
        return [row["state"] for row in self.uploader.rows()]


class Path(Base):
    def test_t72_killed_while_the_folder_is_in_use(self):
        self.add(preparer.small(["8.1.0"], blobs=2, blob_size=8 << 20), **self.way())
        for seconds in (1.0, 1.6, 2.4):
            process = self.uploader.start("run")
            time.sleep(seconds)
            self.uploader.kill(process)
        self.run_out()
        self.assertEqual((self.states(), len(self.launched()), self.left()), (["done"], 1, []))

    def test_probe_says_whether_the_folder_is_seen_and_the_operator_which_may_be(self):
        def probe(**config):
            code, out, err = self.uploader.call("probe", "--builder", self.builder, "--json", "--builder-config",
                                                self.uploader.configure(user_endpoint_config={"threads": 2}, **config))
            self.assertEqual(code, 0, err)
            return json.loads(out)
        self.assertEqual(probe(**self.way())["drop"], "seen")
        self.assertEqual(self.left(), [])
        found = probe(path={"here": str(self.drop), "there": account.inside + "/elsewhere"})
        self.assertEqual(found["drop"], "not-seen")
        self.assertIn(account.inside + "/elsewhere", " ".join(found["missing"]))
        self.assertNotIn("drop", probe())
        account.configure({"scratch": account.inside + "/scratch", "drops": [account.inside + "/other"]})
        self.assertIn("site.json names the folders", " ".join(probe(**self.way())["missing"]))
        self.add(preparer.small(["8.2.0"]), **self.way())
        self.assertIn("nothing is taken from", self.run_out(4))
        self.assertEqual(self.left(), [])


class Ship(Base):
    def here(self):
        """A machine that builds: an account here, with the same stand-in."""
        folder = self.uploader.folder / "here"
        for name in ("config", "tools", "scratch"):
            (folder / name).mkdir(parents=True)
        (folder / "config/policy.json").write_bytes(preparer.policy.read_bytes())
        (folder / "config/site.json").write_text(json.dumps({"scratch": str(folder / "scratch")}))
        for name, text in (("apptainer", line.STAND_IN), ("unshare", "#!/bin/sh\nexit 0\n")):
            (folder / "tools" / name).write_text(text)
            (folder / "tools" / name).chmod(0o755)
        (folder / "tools/behaviour").write_text("SIZE = 10000000")
        (folder / "build.json").write_text(json.dumps({"launcher": [
            "env", f"SEALIFT_HOME={folder}", f"PATH={folder}/tools:/usr/bin:/bin", "python3"]}))
        return folder / "build.json"

    def ship(self, bundles, *words, **config):
        self.add(bundles, "--build-on", "local", "--build-on-config", self.here(), "--ship-sif", *words, **config)

    def check_shipped(self, row):
        self.assertEqual(row["state"], "done")
        self.assertEqual(row["receipt"]["shipped"]["built"], row["built"])
        self.assertEqual(row["receipt"]["image"]["sha256"], row["built"]["image"]["sha256"])
        self.assertEqual(row["runner_sees"], "yes")
        self.assertEqual(self.launched(), [])  # not there
        path = row["receipt"]["image"]["path"]
        self.assertTrue(path.startswith(account.inside))
        done = subprocess.run(["sha256sum", str(account.folder) + path[len(account.inside):]], text=True,
                              stdout=subprocess.PIPE, check=True)
        self.assertEqual(done.stdout.split()[0], row["receipt"]["image"]["sha256"])

    def test_t72_an_image_that_was_built_here_is_sent_once_whoever_is_killed(self):
        self.ship(preparer.small(["9.0.0"], blobs=1, blob_size=20 << 20))
        for seconds in (1.5, 2.5, 4.0):
            process = self.uploader.start("run")
            time.sleep(seconds)
            self.uploader.kill(process)
        self.run_out()
        row = self.uploader.rows()[0]
        self.check_shipped(row)
        size = row["receipt"]["image"]["size"]
        self.assertLess(self.sent(), 2.4 * size)  # base64; and neither the blob nor the image again
        self.assertGreater(self.sent(), size)

    def test_by_the_folder(self):
        self.ship(preparer.small(["9.1.0"]), **self.way())
        self.run_out()
        self.check_shipped(self.uploader.rows()[0])
        self.assertLess(self.sent(), 1 << 20)
        self.assertEqual(self.left(), [])


class Large(Base):
    def test_t83_more_than_200_mb_through_tasks_when_somebody_wants_that(self):
        self.add(preparer.small(["7.0.0"], blobs=10, blob_size=25 << 20), "--force-tasks")
        self.run_out()
        self.assertEqual((self.states(), len(self.launched())), (["done"], 1))
        self.assertGreater(self.sent(), 10 * (25 << 20))
        self.assertLess(self.sent(), 10 * (25 << 20) * 1.4)

    def test_a_bundle_larger_than_tasks_may_carry_goes_by_the_folder(self):
        self.add(preparer.small(["8.0.0"], blobs=1, blob_size=201 << 20), **self.way())
        self.run_out()
        self.assertEqual((self.states(), len(self.launched())), (["done"], 1))
        self.assertLess(self.sent(), 1 << 20)
        self.assertEqual(self.left(), [])

    def test_a_real_image_is_shipped_and_runs(self):
        """Apptainer builds it on this machine; the endpoint is sent 118 MiB, and its workers run inside."""
        real, inside = far.Account(), cloud.start_endpoint("runner", environment={"SEALIFT_HOME": account.inside})
        self.addCleanup(real.remove)
        real.trust(preparer.policy)
        config = self.uploader.folder / "build.json"
        config.write_text(json.dumps({"launcher": [
            "sh", str(far.HERE / "enter"), "--in", os.path.join(cloud.node, "root"), "--env",
            "SEALIFT_HOME=" + real.inside, "--", "python3"]}))
        self.add([preparer.pandas()], "--runner", inside.id, "--build-on", "local", "--build-on-config", config,
                 "--ship-sif")
        self.run_out()
        row = self.uploader.rows()[0]
        self.assertEqual((row["state"], row["runner_sees"], self.launched()), ("done", "yes", []))
        self.assertIn("org.sealift.bundle", {label["name"] for label in row["receipt"]["labels"]})
        values = json.loads(pathlib.Path(row["registration"], "user_endpoint_config.json").read_text())
        done = cloud.sdk(str(far.HERE / "seed_transform.py"), inside.id,
                         json.dumps({"user_endpoint_config": values}), timeout=200)
        self.assertEqual(done.returncode, 0, done.stderr + cloud.log("runner")[-20000:])
        self.assertEqual(json.loads(done.stdout)["said"], "Successfully created df")


if not LONG:  # minutes: tests/long/ship_test.sh
    del Large


if __name__ == "__main__":
    unittest.main()
