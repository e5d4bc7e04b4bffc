#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A command that reads can open what it was given and nothing else, from any thread. specs/sandbox.md."""
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import inside  # noqa: E402
import make_example  # noqa: E402

SEALIFT = inside.SEALIFT
HOME = pathlib.Path(os.environ["HOME"])
CONFIG = HOME / ".config/sealift"
STATE = HOME / ".local/state/sealift"


def run(*words, **more):
    return subprocess.run([SEALIFT, "-q", *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, **more)


class Paths(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        make_example.make("example")
        assert run("key", "new", "--no-password").returncode == 0
        assert run("compile", "example/spec.yaml", "-o", "a.sealift").returncode == 0
        assert run("key", "new", "--no-password", "-o", "second").returncode == 0
        assert run("approve", "a.sealift", "--key", "second.key", "-C", ".").returncode == 0
        next(pathlib.Path().glob("*.minisig")).rename("approval.minisig")
        for folder in ("sub", "out", "other", "policies/signatures"):
            pathlib.Path(folder).mkdir(parents=True)
        (CONFIG / "signatures").mkdir()
        STATE.mkdir(parents=True)
        for path in ("other/file", "sub/file", "policies/signatures/x.txt", "policies/near"):
            pathlib.Path(path).write_text("x")
        pathlib.Path("policies/p.json").write_bytes((CONFIG / "policy.json").read_bytes())
        cls.inside = inside.Inside()

    @classmethod
    def tearDownClass(cls):
        cls.inside.close()

    def look(self, words, can, cannot):
        wanted = {(thread, line): "done" for line in can for thread in ("first", "second")}
        wanted.update({(thread, line): "EACCES" for line in cannot for thread in ("first", "second")})
        found, done = self.inside.look(words, [*can, *cannot])
        self.assertEqual({key: value for key, value in found.items() if key[1] != "seccomp"}, wanted)
        self.assertEqual(done.returncode, 0, done.stderr)

    NEVER = ["r /etc/passwd", "r other/file", "r .", "r /", f"r {CONFIG}/sealift.key", "w a.sealift", "m new", "m other/new",
             "w other/file", f"m {CONFIG}/new", f"w {CONFIG}/policy.json"]

    def test_verify(self):
        self.look(["verify", "a.sealift", "--evidence", "out/e.json"],
                  ["r a.sealift", f"r {CONFIG}/policy.json", f"r {CONFIG}/signatures", f"m {STATE}/x", "m out/x"],
                  self.NEVER)
        self.look(["verify", "a.sealift", "--policy", "policies/p.json", "--signatures", "sub"],
                  ["r policies/p.json", "r policies/signatures/x.txt", "r sub/file"],
                  [*self.NEVER, "r policies/near", "m sub/x", "m out/x"])

    def test_inspect_and_cat(self):
        for words in (["inspect", "a.sealift"], ["cat", "a.sealift", "spec"]):
            self.look(words, ["r a.sealift"], [*self.NEVER, f"m {STATE}/x"])

    def test_extract(self):
        self.look(["extract", "a.sealift", "-C", "out/made"], ["r a.sealift", "m out/x"], [*self.NEVER, f"m {STATE}/x"])

    def test_attach(self):
        done = run("trust", "add", "second.pub", "--role", "approve", "--policy", "policies/p.json")
        self.assertEqual(done.returncode, 0, done.stderr)
        pathlib.Path("copy").write_bytes(pathlib.Path("a.sealift").read_bytes())
        self.look(["attach", "a.sealift", "approval.minisig", "-o", "out/b.sealift", "--policy", "policies/p.json"],
                  ["r a.sealift", "r approval.minisig", "m out/x"], [*self.NEVER, "r second.key", f"m {STATE}/x"])
        self.look(["attach", "a.sealift", "approval.minisig", "-o", "out/c.sealift", "--key", "second.pub"],
                  ["r second.pub", "m out/x"], [*self.NEVER, "r second.key"])
        done = run("attach", "copy", "approval.minisig", "-o", "copy", "--policy", "policies/p.json")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_keys_and_policies(self):
        never = [line for line in self.NEVER if "sealift.key" not in line]
        self.look(["key", "show", str(CONFIG / "sealift.key")], [f"r {CONFIG}/sealift.key"], never)
        self.look(["trust", "list"], [f"r {CONFIG}/policy.json"], self.NEVER)
        self.look(["policy", "check", "policies/p.json"], ["r policies/p.json"], [*self.NEVER, "r policies/near"])
        self.look(["policy", "explain", "policies/p.json"], ["r policies/p.json"], [*self.NEVER, "r policies/near"])

    def test_check(self):
        self.look(["check", "example/spec.yaml"], ["r example/base.sif", "r example/wheels"],
                  [*self.NEVER, "w example/base.sif", "m example/x"])

    # ---- what works all the same ------------------------------------------------------------

    def test_links_and_standard_input(self):
        pathlib.Path("link").symlink_to("sub/second")
        pathlib.Path("sub/second").symlink_to("../a.sealift")
        pathlib.Path("to-example").symlink_to("example")
        for words in (["verify", "link"], ["inspect", "link"], ["cat", "link", "spec"], ["check", "to-example/spec.yaml"]):
            self.assertEqual(run(*words).returncode, 0, words)
        for path in ("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"):
            with open("a.sealift") as file:
                done = subprocess.run([SEALIFT, "verify", path], stdin=file, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
        # Removed, and still open.
        pathlib.Path("gone").write_bytes(pathlib.Path("a.sealift").read_bytes())
        with open("gone") as file:
            pathlib.Path("gone").unlink()
            done = subprocess.run([SEALIFT, "verify", "/dev/stdin"], stdin=file, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_mistakes_are_told_as_before(self):
        os.mkfifo("fifo")
        for path, text in (("absent", "No such file or directory"), ("sub", "it is a folder"),
                           ("fifo", "not a regular file"), ("/dev/null", "not a regular file"),
                           ("absent/x", "No such file or directory"), ("a.sealift/x", "Not a directory"), ("", "No such")):
            done = run("verify", path)
            self.assertEqual(done.returncode, 5, done.stderr)
            self.assertIn(text, done.stderr)
        done = subprocess.run(f"cat a.sealift | '{SEALIFT}' verify /dev/stdin", shell=True, capture_output=True, text=True)
        self.assertIn("not a regular file", done.stderr)
        self.assertIn("No such file", run("extract", "a.sealift", "-C", "absent/x").stderr)
        self.assertIn("exists already", run("extract", "a.sealift", "-C", "sub").stderr)
        self.assertIn("No such file", run("verify", "a.sealift", "--evidence", "absent/x").stderr)

    def test_a_home_that_is_not_there_yet(self):
        home = pathlib.Path("fresh/home").absolute()
        (home / "config").mkdir(parents=True)
        (home / "config/policy.json").write_bytes((CONFIG / "policy.json").read_bytes())
        done = run("verify", "a.sealift", env=dict(os.environ, SEALIFT_HOME=str(home)))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(sorted(os.listdir(home / "state")), ["seen.json", "seen.json.lock"])


if __name__ == "__main__":
    if inside.landlock_version() < 1 or not inside.can_look():
        print("this kernel confines nobody to paths, or this program is static")
        sys.exit(77)
    unittest.main()
