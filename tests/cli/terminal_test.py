#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What only happens on a terminal: asking for a password without echo, and keeping binary data and
control characters off the screen."""
import hashlib
import json
import os
import pathlib
import pty
import select
import signal
import subprocess
import sys
import tempfile
import termios
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/cli"))
import make_example  # noqa: E402

SEALIFT = os.environ["SEALIFT"]
STEERING = "[app]\n# \u202egnihton\n".encode()


class Terminal:
    """A program with a terminal of its own; `stdout` may go elsewhere."""

    def __init__(self, *words, env, cwd):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execve(words[0], words, env)
        self.shown = b""

    def read(self, seconds=0.2):
        if select.select([self.fd], [], [], seconds)[0]:
            try:
                piece = os.read(self.fd, 65536)
            except OSError:  # the other side is gone
                return b""
            self.shown += piece
            return piece
        return None

    def wait_for(self, text, seconds=60):
        end = time.monotonic() + seconds
        while text not in self.shown:
            if self.read() == b"" or time.monotonic() > end:
                raise AssertionError(f"no {text!r} in {self.shown!r}")
        self.shown = self.shown.split(text, 1)[1]

    def wait_for_no_echo(self):
        """The prompt and the terminal's mode come in this order or the other."""
        end = time.monotonic() + 60
        while termios.tcgetattr(self.fd)[3] & termios.ECHO:
            if time.monotonic() > end:
                raise AssertionError("the terminal still echoes")
            time.sleep(0.01)

    def type(self, text):
        os.write(self.fd, text)

    def exit_code(self):
        while self.read(60):
            pass
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.fd)
        return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


class TerminalTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.TemporaryDirectory()
        cls.root = pathlib.Path(cls.temp.name)
        cls.env = dict(os.environ, SEALIFT_HOME=str(cls.root / "home"))
        make_example.make(str(cls.root / "example"))
        (cls.root / "example/app.ini").write_bytes(STEERING)
        cls.call("key", "new", "--no-password")
        cls.call("compile", "example/spec.yaml", "--allow-open", "-o", "spec.sealift")
        cls.file = "files/" + hashlib.sha256(STEERING).hexdigest()

    @classmethod
    def tearDownClass(cls):
        cls.temp.cleanup()

    @classmethod
    def call(cls, *words):
        return subprocess.run([SEALIFT, "-q", *words], check=True, env=cls.env, cwd=cls.root,
                              capture_output=True, stdin=subprocess.DEVNULL).stdout

    def start(self, *words):
        return Terminal(SEALIFT, *words, env=self.env, cwd=self.root)

    def ask(self, terminal, prompt, answer):
        terminal.wait_for(prompt)
        terminal.wait_for_no_echo()
        terminal.type(answer)

    def test_the_password_is_asked_for_twice_and_not_shown(self):
        terminal = self.start("key", "new", "-o", "asked")
        self.ask(terminal, b"password for the new key: ", b"correct horse\n")
        self.ask(terminal, b"the same again: ", b"correct horse\n")
        terminal.wait_for(b"1 GiB")
        self.assertEqual(terminal.exit_code(), 0)
        self.assertNotIn(b"horse", terminal.shown)
        terminal = self.start("key", "show", "asked.key")
        self.ask(terminal, b"password of 'asked.key': ", b"correct horse\n")
        terminal.wait_for(b"fingerprint: ")
        self.assertEqual(terminal.exit_code(), 0)

    def test_two_different_passwords_make_no_key(self):
        terminal = self.start("key", "new", "-o", "differ")
        self.ask(terminal, b"password for the new key: ", b"one\n")
        self.ask(terminal, b"the same again: ", b"two\n")
        terminal.wait_for(b"the two passwords differ")
        self.assertEqual(terminal.exit_code(), 3)
        self.assertFalse((self.root / "differ.key").exists())

    def test_an_empty_password_makes_no_key(self):
        terminal = self.start("key", "new", "-o", "empty")
        self.ask(terminal, b"password for the new key: ", b"\n")
        self.ask(terminal, b"the same again: ", b"\n")
        terminal.wait_for(b"--no-password")
        self.assertEqual(terminal.exit_code(), 3)
        self.assertFalse((self.root / "empty.key").exists())

    def test_an_interrupt_gives_the_echo_back(self):
        terminal = self.start("key", "new", "-o", "stopped")
        self.ask(terminal, b"password for the new key: ", b"half a pass\x03")
        end = time.monotonic() + 60
        while not termios.tcgetattr(terminal.fd)[3] & termios.ECHO and time.monotonic() < end:
            time.sleep(0.01)
        self.assertTrue(termios.tcgetattr(terminal.fd)[3] & termios.ECHO, "the terminal stays silent")
        self.assertEqual(terminal.exit_code(), -signal.SIGINT)
        self.assertFalse((self.root / "stopped.key").exists())

    def test_text_is_shown(self):
        terminal = self.start("cat", "spec.sealift", "spec")
        terminal.wait_for(b"small-image")
        self.assertEqual(terminal.exit_code(), 0)

    def test_t63_what_would_steer_the_terminal_is_not_shown(self):
        self.assertEqual(STEERING, self.call("cat", "spec.sealift", self.file))
        terminal = self.start("cat", "spec.sealift", self.file)
        terminal.wait_for(b"not plain text")
        self.assertEqual(terminal.exit_code(), 2)
        self.assertNotIn(b"gnihton", terminal.shown)

    def test_t63_a_blob_is_not_shown(self):
        digest = json.loads(self.call("cat", "spec.sealift", "manifest.json"))["blobs"][0]["sha256"]
        terminal = self.start("cat", "spec.sealift", f"blobs/sha256/{digest}")
        terminal.wait_for(b"not plain text")
        self.assertEqual(terminal.exit_code(), 2)


if __name__ == "__main__":
    unittest.main()
