# SPDX-License-Identifier: Apache-2.0
"""The grammar as specs/recipe.md prints it, read without the C parser: every golden definition must
follow it, and every line of it must occur in some golden definition or stand in a list of those that
cannot occur together with the others."""

import os
import re
import unittest

SOURCE = os.environ.get("SEALIFT_SOURCE_DIR") or os.path.join(os.path.dirname(__file__), *[os.pardir] * 3)
CASES = os.path.join(SOURCE, "tests", "data", "recipe")

TOKENS = {
    "hex": "[0-9a-f]{64}", "nn": "[0-6][0-9]", "wheel": r"[A-Za-z0-9][A-Za-z0-9._+!-]*\.whl",
    "path": "/[A-Za-z0-9/._+=@,:~-]+", "folder": "/[A-Za-z0-9/._+=@,:~-]+", "mode": "0[0-7]{3}",
    "python": r"3\.\d+\.\d+", "minor": r"3\.\d+", "libc": r"2\.\d+", "glibc": r"2, \d+",
    "machine": "x86_64|aarch64", "version": r"\d[a-z0-9.!+]*", "name": "[a-z0-9][a-z0-9._-]*",
    "base": r"[a-z0-9./:_-]+(:[A-Za-z0-9._-]+)?@sha256:[0-9a-f]{64}", "env": "(?!PYTHONNOUSERSITE=)[A-Za-z_][A-Za-z0-9_]*",
    "value": r'(?:[^"\\$`{]|\\["\\$`]|\{""(?=\{)|\{(?!\{))*', "label": "[A-Za-z0-9][A-Za-z0-9._-]*",
    "line": r"\S(.*\S)?", "help": ".*",
}


def to_regex(pattern):
    """A pattern of the specification as a regular expression; tokens become groups for ‹same›."""
    out, last, number = "", None, 0
    for piece in re.split("(‹[a-z]+›|⟦[^⟧]*⟧)", pattern):
        if piece == "‹same›":
            out += "(?P=%s)" % last
        elif piece.startswith("‹"):
            number += 1
            last = "t%d" % number
            out += "(?P<%s>%s)" % (last, TOKENS[piece[1:-1]])
        elif piece.startswith("⟦"):
            out += "(?:%s)?" % re.escape(piece[1:-1])
        else:
            out += re.escape(piece)
    return re.compile(out)


def read_grammar():
    with open(os.path.join(SOURCE, "specs", "recipe.md"), encoding="utf-8") as page:
        block = page.read().split("<!-- grammar -->\n```\n")[1].split("```\n")[0]
    rules = []
    for line in block.splitlines():
        section, count, pattern = line.split(" ", 2)
        rules.append((section, count, pattern, to_regex(pattern)))
    return rules


def read_sections(text):
    head, *rest = re.split(r"\n\n%(?=[a-z]+\n)", text)
    sections = []
    for part in rest:
        name, _, body = part.partition("\n")
        lines = [line[4:] if line else "" for line in body.rstrip("\n").split("\n")]
        if any(line and not line.startswith("    ") for line in body.rstrip("\n").split("\n")):
            raise AssertionError("a line of %%%s is not indented" % name)
        sections.append((name, lines))
    return head, sections


class Grammar(unittest.TestCase):
    def setUp(self):
        self.rules = read_grammar()
        self.used = set()

    def follow(self, name, lines):
        rules = [rule for rule in self.rules if rule[0] == name]
        at, seen = 0, set()
        for line in lines:
            found = next((i for i in range(at, len(rules)) if rules[i][3].fullmatch(line)), None)
            self.assertIsNotNone(found, "%%%s: no rule for %r" % (name, line))
            for skipped in range(at, found):
                self.assertTrue(rules[skipped][1] != "1" or skipped in seen,
                                "%%%s: %r came too early" % (name, line))
            seen.add(found)
            self.used.add(rules[found][:3])
            at = found if rules[found][1].startswith("*") else found + 1
            while at > 0 and rules[at - 1][1] == rules[found][1] and rules[found][1][1:]:
                at -= 1
        self.assertEqual([r[2] for i, r in enumerate(rules) if r[1] == "1" and i not in seen], [])

    def test_golden_definitions_follow_the_specification(self):
        for case in sorted(os.listdir(CASES)):
            path = os.path.join(CASES, case, "expected", "image.def")
            with open(path, encoding="utf-8", newline="") as file:
                text = file.read()
            head, sections = read_sections(text)
            self.assertRegex(head, r"\ABootstrap: (docker\nFrom: [a-z0-9./:_-]+@sha256:[0-9a-f]{64}|"
                                   r"(oci-archive|docker-archive|localimage)\n"
                                   r"From: blobs/sha256/[0-9a-f]{64})\Z")
            names = [name for name, _ in sections]
            order = ["files", "post", "environment", "runscript", "test", "labels", "help"]
            self.assertEqual(names, [name for name in order if name in names])
            self.assertLessEqual(set(order) - set(names), {"help"})
            for name, lines in sections:
                self.follow(name, lines)
        unused = [rule[2] for rule in self.rules if rule[:3] not in self.used]
        self.assertEqual(unused, [])

    def test_the_block_says_the_same_as_the_table(self):
        """The C table, with its macros put in place, is the block of the specification."""
        with open(os.path.join(SOURCE, "bundles", "recipe", "definition_grammar.c"),
                  encoding="utf-8") as file:
            code = file.read()
        string = r'"(?:[^"\\]|\\.)*"'
        macros = {}
        for name, body in re.findall(r"#define (\w+)\s+((?:.*\\\n)*.*\n)", code):
            macros[name] = body.replace("\\\n", " ")

        def text_of(expression):
            out = ""
            for piece in re.findall(string + r"|\w+", expression):
                if piece.startswith('"'):
                    out += re.sub(r"\\(.)", r"\1", piece[1:-1])
                else:
                    out += text_of(macros[piece])
            return out

        table = code.split("rules[] = {")[1].split("\n};")[0]
        count = {"LINE_ONE": "1", "LINE_MAYBE": "?", "LINE_MANY": "*"}
        rows = re.findall(r'\{"(\w+)",\s*(LINE_\w+),\s*(\d),\s*((?:%s|\w+|\s)+)\}' % string, table)
        printed = [(section, count[occurs] + (block if block != "0" else ""), text_of(pattern))
                   for section, occurs, block, pattern in rows]
        self.assertGreater(len(printed), 50)
        self.assertEqual(printed, [rule[:3] for rule in self.rules])


if __name__ == "__main__":
    unittest.main()
