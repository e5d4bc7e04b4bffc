# SPDX-License-Identifier: Apache-2.0
"""Whose bundles are built: signature files, statements, the policy, and what enforcement is worth."""
import base64
import json
import os
import shutil
import subprocess
import unittest

import support
from support import LIFTED, Bundle, Key, sha256


class SignatureFiles(unittest.TestCase):
    def setUp(self):
        self.key = Key("writer")
        self.text = self.key.minisig(b"message", "a comment")

    def test_a_good_one(self):
        parsed = LIFTED.parse_signature(self.text)
        self.assertEqual((self.key.id, b"a comment"), (parsed[0], parsed[2]))

    def test_t36_everything_else_is_malformed(self):
        lines = self.text.split(b"\n")
        long = base64.b64encode(b"ED" + self.key.id + b"x" * 65)
        legacy = base64.b64encode(b"Ed" + self.key.id + b"x" * 64)
        for bad in (
                b"", self.text[:-1], self.text + b"\n", self.text + b"x", b"\n" + self.text,
                self.text.replace(b"\n", b"\r\n"), self.text.replace(b"a comment", b"a\tcomment"),
                self.text.replace(b"a comment", b"a\x1b[2Kcomment"), self.text.replace(b"a comment", b"\xc3\xa9"),
                self.text.replace(b"a comment", b"a\0comment"),
                self.text.replace(b"from minisign secret key", b"by me"),
                self.text.replace(b"trusted comment: a", b"trusted comment:a"),
                b"\n".join([lines[0], lines[1] + b"=", lines[2], lines[3], b""]),
                b"\n".join([lines[0], lines[1][:-1], lines[2], lines[3], b""]),
                b"\n".join([lines[0], b" " + lines[1], lines[2], lines[3], b""]),
                b"\n".join([lines[0], lines[1], lines[2], lines[3].replace(b"==", b"=A"), b""]),
                b"\n".join([lines[0], long, lines[2], lines[3], b""]),
                b"\n".join([lines[0], legacy, lines[2], lines[3], b""]),
                b"\n".join([lines[0], lines[1], lines[2], lines[1], b""]),
                b"\n".join([lines[1], lines[0], lines[2], lines[3], b""])):
            self.assertIsNone(LIFTED.parse_signature(bad), bad)

    def test_base64_has_one_form(self):
        for bad in (b"QQ", b"QR==", b"QQ==\n", b"Q Q==", b"QQ=", b"QQ===", b"Q-=="):
            self.assertIsNone(LIFTED.strict_base64(bad, 1), bad)
        self.assertEqual(b"A", LIFTED.strict_base64(b"QQ==", 1))

    def test_t35_statements(self):
        good = ("sealift:1 role=prepare bundle=%s name=demo version=1.0.0 time=2026-11-22T13:26:02Z"
                % ("ab" * 32)).encode()
        self.assertEqual("demo", LIFTED.read_statement(good)["name"])
        for old, new in ((b"sealift:1", b"sealift:2"), (b"prepare", b"owner"), (b"ab" * 32, b"ab" * 31),
                         (b"demo", b"Demo"), (b"1.0.0", b"1.0 0"), (b"02Z", b"02"), (b"11-22", b"13-22"),
                         (b"sealift", b" sealift"), (b"02Z", b"02Z "), (b" name", b"  name"), (b"02Z", b"02Z x=1"),
                         (b"2026-11-22", b"2026-02-30"), (b"2026", b"1969"), (b"02Z", b"60Z"), (b"ab" * 32, b"AB" * 32)):
            self.assertIsNone(LIFTED.read_statement(good.replace(old, new)), new)


class Judgement(support.Host):
    def make(self, **more):
        return Bundle(self.key, **more)

    def no(self, bundle, kind, pattern):
        self.put(bundle.objects())
        answer = self.refused(bundle.request(), kind, pattern)
        self.assertEqual([], self.launches())
        return answer

    def test_t24_a_key_that_nobody_trusts(self):
        bundle = Bundle(Key("stranger"))
        answer = self.no(bundle, "answer", "nobody whom .* trusts to prepare")
        self.assertIn("sealift trust add", answer["error"]["hint"])

    def test_t23_no_signature(self):
        bundle = self.make()
        bundle.signatures = []
        self.no(bundle, "answer", "nobody whom")

    def test_t24_no_policy(self):
        os.unlink(os.path.join(self.home, "config", "policy.json"))
        answer = self.no(self.make(), "answer", "no policy")
        self.assertIn("sealift trust add", answer["error"]["hint"])
        self.assertIn(self.etc + "/policy.json", answer["error"]["hint"])

    def test_a_signature_with_a_changed_byte(self):
        bundle = self.make()
        for number, at in ((1, 40), (2, 20), (3, 40)):
            lines = self.make().signatures[0].split(b"\n")
            line = bytearray(lines[number])
            line[at] = ord("A") if line[at] != ord("A") else ord("B")
            lines[number] = bytes(line)
            bundle.signatures = [b"\n".join(lines)]
            with self.subTest(line=number):
                self.no(bundle, "untrusted", "bad|malformed")

    def test_t25_another_bundles_signature(self):
        first, second = self.make(), self.make(the_plan=support.plan(name="other"))
        first.signatures = second.signatures
        self.no(first, "untrusted", "bad")

    def test_t35_a_statement_for_something_else(self):
        good = self.make()
        for comment in (good.statement("prepare", bundle="0" * 64), "timestamp:1700000000", ""):
            with self.subTest(comment=comment):
                self.no(self.make(comment=comment), "untrusted", "other-purpose")
        for changed in ({"version": "2.0.0"}, {"name": "other"}):
            with self.subTest(changed=changed):
                self.no(self.make(comment=good.statement("prepare", **changed)), "untrusted", "the manifest says")

    def test_t35_an_approval_is_no_preparation(self):
        self.no(self.make(comment=self.make().statement("approve")), "answer", "nobody whom")

    def test_a_key_without_the_role(self):
        self.key.roles = ["approve"]
        self.trust(self.key)
        self.no(self.make(), "untrusted", "'preparer' has signed, but .* does not let it prepare")

    def test_t32_unknown_keys_neither_help_nor_hurt(self):
        bundle, stranger, friend = self.make(), Key("stranger"), Key("friend", roles=["approve"])
        self.trust(self.key, friend)
        for key in (stranger, friend):
            bundle.approve(key)
        self.put(bundle.objects())
        self.good(bundle.request())
        self.wait(bundle, "done")
        receipt = self.good({"op": "receipt", "bundle": bundle.id})["receipt"]
        self.assertEqual([("good", "prepare", True), ("unknown-key", "", False), ("good", "approve", True)],
                         [(one["verdict"], one["role"], one["allowed"]) for one in receipt["signers"]])
        laid = self.launches()[0]["files"]
        self.assertIn("signatures/prepare.minisig", laid)
        self.assertIn("signatures/approve-%s.minisig" % friend.fingerprint(), laid)
        self.assertEqual(2, sum(name.startswith("signatures/") for name in laid))

    def test_a_preparers_own_approval_does_not_count(self):
        self.key.roles = ["prepare", "approve"]
        self.trust(self.key)
        bundle = self.make()
        bundle.approve(self.key)
        self.put(bundle.objects())
        self.good(bundle.request())
        self.wait(bundle, "done")
        receipt = self.good({"op": "receipt", "bundle": bundle.id})["receipt"]
        self.assertEqual([True, False], [one["allowed"] for one in receipt["signers"]])

    def test_t34_two_keys_of_one_id(self):
        twin = Key("twin", key_id=self.key.id)
        self.trust(twin, self.key)
        bundle = self.make()
        self.put(bundle.objects())
        self.good(bundle.request())
        self.wait(bundle, "done")
        other = Bundle(Key("third", key_id=self.key.id), the_plan=support.plan(name="other"))
        self.put(other.objects())
        self.refused(other.request(), "untrusted", "bad")

    def test_t33_too_many_signatures(self):
        bundle = self.make()
        self.refused(bundle.request(signatures=[sha256(b"%d" % i) for i in range(257)]), "usage", "at most 256")


class Policies(support.Host):
    def refuse(self, text, pattern):
        with open(os.path.join(self.home, "config", "policy.json"), "w") as file:
            file.write(text if isinstance(text, str) else json.dumps(text))
        self.refused({"op": "build", "bundle": "0" * 64, "signatures": []}, "input", pattern)

    def test_policies_out_of_form(self):
        entry = self.key.entry()
        small = base64.b64encode(b"Ed" + b"12345678" + b"\1" + b"\0" * 31).decode()
        mixed = base64.b64encode(b"Ed" + b"12345678" + self.key.mixed()).decode()
        for keys, pattern in (
                ([dict(entry, more=1)], "not known here"), ([dict(entry, roles=["owner"])], "one of prepare"),
                ([dict(entry, roles=[])], "empty"), ([dict(entry, roles=["prepare"] * 2)], "twice"),
                ([dict(entry, public_key=entry["public_key"][:-4])], "minisign public key"),
                ([dict(entry, public_key=" " + entry["public_key"])], "minisign public key"),
                ([dict(entry, public_key=small)], "minisign public key"),
                ([dict(entry, public_key=mixed)], "minisign public key"),
                ([dict(entry, name="a\x1bb")], "a name"), ([dict(entry, name="0" * 64)], "a name"),
                ([dict(entry, name="é" * 51)], "a name"), ([dict(entry, name="")], "a name"), ([entry, dict(entry, name="again")], "public key twice"),
                ([entry, dict(Key("b").entry(), name=entry["name"])], "name twice"), ({}, "a list")):
            with self.subTest(pattern=pattern):
                self.refuse({"keys": keys, "sealift_policy": 1}, pattern)
        self.refuse({"keys": [], "sealift_policy": 2}, "must be 1")
        self.refuse({"keys": [], "sealift_policy": True}, "must be 1")
        self.refuse({"keys": [], "sealift_policy": 1, "allow": 1}, "not known here")
        self.refuse('{"keys":[],"keys":[],"sealift_policy":1}', "twice")
        self.refuse("[]", "an object")
        self.refuse("", "JSON")

    def test_a_key_id_of_another_key_does_not_make_two_of_one(self):
        again = Key("preparer", key_id=b"another!", name="again")
        self.refuse({"keys": [self.key.entry(), again.entry()], "sealift_policy": 1}, "public key twice")

    def test_sites_out_of_form(self):
        for site in ({"store": "relative"}, {"stores": "/x"}, {"sealift_site": 2}, []):
            self.write_config("site.json", site)
            self.refused({"op": "have", "objects": []}, "input")

    def test_the_operators_policy_goes_before_the_accounts_own(self):
        os.mkdir(self.etc, 0o755)
        with open(os.path.join(self.etc, "policy.json"), "w") as file:
            json.dump({"keys": [Key("operator").entry()], "sealift_policy": 1}, file)
        bundle = Bundle(self.key)
        self.put(bundle.objects())
        self.refused(bundle.request(), "answer", self.etc)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to own files that the agent's account cannot change")
    def test_enforced_means_out_of_reach(self):
        """In a mount namespace, with a system folder of root's and the agent as nobody."""
        shutil.chown(self.home, 65534, 65534)
        for at, folders, files in os.walk(self.home):
            for name in folders + files:
                os.chown(os.path.join(at, name), 65534, 65534)
        text = support.source("/mnt/sealift")
        agent = os.path.join(self.folder, "agent.py")
        with open(agent, "w") as file:
            file.write(text)
        policy = json.dumps({"keys": [self.key.entry()], "sealift_policy": 1})
        script = """
            set -eu
            mount -t tmpfs -o mode=755 x /mnt; mkdir -m 755 /mnt/sealift
            cat >/mnt/sealift/policy.json; chmod 644 /mnt/sealift/policy.json
            eval "$1"
            echo '{"op":"probe"}' | setpriv --reuid=65534 --regid=65534 --clear-groups "$2" "$3"
        """
        for change, expected in (
                (":", "enforced"), ("chown 65534 /mnt/sealift/policy.json", "advisory"),
                ("chmod 666 /mnt/sealift/policy.json", "advisory"), ("chown 65534 /mnt/sealift", "advisory"),
                ("chmod 777 /mnt/sealift", "advisory"), ("chmod 1777 /mnt", "advisory"),
                ("mkdir -m 755 /mnt/sealift/signatures", "enforced"), ("mkdir -m 777 /mnt/sealift/signatures", "advisory"),
                ("mkdir /mnt/sealift/signatures; chown 65534 /mnt/sealift/signatures", "advisory"),
                ("ln -s /mnt/nowhere /mnt/sealift/signatures", "enforced"),
                ("mv /mnt/sealift/policy.json /mnt/p; ln -s /mnt/p /mnt/sealift/policy.json", "enforced"),
                ("mv /mnt/sealift/policy.json /mnt/p; chown 65534 /mnt/p; ln -s /mnt/p /mnt/sealift/policy.json",
                 "advisory")):
            done = subprocess.run(["/usr/bin/unshare", "-m", "sh", "-c", script, "sh", change, support.SYSTEM_PYTHON, agent],
                                  input=policy.encode(), stdout=subprocess.PIPE, env=self.environment)
            answer = json.loads(done.stdout)
            self.assertEqual((expected, "/mnt/sealift/policy.json"),
                             (answer["policy"]["enforcement"], answer["policy"]["path"]), change)


class AgainstMinisign(support.Host):
    """What the minisign program makes, the agent takes; what it refuses, the agent refuses."""

    def test_keys_and_signatures_of_the_real_program(self):
        made = os.path.join(self.folder, "made")
        os.mkdir(made)

        def minisign(*words):
            subprocess.run(["minisign"] + list(words), cwd=made, check=True, stdout=subprocess.DEVNULL)

        minisign("-G", "-W", "-p", "k.pub", "-s", "k.key")
        with open(os.path.join(made, "k.pub")) as file:
            public = file.read().splitlines()[1]
        self.write_config("policy.json", {"sealift_policy": 1, "keys": [
            {"name": "real", "public_key": public, "roles": ["prepare"]}]})
        bundle = Bundle(self.key)
        with open(os.path.join(made, "manifest.json"), "wb") as file:
            file.write(bundle.manifest)
        minisign("-S", "-s", "k.key", "-m", "manifest.json", "-t", bundle.statement("prepare"))
        with open(os.path.join(made, "manifest.json.minisig"), "rb") as file:
            bundle.signatures = [file.read()]
        self.put(bundle.objects())
        self.good(bundle.request())
        self.wait(bundle, "done")

    def test_minisign_takes_what_the_tests_make(self):
        message = os.path.join(self.folder, "m")
        for name, data in (("m", b"text\n"), ("m.minisig", self.key.minisig(b"text\n", "timestamp:0"))):
            with open(os.path.join(self.folder, name), "wb") as file:
                file.write(data)
        subprocess.run(["minisign", "-Vm", message, "-P", self.key.base64()], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    unittest.main()
