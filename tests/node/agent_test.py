# SPDX-License-Identifier: Apache-2.0
"""The agent with the real Apptainer: a bundle becomes an image, and interruptions leave nothing."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "uploader", "agent"))
import support  # noqa: E402

NODE = os.environ.get("SEALIFT_NODE") or os.path.join(support.ROOT, ".cache", "node")
NODE_UID = 20001
WHEELS = ("click", "tzdata")


def read(*parts):
    with open(os.path.join(NODE, *parts), "rb") as file:
        return file.read()


def wheel(name):
    return next(found for found in sorted(os.listdir(os.path.join(NODE, "wheels")))
                if found.startswith(name + "-"))


def real_bundle(key, installer="pip", post=(), **plan):
    """A bundle on the node's base image with two small wheels, as `sealift compile` would seal it."""
    target = {"glibc": "2.36", "platform": "linux/" + os.uname().machine, "python": "3.11.2"}
    wanted = dict(target=target, build={"options": [], "timeout": 300}, test={
        "network": "any", "run": "python3 -c 'import click'\n"}, post=list(post) or [
            {"network": "none", "run": "echo to the log >&2\n"}])
    wanted.update(plan)
    bundle = support.Bundle.__new__(support.Bundle)
    bundle.key, bundle.plan, bundle.blobs, bundle.files = key, support.plan(**wanted), {}, {}
    packages = []
    for name in WHEELS:
        file = wheel(name)
        blob = bundle.keep(read("wheels", file))
        packages.append({"name": name, "version": file.split("-")[1], "file": file, "wheel": blob,
                         "hashes": [blob["sha256"]]})
    file = wheel(installer)
    bundle.lock = {
        "base": bundle.keep(read("base.sif")), "dependencies_checked": False, "packages": packages,
        "files": [bundle.keep_file(b"[app]\n") for _ in bundle.plan["files"]], "sealift_lock": 1,
        "installer": {"name": installer, "version": file.split("-")[1], "file": file,
                      "wheel": bundle.keep(read("wheels", file))}}
    bundle.add_texts(None)
    bundle.seal({})
    bundle.signatures = [key.minisig(bundle.manifest, bundle.statement("prepare"))]
    return bundle


class OnTheNode(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not os.path.exists(os.path.join(NODE, "wheels.key")):
            raise RuntimeError("there is no node in '%s': run 'sh tests/node/up'" % NODE)

    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="home.", dir=os.path.join(NODE, "share"))
        self.addCleanup(shutil.rmtree, self.home)
        self.key = support.Key("preparer")
        os.mkdir(os.path.join(self.home, "config"))
        os.mkdir(os.path.join(self.home, "data"))
        policy = {"keys": [self.key.entry()], "sealift_policy": 1}
        with open(os.path.join(self.home, "config", "policy.json"), "w") as file:
            json.dump(policy, file)
        for at, _, names in os.walk(self.home):
            for path in [at] + [os.path.join(at, name) for name in names]:
                os.chown(path, NODE_UID, NODE_UID)
        os.chmod(self.home, 0o755)

    def agent(self, requests, raw=b""):
        """The program as the local transport runs it: its source first, then requests."""
        with open(support.AGENT, "rb") as file:
            text = file.read()
        lines = "".join(json.dumps(request) + "\n" for request in requests).encode()
        done = self.inside("python3", "-I", "-c", support.BOOT,
                           input=b"%d\n" % len(text) + text + lines + raw)
        self.assertEqual(0, done.returncode)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def inside(self, *argv, **more):
        home = "SEALIFT_HOME=/share/" + os.path.basename(self.home)
        return subprocess.run(["sh", os.path.join(HERE, "enter"), "--env", home] + list(argv),
                              stdout=subprocess.PIPE, timeout=600,
                              env=dict(os.environ, SEALIFT_NODE=NODE), **more)

    def deliver(self, bundle):
        objects = bundle.objects()
        request = {"op": "put", "objects": [{"sha256": name, "size": len(data), "stream": True}
                                            for name, data in objects.items()]}
        answer, = self.agent([request], b"".join(objects.values()))
        self.assertTrue(answer["ok"], answer)

    def wait(self, bundle, *states):
        for _ in range(600):
            answer, = self.agent([{"op": "state", "bundle": bundle.id}])
            if answer["state"] in states:
                return answer
            time.sleep(0.3)
        self.fail(answer)

    def start(self, bundle):
        answer, = self.agent([bundle.request()])
        self.assertTrue(answer["ok"], answer)
        self.assertEqual("building", answer["state"])
        return answer

    def path(self, *parts):
        return os.path.join(self.home, "data", *parts)

    def test_a_bundle_becomes_an_image(self):
        for installer in ("pip", "uv"):
            with self.subTest(installer=installer):
                bundle = real_bundle(self.key, installer)
                self.deliver(bundle)
                self.start(bundle)
                state = self.wait(bundle, "done", "failed", "interrupted")
                self.assertEqual("done", state["state"], state)
                answer, = self.agent([{"op": "receipt", "bundle": bundle.id}])
                self.check_receipt(bundle, answer["receipt"])

    def check_receipt(self, bundle, receipt):
        print(json.dumps(receipt["timings"]), file=sys.stderr)
        locked = [{"name": p["name"], "version": p["version"]} for p in bundle.lock["packages"]]
        self.assertEqual({"installed": locked, "differences": []}, receipt["packages"])
        self.assertEqual("passed", receipt["test"])
        self.assertEqual("zstd", receipt["image"]["partition"]["compression"])
        labels = {label["name"]: label["value"] for label in receipt["labels"]}
        self.assertEqual(bundle.id, labels["org.sealift.bundle"])
        self.assertEqual("physics group", labels["team"])
        image = self.path("images", "sha256", bundle.id + ".sif")
        with open(image, "rb") as file:
            self.assertEqual(support.sha256(file.read()), receipt["image"]["sha256"])
        self.assertTrue(os.path.samefile(image, self.path("images", "demo-1.0.0.sif")))
        self.assertEqual([], os.listdir(self.path("builds")))
        done = self.inside("apptainer", "-q", "run", receipt["image"]["named_path"], "python3", "-c",
                           "import click, os, sys; print(sys.prefix, os.environ['GREETING'], "
                           "open('/etc/app.ini').read())")
        self.assertEqual("/opt/venv a \"quoted\" $word {{{x [app]\n\n", done.stdout.decode())

    def test_t72_the_supervisor_is_killed(self):
        bundle = real_bundle(self.key, post=[{"network": "any", "run":
                             "if [ ! -e /var/tmp/sealift-once ]; then sleep 300; fi\n"}])
        self.deliver(bundle)
        os.kill(self.start(bundle)["pid"], 0)
        log = self.path("bundles", bundle.id, "build.log")
        for _ in range(600):
            with open(log, "rb") as file:
                if b"+ sh -eu /.sealift/scripts/post-01.sh" in file.read():
                    break
            time.sleep(0.1)
        answer, = self.agent([bundle.request()])
        os.kill(answer["pid"], signal.SIGKILL)
        self.assertEqual("interrupted", self.wait(bundle, "interrupted", "failed", "done")["state"])
        self.inside("touch", "/var/tmp/sealift-once")
        self.addCleanup(self.inside, "rm", "/var/tmp/sealift-once")
        self.start(bundle)
        state = self.wait(bundle, "done", "failed", "interrupted")
        self.assertEqual("done", state["state"], state)
        self.assertEqual([], os.listdir(self.path("builds")))
        self.assertEqual(b"", self.inside("sh", "-c", "ls /var/tmp | grep sealift-[0-9a-f] || :").stdout)

    def test_a_wrong_target_fails_with_its_sentence(self):
        target = {"glibc": "2.36", "platform": "linux/" + os.uname().machine, "python": "3.11.9"}
        bundle = real_bundle(self.key, target=target)
        self.deliver(bundle)
        self.start(bundle)
        state = self.wait(bundle, "done", "failed")
        self.assertEqual("failed", state["state"])
        self.assertIn("the base image has cpython 3.11.2, the target is cpython 3.11.9",
                      state["log"]["tail"])
        self.assertFalse(os.listdir(self.path("images", "sha256")))

    def test_probe(self):
        answer, = self.agent([{"op": "probe"}])
        self.assertTrue(answer["user_namespaces"], answer)
        self.assertTrue(answer["zstd"]["writes"])
        self.assertIn("squashfuse", " ".join(answer["zstd"]["readers"]))
        self.assertEqual("tmpfs", answer["tmp"]["kind"])
        self.assertRegex(answer["apptainer_version"], "^apptainer version 1[.]")


if __name__ == "__main__":
    unittest.main()
