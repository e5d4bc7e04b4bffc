#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""specs/limits.md and bundles/limits.h state the same names and numbers."""
import os
import re
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def from_header():
    with open(os.path.join(ROOT, "bundles", "limits.h"), encoding="utf-8") as file:
        text = file.read()
    units = {"SL_KIB": 1 << 10, "SL_MIB": 1 << 20, "SL_GIB": 1 << 30}
    found = {}
    for name, value in re.findall(r"^#define (SL_(?:LIMIT|INLINE)_\w+)\s+([^/\n]+)", text, re.M):
        factors = re.findall(r"\w+", value)
        number = 1
        for factor in factors:
            number *= units[factor] if factor in units else int(factor.rstrip("UL"))
        found[name] = number
    return found


def from_law():
    with open(os.path.join(ROOT, "specs", "limits.md"), encoding="utf-8") as file:
        rows = re.findall(r"^\| `(SL_\w+)` \| ([0-9,]+) \| (.+) \|$", file.read(), re.M)
    return {name: int(number.replace(",", "")) for name, number, _ in rows}


def tried():
    """The limits that tests name: in C by their constants, in Python by limit("NAME")."""
    found = set()
    for folder, _, leaves in os.walk(os.path.join(ROOT, "tests")):
        for leaf in leaves:
            if leaf.endswith(("_test.c", "_test.py")) and os.path.join(folder, leaf) != __file__:
                with open(os.path.join(folder, leaf), encoding="utf-8") as file:
                    text = file.read()
                found.update(re.findall(r"\bSL_(?:LIMIT|INLINE)_[A-Z_]+", text))
                found.update("SL_LIMIT_" + name for name in re.findall(r"\blimit\(\"([A-Z_]+)\"\)", text))
    return found


class Limits(unittest.TestCase):
    def test_each_has_a_test(self):
        self.assertEqual([], sorted(set(from_header()) - tried()))

    def test_law_and_code_agree(self):
        self.assertGreater(len(from_header()), 30)
        self.assertEqual(from_header(), from_law())


if __name__ == "__main__":
    unittest.main()
