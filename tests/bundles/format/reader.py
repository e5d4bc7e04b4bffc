#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A second reader of bundles, for tests: written from specs/bundle-format.md, not from the C one.

It uses the standard library and the zstd program, reads everything into memory, and knows nothing
of trust: signatures are handed out as bytes.
"""
import contextlib
import hashlib
import json
import re
import subprocess

BLOCK = 512
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
LIMITS = {
    "manifest": 8 * MIB, "signature": 1024, "signatures": 64, "content_zst": 64 * MIB,
    "content_tar": 256 * MIB, "content_file": 64 * MIB, "content_files": 8192,
    "window": 8 * MIB, "blobs": 65536, "blob": 1024 * GIB, "bundle": 4096 * GIB, "depth": 32,
}


class BundleError(Exception):
    """The file is not a bundle of format 1; `rule` is the one of policy.md's findings that says so."""
    rule = "format"


@contextlib.contextmanager
def judged_as(rule):
    try:
        yield
    except BundleError as problem:
        problem.rule = rule
        raise


def need(condition, message):
    if not condition:
        raise BundleError(message)


# ---- section 2: headers --------------------------------------------------------------------

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*\Z")


def name_is_plain(name):
    return 1 <= len(name) <= 100 and NAME.match(name) is not None


def header(name, size):
    octal = b"%011o\0" % size if size < 8 * GIB else b"\x80" + size.to_bytes(11, "big")
    before = name.encode("ascii").ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2
    before += octal + b"00000000000\0"
    after = (b"0" + bytes(100) + b"ustar  \0").ljust(BLOCK - 156, b"\0")
    total = sum(before) + 8 * 0x20 + sum(after)
    return before + b"%06o\0 " % total + after


def whole(size):
    return BLOCK + (size + BLOCK - 1) // BLOCK * BLOCK


def parse_header(block):
    name = block[:100].split(b"\0", 1)[0].decode("latin-1")
    need(name_is_plain(name), "bad member name %r" % name)
    field = block[124:136]
    if field[0] == 0x80:
        size = int.from_bytes(field[1:], "big")
    else:
        digits = field.split(b"\0", 1)[0]
        need(re.fullmatch(rb"[0-7]{1,12}", digits), "bad size field")
        size = int(digits, 8)
    need(size < 1 << 63 and block == header(name, size), "header of %r differs" % name)
    return name, size


# ---- section 4: canonical JSON -------------------------------------------------------------

def write_string(text):
    short = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
    return '"%s"' % "".join(
        short.get(c) or ("\\u%04x" % ord(c) if c < " " else c) for c in text)


def write_value(value, depth):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        need(0 <= value < 1 << 53, "number out of range")
        return str(value)
    if isinstance(value, str):
        need("\0" not in value, "NUL in a string")
        return write_string(value)
    need(isinstance(value, (list, dict)), "null or fraction")
    need(depth < LIMITS["depth"], "nested too deep")
    if isinstance(value, list):
        return "[%s]" % ",".join(write_value(item, depth + 1) for item in value)
    for key in value:
        need(re.fullmatch("[a-z0-9_]+", key), "bad key %r" % key)
    return "{%s}" % ",".join('"%s":%s' % (key, write_value(value[key], depth + 1))
                             for key in sorted(value))


def canonical(value):
    return (write_value(value, 0) + "\n").encode("utf-8")


def load_canonical(data):
    try:
        value = json.loads(data.decode("utf-8"))
        again = canonical(value)
    except (ValueError, RecursionError) as why:  # among them: a lone surrogate
        raise BundleError("not JSON: %s" % why) from None
    need(again == data, "not canonical JSON")
    return value


# ---- section 3: the manifest ---------------------------------------------------------------

NUMBER = "(0|[1-9][0-9]*)"
SMALL = "(0|[1-9][0-9]{0,3})"
VERSION = re.compile(
    r"([1-9][0-9]*!)?N(\.N)*((a|b|rc)N)?(\.postN)?(\.devN)?"
    r"(\+(N|[0-9]*[a-z][a-z0-9]*)(\.(N|[0-9]*[a-z][a-z0-9]*))*)?".replace("N", NUMBER))
ZSTD_VERSION = re.compile(r"N\.N\.N".replace("N", "(0|[1-9][0-9]{0,4})"))


def check_object(value, keys, where):
    need(isinstance(value, dict), "%s: not an object" % where)
    need(set(value) == set(keys.split()), "%s: keys %s" % (where, sorted(value)))


def check_text(value, pattern, where):
    need(isinstance(value, str) and re.fullmatch(pattern, value), "%s: %r" % (where, value))


def check_number(value, low, high, where):
    need(isinstance(value, int) and not isinstance(value, bool) and low <= value <= high,
         "%s: %r" % (where, value))


def check_sorted(keys, where):
    need(all(a < b for a, b in zip(keys, keys[1:])), "%s: not sorted, or twice" % where)


HEX64 = "[0-9a-f]{64}"
TAKEN = ("manifest.json", "signatures", "content.tar.zst", "blobs")


def check_files(files):
    need(isinstance(files, list) and len(files) <= LIMITS["content_files"], "files")
    for item in files:
        check_object(item, "name sha256 size", "files")
        need(isinstance(item["name"], str) and name_is_plain(item["name"]), "files: name")
        need(item["name"].split("/")[0].lower() not in TAKEN, "files: taken name")
        check_text(item["sha256"], HEX64, "files: sha256")
        check_number(item["size"], 0, LIMITS["content_file"], "files: size")
    names = [item["name"] for item in files]
    check_sorted(names, "files")
    folded = {name.lower() for name in names}
    need(len(folded) == len(names), "files: names collide")
    for name in folded:
        parts = name.split("/")
        for i in range(1, len(parts)):
            need("/".join(parts[:i]) not in folded, "files: a file is a folder")


def check_blobs(blobs):
    need(isinstance(blobs, list) and len(blobs) <= LIMITS["blobs"], "blobs")
    for item in blobs:
        check_object(item, "sha256 size", "blobs")
        check_text(item["sha256"], HEX64, "blobs: sha256")
        check_number(item["size"], 0, LIMITS["blob"], "blobs: size")
    check_sorted([item["sha256"] for item in blobs], "blobs")


def check_content(content, files):
    check_object(content, "sha256 size tar_sha256 tar_size zstd_level zstd_version", "content")
    check_text(content["sha256"], HEX64, "content.sha256")
    check_text(content["tar_sha256"], HEX64, "content.tar_sha256")
    check_number(content["size"], 1, LIMITS["content_zst"], "content.size")
    check_number(content["tar_size"], 1024, LIMITS["content_tar"], "content.tar_size")
    check_number(content["zstd_level"], 1, 19, "content.zstd_level")
    need(isinstance(content["zstd_version"], str) and ZSTD_VERSION.fullmatch(content["zstd_version"]),
         "content.zstd_version")
    need(content["tar_size"] == 1024 + sum(whole(item["size"]) for item in files),
         "content.tar_size does not fit the files")


def parse_manifest(data):
    manifest = load_canonical(data)
    need(isinstance(manifest, dict) and manifest.get("format") == 1
         and manifest["format"] is not True, "not format 1")
    check_object(manifest, "blobs closure content files format name recipe target version",
                 "manifest")
    check_text(manifest["closure"], "open|pinned|sealed", "closure")
    check_text(manifest["name"], "[a-z0-9][a-z0-9._-]{0,62}", "name")
    check_number(manifest["recipe"], 1, 65535, "recipe")
    check_text(manifest["version"], VERSION, "version")
    need(len(manifest["version"]) <= 127, "version: too long")
    target = manifest["target"]
    check_object(target, "glibc platform python", "target")
    check_text(target["glibc"], r"2\.N".replace("N", SMALL), "target.glibc")
    check_text(target["platform"], "linux/(x86_64|aarch64)", "target.platform")
    check_text(target["python"], r"3\.N\.N".replace("N", SMALL), "target.python")
    check_files(manifest["files"])
    check_blobs(manifest["blobs"])
    check_content(manifest["content"], manifest["files"])
    return manifest


# ---- section 5: the content ----------------------------------------------------------------

def check_frame(frame, tar_size):
    """Walks the frame's own structure: RFC 8878, section 3.1.1."""
    need(frame[:4] == b"\x28\xb5\x2f\xfd" and len(frame) > 5, "not a zstd frame")
    descriptor = frame[4]
    single = bool(descriptor & 0x20)
    need(descriptor & 0x1f == 0x04, "frame descriptor")
    at = 5
    window = None
    if not single:
        exponent, mantissa = frame[at] >> 3, frame[at] & 7
        window = (1 << 10 + exponent) + (1 << 10 + exponent) // 8 * mantissa
        at += 1
    length = {0: 1 if single else 0, 1: 2, 2: 4, 3: 8}[descriptor >> 6]
    need(length > 0 and len(frame) >= at + length, "no content size")
    stated = int.from_bytes(frame[at:at + length], "little") + (256 if length == 2 else 0)
    need(stated == tar_size, "content size in the frame")
    need((stated if single else window) <= LIMITS["window"], "window too large")
    at += length
    last = False
    while not last:
        need(len(frame) >= at + 3, "frame cut short")
        block = int.from_bytes(frame[at:at + 3], "little")
        last, kind, size = bool(block & 1), block >> 1 & 3, block >> 3
        need(kind != 3, "reserved block")
        at += 3 + (1 if kind == 1 else size)
    need(at + 4 == len(frame), "not exactly one frame")


def decompress(frame, tar_size):
    check_frame(frame, tar_size)
    done = subprocess.run(["zstd", "-dcq", "--memory=8MB"], input=frame, capture_output=True,
                          check=False)
    need(done.returncode == 0, "zstd: %s" % done.stderr.decode("utf-8", "replace").strip())
    need(len(done.stdout) == tar_size, "content has another size")
    return done.stdout


def unpack_content(manifest, frame):
    content = manifest["content"]
    need(len(frame) == content["size"]
         and hashlib.sha256(frame).hexdigest() == content["sha256"], "content digest")
    tar = decompress(frame, content["tar_size"])
    need(hashlib.sha256(tar).hexdigest() == content["tar_sha256"], "tar digest")
    files, at = {}, 0
    for item in manifest["files"]:
        size = item["size"]
        need(tar[at:at + BLOCK] == header(item["name"], size), "header of %s" % item["name"])
        data = tar[at + BLOCK:at + BLOCK + size]
        need(hashlib.sha256(data).hexdigest() == item["sha256"], "digest of %s" % item["name"])
        need(not any(tar[at + BLOCK + size:at + whole(size)]), "padding of %s" % item["name"])
        files[item["name"]] = data
        at += whole(size)
    need(tar[at:] == bytes(2 * BLOCK), "end of the tar inside")
    return files


# ---- sections 1, 6 and 7: the file ---------------------------------------------------------

class Bundle:
    """What a bundle holds: bytes of each part, and the manifest as a value."""

    def __init__(self):
        self.manifest_bytes = b""
        self.manifest = {}
        self.signatures = []  # of (member name, bytes)
        self.frame = b""
        self.files = {}       # name -> bytes
        self.blobs = {}       # hex digest -> bytes
        self.id = ""


SIGNATURE = re.compile("signatures/(prepare|approve-%s)\\.minisig" % HEX64)


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        need(self.at + size <= len(self.data), "the file ends early")
        self.at += size
        return self.data[self.at - size:self.at]

    def peek_header(self):
        need(self.at + BLOCK <= len(self.data), "the file ends early")
        return parse_header(self.data[self.at:self.at + BLOCK])

    def member(self, name, size):
        need(self.take(BLOCK) == header(name, size), "header of %s" % name)
        data = self.take(size)
        need(not any(self.take(whole(size) - BLOCK - size)), "padding of %s" % name)
        return data


def read_head(cursor, bundle):
    name, size = cursor.peek_header()
    need(name == "manifest.json" and 0 < size <= LIMITS["manifest"], "first member")
    bundle.manifest_bytes = cursor.member(name, size)
    bundle.id = hashlib.sha256(bundle.manifest_bytes).hexdigest()
    last = ""
    while True:
        name, size = cursor.peek_header()
        if name == "content.tar.zst":
            return
        need(SIGNATURE.fullmatch(name), "unexpected member %s" % name)
        rank = "" if name.endswith("prepare.minisig") else name
        need(not bundle.signatures or last < rank, "signatures out of order")
        need(len(bundle.signatures) < LIMITS["signatures"], "too many signatures")
        need(0 < size <= LIMITS["signature"], "size of a signature")
        last = rank
        bundle.signatures.append((name, cursor.member(name, size)))


def read_bytes(data):
    bundle, cursor = Bundle(), Cursor(data)
    read_head(cursor, bundle)
    manifest = bundle.manifest = parse_manifest(bundle.manifest_bytes)
    total = cursor.at + whole(manifest["content"]["size"]) + 2 * BLOCK
    total += sum(whole(item["size"]) for item in manifest["blobs"])
    need(total <= LIMITS["bundle"], "too large")
    need(total == len(data), "the file has another size")
    bundle.frame = cursor.member("content.tar.zst", manifest["content"]["size"])
    for item in manifest["blobs"]:
        blob = cursor.member("blobs/sha256/" + item["sha256"], item["size"])
        bundle.blobs[item["sha256"]] = blob
    need(cursor.take(2 * BLOCK) == bytes(2 * BLOCK), "end of the bundle")
    with judged_as("content"):
        bundle.files = unpack_content(manifest, bundle.frame)
    with judged_as("blobs"):
        for digest, blob in bundle.blobs.items():
            need(hashlib.sha256(blob).hexdigest() == digest, "blob %s is damaged" % digest)
    return bundle


def read(path):
    """Reads and checks the whole bundle; raises BundleError."""
    with open(path, "rb") as file:
        return read_bytes(file.read())
