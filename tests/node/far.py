# SPDX-License-Identifier: Apache-2.0
"""What the tests of the uploader before a real endpoint share: the account there, the preparer here, and
an uploader that runs in the namespace of globus.py."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(ROOT / "tests/cli"), str(ROOT / "tests/uploader")]
import globus  # noqa: E402
import make_example  # noqa: E402

SEALIFT, UPLOAD = os.environ["SEALIFT"], os.environ["SEALIFT_UPLOAD"]


class Account:
    """SEALIFT_HOME of the account at the endpoints. With `stand_in` its apptainer is a short program that
    writes a SIF of nothing and counts how often it was asked to build."""

    def __init__(self, stand_in=False):
        share = os.path.join(globus.node_folder(), "share")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="home.", dir=share))
        self.inside = "/share/" + self.folder.name
        for name in ("config", "data", "state", "scratch", "tools"):
            (self.folder / name).mkdir()
        self.environment = {"SEALIFT_HOME": self.inside}
        if stand_in:
            self._install_stand_in()
        subprocess.run(["chown", "-R", f"{globus.NODE_UID}:{globus.NODE_UID}", self.folder], check=True)
        self.folder.chmod(0o755)

    def _install_stand_in(self):
        import line
        text = line.STAND_IN.split("\n", 1)[1]
        for name, body in (("apptainer", "#!/usr/bin/python3\n" + text), ("unshare", "#!/bin/sh\nexit 0\n")):
            (self.folder / "tools" / name).write_text(body)
            (self.folder / "tools" / name).chmod(0o755)
        self.configure({"scratch": self.inside + "/scratch"})
        self.environment["PATH"] = self.inside + "/tools:/home/node/venv/bin:/usr/bin:/bin"

    def configure(self, site):
        (self.folder / "config/site.json").write_text(json.dumps(site))

    def behave(self, code):
        (self.folder / "tools/behaviour").write_text(code)

    def launches(self):
        """The bundles that a build was started for, oldest first."""
        path = self.folder / "tools/launches"
        lines = path.read_text().splitlines() if path.exists() else []
        return [re.search(r"[0-9a-f]{64}", " ".join(json.loads(line)["argv"])).group() for line in lines]

    def trust(self, policy):
        shutil.copy(policy, self.folder / "config/policy.json")
        (self.folder / "config/policy.json").chmod(0o644)

    def remove(self):
        shutil.rmtree(self.folder, onerror=globus.make_writable)


class Preparer:
    """A person with a key, who makes bundles where there is no network at all."""

    def __init__(self):
        self.made = tempfile.TemporaryDirectory(prefix="sealift-far-")
        self.folder = pathlib.Path(self.made.name)
        self.env = {"SEALIFT_HOME": str(self.folder / "home")}
        self.sealift("-q", "key", "new", "--no-password")

    @property
    def policy(self):
        return self.folder / "home/config/policy.json"

    def sealift(self, *words, prefix=()):
        done = subprocess.run([*prefix, SEALIFT, *map(str, words)], env=dict(os.environ, **self.env), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def small(self, versions, blobs=0, blob_size=0):
        """Bundles that differ in their version only."""
        example = self.folder / f"example-{blobs}-{blob_size}"
        if not example.exists():
            make_example.make(str(example), blobs, blob_size)
        paths = []
        for version in versions:
            spec = example / f"spec-{version}.yaml"
            spec.write_text(re.sub(r"(?m)^version: .*", f"version: {version}", (example / "spec.yaml").read_text()))
            paths.append(self.folder / f"small-{blobs}-{version}.sealift")
            self.sealift("-q", "compile", spec, "-o", paths[-1], prefix=("unshare", "-n"))
        return paths

    def example(self, old=None):
        """The folder of the README's example, sealed; with `old` the one for that release."""
        node, example = pathlib.Path(globus.node_folder()), self.folder / "pandas"
        if example.exists():
            return example
        if old:
            shutil.copytree(pathlib.Path(old) / "example", example)
            return example
        example.mkdir()
        for name in ("pandas.yaml", "requirements.lock"):
            shutil.copy(ROOT / "specs/examples/pandas" / name, example)
        subprocess.run(["cp", "-a", node / "wheels", node / "base.sif", example], check=True)
        return example

    def pandas(self, old=None):
        """The bundle of that example."""
        path = self.folder / "pandas.sealift"
        self.sealift("compile", self.example(old) / "pandas.yaml", "-o", path, prefix=("unshare", "-n"))
        return path

    def remove(self):
        self.made.cleanup()


def start_all():
    """Cloud, account and preparer, and an endpoint "builder" whose apptainer is the short program; for
    setUpModule. They end with the module."""
    cloud, account, preparer = globus.Cloud(), Account(stand_in=True), Preparer()
    for one in (preparer.remove, account.remove, cloud.close):
        unittest.addModuleCleanup(one)
    account.trust(preparer.policy)
    cloud.start_endpoint("builder", environment=account.environment)
    return cloud, account, preparer


class Uploader:
    """sealift-upload with a ledger of its own, in the namespace of a cloud."""

    def __init__(self, cloud, preparer, name):
        self.cloud, self.folder = cloud, preparer.folder / name
        self.folder.mkdir()
        self.env = dict(preparer.env)
        self.words = ("--state-dir", str(self.folder / "state"))

    def command(self, *words):
        return [UPLOAD, *map(str, words), *self.words]

    def call(self, *words, timeout=400, **login):
        """Exit code, stdout, stderr."""
        done = self.cloud.run(self.command(*words), environment={**self.env, **login}, text=True, cwd=self.folder,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
        return done.returncode, done.stdout, done.stderr

    def measure(self, *words):
        """As `call`, and the most memory that it had, in KiB, by the kernel's own mark of the program that
        the namespace's helper has become: what was there before that is not counted."""
        peak, mark = 0, re.compile(r"^VmHWM:\s+(\d+) kB", re.M)
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            process = subprocess.Popen(self.cloud.namespace.command(self.command(*words)), cwd=self.folder, text=True,
                                       env={**os.environ, **self.cloud.login(), **self.env}, stdin=subprocess.DEVNULL,
                                       stdout=out, stderr=err)
            while process.poll() is None:
                try:
                    found = mark.search(pathlib.Path("/proc", str(process.pid), "status").read_text())
                    peak = max(peak, int(found.group(1))) if found else peak
                except OSError:
                    pass  # it has just ended
                time.sleep(0.1)
            for file in (out, err):
                file.seek(0)
            return process.returncode, out.read(), err.read(), peak

    def start(self, *words, **login):
        return subprocess.Popen(self.cloud.namespace.command(self.command(*words)), cwd=self.folder, text=True,
                                env={**os.environ, **self.cloud.login(), **self.env, **login}, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)

    @staticmethod
    def kill(process):
        """All of what was started: the namespace's helper and the uploader."""
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.communicate()

    def configure(self, **values):
        path = self.folder / "builder.json"
        path.write_text(json.dumps(values))
        return path

    def rows(self):
        code, out, err = self.call("status", "--json")
        assert code == 0, err
        return json.loads(out)["submissions"]
