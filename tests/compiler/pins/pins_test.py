#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pinning as a user meets it: `sealift compile` over examples with one thing wrong each."""
import hashlib
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "cli"))
from make_example import make, make_wheel, sha256_of  # noqa: E402

SEALIFT = os.environ["SEALIFT"]


class Pins(unittest.TestCase):
    def setUp(self):
        self.temp = tempfile.TemporaryDirectory()
        self.addCleanup(self.temp.cleanup)
        self.root = pathlib.Path(self.temp.name)
        self.env = dict(os.environ, SEALIFT_HOME=str(self.root / "home"))
        self.run_ok("key", "new", "--no-password")
        self.folder = self.root / "example"
        make(str(self.folder))
        self.wheels = self.folder / "wheels"
        self.lock = self.folder / "requirements.lock"

    def run_sealift(self, *words):
        return subprocess.run([SEALIFT, *words], capture_output=True, text=True, env=self.env, cwd=self.root,
                              stdin=subprocess.DEVNULL, timeout=60)

    def run_ok(self, *words):
        done = self.run_sealift(*words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def compile(self, *words):
        return self.run_sealift("compile", "example/spec.yaml", "-o", "out.sealift", *words)

    def refused(self, *texts, code=3):
        done = self.compile()
        self.assertEqual(done.returncode, code, done.stderr)
        for text in texts:
            self.assertIn(text, done.stderr)
        self.assertFalse((self.root / "out.sealift").exists(), "a refused compile left a bundle")
        return done.stderr

    def add_to_lock(self, name, version, **more):
        leaf = make_wheel(str(self.wheels), name, version, **more)
        with self.lock.open("a") as file:
            file.write(f"{name}=={version} --hash=sha256:{sha256_of(self.wheels / leaf)}\n")

    def edit_lock(self, pattern, replacement):
        text, count = re.subn(pattern, replacement, self.lock.read_text(), flags=re.MULTILINE)
        self.assertEqual(count, 1)
        self.lock.write_text(text)

    def edit_spec(self, old, new):
        spec = self.folder / "spec.yaml"
        self.assertIn(old, spec.read_text())
        spec.write_text(spec.read_text().replace(old, new))

    # ---- what is good -----------------------------------------------------------------------

    def test_the_example_compiles_sealed(self):
        done = self.run_ok("compile", "example/spec.yaml", "-o", "out.sealift")
        self.assertIn("closure  sealed", done.stdout)
        lock = self.run_ok("cat", "out.sealift", "lock.json").stdout
        self.assertIn('"requires":["beta"]', lock)
        self.assertIn('"requires":["delta"]', lock)  # by the extra that alpha asks for

    def test_a_matching_hash_among_several_is_found(self):
        other = hashlib.sha256(b"another file of the same version").hexdigest()
        self.edit_lock(r"^(alpha==1.2 \\\n)", rf"\1    --hash=sha256:{other} \\\n")
        self.run_ok("compile", "example/spec.yaml", "-o", "out.sealift")

    def test_the_better_wheel_wins_when_its_hash_is_allowed(self):
        leaf = make_wheel(str(self.wheels), "alpha", "1.2", ["beta[fast]>=2"], tag="cp311-cp311-manylinux_2_17_x86_64")
        digest = sha256_of(self.wheels / leaf)
        self.edit_lock(r"^(alpha==1.2 \\\n)", rf"\1    --hash=sha256:{digest} \\\n")
        self.run_ok("compile", "example/spec.yaml", "-o", "out.sealift")
        self.assertIn(leaf, self.run_ok("cat", "out.sealift", "lock.json").stdout)

    def test_without_a_wheelhouse_dependencies_are_not_checked_and_that_is_said(self):
        self.edit_spec("  wheelhouse: wheels\n", "")
        done = self.run_ok("compile", "example/spec.yaml", "-o", "out.sealift")
        self.assertIn("dependencies not checked", done.stderr)
        self.assertIn("closure  pinned", done.stdout)
        self.assertIn("(dependencies not checked)", done.stdout)

    def test_locks_are_taken_as_the_tools_write_them(self):
        for lock, count, wanted in ((ROOT / "tests/data/locks/pip-compile.txt", 5, "requests"),
                                    (ROOT / "specs/examples/pandas/requirements.lock", 60, "pandas")):
            with self.subTest(lock.name):
                self.lock.write_bytes(lock.read_bytes())
                (self.folder / "spec.yaml").write_text(
                    'sealift: 1\nname: lock\nversion: 1.0.0\nbase: {localimage: base.sif}\n'
                    'target: {python: "3.11.2", glibc: "2.36"}\nworker: none\n'
                    f'pip: {{requirements: [{wanted}], lock: requirements.lock}}\n')
                done = self.run_ok("compile", "example/spec.yaml", "-o", "out.sealift")
                self.assertIn(f"packages {count} (dependencies not checked)", done.stdout)

    def test_a_wheelhouse_may_be_given_on_the_command_line(self):
        self.edit_spec("  wheelhouse: wheels\n", "")
        done = self.run_ok("compile", "example/spec.yaml", "-o", "out.sealift", "--wheelhouse", "example/wheels")
        self.assertIn("closure  sealed", done.stdout)

    def test_environment_markers_are_evaluated_for_the_target(self):
        with self.lock.open("a") as file:
            file.write("nowhere==1.0 ; sys_platform == 'win32' --hash=sha256:" + "0" * 64 + "\n")
        self.run_ok("compile", "example/spec.yaml", "-o", "out.sealift")

    # ---- what is not ------------------------------------------------------------------------

    def test_a_wheel_that_is_missing(self):
        next(self.wheels.glob("beta-*")).unlink()
        self.refused("requirements.lock:", "no wheel of beta 2.1 in the wheelhouse")

    def test_source_date_epoch_is_digits(self):
        for text in (" 1", "+1", "-1", "1 ", "1\n", "0x1", "1e9", "1.0", "one", "253402300800", "9" * 30, "\u0661"):
            with self.subTest(epoch=text):
                self.env["SOURCE_DATE_EPOCH"] = text
                done = self.compile()
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn("SOURCE_DATE_EPOCH is '", done.stderr)
                self.assertFalse((self.root / "out.sealift").exists())
        for text, time in (("0", "1970-01-01T00:00:00Z"), ("007", "1970-01-01T00:00:07Z"),
                           ("253402300799", "9999-12-31T23:59:59Z")):
            self.env["SOURCE_DATE_EPOCH"] = text
            self.assertEqual(self.compile("--allow-open").returncode, 0)
            self.assertIn(time, self.run_ok("verify", "out.sealift").stdout)

    def test_an_empty_wheelhouse_is_one_problem(self):
        for number in range(20):
            self.add_to_lock(f"more{number:02d}", "1.0")
        for wheel in self.wheels.iterdir():
            wheel.unlink()
        text = self.refused("wheelhouse 'example/wheels'", "24 of the 24 wheels", "alpha 1.2, beta 2.1", "and 14 more",
                            "1 problem with")
        self.assertEqual(len(text.splitlines()), 2, text)
        done = self.compile("--json")
        self.assertEqual(done.returncode, 3)
        report = json.loads(done.stdout)
        self.assertEqual((report["kind"], report["exit_code"], len(report["problems"])), ("input", 3, 1))
        self.assertEqual(len(report["missing"]), 24)
        self.assertIn("globus-compute-endpoint 4.19.0", report["missing"])

    def test_a_wheelhouse_of_something_else_is_one_problem(self):
        for number in range(11):
            self.add_to_lock(f"more{number:02d}", "1.0")
        for wheel in self.wheels.glob("more*"):
            wheel.unlink()
        text = self.refused("wheelhouse 'example/wheels'", "11 of the 15 wheels", "more00 1.0", "and 1 more")
        self.assertNotIn("no wheel of", text)

    def test_a_wheel_that_does_not_fit_says_why(self):
        next(self.wheels.glob("delta-*")).unlink()
        make_wheel(str(self.wheels), "delta", "0.7", tag="cp311-cp311-manylinux_2_39_x86_64")
        text = self.refused("no wheel of delta 0.7 fits the target", "delta-0.7-cp311-cp311-manylinux_2_39_x86_64.whl")
        self.assertIn("glibc 2.39", text)

    def test_t67_a_hash_that_does_not_match_names_the_wheel(self):
        path = next(self.wheels.glob("alpha-*"))
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        self.refused("alpha-1.2-py3-none-any.whl")

    def test_a_hash_that_is_none_of_several_names_both(self):
        self.edit_lock(r"^alpha==1.2 \\\n +--hash=sha256:[0-9a-f]{64}",
                       "alpha==1.2 --hash=sha256:" + "1" * 64 + " --hash=sha256:" + "2" * 64)
        self.refused("the hash of", "alpha-1.2-py3-none-any.whl", "does not match", "none of the 2")

    def test_a_dependency_missing_from_the_lock_says_who_needs_it(self):
        self.edit_lock(r"^delta==0.7 \\\n.*\n", "")
        self.refused("beta needs 'delta>=0.5; extra == \"fast\"', which the lock lacks")

    def test_the_worker_missing_from_the_lock(self):
        self.edit_lock(r"^globus-compute-endpoint==4.19.0 \\\n.*\n", "")
        self.refused("the spec (worker.version) needs 'globus-compute-endpoint==4.19.0', which the lock lacks")

    def test_another_worker_version_in_the_lock(self):
        self.edit_spec("4.19.0", "4.18.0")
        self.refused("globus-compute-endpoint==4.18.0", "pins globus-compute-endpoint 4.19.0")

    def test_the_workers_own_dependency_missing(self):
        next(self.wheels.glob("globus_compute_endpoint-*")).unlink()
        self.edit_lock(r"^globus-compute-endpoint==4.19.0 \\\n.*\n", "")
        self.add_to_lock("globus-compute-endpoint", "4.19.0", requires=["parsl>=2026"])
        self.refused("globus-compute-endpoint needs 'parsl>=2026', which the lock lacks")

    def test_a_version_that_a_dependent_refuses(self):
        next(self.wheels.glob("beta-*")).unlink()
        self.edit_lock(r"^beta==2.1 \\\n.*\n", "")
        self.add_to_lock("beta", "3.0", extra_headers="Provides-Extra: fast\n")
        self.refused("alpha needs 'beta[fast]>=2,<3', but requirements.lock:", "pins beta 3.0")

    def test_a_python_that_the_wheel_refuses(self):
        self.add_to_lock("future", "1.0", extra_headers="Requires-Python: >=3.12\n")
        self.refused("future needs Python >=3.12, the target is 3.11.2")

    def test_t66_metadata_that_disagrees_with_the_file_name(self):
        leaf = make_wheel(str(self.wheels), "epsilon", "1.0")
        os.rename(self.wheels / leaf, self.wheels / "epsilon-2.0-py3-none-any.whl")
        with self.lock.open("a") as file:
            file.write(f"epsilon==2.0 --hash=sha256:{sha256_of(self.wheels / 'epsilon-2.0-py3-none-any.whl')}\n")
        self.refused("epsilon-2.0-py3-none-any.whl")

    def test_t14_bytes_after_the_archive(self):
        leaf = make_wheel(str(self.wheels), "zeta", "1.0")
        with open(self.wheels / leaf, "ab") as file:
            file.write(b"trailing")
        with self.lock.open("a") as file:
            file.write(f"zeta==1.0 --hash=sha256:{sha256_of(self.wheels / leaf)}\n")
        self.refused("zeta-1.0-py3-none-any.whl")

    def test_no_installer(self):
        next(self.wheels.glob("pip-*")).unlink()
        self.refused("no wheel of pip or uv that fits the target in the wheelhouse")

    def test_t56_options_in_the_lock_are_not_obeyed_in_silence(self):
        with self.lock.open("a") as file:
            file.write("--index-url https://example.org/simple\n")
        done = self.run_ok("compile", "example/spec.yaml", "-o", "out.sealift")
        self.assertIn("index and find-links options are ignored", done.stderr)

    def test_lines_that_are_not_pins(self):
        with self.lock.open("a") as file:
            file.write("a1>=1 --hash=sha256:" + "0" * 64 + "\n")
            file.write("a2==1.0\n")
            file.write("a3==1.* --hash=sha256:" + "0" * 64 + "\n")
            file.write("-e ./local\n")
            file.write("a4 @ https://example.org/a4-1.0-py3-none-any.whl --hash=sha256:" + "0" * 64 + "\n")
            file.write("a5==1.0 --hash=sha512:" + "0" * 128 + "\n")
            file.write("alpha==1.2 --hash=sha256:" + "0" * 64 + "\n")
        text = self.refused("a1: not pinned", "a2: no hash", "a3: not pinned", "a4: a URL cannot be locked",
                            "a5 has no sha256 hash", "alpha is pinned a second time", "editable")
        self.assertRegex(text, r"7 problems|8 problems|9 problems|10 problems")

    def test_every_problem_is_reported_at_once(self):
        next(self.wheels.glob("pip-*")).unlink()
        next(self.wheels.glob("beta-*")).unlink()
        self.edit_lock(r"^delta==0.7 \\\n.*\n", "")
        self.add_to_lock("future", "1.0", extra_headers="Requires-Python: >=3.12\n")
        self.refused("no wheel of beta 2.1", "no wheel of pip or uv", "future needs Python")

    def test_a_missing_base_file(self):
        (self.folder / "base.sif").unlink()
        done = self.compile()
        self.assertIn(done.returncode, (3, 5))
        self.assertIn("base.sif", done.stderr)

    def test_t01_a_lock_that_includes_a_file_outside(self):
        (self.root / "outside.txt").write_text("alpha==1.2\n")
        with self.lock.open("a") as file:
            file.write("-r ../outside.txt\n")
        self.refused("../outside.txt")

    # ---- endings ----------------------------------------------------------------------------

    def test_t72_a_refused_compile_keeps_the_old_bundle(self):
        (self.root / "out.sealift").write_text("old")
        next(self.wheels.glob("beta-*")).unlink()
        self.assertEqual(self.compile().returncode, 3)
        self.assertEqual((self.root / "out.sealift").read_text(), "old")
        self.assertEqual([p.name for p in self.root.iterdir() if p.name.endswith(".tmp")], [])

    def test_what_is_no_bundle_is_not_replaced(self):
        key = self.root / "home/config/sealift.key"
        for path in [self.folder / "spec.yaml", self.folder / "base.sif", self.lock, key]:
            before = path.read_bytes()
            done = self.run_sealift("compile", "example/spec.yaml", "-o", str(path))
            self.assertEqual(done.returncode, 5, done.stderr)
            self.assertIn("it exists and is not a bundle", done.stderr)
            self.assertEqual(path.read_bytes(), before)
        (self.root / "fresh").touch()
        self.run_ok("compile", "example/spec.yaml", "-o", "fresh")
        self.run_ok("compile", "example/spec.yaml", "-o", "fresh")
        self.run_ok("verify", "fresh")

    def test_t63_no_name_of_a_folder_steers_the_terminal(self):
        folder = self.root / "wheels\033[31m\r\nverified"
        self.wheels.rename(folder)
        next(folder.glob("alpha-*")).write_bytes(b"no zip")
        self.edit_spec("  wheelhouse: wheels\n", "")
        for words in [["-w", folder.name], ["--signing-time", folder.name], ["--threads", folder.name]]:
            done = self.compile(*words)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("wheels\\x1b[31m\\x0d\\nverified", done.stderr)
            self.assertNotIn("\033", done.stderr)

    def test_t74_a_full_stdout_is_an_error(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([SEALIFT, "compile", "example/spec.yaml", "-o", "out.sealift"], stdout=full,
                                  stderr=subprocess.PIPE, text=True, env=self.env, cwd=self.root)
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("cannot write to stdout", done.stderr)

    def test_t74_a_file_size_limit_is_told_like_a_full_disk(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000))

        done = subprocess.run([SEALIFT, "compile", "example/spec.yaml", "-o", "out.sealift"], capture_output=True,
                              text=True, env=self.env, cwd=self.root, preexec_fn=limit)
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("File too large", done.stderr)
        self.assertFalse((self.root / "out.sealift").exists())

    def test_without_a_key_nothing_is_written_and_the_command_is_named(self):
        done = subprocess.run([SEALIFT, "compile", "example/spec.yaml", "-o", "out.sealift"], capture_output=True,
                              text=True, env=dict(self.env, SEALIFT_HOME=str(self.root / "nobody")), cwd=self.root)
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("sealift key new", done.stderr)
        self.assertFalse((self.root / "out.sealift").exists())

    def test_an_open_spec_needs_to_be_allowed(self):
        self.edit_spec("  - run: |\n      echo \"a line with % and {{ braces }}\"\n    network: none\n",
                       "  - echo\n")
        done = self.compile()
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("--allow-open", done.stderr)
        done = self.compile("--allow-open")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("closure  open", done.stdout)


if __name__ == "__main__":
    unittest.main()
