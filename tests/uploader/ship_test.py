# SPDX-License-Identifier: Apache-2.0
"""--build-on local --ship-sif: built here, and sent to a builder that has no Apptainer."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import line  # noqa: E402


class Ship(line.Line):
    def setUp(self):
        super().setUp()
        self.use(self.host)

    def use(self, host, **more):
        """A site beside the machine that builds: another account, no Apptainer, the same policy."""
        self.host = host
        self.site = host.folder / "site"
        shutil.copytree(self.config, self.site / "config")
        self.far = host.folder / "far.json"
        self.reach(**more)

    def reach(self, **more):
        """The site's agent is started by a launcher that notes how much it was sent."""
        self.far.write_text(json.dumps({"launcher": [
            "env", f"SEALIFT_HOME={self.site}", "PATH=/usr/bin:/bin", "sh", "-c",
            f'tee -a "{self.host.folder}/sent" | exec python3 "$@"', "sh"], "poll_ms": 10, **more}))

    def add(self, *words, bundle=None):
        code, _, err = self.host.call("add", bundle or self.good, "--builder", "local", "--builder-config", self.far,
                                      "--build-on", "local", "--build-on-config", self.host.builder, "--ship-sif", *words)
        self.assertEqual(code, 0, err)

    def run_out(self, code=0):
        got, out, err = self.host.call("run")
        self.assertEqual(got, code, out + err)
        return out + err

    def row(self):
        return self.host.export()[0]

    def images(self):
        root = self.site / "data/images"
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.sif")} if root.exists() else {}

    def image(self):
        return next((self.host.home / "data/images/sha256").glob("*.sif")).read_bytes()

    def large(self, size=300000):
        """An image that is larger than everything else that travels."""
        (self.host.tools / "behaviour").write_text(f"SIZE = {size}")

    def times_sent(self):
        data = (self.host.folder / "sent").read_bytes()
        return data.count(self.image())

    def killed(self, call, number):
        trick = ["strace", "-qq", "-o", "/dev/null", "-e", f"inject={call}:signal=SIGKILL:when={number}"]
        done = subprocess.run([*trick, *self.host.command("run")], env=dict(self.host.env, ASAN_OPTIONS="detect_leaks=0"),
                              cwd=self.host.folder / "work", stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120)
        self.assertIn(done.returncode, (0, 137, -signal.SIGKILL), done.stderr)
        return done.returncode != 0

    def test_built_here_and_used_there(self):
        self.large()
        self.add()
        said = self.run_out()
        self.assertIn("shipping the image to", said)
        row, image = self.row(), self.image()
        self.assertEqual(self.images(), {f"sha256/{row['bundle']}.sif": image, "small-image-1.0.0.sif": image})
        self.assertEqual((row["state"], self.host.launches()), ("done", 1))
        self.assertEqual(row["receipt"]["shipped"]["built"], row["built"])
        self.assertNotIn("shipped", row["built"])
        self.assertTrue(row["receipt"]["image"]["path"].startswith(str(self.site)))
        values = json.loads((pathlib.Path(row["registration"]) / "user_endpoint_config.json").read_text())
        self.assertEqual(values["image"], row["receipt"]["image"]["path"])
        self.assertEqual([effect["kind"] for effect in row["effects"]], ["build", "place", "place", "place", "register"])
        self.assertEqual(self.times_sent(), 1)
        wheels = [name for name in self.host.tree("data", "objects") if (self.host.home / "data/objects" / name).is_file()]
        there = [path.name for path in (self.site / "data/objects").rglob("*") if path.is_file()]
        self.assertLess(len(there), len(wheels))  # what only a build needs stays here

    def test_push_says_who_built_it(self):
        code, out, err = self.host.call("push", self.good, "--builder", "local", "--builder-config", self.far,
                                        "--build-on", "local", "--build-on-config", self.host.builder, "--ship-sif")
        self.assertEqual(code, 0, err)
        self.assertRegex(out, r"built by +apptainer version 1.4.5\n +shipped to ")
        again = self.host.call("push", self.good, "--builder", "local", "--builder-config", self.far, "--build-on",
                               "local", "--build-on-config", self.host.builder, "--ship-sif")
        self.assertEqual(again[0], 0, again[2])
        self.assertEqual((self.host.launches(), self.times_sent()), (1, 1))

    def test_by_a_folder(self):
        drop = self.host.folder / "drop"
        drop.mkdir()
        self.large()
        self.reach(path={"here": str(drop), "there": str(drop)})
        self.add()
        self.run_out()
        self.assertEqual(self.row()["state"], "done")
        self.assertEqual(self.times_sent(), 0)
        self.assertEqual([path for path in drop.rglob("*") if path.is_file()], [])

    def test_t44_a_site_whose_policy_refuses_is_sent_no_image(self):
        self.large()
        other = self.host.folder / "other"
        env = dict(os.environ, SEALIFT_HOME=str(other))
        subprocess.run([line.SEALIFT, "-q", "key", "new", "--no-password"], env=env, check=True, capture_output=True)
        shutil.copy(other / "config/policy.json", self.site / "config/policy.json")
        self.add()
        self.run_out(4)
        row = self.row()
        self.assertEqual((row["state"], self.times_sent(), self.images()), ("refused", 0, {}))
        shutil.copy(self.config / "policy.json", self.site / "config/policy.json")
        self.assertEqual(self.host.call("retry", "1")[0], 0)
        self.run_out()
        self.assertEqual((self.row()["state"], self.host.launches()), ("done", 1))

    def test_t42_a_site_that_accepts_no_images(self):
        self.large()
        (self.site / "config/site.json").write_text(json.dumps({"accept_shipped": False}))
        self.add()
        self.assertIn("accept_shipped", self.run_out(4))
        self.assertEqual(self.times_sent(), 0)

    def test_an_image_that_went_away_before_it_travelled_is_built_again(self):
        self.add()
        shutil.copy(self.site / "config/policy.json", self.site / "kept")
        os.unlink(self.site / "config/policy.json")
        self.run_out(4)
        self.assertEqual(self.row()["state"], "refused")
        shutil.copy(self.site / "kept", self.site / "config/policy.json")
        self.assertTrue(self.row()["built"])
        for path in (self.host.home / "data/images/sha256").glob("*.sif"):
            path.unlink()
        self.host.call("retry", "1")
        self.run_out()
        self.assertEqual((self.row()["state"], self.host.launches()), ("done", 2))

    def test_an_image_that_goes_away_while_it_travels_is_built_again(self):
        self.add()
        number = 9
        while self.row()["state"] != "shipping":  # killed at a commit, until that one is the last
            self.assertTrue(self.killed("fdatasync", number), "no run was killed while it shipped")
            number = number + 1 if self.row()["state"] != "shipping" else number
        for path in (self.host.home / "data/images/sha256").glob("*.sif"):
            path.unlink()
        self.assertIn("building it again", self.run_out())
        self.assertEqual((self.row()["state"], self.host.launches()), ("done", 2))

    def test_t72_killed_anywhere(self):
        """The end is the same: one build, one image there, and its bytes were not sent twice once they had arrived."""
        wanted = None
        for call, every in (("fdatasync", 6), ("write", 16)):
            number, killed = 1, True
            while killed:
                with self.subTest(call=call, number=number):
                    self.use(self.new_home(f"{call}-{number}"))
                    self.add()
                    killed = self.killed(call, number)
                    self.run_out()
                    row = self.row()
                    self.assertNotIn("tried", {effect["outcome"] for effect in row["effects"]})
                    found = (row["state"], row["receipt"]["image"]["sha256"] == row["built"]["image"]["sha256"],
                             self.host.launches(), sorted(self.images()))
                    wanted = wanted or found
                    self.assertEqual(found, wanted)
                    self.assertLessEqual(self.times_sent(), 1)
                number += every
        self.assertEqual(wanted[:3], ("done", True, 1))

    def test_what_is_said_of_wrong_options(self):
        for words in (["--build-on", "local"], ["--ship-sif"], ["--build-on-config", self.far],
                      ["--build-on", "elsewhere", "--ship-sif"]):
            code, _, err = self.host.call("add", self.good, "--builder", "local", *words)
            self.assertEqual(code, 2, err)


if __name__ == "__main__":
    unittest.main()
