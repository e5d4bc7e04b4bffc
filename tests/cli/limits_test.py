#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Limits of specs/limits.md that a whole command meets: what is at the ceiling passes, one more is refused with a sentence,
an exit code and nothing written. The other limits have their tests beside the code that holds them."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

ROOT = pathlib.Path(os.environ["SEALIFT_SOURCE_DIR"])
sys.path[:0] = [str(ROOT / one) for one in ("tests/uploader/agent", "tests/cli", "tests/bundles/format")]
import make_example  # noqa: E402
import maker  # noqa: E402
import reader  # noqa: E402
import support  # noqa: E402
from support import Key  # noqa: E402

SEALIFT = os.environ["SEALIFT"]
LIMITS = {name: int(text.replace(",", "")) for name, text in re.findall(
    r"^\| `(SL_[A-Z_]+)` \| ([0-9,]+) \|", (ROOT / "specs/limits.md").read_text(), re.M)}
MINISIGN = "untrusted comment: "


def limit(name):
    return LIMITS["SL_LIMIT_" + name]


class Limits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.here = pathlib.Path.cwd()
        cls.env = dict(os.environ, SEALIFT_HOME=str(cls.here / "home"))
        make_example.make(str(cls.here / "example"))
        cls.key = Key("ada")
        cls.sealift("key", "new", "--no-password", code=0)
        cls.sealift("compile", "example/spec.yaml", "-o", "x.sealift", code=0)
        cls.bundle = reader.read("x.sealift")
        cls.public, = (cls.here / "home").rglob("*.pub")

    @classmethod
    def sealift(cls, *words, code=None, env=None):
        done = subprocess.run([SEALIFT, "-q", *map(str, words)], env=env or cls.env, capture_output=True, text=True, timeout=120)
        if code is not None and done.returncode != code:
            raise AssertionError(f"{words}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def both(self, code, pattern, run):
        """run(0) is at the limit and passes, run(1) is one past it; each returns (exit code, output)."""
        got, said = run(0)
        self.assertEqual(0, got, said)
        before = self.tree()
        got, said = run(1)
        self.assertEqual(code, got, said)
        self.assertRegex(said, pattern)
        self.assertEqual(before, self.tree())

    def tree(self):
        """What stands in the user's folders."""
        return {str(path): path.read_bytes() for path in (self.here / "home").rglob("*") if path.is_file()}

    def run_words(self, *words):
        done = subprocess.run([SEALIFT, "-q", *map(str, words)], env=self.env, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout + done.stderr

    def check_policy(self, **members):
        path = self.here / "policy.json"
        path.write_text(json.dumps(dict({"keys": [self.key.entry()]}, **members, sealift_policy=1)))
        return self.run_words("policy", "check", path)

    # ---- policy ----------------------------------------------------------------------------------

    def test_keys_of_a_policy(self):
        keys = [Key(f"key {number}").entry() for number in range(limit("KEYS") + 1)]
        self.both(3, "policy.keys: more than 1024", lambda more: self.check_policy(keys=keys[:limit("KEYS") + more]))

    def test_comparisons_of_a_denied_package(self):
        self.both(3, "denied", lambda more: self.check_policy(denied=[
            "six" + ",".join("!=1.%d" % number for number in range(limit("COMPARISONS") + more))]))

    def test_days_and_bytes_of_a_policy(self):
        self.both(3, "signed_within_days", lambda more: self.check_policy(signed_within_days=limit("SIGNED_WITHIN") + more))
        self.both(3, "largest", lambda more: self.check_policy(largest=limit("BUNDLE") + more))

    def test_texts_of_a_policy(self):
        key = self.key.entry()
        index = "https://a.example/"
        version = ("1" + ".1" * limit("DENIED"))[:limit("DENIED") - len("six==")]
        self.assertEqual("1", version[-1])
        for pattern, make in (
                ("a name has 1 to 100 bytes", lambda more: {"keys": [dict(key, name="n" * (limit("KEY_NAME") + more))]}),
                ("of at most 63", lambda more: {"keys": [dict(key, bundles=["b" * (limit("KEY_PATTERN") + more)])]}),
                ("indexes", lambda more: {"indexes": [index + "x" * (limit("INDEX") - len(index) + more)]}),
                ("denied", lambda more: {"denied": ["six==" + "1" * more + version]})):
            self.both(3, pattern, lambda more: self.check_policy(**make(more)))

    def test_numbers_that_policy_init_takes(self):
        approvers = []
        for number in range(limit("SIGNATURES") + 1):
            pathlib.Path(f"approver{number}.pub").write_text(MINISIGN + "k\n" + Key(f"approver {number}").base64() + "\n")
            approvers += ["--approve", f"approver{number}.pub"]
        for name, option in (("SIGNATURES", "--approvals"), ("SIGNED_WITHIN", "--signed-within-days"), ("BUNDLE", "--largest")):
            self.both(2, option + " is at most", lambda more: self.run_words(
                "policy", "init", "--prepare", self.public, *approvers, option, limit(name) + more, "-o", self.here / f"{name}{more}.json"))

    # ---- keys ------------------------------------------------------------------------------------

    def test_bytes_of_key_files(self):
        public = self.key.base64() + "\n"

        def add(more):
            comment = MINISIGN + "x" * (limit("KEY_FILE") + more - len(MINISIGN) - 1 - len(public)) + "\n"
            pathlib.Path("a.pub").write_text(comment + public)
            self.assertEqual(limit("KEY_FILE") + more, os.path.getsize("a.pub"))
            return self.run_words("trust", "add", "a.pub", "--role", "prepare", "--name", "at the limit")
        self.both(7, "a.pub.*4096", add)
        secret = (self.here / "home/config/key").with_name("prepare.key")
        files = [path for path in (self.here / "home").rglob("*.key")]
        self.assertEqual(1, len(files), files)
        secret = files[0].read_text().split("\n", 1)[1]

        def sign(more):
            comment = MINISIGN + "x" * (limit("KEY_FILE") + more - len(MINISIGN) - 1 - len(secret)) + "\n"
            path = pathlib.Path("own.key")
            path.write_text(comment + secret)
            path.chmod(0o600)
            self.assertEqual(limit("KEY_FILE") + more, os.path.getsize("own.key"))
            shutil.rmtree("out", ignore_errors=True)
            os.mkdir("out")
            code, said = self.run_words("compile", "example/spec.yaml", "--key", path, "-o", "out/k.sealift")
            self.assertEqual(["k.sealift"] if code == 0 else [], os.listdir("out"))
            return code, said
        self.both(7, "own.key.*4096", sign)

    def test_bytes_of_a_password(self):
        def make(more):
            pathlib.Path("password").write_text("p" * (limit("PASSWORD") + more) + "\n")
            code, said = self.run_words("key", "new", "--password-file", "password", "-o", f"locked{more}")
            self.assertEqual(code == 0, os.path.exists(f"locked{more}.key"))
            return code, said
        self.both(7, "longer than 1023 bytes", make)

    def test_what_a_signer_prints(self):
        """As many bytes as a signature may have are read, and are none here; more are not even read."""
        os.mkdir("signed")
        maker.new_key("token")
        pathlib.Path("signer").write_text("#!/bin/sh\ncat >/dev/null\nexec cat signature\n")
        os.chmod("signer", 0o755)
        for more, code, text in ((0, 4, "is not a minisign signature"), (1, 5, "more than 1024 bytes")):
            pathlib.Path("signature").write_bytes(b"x" * (limit("SIGNATURE") + more))
            got, said = self.run_words("approve", "x.sealift", "--signer", "./signer", "--public-key", "token.pub", "-C", "signed")
            self.assertEqual(code, got, said)
            self.assertIn(text, said)
            self.assertEqual([], os.listdir("signed"))

    # ---- what verify remembers ---------------------------------------------------------------------

    def verify_with_seen(self, text):
        home = self.here / "seen-home"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self.here / "home", home)
        (home / "state").mkdir(exist_ok=True)
        (home / "state/seen.json").write_bytes(text)
        done = subprocess.run([SEALIFT, "-q", "verify", "x.sealift"], env=dict(self.env, SEALIFT_HOME=str(home)),
                              capture_output=True, text=True, timeout=120)
        self.assertTrue(done.returncode == 0 or (home / "state/seen.json").read_bytes() == text)
        return done.returncode, done.stdout + done.stderr

    def seen(self, names):
        entries = [{"name": name, "time": "2026-01-01T00:00:00Z", "version": "1"} for name in names]
        return json.dumps({"latest": "2026-01-01T00:00:00Z", "sealift_seen": 1, "versions": entries}).encode()

    def test_names_that_were_seen(self):
        many = [f"n{number:05}" for number in range(limit("SEEN_NAMES"))]
        own = self.bundle.manifest["name"]
        full = self.seen(sorted([*many[1:], own]))
        self.both(3, "versions: more than 65536", lambda more: self.verify_with_seen(
            self.seen(sorted([*many[1:], own] + ["zz"] * more))))
        # One that is full takes no other name; what has been verified stays so.
        code, said = self.verify_with_seen(self.seen(many))
        self.assertEqual(0, code, said)
        self.assertIn("warning: it is not remembered that small-image 1.0.0 has passed: seen.json: more than 65536 names", said)
        self.assertEqual(self.seen(many), (self.here / "seen-home/state/seen.json").read_bytes())
        code, said = self.verify_with_seen(full)
        self.assertNotIn("warning", said)

    def test_bytes_of_what_was_seen(self):
        self.both(7, "seen.json.*33554432", lambda more: self.verify_with_seen(
            self.seen([self.bundle.manifest["name"]]).ljust(limit("SEEN") + more)))

    # ---- folders and bundles -------------------------------------------------------------------------

    def test_files_in_a_folder_of_signatures(self):
        os.mkdir("many")
        for number in range(limit("SIGNATURE_FILES")):
            os.close(os.open(f"many/{number}", os.O_CREAT | os.O_WRONLY))

        def verify(more):
            if more:
                pathlib.Path("many/more").touch()
            return self.run_words("verify", "x.sealift", "--signatures", "many")
        self.both(7, "many.*65536", verify)

    def test_bytes_of_a_whole_bundle(self):
        """By what the manifest says: the sizes of 1 TiB blobs, of which the file holds nothing."""
        largest, top = limit("BLOB"), limit("BUNDLE")

        def said_of(last):
            value = json.loads(json.dumps(self.bundle.manifest))
            value["blobs"] = [{"sha256": "%064x" % number, "size": size} for number, size in enumerate([largest] * 3 + [last])]
            manifest = reader.canonical(value)
            words = "sealift:1 role=prepare bundle=%s name=%s version=%s time=2026-11-22T13:26:02Z" % (
                maker.sha256(manifest), value["name"], value["version"])
            pathlib.Path("big.sealift").write_bytes(maker.assemble(
                maker.Parts.of(self.bundle), manifest=manifest, frame=self.bundle.frame,
                signatures=[(maker.PREPARE, self.key.minisig(manifest, words))]))
            pathlib.Path("ada.json").write_text(json.dumps({"keys": [self.key.entry()], "sealift_policy": 1}))
            return self.run_words("verify", "--policy", "ada.json", "big.sealift")
        code, said = said_of(largest)
        self.assertEqual(7, code, said)
        over = int(re.search(r"the bundle: (\d+) bytes are more than the limit of %d" % top, said).group(1)) - top
        self.assertEqual(0, over % 512)
        code, said = said_of(largest - over)
        self.assertEqual(3, code, said)  # now it is only too short
        self.assertNotIn("limit", said)
        code, said = said_of(largest - over + 1)
        self.assertEqual(7, code, said)

    def test_files_that_travel_in_the_content(self):
        inline = LIMITS["SL_INLINE_FILE"]
        shutil.copytree("example", "files")
        spec = pathlib.Path("files/spec.yaml")
        spec.write_text(re.sub(r"(?m)^files:\n(  .*\n)+", "", spec.read_text()) + "files:\n  - from: data\n    to: /opt/data\n")
        carried = {}
        for more in (0, 1):
            pathlib.Path("files/data").write_bytes(b"x" * (inline + more))
            self.sealift("compile", "files/spec.yaml", "-o", f"f{more}.sealift", code=0)
            self.sealift("verify", f"f{more}.sealift", code=0)
            made = reader.read(f"f{more}.sealift")
            digest = maker.sha256(b"x" * (inline + more))
            carried[more] = (f"files/{digest}" in made.files, digest in made.blobs)
        self.assertEqual({0: (True, False), 1: (False, True)}, carried)

    def test_files_of_a_wheelhouse(self):
        shutil.copytree("example", "wheels-of")
        house = next(path.parent for path in pathlib.Path("wheels-of").rglob("*.whl"))
        for number in range(limit("WHEELS") - len(os.listdir(house))):
            os.close(os.open(house / f"{number}.txt", os.O_CREAT | os.O_WRONLY))

        def compile_one(more):
            if more:
                (house / "more.txt").touch()
            code, said = self.run_words("compile", "wheels-of/spec.yaml", "-o", f"w{more}.sealift")
            self.assertEqual(code == 0, os.path.exists(f"w{more}.sealift"))
            return code, said
        self.both(7, "more than 65536", compile_one)

    def test_packages_of_a_lock(self):
        """As many wheels as there may be packages: compiled, verified and read again by the second reader."""
        make_example.make("packages")
        lock = pathlib.Path("packages/requirements.lock")
        count = limit("PACKAGES") - lock.read_text().count("==")
        with lock.open("a") as file:
            for number in range(count + 1):
                leaf = make_example.make_wheel("packages/wheels", f"p{number:05}", "1")
                line = f"p{number:05}==1 --hash=sha256:{make_example.sha256_of('packages/wheels/' + leaf)}\n"
                if number < count:
                    file.write(line)

        def compile_all(more):
            if more:
                with lock.open("a") as file:
                    file.write(line)
            code, said = self.run_words("compile", "packages/spec.yaml", "-o", f"l{more}.sealift")
            self.assertEqual(code == 0, os.path.exists(f"l{more}.sealift"))
            return code, said
        self.both(7, "requirements.lock': more than 16384 packages", compile_all)
        self.sealift("verify", "l0.sealift", code=0)
        read = reader.read("l0.sealift")
        locked = json.loads(read.files["lock.json"])
        self.assertEqual(limit("PACKAGES"), len(locked["packages"]))
        # one more, in a bundle that others have made
        locked["packages"].append(dict(locked["packages"][-1], name="zz"))
        parts = maker.Parts.of(read)
        parts.files["lock.json"] = reader.canonical(locked)
        maker.new_key("another")
        maker.write("others.sealift", parts, key="another.key")
        self.sealift("policy", "init", "--prepare", "another.pub", "-o", "another.json", code=0)
        code, said = self.run_words("verify", "--policy", "another.json", "others.sealift")
        self.assertEqual(3, code, said)
        self.assertIn("packages: more than 16384", said)

    def test_bytes_of_a_path(self):
        """A path that is a name too long for the system is an error of the system, not of the limit."""
        shutil.copytree("example", "paths")
        spec = pathlib.Path("paths/spec.yaml")
        text = re.sub(r"(?m)^files:\n(  .*\n)+", "", spec.read_text())
        for more in (0, 1):
            path = "d/" * (limit("PATH") // 2 - 1) + "x" * (2 + more)
            spec.write_text(text + "files:\n  - from: %s\n    to: /opt/data\n" % path)
            code, said = self.run_words("compile", "paths/spec.yaml", "-o", "p.sealift")
            self.assertNotEqual(0, code)
            self.assertFalse(os.path.exists("p.sealift"))
            self.assertEqual(more == 0, "No such file" in said or "does not exist" in said, said)

    def test_nesting(self):
        for more in (0, 1):
            deep = limit("DEPTH") - 1 + more
            pathlib.Path("deep.json").write_text('{"sealift_policy":1,"keys":[],"x":%s1%s}' % ("[" * deep, "]" * deep))
            code, said = self.run_words("policy", "check", "deep.json")
            self.assertEqual(7 if more else 3, code, said)
            self.assertEqual(bool(more), "deeper than 32" in said or "32 levels" in said, said)


if __name__ == "__main__":
    unittest.main()
