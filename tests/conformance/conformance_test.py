#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every case of tests/cases/conformance before every judge that it concerns: `sealift verify`, the reader in
Python (tests/bundles/format/reader.py, written from specs/bundle-format.md alone) and the agent's `judge`. The
cases are data; tests/cases/conformance/README.md says what they may say."""
import base64
import copy
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import unittest

ROOT = pathlib.Path(os.environ["SEALIFT_SOURCE_DIR"])
sys.path[:0] = [str(ROOT / one) for one in ("tests/uploader/agent", "tests/cli", "tests/bundles/format")]
import make_example  # noqa: E402
import maker  # noqa: E402
import reader  # noqa: E402
import support  # noqa: E402
from support import Key  # noqa: E402

SEALIFT = os.environ["SEALIFT"]
DATA = ROOT / "tests/cases/conformance"
BLOCK = reader.BLOCK
ADA = Key("ada")
KEYS = {"ada": ADA, "bea": Key("bea", ["approve"]), "cay": Key("cay", ["approve"]), "zoe": Key("zoe", ["prepare", "approve"]),
        "eve": Key("eve"), "twin": Key("twin", key_id=ADA.id)}
LISTED = ("ada", "bea", "cay", "zoe")
LEAST = 262
POLICY = re.compile(r"(?:sealift: |')?/\S*/policy\.json(.+)")  # how a message about the policy begins, and what follows


def entry(value):
    """A key of a policy: its name, or an object with `key` and what is to be different."""
    if isinstance(value, str):
        return KEYS[value].entry()
    return dict(KEYS[value["key"]].entry(), **{name: one for name, one in value.items() if name != "key"})


class Made:
    """One case as bytes: the bundle, its objects, and what lies beside it."""

    def __init__(self, case, base, now):
        self.case, self.now = case, now
        self.parts = maker.Parts.of(base)
        for step in case.get("content", []):
            self.change_content(*step)
        tar, same = maker.content_tar(self.parts.files), self.parts.files == base.files
        self.frame = base.frame if same else maker.compress(tar, "-2")
        if "frame" in case:
            self.frame = self.change_frame(tar, case["frame"])
        same = same and "frame" not in case and len(self.parts.blobs) == len(base.blobs)
        value = copy.deepcopy(base.manifest) if same else self.parts.manifest(self.frame, tar)
        for step in case.get("manifest", []):
            value = self.change_manifest(value, *step)
        self.manifest = value if isinstance(value, bytes) else reader.canonical(value)
        self.id = support.sha256(self.manifest)
        self.inside, self.beside, self.given = [], {}, {}
        for one in case.get("signatures", [{"by": "ada"}]):
            self.add_signature(one)
        self.inside.sort(key=lambda one: (one[0] != maker.PREPARE, one[0]))
        self.bytes = maker.assemble(self.parts, manifest=self.manifest, frame=self.frame, signatures=self.inside)
        for step in case.get("file", []):
            self.bytes = self.change_file(self.bytes, *step)

    def change_content(self, what, name, *values):
        if what == "replace":
            before = self.parts.files[name]
            self.parts.files[name] = before.replace(values[0].encode(), values[1].encode())
            assert self.parts.files[name] != before, self.case["name"]
        elif what == "add":
            self.parts.files[name] = values[0].encode()
        elif what == "drop":
            del self.parts.files[name]
        elif what == "blob":
            self.parts.blobs.append(name.encode())
        elif what == "drop-blob":
            del self.parts.blobs[int(name)]
        else:
            raise AssertionError(what)

    def change_frame(self, tar, how):
        if how == "twice":
            half = len(tar) // 2
            return maker.compress(tar[:half]) + maker.compress(tar[half:])
        if how == "skippable":
            return b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + self.frame
        if how == "trailing":
            return self.frame + b"\0"
        if how == "no-checksum":
            return maker.compress(tar, "--no-check", "-3")
        if how == "no-size":
            done = subprocess.run(["zstd", "-qc", "--check", "--no-content-size"], input=tar, capture_output=True, check=True)
            return done.stdout
        if how == "more":
            return maker.compress(tar + bytes(BLOCK))
        if how == "rubbish":
            return b"rubbish"
        raise AssertionError(how)

    def change_manifest(self, value, what, *rest):
        if what == "text":
            data = value if isinstance(value, bytes) else reader.canonical(value)
            assert rest[0].encode() in data, self.case["name"]
            return data.replace(rest[0].encode(), rest[1].encode(), 1)
        *way, last = rest[0].split(".")
        at = value
        for name in way:
            at = at[int(name)] if isinstance(at, list) else at[name]
        last = int(last) if isinstance(at, list) else last
        if what == "set":
            at[last] = rest[1]
        elif what == "delete":
            del at[last]
        elif what == "repeat":
            at.insert(last, copy.deepcopy(at[last]))
        elif what == "swap":
            at[last], at[last + 1] = at[last + 1], at[last]
        else:
            raise AssertionError(what)
        return value

    def add_signature(self, one):
        key, role = KEYS[one["by"]], one.get("role", "prepare")
        place = one.get("place", "prepare" if role == "prepare" else "approve")
        says = {"role": role, "bundle_id": self.id, "name": self.parts.name, "version": self.parts.version,
                "time": support.LIFTED.show_time(self.now + one.get("days", 0) * 86400)}
        says.update(one.get("says", {}))
        comment = one.get("comment", maker.statement(**says))
        text = key.minisig(self.manifest + one.get("signs", "").encode(), comment)
        for before, after in one.get("text", []):
            assert before.encode() in text, self.case["name"]
            text = text.replace(before.encode(), after.encode(), 1)
        for step in one.get("record", []):
            text = self.change_record(key, text, *step)
        text = one["raw"].encode() if "raw" in one else text
        name = KEYS[one.get("named", one["by"])].fingerprint()
        if place in ("beside", "given"):
            form = "%s.%s.revoke.minisig" if one.get("named_role", role) == "revoke" else "%s.%s.minisig"
            getattr(self, place)[form % (one.get("file_of", self.id), name)] = text
        else:
            self.inside.append((maker.PREPARE if place == "prepare" else "signatures/approve-%s.minisig" % name, text))

    def change_record(self, key, text, line, what):
        """Line 2 or 4: the signature of the manifest or of the comment. Line 4 is made again when line 2 has changed."""
        lines = text.split(b"\n")
        if what == "stray":  # bits of the last letter that no byte takes
            letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
            end = lines[line - 1].index(b"=")
            more = letters[letters.index(lines[line - 1][end - 1]) + 1]
            lines[line - 1] = lines[line - 1][:end - 1] + bytes([more]) + lines[line - 1][end:]
            return b"\n".join(lines)
        data = base64.b64decode(lines[line - 1])
        head, r, s = data[:-64], data[-64:-32], data[-32:]
        if what == "S+L":
            s = (int.from_bytes(s, "little") + support.LIFTED.ORDER).to_bytes(32, "little")
        elif what == "small-R":
            r = (1).to_bytes(32, "little")
        elif what == "zero":
            r, s = (1).to_bytes(32, "little"), bytes(32)
        else:
            raise AssertionError(what)
        lines[line - 1] = base64.b64encode(head + r + s)
        if line == 2:
            lines[3] = base64.b64encode(key.sign(r + s + lines[2][17:]))
        return b"\n".join(lines)

    def members(self, data):
        """[(name, offset, size)] of a good bundle."""
        found, at = [], 0
        while data[at]:
            name = data[at:at + 100].rstrip(b"\0").decode()
            size = int(data[at + 124:at + 135], 8)
            found.append((name, at, size))
            at += BLOCK + (size + BLOCK - 1) // BLOCK * BLOCK
        return found

    def change_file(self, data, what, *rest):
        members = self.members(data) if what not in ("append", "cut") else []
        if what == "append":
            return data + bytes.fromhex(rest[0])
        if what == "cut":
            return data[:-rest[0]]
        if what == "keep":
            return data[:rest[0]]
        name, at, size = members[rest[0]]
        end = at + BLOCK + (size + BLOCK - 1) // BLOCK * BLOCK
        if what == "header":  # offset in the header, hex; the checksum is made right
            block = bytearray(data[at:at + BLOCK])
            new = bytes.fromhex(rest[2])
            block[rest[1]:rest[1] + len(new)] = new
            block[148:156] = b" " * 8
            block[148:156] = b"%06o\0 " % sum(block)
            return data[:at] + bytes(block) + data[at + BLOCK:]
        if what == "byte":  # offset in the data, mask
            place = at + BLOCK + (rest[1] if rest[1] >= 0 else size + rest[1])
            return data[:place] + bytes([data[place] ^ rest[2]]) + data[place + 1:]
        if what == "padding":
            place = at + BLOCK + size
            assert place < end, self.case["name"]
            return data[:place] + b"x" + data[place + 1:]
        if what == "drop":
            return data[:at] + data[end:]
        if what == "double":
            return data[:end] + data[at:end] + data[end:]
        if what == "swap":
            _, other, other_size = members[rest[0] + 1]
            last = other + BLOCK + (other_size + BLOCK - 1) // BLOCK * BLOCK
            return data[:at] + data[other:last] + data[at:end] + data[last:]
        if what == "rename":
            return data[:at] + maker.member(rest[1], data[at + BLOCK:at + BLOCK + size]) + data[end:]
        if what == "insert":
            return data[:at] + maker.member(rest[1], rest[2].encode()) + data[at:]
        if what == "end":
            last = members[-1]
            stop = last[1] + BLOCK + (last[2] + BLOCK - 1) // BLOCK * BLOCK
            return data[:stop + rest[1]] + b"x" + data[stop + rest[1] + 1:]
        raise AssertionError(what)


class Conformance(support.Host):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        import tempfile
        made = tempfile.TemporaryDirectory(prefix="sealift-conformance-")
        cls.addClassCleanup(made.cleanup)
        cls.made = pathlib.Path(made.name)
        example, home = cls.made / "example", cls.made / "home"
        make_example.make(str(example))
        spec = (example / "spec.yaml").read_text()
        fetching = re.sub(r"(?m)^base: .*", "base: {docker: docker.io/library/python, digest: 'sha256:%s'}" % ("ab" * 32),
                          spec.replace("  wheelhouse: wheels\n", ""))
        texts = {"sealed": spec, "pinned": fetching, "open": fetching.replace("network: none", "network: any")}

        def sealift(*words):
            subprocess.run([SEALIFT, "-q", *map(str, words)], check=True, capture_output=True,
                           env=dict(os.environ, SEALIFT_HOME=str(home)))
        sealift("key", "new", "--no-password")
        cls.bases, cls.now = {}, int(time.time())
        for name, text in texts.items():
            (example / f"{name}.yaml").write_text(text)
            sealift("compile", example / f"{name}.yaml", "--allow-open", "-o", cls.made / f"{name}.sealift")
            cls.bases[name] = reader.read(str(cls.made / f"{name}.sealift"))
            assert cls.bases[name].manifest["closure"] == name
        assert cls.bases["sealed"].blobs and not cls.bases["pinned"].blobs

    def lay(self, case, made):
        config = pathlib.Path(self.home, "config")
        policy = case.get("policy", {})
        if isinstance(policy, dict):
            keys = [entry(one) for one in policy.get("keys", LISTED)]
            policy = json.dumps({"sealift_policy": 1, **policy, "keys": keys})
        if "signed_since_days" in case:
            value = json.loads(policy)
            value["signed_since"] = support.LIFTED.show_time(self.now + case["signed_since_days"] * 86400)
            policy = json.dumps(value)
        (config / "policy.json").write_text(policy)
        folder = config / "signatures"
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        given = pathlib.Path(self.folder, "given")
        given.mkdir(exist_ok=True)
        for path in given.iterdir():
            path.unlink()
        for where, files in ((folder, made.beside), (given, made.given)):
            for name, data in files.items():
                (where / name).write_bytes(data)
        memory = {"latest": support.LIFTED.show_time(self.now + 86400 * case.get("latest_days", -1)), "sealift_seen": 1,
                  "versions": [{"name": made.parts.name, "time": "2026-01-01T00:00:00Z", "version": case["seen"]}] if "seen" in case else []}
        for place in ("state", "data"):
            path = pathlib.Path(self.home, place, "seen.json")
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(memory))

    def by_verify(self, made):
        path = pathlib.Path(self.folder, "b.sealift")
        path.write_bytes(made.bytes)
        words = ["--signatures", str(pathlib.Path(self.folder, "given"))] if made.given else []
        done = subprocess.run([SEALIFT, "verify", "--json", str(path), *words], env=dict(os.environ, SEALIFT_HOME=self.home),
                              capture_output=True, text=True, timeout=60)
        if not done.stdout:
            said = POLICY.match(done.stderr)
            self.said.append(said[1] if said else done.stderr)
            return "policy" if said else f"refused {done.stderr}", done.returncode
        report, = json.loads(done.stdout)["bundles"]
        for one in report["findings"]:
            if one["verdict"] == "fail":
                return f"{one['rule']} {one['kind']}", done.returncode
        return "verified", done.returncode

    def by_reader(self, made):
        try:
            reader.read_bytes(made.bytes)
        except reader.BundleError as problem:
            return problem.rule
        return "read"

    def by_agent(self, made):
        objects = [made.manifest, *made.parts.files.values(), *made.parts.blobs, *(text for _, text in made.inside),
                   *made.given.values()]
        self.put({support.sha256(one): one for one in objects if one})
        answer = self.call({"op": "judge", "bundle": made.id, "signatures": support.listed(
            [*made.inside, *made.given.items()])})
        if not answer["ok"]:
            said = answer["error"]["kind"] == "input" and POLICY.match(answer["error"]["message"])
            self.said.append(said[1] if said else "")
            return "policy" if said else f"refused {answer['error']}"
        for one in answer["findings"]:
            if one["verdict"] == "fail":
                return f"{one['rule']} {one['kind']}"
        return "verified"

    EXITS = {"answer": 1, "format": 3, "limit": 7, "untrusted": 4}

    def judge(self, case):
        made = Made(case, self.bases[case.get("base", "sealed")], self.now)
        self.lay(case, made)
        self.said = []
        expected, judges = case["expect"], case.get("judges", ["verify", "agent"])
        if not {"verify", "agent"} <= set(judges) or "reader" in case or "agent" in case:
            self.assertTrue(case.get("why"), "a judge is left out, or says something else: why?")
        if "verify" in judges:
            code = {"verified": 0, "policy": 3}.get(expected) if expected in ("verified", "policy") else self.EXITS[expected.split()[1]]
            self.assertEqual((expected, code), self.by_verify(made))
        if "reader" in judges:
            rule = expected.split()[0]
            self.assertEqual(case.get("reader", rule if rule in ("format", "content", "blobs") else "read"), self.by_reader(made))
        if "agent" in judges:
            self.assertEqual(case.get("agent", expected), self.by_agent(made))
        if expected == "policy":  # refused for what is wrong with it, and not for something else
            self.assertEqual(case["says"], [text[:len(want)] for want, text in zip(case["says"], self.said, strict=True)])
            self.assertTrue(all(case["says"]))
        return len(judges)

    def test_every_case(self):
        names, judged = set(), 0
        for path in sorted(DATA.glob("*.json")):
            theme = json.loads(path.read_text())
            for case in theme["cases"]:
                case = {**theme.get("all", {}), **case}
                self.assertNotIn(case["name"], names)
                names.add(case["name"])
                with self.subTest(theme=path.name, case=case["name"]):
                    judged += self.judge(case)
        self.assertGreaterEqual(len(names), LEAST)
        print(f"{len(names)} cases, {judged} verdicts", file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
