#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A command that is interrupted leaves nothing behind and ends by the signal (T46, T47)."""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = pathlib.Path(os.environ["SEALIFT_SOURCE_DIR"])
SEALIFT = os.environ["SEALIFT"]
sys.path.insert(0, str(SOURCE / "tests" / "cli"))
import make_example  # noqa: E402

ATTEMPTS = 8


class Interrupted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keep = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.keep.name)
        cls.environment = dict(os.environ, SEALIFT_HOME=str(cls.folder / "home"))
        (cls.folder / "spec").mkdir()
        make_example.make(str(cls.folder / "spec"), blobs=60, blob_size=200_000, base_size=96 << 20)
        cls.run_to_end("key", "new", "--no-password")
        cls.run_to_end("compile", str(cls.folder / "spec/spec.yaml"), "--allow-open", "-o",
                       str(cls.folder / "one.sealift"))

    @classmethod
    def tearDownClass(cls):
        cls.keep.cleanup()

    @classmethod
    def run_to_end(cls, *words):
        subprocess.run([SEALIFT, "-q", *words], check=True, env=cls.environment, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def interrupt(self, number, place):
        """Starts an extraction and sends the signal as soon as its temporary folder is seen."""
        child = subprocess.Popen([SEALIFT, "extract", str(self.folder / "one.sealift"), "-C", str(place / "opened")],
                                 env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while child.poll() is None and not any(place.glob(".sealift-*/blobs")):
            time.sleep(0.0005)
        child.send_signal(number)
        complaint = child.communicate()[1]
        return child.returncode, complaint

    def test_extract_removes_its_folder(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(signal=number.name), tempfile.TemporaryDirectory(dir=self.folder) as made:
                place = pathlib.Path(made)
                (place / ".sealift-0123456789abcdef.tmp").mkdir()  # of somebody else
                for attempt in range(ATTEMPTS):
                    code, complaint = self.interrupt(number, place)
                    if code != 0:
                        break
                    subprocess.run(["rm", "-r", str(place / "opened")], check=True)  # was too fast for us
                self.assertEqual(code, -number, complaint)
                self.assertEqual([path.name for path in place.iterdir()], [".sealift-0123456789abcdef.tmp"])


if __name__ == "__main__":
    unittest.main()
