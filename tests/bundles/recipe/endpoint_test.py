# SPDX-License-Identifier: Apache-2.0
"""endpoint/: the requirements are the worker's closure, the other files are well formed."""

import ast
import json
import os
import re
import unittest

SOURCE = os.environ.get("SEALIFT_SOURCE_DIR") or os.path.join(os.path.dirname(__file__), *[os.pardir] * 3)
CASES = os.path.join(SOURCE, "tests", "data", "recipe")
WORKER = "globus-compute-endpoint"


def read(case, name):
    with open(os.path.join(CASES, case, name), encoding="utf-8") as file:
        return file.read()


def read_requirements(text):
    """{name: (version, [hashes])}, and nothing but comments, pins and hashes may be there."""
    found = {}
    for line in text.replace("\\\n", "").splitlines():
        if line.startswith("# "):
            continue
        pin, *hashes = line.split()
        name, version = pin.split("==")
        if name in found:
            raise AssertionError("%s stands there twice" % name)
        digests = [re.fullmatch("--hash=sha256:([0-9a-f]{64})", each).group(1) for each in hashes]
        found[name] = (version, digests)
    return found


def closure(lock, start):
    requires = {package["name"]: package["requires"] for package in lock["packages"]}
    found, open_names = set(), [start]
    while open_names:
        name = open_names.pop()
        if name not in found:
            found.add(name)
            open_names += requires[name]
    return found


class Endpoint(unittest.TestCase):
    def test_the_image_takes_one_hash_of_what_is_carried(self):
        for case in sorted(os.listdir(CASES)):
            lock = json.loads(read(case, "lock.json"))
            text = read(case, "expected/requirements.txt")
            found = read_requirements(text)
            self.assertEqual(list(found), sorted(found))
            self.assertEqual(list(found), [package["name"] for package in lock["packages"]])
            for package in lock["packages"]:
                wanted = [package["wheel"]["sha256"]] if "wheel" in package else package["hashes"]
                self.assertEqual(found[package["name"]], (package["version"], wanted))

    def test_the_endpoint_takes_the_closure_of_the_worker(self):
        seen_narrow = seen_all = False
        for case in sorted(os.listdir(CASES)):
            plan, lock = json.loads(read(case, "plan.json")), json.loads(read(case, "lock.json"))
            path = os.path.join(CASES, case, "expected", "endpoint")
            if "worker" not in plan:
                self.assertEqual(os.listdir(path), ["BUILD-BY-HAND.md"])
                continue
            found = read_requirements(read(case, "expected/endpoint/requirements.txt"))
            every = {package["name"] for package in lock["packages"]}
            if lock["dependencies_checked"]:
                self.assertEqual(set(found), closure(lock, WORKER))
                self.assertNotIn("pandas", found)
                seen_narrow = True
            else:
                self.assertEqual(set(found), every)
                seen_all = True
            hashes = {package["name"]: package["hashes"] for package in lock["packages"]}
            for name, (_, digests) in found.items():
                self.assertEqual(digests, hashes[name])
        self.assertTrue(seen_narrow and seen_all)

    def test_no_place_was_left_open(self):
        for case in sorted(os.listdir(CASES)):
            folder = os.path.join(CASES, case, "expected", "endpoint")
            for name in os.listdir(folder):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    self.assertIsNone(re.search("@[A-Z]+@", file.read()), (case, name))

    def test_files_are_well_formed(self):
        folder = "expected/endpoint/"
        for case in ("every-field", "pinned"):
            ast.parse(read(case, folder + "example_config.py"))
            schema = json.loads(read(case, folder + "user_config_schema.json"))
            self.assertIs(schema["additionalProperties"], False)
            template = read(case, folder + "user_config_template.yaml.j2")
            used = set(re.findall(r"\{[{%] (?:if )?([a-z_]+)", template)) - {"else", "endif"}
            self.assertEqual(used, set(schema["properties"]))
            for name, value in schema["properties"].items():
                for pattern in re.findall(r'"pattern": ("[^"]*")', json.dumps(value)):
                    re.compile(json.loads(pattern))
            for name, needs in schema["dependentRequired"].items():
                self.assertLessEqual({name, *needs}, set(schema["properties"]))

    def test_t68_what_reaches_a_command_line_is_narrow(self):
        properties = json.loads(read("pinned", "expected/endpoint/user_config_schema.json"))["properties"]
        for name in ("image", "options"):
            pattern, never = properties[name]["pattern"], properties[name]["not"]["pattern"]
            for bad in ("/x; id", "/x\n", "/x$(id)", "/x`id`", "/x|y", "/x&", "/x'y", '/x"y', "/x\\"):
                self.assertTrue(not re.search(pattern, bad) or re.search(never, bad), (name, bad))
        self.assertTrue(re.search(properties["image"]["pattern"], "/home/u/images/my-image-1.0.sif"))
        self.assertTrue(re.search(properties["options"]["pattern"], "--nv --bind /scratch:/data"))


if __name__ == "__main__":
    unittest.main()
