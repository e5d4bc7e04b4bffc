#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The two readers agree on good, broken and random bundles; foreign programs read what we write.

Run by agree_test.c, whose path is the argument.
"""
import copy
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import unittest

import maker
import reader

PROGRAM = ""
LAW = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../specs/bundle-format.md")
APPROVE = "signatures/approve-%064x.minisig"


def verdicts(paths):
    """What the C reader says of each file."""
    done = subprocess.run([PROGRAM, "read", *paths], capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def own_verdict(data):
    try:
        bundle = reader.read_bytes(data)
    except reader.BundleError as why:
        return {"ok": False, "error": str(why)}
    return {
        "ok": True, "id": bundle.id, "signatures": [name for name, _ in bundle.signatures],
        "files": [{"name": name, "sha256": maker.sha256(data)} for name, data in bundle.files.items()],
        "blobs": [{"sha256": digest} for digest in bundle.blobs],
    }


def some_parts():
    files = {"spec": b"sealift: 1\n", "plan.json": b"{}\n", "empty": b"",
             "scripts/post-01.sh": b"echo one\n", "files/" + "a" * 64: bytes(range(256)) * 5}
    return maker.Parts(files=files, blobs=[b"one", b"", b"x" * 512, b"y" * 5000])


class Agreement(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def store(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def compare(self, cases, expected=None):
        """`cases` are (name, bytes); both readers must say the same, and `expected` if given."""
        paths = [self.store("%d" % i, data) for i, (_, data) in enumerate(cases)]
        for (name, data), theirs in zip(cases, verdicts(paths)):
            ours = own_verdict(data)
            with self.subTest(name):
                self.assertEqual(ours["ok"], theirs["ok"], (ours, theirs))
                if ours["ok"]:
                    self.assertEqual(ours, theirs)
                if expected is not None:
                    self.assertEqual(ours["ok"], expected, (ours, theirs))

    # ---- good ----

    def test_good_bundles_of_python(self):
        key = maker.new_key(self.path("k"))
        plain = maker.Parts(blobs=[])
        many = maker.Parts(files={"x/%d" % i: b"%d" % i * (i % 7) for i in range(300)},
                           blobs=[b"%d" % i for i in range(300)])
        approvals = [(APPROVE % i, b"s" * (i + 1)) for i in range(5)]
        self.compare([
            ("signed", maker.assemble(some_parts(), key=key)),
            ("unsigned", maker.assemble(some_parts())),
            ("no blobs", maker.assemble(plain, key=key)),
            ("no files", maker.assemble(maker.Parts(files={}))),
            ("many", maker.assemble(many)),
            ("approved", maker.assemble(plain, signatures=[(maker.PREPARE, b"p")] + approvals)),
            ("approved, unsigned", maker.assemble(plain, signatures=approvals)),
            ("other level", maker.assemble(plain, frame=maker.compress(
                maker.content_tar(plain.files), "-19"))),
        ], expected=True)

    def seal(self, parts, signature=b"untrusted comment: x\n"):
        arguments = [self.path("c.sealift"), self.store("signature", signature)]
        for i, name in enumerate(parts.files):
            arguments.append("%s=%s" % (name, self.store("content-%d" % i, parts.files[name])))
        for i, blob in enumerate(parts.blobs):
            arguments.append(self.store("blob-%d" % i, blob))
        done = subprocess.run([PROGRAM, "seal", *arguments], capture_output=True, check=True)
        return arguments[0], done.stdout.decode().strip()

    def test_bundles_of_c_are_those_of_python(self):
        parts = some_parts()
        path, bundle_id = self.seal(parts)
        bundle = reader.read(path)
        self.assertEqual(bundle.id, bundle_id)
        self.assertEqual(bundle.files, parts.files)
        self.assertEqual(dict(parts.sorted_blobs()), bundle.blobs)
        # The same file from the same parts; only the compressor is the program's own.
        again = maker.assemble(parts, manifest=bundle.manifest_bytes, frame=bundle.frame,
                               signatures=bundle.signatures)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), again)
        resealed = maker.assemble(maker.Parts.of(bundle), frame=bundle.frame,
                                  signatures=bundle.signatures)
        self.assertEqual(reader.read_bytes(resealed).manifest["content"]["tar_sha256"],
                         bundle.manifest["content"]["tar_sha256"])

    def test_foreign_programs_read_bundles_of_c(self):
        path, bundle_id = self.seal(some_parts())
        bundle = reader.read(path)
        names = ["manifest.json", maker.PREPARE, "content.tar.zst"]
        names += ["blobs/sha256/" + digest for digest in bundle.blobs]
        for program in ("tar", "bsdtar"):
            listed = subprocess.run([program, "-tf", path], capture_output=True, check=True)
            self.assertEqual(listed.stdout.decode().split(), names)
            self.assertEqual(listed.stderr, b"")
            manifest = subprocess.run([program, "-xOf", path, "manifest.json"], check=True,
                                      capture_output=True).stdout
            self.assertEqual(maker.sha256(manifest), bundle_id)
        frame = self.store("frame.zst", bundle.frame)
        subprocess.run(["zstd", "-tq", frame], check=True)
        inside = subprocess.run(["bsdtar", "-tf", frame], capture_output=True, check=True).stdout
        self.assertEqual(inside.decode().split(), sorted(bundle.files))

    def test_headers_are_those_of_foreign_programs(self):
        self.store("a", b"x" * 700)
        big = self.path("b" * 100)
        with open(big, "wb") as file:
            file.truncate(9 << 30)  # sparse
        gnu = ["tar", "-c", "--format=gnu", "--numeric-owner", "--owner=0", "--group=0",
               "--mode=0644", "--mtime=@0"]
        bsd = ["bsdtar", "-c", "--format=gnutar", "--numeric-owner", "--uid=0", "--gid=0",
               "--uname=", "--gname="]
        os.chmod(self.path("a"), 0o644)
        for name, size in (("a", 700), ("b" * 100, 9 << 30)):
            os.utime(self.path(name), (0, 0))
            os.chmod(self.path(name), 0o644)
            for command in (gnu, bsd):
                with subprocess.Popen([*command, "-f", "-", "-C", self.folder, name],
                                      stdout=subprocess.PIPE) as process:
                    block = process.stdout.read(reader.BLOCK)
                    process.stdout.close()
                    process.terminate()
                self.assertEqual(block, reader.header(name, size), command[0])

    def test_the_example_of_the_law(self):
        with open(LAW, encoding="utf-8") as file:
            example = file.read().split("\n## 9. A worked example\n")[1]
        bundle_id, public_key, dump = re.findall(r"```\n(.*?)\n```", example, re.S)
        data = from_hexdump(dump)
        self.compare([("example", data)], expected=True)
        bundle = reader.read_bytes(data)
        self.assertEqual(bundle.id, bundle_id)
        self.assertEqual(bundle.files, {"spec": b"sealift: 1\n"})
        self.assertEqual(list(bundle.blobs.values()), [b"hello"])
        manifest = self.store("manifest", bundle.manifest_bytes)
        signature = self.store("signature", bundle.signatures[0][1])
        subprocess.run(["minisign", "-Vq", "-P", public_key, "-m", manifest, "-x", signature], check=True)
        for at, name, size in re.findall(r"^\| (0x\w+) \| `([^`]+)` \| (\d+) \|", example, re.M):
            found = reader.parse_header(data[int(at, 16):][:512])
            self.assertTrue(found[0].startswith(name.rstrip("\u2026")))
            self.assertEqual(found[1], int(size))

    # ---- broken ----

    def test_broken_structure(self):
        parts = some_parts()
        good = maker.assemble(parts, signatures=[(maker.PREPARE, b"s")])
        tar = maker.content_tar(parts.files)
        frame = maker.compress(tar)
        blobs = parts.sorted_blobs()
        first = maker.member("blobs/sha256/" + blobs[0][0], blobs[0][1])
        second = maker.member("blobs/sha256/" + blobs[1][0], blobs[1][1])
        swapped = good.replace(first + second, second + first)
        one, two = (APPROVE % 1, b"s"), (APPROVE % 2, b"s")
        prepare = (maker.PREPARE, b"s")
        cases = [
            ("no end", maker.assemble(parts, tail=b"")),
            ("one end block", maker.assemble(parts, tail=bytes(512))),
            ("three end blocks", maker.assemble(parts, tail=bytes(1536))),
            ("filled to 10240", good + bytes(-len(good) % 10240)),
            ("a byte more", good + b"\0"),
            ("another member", maker.assemble(parts, tail=maker.member("x", b"") + bytes(1024))),
            ("two bundles", good + good),
            ("blobs swapped", swapped),
            ("blob missing", good.replace(first, b"")),
            ("blob twice", good.replace(first, first + first)),
            ("approvals swapped", maker.assemble(parts, signatures=[prepare, two, one])),
            ("approval twice", maker.assemble(parts, signatures=[prepare, one, one])),
            ("prepare last", maker.assemble(parts, signatures=[one, prepare])),
            ("prepare twice", maker.assemble(parts, signatures=[prepare, prepare])),
            ("empty signature", maker.assemble(parts, signatures=[(maker.PREPARE, b"")])),
            ("long signature", maker.assemble(parts, signatures=[(maker.PREPARE, b"s" * 1025)])),
            ("65 signatures", maker.assemble(parts, signatures=[(APPROVE % i, b"s") for i in range(65)])),
            ("foreign signature", maker.assemble(parts, signatures=[("signatures/x.minisig", b"s")])),
            ("two frames", maker.assemble(parts, frame=frame + maker.compress(b""))),
            ("skippable frame", maker.assemble(parts, frame=b"\x50\x2a\x4d\x18\0\0\0\0" + frame)),
            ("trailing byte", maker.assemble(parts, frame=frame + b"\0")),
            ("frame cut", maker.assemble(parts, frame=frame[:-1])),
            ("no checksum", maker.assemble(parts, frame=maker.compress(tar, "-3", "--no-check"))),
            ("not zstd", maker.assemble(parts, frame=tar)),
            ("other tar", maker.assemble(parts, frame=maker.compress(tar.replace(b"one", b"two")))),
            ("tar not ended", maker.assemble(parts, frame=maker.compress(tar[:-512]))),
            ("tar continued", maker.assemble(parts, frame=maker.compress(tar + bytes(512)))),
            ("empty file", b""),
            ("zeros", bytes(4096)),
        ]
        self.assertNotEqual(swapped, good)
        self.compare(cases, expected=False)

    def test_broken_manifests(self):
        parts = some_parts()
        tar = maker.content_tar(parts.files)
        frame = maker.compress(tar)
        good = parts.manifest(frame, tar)
        self.compare([("good", maker.assemble(parts, manifest=good, frame=frame))], expected=True)

        def change(path, value):
            manifest = copy.deepcopy(good)
            *folders, last = path
            at = manifest
            for key in folders:
                at = at[key]
            if value is None:
                del at[last]
            else:
                at[last] = value
            return ("%s = %r" % (path, value),
                    maker.assemble(parts, manifest=reader_canonical(manifest), frame=frame))

        digest = "0" * 64
        cases = [change([key], None) for key in good]
        cases += [change(["content", key], None) for key in good["content"]]
        cases += [change(["target", key], None) for key in good["target"]]
        cases += [change(["files", 0, key], None) for key in good["files"][0]]
        cases += [change(["blobs", 0, key], None) for key in good["blobs"][0]]
        cases += [change(["x"], 1), change(["content", "x"], 1), change(["files", 0, "mode"], 420)]
        cases += [change(path, value) for path, value in (
            (["format"], 2), (["format"], True), (["format"], "1"), (["name"], "A"), (["name"], "a" * 64),
            (["name"], "-a"), (["name"], 1), (["version"], "1.0.0-1"), (["version"], "1.0.0+A"),
            (["version"], "01"), (["version"], "1a"), (["version"], ""), (["version"], "1.0.0" + ".0" * 62),
            (["closure"], "none"), (["recipe"], 0), (["recipe"], 65536), (["target", "glibc"], "2.036"),
            (["target", "glibc"], "3.1"), (["target", "glibc"], "2.12345"), (["target", "python"], "3.11"),
            (["target", "python"], "2.7.18"), (["target", "platform"], "linux/arm"),
            (["content", "size"], good["content"]["size"] + 1), (["content", "size"], 0),
            (["content", "sha256"], digest), (["content", "tar_sha256"], digest),
            (["content", "tar_size"], good["content"]["tar_size"] + 512),
            (["content", "zstd_level"], 20), (["content", "zstd_version"], "1.5"),
            (["content", "zstd_version"], "1.5.4\n"), (["files", 0, "name"], "../x"),
            (["files", 0, "name"], "blobs/x"), (["files", 0, "name"], "e\u0301"), (["files", 0, "name"], "zz"),
            (["files", 0, "name"], "a" * 101), (["files", 0, "sha256"], digest), (["files", 0, "size"], 1),
            (["files"], good["files"][1:]), (["files"], good["files"][::-1]), (["files"], {}),
            (["blobs", 0, "sha256"], digest), (["blobs", 0, "sha256"], "0" * 63),
            (["blobs", 0, "size"], 1 << 41), (["blobs", 0, "size"], good["blobs"][0]["size"] + 512),
            (["blobs"], good["blobs"][1:]), (["blobs"], good["blobs"][::-1]),
            (["blobs"], good["blobs"] + good["blobs"][-1:]),
        )]
        self.compare(cases, expected=False)
        good_too = [(["version"], "1!2.0rc1.post3.dev4+a.5"), (["name"], "a"), (["recipe"], 65535),
                    (["closure"], "open"), (["target", "python"], "3.9999.0"),
                    (["content", "zstd_version"], "12345.0.99")]
        self.compare([change(path, value) for path, value in good_too], expected=True)

    def test_texts_that_are_not_canonical(self):
        parts = some_parts()
        tar = maker.content_tar(parts.files)
        frame = maker.compress(tar)
        text = reader.canonical(parts.manifest(frame, tar))
        cases = [text[:-1], text + b"\n", b" " + text, b"\xef\xbb\xbf" + text, text.replace(b":", b": ", 1),
                 text.replace(b"my-image", b"my\\u002dimage"), text.replace(b"linux/", b"linux\\/"),
                 text.replace(b'"format":1', b'"format":1.0'), text.replace(b'"format":1', b'"format":+1'),
                 text.replace(b'"format":1', b'"format":1e0'), text.replace(b'"format":1', b'"format":01'),
                 text.replace(b'"format":1', b'"format":1,"format":1'), text.replace(b'"format":1', b'"format":-0'),
                 text.replace(b'"format":1,', b''), text.replace(b"my-image", b"my-image\xff"),
                 text.replace(b"my-image", b"my-image\\u0000"), text.replace(b"my-image", b"\\ud800"),
                 b"[" * 40 + b"]" * 40 + b"\n", b"null\n", b"1\n", b"\n", b"{}\n", b"[]\n", b'""\n',
                 text.replace(b'"name":"my-image","recipe":1', b'"recipe":1,"name":"my-image"')]
        self.compare([("%d: %r" % (i, case[:60]), maker.assemble(parts, manifest=case, frame=frame))
                      for i, case in enumerate(cases)], expected=False)

    def test_random_damage(self):
        chance = random.Random(20260102)
        good = maker.assemble(some_parts(), signatures=[(maker.PREPARE, b"s" * 40), (APPROVE % 7, b"t")])
        cases = []
        for i in range(600):
            data = bytearray(good)
            for _ in range(chance.choice((1, 1, 1, 2, 5))):
                at = chance.randrange(len(data))
                kind = chance.randrange(5)
                if kind == 0:
                    data[at] ^= 1 << chance.randrange(8)
                elif kind == 1:
                    data[at] = chance.choice((0, 0x20, 0x30, 0x37, 0x80, 0xff))
                elif kind == 2:
                    del data[at:at + chance.choice((1, 512, 1024))]
                elif kind == 3:
                    data[at:at] = bytes(chance.choice((1, 512, 1024)))
                else:
                    block = at // 512 * 512
                    other = chance.randrange(len(data) // 512) * 512
                    data[block:block + 512] = data[other:other + 512]
            cases.append(("damage %d" % i, bytes(data)))
        self.compare(cases)


def from_hexdump(text):
    """The bytes that `hexdump -C` has shown."""
    data, row = b"", b""
    for line in text.splitlines():
        if line == "*":
            continue
        at = int(line[:8], 16)
        data += row * ((at - len(data)) // 16)  # what a star stood for
        row = bytes.fromhex(line[8:60])
        data += row
    return data


def reader_canonical(value):
    """Canonical text even of values that a reader would refuse."""
    return (json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n").encode()


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
