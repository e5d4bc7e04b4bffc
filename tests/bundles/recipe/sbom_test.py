# SPDX-License-Identifier: Apache-2.0
"""sbom.cdx.json of every golden case against what CycloneDX 1.5 demands of the members that we write,
and against plan and lock."""

import json
import os
import re
import unittest

SOURCE = os.environ.get("SEALIFT_SOURCE_DIR") or os.path.join(os.path.dirname(__file__), *[os.pardir] * 3)
CASES = os.path.join(SOURCE, "tests", "data", "recipe")

TYPES = {"application", "framework", "library", "container", "platform", "operating-system", "device",
         "device-driver", "firmware", "file", "machine-learning-model", "data"}
TOP = {"$schema", "bomFormat", "specVersion", "serialNumber", "version", "metadata", "components",
       "services", "externalReferences", "dependencies", "compositions", "vulnerabilities",
       "annotations", "formulation", "properties", "signature"}
COMPONENT = {"type", "mime-type", "bom-ref", "supplier", "author", "publisher", "group", "name",
             "version", "description", "scope", "hashes", "licenses", "copyright", "cpe", "purl", "swid",
             "modified", "pedigree", "externalReferences", "components", "evidence", "releaseNotes",
             "modelCard", "data", "properties", "signature"}
PURL = re.compile(r"pkg:(pypi/[a-z0-9][a-z0-9-]*@[A-Za-z0-9._%-]+|"
                  r"oci/[a-z0-9._-]+@sha256%3A[0-9a-f]{64}\?repository_url=[a-z0-9./:_-]+)")


def load(case, name):
    with open(os.path.join(CASES, case, name), encoding="utf-8") as file:
        return json.load(file, object_pairs_hook=no_duplicates)


def no_duplicates(pairs):
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands there twice")
    return dict(pairs)


class Sbom(unittest.TestCase):
    def each(self):
        for case in sorted(os.listdir(CASES)):
            with self.subTest(case=case):
                yield load(case, "expected/sbom.cdx.json"), load(case, "plan.json"), load(case, "lock.json")

    def check_component(self, component):
        self.assertLessEqual(set(component), COMPONENT)
        self.assertIn(component["type"], TYPES)
        self.assertTrue(component["name"])
        self.assertTrue(component["bom-ref"])
        for digest in component.get("hashes", []):
            self.assertEqual(set(digest), {"alg", "content"})
            self.assertEqual(digest["alg"], "SHA-256")
            self.assertRegex(digest["content"], r"\A[a-f0-9]{64}\Z")
        for each in component.get("properties", []):
            self.assertEqual(set(each), {"name", "value"})
            self.assertIsInstance(each["value"], str)
        if "purl" in component:
            self.assertRegex(component["purl"], r"\A%s\Z" % PURL.pattern)

    def test_structure(self):
        for sbom, _, _ in self.each():
            self.assertLessEqual(set(sbom), TOP)
            self.assertEqual(sbom["bomFormat"], "CycloneDX")
            self.assertEqual(sbom["specVersion"], "1.5")
            self.assertEqual(sbom["version"], 1)
            self.assertRegex(sbom["serialNumber"], r"\Aurn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-"
                                                   r"[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z")
            self.check_component(sbom["metadata"]["component"])
            for component in sbom["components"]:
                self.check_component(component)

    def test_references(self):
        for sbom, _, _ in self.each():
            known = [c["bom-ref"] for c in [sbom["metadata"]["component"]] + sbom["components"]]
            self.assertEqual(len(known), len(set(known)))
            refs = [dependency["ref"] for dependency in sbom["dependencies"]]
            self.assertEqual(len(refs), len(set(refs)))
            for dependency in sbom["dependencies"]:
                self.assertIn(dependency["ref"], known)
                self.assertLessEqual(set(dependency["dependsOn"]), set(known))
                self.assertEqual(len(dependency["dependsOn"]), len(set(dependency["dependsOn"])))

    def test_t71_no_clock(self):
        for sbom, _, _ in self.each():
            self.assertNotIn("timestamp", sbom["metadata"])
            self.assertIsNone(re.search(r"\d{4}-\d\d-\d\dT", json.dumps(sbom)))

    def test_says_what_the_lock_says(self):
        for sbom, plan, lock in self.each():
            image = sbom["metadata"]["component"]
            self.assertEqual((image["name"], image["version"]), (plan["name"], plan["version"]))
            libraries = {c["name"]: c for c in sbom["components"] if c["type"] == "library"}
            self.assertEqual(sorted(libraries), [package["name"] for package in lock["packages"]])
            for package in lock["packages"]:
                component = libraries[package["name"]]
                self.assertEqual(component["version"], package["version"])
                if "wheel" in package:
                    self.assertEqual(component["hashes"][0]["content"], package["wheel"]["sha256"])
                elif len(package["hashes"]) > 1:
                    allowed = [p["value"] for p in component["properties"]
                               if p["name"] == "sealift:allowed-sha256"]
                    self.assertEqual(allowed, [" ".join(package["hashes"])])
            files = [c for c in sbom["components"] if c["type"] == "file"]
            self.assertEqual([(c["name"], c["hashes"][0]["content"]) for c in files],
                             [(f["to"], b["sha256"]) for f, b in zip(plan["files"], lock["files"])])
            if lock["dependencies_checked"]:
                self.assertEqual(len(sbom["dependencies"]), 1 + len(lock["packages"]))


if __name__ == "__main__":
    unittest.main()
