#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The README's section "Review a bundle", line by line as a new reviewer would type it, in a root in
which there is nothing but `sealift`, the bundle and the preparer's public key. What is said is held against
the transcript tests/cases/reviewer.txt, with digests, key ids, times and sizes taken out.

SEALIFT_WRITE_TRANSCRIPT=1 writes the transcript instead."""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRANSCRIPT = ROOT / "tests/cases/reviewer.txt"
SEALIFT = pathlib.Path(os.environ["SEALIFT"])
SPEC = """sealift: 1
name: my-pandas-image
version: 1.0.0
base:
  docker: docker.io/library/python:3.11-slim
  digest: sha256:ae9f9ac89467077ed1efefb6d9042132d28134ba201b2820227d46c9effd3174
target: {python: "3.11.2", platform: linux/x86_64, glibc: "2.36"}
worker: none
"""


def section(title):
    text = (ROOT / "README.md").read_text()
    block = re.search(rf"\n## {title}\n\n```sh\n(.*?)```", text, re.S).group(1)
    lines = [line.split("#")[0].strip() for line in block.splitlines()]
    return [line for line in lines if line]


def plain(text):
    """Without what differs from run to run."""
    for pattern, name in ((r"\b[0-9a-f]{64}\b", "SHA256"), (r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z", "TIME"),
                          (r"\bRW[A-Za-z0-9+/]{54}", "PUBLIC-KEY"), (r"(key id:? +)[0-9A-F]+", r"\1ID"),
                          (r"\b[0-9]+ bytes\b", "N bytes"), (r"\b[0-9.]+ (KiB|B)\b", "N \\1"),
                          (r"(zstd |libzstd )[0-9.]+", r"\1V")):
        text = re.sub(pattern, name, text)
    return text


class Review(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.here = pathlib.Path.cwd()
        self.root = self.here / "root"
        (self.root / "home").mkdir(parents=True)
        (self.root / "tmp").mkdir()
        shutil.copy(SEALIFT, self.root / "sealift")
        self.bring_libraries()
        self.prepare()

    def bring_libraries(self):
        """A program that is not linked statically, as in debug builds, needs its libraries as well."""
        listed = subprocess.run(["ldd", SEALIFT], capture_output=True, text=True, check=False).stdout
        for path in re.findall(r"(/\S+) \(0x", listed):
            target = self.root / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)

    def prepare(self):
        """Another person, on another machine."""
        env = {**os.environ, "SEALIFT_HOME": str(self.here / "preparer")}
        (self.here / "spec.yaml").write_text(SPEC)
        for words in (["key", "new", "--no-password"],
                      ["compile", "spec.yaml", "-o", "root/home/my-pandas-image-1.0.0.sealift"]):
            subprocess.run([SEALIFT, "-q", *words], env=env, check=True, capture_output=True)
        shutil.copy(self.here / "preparer/config/sealift.pub", self.root / "home/preparer.pub")

    def type(self, line):
        """In the empty root: no shell, no /proc, no /dev, no network name service."""
        words = shlex.split(line)
        self.assertEqual(words[0], "sealift", line)
        alone = [] if os.geteuid() == 0 else ["-r"]
        done = subprocess.run(["unshare", *alone, "-R", self.root, "-w", "/home", "/sealift", *words[1:]],
                              env={"HOME": "/home", "LANG": "C.UTF-8", "PATH": os.environ["PATH"]}, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout

    def test_the_lines_of_the_readme(self):
        said = []
        lines = section("Review a bundle")
        self.assertGreaterEqual(len(lines), 7)
        for line in lines:
            code, text = self.type(line)
            self.assertEqual(code, 0, f"{line}: {text}")
            said.append(f"$ {line}\n{plain(text)}")
        transcript = "".join(said)
        approvals = [path.name for path in (self.root / "home").glob("*.minisig")]
        self.assertEqual(len(approvals), 1, approvals)
        self.assertTrue((self.root / "home/unpacked/image.def").is_file())
        if os.environ.get("SEALIFT_WRITE_TRANSCRIPT"):
            TRANSCRIPT.write_text(transcript)
        self.assertEqual(transcript, TRANSCRIPT.read_text())


if __name__ == "__main__":
    unittest.main()
