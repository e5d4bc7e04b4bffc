#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Limits of a spec and of its lock, as `check` and `compile` meet them: what is at the ceiling passes, one more is a problem that
says so, at its place."""
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(os.environ["SEALIFT_SOURCE_DIR"])
sys.path[:0] = [str(ROOT / "tests/cli")]
import make_example  # noqa: E402

SEALIFT = os.environ["SEALIFT"]
LIMITS = {name: int(text.replace(",", "")) for name, text in re.findall(
    r"^\| `SL_LIMIT_([A-Z_]+)` \| ([0-9,]+) \|", (ROOT / "specs/limits.md").read_text(), re.M)}


def limit(name):
    return LIMITS[name]


class SpecLimits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        make_example.make("example")
        yaml = pathlib.Path("example/spec.yaml").read_text()
        cls.spec = {
            "sealift": 1, "name": "small-image", "version": "1.0.0", "base": {"localimage": "base.sif"},
            "target": {"python": "3.11.2", "platform": "linux/x86_64", "glibc": "2.36"},
            "pip": {"requirements": ["alpha>=1"], "lock": "requirements.lock", "wheelhouse": "wheels"},
            "worker": {"version": "4.19.0"}}
        assert all(key + ":" in yaml for key in cls.spec), yaml

    def check(self, text, *words):
        path = pathlib.Path("example/limits.json")
        path.write_text(text if isinstance(text, str) else json.dumps(text))
        done = subprocess.run([SEALIFT, *(words or ["check"]), path], capture_output=True, text=True, timeout=120,
                              env=dict(os.environ, SEALIFT_HOME=str(pathlib.Path.cwd() / "home")))
        return done.returncode, done.stdout + done.stderr

    def both(self, pattern, make, code=3):
        """make(0) is at the limit and passes, make(1) is one past it."""
        got, said = self.check(make(0))
        self.assertEqual(0, got, said[-2000:])
        got, said = self.check(make(1))
        self.assertEqual(code, got, said[-2000:])
        self.assertRegex(said, pattern)

    def distinct(self, pattern, make):
        """Neither passes, but only the second because there are too many."""
        for more in (0, 1):
            code, said = self.check(make(more))
            self.assertNotEqual(0, code)
            self.assertEqual(bool(more), bool(re.search(pattern, said)), said[-2000:])

    def with_(self, **members):
        return dict(self.spec, **members)

    def pip(self, **members):
        return self.with_(pip=dict(self.spec["pip"], **members))

    def test_lists(self):
        for name, make in (
                ("SCRIPTS", lambda count: {"post": ["true"] * count}),
                ("FILES", lambda count: {"files": [{"from": "app.ini", "to": f"/f/{one}"} for one in range(count)]}),
                ("ENV", lambda count: {"env": {f"E{one}": "x" for one in range(count)}}),
                ("LABELS", lambda count: {"labels": {f"org.example.l{one}": "x" for one in range(count)}})):
            with self.subTest(name):
                self.both(f"more than {limit(name)} ", lambda more: self.with_(**make(limit(name) + more)))

    def test_lists_of_requirements_and_wheelhouses(self):
        self.both(f"more than {limit('REQUIRES')} ", lambda more: self.pip(requirements=[
            f"alpha>=1,!=0.{one}" for one in range(limit("REQUIRES") + more)]))
        for one in range(limit("WHEELHOUSES")):
            os.makedirs(f"example/empty/{one}")
        self.both(f"more than {limit('WHEELHOUSES')} ", lambda more: self.pip(
            wheelhouse=["wheels", *(f"empty/{one}" for one in range(limit("WHEELHOUSES") - 1 + more))]))
        self.distinct(f"more than {limit('BUILD_OPTIONS')} ", lambda more: self.with_(build={
            "options": ["x"] * (limit("BUILD_OPTIONS") + more)}))

    def test_texts(self):
        texts = [
            ("REQUIRE_LINE", lambda size: self.pip(requirements=["alpha" + " " * (size - 8) + ">=1"])),
            ("SCRIPT", lambda size: self.with_(post=["#" * (size - 1) + "\n"])),
            ("HELP", lambda size: self.with_(help="h" * size)),
            ("VALUE", lambda size: self.with_(env={"E": "v" * size})),
            ("VERSION", lambda size: self.with_(version=("1" + ".1" * size)[:127] + "1" * (size - 127)))]
        for name, make in texts:
            with self.subTest(name):
                self.both("limits.json:1:", lambda more: make(limit(name) + more))

    def test_the_time_of_a_build(self):
        self.both("limits.json:1:.*build.timeout", lambda more: self.with_(build={"timeout": limit("TIMEOUT") + more}))

    def test_the_spec_itself(self):
        text = json.dumps(self.spec)
        self.both(str(limit("SPEC")), lambda more: text + " " * (limit("SPEC") - len(text) + more), code=7)

    def test_keys_and_values(self):
        others = 3  # the mapping, its key, the list
        self.distinct("more than %d keys and values" % limit("SPEC_NODES"), lambda more: json.dumps(
            {"x": [1] * (limit("SPEC_NODES") - others + more)}))
        self.distinct("more than %d keys in one mapping" % limit("SPEC_ENTRIES"), lambda more: json.dumps(
            {f"k{one}": 1 for one in range(limit("SPEC_ENTRIES") + more)}))

    def test_nesting(self):
        self.distinct("nested deeper than %d levels" % limit("DEPTH"), lambda more: '{"x":%s1%s}' % (
            "[" * (limit("DEPTH") - 1 + more), "]" * (limit("DEPTH") - 1 + more)))

    def test_problems(self):
        """The last one that is kept says that there are more."""
        said = {}
        for more in (0, 1):
            count = limit("PROBLEMS") - 1 + more
            _, said[more] = self.check(dict(self.spec, **{f"unknown{one}": 1 for one in range(count)}))
        self.assertEqual(limit("PROBLEMS") - 1, said[0].count("unknown key"))
        self.assertNotIn("more problems", said[0])
        self.assertEqual(limit("PROBLEMS") - 1, said[1].count("unknown key"))
        self.assertIn("more problems than the %d that are shown" % (limit("PROBLEMS") - 1), said[1])

    def test_problems_of_a_lock(self):
        lock = pathlib.Path("example/requirements.lock").read_text()
        subprocess.run([SEALIFT, "-q", "key", "new", "--no-password", "-o", "own"], check=True, stdout=subprocess.DEVNULL)
        for more in (0, 1):
            count = limit("PROBLEMS") + more
            pathlib.Path("example/many.lock").write_text(lock + count * f"alpha==1.2 --hash=sha256:{0:064x}\n")
            _, said = self.check(self.pip(lock="many.lock"), "compile", "--key", "own.key", "-o", "x.sealift")
            self.assertEqual(limit("PROBLEMS"), said.count("alpha is pinned a second time"), said[-1500:])


if __name__ == "__main__":
    unittest.main()
