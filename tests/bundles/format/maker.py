#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A second writer of bundles, for tests: makes good ones, and seals tampered ones again.

    parts = maker.Parts.of(reader.read("a.sealift"))
    parts.files["image.def"] += b"..."
    maker.write("b.sealift", parts, key="k.key")       # signed by the minisign program

Every step can be replaced: give `manifest=` (a value or bytes), `frame=`, `signatures=` or `tail=` to
break exactly one thing. Signing needs a minisign key without a password (new_key).
"""
import hashlib
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import reader  # noqa: E402


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def member(name, data, make_header=reader.header):
    return make_header(name, len(data)) + data + bytes(-len(data) % reader.BLOCK)


def content_tar(files):
    return b"".join(member(name, files[name]) for name in sorted(files)) + bytes(2 * reader.BLOCK)


def compress(tar, *options):
    """One frame with checksum and content size, as the law wants it."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(tar)
        file.flush()
        return subprocess.run(["zstd", "-qc", "--single-thread", "--check", *(options or ("-3",)),
                               file.name], check=True, capture_output=True).stdout


class Parts:
    """What goes into a bundle. Digests, sizes and order are computed when it is written."""

    def __init__(self, name="my-image", version="1.0.0", files=None, blobs=()):
        self.name, self.version = name, version
        self.closure, self.recipe = "sealed", 1
        self.target = {"glibc": "2.36", "platform": "linux/x86_64", "python": "3.11.7"}
        self.files = dict(files if files is not None else {"plan.json": b"{}\n", "spec": b"sealift: 1\n"})
        self.blobs = list(blobs)  # bytes

    @classmethod
    def of(cls, bundle):
        parts = cls(bundle.manifest["name"], bundle.manifest["version"], bundle.files,
                    bundle.blobs.values())
        parts.closure, parts.recipe = bundle.manifest["closure"], bundle.manifest["recipe"]
        parts.target = dict(bundle.manifest["target"])
        return parts

    def sorted_blobs(self):
        found = {sha256(blob): blob for blob in self.blobs}
        return [(digest, found[digest]) for digest in sorted(found)]

    def manifest(self, frame, tar):
        return {
            "blobs": [{"sha256": digest, "size": len(blob)} for digest, blob in self.sorted_blobs()],
            "closure": self.closure,
            "content": {"sha256": sha256(frame), "size": len(frame), "tar_sha256": sha256(tar),
                        "tar_size": len(tar), "zstd_level": 3, "zstd_version": "1.5.4"},
            "files": [{"name": name, "sha256": sha256(self.files[name]),
                       "size": len(self.files[name])} for name in sorted(self.files)],
            "format": 1,
            "name": self.name,
            "recipe": self.recipe,
            "target": self.target,
            "version": self.version,
        }


def new_key(name):
    """Makes NAME.key and NAME.pub without a password."""
    subprocess.run(["minisign", "-G", "-W", "-f", "-s", name + ".key", "-p", name + ".pub"],
                   check=True, capture_output=True)
    return name + ".key"


def statement(role, bundle_id, name, version, time="2026-01-02T03:04:05Z"):
    """The trusted comment that makes a signature count."""
    return "sealift:1 role=%s bundle=%s name=%s version=%s time=%s" % (
        role, bundle_id, name, version, time)


def sign(manifest_bytes, key, comment):
    """A .minisig of these bytes by the minisign program."""
    with tempfile.TemporaryDirectory() as folder:
        message, signature = os.path.join(folder, "m"), os.path.join(folder, "s")
        with open(message, "wb") as file:
            file.write(manifest_bytes)
        subprocess.run(["minisign", "-S", "-H", "-s", key, "-m", message, "-x", signature, "-t", comment],
                       check=True, capture_output=True, input=b"\n")
        with open(signature, "rb") as file:
            return file.read()


PREPARE = "signatures/prepare.minisig"


def assemble(parts, key=None, manifest=None, frame=None, signatures=None, tail=None):
    """The bytes of a bundle. Without key and signatures it is unsigned."""
    tar = content_tar(parts.files)
    frame = compress(tar) if frame is None else frame
    manifest = parts.manifest(frame, tar) if manifest is None else manifest
    text = manifest if isinstance(manifest, bytes) else reader.canonical(manifest)
    if signatures is None and key is not None:
        comment = statement("prepare", sha256(text), parts.name, parts.version)
        signatures = [(PREPARE, sign(text, key, comment))]
    out = member("manifest.json", text)
    for name, signature in signatures or ():
        out += member(name, signature)
    out += member("content.tar.zst", frame)
    for digest, blob in parts.sorted_blobs():
        out += member("blobs/sha256/" + digest, blob)
    return out + (bytes(2 * reader.BLOCK) if tail is None else tail)


def write(path, parts, **how):
    with open(path, "wb") as file:
        file.write(assemble(parts, **how))
