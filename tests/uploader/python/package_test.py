#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The package as pip makes it, and what those who used its predecessor rely on."""
import base64
import csv
import hashlib
import inspect
import io
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "uploader/python"
sys.path[:0] = [str(PACKAGE), str(PACKAGE / "backend")]
import build_wheel  # noqa: E402
import custom_image_builder  # noqa: E402


class Package(unittest.TestCase):
    def setUp(self):
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        self.folder = pathlib.Path(made.name)
        os.chdir(PACKAGE)

    def test_the_wheel_is_whole_and_works(self):
        leaf = build_wheel.build_wheel(str(self.folder))
        first = (self.folder / leaf).read_bytes()
        self.assertEqual(leaf, f"custom_image_builder-{custom_image_builder.__version__}-py3-none-any.whl")
        with zipfile.ZipFile(io.BytesIO(first)) as archive:
            info = next(name for name in archive.namelist() if name.endswith("/RECORD"))
            record = list(csv.reader(archive.read(info).decode().splitlines()))
            self.assertEqual([row[0] for row in record], archive.namelist())
            for name, digest, size in record[:-1]:
                data = archive.read(name)
                real = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
                self.assertEqual((digest, int(size)), (f"sha256={real}", len(data)), name)
            sources = {name for name in archive.namelist() if name.endswith(".py")}
            metadata = archive.read(info.replace("RECORD", "METADATA")).decode()
        self.assertEqual(sources, {path.relative_to(PACKAGE).as_posix() for path in
                                   (PACKAGE / "custom_image_builder").rglob("*.py")})
        self.assertNotIn("Requires-Dist", metadata)
        self.assertIn("\nRequires-Python: >=3.9\n", metadata)
        script = "import custom_image_builder as c; print(c.__version__, c.__file__)"
        told = subprocess.run([sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(self.folder / leaf)!r}); "
                               + script], check=True, capture_output=True, text=True, cwd=self.folder).stdout
        self.assertIn(f"{custom_image_builder.__version__} {self.folder / leaf}", told)
        build_wheel.build_wheel(str(self.folder))
        self.assertEqual((self.folder / leaf).read_bytes(), first)

    def test_a_wheel_out_of_the_source_archive_is_the_same(self):
        leaf = build_wheel.build_wheel(str(self.folder))
        with tarfile.open(self.folder / build_wheel.build_sdist(str(self.folder))) as archive:
            for member in archive.getmembers():
                target = self.folder / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.extractfile(member).read())
        os.chdir(self.folder / f"custom_image_builder-{custom_image_builder.__version__}")
        again = self.folder / "again"
        again.mkdir()
        build_wheel.build_wheel(str(again))
        self.assertEqual((again / leaf).read_bytes(), (self.folder / leaf).read_bytes())

    def test_signature_and_exceptions_of_the_predecessor(self):
        from custom_image_builder.exception.ImageBuilderException import ImageBuilderException
        from custom_image_builder.exception.RegisterImageException import RegisterImageException
        from custom_image_builder.image_builder import build_and_register_container
        self.assertIs(build_and_register_container, custom_image_builder.build_and_register_container)
        parameters = inspect.signature(build_and_register_container).parameters.values()
        positional = [one for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]
        self.assertEqual([(one.name, one.default) for one in positional], [
            *((name, inspect.Parameter.empty) for name in
              ("gcc_client", "endpoint_id", "image_file_name", "base_image_type", "base_image")),
            *((name, None) for name in ("payload_url", "pip_packages", "conda_packages", "apt_packages"))])
        self.assertTrue(all(one.kind is one.KEYWORD_ONLY and one.default is not one.empty
                            for one in parameters if one not in positional))
        for exception in (ImageBuilderException, RegisterImageException):
            self.assertEqual((exception("why").message, str(exception("why"))), ("why", "why"))
            self.assertIs(exception.__bases__[0], Exception)

    def test_the_page_has_every_argument(self):
        page = (ROOT / "specs/python.md").read_text()
        for name in inspect.signature(custom_image_builder.build_and_register_container).parameters:
            self.assertRegex(page, rf"(?m)^\| (`\w+`, )*`{name}`")
        for name in re.findall(r"(?m)^    (\w+)  ", custom_image_builder.Image.__doc__):
            self.assertIn(f"| `.{name}`", page)


if __name__ == "__main__":
    unittest.main()
