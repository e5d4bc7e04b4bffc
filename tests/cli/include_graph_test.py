#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the include direction: compiler -> bundles <- uploader, inside bundles
commands -> review -> trust -> format -> recipe -> packaging -> base, and inside uploader
commands -> site -> registration -> transport -> ledger -> compute -> auth -> http -> wire."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOMS = {
    "bundles": ["base", "packaging", "recipe", "format", "trust", "review", "commands"],
    "uploader": ["wire", "http", "auth", "compute", "ledger", "transport", "registration", "site", "commands"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def room_of(path):
    parts = pathlib.PurePosixPath(path).parts
    return parts[0], (parts[1] if len(parts) > 2 else "")


def allowed(source, target):
    source_top, source_room = room_of(source)
    target_top, target_room = room_of(target)
    if target_top not in ("bundles", "compiler", "uploader"):
        return False
    if source_top != target_top:
        return target_top == "bundles"
    if source_top not in ROOMS or target_room == "":
        return True
    if source_room == "":
        return source_top == "uploader"  # main.c; bundles/limits.h stands alone
    rooms = ROOMS[source_top]
    return rooms.index(target_room) <= rooms.index(source_room)


class IncludeGraph(unittest.TestCase):
    def test_every_include_points_down(self):
        checked, wrong = 0, []
        for top in ("bundles", "compiler", "uploader"):
            for path in sorted((ROOT / top).rglob("*.[ch]")):
                source = path.relative_to(ROOT).as_posix()
                for target in INCLUDE.findall(path.read_text()):
                    checked += 1
                    if not (ROOT / target).exists() and not target.endswith("_generated.h"):
                        wrong.append(f"{source} includes {target}, which is not there")
                    elif not allowed(source, target):
                        wrong.append(f"{source} includes {target}")
        self.assertGreater(checked, 100)
        self.assertEqual(wrong, [])

    def test_the_rule_can_fail(self):
        self.assertFalse(allowed("bundles/base/buf.c", "bundles/format/format.h"))
        self.assertFalse(allowed("bundles/trust/keys.c", "uploader/ledger/ledger.h"))
        self.assertFalse(allowed("compiler/pins/pins.h", "uploader/ledger/ledger.h"))
        self.assertFalse(allowed("uploader/http/http.h", "uploader/auth/auth.h"))
        self.assertTrue(allowed("bundles/trust/keys.c", "bundles/base/buf.h"))

    def test_libarchive_stands_in_one_file(self):
        users = [path.relative_to(ROOT).as_posix() for top in ("bundles", "compiler", "uploader")
                 for path in (ROOT / top).rglob("*.[ch]") if "#include <archive" in path.read_text()]
        self.assertEqual(users, ["bundles/format/tar.c"])


if __name__ == "__main__":
    unittest.main()
