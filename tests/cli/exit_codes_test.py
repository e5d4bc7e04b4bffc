#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""specs/exit-codes.md for what a command line can name: every command that opens a file, over every
way in which a file can be no good. One complaint each, nothing on stdout, nothing written."""
import base64
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["SEALIFT_SOURCE_DIR"])
SEALIFT, UPLOAD = os.environ["SEALIFT"], os.environ["SEALIFT_UPLOAD"]
sys.path.insert(0, str(SOURCE / "tests" / "cli"))
import make_example  # noqa: E402

NOBODY = 65534
IO, LIMIT, BROKEN = 5, 7, 3
FILE = {"missing": IO, "folder": IO, "fifo": IO, "unreadable": IO, "empty": BROKEN, "huge": LIMIT}
FOLDER = {"missing": IO, "fifo": IO, "unreadable-folder": IO, "empty": IO}
NEW_POLICY = {key: value for key, value in FILE.items() if key != "missing"}  # it is made

# What is run; X is the input. The second column names the file that X is in the place of.
COMMANDS = [
    ("check X", "spec", FILE),
    ("compile X -o out", "spec", FILE),
    ("compile example/spec.yaml -o out --key X", "key", FILE),
    ("compile example/spec.yaml -o out --key locked.key --password-file X", "password", FILE),
    ("compile example/spec.yaml -o out --wheelhouse X", "folder", FOLDER),
    ("verify X", "bundle", FILE),
    ("verify good.sealift --policy X", "policy", FILE),
    ("inspect X", "bundle", FILE),
    ("inspect good.sealift --policy X", "policy", FILE),
    ("cat X spec", "bundle", FILE),
    ("cat good.sealift spec --policy X", "policy", FILE),
    ("extract X -C out", "bundle", FILE),
    ("extract good.sealift -C out --policy X", "policy", FILE),
    ("key show X", "key", FILE),
    ("key show locked.key --password-file X", "password", FILE),
    ("key new -o out --password-file X", "password", FILE),
    ("trust add X --name other", "key", FILE),
    ("trust add other.pub --name other --policy X", "policy", NEW_POLICY),
    ("trust list --policy X", "policy", FILE),
    ("trust remove other --policy X", "policy", FILE),
    ("UPLOAD add X --builder local --state-dir state", "bundle", FILE),
    ("UPLOAD push X --builder local --state-dir state", "bundle", FILE),
    ("UPLOAD push good.sealift --builder local --state-dir state --policy X", "policy", FILE),
    ("UPLOAD push good.sealift --builder local --state-dir state --builder-config X", "config", FILE),
]


def huge_bundle(good):
    """A head that announces a manifest above its limit, in a file that is long enough for it."""
    head = bytearray(good[:512])
    head[124:136] = b"%011o\0" % (1 << 30)
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head)


class ExitCodes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keep = tempfile.TemporaryDirectory()
        cls.root = pathlib.Path(cls.keep.name)
        cls.env = dict(os.environ, SEALIFT_HOME=str(cls.root / "home"))
        (cls.root / "example").mkdir()
        (cls.root / "password").write_text("secret\n")
        make_example.make(str(cls.root / "example"))
        for line in ("key new --no-password", "key new -o other --no-password",
                     "compile example/spec.yaml --allow-open -o good.sealift"):
            subprocess.run([SEALIFT, "-q", *line.split()], check=True, env=cls.env, cwd=cls.root,
                           stdout=subprocess.DEVNULL)
        # that a key says it has a password is all that is looked at here: none ever opens it
        comment, encoded = (cls.root / "other.key").read_text().splitlines()
        record = bytearray(base64.b64decode(encoded))
        record[2:4] = b"Sc"
        (cls.root / "locked.key").write_text(f"{comment}\n{base64.b64encode(record).decode()}\n")
        # the build folder may lie where only its owner gets in
        (cls.root / "programs").mkdir()
        cls.programs = {path: shutil.copy(path, cls.root / "programs") for path in (SEALIFT, UPLOAD)}
        cls.make_inputs()
        for folder, _, names in os.walk(cls.root):
            os.chmod(folder, 0o755 if "closed" not in folder else 0o000)
            for name in names:
                path = pathlib.Path(folder, name)
                if path.is_file() and name != "unreadable":
                    path.chmod(0o755 if path.parent.name == "programs" else 0o644)

        if os.getuid() == 0:
            os.chown(cls.root / "nobodys-state", NOBODY, NOBODY)

    @classmethod
    def make_inputs(cls):
        (cls.root / "folder").mkdir()
        (cls.root / "closed-folder").mkdir()
        (cls.root / "nobodys-state").mkdir()
        (cls.root / "home/state").mkdir()  # else verify makes it, for its owner only
        (cls.root / "empty").touch()
        (cls.root / "unreadable").write_text("something\n")
        (cls.root / "unreadable").chmod(0)
        os.mkfifo(cls.root / "fifo")
        good = (cls.root / "good.sealift").read_bytes()
        (cls.root / "huge-bundle").write_bytes(huge_bundle(good))
        os.truncate(cls.root / "huge-bundle", (1 << 30) + 4096)
        for what, size in (("spec", (1 << 20) + 1), ("key", 4097), ("password", 4096), ("policy", (1 << 20) + 1),
                           ("config", (1 << 20) + 1)):
            (cls.root / f"huge-{what}").write_bytes(b"#" * size)

    @classmethod
    def tearDownClass(cls):
        os.chmod(cls.root / "closed-folder", 0o755)
        cls.keep.cleanup()

    def input_for(self, fault, what):
        names = {"missing": "nowhere", "huge": f"huge-{what}", "unreadable-folder": "closed-folder"}
        return names.get(fault, fault)

    def run_as_nobody(self, words):
        def become():
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
        words = [self.programs[words[0]], *words[1:]]
        return subprocess.run(words, capture_output=True, text=True, env=self.env, cwd=self.root, preexec_fn=become,
                              stdin=subprocess.DEVNULL, timeout=60)

    def one(self, line, fault, what, wanted):
        words = line.split()
        program = [SEALIFT]
        if words[0] == "UPLOAD":
            program, words = [UPLOAD], words[1:]
        words = [self.input_for(fault, what) if word == "X" else word for word in words]
        # as root nothing is unreadable
        if fault.startswith("unreadable"):
            words = ["nobodys-state" if word == "state" else word for word in words]
        done = self.run_as_nobody(program + words) if fault.startswith("unreadable") else subprocess.run(
            program + words, capture_output=True, text=True, env=self.env, cwd=self.root, stdin=subprocess.DEVNULL,
            timeout=60)
        self.assertEqual(done.returncode, wanted, done.stdout + done.stderr)
        self.assertIn(self.input_for(fault, what), done.stderr)
        self.assertEqual(list(self.root.glob("out*")), [])

    def test_what_a_spec_names_is_a_mistake_of_the_spec(self):
        spec = (self.root / "example/spec.yaml").read_text()
        (self.root / "example/folder").mkdir()
        os.mkfifo(self.root / "example/fifo")
        (self.root / "example/empty").touch()
        for fault in ("missing", "folder", "fifo", "empty"):
            (self.root / "example/bad.yaml").write_text(spec.replace("base.sif", self.input_for(fault, "base")))
            for command in ("check example/X", "compile example/X -o out"):
                with self.subTest(command=command, fault=fault):
                    done = subprocess.run([SEALIFT, *command.replace("X", "bad.yaml").split()], capture_output=True,
                                          text=True, env=self.env, cwd=self.root, timeout=60)
                    self.assertEqual(done.returncode, BROKEN, done.stderr)
                    self.assertIn("bad.yaml:5:", done.stderr)
                    self.assertFalse((self.root / "out").exists())

    def test_every_command_over_every_bad_input(self):
        for line, what, faults in COMMANDS:
            for fault, wanted in faults.items():
                with self.subTest(command=line, fault=fault):
                    self.one(line, fault, what, wanted)


if __name__ == "__main__":
    unittest.main()
