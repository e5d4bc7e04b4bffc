# SPDX-License-Identifier: Apache-2.0
"""What findings do on an endpoint: builds that are refused, receipts that tell, files beside the policy, what has been
seen, the operation judge, and a Python whose hashlib obeys FIPS."""
import base64
import contextlib
import hashlib
import json
import os
import subprocess
import sys
import unittest
from unittest import mock

import support
from judge_test import BEA, RULES
from support import LIFTED, Bundle, Key, plan, sha256


class Host(support.Host):
    """What findings do here: builds, the store, the operation judge."""

    def policy(self, *keys, **demands):
        self.write_config("policy.json", dict(demands, sealift_policy=1, keys=[one.entry() for one in keys or (self.key, BEA)]))

    def beside(self, bundle, key, role="approve", name=None, data=None):
        folder = os.path.join(self.home, "config", "signatures")
        os.makedirs(folder, exist_ok=True)
        leaf = name or "%s.%s%s.minisig" % (bundle.id, key.fingerprint(), ".revoke" if role == "revoke" else "")
        with open(os.path.join(folder, leaf), "wb") as file:
            file.write(key.minisig(bundle.manifest, bundle.statement(role)) if data is None else data)
        return os.path.join(folder, leaf)

    def build(self, bundle, state="done"):
        self.put(bundle.objects())
        self.good(bundle.request())
        return self.wait(bundle, state)

    def judge(self, bundle, **more):
        return self.good(dict(bundle.request(), op="judge", **more))

    def tree(self):
        return sorted(os.path.join(at, name) for at, folders, names in os.walk(self.home) for name in folders + names)

    def seen(self):
        with open(self.store_path("seen.json"), "rb") as file:
            return file.read()

    def put_seen(self, latest="2026-01-01T00:00:00Z", **versions):
        os.makedirs(self.store_path(), exist_ok=True)
        value = {"latest": latest, "sealift_seen": 1, "versions": [
            {"name": name, "time": latest, "version": version} for name, version in sorted(versions.items())]}
        with open(self.store_path("seen.json"), "w") as file:
            json.dump(value, file)


class Builds(Host):
    def test_the_first_failure_refuses_a_build(self):
        bundle = Bundle(self.key)
        self.put(bundle.objects())
        for demands, rule, pattern in (
                ({"approvals": 1}, "approvals", "0 of 0 count, and 1 must"), ({"signed_since": "2027-01-01T00:00:00Z"}, "time", "nothing before"),
                ({"closure": "sealed", "largest": 1}, "closure", "open, and the policy demands sealed"),
                ({"denied": ["six"], "largest": 1}, "packages", "six 1.16.0 is denied"), ({"largest": 1}, "size", "at most 1"),
                ({"bases": ["docker.io"]}, "base", "none of the policy's bases"), ({"versions": [{"name": "demo", "lowest": "2"}]}, "version", "below 2")):
            with self.subTest(demands=demands):
                self.policy(**demands)
                answer = self.refused(bundle.request(), "untrusted", pattern)
                first = next(one for one in answer["findings"] if one["verdict"] == "fail")
                self.assertEqual((rule, rule), (answer["error"]["rule"], first["rule"]))
                self.assertEqual((first["evidence"], first["remedy"]), (answer["error"]["message"], answer["error"]["hint"]))
                self.assertEqual(RULES, [one["rule"] for one in answer["findings"]])
        self.assertEqual([], self.launches())

    def test_what_is_refused_need_not_be_sent_whole(self):
        bundle = Bundle(self.key)
        self.policy(largest=1)
        self.put({bundle.id: bundle.manifest, sha256(bundle.signatures[0]): bundle.signatures[0]})
        self.assertNotIn("missing", self.refused(bundle.request(), "untrusted", "the policy takes at most 1"))
        self.policy(denied=["six"])
        self.assertIn("missing", self.refused(bundle.request(), "answer", "not here"))

    def test_nothing_in_a_request_relaxes_the_policy(self):
        bundle = Bundle(self.key)
        for member in ("policy", "allow", "untrusted", "approvals", "older", "keys", "now"):
            self.refused(bundle.request(**{member: True}), "usage")
            self.refused(dict(bundle.request(**{member: True}), op="judge"), "usage")

    def test_the_receipt_tells_what_was_found(self):
        self.policy(approvals=1, older="refuse", bases=["sha256:" + Bundle(self.key).lock["base"]["sha256"]])
        bundle = Bundle(self.key)
        self.beside(bundle, BEA)
        self.build(bundle)
        receipt = self.good({"op": "receipt", "bundle": bundle.id})["receipt"]
        self.assertEqual(RULES, [one["rule"] for one in receipt["findings"]])
        self.assertEqual({"index", "version", "closure", "packages", "size"},
                         {one["rule"] for one in receipt["findings"] if one["verdict"] != "pass"})
        self.assertEqual([("prepare", True), ("approve", True)], [(one["role"], one["allowed"]) for one in receipt["signers"]])
        # The file beside the policy is no object, and not part of what is built.
        self.assertEqual(["signatures/prepare.minisig"], [one for one in self.launches()[0]["files"] if one.startswith("sig")])
        with contextlib.suppress(ImportError):
            import jsonschema
            with open(os.path.join(support.ROOT, "specs/receipt.schema.json"), encoding="utf-8") as file:
                jsonschema.validate(receipt, json.load(file))

    def test_who_has_an_image_already_obeys_the_policy_of_now(self):
        bundle = Bundle(self.key)
        self.build(bundle)
        judged = self.good(bundle.request())["judged"]
        self.assertEqual(RULES, [one["rule"] for one in judged["findings"]])
        self.policy(denied=["six"])
        self.assertNotIn("receipt", self.refused(bundle.request(), "untrusted", "six 1.16.0 is denied"))
        os.unlink(self.store_path("objects", "sha256", sha256(bundle.files["lock.json"])[:2], sha256(bundle.files["lock.json"])))
        answer = self.refused(bundle.request(), "answer", "not here")
        self.assertEqual([sha256(bundle.files["lock.json"])], answer["missing"])
        self.policy()
        self.good(bundle.request())
        self.beside(bundle, BEA, "revoke")
        self.assertNotIn("receipt", self.refused(bundle.request(), "untrusted", "revoked by 'bea'"))

    def test_a_revocation_ends_the_waiting(self):
        """A ticket is judged again when its turn comes."""
        first, second = Bundle(self.key), Bundle(self.key, plan(version="2.0.0"))
        self.policy()
        self.behave("""
            while not os.path.exists(os.path.join(here, "go")):
                time.sleep(0.02)
        """)
        for bundle in (first, second):
            self.put(bundle.objects())
            answer = self.good(bundle.request(builds=1))
        self.assertEqual("waiting", answer["state"])
        self.beside(second, BEA, "revoke")
        self.tool("go", "")
        error = self.wait(second, "failed")["error"]
        self.assertEqual(("untrusted", "revocation"), (error["kind"], error["rule"]))
        self.assertEqual(1, len(self.launches()))


class Detached(Host):
    def setUp(self):
        super().setUp()
        self.bundle = Bundle(self.key)
        self.put(self.bundle.objects())
        self.policy()

    def approvals(self):
        return {one["rule"]: one for one in self.judge(self.bundle)["findings"]}["approvals"]

    def test_files_of_other_names_and_bundles_are_not_opened(self):
        other = Bundle(self.key, plan(version="2.0.0"))
        for name in ("x", "%s.minisig" % self.bundle.id, "%s.%s.minisig.bak" % (self.bundle.id, "0" * 64),
                     "%s.%s.minisig" % (self.bundle.id.upper(), "0" * 64), "%s.%s.minisig" % (other.id, "0" * 64)):
            self.beside(self.bundle, BEA, name=name, data=b"rubbish")
        self.assertEqual("none is there, and none is demanded", self.approvals()["evidence"])
        self.beside(self.bundle, BEA)
        self.assertEqual("1 of 1 count, and none is demanded", self.approvals()["evidence"])

    def test_a_link_is_no_file(self):
        os.rename(self.beside(self.bundle, BEA), os.path.join(self.folder, "aside"))
        os.symlink(os.path.join(self.folder, "aside"), os.path.join(
            self.home, "config/signatures", "%s.%s.minisig" % (self.bundle.id, BEA.fingerprint())))
        self.refused(self.bundle.request(), "io", "cannot open")

    def test_t33_at_most_64_of_one_bundle(self):
        for number in range(64):
            self.beside(self.bundle, BEA, name="%s.%064x.minisig" % (self.bundle.id, number),
                        data=BEA.minisig(b"x", "timestamp:%d" % number))
        self.assertEqual("0 of 64 count, and none is demanded", self.approvals()["evidence"])
        self.beside(self.bundle, BEA, name="%s.%064x.minisig" % (self.bundle.id, 64), data=b"")
        self.refused(self.bundle.request(), "limit", "more than 64 signatures")

    def test_one_that_is_too_large_is_malformed(self):
        self.beside(self.bundle, BEA, data=b"x" * 5000)
        self.assertIn("malformed", self.approvals()["evidence"])

    def test_t33_too_many_in_a_request(self):
        self.refused(dict(self.bundle.request(), signatures=[sha256(b"%d" % at) for at in range(257)]), "usage", "at most 256")


class Seen(Host):
    def test_t40_what_was_built_is_remembered(self):
        self.policy(older="refuse")
        new, old = Bundle(self.key, plan(version="1.10")), Bundle(self.key, plan(version="1.9"))
        self.build(new)
        self.assertRegex(self.seen().decode(), r'\A\{\n  "latest": "20..-..-..T..:..:..Z",\n  "sealift_seen": 1,\n  "versions": \[\n    \{\n'
                         r'      "name": "demo",\n      "time": "[^"]*",\n      "version": "1.10"\n    \}\n  \]\n\}\n\Z')
        self.assertEqual(0o600, os.stat(self.store_path("seen.json")).st_mode & 0o777)
        self.put(old.objects())
        answer = self.refused(old.request(), "untrusted", "1.9 is older than 1.10, which was accepted here at")
        self.assertEqual("version", answer["error"]["rule"])
        self.policy()
        self.build(old)
        self.assertIn(b'"1.10"', self.seen())

    def test_t40_a_build_that_fails_is_not_remembered(self):
        self.behave("sys.exit(1)")
        self.build(Bundle(self.key), "failed")
        self.assertFalse(os.path.exists(self.store_path("seen.json")))

    def test_t40_a_placed_image_is_remembered(self):
        bundle = Bundle(self.key)
        self.build(bundle)
        built = self.good({"op": "receipt", "bundle": bundle.id})["receipt"]
        with open(built["image"]["path"], "rb") as file:
            image = file.read()
        self.home = os.path.join(self.folder, "other")
        os.makedirs(os.path.join(self.home, "config"))
        self.environment = dict(self.environment, SEALIFT_HOME=self.home)
        self.policy()
        self.put(dict(bundle.objects(), **{sha256(image): image}))
        receipt = self.good({"op": "place", "bundle": bundle.id, "built": built, "signatures": bundle.request()["signatures"],
                             "image": {"sha256": sha256(image), "size": len(image)}})["receipt"]
        self.assertIn(b'"1.0.0"', self.seen())
        self.assertEqual(["none", "pass", "none"], [one["verdict"] for one in receipt["findings"]
                                                    if one["rule"] in ("content", "recipe", "blobs")])

    def test_t42_over_a_version_far_in_the_future(self):
        self.put_seen(demo="999")
        self.policy(older="refuse")
        bundle = Bundle(self.key)
        self.put(bundle.objects())
        self.refused(bundle.request(), "untrusted", "older than 999")
        self.policy(older="refuse", versions=[{"name": "demo", "highest": "1.9"}])
        self.build(bundle)
        self.assertIn(b'"1.0.0"', self.seen())
        self.assertNotIn(b"999", self.seen())

    def test_t43_a_clock_that_has_gone_back(self):
        self.put_seen(latest="2999-01-01T00:00:00Z")
        bundle = Bundle(self.key)
        self.put(bundle.objects())
        answer = self.refused(bundle.request(), "untrusted", "the clock says")
        self.assertEqual("time", answer["error"]["rule"])

    def test_a_file_that_is_none(self):
        bundle = Bundle(self.key)
        self.put(bundle.objects())
        entry = {"name": "demo", "time": "2026-01-01T00:00:00Z", "version": "1"}
        good = {"latest": "2026-01-01T00:00:00Z", "sealift_seen": 1, "versions": [entry]}
        for value in ("", "[]", dict(good, sealift_seen=2), dict(good, latest=5), dict(good, more=1), dict(good, versions=[entry, entry]),
                      dict(good, versions=[entry, dict(entry, name="a")]), dict(good, versions=[dict(entry, version="v1")])):
            with open(self.store_path("seen.json"), "w") as file:
                file.write(value if isinstance(value, str) else json.dumps(value))
            self.refused(bundle.request(), "input", "seen.json")

    def test_two_at_once_are_both_remembered(self):
        code = "import sys\nsys.path.insert(0, %r)\nimport support\nstore = support.LIFTED.Store(%r)\n" \
               "for number in range(10):\n    support.LIFTED.note_seen(store, 'n%%s-%%d' %% (sys.argv[1], number), '1', None)\n" % (
                   os.path.dirname(os.path.abspath(__file__)), self.store_path())
        children = [subprocess.Popen([sys.executable, "-c", code, str(number)]) for number in range(3)]
        self.assertEqual([0, 0, 0], [child.wait(120) for child in children])
        self.assertEqual(30, len(json.loads(self.seen().decode())["versions"]))

    def test_a_dead_one_that_was_writing_holds_nobody_up(self):
        folder = self.store_path("seen", "lock.1")
        os.makedirs(folder, 0o700)
        os.chmod(self.store_path("seen"), 0o700)
        owner = dict(LIFTED.whereabouts(), pid=os.getpid(), start="1", nonce="x")
        with open(os.path.join(folder, "owner.json"), "w") as file:
            json.dump(owner, file)
        self.build(Bundle(self.key))
        self.assertIn(b'"1.0.0"', self.seen())


class Judging(Host):
    """The operation judge."""

    def words(self, bundle, **more):
        answer = self.judge(bundle, **more)
        self.assertEqual(RULES, [one["rule"] for one in answer["findings"]])
        self.assertEqual((os.path.join(self.home, "config/policy.json"), "advisory"), (answer["policy"], answer["enforcement"]))
        return answer["accepted"], "".join(one["verdict"][0] for one in answer["findings"]), answer

    def test_all_is_here(self):
        bundle = Bundle(self.key)
        self.put(bundle.objects())
        self.policy(closure="open", largest=10 ** 9, denied=["numpy"], approvals=0)
        self.assertEqual((True, "ppnpppp" + "np" + "nnpp" + "n"), self.words(bundle)[:2])

    def test_it_starts_nothing_and_writes_nothing(self):
        bundle = Bundle(self.key)
        self.put(bundle.objects())
        damaged = self.store_path("objects", "sha256", sha256(bundle.files["lock.json"])[:2], sha256(bundle.files["lock.json"]))
        before = self.tree()
        self.assertTrue(self.words(bundle)[0])
        with open(damaged, "r+b") as file:
            file.write(b"X")
        self.assertEqual((True, "ppnppnnnnnnnnn"), self.words(bundle)[:2])
        self.assertEqual(before, self.tree())
        self.assertEqual([], self.launches())
        self.assertEqual("none", self.good({"op": "state", "bundle": bundle.id})["state"])

    def test_in_an_empty_store(self):
        bundle = Bundle(self.key)
        before = self.tree()
        accepted, verdicts, answer = self.words(bundle)
        self.assertEqual((False, "n" * 14), (accepted, verdicts))
        self.assertEqual({"the manifest is not here"}, {one["evidence"] for one in answer["findings"]})
        self.assertEqual(before, self.tree())

    def test_with_the_manifest_and_its_signatures_alone(self):
        bundle = Bundle(self.key)
        self.policy(largest=1)
        self.put({bundle.id: bundle.manifest})
        self.assertEqual((False, "nnnpnnnnnnnnnn"), self.words(bundle)[:2])
        self.put({sha256(bundle.signatures[0]): bundle.signatures[0]})
        accepted, verdicts, answer = self.words(bundle)
        self.assertEqual((False, "ppnppnnnnnnnfn"), (accepted, verdicts))
        self.assertIn("6 of 6 files are not here" if len(bundle.files) == 6 else "files are not here", answer["findings"][5]["evidence"])

    def test_what_is_refused_is_not_accepted(self):
        bundle = Bundle(self.key)
        self.put(bundle.objects())
        self.policy(Key("stranger"))
        accepted, verdicts, answer = self.words(bundle)
        self.assertEqual((False, "nfnp" + "n" * 10), (accepted, verdicts))
        self.assertEqual("answer", answer["findings"][1]["kind"])
        os.unlink(os.path.join(self.home, "config", "policy.json"))
        self.refused(dict(bundle.request(), op="judge"), "answer", "no policy")


class Stripped(Host):
    """A Python whose hashlib obeys FIPS: neither BLAKE2 nor MD5."""

    def test_it_judges_all_the_same(self):
        good, bad = Bundle(self.key), Bundle(self.key, plan(version="2.0.0"))
        bad.signatures = [bad.signatures[0].replace(b"2.0.0", b"3.0.0")]
        new = hashlib.new

        def refuse(*_words, **_more):
            raise ValueError("[digital envelope routines] unsupported")

        def checked_new(name, *words, **more):
            return refuse() if name.lower().startswith(("md5", "blake2")) else new(name, *words, **more)

        for bundle in (good, bad):
            self.put(bundle.objects())
        with mock.patch.multiple(hashlib, blake2b=refuse, blake2s=refuse, md5=refuse, new=checked_new):
            with self.assertRaises(ValueError):
                hashlib.new("md5")
            self.assertTrue(self.judge(good)["accepted"])
            refused = self.judge(bad)
            self.assertEqual((False, "untrusted"), (refused["accepted"], refused["findings"][1]["kind"]))
            self.put({sha256(b"more"): b"more"})

    def test_it_builds_all_the_same(self):
        """As a program, and in the supervisor, which is another interpreter."""
        text = support.source(self.etc).replace("    import hashlib\n", "    import hashlib\n    vars(hashlib).pop('blake2b', None)\n"
                                                "    vars(hashlib).pop('md5', None)\n", 1)
        bundle = Bundle(self.key)
        objects = [{"sha256": name, "size": len(data), "data": base64.b64encode(data).decode()}
                   for name, data in bundle.objects().items()]
        lines = "".join(json.dumps(one) + "\n" for one in ({"op": "put", "objects": objects}, bundle.request()))
        done = subprocess.run([sys.executable, "-I", "-c", support.BOOT], input=b"%d\n" % len(text) + text.encode() + lines.encode(),
                              stdout=subprocess.PIPE, env=self.environment, timeout=120)
        self.assertEqual([True, True], [json.loads(line)["ok"] for line in done.stdout.splitlines()], done.stdout)
        self.wait(bundle, "done")


if __name__ == "__main__":
    unittest.main()
