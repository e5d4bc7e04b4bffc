#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Changes one thing in a bundle and seals it again with the key given: tamper.py WHAT BUNDLE KEY OUT,
WHAT one of line (of image.def), byte (of a wheel), hash (in the lock)."""
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bundles/format"))
import maker  # noqa: E402
import reader  # noqa: E402

what, bundle, key, out = sys.argv[1:]
parts = maker.Parts.of(reader.read(bundle))
if what == "line":
    text = parts.files["image.def"].decode()
    assert "    umask 022\n" in text
    parts.files["image.def"] = text.replace("    umask 022\n", "    umask 002\n", 1).encode()
elif what == "byte":
    at = min(range(len(parts.blobs)), key=lambda index: len(parts.blobs[index]))
    blob = bytearray(parts.blobs[at])
    blob[len(blob) // 2] ^= 1
    parts.blobs[at] = bytes(blob)
elif what == "hash":
    lock = json.loads(parts.files["lock.json"])
    lock["packages"][0]["hashes"] = ["0" * 64]
    parts.files["lock.json"] = reader.canonical(lock)
else:
    sys.exit(__doc__)
maker.write(out, parts, key=os.path.abspath(key))
