#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of every command that writes, on entry to the Nth call of a kind: what has its name is whole or as
it was before, the rest has a temporary name, and the same command then does its work (T72, T46).
SEALIFT_FAULT_EVERY=N tries each Nth place only. The agent's own steps: tests/uploader/agent/steps_test.py."""
import os
import shutil
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import runs  # noqa: E402


class Kill(runs.Runs):
    def again(self, case, folder, left, what):
        """The same once more, beside what was left."""
        before, after = self.ends(case)
        done = self.call(case, folder)
        there = [made for made in left.makes if left.part(made) and left.part(made) != before.part(made)]
        if case.again and there:
            self.assertEqual(done.returncode, case.again, f"{what}, again: {done.stderr}")
            self.assertRegex(done.stderr, "exists already|is there already", what)
            self.assertEqual(self.left(case, folder).files, left.files, what)
        else:
            self.assertEqual(done.returncode, 0, f"{what}, again: {done.stderr}")
            self.assertEqual(self.left(case, folder).files, after.files, what)

    def try_one(self, case, call, number):
        what = f"{case.name}, killed at {call} {number}"
        folder, done, _ = self.disturb(case, call, f"signal=SIGKILL:when={number}")
        killed = done.returncode != 0
        if killed:
            self.assertIn(done.returncode, (137, -9), f"{what}: {done.stderr}")
            left = self.left(case, folder)
            self.assert_each_whole(left, self.ends(case), what)
            self.again(case, folder, left, what)
        shutil.rmtree(folder)
        return killed

    def test_t72_every_call_that_writes(self):
        self.each_place(runs.CALLS, self.try_one)


if __name__ == "__main__":
    unittest.main()
