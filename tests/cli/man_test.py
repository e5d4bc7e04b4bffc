#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The manual pages against --help: the same commands, the same options, nothing left out."""
import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ROOT / "specs/man"
SEALIFT = os.environ["SEALIFT"]


def help_of(*words):
    done = subprocess.run([SEALIFT, *words, "--help"], capture_output=True, text=True, check=True)
    return done.stdout


def commands():
    listed = help_of().split("\ncommands:\n", 1)[1].split("\n\n", 1)[0]
    return [re.match(r"  (\S+(?: \S+)?)  +\S", line + " ").group(1) for line in listed.splitlines()]


def options_of_help(*words):
    """{long name: (letter, argument)} from the lines after "options:"."""
    found = {}
    for line in help_of(*words).split("\noptions:\n", 1)[1].splitlines():
        match = re.match(r"  (?:-(\w), |    )--([a-z-]+)(?:=(\S+))?", line)
        found[match.group(2)] = (match.group(1), match.group(3))
    return found


def options_of_page(page):
    found = {}
    for line in page.read_text().splitlines():
        match = re.match(r"(?:\*-(\w)\*, )?\*--([a-z-]+)\*(?:=_(\w+)_)?$", line)
        if match:
            found[match.group(2)] = (match.group(1), match.group(3))
    return found


def page_of(command):
    return PAGES / f"sealift-{command.split()[0]}.1.scd"


class Man(unittest.TestCase):
    def test_every_command_has_a_page_that_names_it(self):
        overview = (PAGES / "sealift.1.scd").read_text()
        for command in commands():
            with self.subTest(command):
                self.assertIn(f"*sealift {command}*", page_of(command).read_text())
                self.assertIn(f"*sealift-{command.split()[0]}*(1)", overview)

    def test_every_page_has_a_command(self):
        first_words = {command.split()[0] for command in commands()}
        for page in PAGES.glob("sealift-*.1.scd"):
            word = page.name[len("sealift-"):-len(".1.scd")]
            if not word.startswith("upload"):
                self.assertIn(word, first_words)

    def test_options_are_the_same(self):
        told = {}
        for command in commands():
            told.setdefault(page_of(command), {}).update(options_of_help(*command.split()))
        self.assertGreater(len(told), 5)
        for page, options in told.items():
            with self.subTest(page.name):
                self.assertEqual(options_of_page(page), options)

    def test_scdoc_takes_every_page(self):
        for page in PAGES.glob("*.scd"):
            with self.subTest(page.name):
                try:
                    subprocess.run(["scdoc"], input=page.read_bytes(), check=True, capture_output=True)
                except FileNotFoundError:
                    self.fail("scdoc is not here: tests/setup installs it")


if __name__ == "__main__":
    unittest.main()
