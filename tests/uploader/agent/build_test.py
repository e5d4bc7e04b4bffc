# SPDX-License-Identifier: Apache-2.0
"""Builds with a stand-in for Apptainer, which counts how often it is started and fails on demand.

What the real one does with the same requests, tests/node/agent_test.py shows."""
import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
import unittest

import support
from support import Bundle, plan, sha256

RUNNING = """
    open(os.path.join(here, "running"), "w").close()
    while not os.path.exists(os.path.join(here, "go")):
        time.sleep(0.02)
"""


class Base(support.Host):
    def setUp(self):
        super().setUp()
        self.bundle = Bundle(self.key)
        self.put(self.bundle.objects())

    def build(self, *states, **more):
        self.good(self.bundle.request(**more))
        return self.wait(self.bundle, *(states or ("done",)))

    def receipt(self):
        return self.good({"op": "receipt", "bundle": self.bundle.id})["receipt"]

    def running(self):
        return os.path.exists(os.path.join(self.tools, "running"))

    def start_and_hold(self):
        """Starts a build whose Apptainer waits until `go`."""
        self.behave(RUNNING)
        handle = self.good(self.bundle.request())
        self.until(self.running, "the stand-in to run")
        return handle

    def go(self):
        self.tool("go", "")

    def image(self):
        return self.store_path("images", "sha256", self.bundle.id + ".sif")


class Build(Base):
    def test_a_build_and_its_receipt(self):
        self.build()
        receipt = self.receipt()
        with open(self.image(), "rb") as file:
            data = file.read()
        self.assertEqual((len(data), sha256(data)), (receipt["image"]["size"], receipt["image"]["sha256"]))
        offset, size = support.LIFTED.read_sif(self.image())
        self.assertEqual(sha256(data[offset:offset + size]), receipt["image"]["partition"]["sha256"])
        named = self.store_path("images", "demo-1.0.0.sif")
        self.assertEqual(named, receipt["image"]["named_path"])
        self.assertTrue(os.path.samefile(named, self.image()))
        self.assertEqual(0o755, stat.S_IMODE(os.stat(self.image()).st_mode))
        with open(receipt["log"]["path"], "rb") as file:
            self.assertEqual(sha256(file.read()), receipt["log"]["sha256"])
        self.assertEqual("advisory", receipt["enforcement"])
        self.assertEqual(sorted("%s_ms" % step for step in ("verify", "layout", "build", "hash", "inspect")),
                         sorted(receipt["timings"]))
        self.assertEqual([], self.leftovers())
        self.until(lambda: not self.processes_here(), "every process to end")

    def test_the_receipt_obeys_its_schema(self):
        try:
            import jsonschema
        except ImportError:
            self.skipTest("this Python has no jsonschema")
        with open(os.path.join(support.ROOT, "specs", "receipt.schema.json")) as file:
            schema = json.load(file)
        self.build()
        jsonschema.validate(self.receipt(), schema)
        with self.assertRaises(jsonschema.ValidationError):
            jsonschema.validate(dict(self.receipt(), more=1), schema)

    def test_what_apptainer_is_given(self):
        """The command, its folder, and an environment that is not the host's (injection 17, T85, T87)."""
        self.environment.update({
            "APPTAINER_BIND": "/", "SINGULARITY_NOTEST": "1", "APPTAINERENV_X": "1", "INCLUDE": "x", "PYTHONPATH": "/x",
            "GLOBUS_SDK_TOKEN": "canary", "https_proxy": "http://proxy:3128", "BASH_ENV": "/x", "SINGULARITYENV_A": "1"})
        self.build()
        launch, = self.launches()
        environment, scratch = launch["environment"], launch["environment"]["TMPDIR"]
        self.assertEqual(["--force"], launch["argv"][1:-2])
        self.assertEqual("image.def", launch["argv"][-1])
        self.assertTrue(launch["cwd"].startswith(self.store_path("builds", self.bundle.id + ".")))
        self.assertTrue(scratch.startswith(self.scratch + "/sealift-"))
        ours = {"TMPDIR", "APPTAINER_TMPDIR", "SINGULARITY_TMPDIR", "APPTAINER_CACHEDIR", "SINGULARITY_CACHEDIR"}
        self.assertEqual({name for name in environment if name not in ours} - {"LC_CTYPE"},
                         {"HOME", "PATH", "LANG", "https_proxy"})
        for name in ("manifest.json", "spec", "image.def", "scripts/post-01.sh", "signatures/prepare.minisig",
                     "files/" + sha256(b"[app]\n"), "blobs/sha256/" + self.bundle.lock["base"]["sha256"]):
            self.assertIn(name, launch["files"])

    def test_t81_a_second_build_gives_the_first_receipt(self):
        self.build()
        first = self.receipt()
        answer = self.good(self.bundle.request())
        self.assertEqual(("done", first), (answer["state"], answer["receipt"]))
        self.assertEqual(1, len(self.launches()))

    def test_only_who_is_accepted_now_gets_the_receipt(self):
        """A finished build answers for the policy of then; the policy of now is asked first (T24, T82)."""
        self.build()
        first, images = self.receipt(), os.listdir(self.store_path("images", "sha256"))
        judged = self.good(self.bundle.request())["judged"]
        self.assertEqual(("advisory", [(self.key.name, "good", True)]), (judged["enforcement"], [
            (one["key_name"], one["verdict"], one["allowed"]) for one in judged["signers"]]))
        self.assertGreaterEqual(judged["time"], first["finished"])
        stranger = support.Key("stranger").minisig(self.bundle.manifest, self.bundle.statement("prepare"))
        changed = self.bundle.signatures[0].replace(b"role=prepare", b"role=approve")
        other = Bundle(self.key, the_plan=plan(version="2.0.0")).signatures[0]
        self.put({sha256(one): one for one in (stranger, changed, other)})
        for signatures, kind in (([], "answer"), ([stranger], "answer"),
                                 ([("signatures/prepare.minisig", changed)], "untrusted"),
                                 ([other], "untrusted"), (self.bundle.signatures + [changed], "untrusted")):
            answer = self.refused({"op": "build", "bundle": self.bundle.id, "signatures": support.listed(
                signatures)}, kind)
            self.assertNotIn("receipt", answer)
            self.assertEqual("done", self.good({"op": "state", "bundle": self.bundle.id})["state"])
        # The signatures are the same, but the policy has changed its mind.
        self.trust(support.Key("another"))
        self.assertNotIn("receipt", self.refused(self.bundle.request(), "answer", "nobody whom .* trusts"))
        self.trust(self.key)
        self.assertEqual(first, self.good(self.bundle.request())["receipt"])
        self.assertEqual((1, images), (len(self.launches()), os.listdir(self.store_path("images", "sha256"))))

    def test_who_is_not_accepted_learns_nothing_of_a_running_build(self):
        self.start_and_hold()
        self.assertNotIn("pid", self.refused(dict(self.bundle.request(), signatures=[]), "answer"))
        self.assertEqual("building", self.good({"op": "state", "bundle": self.bundle.id})["state"])
        self.go()
        self.wait(self.bundle, "done")

    def test_t81_while_one_runs_its_handle_is_given(self):
        first = self.start_and_hold()
        for _ in range(3):
            again = self.good(self.bundle.request())
            self.assertEqual((first["pid"], first["host"], "building"), (again["pid"], again["host"], again["state"]))
        self.go()
        self.wait(self.bundle, "done")
        self.assertEqual(1, len(self.launches()))

    def test_many_callers_at_once_start_one_build(self):
        line = (json.dumps(self.bundle.request()) + "\n").encode()
        callers = [self.start(line) for _ in range(6)]
        for caller in callers:
            out, _ = caller.communicate(timeout=60)
            self.assertTrue(json.loads(out)["ok"], out)
        self.wait(self.bundle, "done")
        self.assertEqual(1, len(self.launches()))

    def test_an_image_that_was_removed_is_built_again(self):
        self.build()
        os.unlink(self.image())
        self.until(lambda: self.good({"op": "state", "bundle": self.bundle.id})["state"] == "none", "the supervisor")
        self.refused({"op": "receipt", "bundle": self.bundle.id}, "answer", "no finished build")
        self.build()
        self.assertEqual(2, len(self.launches()))

    def test_a_later_bundle_of_the_same_name_takes_the_name(self):
        self.build()
        other = Bundle(self.key, the_plan=plan(description="another"))
        self.put(other.objects())
        self.good(other.request())
        self.wait(other, "done")
        self.assertTrue(os.path.samefile(self.store_path("images", "demo-1.0.0.sif"),
                                         self.store_path("images", "sha256", other.id + ".sif")))
        self.assertTrue(os.path.exists(self.image()))

    def test_t80_every_object_is_hashed_when_it_is_used(self):
        """T45, T51, T80: one changed byte in any object, and nothing is started."""
        for name, data in self.bundle.objects().items():
            path = self.store_path("objects", "sha256", name[:2], name)
            changed = bytearray(data or b"x")
            changed[len(changed) // 2] ^= 1
            with open(path, "wb") as file:
                file.write(changed)
            answer = self.refused(self.bundle.request(), "answer", "not here, or were damaged")
            self.assertEqual([name], answer["missing"])
            self.assertFalse(os.path.exists(path))
            self.put({name: data})
        self.assertEqual([], self.launches())
        self.assertEqual([], self.leftovers())
        self.build()

    def test_missing_objects_are_named_all_at_once(self):
        names = [sha256(data) for data in list(self.bundle.blobs.values())[:2]]
        for name in names:
            os.unlink(self.store_path("objects", "sha256", name[:2], name))
        self.assertEqual(sorted(names), self.refused(self.bundle.request(), "answer")["missing"])
        self.refused({"op": "build", "bundle": "0" * 64, "signatures": []}, "answer", "1 objects")
        self.assertEqual("failed", self.good({"op": "state", "bundle": self.bundle.id})["state"])
        self.assertEqual("none", self.good({"op": "state", "bundle": "1" * 64})["state"])

    def test_a_failing_build(self):
        self.behave("""
            sys.stderr.write("INFO:    Starting build...\\n+ false\\n")
            sys.stderr.write("FATAL:   While performing build: while running %post section: exit status 1\\n")
            open(out, "w").close()
            sys.exit(255)
        """)
        state = self.build("failed")
        self.assertRegex(state["error"]["message"], "ended with status 255: .*running %post section")
        self.assertIn("inside the image", state["error"]["hint"])
        self.assertIn("+ false", state["log"]["tail"])
        self.refused({"op": "receipt", "bundle": self.bundle.id}, "answer")
        self.assertEqual([], self.leftovers())
        os.unlink(os.path.join(self.tools, "behaviour"))
        self.build()

    def test_the_hosts_fakeroot_is_left_out_once(self):
        self.behave("""
            if "--ignore-fakeroot-command" not in words:
                sys.stderr.write("/.singularity.d/libs/faked: /lib/libc.so.6: version `GLIBC_2.38' not found\\n")
                sys.exit(255)
        """)
        self.build()
        self.assertEqual([["--force"], ["--force", "--ignore-fakeroot-command"]],
                         [launch["argv"][1:-2] for launch in self.launches()])
        self.assertIn("--ignore-fakeroot-command", self.receipt()["builder"]["options"])

    def test_the_hosts_fakeroot_is_left_out_only_once(self):
        self.behave("""
            sys.stderr.write("faked: version `GLIBC_2.38' not found\\n")
            sys.exit(255)
        """)
        self.build("failed")
        self.assertEqual(2, len(self.launches()))

    def test_t79_a_timeout_ends_the_whole_session(self):
        self.behave("""
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            subprocess.Popen(["sh", "-c", "trap '' TERM; while :; do sleep 1; done"])
            open(out, "w").close()
            time.sleep(600)
        """)
        self.good(self.bundle.request(timeout=1))
        self.until(lambda: self.good({"op": "state", "bundle": self.bundle.id})["state"] == "failed", "the timeout")
        state = self.good({"op": "state", "bundle": self.bundle.id})
        self.assertEqual(("limit", 1), (state["error"]["kind"], state["timeout"]))
        self.until(lambda: not self.processes_here(), "every process to end")
        self.assertEqual([], self.leftovers())

    def test_daemons_of_a_build_end_with_it(self):
        self.behave("""
            subprocess.Popen(["setsid", "--fork", "sh", "-c", "trap '' TERM; while :; do sleep 1; done"])
            time.sleep(0.5)
        """)
        self.build()
        self.until(lambda: not self.processes_here(), "every process to end")

    def test_t86_a_child_that_prints_a_lot(self):
        self.behave("""
            for number in range(300000):
                print("line %06d" % number, "x" * 50)
        """)
        self.build()
        log = self.receipt()["log"]
        self.assertGreater(log["whole_size"], 18000000)
        self.assertLess(log["size"], 9 << 20)
        with open(log["path"], "rb") as file:
            text = file.read()
        self.assertEqual((log["size"], log["sha256"]), (len(text), sha256(text)))
        self.assertIn(b"line 000000 ", text)
        self.assertIn(b"line 299999 ", text)
        self.assertRegex(text, rb"\[[0-9]+ bytes are left out here\]")

    def test_t87_passwords_in_urls_do_not_reach_the_log(self):
        self.environment["http_proxy"] = "http://user:canary@proxy:3128"
        self.behave("""
            print("using", os.environ["http_proxy"])
            sys.stdout.write("half a line http://me:canary@host/")
            sys.stdout.flush()
            time.sleep(0.5)
            print("\\nFATAL: cannot reach https://you:canary@host/x")
            sys.exit(255)
        """)
        state = self.build("failed")
        self.assertIn("cannot reach https://***@host/x", state["error"]["message"])
        for at, _, names in os.walk(self.home):
            for name in names:
                with open(os.path.join(at, name), "rb") as file:
                    self.assertNotIn(b"canary", file.read(), os.path.join(at, name))

    def test_an_image_that_is_not_what_it_should_be(self):
        for name, value, kind, pattern in (
                ("label", "0" * 64, "format", "label org.sealift.bundle is '0000"),
                ("inner", "0" * 64, "format", "not the bundle's manifest")):
            self.tool(name, value)
            state = self.build("failed")
            self.assertEqual(kind, state["error"]["kind"])
            self.assertRegex(state["error"]["message"], pattern)
            os.unlink(os.path.join(self.tools, name))
        for code, pattern in (("sys.exit(0)", "No such file"), ("open(out, 'w').write('x' * 9000); sys.exit(0)", "whole SIF")):
            self.behave(code)
            self.assertRegex(self.build("failed")["error"]["message"], pattern)
        self.assertFalse(os.path.exists(self.image()))
        self.assertEqual([], self.leftovers())

    def test_packages_that_differ_from_the_lock_are_listed(self):
        self.tool("listed", json.dumps([["Six", "1.17.0"], ["extra.Thing", "1"]]))
        self.build()
        packages = self.receipt()["packages"]
        self.assertEqual([{"name": "extra-thing", "version": "1"}, {"name": "six", "version": "1.17.0"}],
                         packages["installed"])
        self.assertEqual([{"name": "extra-thing", "locked": "", "installed": "", "listed": "1"},
                          {"name": "six", "locked": "1.16.0", "installed": "1.16.0", "listed": "1.17.0"}],
                         packages["differences"])

    def test_versions_are_compared_as_versions(self):
        same = support.LIFTED.loose_version
        for a, b in (("1.0", "1.0"), ("2024.8.1", "2024.08.1"), ("1.0rc1", "1.0-RC.1"), ("1.0a1", "1.0-alpha1"),
                     ("1.0.post1", "1.0-r1"), ("1.0", "v1.0"), ("1.0+local.1", "1.0+LOCAL-1")):
            self.assertEqual(same(a), same(b))
        for a, b in (("1.0", "1.1"), ("1.0", "1.0rc1"), ("1.10", "1.1"), ("1!1", "11"), ("1.0+1", "1.0.1")):
            self.assertNotEqual(same(a), same(b))

    def test_options_of_the_plan(self):
        bundle = Bundle(self.key, the_plan=plan(build={"options": ["--nv", "--mksquashfs-args=-comp xz"], "timeout": 77}))
        self.put(bundle.objects())
        self.good(bundle.request())
        self.wait(bundle, "done")
        self.assertEqual(["--nv", "--mksquashfs-args=-comp xz"], self.launches()[0]["argv"][2:-2])

    def test_zstd_where_it_is_written_and_read_here(self):
        self.tool("mksquashfs", "#!/bin/sh\necho Compressors available: gzip zstd\n")
        self.build()
        self.assertEqual(["build", "--force"], self.launches()[0]["argv"][:-2])
        self.tool("unsquashfs", "#!/bin/sh\necho Decompressors available: gzip zstd\n")
        os.unlink(self.image())
        self.build()
        self.assertEqual("--mksquashfs-args=-comp zstd -Xcompression-level 3", self.launches()[1]["argv"][-3])


class Interrupted(Base):
    """kill -9 anywhere: the next call goes on, and one image comes of it (T72)."""

    def test_the_supervisor_is_killed(self):
        handle = self.start_and_hold()
        child = self.launches()[0]["pid"]
        os.kill(handle["pid"], signal.SIGKILL)
        self.assertEqual("interrupted", self.wait(self.bundle, "interrupted")["state"])
        os.unlink(os.path.join(self.tools, "behaviour"))
        self.build()
        self.assertNotIn(child, self.processes_here())
        self.assertEqual(2, len(self.launches()))
        self.assertEqual([], self.leftovers())

    def test_the_supervisor_is_told_to_stop(self):
        handle = self.start_and_hold()
        os.kill(handle["pid"], signal.SIGTERM)
        state = self.wait(self.bundle, "interrupted", "failed")
        self.until(lambda: self.good({"op": "state", "bundle": self.bundle.id}).get("error"), "the end")
        self.assertEqual("interrupted", state["state"])
        self.until(lambda: not self.processes_here(), "every process to end")
        self.assertEqual([], self.leftovers())
        self.go()
        self.build()

    def test_the_caller_is_killed_while_it_checks(self):
        self.tool("unshare", "#!/bin/sh\nexit 0\n")
        self.tool("apptainer", "#!/bin/sh\ntouch %s/asked\nexec sleep 600\n" % self.tools)
        process = self.start((json.dumps(self.bundle.request()) + "\n").encode())
        self.until(lambda: os.path.exists(os.path.join(self.tools, "asked")), "the question for the version")
        self.assertEqual("checking", self.good({"op": "state", "bundle": self.bundle.id})["state"])
        self.assertEqual("checking", self.good(self.bundle.request())["state"])
        process.kill()
        process.communicate()
        self.assertEqual("interrupted", self.good({"op": "state", "bundle": self.bundle.id})["state"])
        self.tool("apptainer", support.STAND_IN % {"python": support.PYTHON})
        self.build()
        self.assertEqual(1, len(self.launches()))

    def test_killed_at_any_moment(self):
        chance = random.Random(11)
        line = (json.dumps(self.bundle.request()) + "\n").encode()
        self.behave("time.sleep(0.2)")
        for _ in range(14):
            process = self.start(line)
            time.sleep(chance.uniform(0.05, 0.6))
            process.kill()
            process.communicate()
            if chance.random() < 0.6:
                try:
                    with open(self.store_path("bundles", self.bundle.id, "state.json")) as file:
                        os.kill(json.load(file)["pid"], signal.SIGKILL)
                except OSError:
                    pass
            if os.path.exists(self.image()) and chance.random() < 0.5:
                os.unlink(self.image())
        state = self.build("done", "interrupted")
        if state["state"] == "interrupted":  # the call met a supervisor whose end was on its way
            self.build()
        self.until(lambda: not self.processes_here(), "every process to end")
        self.assertEqual([], self.leftovers())
        with open(self.image(), "rb") as file:
            self.assertEqual(sha256(file.read()), self.receipt()["image"]["sha256"])

    def test_a_lock_of_another_host_counts_until_its_lease_is_over(self):
        folder = self.store_path("bundles", self.bundle.id)
        os.makedirs(os.path.join(folder, "lock.3"))
        owner = os.path.join(folder, "lock.3", "owner.json")
        with open(owner, "w") as file:
            json.dump({"host": "elsewhere", "boot": "b", "namespace": "n", "pid": 1, "start": "1", "nonce": "x"}, file)
        self.assertEqual("checking", self.good(self.bundle.request())["state"])
        self.assertEqual([], self.launches())
        past = time.time() - 3600
        os.utime(owner, (past, past))
        self.build()
        self.assertEqual(["lock.5"], [name for name in os.listdir(folder) if name.startswith("lock")])  # the supervisor's

    def test_a_lock_of_an_earlier_boot_or_process_is_dead(self):
        here = support.LIFTED.whereabouts()
        start = support.LIFTED.process_start(os.getpid())
        folder = self.store_path("bundles", self.bundle.id)
        for number, owner in enumerate((dict(here, boot="earlier", pid=os.getpid(), start=start),
                                        dict(here, pid=os.getpid(), start="1"), dict(here, pid=999999999, start="1"))):
            lock = os.path.join(folder, "lock.%d" % (number + 1))
            os.makedirs(lock)
            with open(os.path.join(lock, "owner.json"), "w") as file:
                json.dump(dict(owner, nonce="x"), file)
        self.build()


class Hosts(Base):
    """What would fail later is said before anything starts (T84, T85)."""

    def refuse(self, pattern, hint="."):
        answer = self.refused(self.bundle.request(), "io", pattern)
        self.assertRegex(answer["error"]["hint"], hint)
        self.assertEqual([], self.launches())
        self.assertEqual([], self.leftovers())

    def test_no_apptainer(self):
        os.unlink(os.path.join(self.tools, "apptainer"))
        self.refuse("there is no apptainer on PATH", "site.json")
        self.write_config("site.json", {"apptainer": "/opt/none/apptainer"})
        self.refuse("no apptainer at /opt/none/apptainer")

    def test_singularity_is_taken_for_want_of_apptainer(self):
        os.rename(os.path.join(self.tools, "apptainer"), os.path.join(self.tools, "singularity"))
        self.tool("version", "singularity-ce version 4.1.5")
        self.build()
        self.assertEqual("singularity-ce version 4.1.5", self.receipt()["builder"]["version"])

    def test_something_else_under_its_name(self):
        self.tool("apptainer", "#!/bin/sh\necho hello\n")
        self.refuse("does not say that it is apptainer")

    def test_the_sites_own_path(self):
        self.write_config("site.json", {"apptainer": os.path.join(self.tools, "mine"), "scratch": self.scratch})
        os.rename(os.path.join(self.tools, "apptainer"), os.path.join(self.tools, "mine"))
        self.build()

    def test_another_machine(self):
        other = {"x86_64": "aarch64", "aarch64": "x86_64"}[os.uname().machine]
        self.bundle = Bundle(self.key, the_plan=plan(target={
            "glibc": "2.36", "platform": "linux/" + other, "python": "3.11.2"}))
        self.put(self.bundle.objects())
        self.refused(self.bundle.request(), "input", "the bundle is for linux/%s" % other)

    def test_t85_scratch_folders(self):
        for path in ("/nonexistent", os.path.join(self.folder, "file")):
            self.write_config("site.json", {"scratch": path})
            self.refuse("no folder for the build's temporary files.*no such folder", "scratch")

    def test_t85_memory_is_not_taken_for_a_disk(self):
        lifted = support.lift()
        real = lifted.mount_of
        lifted.mount_of = lambda path: ("tmpfs", "rw") if path == "/tmp" else (
            ("ext4", "rw,noexec") if path == self.scratch else real(path))
        store = lifted.Store(self.store_path())
        before = os.environ.get("TMPDIR")
        os.environ["TMPDIR"] = self.scratch
        try:
            self.assertEqual("/var/tmp", lifted.choose_scratch({}, store, 1))
            with self.assertRaisesRegex(lifted.Refusal, "noexec.*memory, not a disk.*MiB free"):
                lifted.choose_scratch({}, store, 1 << 60)
        finally:
            os.environ.pop("TMPDIR") if before is None else os.environ.update(TMPDIR=before)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to become an account without rights")
    def test_t84_no_user_namespaces(self):
        for at, folders, files in os.walk(self.home):
            for name in [at] + [os.path.join(at, leaf) for leaf in folders + files]:
                os.chown(name, 65534, 65534)
        os.chown(self.scratch, 65534, 65534)
        os.chmod(self.tools, 0o777)
        agent = os.path.join(self.folder, "agent.py")
        with open(agent, "w") as file:
            file.write(support.source(self.etc))

        def ask():
            done = subprocess.run(
                support.NOBODY + [support.SYSTEM_PYTHON, agent],
                input=json.dumps(self.bundle.request()).encode(), stdout=subprocess.PIPE, env=self.environment)
            return json.loads(done.stdout)

        self.tool("apptainer", support.STAND_IN % {"python": support.SYSTEM_PYTHON})
        self.tool("unshare", "#!/bin/sh\nexit 1\n")
        error = ask()["error"]
        self.assertRegex(error["message"], "user namespaces are not available")
        self.assertRegex(error["hint"], "sysctl -w|allow unprivileged user namespaces")
        self.tool("unshare", "#!/bin/sh\nexit 0\n")
        self.tool("version", "singularity-ce version 4.1.5")
        error = ask()["error"]
        self.assertRegex(error["message"], "/etc/subuid")
        self.tool("version", "apptainer version 1.4.5")
        self.assertTrue(ask()["ok"])
        self.wait(self.bundle, "done")
        self.assertIn("--fakeroot", self.launches()[0]["argv"])

    def test_t87_probe_names_proxies_and_modules_but_no_secret(self):
        self.environment.update({name: "http://canary:canary@proxy.example:3128"
                                 for name in ("http_proxy", "HTTPS_PROXY", "all_proxy")})
        self.environment.update(LOADEDMODULES="apptainer/1.4.5:gcc/12.2:bad name:",
                                MODULESHOME="/usr/share/modules")
        answer = self.good({"op": "probe"})
        self.assertEqual(["HTTPS_PROXY", "all_proxy", "http_proxy"], answer["proxies"])
        self.assertEqual({"system": True, "loaded": ["apptainer/1.4.5", "gcc/12.2"]}, answer["modules"])
        self.assertNotIn("canary", json.dumps(answer))
        self.assertNotIn("proxy.example", json.dumps(answer))

    def test_probe_knows_the_worker_it_runs_in(self):
        folder = os.path.join(self.home, "packages", "parsl-2026.10.26.dist-info")
        os.makedirs(folder)
        with open(os.path.join(folder, "METADATA"), "w", encoding="utf-8") as file:
            file.write("Metadata-Version: 2.1\nName: parsl\nVersion: 2026.10.26\n")
        sys.path.insert(0, os.path.dirname(folder))
        self.addCleanup(sys.path.remove, os.path.dirname(folder))
        self.assertEqual("2026.10.26", self.good({"op": "probe"})["packages"]["parsl"])

    def test_probe(self):
        answer = self.good({"op": "probe"})
        self.assertEqual(os.path.join(self.tools, "apptainer"), answer["apptainer"])
        self.assertEqual(("advisory", 1), (answer["policy"]["enforcement"], answer["policy"]["keys"]))
        self.assertEqual(os.uname().machine, answer["machine"])
        self.assertTrue(answer["user_namespaces"])
        self.assertEqual([], answer["obstacles"])
        os.unlink(os.path.join(self.tools, "apptainer"))
        os.unlink(os.path.join(self.home, "config", "policy.json"))
        answer = self.good({"op": "probe"})
        self.assertIn("no apptainer", answer["apptainer_error"])
        self.assertIn("no policy", answer["policy"]["error"])
        self.assertEqual([("io", "there is no apptainer on PATH"), ("answer", answer["policy"]["error"])],
                         [(one["kind"], one["message"]) for one in answer["obstacles"]])
        self.assertIn(os.path.join(self.home, "config", "site.json"), answer["obstacles"][0]["hint"])
        self.assertFalse(os.path.exists(self.store_path("bundles", "0" * 64)))


if __name__ == "__main__":
    unittest.main()
