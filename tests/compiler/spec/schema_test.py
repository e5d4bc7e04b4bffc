# SPDX-License-Identifier: Apache-2.0
"""The schema and the checker agree on every case of tests/data/spec.

Each case is a folder with a spec and the files that it names. An invalid one holds `expected`: a
line "line:column: path: message" for each problem, whose message may be cut short. Where a schema
cannot express the rule, its first line is "schema accepts: WHY".
"""
import json
import os
import pathlib
import subprocess
import sys
import unittest

try:
    import jsonschema
    import yaml
except ImportError:  # they belong to the distribution's Python
    if sys.executable == "/usr/bin/python3" or not os.access("/usr/bin/python3", os.X_OK):
        raise
    os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])

ROOT = pathlib.Path(os.environ["SEALIFT_SOURCE_DIR"])
CASES = ROOT / "tests" / "data" / "spec"
ACCEPTS = "schema accepts: "


def folders(kind):
    return sorted(path for path in (CASES / kind).iterdir() if path.is_dir())


def spec_of(folder):
    found = [path for path in folder.iterdir() if path.stem == "spec"]
    assert len(found) == 1, folder
    return found[0]


def check(spec):
    run = subprocess.run([os.environ["SEALIFT"], "check", "--json", str(spec)],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return run.returncode, json.loads(run.stdout)


def expected_of(folder):
    lines = (folder / "expected").read_text(encoding="utf-8").splitlines()
    marked = bool(lines) and lines[0].startswith(ACCEPTS)
    return lines[1:] if marked else lines, marked


def shown(problem):
    path = problem["path"] + ": " if problem["path"] else ""
    return "%d:%d: %s%s" % (problem["line"], problem["column"], path, problem["message"])


class SchemaTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        schema = json.loads((ROOT / "specs" / "spec.schema.json").read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
        cls.validator = jsonschema.Draft202012Validator(schema)

    def refusal(self, spec):
        """What the schema says against a spec: "" when it accepts it."""
        try:
            text = spec.read_bytes().decode("utf-8-sig")
            data = json.loads(text) if spec.suffix == ".json" else yaml.safe_load(text)
        except (ValueError, yaml.YAMLError) as error:
            return "unreadable: %s" % error
        return "; ".join(error.message for error in self.validator.iter_errors(data))

    def test_valid_specs_are_accepted_by_both(self):
        self.assertGreaterEqual(len(folders("valid")), 15)
        for folder in folders("valid"):
            with self.subTest(folder.name):
                status, report = check(spec_of(folder))
                self.assertEqual((status, report["problems"], report["ok"]), (0, [], True))
                self.assertEqual(report["name"], "tide")
                self.assertEqual(self.refusal(spec_of(folder)), "")

    def test_invalid_specs_have_exactly_the_expected_problems(self):
        self.assertGreaterEqual(len(folders("invalid")), 60)
        for folder in folders("invalid"):
            with self.subTest(folder.name):
                status, report = check(spec_of(folder))
                expected, _ = expected_of(folder)
                found = [shown(problem) for problem in report["problems"]]
                self.assertEqual((status, report["ok"]), (3, False))
                self.assertEqual(len(found), len(expected), found)
                self.assertGreater(len(expected), 0)
                for one, start in zip(found, expected):
                    self.assertTrue(one.startswith(start), "%r, not %r" % (one, start))

    def test_invalid_specs_are_refused_by_the_schema_unless_marked(self):
        for folder in folders("invalid"):
            with self.subTest(folder.name):
                _, marked = expected_of(folder)
                self.assertEqual(self.refusal(spec_of(folder)) == "", marked)

    def test_examples_are_accepted(self):
        for name in ("minimal", "every-field"):
            spec = ROOT / "specs" / "examples" / name / (name + ".yaml")
            self.assertEqual(check(spec)[0], 0, name)
        for spec in (ROOT / "specs" / "examples").glob("*/*.yaml"):
            self.assertEqual(self.refusal(spec), "", spec)

    def test_every_key_of_the_schema_is_in_the_page(self):
        page = (ROOT / "specs" / "spec.md").read_text(encoding="utf-8")
        for key in self.validator.schema["properties"]:
            self.assertIn("`%s`" % key, page)


if __name__ == "__main__":
    unittest.main()
