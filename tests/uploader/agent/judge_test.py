# SPDX-License-Identifier: Apache-2.0
"""The agent's findings: the rules of specs/policy.md, one table for each.

What they do to a build, findings_test.py tells; judged_alike_test.py holds the agent and `sealift verify` to the
same findings on the same bundles."""
import functools
import json
import os
import unittest

import policy_values
import support
from support import CLOSED, LIFTED, OFFLINE, Bundle, Key, plan, sha256

RULES = ["format", "signatures", "approvals", "revocation", "time", "content", "recipe", "version", "closure",
         "base", "index", "packages", "size", "blobs"]
SIGNED = 1795353962  # 2026-11-22T13:26:02Z, of every statement here
DAY = 86400
ADA, BEA, CAY, EVE = Key("ada"), Key("bea", ["approve"]), Key("cay", ["approve"]), Key("eve")
# The same few signatures are judged again and again.
LIFTED.ed25519_verify = functools.lru_cache(None)(LIFTED.ed25519_verify)
LIFTED.good_public_key = functools.lru_cache(None)(LIFTED.good_public_key)
DOCKER = CLOSED["pinned"]["base"]


def bundle_of(key=ADA, wheels=(("six", "1.16.0"),), carried=True, uv=False, **changes):
    """A bundle; without `carried` its packages are fetched."""
    def fetch(bundle):
        for package in bundle.lock["packages"]:
            bundle.blobs.pop(package.pop("wheel")["sha256"])
            package.pop("file")
        installer = bundle.lock.pop("installer")
        bundle.blobs.pop(installer["wheel"]["sha256"])
        bundle.files = {name: data for name, data in bundle.files.items() if name.startswith("files/")}
        bundle.add_texts(None)

    def mix(bundle):
        """uv and one wheel are carried, the other is fetched."""
        bundle.lock["installer"].update(name="uv", version="0.5.0", file="uv-0.5.0-py3-none-any.whl")
        package = bundle.lock["packages"][-1]
        bundle.blobs.pop(package.pop("wheel")["sha256"])
        package.pop("file")
        bundle.files = {name: data for name, data in bundle.files.items() if name.startswith("files/")}
        bundle.add_texts(None)

    return Bundle(key, plan(**changes), wheels=wheels, tamper=mix if uv else None if carried else fetch)


def policy_of(keys=(ADA, BEA, CAY), **demands):
    entries = [one if isinstance(one, dict) else one.entry() for one in keys]
    return LIFTED.read_policy("/etc/policy.json", json.dumps(dict(demands, keys=entries, sealift_policy=1)).encode())


def find(bundle, policy, signatures=None, detached=(), seen=None, now=SIGNED + DAY, site=None, absent=0):
    """{rule: finding} of a bundle all of whose objects are here."""
    case = {"bundle": bundle.id, "manifest_data": bundle.manifest, "absent": absent, "path": "/etc/policy.json",
            "policy": policy, "seen": seen or {"latest": 0, "versions": {}}, "now": now, "given": 0, "signatures": [
                one if isinstance(one, tuple) else (support.name_of(one), one)
                for one in [*(bundle.signatures if signatures is None else signatures), *detached]]}
    LIFTED.judge_manifest(case)
    if case["manifest"]:
        LIFTED.judge_demands(case, site or {}, bundle.files)
    found = case["verdict"].findings()
    assert [one["rule"] for one in found] == RULES
    for one in found:
        assert set(one) - {"remedy"} == {"rule", "verdict", "evidence"} | ({"kind"} if one["verdict"] == "fail" else set())
        assert one["evidence"], one
    return {one["rule"]: one for one in found}


def words(findings, *rules):
    """"pass", "none" or the kind of the failure."""
    return [findings[rule].get("kind", findings[rule]["verdict"]) for rule in rules]


def detached(bundle, key, role="approve", place=None, named=None, said=None, text=None):
    comment = said or bundle.statement(role)
    form = "%s.%s.revoke.minisig" if (place or role) == "revoke" else "%s.%s.minisig"
    return form % (bundle.id, (named or key).fingerprint()), key.minisig(bundle.manifest, comment) if text is None else text


class Versions(unittest.TestCase):
    def test_the_order_of_pep_440(self):
        with open(os.path.join(support.ROOT, "tests/data/packaging/pep440-versions.json"), encoding="utf-8") as file:
            table = json.load(file)
        normal = {one["in"]: one["norm"] for one in table["valid"]}
        classes = [{normal.get(one, one) for one in entry} for entry in table["ascending"]]
        keys = [{LIFTED.version_key(one) for one in entry if LIFTED.VERSION.match(one)} for entry in classes]
        self.assertGreater(sum(map(len, classes)), 400)
        self.assertEqual([], [one for entry, got in zip(classes, keys) for one in entry if not got])
        self.assertEqual([], [entry for entry, got in zip(classes, keys) if len(got) != 1])
        order = [got.pop() for got in keys]
        self.assertEqual(order, sorted(order))
        self.assertEqual(len(order), len(set(order)))

    def test_numbers_of_any_length(self):
        self.assertTrue(LIFTED.is_older("1." + "9" * 5000, "1.1" + "0" * 5000))

    def test_normal_form_only(self):
        for good in ("1", "1.0", "1!2.0", "1.0a1", "1.0rc1.post2.dev3", "1.0.dev0", "1.0+cpu.1"):
            self.assertEqual(good, LIFTED.any_version(good, ""))
        for bad in ("", "v1", "1.0-1", "1.0alpha1", "01.0", "1.0+CPU", "0!1", "1.0.post", "1.0+01", "1.0 ", "1.0\n"):
            with self.assertRaises(ValueError):
                LIFTED.any_version(bad, "")

    def test_against_packaging_where_it_is(self):
        """The library itself, where the Python that runs this has it."""
        try:
            from packaging.version import Version
        except ImportError:
            return  # the table above holds its answers
        with open(os.path.join(support.ROOT, "tests/data/packaging/pep440-versions.json"), encoding="utf-8") as file:
            known = sorted({one["norm"] for one in json.load(file)["valid"]})[::3]
        for left in known:
            for right in known:
                self.assertEqual(Version(left) < Version(right), LIFTED.is_older(left, right), (left, right))


class Values(unittest.TestCase):
    """What a policy may say, and what it matches. judged_alike_test.py asks `sealift policy check` the same."""

    def test_good_and_bad_ones(self):
        for policy in policy_values.good(ADA):
            with self.subTest(policy=policy):
                LIFTED.read_policy("policy.json", json.dumps(policy).encode())
        for member, policy in policy_values.bad(ADA):
            with self.subTest(policy=policy):
                with self.assertRaisesRegex(LIFTED.Refusal, "%s|twice|not an integer" % member) as caught:
                    LIFTED.read_policy("policy.json", json.dumps(policy).encode())
                self.assertEqual("input", caught.exception.kind)

    def test_a_policy_with_everything(self):
        policy = policy_of(
            [dict(BEA.entry(), bundles=["demo", "x-*"]), ADA], signed_since="2026-01-31T00:00:00Z", older="refuse",
            versions=[{"name": "b", "lowest": "1.0"}, {"name": "a", "highest": "1"}], denied=["z", "a<1"], largest=1 << 42)
        self.assertEqual(["bea", "ada"], [key["name"] for key in policy["keys"]])
        self.assertEqual((1769817600, ["b", "a"], ["z", "a<1"]), (
            policy["signed_since"], list(policy["versions"]), policy["denied"]))

    def test_patterns_of_names(self):
        for pattern, good, bad in (
                ("demo", ["demo"], ["demo2", "dem", "xdemo"]), ("*", ["a", "demo"], []), ("pandas-*", ["pandas-", "pandas-1"], ["pandas"]),
                ("*-dev", ["a-dev", "-dev-dev"], ["a-devx", "dev"]), ("a*b*c", ["abc", "axbxbxc", "abbc"], ["ac", "abcx"]),
                ("a**", ["a", "ab"], ["ba"]), ("*a" * 20, ["a" * 63], ["a" * 19 + "b"])):
            for name in good + bad:
                self.assertEqual(name in good, LIFTED.name_matches(pattern, name), (pattern, name))

    def test_t48_whole_components(self):
        """Neither a base nor an index is compared as the beginning of a text."""
        lock = {"base": {"sha256": "cd" * 32}}
        for allowed, good in (
                ("docker.io", True), ("docker.io/library", True), ("docker.io/library/python", True), ("docker.io/lib", False),
                ("docker.io/library/python2", False), ("docker.io/library/pyth", False), ("docker.io/library/python/x", False),
                ("sha256:" + "ab" * 32, True), ("sha256:" + "cd" * 32, False)):
            self.assertEqual(good, LIFTED.base_matches(allowed, {"base": DOCKER}, lock), allowed)
        carried = {"base": {"kind": "oci-archive", "file": "docker.io/library/python"}}
        self.assertFalse(LIFTED.base_matches("docker.io/library/python", carried, lock))
        self.assertTrue(LIFTED.base_matches("sha256:" + "cd" * 32, carried, lock))
        for allowed, url, good in (
                ("https://index.example/simple", "https://index.example/simple", True), ("https://index.example/simple", "https://index.example/simple/", True),
                ("https://index.example/simple/", "https://index.example/simple", True), ("https://index.example", "https://index.example/simple", True),
                ("https://index.example:443", "https://index.example/simple", True), ("http://a", "http://a:80/x/y", True),
                ("https://index.example/simple", "https://index.example/simple2", False), ("https://index.example", "https://index.example.evil/simple", False),
                ("https://index.example", "http://index.example/simple", False), ("https://index.example", "https://index.example:444/", False),
                ("https://index.example/a", "https://index.example/a/../b", False), ("https://index.example/a/b", "https://index.example/a", False),
                ("https://index.example", "https://xindex.example", False), ("https://index.example", "", False)):
            self.assertEqual(good, LIFTED.index_matches(allowed, url), (allowed, url))

    def test_denied_packages(self):
        for denied, name, version, expected in (
                ("numpy", "numpy", "1.0", True), ("numpy", "numpy-x", "1.0", False), ("numpy<1.26", "numpy", "1.26rc1", True),
                ("numpy<1.26", "numpy", "1.26", False), ("numpy==1.0", "numpy", "1.0.0", True), ("torch==2.0", "torch", "2.0+cpu", True),
                ("torch!=2.0", "torch", "2.0+cpu", False), ("a>=1,<2", "a", "1.5", True), ("a>=1,<2", "a", "2", False),
                ("a>1!0", "a", "99", False), ("a<=1.0", "a", "1.0.post1", False), ("a>1.0", "a", "1.0.post1", True)):
            self.assertEqual(expected, LIFTED.denies(denied, name, version), (denied, version))


class Signatures(unittest.TestCase):
    """Who has signed, and what counts: `signatures`, `approvals` and `revocation`."""

    @classmethod
    def setUpClass(cls):
        cls.bundle = bundle_of()
        cls.prepare = cls.bundle.signatures[0]

    def make(self, key, role="approve", **changes):
        return key.minisig(self.bundle.manifest, self.bundle.statement(role, **changes))

    def approval(self, key):
        return "signatures/approve-%s.minisig" % key.fingerprint()

    def check(self, expected, *more, prepare=True, keys=(ADA, BEA, CAY), detached=(), **demands):
        signatures = ([self.prepare] if prepare else []) + list(more)
        for order in (signatures, signatures[::-1]):
            found = find(self.bundle, policy_of(keys, **demands), order, detached)
            self.assertEqual(expected, words(found, "signatures", "approvals", "revocation"))
            stopped = any(one not in ("pass", "none") for one in expected)
            self.assertEqual("none" if stopped else "pass", found["format"]["verdict"])
        return found

    def test_the_preparer(self):
        self.check(["pass", "none", "pass"])
        self.check(["answer", "none", "pass"], keys=[BEA])
        self.check(["answer", "none", "pass"], keys=[])
        self.check(["answer", "none", "pass"], prepare=False)
        found = self.check(["untrusted", "none", "pass"], keys=[dict(ADA.entry(), roles=["approve"])])
        self.assertIn("does not let it prepare", found["signatures"]["evidence"])

    def test_names_that_a_key_may_sign_for(self):
        self.check(["pass", "none", "pass"], keys=[dict(ADA.entry(), bundles=["x", "d*o"])])
        found = self.check(["untrusted", "none", "pass"], keys=[dict(ADA.entry(), bundles=["demo2", "dem"])])
        self.assertIn("prepare bundles named 'demo'", found["signatures"]["evidence"])
        self.check(["pass", "untrusted", "pass"], self.make(BEA), keys=[ADA, dict(BEA.entry(), bundles=["other"])], approvals=1)

    def test_t31_one_key_is_counted_once(self):
        again = self.make(BEA, time="2026-11-23T00:00:00Z")
        self.check(["pass", "pass", "pass"], self.make(BEA), again, approvals=1)
        self.check(["pass", "untrusted", "pass"], self.make(BEA), again, approvals=2)
        self.check(["pass", "untrusted", "pass"], self.make(BEA), approvals=2, detached=[detached(self.bundle, BEA)])
        self.check(["pass", "pass", "pass"], self.make(BEA), approvals=2, detached=[detached(self.bundle, CAY)])

    def test_t31_the_preparing_key_is_no_approver(self):
        both = [dict(ADA.entry(), roles=["prepare", "approve"]), BEA]
        self.check(["pass", "untrusted", "pass"], self.make(ADA), keys=both, approvals=1)
        self.check(["pass", "untrusted", "pass"], keys=both, approvals=1, detached=[detached(self.bundle, ADA)])
        self.check(["pass", "pass", "pass"], self.make(ADA), self.make(BEA), keys=both, approvals=1)

    def test_t32_unknown_keys_neither_help_nor_hurt(self):
        for role in ("prepare", "approve", "revoke"):
            with self.subTest(role=role):
                unknown = "pass" if role == "approve" else "none"
                self.check(["pass", unknown, "pass"], self.make(EVE, role))
                self.check(["answer", unknown, "pass"], self.make(EVE, role), prepare=False)
        self.check(["pass", "untrusted", "pass"], self.make(EVE), approvals=1)
        self.check(["pass", "pass", "pass"], detached=[detached(self.bundle, EVE)])
        self.check(["pass", "none", "pass"], detached=[detached(self.bundle, EVE, "revoke")])
        # An approver's id can be copied; it claims nothing (T34).
        copied = Key("eve2", key_id=BEA.id)
        self.check(["pass", "pass", "pass"], self.make(copied), self.make(BEA), approvals=1)
        self.check(["pass", "none", "pass"], self.make(copied, "revoke"))

    def test_t32_a_bad_one_of_a_known_key_hurts(self):
        bad = self.make(BEA).replace(b"role=approve", b"role=prepare")
        self.check(["pass", "untrusted", "pass"], (self.approval(BEA), bad))
        self.check(["untrusted", "none", "pass"], bad, prepare=False)
        self.check(["untrusted", "none", "pass"], self.prepare.replace(b"1.0.0", b"1.0.1"), prepare=False)
        self.check(["pass", "untrusted", "pass"], (self.approval(EVE), b"rubbish"))
        self.check(["untrusted", "none", "pass"], b"rubbish", prepare=False)

    def test_t25_an_approval_is_of_the_key_whose_name_it_has(self):
        other = BEA.minisig(b"other bytes", self.bundle.statement("approve"))
        self.check(["pass", "untrusted", "pass"], (self.approval(BEA), other))
        self.check(["pass", "pass", "pass"], (self.approval(EVE), other))  # nobody's whom the policy knows
        self.check(["pass", "untrusted", "pass"], (self.approval(BEA), self.make(EVE)))
        self.check(["pass", "untrusted", "pass"], (self.approval(EVE), self.make(BEA)), self.make(CAY), approvals=1)
        self.check(["pass", "untrusted", "pass"], (self.approval(CAY), self.make(BEA)))

    def test_t35_an_approval_in_the_preparers_place(self):
        self.check(["untrusted", "none", "pass"], ("signatures/prepare.minisig", self.make(ADA)), prepare=False)
        self.check(["answer", "none", "pass"], ("signatures/prepare.minisig", self.make(EVE)), prepare=False)
        self.check(["pass", "untrusted", "pass"], (self.approval(ADA), self.prepare))

    def test_t31_a_preparers_key_approves_nothing_however_bad_its_signature(self):
        both = [ADA, dict(BEA.entry(), roles=["prepare", "approve"])]
        other = BEA.minisig(self.bundle.manifest, self.bundle.statement("prepare", bundle="0" * 64))
        self.check(["untrusted", "untrusted", "pass"], ("signatures/prepare.minisig", other), self.make(BEA), prepare=False,
                   keys=both, approvals=1)

    def test_names_that_no_signature_has(self):
        good = self.make(BEA)
        for name in ("", "prepare.minisig", "signatures/approve-%s" % BEA.fingerprint(), "signatures/approve-00.minisig",
                     "signatures/prepare.minisig/", self.approval(BEA) + "\n", "%s.%s.minisig" % ("0" * 64, BEA.fingerprint()),
                     "%s.%s.revoke.minisig" % ("0" * 64, BEA.fingerprint()), "../" + self.approval(BEA)):
            with self.subTest(name=name):
                place = ("none", "untrusted") if "revoke" in name else ("untrusted", "pass")
                self.check(["pass", *place], (name, good))

    def test_t35_a_statement_for_another_purpose(self):
        self.check(["pass", "untrusted", "pass"], self.make(BEA, bundle="0" * 64))
        self.check(["pass", "untrusted", "pass"], (self.approval(BEA), BEA.minisig(self.bundle.manifest, "timestamp:0")))
        self.check(["untrusted", "none", "pass"], ADA.minisig(self.bundle.manifest, "timestamp:0"), prepare=False)
        self.check(["answer", "pass", "pass"], self.make(ADA, "approve"), prepare=False,
                   keys=[dict(ADA.entry(), roles=["prepare", "approve"])])
        for place in ("approve", "revoke"):
            with self.subTest(place=place):
                wrong = detached(self.bundle, BEA, {"approve": "revoke", "revoke": "approve"}[place], place=place)
                self.check(["pass", *(("untrusted", "pass") if place == "approve" else ("none", "untrusted"))], detached=[wrong])

    def test_t35_a_statement_that_names_another_version_than_the_manifest(self):
        found = find(self.bundle, policy_of(), [self.make(ADA, "prepare", version="1.0.1")])
        self.assertEqual(["untrusted", "pass"], words(found, "signatures", "format"))
        self.assertIn("the manifest says demo 1.0.0", found["signatures"]["evidence"])
        found = find(self.bundle, policy_of(), [self.prepare, self.make(BEA, name="demo2")])
        self.assertEqual(["pass", "untrusted"], words(found, "signatures", "approvals"))

    def test_what_a_detached_files_name_claims(self):
        rubbish = detached(self.bundle, BEA, text=b"rubbish")
        self.check(["pass", "untrusted", "pass"], detached=[rubbish])
        self.check(["pass", "untrusted", "pass"], detached=[detached(self.bundle, CAY, named=BEA)])  # made by another known key
        self.check(["pass", "untrusted", "pass"], detached=[detached(self.bundle, EVE, named=BEA)])  # not made by that key
        self.check(["pass", "untrusted", "pass"], detached=[detached(self.bundle, BEA, named=EVE)])
        self.check(["pass", "none", "untrusted"], detached=[detached(self.bundle, EVE, "revoke", named=BEA)])
        self.check(["pass", "none", "untrusted"], detached=[detached(self.bundle, BEA, "revoke", text=b"")])

    def test_any_known_key_revokes(self):
        for key in (ADA, BEA, CAY):
            self.check(["pass", "none", "untrusted"], self.make(key, "revoke"))
            found = self.check(["pass", "none", "untrusted"], detached=[detached(self.bundle, key, "revoke")])
            self.assertIn("revoked by '%s' at 2026-11-22T13:26:02Z" % key.name, found["revocation"]["evidence"])
        self.check(["pass", "none", "untrusted"], self.make(BEA, "revoke"), keys=[ADA, dict(BEA.entry(), bundles=["other"])])

    def test_signatures_that_are_not_here_decide_nothing(self):
        policy = policy_of(approvals=1)
        self.assertEqual(["none", "none"], words(find(self.bundle, policy, [], absent=2), "signatures", "approvals"))
        self.assertEqual(["pass", "none"], words(find(self.bundle, policy, absent=1), "signatures", "approvals"))

    def test_t44_without_every_rule_in_front_of_it_nothing_is_read(self):
        """A manifest that is no manifest: what is wrong with it is only said to who has signed it."""
        bundle = bundle_of()
        bundle.manifest = b'{"format":0}\n'
        bundle.id = sha256(bundle.manifest)
        signed = [ADA.minisig(bundle.manifest, bundle.statement("prepare"))]
        self.assertEqual("format", find(bundle, policy_of(), signed)["format"]["kind"])
        self.assertEqual("none", find(bundle, policy_of(), [])["format"]["verdict"])

    def test_t44_an_older_or_newer_form_is_no_way_around(self):
        for changes in ({"format": 0}, {"format": 2}, {"recipe": 0}, {"format": "1"}, {"format": True}):
            bundle = Bundle(ADA, manifest_changes=changes.items())
            found = find(bundle, policy_of())
            self.assertEqual(["pass", "format"], words(found, "signatures", "format"), changes)
            self.assertEqual({"none"}, {found[rule]["verdict"] for rule in RULES[5:]}, changes)


class Demands(unittest.TestCase):
    """From `time` to `size`."""

    def verdicts(self, rule, table, bundle=None, **more):
        bundle = bundle or bundle_of()
        for expected, evidence, demands, *changes in table:
            with self.subTest(demands=demands, changes=changes):
                found = find(bundle, policy_of(**demands), **dict(more, **(changes[0] if changes else {})))[rule]
                self.assertEqual(expected, found.get("kind", found["verdict"]), found)
                self.assertIn(evidence, found["evidence"])
                self.assertEqual(expected == "untrusted", "remedy" in found)

    def test_t41_when_it_was_signed(self):
        self.verdicts("time", [
            ("pass", "prepared at 2026-11-22T13:26:02Z", {}),
            ("pass", "prepared", {"signed_since": "2026-11-22T13:26:02Z"}),
            ("untrusted", "nothing before", {"signed_since": "2026-11-22T13:26:03Z"}),
            ("pass", "prepared", {"signed_within_days": 1}),
            ("untrusted", "2 days ago", {"signed_within_days": 1}, {"now": SIGNED + 2 * DAY}),
            ("pass", "prepared", {"signed_within_days": 2}, {"now": SIGNED + 2 * DAY}),
            ("untrusted", "future", {"signed_within_days": 2}, {"now": SIGNED - DAY - 1}),
            ("pass", "prepared", {"signed_within_days": 2}, {"now": SIGNED - DAY}),
            ("pass", "prepared", {}, {"now": SIGNED - 9 * DAY}),
            ("none", "nobody known", {}, {"signatures": []})])

    def test_t43_a_clock_that_has_gone_back(self):
        seen = {"latest": SIGNED + 30 * DAY, "versions": {}}
        self.verdicts("time", [
            ("untrusted", "the clock says", {}, {"now": SIGNED + 29 * DAY - 1}), ("pass", "", {}, {"now": SIGNED + 29 * DAY}),
            ("untrusted", "the clock says", {}, {"now": SIGNED, "signatures": []})], seen=seen)

    def test_t40_an_older_version_than_the_newest(self):
        def seen(version):
            return {"seen": {"latest": 0, "versions": {"demo": {"name": "demo", "version": version, "time": SIGNED}}}}
        self.verdicts("version", [
            ("none", "1.0.0, and nothing is demanded", {}), ("none", "", {"older": "refuse"}),
            ("pass", "a newer one, 1.0.1", {}, seen("1.0.1")), ("untrusted", "older than 1.0.1", {"older": "refuse"}, seen("1.0.1")),
            ("pass", "a newer one", {"older": "allow"}, seen("2!0")), ("untrusted", "older", {"older": "refuse"}, seen("2!0")),
            ("pass", "none newer", {"older": "refuse"}, seen("1.0")), ("pass", "none newer", {"older": "refuse"}, seen("1.0rc1")),
            ("none", "", {"older": "refuse"}, {"seen": {"latest": 0, "versions": {"demo2": seen("9")["seen"]["versions"]["demo"]}}})])

    def test_t40_versions_that_the_policy_names(self):
        self.verdicts("version", [
            ("pass", "within", {"versions": [{"name": "demo", "lowest": "1.0"}]}),
            ("untrusted", "nothing below", {"versions": [{"name": "demo", "lowest": "1.0.post1"}]}),
            ("pass", "within", {"versions": [{"name": "demo", "highest": "1"}]}),
            ("untrusted", "nothing above", {"versions": [{"name": "demo", "highest": "1.0rc9"}]}),
            ("none", "nothing is demanded", {"versions": [{"name": "demo2", "lowest": "9"}, {"name": "dem", "lowest": "9"}]})])

    def test_t42_a_version_far_in_the_future_is_got_over(self):
        seen = {"latest": 0, "versions": {"demo": {"name": "demo", "version": "999", "time": SIGNED}}}
        highest = {"versions": [{"name": "demo", "highest": "1.9"}], "older": "refuse"}
        self.verdicts("version", [("untrusted", "older than 999", {"older": "refuse"}), ("pass", "within", highest)], seen=seen)
        # And from then on the next ones are remembered again.
        LIFTED.note_version(seen, "demo", "1.0.0", "1.9", SIGNED)
        self.assertEqual("1.0.0", seen["versions"]["demo"]["version"])
        LIFTED.note_version(seen, "demo", "0.9", "1.9", SIGNED + 5)
        self.assertEqual(("1.0.0", SIGNED + 5), (seen["versions"]["demo"]["version"], seen["latest"]))

    def test_closure(self):
        for closure, passing in (("open", 1), ("pinned", 2), ("sealed", 3)):
            self.verdicts("closure", [("none", closure + ", and nothing", {})] + [
                ("pass" if at < passing else "untrusted", "demands " + demanded, {"closure": demanded})
                for at, demanded in enumerate(("open", "pinned", "sealed"))], bundle_of(**CLOSED[closure]))

    def test_a_closure_is_never_a_claim(self):
        online = {"network": "any", "run": "true\n"}
        for expected, plan_changes, more in (
                ("sealed", {}, {}), ("pinned", {}, {"carried": False}), ("pinned", {}, {"uv": True, "wheels": (("a", "1"), ("b", "1"))}),
                ("pinned", {"base": DOCKER}, {}), ("open", {"test": online}, {}), ("open", {"post": [OFFLINE, online], "base": DOCKER}, {}),
                ("sealed", {"test": None}, {"wheels": ()})):
            bundle = bundle_of(**dict({"post": [OFFLINE]}, **plan_changes, **more))
            self.assertEqual(expected, json.loads(bundle.manifest)["closure"])
            for claimed in ("open", "pinned", "sealed"):
                manifest = dict(json.loads(bundle.manifest), closure=claimed)
                bundle.manifest = support.canonical(manifest)
                bundle.id = sha256(bundle.manifest)
                found = find(bundle, policy_of(closure="open"), [ADA.minisig(bundle.manifest, bundle.statement("prepare"))])
                self.assertEqual(["pass", "pass"] if claimed == expected else ["format", "none"], words(found, "recipe", "closure"))

    def test_t48_base(self):
        docker = bundle_of(base=DOCKER)
        self.verdicts("base", [
            ("none", "docker.io/library/python@sha256:" + "ab" * 32, {}), ("pass", "allowed as docker.io/library", {"bases": ["quay.io", "docker.io/library"]}),
            ("untrusted", "none of the policy's bases", {"bases": ["docker.io/library2", "docker.io/lib"]}),
            ("pass", "", {"bases": ["sha256:" + "ab" * 32]}), ("untrusted", "", {"bases": ["sha256:" + "cd" * 32]})], docker)
        carried = bundle_of()
        own = "sha256:" + carried.lock["base"]["sha256"]
        self.verdicts("base", [("pass", "localimage@" + own, {"bases": [own]}), ("untrusted", own, {"bases": ["docker.io"]})], carried)

    def test_denied_packages(self):
        self.verdicts("packages", [
            ("none", "2, and none is denied", {}), ("pass", "none of them denied", {"denied": ["si", "numpy<1"]}),
            ("untrusted", "six 1.16.0 is denied (six<2)", {"denied": ["numpy>1", "six<2"]})], bundle_of(wheels=(("numpy", "1.0"), ("six", "1.16.0"))))

    def test_size(self):
        bundle = bundle_of()
        size = 1 + sum(map(len, bundle.blobs.values()))
        self.verdicts("size", [("none", "%d bytes" % size, {}), ("pass", "", {"largest": size}), ("untrusted", "at most", {"largest": size - 1})], bundle)

    def test_a_recipe_that_was_tampered_with(self):
        bundle = Bundle(ADA, definition=b"Bootstrap: docker\n")
        found = find(bundle, policy_of(older="refuse", largest=1))
        self.assertEqual(["format"] + ["none"] * 6, words(found, "recipe", "version", "closure", "base", "index", "packages", "size"))
        self.assertRegex(found["recipe"]["evidence"], "^image.def:1:")

    def test_all_of_them_are_judged_whatever_the_others_say(self):
        found = find(bundle_of(), policy_of(largest=1, denied=["six"], bases=["a.b"], closure="sealed",
                                            versions=[{"name": "demo", "lowest": "2"}]))
        self.assertEqual(["untrusted"] * 4 + ["none"] + ["untrusted"] * 1, words(
            found, "version", "closure", "base", "packages", "index", "size"))


class Indexes(support.Host):
    """`index`: where a build here would fetch packages from."""

    def index(self, config, indexes, bundle=None):
        site = {}
        if config is not None:
            site["pip_config"] = os.path.join(self.folder, "pip.conf")
            with open(site["pip_config"], "w") as file:
                file.write(config)
        bundle = bundle or bundle_of(carried=False)
        found = find(bundle, policy_of(**({"indexes": indexes} if indexes else {})), site=site)["index"]
        self.assertNotIn("canary", json.dumps(found))
        return found.get("kind", found["verdict"]), found["evidence"]

    def test_t48_indexes_of_the_site(self):
        other, mine = "https://other.example/simple", "https://mirror.example/pypi"
        for expected, config, indexes in (
                ("none", None, None), ("untrusted", None, [other]), ("untrusted", None, [mine]),
                ("pass", "[global]\nindex-url = %s/simple/\n" % mine, [mine]), ("untrusted", "[global]\nindex-url = %s2/simple\n" % mine, [mine]),
                ("pass", "[global]\nindex-url = https://me:canary@mirror.example/pypi\n", [mine]),
                ("pass", "[global]\nindex-url = HTTPS://Mirror.Example:443/pypi\n", [mine]),
                ("untrusted", "[global]\nindex-url = https://mirror.example:canary@evil.example/pypi\n", [mine]),
                ("untrusted", "[global]\nindex-url = https://evil.example\\@mirror.example/pypi\n", [mine]),
                ("untrusted", "[global]\nindex-url = https://canary@x@mirror.example/pypi\n", [mine]),
                ("untrusted", "[global]\nindex-url = https://mirror.example/pypi/../other\n", [mine]),
                ("untrusted", "[global]\nindex-url = https://mirror.example/pypi?canary\n", [mine]),
                ("untrusted", "[global]\nindex-url = http://mirror.example/pypi\n", [mine]),
                ("untrusted", "[global]\nindex-url = /srv/pypi\n", [mine]), ("untrusted", "[global]\nindex-url = file:///srv/pypi\n", [mine]),
                ("untrusted", "[global]\nextra-index-url = %s\n" % mine, [mine]),  # and one that nobody has named
                ("pass", "[global]\nindex-url = %s\nextra-index-url = %s\n" % (other, mine), [mine, other]),
                ("untrusted", "[global]\nindex-url = %s\n[install]\nextra_index_url = %s\n  https://evil.example\n" % (mine, mine), [mine]),
                ("pass", "[download]\nindex-url = https://evil.example\n[global]\nindex-url = %s\n" % mine, [mine]),
                ("untrusted", "[global]\nindex-url = %s\n[install]\nindex-url = https://evil.example\n" % mine, [mine]),
                ("untrusted", "[global]\ntimeout = 5\n", [mine]), ("input", "rubbish", [mine])):
            with self.subTest(config=config, indexes=indexes):
                self.assertEqual(expected, self.index(config, indexes)[0])

    def test_what_is_shown_is_the_host(self):
        _, evidence = self.index("[global]\nindex-url = https://me:canary@mirror.example/canary/simple\n", ["https://a"])
        self.assertIn("2 packages would be fetched from https://mirror.example/..., which", evidence.replace("1 pack", "2 pack"))

    def test_nothing_is_fetched(self):
        self.assertEqual(("none", "nothing is fetched from one"), self.index(None, ["https://a"], bundle_of()))

    def test_uv_reads_no_configuration_of_pip(self):
        bundle = bundle_of(uv=True, wheels=(("numpy", "1.0"), ("six", "1.16.0")))
        config = "[global]\nindex-url = https://mirror.example/pypi\n"
        self.assertEqual("untrusted", self.index(config, ["https://mirror.example"], bundle)[0])
        self.assertIn("nobody here has named", self.index(config, ["https://mirror.example"], bundle)[1])

    def test_a_site_file_that_cannot_be_read(self):
        site = {"pip_config": os.path.join(self.folder, "absent")}
        found = find(bundle_of(carried=False), policy_of(indexes=["https://a"]), site=site)["index"]
        self.assertEqual("io", found["kind"])


if __name__ == "__main__":
    unittest.main()
