#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/THREATS.md is what tests/threats makes of the tests that are there, and no threat is without one."""
import os
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(os.environ["SEALIFT_SOURCE_DIR"])


class Threats(unittest.TestCase):
    def test_the_page_is_up_to_date(self):
        done = subprocess.run([sys.executable, ROOT / "tests/threats", "--check"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
