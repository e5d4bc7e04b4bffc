#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A disk that really is full: a tmpfs of 1 MiB in a mount namespace of this test's own. Status 5, "No space
left on device", everything as it was before, and no temporary file (T47). As root and as anybody else."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import table  # noqa: E402

INSIDE = "--inside"
SPACES = (["unshare", "-rm"], ["unshare", "-m"])  # root may have no user namespaces
SMALL, FULL = 1 << 20, 0
# What is run with how many bytes left; a bundle has 2 MB, the rest less than a page.
CASES = [
    ("compile ../inputs/example/spec.yaml -o x.sealift", SMALL),
    ("compile ../inputs/example/spec.yaml -o old.sealift", SMALL),
    ("extract ../inputs/large.sealift -C out", SMALL),
    ("attach ../inputs/large.sealift ../inputs/large-approval -o x.sealift", SMALL),
    ("approve ../inputs/large.sealift --key ../inputs/second.key -C .", FULL),
    ("revoke ../inputs/large.sealift -C .", FULL),
    ("key new --no-password -o k", FULL),
    ("policy init --prepare ../inputs/second.pub -o p.json", FULL),
    ("trust add ../inputs/second.pub --name other --policy policy.json", FULL),
    ("verify ../inputs/a.sealift --evidence e.json", FULL),
    ("verify ../inputs/a.sealift --evidence old.json", FULL),
]


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


class Disk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keep = tempfile.TemporaryDirectory()
        cls.inputs = table.Inputs(cls.keep.name)
        path = cls.inputs.path
        shutil.rmtree(path / "example")
        table.make_example.make(str(path / "example"), blobs=6, blob_size=330_000)
        shutil.copyfile(cls.inputs.trusting, path / "home/config/policy.json")
        cls.inputs.run("compile", "example/spec.yaml", "-o", "large.sealift")
        cls.inputs.run("approve", "large.sealift", "--key", "second.key", "-C", ".")
        next(path.glob("*.minisig")).rename(path / "large-approval")
        cls.disk = pathlib.Path(cls.keep.name) / "disk"
        cls.disk.mkdir()

    @classmethod
    def tearDownClass(cls):
        cls.keep.cleanup()

    def setUp(self):
        self.addCleanup(self.unmount)

    def unmount(self):
        if os.path.ismount(self.disk):
            subprocess.run(["umount", str(self.disk)], check=True)

    def mount(self, options):
        self.unmount()
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(self.disk)], check=True)

    def lay_out(self, left, size="1m"):
        """A new disk."""
        self.mount(f"size={size}")
        for name in ("old.sealift", "old.json"):
            (self.disk / name).write_text("what was there before")
        shutil.copyfile(self.inputs.path / "strict.json", self.disk / "policy.json")
        if left == FULL:
            with open(self.disk / "filler", "wb", buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(4096))
                except OSError:
                    pass

    def call(self, line, home=None):
        return subprocess.run([table.SEALIFT, "-q", *line.split()], cwd=self.disk, stdin=subprocess.DEVNULL,
                              env=self.inputs.environment(home or self.inputs.path), capture_output=True, text=True)

    def test_t47_nothing_is_half_made(self):
        for line, left in CASES:
            with self.subTest(line):
                self.lay_out(left)
                before = tree(self.disk)
                done = self.call(line)
                said = [text for text in done.stderr.splitlines() if text.startswith("sealift: ")]
                self.assertEqual(done.returncode, 5, done.stderr)
                self.assertEqual(len(said), 1, done.stderr)
                self.assertIn("No space left on device", said[0])
                self.assertEqual(tree(self.disk), before)

    def test_the_disk_is_what_was_missing(self):
        """The same on a disk with room."""
        for line, _ in CASES:
            with self.subTest(line):
                self.lay_out(SMALL, "16m")
                done = self.call(line)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_no_room_for_the_state_folder(self):
        """verify has confined itself by then, and tells the true cause all the same."""
        self.mount("nr_inodes=1")
        done = self.call("verify ../inputs/a.sealift --policy ../inputs/strict.json", self.disk)
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertRegex(done.stderr, "cannot remember .*No space left on device")
        self.mount("nr_inodes=64")
        done = self.call("verify ../inputs/a.sealift --policy ../inputs/strict.json", self.disk)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    if sys.argv[1:2] == [INSIDE]:
        unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
    for space in SPACES:
        try_it = [*space, "sh", "-c", "mount -t tmpfs none /mnt"]
        if subprocess.run(try_it, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
            os.execvp(space[0], [*space, sys.executable, os.path.abspath(__file__), INSIDE, *sys.argv[1:]])
    print("no mount namespace can be had here")
    sys.exit(77)
