#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No command of sealift has a network or another program once it looks at input, from any thread; and
all of them do their work on a kernel without Landlock. specs/sandbox.md."""
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import inside  # noqa: E402
import make_example  # noqa: E402

SEALIFT = inside.SEALIFT
REFUSED = ["socket", "kill", "unshare"]
if not inside.SANITIZED:  # the search for leaks forks and traces
    REFUSED += ["execve", "fork", "code"]


class Calls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        make_example.make("example")
        for words in (["key", "new", "--no-password"], ["compile", "example/spec.yaml", "-o", "a.sealift"]):
            subprocess.run([SEALIFT, "-q", *words], check=True, stdout=subprocess.DEVNULL)

    def commands(self, name):
        """Each with its status; what is made is called by `name`."""
        key = pathlib.Path(os.environ["HOME"], ".config/sealift/sealift.key")
        return [
            (["verify", "a.sealift", "--evidence", f"{name}.json"], 0),
            (["inspect", "a.sealift"], 0),
            (["cat", "a.sealift", "plan.json"], 0),
            (["extract", "a.sealift", "-C", name], 0),
            (["check", "example/spec.yaml"], 0),
            (["compile", "example/spec.yaml", "-o", f"{name}.sealift"], 0),
            (["key", "show", str(key)], 0),
            (["trust", "list"], 0),
            (["policy", "check"], 0),
            (["policy", "explain"], 0),
            (["revoke", "a.sealift"], 0),
            (["approve", "a.sealift"], 3),  # it was prepared with this key
        ]

    def test_refused_in_each_thread(self):
        if not inside.can_look():
            self.fail("this program is static: the quick tests are for a build that takes a library")
        look = inside.Inside()
        self.addCleanup(look.close)
        for words, status in self.commands("looked"):
            with self.subTest(words[0:2]):
                found, done = look.look(words, [f"call {name}" for name in REFUSED])
                wanted = {(thread, f"call {name}"): "EPERM" for name in REFUSED for thread in ("first", "second")}
                wanted.update({("first", "seccomp"): "2", ("second", "seccomp"): "2"})
                self.assertEqual(found, wanted)
                self.assertEqual(done.returncode, status, done.stderr)

    def test_a_kernel_without_landlock(self):
        for error in ("ENOSYS", "EOPNOTSUPP"):
            for words, status in self.commands(error):
                with self.subTest(error=error, words=words[0:2]):
                    subprocess.run(["rm", "-rf", error], check=True)
                    for path in pathlib.Path().glob("*.minisig"):
                        path.unlink()
                    done = subprocess.run(
                        ["strace", "-f", "-qq", "-o", "trace", "-e", f"inject=landlock_create_ruleset:error={error}",
                         SEALIFT, "-v", *words], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                        env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
                    self.assertEqual(done.returncode, status, done.stderr)
                    confined = words[0] not in ("compile", "approve", "revoke")
                    self.assertEqual("cannot confine" in done.stderr, confined, done.stderr)
                    self.assertEqual("landlock_create_ruleset(" in pathlib.Path("trace").read_text(), confined)

    def test_a_kernel_that_refuses(self):
        """It could, and does not: nothing is read."""
        for call in ("landlock_restrict_self", "landlock_add_rule", "seccomp"):
            with self.subTest(call):
                done = subprocess.run(
                    ["strace", "-qq", "-o", "trace", "-e", f"inject={call}:error=ENOMEM", SEALIFT, "verify",
                     "a.sealift"], capture_output=True, text=True, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
                refused = call == "seccomp" or inside.landlock_version() > 0
                self.assertEqual(done.returncode, 70 if refused else 0, done.stderr)
                self.assertEqual("the kernel refuses" in done.stderr, refused)
                if refused:
                    self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main()
