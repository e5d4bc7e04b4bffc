#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""/dev/full as the standard output of everything that prints: status 5 and a sentence, whatever the answer
was; as standard error it changes nothing."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import table  # noqa: E402

UPLOAD = os.environ["SEALIFT_UPLOAD"]
INPUTS = "../inputs/"
PRINTS = [
    "--help", "--version", "help", "verify --help", "verify a.sealift", "verify a.sealift --json", "verify nothing.sealift",
    "inspect a.sealift", "inspect a.sealift --json", "cat a.sealift spec", "cat a.sealift manifest.json",
    "check example/spec.yaml", "check example/spec.yaml --json", "check broken.yaml --json", "key show second.pub",
    "key show second.key --json", "trust list", "trust list --json", "policy check", "policy check --json", "policy explain",
    "policy explain strict.json --json", "compile example/spec.yaml -o {made}/x.sealift",
    "compile example/spec.yaml -o {made}/x.sealift --json", "extract a.sealift -C {made}/x",
    "approve a.sealift --key second.key -C {made}", "approve a.sealift --key second.key --print-comment",
    "approve a.sealift --key second.key -C {made} --json", "revoke a.sealift -C {made}", "revoke a.sealift -C {made} --json",
    "attach a.sealift approval -o {made}/x --policy trusting.json",
    "attach a.sealift approval -o {made}/x --policy trusting.json --json", "key new --no-password -o {made}/k",
    "key new --no-password -o {made}/k --json", "policy init --prepare second.pub -o {made}/p.json",
]
UPLOADER_PRINTS = ["--help", "--version", "add --help", "status --json", "export", "agent show", "agent show --json", "agent template", "agent template --json",
                   "whoami"]
SILENT = {"verify nothing.sealift"}  # what it says is an error


class Full(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keep = tempfile.TemporaryDirectory()
        cls.inputs = table.Inputs(cls.keep.name)
        (cls.inputs.path / "broken.yaml").write_text("sealift: 1\nname: x y\n")
        cls.known = {}

    @classmethod
    def tearDownClass(cls):
        cls.keep.cleanup()

    def call(self, program, line, **where):
        """Its end, and what it has made: keys are new each time."""
        made = self.inputs.path / "made"
        made.mkdir()
        done = subprocess.run([program, *line.format(made="made").split()], cwd=self.inputs.path, text=True,
                              env=self.inputs.environment(self.inputs.path), stdin=subprocess.DEVNULL,
                              **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **where})
        files = {str(path.relative_to(made)): b"a key" if path.stem == "k" else path.read_bytes()
                 for path in made.rglob("*") if path.is_file()}
        shutil.rmtree(made)
        return done, files

    def usual(self, program, line):
        if (program, line) not in self.known:
            self.known[(program, line)] = self.call(program, line)
        return self.known[(program, line)]

    def test_standard_output(self):
        for program, lines in ((table.SEALIFT, PRINTS), (UPLOAD, UPLOADER_PRINTS)):
            for line in lines:
                with self.subTest(program=pathlib.Path(program).name, line=line):
                    usual, made = self.usual(program, line)
                    self.assertEqual(usual.stdout != "", line not in SILENT, usual.stderr)
                    with open("/dev/full", "w") as full:
                        done, files = self.call(program, line, stdout=full)
                    if line in SILENT:
                        self.assertEqual(done.returncode, usual.returncode)
                        continue
                    self.assertEqual(done.returncode, 5, done.stderr)
                    self.assertRegex(done.stderr, r"sealift(-upload)?: cannot write to stdout: No space left on device\n")
                    self.assertEqual(files, made)

    def test_standard_error(self):
        for line in PRINTS:
            with self.subTest(line):
                usual, made = self.usual(table.SEALIFT, line)
                with open("/dev/full", "w") as full:
                    done, files = self.call(table.SEALIFT, line, stderr=full)
                self.assertEqual((done.returncode, files), (usual.returncode, made))

    def test_closed(self):
        """No file that is opened takes the place of a standard stream and gets what is printed."""
        def close(fds):
            return lambda: [os.close(fd) for fd in fds]
        for line in PRINTS:
            usual, made = self.usual(table.SEALIFT, line)
            for fds in ((1,), (2,), (0, 1, 2)):
                with self.subTest(line=line, closed=fds):
                    done, files = self.call(table.SEALIFT, line, preexec_fn=close(fds))
                    self.assertEqual(done.returncode, 5 if 1 in fds and line not in SILENT else usual.returncode, done.stderr)
                    self.assertEqual(files, made)

    def test_closed_streams_are_held(self):
        for line in ("compile example/spec.yaml -o {made}/x", "verify a.sealift", "extract a.sealift -C {made}/x"):
            trace = self.inputs.path / "trace"
            done, _ = self.call("strace", f"-f -qqq -o {trace} -e trace=openat -e signal=none {table.SEALIFT} {line}",
                                preexec_fn=lambda: [os.close(fd) for fd in (0, 1, 2)])
            self.assertEqual(done.returncode, 5)
            low = [text.split('"')[1] for text in trace.read_text().splitlines() if text.endswith((" = 0", " = 1", " = 2"))]
            own = [path for path in low if ".so" not in path and not path.startswith("/proc/")]
            self.assertEqual(own, ["/dev/null"] * 3)


if __name__ == "__main__":
    unittest.main()
