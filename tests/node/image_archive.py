#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Packs a folder as a container image of one layer: a docker-archive and an oci-archive.

The same folder gives the same bytes: names sorted, owner 0, times 0. Tests take these as bases of
the kinds docker-archive and oci-archive; no container tool is needed to make them.
"""
import argparse
import gzip
import hashlib
import io
import json
import os
import platform
import tarfile

OCI = "application/vnd.oci.image."
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def plain(member):
    """What a member may say about the machine it came from: nothing."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.pax_headers = {}
    return member


def add_bytes(tar, name, data):
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(plain(member), io.BytesIO(data))


def add_folder(tar, name):
    """Readers of oci-archive do not make the folders that a member's name implies."""
    member = tarfile.TarInfo(name)
    member.type = tarfile.DIRTYPE
    member.mode = 0o755
    tar.addfile(plain(member))


def add_file(tar, name, path):
    member = tarfile.TarInfo(name)
    member.size = os.path.getsize(path)
    with open(path, "rb") as data:
        tar.addfile(plain(member), data)


def write_layer(folder, path):
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for where, folders, files in os.walk(folder):
            folders.sort()
            links = [name for name in folders if os.path.islink(os.path.join(where, name))]
            for name in sorted(files + links + [d for d in folders if d not in links]):
                full = os.path.join(where, name)
                member = plain(tar.gettarinfo(full, os.path.relpath(full, folder)))
                if member.isreg():
                    with open(full, "rb") as data:
                        tar.addfile(member, data)
                elif member.isdir() or member.issym() or member.islnk():
                    tar.addfile(member)


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as data:
        for block in iter(lambda: data.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def as_json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def image_config(layer):
    machine = platform.machine()
    return as_json({
        "architecture": ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "config": {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha256(layer)]},
        "history": [],
    })


def docker_archive(layer, config, tag, out):
    name = hashlib.sha256(config).hexdigest() + ".json"
    with tarfile.open(out, "w", format=tarfile.GNU_FORMAT) as tar:
        add_file(tar, "layer.tar", layer)
        add_bytes(tar, name, config)
        add_bytes(tar, "manifest.json",
                  as_json([{"Config": name, "RepoTags": [tag], "Layers": ["layer.tar"]}]))


def compress(layer, path):
    with open(layer, "rb") as plain_data, open(path, "wb") as raw:
        with gzip.GzipFile("", "wb", 1, raw, mtime=0) as packed:
            for block in iter(lambda: plain_data.read(1 << 20), b""):
                packed.write(block)


def oci_archive(layer, config, out):
    def descriptor(kind, data):
        return {"mediaType": OCI + kind, "size": len(data),
                "digest": "sha256:" + hashlib.sha256(data).hexdigest()}

    packed = layer + ".gz"
    compress(layer, packed)
    try:
        layer_descriptor = {"mediaType": OCI + "layer.v1.tar+gzip",
                            "size": os.path.getsize(packed), "digest": "sha256:" + sha256(packed)}
        manifest = as_json({"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
                            "config": descriptor("config.v1+json", config),
                            "layers": [layer_descriptor]})
        index = as_json({"schemaVersion": 2, "mediaType": OCI + "index.v1+json",
                         "manifests": [descriptor("manifest.v1+json", manifest)]})
        with tarfile.open(out, "w", format=tarfile.GNU_FORMAT) as tar:
            add_bytes(tar, "oci-layout", as_json({"imageLayoutVersion": "1.0.0"}))
            add_bytes(tar, "index.json", index)
            add_folder(tar, "blobs")
            add_folder(tar, "blobs/sha256")
            for blob in (config, manifest):
                add_bytes(tar, "blobs/sha256/" + hashlib.sha256(blob).hexdigest(), blob)
            add_file(tar, "blobs/sha256/" + sha256(packed), packed)
    finally:
        os.unlink(packed)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--docker", metavar="FILE", required=True)
    parser.add_argument("--oci", metavar="FILE", required=True)
    parser.add_argument("--tag", default="localhost/base:latest")
    given = parser.parse_args()
    layer = given.docker + ".layer"
    try:
        write_layer(given.folder, layer)
        config = image_config(layer)
        docker_archive(layer, config, given.tag, given.docker)
        oci_archive(layer, config, given.oci)
    finally:
        if os.path.exists(layer):
            os.unlink(layer)


if __name__ == "__main__":
    main()
