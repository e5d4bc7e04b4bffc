#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""build_and_register_container() with the real programs, the real agent and a stand-in for Apptainer."""
import json
import os
import pathlib
import pickle
import re
import signal
import subprocess
import sys
import time
import unittest
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import face  # noqa: E402
import line  # noqa: E402
from custom_image_builder import ImageBuilderException, RegisterImageException  # noqa: E402


class Builds(face.Case):
    def test_returns_text_that_knows_its_image(self):
        image = self.build()
        self.assertIsInstance(image, str)
        self.assertEqual((str(image), image.container_id), (image.bundle_id, None))
        self.assertRegex(image.bundle_id, "^[0-9a-f]{64}$")
        self.assertTrue(os.path.isfile(image.path))
        self.assertEqual(image.receipt["bundle"], image.bundle_id)
        self.assertEqual(image.executor_args(), {"user_endpoint_config": {"image": image.path}})
        self.assertEqual(image.executor_args(), pickle.loads(pickle.dumps(image)).executor_args())
        self.assertTrue(os.path.isfile(os.path.join(image.registration, "user_config_template.yaml.j2")))
        self.assertIsNone(image.bundle_file)
        self.assertIn("registering", "\n".join(self.heard))
        self.assert_nothing_left()

    def test_the_same_again_is_not_built_again_and_other_contents_are_another_version(self):
        first, second = self.build(), self.build()
        self.assertEqual((first, self.host.launches()), (second, 1))
        other = self.build(pip_packages=["alpha>=1"])
        self.assertNotEqual(first.path, other.path)
        self.assertTrue(os.path.isfile(first.path))
        self.assertRegex(other.receipt["version"], r"^0\+[0-9a-f]{16}$")
        data = pathlib.Path(self.folder, "a.ini")
        versions = set()
        for text in ("one", "two"):
            data.write_text(text)
            versions.add(self.build(files=[{"from": data, "to": "/a.ini"}]).receipt["version"])
        self.assertEqual(len(versions), 2)

    def test_all_that_is_said_is_in_the_bundle(self):
        kept = pathlib.Path(self.folder, "kept.sealift")
        config = {"launcher": ["python3"], "poll_ms": 10}
        image = self.build(
            version="2.1", output=kept, timeout=1800, builder_config=config, worker_version="4.19.0",
            key=self.key, password_file=os.devnull, policy=self.config / "policy.json", force_tasks=True,
            files=[{"from": str(self.example / "app.ini"), "to": "/etc/app.ini", "mode": "0600"}],
            spec={"env": {"A": "b"}, "build": {"options": ["--fix-perms"]}, "pip": {"installer": "pip"},
                  "post": [{"run": "true", "network": "none"}]})
        self.assertEqual((image.bundle_file, image.receipt["version"]), (str(kept), "2.1"))
        subprocess.run([line.SEALIFT, "-q", "verify", str(kept)], check=True, stdout=subprocess.DEVNULL)
        shown = json.loads(subprocess.run([line.SEALIFT, "inspect", "--json", str(kept)], check=True,
                                          stdout=subprocess.PIPE).stdout)
        plan = json.dumps(shown["plan"])
        for word in ("my-image", "2.1", "3.11.2", "2.36", "alpha", "4.19.0", "/etc/app.ini", "0600", "1800", "--fix-perms"):
            self.assertIn(json.dumps(word).strip('"'), plan)
        spec = json.loads(subprocess.run([line.SEALIFT, "cat", str(kept), "spec"], check=True,
                                         stdout=subprocess.PIPE).stdout)
        self.assertEqual((spec["env"], spec["build"]), ({"A": "b"}, {"timeout": 1800, "options": ["--fix-perms"]}))
        self.assertTrue(self.host.rows()[0]["force_tasks"])
        self.assert_nothing_left()

    def test_a_docker_image_is_written_out(self):
        digest = "sha256:" + "5" * 64
        for given, written in (("python:3.11", "docker.io/library/python:3.11"),
                               ("docker://ncsa/python:3.11", "docker.io/ncsa/python:3.11"),
                               ("localhost:5000/a/b", "localhost:5000/a/b")):
            with self.subTest(given):
                kept = pathlib.Path(self.folder, re.sub(r"\W", "-", given) + ".sealift")
                self.build(base_image_type="docker", base_image=f"{given}@{digest}", output=kept)
                spec = json.loads(subprocess.run([line.SEALIFT, "cat", str(kept), "spec"], check=True,
                                                 stdout=subprocess.PIPE).stdout)
                self.assertEqual(spec["base"], {"docker": written, "digest": digest})

    def test_an_image_without_worker_is_not_for_executors(self):
        lock = pathlib.Path(self.folder, "short.lock")
        text = (self.example / "requirements.lock").read_text()
        lock.write_text(re.sub(r"globus-compute-endpoint==.*\\\n.*\n", "", text))
        error = self.fails("input", lock=lock)
        self.assertIn("worker_version: the lock has no globus-compute-endpoint", str(error))
        image = self.build(lock=lock, worker_version="none")
        with self.assertRaisesRegex(ImageBuilderException, "no Globus Compute worker"):
            image.executor_args()

    def test_open_images_only_when_asked_for(self):
        error = self.fails("input", spec={"post": ["true"]})
        self.assertIn("allow_open=True", str(error))
        self.assertRegex(str(error), r"open .*(script|post)")
        self.assertEqual(self.host.launches(), 0)
        self.build(spec={"post": ["true"]}, allow_open=True)
        self.assertEqual(self.host.launches(), 1)


class Asks(face.Case):
    """What is not said, or cannot be built: told at once, before anything is started."""

    def refused(self, **changes):
        error = self.fails("input", **changes)
        self.assertEqual(self.host.tree("state"), [])
        return error

    def test_the_nine_arguments_alone_lack_digest_target_and_lock(self):
        with self.assertRaises(ImageBuilderException) as caught:
            face.build_and_register_container(None, "local", "my-pandas-image", "docker", "python:3.8",
                                              None, ["pandas"], None, None)
        problems = caught.exception.problems
        self.assertEqual([one.partition(":")[0] for one in problems], ["base_image", "target", "lock"])
        self.assertIn("docker.io/library/python:3.8@sha256:", problems[0])
        self.assertIn("is not taken for it", problems[1])
        self.assertIn("pandas globus-compute-endpoint==VERSION | uv pip compile", problems[2])
        self.assertTrue(all(one in str(caught.exception) for one in problems))
        self.assert_nothing_left()

    def test_what_cannot_be_built_yet_says_why(self):
        error = self.refused(apt_packages=["git", "x y"], conda_packages=["numpy"], payload_url="https://example.org/a.git")
        told = {one.partition(":")[0]: one for one in error.problems}
        self.assertEqual(set(told), {"apt_packages", "conda_packages", "payload_url"})
        self.assertIn("apt-get install -y git 'x y'", told["apt_packages"])
        self.assertIn("no digest", told["payload_url"])
        self.assertIn("pip_packages", told["conda_packages"])
        self.build(apt_packages=[], conda_packages=(), payload_url=None)

    def test_problems_have_the_names_of_arguments(self):
        for argument, changes in {
            "image_file_name": {"image_file_name": "My Image"},
            "version": {"version": "one"},
            "base_image_type": {"base_image_type": "debootstrap"},
            "base_image": {"base_image": self.folder},
            "pip_packages[1]": {"pip_packages": ["alpha", "a>>1"]},
            "pip_packages": {"pip_packages": "alpha"},
            "target.python": {"target": "3.11"},
            "target": {"target": None},
            "lock": {"lock": 7},
            "wheelhouse": {"lock": None, "pip_packages": None, "worker_version": "none"},
            "worker_version.version": {"worker_version": "latest"},
            "timeout": {"timeout": 1},
            "files[0].to": {"files": [{"from": self.example / "app.ini", "to": "etc"}]},
            "files[1]": {"files": [{"from": self.example / "app.ini", "to": "/a"}, "b"]},
            "files[0]": {"files": [{"from": self.example / "none.ini", "to": "/a"}]},
            "spec.colour": {"spec": {"colour": "red"}},
            "spec": {"spec": {"name": "other"}},
            "spec.env.A": {"spec": {"env": {"A": "\n"}}},
        }.items():
            with self.subTest(argument):
                self.assertEqual([one.partition(": ")[0] for one in self.refused(**changes).problems], [argument])
        self.assertIn("JSON", str(self.refused(spec={"env": {"A": object()}})))
        self.assertIn("said by an argument", str(self.refused(timeout=60, spec={"build": {"timeout": 61}})))
        self.assertIn("no regular file", str(self.refused(base_image=os.devnull)))

    def test_a_lock_that_does_not_do_names_what_it_lacks(self):
        error = self.fails("input", pip_packages=["alpha", "omega"])
        self.assertEqual(len(error.problems), 1)
        self.assertIn("omega", error.problems[0])
        self.assertIn(error.problems[0], str(error))
        self.assertIn("'nosuch.key'", str(self.fails("io", key="nosuch.key")))

    def test_programs_that_are_not_there(self):
        for variable in ("SEALIFT", "SEALIFT_UPLOAD"):
            with self.subTest(variable), mock.patch.dict(os.environ, {variable: "/nowhere/sealift"}):
                self.assertIn(f"by the variable {variable}", str(self.fails("io")))
        broken = self.host.tools / "broken"
        broken.write_text("#!/nowhere/sh\n")
        broken.chmod(0o755)
        with mock.patch.dict(os.environ, {"SEALIFT": str(broken)}):
            self.assertIn("cannot start", str(self.fails("io")))
        del os.environ["SEALIFT"], os.environ["SEALIFT_UPLOAD"]
        os.symlink(line.SEALIFT, self.host.tools / "sealift")
        os.symlink(line.UPLOAD, self.host.tools / "sealift-upload")
        self.build()


class Fails(face.Case):
    def test_a_failed_build_tells_what_apptainer_said_and_leaves_no_submission(self):
        self.no_builds("mksquashfs: no space left")
        error = self.fails("io")
        self.assertIn("mksquashfs: no space left", str(error))
        self.assertIn("build.log", str(error))
        self.assertEqual(self.host.rows(), [])
        # A bundle that is kept can be tried again without us.
        kept = pathlib.Path(self.folder, "kept.sealift")
        error = self.fails("io", output=kept)
        self.assertIn(f"it is submission {self.host.rows()[0]['number']} ", str(error))
        self.host.tool("apptainer", line.STAND_IN)
        self.assertEqual(self.host.call("retry", str(self.host.rows()[0]["number"]))[0], 0)
        code, _, complaint = self.host.call("run")
        self.assertEqual((code, self.host.rows()[0]["state"]), (0, "done"), complaint)

    def test_a_builder_that_does_not_trust_the_key(self):
        key = line.maker.new_key(os.path.join(self.folder, "stranger"))
        error = self.fails("untrusted", key=key)
        self.assertIn("cannot build the image", str(error))
        self.assertEqual((self.host.launches(), self.host.rows()), (0, []))

    def test_a_builder_out_of_reach_does_not_stay_in_the_queue(self):
        config = pathlib.Path(self.folder, "far.json")
        config.write_text('{"launcher": ["/nowhere/python3"]}')
        for value in (config, {"launcher": ["/nowhere/python3"]}):
            error = self.fails("io", builder_config=value)
            self.assertIn("the same call again goes on", str(error))
            self.assertNotIn("sealift-upload run", str(error))
            self.assertEqual(self.host.rows(), [])
        self.build(builder_config={"launcher": ["python3"], "poll_ms": 10})

    def test_wrong_places(self):
        error = self.fails("usage", endpoint_id="delta")
        self.assertIn("endpoint_id 'delta'", str(error))
        self.assertIn("runner 'delta'", str(self.fails("usage", runner="delta")))

    def test_an_image_that_cannot_be_registered_is_not_built_again(self):
        foreign = self.host.home / "data/registrations/my-image-1.0.0"
        foreign.mkdir(parents=True)
        (foreign / "thesis.txt").write_text("years of work")
        error = self.fails("input", exception=RegisterImageException, version="1.0.0")
        self.assertTrue(os.path.isfile(error.receipt["image"]["path"]))
        self.assertIn(error.receipt["image"]["path"], str(error))
        self.assertIn("is not a registration of this bundle", str(error))
        os.rename(foreign, self.host.folder / "away")
        image = self.build(version="1.0.0")
        self.assertEqual((image.path, self.host.launches()), (error.receipt["image"]["path"], 1))

    def test_an_uploader_that_breaks_is_told_about(self):
        path = self.host.tools / "dies"
        path.write_text("#!/bin/sh\n[ $1 = push ] && kill -9 $$\necho not JSON\n")
        path.chmod(0o755)
        os.environ["SEALIFT_UPLOAD"] = str(path)
        self.assertIn("ended by signal 9", str(self.fails("internal")))
        path.write_text("#!/bin/sh\nexit 7\n")
        self.assertIn("ended with status 7", str(self.fails("limit")))


class Interrupted(face.Case):
    SCRIPT = """
import sys
sys.path.insert(0, {package!r})
from custom_image_builder import build_and_register_container
build_and_register_container(None, **{arguments!r})
"""

    def interrupt(self, ready, signals=(signal.SIGINT,)):
        arguments = {key: value if isinstance(value, (str, list, dict)) else str(value)
                     for key, value in self.sealed.items()}
        script = self.SCRIPT.format(package=str(face.ROOT / "uploader/python"), arguments=arguments)
        child = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True)
        self.addCleanup(child.stderr.close)
        end = time.monotonic() + 60
        while not ready():
            self.assertIsNone(child.poll(), "it ended before it was interrupted")
            self.assertLess(time.monotonic(), end)
            time.sleep(0.005)
        for number in signals:
            child.send_signal(number)
            time.sleep(0.05)
        complaint = child.communicate(timeout=60)[1]
        self.assertEqual(child.returncode, -signal.SIGINT, complaint)
        self.assertIn("KeyboardInterrupt", complaint)

    def test_ctrl_c_ends_the_uploader_and_leaves_nothing(self):
        gate = self.host.folder / "gate"
        (self.host.tools / "behaviour").write_text(f"while not os.path.exists({str(gate)!r}): time.sleep(0.05)")
        for signals in ((signal.SIGINT,), (signal.SIGINT, signal.SIGINT)):
            with self.subTest(len(signals)):
                self.interrupt(lambda: any(row["state"] == "building" for row in self.host.rows()), signals)
                self.assertEqual([one for one in self.left() if one.startswith("sealift-")
                                  and os.path.exists(self.host.folder / "scratch" / one / "spec.json")], [])
                self.assertEqual(self.host.rows(), [])
        # What the builder has begun it goes on with, and the next call finds it.
        gate.touch()
        self.build()
        self.assertEqual(self.host.launches(), 1)

    def test_ctrl_c_while_the_bundle_is_made(self):
        slow = self.host.tools / "slow"
        mark = self.host.folder / "slow-is-there"
        slow.write_text(f"#!/bin/sh\ncase $1 in compile) : >{mark}; exec sleep 60 ;; esac\nexec {line.SEALIFT} \"$@\"\n")
        slow.chmod(0o755)
        os.environ["SEALIFT"] = str(slow)
        self.interrupt(mark.exists)
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
