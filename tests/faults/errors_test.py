#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every command that writes, on a disk that is full or broken from, or at, the Nth call of a kind: status 5,
one sentence, and everything as it was before (T47, T74). SEALIFT_FAULT_EVERY=N tries each Nth place only."""
import os
import shutil
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import runs  # noqa: E402

# A full disk stays full; a bad sector is one. A link that fails once is tried another way.
FAULTS = (("ENOSPC", "+", "No space left on device"), ("EIO", "", "Input/output error"))
# These may fail without harm: advice, clearing away, and what the program makes up for or tries twice.
MAY_FAIL = {"close", "chmod", "fallocate", "unlink", "unlinkat", "linkat", "mkdir", "renameat2"}


def is_folder_sync(line):
    path = line.split("<", 1)[1].rsplit(">)", 1)[0] if "<" in line else ""
    return line.startswith("fsync(") and os.path.isdir(path)


class Errors(runs.Runs):
    def sentence(self, case, call, done, text, what):
        said = [line for line in done.stderr.splitlines() if line.startswith("sealift: ") and "warning: " not in line]
        self.assertEqual(len(said), 1, f"{what}: {done.stderr}")
        if call == "mkdir" and what.endswith("EIO"):  # what fails once only, and then no right to it is left
            text = "Permission denied|" + text
        self.assertRegex(said[0], text, what)
        self.assertRegex(said[0], r"^sealift: (cannot |[^ ]+ cannot )", what)

    def judge(self, case, call, folder, done, met, fault, what):
        name, _, text = fault
        before, after = self.ends(case)
        left = self.left(case, folder)
        only_stderr = all("(2<" in line for line in met)
        if done.returncode == 0:
            if case.tolerates and case.tolerates in done.stderr:
                self.assert_each_whole(left, (before, after), what)
            else:
                self.assertTrue(call in runs_may_fail(name) or only_stderr, f"{what}: it did not fail: {met}")
                self.assertEqual(left.files, after.files, what)
        else:
            self.assertEqual(done.returncode, 5, f"{what}: {done.stderr}")
            self.sentence(case, call, done, text, what)
            if any("(1<" in line for line in met):
                self.assertEqual(left.files, after.files, what)
            elif any(map(is_folder_sync, met)) and any(map(before.part, left.makes)) or len(left.makes) > 1 and not case.again:
                # what was replaced does not come back; what came before the failure stays
                self.assert_each_whole(left, (before, after), what)
            else:
                self.assertEqual(left.files, before.files, what)
        if call not in ("unlink", "unlinkat"):
            self.assertEqual(left.temporary, [], what)

    def try_one(self, case, call, number):
        met_any = False
        for fault in FAULTS:
            name, onwards, _ = fault
            if call in ("write", "close"):
                onwards = ""  # or nobody could be told; or the loader would stumble
            folder, done, met = self.disturb(case, call, f"error={name}:when={number}{onwards}")
            if met:
                met_any = True
                self.judge(case, call, folder, done, met, fault, f"{case.name}, {call} {number}{onwards}: {name}")
            shutil.rmtree(folder)
        return met_any

    def test_t47_t74_every_call_that_writes(self):
        self.each_place((*runs.CALLS, "close"), self.try_one)


def runs_may_fail(name):
    """With the error once only, what is tried another way succeeds."""
    return MAY_FAIL if name == "EIO" else MAY_FAIL - {"linkat", "mkdir", "renameat2"}


if __name__ == "__main__":
    unittest.main()
