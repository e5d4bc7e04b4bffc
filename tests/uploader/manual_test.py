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
    return re.findall(r"(?m)^  ([a-z]+(?: [a-z]+)?)  ", help_of().split("commands:")[1])


def pages():
    """{first word: its commands}: those that begin alike share a page."""
    found = {}
    for name in commands():
        found.setdefault(name.split()[0], []).append(name)
    return found


class Manual(unittest.TestCase):
    def test_each_page_has_the_options_of_its_command(self):
        for word, names in pages().items():
            with self.subTest(word):
                page = (PAGES / f"sealift-upload-{word}.1.scd").read_text()
                wanted = set()
                for name in names:
                    self.assertIn(f"*sealift-upload {name}*", page)
                    shown = help_of(*name.split()).split("\noptions:")[1]
                    wanted |= set(re.findall(r"(?m)^ +(?:-\w, )?(--[a-z-]+(?:=\w+)?)", shown))
                documented = {one.replace("*", "").replace("=_", "=").rstrip("_") for one in
                              re.findall(r"(?m)^(?:\*-\w\*, )?(\*--[a-z-]+\*(?:=_\w+_)?)$", page)}
                self.assertEqual(documented, wanted)

    def test_the_overview_names_all_of_them_with_their_summaries(self):
        page = (PAGES / "sealift-upload.1.scd").read_text()
        named = re.findall(r"(?m)^\*sealift-upload-([a-z]+)\*\(1\)\n\t(.*)\.$", page)
        self.assertEqual([word for word, _ in named], list(pages()))
        for word, summary in named:
            told = [help_of(*name.split()) for name in pages()[word]]
            if len(told) == 1:
                self.assertIn(summary[0].lower() + summary[1:], told[0])


if __name__ == "__main__":
    unittest.main()
