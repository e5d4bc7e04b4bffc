#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sweep of a builder's store on this machine, by the real agent."""
import json
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import line  # noqa: E402


class Sweep(line.Line):
    def sweep(self, *words):
        return self.host.call("sweep", "--builder", "local", "--builder-config", self.host.builder, *words)

    def objects(self):
        return [name for name in self.host.tree("data", "objects") if len(name) > 60]

    def age(self, days):
        when = time.time() - days * 86400
        for folder, _, names in os.walk(self.host.home / "data"):
            for name in names:
                os.utime(os.path.join(folder, name), (when, when), follow_symlinks=False)
            os.utime(folder, (when, when))
        for path in (self.host.home / "data/bundles").glob("*/state.json"):
            state = json.loads(path.read_text())
            path.write_text(json.dumps(dict(state, updated=int(when))))
            os.utime(path, (when, when))

    def build(self):
        self.host.add(self.good)
        code, out, err = self.host.call("run")
        self.assertEqual(code, 0, out + err)

    def test_nothing_that_is_young(self):
        self.build()
        before = self.objects()
        code, out, err = self.sweep("--older-than", 1)
        self.assertEqual((code, err), (0, ""), out)
        self.assertRegex(out, r"(?m)^  removed    0 objects, 0 B$")
        self.assertEqual(self.objects(), before)

    def test_what_is_old_goes_and_is_delivered_again(self):
        self.build()
        before, images = self.objects(), self.host.tree("data", "images")
        self.age(40)
        code, out, _ = self.sweep("--older-than", 30, "--dry-run", "--json")
        said = json.loads(out)
        self.assertEqual((code, said["sealift_sweep"], said["builder"], said["dry_run"]), (0, 1, "local", True))
        self.assertEqual((said["objects"]["count"], said["kept"]), (len(before), {"bytes": 0, "count": 0}))
        self.assertEqual(self.objects(), before)
        code, out, err = self.sweep("--older-than", 30)
        self.assertEqual(code, 0, out + err)
        self.assertRegex(out, r"(?m)^  removed    %d objects, [0-9.]+ KiB$" % len(before))
        self.assertEqual(self.objects(), [])
        self.assertEqual(self.host.tree("data", "images"), images)
        newer = self.compile("2.0.0")  # the same wheels
        self.host.add(newer)
        code, out, err = self.host.call("run")
        self.assertEqual(code, 0, out + err)
        self.assertEqual(self.host.launches(), 2)

    def test_t72_halves_of_dead_processes(self):
        self.build()
        half = self.host.home / "data/bundles" / os.listdir(self.host.home / "data/bundles")[0] / (".new-" + "0" * 32)
        half.touch()
        self.assertEqual(json.loads(self.sweep("--older-than", 1, "--json")[1])["halves"], 0)
        os.utime(half, (1, 1))
        self.assertEqual(json.loads(self.sweep("--older-than", 1, "--json")[1])["halves"], 1)
        self.assertFalse(half.exists())

    def test_words_that_make_no_sense(self):
        for words in ((), ("--builder", "local"), ("--older-than", "30"), ("--builder", "local", "--older-than", "0"),
                      ("--builder", "local", "--older-than", "36501"), ("--builder", "nowhere", "--older-than", "1"),
                      ("--builder", "local", "--older-than", "-1"), ("--builder", "local", "--older-than", "1", "x")):
            code, out, err = self.host.call("sweep", *words)
            self.assertEqual((code, out), (2, ""), words)
            self.assertEqual(err.count("sealift-upload: "), 1, err)

    def test_a_builder_that_answers_nothing_of_use(self):
        config = self.host.folder / "broken.json"
        config.write_text(json.dumps({"launcher": ["false"]}))
        code, out, err = self.host.call("sweep", "--builder", "local", "--builder-config", config, "--older-than", "1")
        self.assertNotEqual(code, 0)
        self.assertEqual(out, "")
        self.assertIn("sealift-upload: ", err)


if __name__ == "__main__":
    unittest.main()
