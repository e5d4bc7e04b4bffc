# SPDX-License-Identifier: Apache-2.0
"""Builds the package for pip (PEP 517) by the standard library alone, so that a machine without a
network can install it. The same sources give the same bytes.
"""
import base64
import hashlib
import io
import os
import re
import tarfile
import zipfile

PACKAGE = "custom_image_builder"


def _project():
    """Name and value of the texts in [project]: all that this file needs of pyproject.toml."""
    with open("pyproject.toml", encoding="utf-8") as file:
        table = file.read().partition("[project]\n")[2].partition("\n[")[0]
    return dict(re.findall(r'(?m)^([a-z-]+) = "([^"]*)"$', table))


def _metadata(project):
    with open(project["readme"], encoding="utf-8") as file:
        readme = file.read()
    return (f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
            f"Summary: {project['description']}\nLicense: Apache-2.0\nRequires-Python: {project['requires-python']}\n"
            f"Description-Content-Type: text/markdown\n\n{readme}").encode()


def _sources():
    found = [os.path.join(folder, name) for folder, _, names in os.walk(PACKAGE) for name in names
             if name.endswith(".py")]
    return {path.replace(os.sep, "/"): _read(path) for path in sorted(found)}


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    project = _project()
    stem = f"{PACKAGE}-{project['version']}"
    files = _sources()
    files[f"{stem}.dist-info/METADATA"] = _metadata(project)
    files[f"{stem}.dist-info/WHEEL"] = (b"Wheel-Version: 1.0\nGenerator: sealift\nRoot-Is-Purelib: true\n"
                                        b"Tag: py3-none-any\n")
    record = f"{stem}.dist-info/RECORD"
    lines = [f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},"
             f"{len(data)}\n" for name, data in files.items()]
    files[record] = "".join([*lines, f"{record},,\n"]).encode()
    leaf = f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, leaf), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
            archive.writestr(entry, data)
    return leaf


def build_sdist(sdist_directory, config_settings=None):
    project = _project()
    stem = f"{PACKAGE}-{project['version']}"
    files = {**_sources(), "PKG-INFO": _metadata(project)}
    for name in ("pyproject.toml", project["readme"], "backend/build_wheel.py"):
        files[name] = _read(name)
    with tarfile.open(os.path.join(sdist_directory, f"{stem}.tar.gz"), "w:gz") as archive:
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(f"{stem}/{name}")
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    return f"{stem}.tar.gz"
