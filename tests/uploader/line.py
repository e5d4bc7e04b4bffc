# SPDX-License-Identifier: Apache-2.0
"""What tests of the whole line share: real bundles by `sealift`, the real agent, and a stand-in for
Apptainer that counts its launches (the real one is used in tests/node)."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / one) for one in ("tests/cli", "tests/bundles/format", "tests/uploader/agent")]
import maker  # noqa: E402
import make_example  # noqa: E402
import reader  # noqa: E402
import support  # noqa: E402

SEALIFT, UPLOAD = os.environ["SEALIFT"], os.environ["SEALIFT_UPLOAD"]

# Two builds at once must not share what the stand-in remembers of an image.
STAND_IN = support.STAND_IN % {"python": support.PYTHON}
assert STAND_IN.count('os.path.join(here, "state")') == 3
STAND_IN = STAND_IN.replace('os.path.join(here, "state")', "state_of_image()").replace("words = sys.argv[1:]", """
def state_of_image():
    image = next(word for word in sys.argv if "/images/" in word)
    return os.path.join(here, "state-" + os.path.basename(image))
words = sys.argv[1:]""")


class Home:
    """A SEALIFT_HOME with a PATH of its own: one person on one machine."""

    def __init__(self, folder, config):
        self.folder = pathlib.Path(folder)
        self.home, self.tools = self.folder / "home", self.folder / "tools"
        shutil.copytree(config, self.home / "config")
        for path in (self.tools, self.folder / "scratch", self.folder / "work"):
            path.mkdir()
        self.tool("apptainer", STAND_IN)
        self.tool("unshare", "#!/bin/sh\nexit 0\n")
        (self.home / "config/site.json").write_text(json.dumps({"scratch": str(self.folder / "scratch")}))
        self.builder = self.folder / "builder.json"
        self.configure()
        self.env = {"SEALIFT_HOME": str(self.home), "HOME": str(self.folder), "LANG": "C.UTF-8",
                    "PATH": f"{self.tools}:{os.path.dirname(support.PYTHON)}:/usr/bin:/bin",
                    "TMPDIR": str(self.folder / "scratch"), "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}

    def configure(self, launcher=("python3",), **more):
        self.builder.write_text(json.dumps({"launcher": list(launcher), "poll_ms": 10, **more}))

    def tool(self, name, text):
        path = self.tools / name
        path.write_text(text)
        path.chmod(0o755)

    def launches(self):
        try:
            return len((self.tools / "launches").read_text().splitlines())
        except FileNotFoundError:
            return 0

    def command(self, *words):
        return [UPLOAD, *map(str, words)]

    def call(self, *words, prefix=(), **more):
        """Runs sealift-upload; returns exit code, stdout, stderr."""
        settings = dict(env=self.env, cwd=self.folder / "work", capture_output=True, text=True,
                        stdin=subprocess.DEVNULL, timeout=120)
        settings.update(more)
        done = subprocess.run([*prefix, *self.command(*words)], **settings)
        return done.returncode, done.stdout, done.stderr

    def start(self, *words):
        return subprocess.Popen(self.command(*words), env=self.env, cwd=self.folder / "work", text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def add(self, *bundles, **more):
        words = [word for name, value in more.items() for word in ("--" + name.replace("_", "-"), value)]
        return self.call("add", *bundles, "--builder", "local", "--builder-config", self.builder, *words)

    def rows(self):
        code, out, err = self.call("status", "--json")
        assert code == 0, err
        return json.loads(out)["submissions"]

    def export(self):
        code, out, err = self.call("export")
        assert code == 0, err
        return json.loads(out)["submissions"]

    def tree(self, *parts):
        root = self.home.joinpath(*parts)
        return sorted(str(path.relative_to(root)) for path in root.rglob("*")) if root.exists() else []

    def processes(self):
        mark, found = f"SEALIFT_HOME={self.home}".encode(), []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                if mark in pathlib.Path("/proc", name, "environ").read_bytes().split(b"\0"):
                    found.append(int(name))
            except OSError:
                pass
        return found

    def clean_up(self):
        for pid in self.processes():
            os.kill(pid, 9)


class Line(unittest.TestCase):
    """One key and one example for all tests of a class; a new home for each test."""

    @classmethod
    def setUpClass(cls):
        cls.made = tempfile.TemporaryDirectory(prefix="sealift-line-")
        cls.addClassCleanup(cls.made.cleanup)
        cls.shared = pathlib.Path(cls.made.name)
        cls.shared.chmod(0o755)
        cls.config = cls.shared / "home/config"
        cls.key = str(cls.config / "sealift.key")
        cls.sealift("key", "new", "--no-password")
        make_example.make(str(cls.shared / "example"))
        cls.good = cls.compile("1.0.0")

    @classmethod
    def sealift(cls, *words):
        env = dict(os.environ, SEALIFT_HOME=str(cls.shared / "home"))
        subprocess.run([SEALIFT, "-q", *map(str, words)], check=True, env=env, capture_output=True)

    @classmethod
    def compile(cls, version):
        """The example as another version: another bundle with the same wheels."""
        spec = cls.shared / "example" / f"spec-{version}.yaml"
        text = (cls.shared / "example/spec.yaml").read_text()
        spec.write_text(re.sub(r"(?m)^version: .*", f"version: {version}", text))
        path = cls.shared / f"small-image-{version}.sealift"
        cls.sealift("compile", spec, "-o", path)
        return path

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sealift-line-")
        self.addCleanup(subprocess.call, f"chmod -R u+rwX '{self.folder}'; rm -rf '{self.folder}'", shell=True)
        os.chmod(self.folder, 0o755)
        self.host = self.new_home("one")

    def new_home(self, name):
        path = pathlib.Path(self.folder, name)
        path.mkdir()
        path.chmod(0o755)
        host = Home(path, self.config)
        self.addCleanup(host.clean_up)
        return host

    def reseal(self, change, key=None):
        """The good bundle with one thing changed, sealed again by Python and minisign."""
        parts = maker.Parts.of(reader.read(str(self.good)))
        change(parts)
        path = pathlib.Path(self.folder, "resealed.sealift")
        maker.write(str(path), parts, key=key or self.key)
        return path
