# SPDX-License-Identifier: Apache-2.0
"""What is given to the uploader stays as it is, whatever becomes of the delivery."""
import os
import pathlib
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import line  # noqa: E402


class Inputs(line.Line):
    @staticmethod
    def look(path):
        found = os.stat(path)
        return pathlib.Path(path).read_bytes(), found.st_mtime_ns, found.st_ino, oct(found.st_mode)

    def test_t73_a_connection_that_breaks_leaves_the_bundle_as_it_is(self):
        # The far side goes away in the middle of what it is sent, each time somewhere else.
        self.host.add(self.good)
        before = self.look(self.good)
        policy = self.host.home / "config/policy.json"
        script = self.host.tools / "breaks"
        for size in (0, 100, 50000, 1000000):
            self.host.tool("breaks", f'#!/bin/sh\nexec head -c {size} >/dev/null\n')
            self.host.configure(launcher=[str(script)], timeout=3)
            rules = self.look(policy)
            code, out, err = self.host.call("run")
            self.assertEqual(self.look(self.good), before)
            self.assertEqual(self.look(policy), rules)
            self.assertEqual(code, 6, out + err)
            self.assertIn("'sealift-upload run' goes on from here", out)
        self.host.configure()
        self.assertEqual(self.host.call("run")[0], 0)
        self.assertEqual(self.host.rows()[0]["state"], "done")
        self.assertEqual(self.look(self.good), before)


if __name__ == "__main__":
    unittest.main()
