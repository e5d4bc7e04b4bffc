# SPDX-License-Identifier: Apache-2.0
"""The agent and `sealift verify` judge the same bundles by the same policies: the same verdict, the same kind and
mostly the same words for every rule. And what `sealift policy check` takes as a policy, the agent takes."""
import copy
import json
import os
import pathlib
import subprocess
import sys
import time
import unittest

import support
from support import LIFTED, Key

sys.path[:0] = [os.path.join(support.ROOT, one) for one in ("tests/cli", "tests/bundles/format")]
import make_example  # noqa: E402
import maker  # noqa: E402
import policy_values  # noqa: E402
import reader  # noqa: E402

SEALIFT = os.environ["SEALIFT"]
DAY = 86400
PREPARE = "signatures/prepare.minisig"
ADA, BEA, CAY, EVE = Key("ada"), Key("bea", ["approve"]), Key("cay", ["approve"]), Key("eve")
ZOE = Key("Zoë", ["prepare", "approve"])
COPY = Key("copy", key_id=BEA.id)  # somebody else's key under a known id

# What one of them sees and the other does not: blobs that only lie there, and the structure of the file.
OF_THE_FILE = ("format", "content", "blobs")
SAME_WORDS = ("version", "closure", "base", "index", "packages", "size")


def approval(key):
    return "signatures/approve-%s.minisig" % key.fingerprint()


class Alike(support.Host):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        import tempfile
        made = tempfile.TemporaryDirectory(prefix="sealift-alike-")
        cls.addClassCleanup(made.cleanup)
        home, example = os.path.join(made.name, "home"), os.path.join(made.name, "example")
        cls.made = pathlib.Path(made.name)
        make_example.make(example)
        for words in (("key", "new", "--no-password"), ("compile", os.path.join(example, "spec.yaml"), "-o", str(cls.made / "x.sealift"))):
            subprocess.run([SEALIFT, "-q", *words], check=True, env=dict(os.environ, SEALIFT_HOME=home), capture_output=True)
        cls.bundle = reader.read(str(cls.made / "x.sealift"))
        cls.name, cls.version = cls.bundle.manifest["name"], cls.bundle.manifest["version"]
        cls.now = int(time.time())

    def sign(self, key, role="prepare", at=0, **changes):
        says = dict(role=role, bundle_id=self.bundle.id, name=self.name, version=self.version,
                    time=LIFTED.show_time(self.now + at))
        says.update(changes)
        return key.minisig(self.bundle.manifest_bytes, maker.statement(**says))

    def lay(self, policy, beside, seen):
        """The same policy, files beside it and memory for both."""
        config = pathlib.Path(self.home, "config")
        (config / "policy.json").write_text(json.dumps(dict(policy, sealift_policy=1)))
        folder = config / "signatures"
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        for name, data in beside.items():
            (folder / name).write_bytes(data)
        for place in ("state", "data"):
            path = pathlib.Path(self.home, place, "seen.json")
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(dict(seen, sealift_seen=1)))

    def by_the_program(self, signatures):
        path = pathlib.Path(self.folder, "b.sealift")
        parts = maker.Parts.of(self.bundle)
        maker.write(str(path), parts, frame=self.bundle.frame, manifest=self.bundle.manifest_bytes,
                    signatures=sorted(signatures.items(), key=lambda one: (one[0] != PREPARE, one[0])))
        done = subprocess.run([SEALIFT, "verify", "--json", str(path)], env=dict(os.environ, SEALIFT_HOME=self.home),
                              capture_output=True, timeout=60)
        return json.loads(done.stdout)["bundles"][0]["findings"]

    def by_the_agent(self, signatures):
        objects = [self.bundle.manifest_bytes, *self.bundle.files.values(), *self.bundle.blobs.values(), *signatures.values()]
        self.put({support.sha256(one): one for one in objects})
        return self.good({"op": "judge", "bundle": self.bundle.id, "signatures": support.listed(
            signatures.items())})["findings"]

    def check(self, name, expected, signatures=None, beside=(), keys=(ADA, BEA, CAY, ZOE), seen=(), **demands):
        """`expected`: {rule: kind or "pass" or "none"}; every other rule as long as they agree."""
        with self.subTest(case=name):
            signatures = {PREPARE: self.sign(ADA)} if signatures is None else signatures
            entries = [one if isinstance(one, dict) else one.entry() for one in keys]
            memory = dict({"latest": "2026-01-01T00:00:00Z", "versions": []}, **dict(seen))
            self.lay(dict(demands, keys=entries), dict(beside), memory)
            theirs = self.by_the_program(signatures)
            ours = self.judged = self.by_the_agent(signatures)
            self.assertEqual([one["rule"] for one in theirs], [one["rule"] for one in ours])
            for one, other in zip(theirs, ours):
                verdicts = [entry.get("kind") or entry["verdict"] for entry in (one, other)]
                self.assertEqual(expected.get(one["rule"], verdicts[1]), verdicts[1], other)
                if one["rule"] not in OF_THE_FILE:
                    self.assertEqual(verdicts[0], verdicts[1], (one, other))
                if one["rule"] in SAME_WORDS and verdicts[0] != "none":
                    self.assertEqual((one["evidence"], one.get("remedy")), (other["evidence"], other.get("remedy")))
            self.cases = getattr(self, "cases", 0) + 1

    def detached(self, key, role="approve", named=None, **changes):
        leaf = "%s.%s%s.minisig" % (self.bundle.id, (named or key).fingerprint(), ".revoke" if role == "revoke" else "")
        return {leaf: self.sign(key, role, **changes)}

    def test_who_has_signed(self):
        good = {PREPARE: self.sign(ADA)}
        self.check("good", {"signatures": "pass", "approvals": "none"})
        self.check("unsigned", {"signatures": "answer"}, {})
        self.check("nobody known", {"signatures": "answer"}, {PREPARE: self.sign(EVE)})
        self.check("no keys", {"signatures": "answer"}, keys=[])
        self.check("t35 an approval in its place", {}, {PREPARE: self.sign(ADA), approval(BEA): self.sign(BEA, "approve")})
        self.check("a changed byte", {"signatures": "untrusted"}, {PREPARE: good[PREPARE].replace(b"prepare", b"approve")})
        self.check("rubbish", {"signatures": "untrusted"}, {PREPARE: b"rubbish\n"})
        self.check("another bundle", {"signatures": "untrusted"}, {PREPARE: self.sign(ADA, bundle_id="0" * 64)})
        self.check("another version", {"signatures": "untrusted"}, {PREPARE: self.sign(ADA, version="9.9")})
        self.check("no statement", {"signatures": "untrusted"}, {PREPARE: ADA.minisig(self.bundle.manifest_bytes, "timestamp:0")})
        self.check("no role", {"signatures": "untrusted"}, keys=[dict(ADA.entry(), roles=["approve"])])
        self.check("its names", {"signatures": "pass"}, keys=[dict(ADA.entry(), bundles=[self.name[:2] + "*", "zz"])])
        self.check("other names", {"signatures": "untrusted"}, keys=[dict(ADA.entry(), bundles=[self.name + "2", "x*"])])
        self.check("t34 two keys of one id", {"signatures": "pass"}, keys=[Key("twin", key_id=ADA.id), ADA])
        self.check("t34 an id that somebody knows", {"signatures": "untrusted"}, {PREPARE: self.sign(Key("other", key_id=ADA.id))})
        self.assertEqual(15, self.cases)

    def test_who_has_approved(self):
        prepare = {PREPARE: self.sign(ADA)}
        bea, cay = {approval(BEA): self.sign(BEA, "approve")}, {approval(CAY): self.sign(CAY, "approve")}
        self.check("none", {"approvals": "untrusted"}, approvals=1)
        self.check("one", {"approvals": "pass"}, {**prepare, **bea}, approvals=1)
        self.check("one of two", {"approvals": "untrusted"}, {**prepare, **bea}, approvals=2)
        self.check("two", {"approvals": "pass"}, {**prepare, **bea, **cay}, approvals=2)
        self.check("t31 inside and beside", {"approvals": "untrusted"}, {**prepare, **bea}, self.detached(BEA), approvals=2)
        self.check("one inside, one beside", {"approvals": "pass"}, {**prepare, **bea}, self.detached(CAY), approvals=2)
        self.check("t31 the preparer's own", {"approvals": "untrusted"}, {
            PREPARE: self.sign(ZOE), approval(ZOE): self.sign(ZOE, "approve")}, approvals=1)
        self.check("t32 unknown", {"approvals": "pass"}, {**prepare, approval(EVE): self.sign(EVE, "approve")})
        self.check("t32 unknown does not help", {"approvals": "untrusted"}, {**prepare, approval(EVE): self.sign(EVE, "approve")}, approvals=1)
        self.check("t34 a copied id", {"approvals": "pass"}, {**prepare, **bea, approval(COPY): self.sign(COPY, "approve")}, approvals=1)
        self.check("no role", {"approvals": "untrusted"}, {**prepare, approval(ADA): self.sign(ADA, "approve")}, approvals=1)
        self.check("other names", {"approvals": "untrusted"}, {**prepare, **bea}, keys=[ADA, dict(BEA.entry(), bundles=["x"])], approvals=1)
        self.check("another bundle", {"approvals": "untrusted"}, {**prepare, approval(BEA): self.sign(BEA, "approve", bundle_id="0" * 64)})
        self.check("another version", {"approvals": "untrusted"}, {**prepare, approval(BEA): self.sign(BEA, "approve", version="9")})
        self.check("a changed byte", {"approvals": "untrusted"}, {**prepare, approval(BEA): bea[approval(BEA)].replace(b"approve", b"prepare")})
        self.check("rubbish", {"approvals": "untrusted"}, {**prepare, approval(BEA): b"rubbish\n"})
        self.check("beside", {"approvals": "pass"}, beside=self.detached(BEA), approvals=1)
        self.check("beside, under another name", {"approvals": "untrusted"}, beside=self.detached(CAY, named=BEA))
        self.check("beside, under an unknown name", {"approvals": "untrusted"}, beside=self.detached(CAY, named=EVE))
        self.check("beside, a stranger's under a known name", {"approvals": "untrusted"}, beside=self.detached(EVE, named=BEA))
        self.check("beside, rubbish", {"approvals": "untrusted"}, beside=dict.fromkeys(self.detached(BEA), b""))
        self.check("beside, too large", {"approvals": "untrusted"}, beside=dict.fromkeys(self.detached(BEA), b"x" * 5000))
        self.check("t35 beside, a revocation", {"approvals": "untrusted"}, beside=dict(zip(self.detached(BEA), [self.sign(BEA, "revoke")])))
        self.check("beside, of another bundle", {"approvals": "none"}, beside={"%s.%s.minisig" % ("0" * 64, BEA.fingerprint()): b"x"})
        self.assertEqual(24, self.cases)

    def test_who_has_revoked(self):
        for key in (ADA, BEA, ZOE):
            self.check("revoked", {"revocation": "untrusted"}, beside=self.detached(key, "revoke"))
        self.check("whatever its names", {"revocation": "untrusted"}, beside=self.detached(BEA, "revoke"),
                   keys=[ADA, dict(BEA.entry(), bundles=["x"])])
        self.check("t32 unknown", {"revocation": "pass"}, beside=self.detached(EVE, "revoke"))
        self.check("another bundle's", {"revocation": "untrusted"}, beside=self.detached(BEA, "revoke", bundle_id="0" * 64))
        self.check("rubbish", {"revocation": "untrusted"}, beside=dict.fromkeys(self.detached(BEA, "revoke"), b"?"))
        self.check("t35 an approval", {"revocation": "untrusted"}, beside=dict(zip(self.detached(BEA, "revoke"), [self.sign(BEA, "approve")])))
        self.assertEqual(8, self.cases)

    def test_when(self):
        for at, expected, demands in (
                (-DAY, "pass", {}), (-3 * DAY, "untrusted", {"signed_within_days": 2}), (-DAY, "pass", {"signed_within_days": 2}),
                (2 * DAY, "untrusted", {"signed_within_days": 2}), (DAY // 2, "pass", {"signed_within_days": 2}), (9 * DAY, "pass", {}),
                (-DAY, "untrusted", {"signed_since": LIFTED.show_time(self.now)}), (0, "pass", {"signed_since": LIFTED.show_time(self.now)})):
            self.check("t41 %d %s" % (at, demands), {"time": expected}, {PREPARE: self.sign(ADA, at=at)}, **demands)
        for at, expected in ((2 * DAY, "untrusted"), (DAY // 2, "pass")):
            self.check("t43 %d" % at, {"time": expected}, seen={"latest": LIFTED.show_time(self.now + at)})
        self.check("t43 unsigned", {"time": "untrusted"}, {}, seen={"latest": LIFTED.show_time(self.now + 2 * DAY)})
        self.assertEqual(11, self.cases)

    def test_which_versions(self):
        def seen(version, name=self.name):
            return {"versions": [{"name": name, "time": "2026-01-01T00:00:00Z", "version": version}]}
        newer, older = self.version + ".post1", self.version + "rc1"
        for expected, memory, demands in (
                ("none", {}, {}), ("none", {}, {"older": "refuse"}), ("pass", seen(newer), {}), ("untrusted", seen(newer), {"older": "refuse"}),
                ("pass", seen(older), {"older": "refuse"}), ("pass", seen(self.version + ".0"), {"older": "refuse"}),
                ("none", seen("99", self.name + "2"), {"older": "refuse"}), ("pass", seen("99"), {"older": "allow"}),
                ("untrusted", {}, {"versions": [{"name": self.name, "lowest": newer}]}), ("pass", {}, {"versions": [{"name": self.name, "lowest": older}]}),
                ("untrusted", {}, {"versions": [{"name": self.name, "highest": older}]}), ("pass", {}, {"versions": [{"name": self.name, "highest": newer}]}),
                ("pass", seen("99"), {"older": "refuse", "versions": [{"name": self.name, "highest": newer}]}),
                ("untrusted", seen(newer), {"older": "refuse", "versions": [{"name": self.name, "highest": newer}]})):
            self.check("t40 t42 %s %s" % (memory, demands), {"version": expected}, seen=memory, **demands)
        self.assertEqual(14, self.cases)

    def test_what_is_in_it(self):
        lock = json.loads(self.bundle.files["lock.json"])
        base, packages = "sha256:" + lock["base"]["sha256"], lock["packages"]
        size = self.bundle.manifest["content"]["size"] + sum(map(len, self.bundle.blobs.values()))
        first = packages[0]["name"]
        for rule, expected, demands in (
                ("closure", "pass", {"closure": self.bundle.manifest["closure"]}), ("closure", "pass", {"closure": "open"}),
                ("base", "pass", {"bases": ["docker.io", base]}), ("base", "untrusted", {"bases": ["docker.io"]}),
                ("base", "untrusted", {"bases": ["sha256:" + "0" * 64]}), ("packages", "pass", {"denied": [first + ">9", "other"]}),
                ("packages", "untrusted", {"denied": ["other", first]}), ("packages", "untrusted", {"denied": [first + "==" + packages[0]["version"] + ".0"]}),
                ("packages", "pass", {"denied": [first + "!=" + packages[0]["version"]]}), ("size", "pass", {"largest": size}),
                ("size", "untrusted", {"largest": size - 1}), ("index", "none", {"indexes": ["https://a"]})):
            self.check("t48 %s" % demands, {rule: expected}, **demands)
        self.check("all at once", {"base": "untrusted", "packages": "untrusted", "size": "untrusted", "version": "untrusted"},
                   bases=["a.b"], denied=[first], largest=1, versions=[{"name": self.name, "lowest": "999"}])
        self.assertEqual(13, self.cases)

    def resealed(self, change):
        """The bundle with one thing changed, and everything above it made right."""
        parts = maker.Parts.of(self.bundle)
        change(parts.files)
        return reader.read_bytes(maker.assemble(parts))

    def test_what_was_tampered_with(self):
        def append(name, text):
            return lambda files: files.update({name: files[name] + text})

        def replace(name, old, new):
            return lambda files: files.update({name: files[name].replace(old, new)})

        good = self.bundle
        for name, change in (
                ("image.def", append("image.def", b"%runscript\nid\n")), ("a script", append("requirements.txt", b"x==1\n")),
                ("plan.json", replace("plan.json", b'"sealift_plan":1', b'"sealift_plan":2')), ("lock.json", append("lock.json", b" ")),
                ("another version", replace("plan.json", good.manifest["version"].encode(), b"7.7.7")),
                ("no definition", lambda files: files.pop("image.def")), ("no spec", lambda files: files.pop("spec")),
                ("a script too many", lambda files: files.update({"scripts/post-99.sh": b"id\n"})),
                ("a file too many", lambda files: files.update({"files/" + support.sha256(b"x"): b"x"}))):
            self.bundle = self.resealed(change)
            self.check(name, {"signatures": "pass", "recipe": "format", "version": "none", "size": "none"}, largest=1)
        for member, value, rule in (("format", 2, "format"), ("format", 0, "format"), ("recipe", 2, "recipe"), ("recipe", 0, "format"),
                                    ("recipe", 65536, "format"), ("closure", "open2", "format"), ("closure", "open", "recipe"),
                                    ("more", 1, "format"), ("files", [], "format")):
            self.bundle = copy.copy(good)
            self.bundle.manifest_bytes = reader.canonical(dict(good.manifest, **{member: value}))
            self.bundle.id = support.sha256(self.bundle.manifest_bytes)
            self.check("t44 %s %s" % (member, value), {"signatures": "pass", "format": "pass", "size": "none", rule: "format"}, largest=1)
        self.assertEqual(18, self.cases)


class Policies(unittest.TestCase):
    def test_what_one_takes_the_other_takes(self):
        import tempfile
        with tempfile.TemporaryDirectory() as folder:
            path, taken = os.path.join(folder, "policy.json"), 0
            for policy in policy_values.all_of(ADA):
                with open(path, "w", encoding="utf-8") as file:
                    json.dump(policy, file, ensure_ascii=False)
                done = subprocess.run([SEALIFT, "policy", "check", path], capture_output=True,
                                      env=dict(os.environ, SEALIFT_HOME=folder))
                self.assertIn(done.returncode, (0, 2, 3), done.stderr)
                with open(path, "rb") as file:
                    try:
                        LIFTED.read_policy(path, file.read())
                        good = True
                    except LIFTED.Refusal:
                        good = False
                self.assertEqual(done.returncode == 0, good, (policy, done.stdout, done.stderr))
                taken += good
            self.assertGreater(taken, 15)


if __name__ == "__main__":
    unittest.main()
