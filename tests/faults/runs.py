# SPDX-License-Identifier: Apache-2.0
"""Runs of the commands in table.py, disturbed by strace at the Nth call of a kind, and what they leave."""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import table  # noqa: E402

EVERY = int(os.environ.get("SEALIFT_FAULT_EVERY", "9"))
AT_ONCE = 3
TEMPORARY = re.compile(r"^\.sealift-[0-9a-f]{16}\.tmp$")
TIME = re.compile(rb"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")
# Every call by which something of these commands reaches a disk.
CALLS = ("write", "pwrite64", "fallocate", "fsync", "fdatasync", "syncfs", "ftruncate", "mkdir", "mkdirat", "chmod", "fchmod",
         "linkat", "rename", "renameat", "renameat2", "unlink", "unlinkat")


class Left:
    """What stands in a folder: `files` by their paths, without the temporary ones; `temporary`."""

    def __init__(self, folder, makes):
        self.files, self.temporary = {}, []
        for place, folders, names in os.walk(folder):
            for name in list(folders) + names:
                if TEMPORARY.match(name):
                    self.temporary.append(os.path.join(place, name))
            folders[:] = [name for name in folders if not TEMPORARY.match(name)]
            for name in names:
                path = pathlib.Path(place, name)
                if not TEMPORARY.match(name) and not name.endswith(".lock"):
                    data = TIME.sub(b"T", path.read_bytes())
                    self.files[str(path.relative_to(folder))] = data.replace(str(folder).encode(), b"HERE")
        self.makes = makes

    def part(self, made):
        """All of one thing that is made: {} when it is not there."""
        return {name: data for name, data in self.files.items() if name == made or name.startswith(made + "/")}

    def rest(self):
        return {name: data for name, data in self.files.items()
                if not any(name == made or name.startswith(made + "/") for made in self.makes)}


def forget_key(folder, left):
    """Keys differ from run to run: a whole one is one that is read and has its other half."""
    public = []
    for ending in ("key", "pub"):
        name = f"home/config/sealift.{ending}"
        if name in left.files:
            done = subprocess.run([table.SEALIFT, "key", "show", str(folder / name)], capture_output=True, text=True)
            public += [line for line in done.stdout.splitlines() if line.startswith("public key:")]
            left.files[name] = b"a key" if done.returncode == 0 else done.stderr.encode()
    if len(set(public)) > 1:
        left.files["home/config/sealift.pub"] = b"of another key"
    if "home/config/policy.json" in left.files:
        done = subprocess.run([table.SEALIFT, "policy", "check", str(folder / "home/config/policy.json")],
                              capture_output=True)
        left.files["home/config/policy.json"] = b"a policy" if done.returncode == 0 else done.stderr


class Runs(unittest.TestCase):
    maxDiff = 2000

    @classmethod
    def setUpClass(cls):
        cls.keep = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.keep.name)
        cls.inputs = table.Inputs(cls.folder)
        cls.lock, cls.number, cls.skipped, cls.undisturbed = threading.Lock(), 0, 0, {}

    @classmethod
    def tearDownClass(cls):
        cls.keep.cleanup()

    def new_folder(self, case):
        with self.lock:
            type(self).number += 1
            folder = self.folder / f"{case.name}-{self.number}"
        self.inputs.lay_out(case, folder)
        return folder

    def left(self, case, folder):
        left = Left(folder, self.inputs.makes(case))
        if case.name == "key-new":
            forget_key(folder, left)
        return left

    def call(self, case, folder, prefix=()):
        return subprocess.run([*prefix, table.SEALIFT, "-q", *case.words], cwd=folder, env=self.inputs.environment(folder),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)

    def ends(self, case):
        """What is there before and after a run that nobody disturbs."""
        if case.name not in self.undisturbed:
            folder = self.new_folder(case)
            before = self.left(case, folder)
            done = self.call(case, folder)
            self.assertEqual(done.returncode, 0, f"{case.name}: {done.stderr}")
            after = self.left(case, folder)
            self.assertEqual(after.temporary, [])
            for made in self.inputs.makes(case):
                self.assertNotEqual(after.part(made), {}, f"{case.name} does not make {made}")
            self.undisturbed[case.name] = before, after
            shutil.rmtree(folder)
        return self.undisturbed[case.name]

    def disturb(self, case, call, inject):
        """Runs it; the folder, the finished process, and the calls that were met."""
        folder = self.new_folder(case)
        trace = folder.with_suffix(".trace")
        done = self.call(case, folder, ["strace", "-f", "-y", "-qqq", "-o", str(trace), "-e",
                                        "signal=none", "-e", f"trace={call}", "-e", f"inject={call}:{inject}"])
        met = [line.split(None, 1)[1] for line in trace.read_text(errors="replace").splitlines()
               if "(INJECTED)" in line or "= ?" in line]
        trace.unlink()
        return folder, done, met

    def places(self, case, calls):
        """(call, number) of every EVERY-th call that an undisturbed run makes, without those of the loader. Threads
        count for themselves, so some of the last are never met."""
        folder = self.new_folder(case)
        trace = folder.with_suffix(".trace")
        done = self.call(case, folder, ["strace", "-f", "-y", "-qqq", "-o", str(trace), "-e", "signal=none", "-e",
                                        "trace=" + ",".join(calls)])
        self.assertEqual(done.returncode, 0, done.stderr)
        numbers, found = {}, []
        for line in trace.read_text(errors="replace").splitlines():
            call = line.split(None, 1)[1].split("(", 1)[0]
            if call in calls:
                numbers[call] = numbers.get(call, 0) + 1
                if ".so" not in line:
                    found.append((call, numbers[call]))
        trace.unlink()
        shutil.rmtree(folder)
        with self.lock:
            first = type(self).skipped % EVERY  # so that short cases do not all begin at their first call
            type(self).skipped += len(found)
        return found[(EVERY - first) % EVERY::EVERY]

    def each_place(self, calls, try_one):
        """try_one(case, call, number) at the places of every case."""
        places = []
        for case in table.CASES:
            self.ends(case)
            places += [(case, *place) for place in self.places(case, calls)]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            met = sum(pool.map(lambda place: try_one(*place), places))
        print(f"{met} of {len(places)} places met, each {EVERY}th", file=sys.stderr)
        self.assertGreater(met, len(places) // 2)

    def assert_each_whole(self, left, ends, what):
        before, after = ends
        for made in left.makes:
            self.assertTrue(left.part(made) in (before.part(made), after.part(made)), f"{what}: {made} is half made")
        self.assertEqual(left.rest(), before.rest(), what)
