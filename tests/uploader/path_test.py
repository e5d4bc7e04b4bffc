# SPDX-License-Identifier: Apache-2.0
"""Objects that travel through a folder: written here, taken there, removed; whatever happens between."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import line  # noqa: E402


class Path(line.Line):
    def setUp(self):
        super().setUp()
        self.drop = pathlib.Path(self.folder, "drop")
        self.drop.mkdir()
        self.there = self.drop
        self.use()

    def use(self, **more):
        self.host.configure(path={"here": str(self.drop), "there": str(self.there)}, **more)

    def files(self):
        return sorted(str(path.relative_to(self.drop)) for path in self.drop.rglob("*") if not path.is_dir())

    def dropped(self):
        import sqlite3
        db = sqlite3.connect(self.host.home / "state/ledger.sqlite")
        try:
            return db.execute("SELECT count(*) FROM dropped").fetchone()[0]
        finally:
            db.close()

    def objects(self):
        return [name for name in self.host.tree("data", "objects") if len(os.path.basename(name)) == 64]

    def run_out(self, code=0):
        got, out, err = self.host.call("run")
        self.assertEqual(got, code, out + err)
        return out + err

    def strace(self, call, number, *words):
        trick = ["strace", "-qq", "-o", "/dev/null", "-e", f"inject={call}:signal=SIGKILL:when={number}"]
        env = dict(self.host.env, ASAN_OPTIONS="detect_leaks=0")
        done = subprocess.run([*trick, *self.host.command(*words)], env=env, cwd=self.host.folder / "work",
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        self.assertIn(done.returncode, (0, 137, -signal.SIGKILL), done.stderr)
        return done.returncode != 0

    def test_all_of_a_bundle_goes_by_the_folder_and_nothing_stays_in_it(self):
        self.assertEqual(self.host.add(self.good)[0], 0)
        trace = self.host.folder / "trace"
        done = subprocess.run(["strace", "-f", "-qq", "-e", "trace=renameat2", "-o", trace, *self.host.command("run")],
                              env=dict(self.host.env, ASAN_OPTIONS="detect_leaks=0"), cwd=self.host.folder / "work",
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.host.rows()[0]["state"], "done")
        self.assertEqual((self.files(), self.dropped()), ([], 0))
        renamed = [text for text in trace.read_text().splitlines() if "RENAME_NOREPLACE" in text and '".' in text]
        self.assertGreaterEqual(len(renamed), len(self.objects()))

    def test_modes_are_those_of_a_public_folder_whatever_the_umask(self):
        """Seen at an agent that cannot take: it says so, and the files wait."""
        self.there = pathlib.Path(self.folder, "nowhere")
        self.use(launcher=["sh", "-c", "exec python3 \"$@\"", "sh"])
        self.assertEqual(self.host.add(self.good)[0], 0)
        old = os.umask(0o077)
        try:
            out = self.run_out(5)
        finally:
            os.umask(old)
        self.assertIn("nowhere", out)
        self.assertIn("sealift-upload probe", out)
        for folder in [path for path in self.drop.rglob("*") if path.is_dir()]:
            self.assertEqual(folder.stat().st_mode & 0o777, 0o755)
        self.assertEqual((self.files(), self.dropped()), ([], 0))
        self.there = self.drop
        self.use()
        self.run_out()

    def test_the_folder_that_is_named_there_is_another_one(self):
        self.there = pathlib.Path(self.folder, "other")
        self.there.mkdir()
        self.use()
        self.host.add(self.good)
        out = self.run_out(5)
        self.assertIn("is not there on", out)
        self.assertIn("probe", out)
        self.assertEqual((self.files(), self.dropped()), ([], 0))

    def test_a_folder_that_is_not_there_is_not_made(self):
        self.drop.rmdir()
        self.host.add(self.good)
        self.assertIn("is it mounted", self.run_out(5))
        self.assertFalse(self.drop.exists())

    def test_what_others_have_put_there_is_used_and_stays(self):
        self.host.add(self.good)
        self.host.configure()
        self.run_out()
        name = self.objects()[3]
        other = self.new_home("two")
        target = self.drop / "objects/sha256" / pathlib.Path(name).relative_to("sha256")
        target.parent.mkdir(parents=True)
        target.write_bytes((self.host.home / "data/objects" / name).read_bytes())
        self.host = other
        self.use()
        self.host.add(self.good)
        self.run_out()
        self.assertEqual(self.files(), [str(target.relative_to(self.drop))])

    def test_t05_what_lies_there_under_the_name_of_an_object_is_not_believed(self):
        self.host.add(self.good)
        self.host.configure()
        self.run_out()
        names = self.objects()
        secret = pathlib.Path(self.folder, "secret")
        secret.write_text("not ours")
        self.host = self.new_home("two")
        self.use()
        for at, name in enumerate(names):
            target = self.drop / "objects/sha256" / pathlib.Path(name).relative_to("sha256")
            target.parent.mkdir(parents=True, exist_ok=True)
            if at % 3 == 0:
                target.symlink_to(secret)
            elif at % 3 == 1:
                target.write_bytes(b"other bytes")
        self.host.add(self.good)
        self.run_out()
        self.assertEqual(secret.read_text(), "not ours")
        self.assertEqual(self.files(), [])

    def test_t05_a_linked_folder_is_refused(self):
        away = pathlib.Path(self.folder, "away")
        away.mkdir()
        (self.drop / "objects").symlink_to(away)
        self.host.add(self.good)
        self.assertIn("on the way to", self.run_out(5))
        self.assertEqual(list(away.iterdir()), [])

    def test_what_two_bundles_share_is_written_for_both(self):
        second = self.compile("1.1.0")
        self.use(builds=2)
        self.assertEqual(self.host.add(self.good, second)[0], 0)
        self.run_out()
        self.assertEqual([row["state"] for row in self.host.rows()], ["done", "done"])
        self.assertEqual((self.files(), self.dropped()), ([], 0))

    def test_t72_killed_at_every_step_of_the_folder(self):
        """Whatever a killed run has left is used again or removed by the next one."""
        wanted = None
        for call, every in (("renameat2", 8), ("unlinkat", 8), ("fdatasync", 16)):
            number, killed = 1, True
            while killed:
                with self.subTest(call=call, number=number):
                    self.host = self.new_home(f"{call}-{number}")
                    self.use()
                    self.host.add(self.good)
                    killed = self.strace(call, number, "run")
                    self.run_out()
                    self.assertEqual((self.files(), self.dropped(), self.host.launches()), ([], 0, 1))
                    wanted = wanted or self.objects()
                    self.assertEqual(self.objects(), wanted)
                number += every

    def test_what_nobody_needs_any_more_goes_with_the_next_run(self):
        self.host.add(self.good)
        self.assertTrue(self.strace("renameat2", 8, "run"))
        self.assertGreater(len(self.files()), 5)
        self.assertEqual(self.host.call("forget", "1")[0], 0)
        self.run_out()
        self.assertEqual((self.files(), self.dropped()), ([], 0))

    def test_what_is_wrong_in_the_configuration(self):
        for value in ({"here": "relative", "there": "/x"}, {"there": "/x"}, {"here": "/x", "other": 1}, "/x",
                      {"here": "/x", "there": "y"}):
            self.host.builder.write_text(json.dumps({"path": value}))
            code, _, err = self.host.add(self.good)
            self.assertEqual(code, 3, err)
            self.assertIn("path", err)


if __name__ == "__main__":
    unittest.main()
