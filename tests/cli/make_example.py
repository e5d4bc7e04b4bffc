#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a small spec with everything it names, from nothing: real zip files with real METADATA.

The wheels hold no code worth running: they are for compiling, reading and checking bundles. What is
built and run is made of real wheels (tests/node).
"""
import argparse
import base64
import hashlib
import os
import zipfile


def record_line(name, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}\n"


def make_wheel(folder, name, version, requires=(), extra_headers="", payload=b"", tag="py3-none-any"):
    """Writes one wheel; returns its file name."""
    dist = f"{name.replace('-', '_')}-{version}"
    info = f"{dist}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{extra_headers}"
    metadata += "".join(f"Requires-Dist: {one}\n" for one in requires) + "\nA test wheel.\n"
    files = {
        f"{name.replace('-', '_')}/__init__.py": f"__version__ = {version!r}\n".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
        f"{info}/METADATA": metadata.encode(),
    }
    if payload:
        files[f"{name.replace('-', '_')}/data.bin"] = payload
    record = "".join(record_line(key, value) for key, value in files.items())
    files[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    leaf = f"{dist}-{tag}.whl"
    with zipfile.ZipFile(os.path.join(folder, leaf), "w", zipfile.ZIP_STORED) as archive:
        for key, value in files.items():
            archive.writestr(zipfile.ZipInfo(key, (2020, 1, 1, 0, 0, 0)), value)
    return leaf


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def noise(seed, size):
    """`size` bytes that do not compress, the same for the same seed."""
    return hashlib.shake_128(seed.encode()).digest(size)


# What compile looks at of a SIF file: the line that starts it, padded, then its magic.
SIF_HEAD = b"#!/usr/bin/env run-singularity\n\0" + b"SIF_MAGIC\0" + b"01\0" + b"02\0"

SPEC = """sealift: 1
name: small-image
version: 1.0.0
description: a small image for tests
base: {localimage: base.sif}
target: {python: "3.11.2", platform: linux/x86_64, glibc: "2.36"}
pip:
  requirements: ["alpha>=1"]
  lock: requirements.lock
  wheelhouse: wheels
files:
  - {from: app.ini, to: /etc/app.ini, mode: "0640"}
env: {APP_MODE: "a \\"quoted\\" $value"}
post:
  - run: |
      echo "a line with % and {{ braces }}"
    network: none
test:
  run: |
    test -f /etc/app.ini
  network: none
labels: {org.example.team: physics}
help: A small image.
worker: {version: "4.19.0"}
"""


def make(folder, blobs=0, blob_size=0, base_size=4096):
    wheels = os.path.join(folder, "wheels")
    os.makedirs(wheels)
    made = [
        ("alpha", "1.2", ["beta[fast]>=2,<3", 'gamma; python_version < "3"'], ""),
        ("beta", "2.1", ['delta>=0.5; extra == "fast"'], "Provides-Extra: fast\n"),
        ("delta", "0.7", [], "Requires-Python: >=3.8\n"),
        ("globus-compute-endpoint", "4.19.0", ["alpha"], ""),
    ]
    lock = []
    for name, version, requires, headers in made:
        leaf = make_wheel(wheels, name, version, requires, headers)
        lock.append((name, version, leaf))
    for number in range(blobs):
        name = f"big{number:03d}"
        leaf = make_wheel(wheels, name, "1.0", payload=noise(name, blob_size))
        lock.append((name, "1.0", leaf))
    make_wheel(wheels, "pip", "24.0")
    with open(os.path.join(folder, "requirements.lock"), "w") as file:
        for name, version, leaf in sorted(lock):
            file.write(f"{name}=={version} \\\n    --hash=sha256:{sha256_of(os.path.join(wheels, leaf))}\n")
    with open(os.path.join(folder, "base.sif"), "wb") as file:
        file.write(SIF_HEAD + noise("base", max(0, base_size - len(SIF_HEAD))))
    with open(os.path.join(folder, "app.ini"), "w") as file:
        file.write("[app]\nmode = test\n")
    with open(os.path.join(folder, "spec.yaml"), "w") as file:
        file.write(SPEC)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="made anew")
    parser.add_argument("--blobs", type=int, default=0, help="further wheels")
    parser.add_argument("--blob-size", type=int, default=0, help="bytes in each of them")
    parser.add_argument("--base-size", type=int, default=4096)
    given = parser.parse_args()
    make(given.folder, given.blobs, given.blob_size, given.base_size)
