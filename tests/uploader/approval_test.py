#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A builder that demands approvals: they travel inside the bundle or beside it, and a revocation stops
what was accepted before. Uploader and agent judge alike."""
import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import line  # noqa: E402


class Approvals(line.Line):
    def setUp(self):
        super().setUp()
        self.work = self.host.folder / "work"
        self.here("key", "new", "--no-password", "-o", "reviewer")
        self.own = self.host.home / "config/policy.json"
        # What this person demands stays as it is; the builder demands an approval.
        self.mine = self.work / "mine.json"
        self.mine.write_text(self.own.read_text())
        self.demand(approvals=1)

    def here(self, *words, code=0):
        done = subprocess.run([line.SEALIFT, *map(str, words)], env=self.host.env, cwd=self.work, capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def demand(self, **more):
        policy = json.loads(self.mine.read_text())
        key = pathlib.Path(self.work, "reviewer.pub").read_text().splitlines()[1]
        policy["keys"].append({"name": "reviewer", "public_key": key, "roles": ["approve"]})
        self.own.write_text(json.dumps({**policy, **more}))

    def approve(self, folder):
        (self.work / folder).mkdir(exist_ok=True)
        self.here("approve", self.good, "--key", "reviewer.key", "--policy", self.mine, "-C", folder)

    def push(self, code, *words, bundle=None):
        got, out, err = self.host.call("push", bundle or self.good, "--builder", "local", "--policy", self.mine, *words)
        self.assertEqual(got, code, out + err)
        return out + err

    def test_t31_the_builder_refuses_what_lacks_an_approval(self):
        said = self.push(4)
        self.assertIn("approv", said)
        self.assertEqual((self.host.rows()[0]["state"], self.host.launches()), ("refused", 0))

    def test_an_approval_beside_the_bundle_travels_with_it(self):
        self.approve("approvals")
        self.push(0, "--signatures", "approvals")
        row, = self.host.rows()
        self.assertEqual([signer["role"] for signer in row["receipt"]["signers"] if signer["allowed"]], ["prepare", "approve"])
        self.assertEqual(row["signatures"], [str(self.work / "approvals")])

    def test_an_approval_inside_the_bundle_does_as_well(self):
        self.approve("approvals")
        file, = (self.work / "approvals").iterdir()
        self.here("attach", self.good, file, "-o", "both.sealift", "--policy", self.mine, "--key", "reviewer.pub")
        self.push(0, bundle=self.work / "both.sealift")

    def test_a_folder_that_is_not_there_is_told_before_anything_is_queued(self):
        self.assertIn("cannot open", self.push(5, "--signatures", "nowhere"))
        self.assertEqual(self.host.rows(), [])

    def test_t48_a_policy_of_the_builder_refuses_the_base(self):
        self.demand(bases=["example.org/none"])
        said = self.push(4)
        self.assertIn("base", said)
        self.assertEqual(self.host.launches(), 0)

    def test_a_revocation_at_the_builder_stops_what_was_approved(self):
        self.approve("approvals")
        self.here("revoke", self.good, "--key", "reviewer.key", "-C", "approvals")
        # Here nobody knows the reviewer; the builder does.
        said = self.push(4, "--signatures", "approvals")
        self.assertIn("revoked", said)
        self.assertEqual((self.host.rows()[0]["state"], self.host.launches()), ("refused", 0))


if __name__ == "__main__":
    unittest.main()
