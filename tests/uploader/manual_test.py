#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each command of sealift-upload has a page with exactly its options, and the overview names it."""
import os
import pathlib
import re
import subprocess
import unittest

PAGES = pathlib.Path(__file__).resolve().parents[2] / "specs/man"
UPLOAD = os.environ["SEALIFT_UPLOAD"]


def help_of(*words):
    return subprocess.run([UPLOAD, *words, "--help"], check=True, capture_output=True, text=True).stdout


def commands():
    return re.findall(r"(?m)^  ([a-z]+) ", help_of().split("commands:")[1])


class Manual(unittest.TestCase):
    def test_each_page_has_the_options_of_its_command(self):
        for name in commands():
            with self.subTest(name):
                page = (PAGES / f"sealift-upload-{name}.1.scd").read_text()
                shown = help_of(name).split("\noptions:")[1]
                wanted = set(re.findall(r"(?m)^ +(?:-\w, )?(--[a-z-]+(?:=\w+)?)", shown))
                documented = {one.replace("*", "").replace("=_", "=").rstrip("_") for one in
                              re.findall(r"(?m)^(?:\*-\w\*, )?(\*--[a-z-]+\*(?:=_\w+_)?)$", page)}
                self.assertEqual(documented, wanted)

    def test_the_overview_names_all_of_them_with_their_summaries(self):
        page = (PAGES / "sealift-upload.1.scd").read_text()
        named = re.findall(r"(?m)^\*sealift-upload-([a-z]+)\*\(1\)\n\t(.*)\.$", page)
        self.assertEqual([name for name, _ in named], commands())
        for name, summary in named:
            self.assertIn(summary[0].lower() + summary[1:], help_of(name))


if __name__ == "__main__":
    unittest.main()
