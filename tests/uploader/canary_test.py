#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""T87: recognisable secrets lie wherever secrets lie, and every command is run, well and badly. None
of them turns up in an output, an argument list, or a file that is not made for it."""
import contextlib
import json
import os
import pathlib
import pwd
import re
import secrets
import select
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import line  # noqa: E402
import oauth  # noqa: E402
import service  # noqa: E402

# Of this run alone: the same test may run beside it, in another build.
CANARY = "Canary" + secrets.token_hex(6)
AGENT = line.ROOT / "uploader/agent/sealift_agent.py"


class Watch:
    """Reads the argument lists of all processes again and again."""

    def __init__(self):
        self.found, self.rounds, self.ended = set(), 0, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def look(self):
        for name in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                words = pathlib.Path("/proc", name, "cmdline").read_bytes()
                if CANARY.encode() in words:
                    self.found.add(words)
        self.rounds += 1

    def run(self):
        while not self.ended.wait(0.005):
            self.look()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def names_of(program):
    told = subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout
    return re.findall(r"(?m)^  ([a-z]+(?: [a-z]+)?)  ", told.split("commands:")[1])


class Canary(line.Line):
    def setUp(self):
        super().setUp()
        self.there = self.new_home("two")
        self.auth = oauth.Auth(CANARY)
        self.addCleanup(self.auth.close)
        self.service = service.Service(AGENT, self.there.env)
        self.addCleanup(self.service.close)
        self.work = self.host.folder / "work"
        self.allowed, self.exits = set(), {}
        self.password = self.secret("password", f"{CANARY}-password\n")
        self.token = self.secret("token", f"{CANARY}-token\n")
        self.endpoint = self.work / "endpoint.json"
        self.endpoint.write_text("{}")
        self.host.env.update({
            "GLOBUS_SDK_SERVICE_URL_AUTH": self.auth.url, "SEALIFT_CLIENT_ID": oauth.CLIENT,
            "AWS_SECRET_ACCESS_KEY": f"{CANARY}-aws", "https_proxy": f"http://user:{CANARY}-proxy@127.0.0.1:9"})

    def secret(self, name, text):
        path = self.host.folder / name
        path.write_text(text)
        path.chmod(0o600)
        self.allowed.add(path)
        return path

    # ---- one command ------------------------------------------------------------------------

    def assert_silent(self, words, *texts):
        for text in texts:
            self.assertNotIn(CANARY, text, words)

    def run_one(self, program, name, words):
        done = subprocess.run([program, *name.split(), *map(str, words)], env=self.host.env, cwd=self.work, timeout=120,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.assert_silent((name, *words), done.stdout, done.stderr)
        self.assertLess(done.returncode, 70, (name, words, done.stderr))
        self.assertGreaterEqual(done.returncode, 0, (name, words, done.stderr))
        self.exits.setdefault(name, set()).add(done.returncode == 0)
        return done.returncode

    def run_table(self, program, table):
        """Each line as it is, verbose, and with --json where there is one."""
        for name, words in table:
            self.run_one(program, name, words)
            told = subprocess.run([program, *name.split(), "--help"], check=True, capture_output=True, text=True).stdout
            if "--json" in told:
                self.run_one(program, name, [*words, "--json"])

    def assert_files_clean(self):
        seen = 0
        for path in self.host.folder.rglob("*"):
            if path.is_file() and not path.is_symlink() and path not in self.allowed:
                seen += 1
                text = path.read_bytes()
                if path == self.host.tools / "launches":
                    # Apptainer's own environment, in which a proxy is needed and nothing else.
                    text = text.replace(f"{CANARY}-proxy".encode(), b"")
                self.assertNotIn(CANARY.encode(), text, path)
        self.assertGreater(seen, 3)
        for path in self.there.folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                self.assertNotIn(CANARY.encode(), path.read_bytes(), path)

    # ---- logins -----------------------------------------------------------------------------

    @contextlib.contextmanager
    def waiting_login(self):
        process = subprocess.Popen([line.UPLOAD, "login", "--compute-url", self.service.url], env=self.host.env,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            said, end = "", time.monotonic() + 30
            while not re.search(r"(?m)^http\S+\n", said):
                self.assertTrue(select.select([process.stderr], [], [], max(0, end - time.monotonic()))[0], said)
                piece = os.read(process.stderr.fileno(), 4096).decode()
                self.assertTrue(piece, said)
                said += piece
            yield process, re.search(r"(?m)^http\S+", said).group()
        finally:
            process.kill()
            process.communicate()

    def log_in(self):
        with self.waiting_login() as (process, address):
            out, err = process.communicate(self.auth.log_in(address) + "\n", timeout=60)
        self.assertEqual(process.returncode, 0, err)
        self.assert_silent("login", address, out, err)
        self.exits.setdefault("login", set()).add(True)

    def sdk_login(self):
        folder = self.host.folder / ".globus_compute"
        folder.mkdir(mode=0o700)
        path = self.secret(".globus_compute/storage.db", "")
        row = {**self.auth.token("funcx_service", oauth.SCOPE), "identity_id": oauth.SUBJECT, "expires_at_seconds": 10}
        del row["expires_in"]
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.executescript("""
                CREATE TABLE token_storage (namespace VARCHAR NOT NULL, resource_server VARCHAR NOT NULL,
                  token_data_json VARCHAR NOT NULL, PRIMARY KEY (namespace, resource_server));
                CREATE TABLE sdk_storage_adapter_internal (attribute VARCHAR NOT NULL, value VARCHAR NOT NULL,
                  PRIMARY KEY (attribute));
                INSERT INTO sdk_storage_adapter_internal VALUES ('globus-sdk.database_schema_version', '2');""")
            database.execute("INSERT INTO token_storage VALUES ('user/production', 'funcx_service', ?)",
                             (json.dumps(row),))
            database.commit()

    def be(self, kind):
        """Somebody; returns the options for it."""
        if kind == "file":
            return ["--token-file", self.token]
        if kind == "client":
            self.host.env.update({"GLOBUS_COMPUTE_CLIENT_ID": oauth.CLIENT,
                                  "GLOBUS_COMPUTE_CLIENT_SECRET": f"{CANARY}-client"})
        if kind == "own":
            self.allowed.add(self.host.home / "config/login.json")
            self.log_in()
        if kind == "sdk":
            self.sdk_login()
        return []

    # ---- the tables -------------------------------------------------------------------------

    def approval(self):
        """A reviewer's, of the good bundle."""
        env = {**self.host.env, "SEALIFT_HOME": str(self.shared / "home")}
        for words in (["key", "new", "--no-password", "-o", "reviewer"], ["approve", self.good, "-k", "reviewer.key"]):
            subprocess.run([line.SEALIFT, "-q", *map(str, words)], env=env, cwd=self.work, check=True, capture_output=True)
        approval, = self.work.glob("*.minisig")
        return approval

    def offline_table(self):
        good, key = self.good, self.work / "k.key"
        spec, wrong = self.shared / "example/spec.yaml", self.secret("wrong", f"{CANARY}-wrong\n")
        approval = self.approval()
        return [
            ("key new", ["-o", "k", "--password-file", self.password]),
            ("key show", [key, "--password-file", self.password]),
            ("key show", [key, "--password-file", wrong]),
            ("trust add", ["k.pub"]), ("trust add", ["none.pub"]),
            ("trust list", []), ("trust list", [self.password]),
            ("compile", [spec, "-k", key, "--password-file", self.password, "-o", "x.sealift"]),
            ("compile", [spec, "-k", key, "--password-file", wrong, "-o", "y.sealift"]),
            ("trust remove", ["k"]), ("trust remove", ["k"]),
            ("check", [spec]), ("check", ["none.yaml"]),
            ("verify", [good]), ("verify", [self.password]),
            ("inspect", [good]), ("inspect", [self.password]),
            ("cat", [good, "manifest.json"]), ("cat", [good, "none"]),
            ("extract", [good, "-C", "out"]), ("extract", [good, "-C", "out"]),
            ("approve", [good, "-k", key, "--password-file", self.password]),
            ("approve", [good, "-k", key, "--password-file", wrong]),
            ("revoke", [good, "-k", key, "--password-file", self.password]), ("revoke", [self.password, "-k", key]),
            ("attach", [good, approval, "--key", self.work / "reviewer.pub", "-o", "z.sealift"]), ("attach", [good, self.password, "-o", "z.sealift"]),
            ("policy init", ["--prepare", "k.pub", "-o", "made.json"]), ("policy init", ["--prepare", self.password]),
            ("policy check", ["made.json"]), ("policy check", [self.password]),
            ("policy explain", ["made.json"]), ("policy explain", [self.password]),
        ]

    def queue_table(self):
        local = ["--builder", "local", "--builder-config", self.host.builder]
        return [
            ("add", [self.good, *local]), ("add", [self.password, *local]),
            ("add", [self.good, "--builder", "local", "--builder-config", self.password]),
            ("status", []), ("run", []), ("status", []), ("run", ["surplus"]), ("status", ["surplus"]),
            ("retry", []), ("retry", ["99"]), ("cancel", ["99"]), ("export", []), ("export", ["surplus"]),
            ("push", [self.good, *local]), ("push", [self.token, *local]),
            ("forget", ["--done"]), ("forget", ["99"]),
            ("add", [self.good, *local]), ("cancel", ["1"]), ("cancel", ["2"]), ("cancel", ["3"]),
            ("sweep", [*local, "--older-than", "1"]), ("sweep", [*local, "--older-than", "0"]),
            ("agent show", []), ("agent show", ["surplus"]), ("agent template", []), ("agent template", ["--schema", "--json"]),
        ]

    def network_table(self, who):
        there = ["--compute-url", self.service.url, *who]
        nobody = ["--compute-url", "http://127.0.0.1:9", *who]
        return [
            ("whoami", there), ("whoami", ["--token-file", self.work / "none"]),
            ("probe", ["--runner", service.ENDPOINT, "-o", "x.site.json", *there]),
            ("agent register", there),
            ("push", [self.good, "--builder", service.ENDPOINT, "--builder-config", self.endpoint, *there]),
            ("run", there),
            ("agent register", ["--compute-url", f"http://user:{CANARY}-url@127.0.0.1", *who]),
            ("agent register", ["--auth-url", f"https://user:{CANARY}-url@auth.example.org", *who]),
            ("login", ["--auth-url", f"https://user:{CANARY}-url@auth.example.org"]),
            ("login", []), ("logout", ["surplus"]), ("whoami", nobody),
        ]

    def assert_no_words(self, watch):
        """Of those that were not ours: the address with a password is given by the test itself."""
        self.assertGreater(watch.rounds, 10)
        self.assertEqual([words for words in watch.found if b"-url@" not in words], [])

    def test_t87_every_command_is_in_a_table(self):
        told = {name for name, _ in [*self.offline_table(), *self.queue_table(), *self.network_table([])]}
        self.assertEqual(told, set(names_of(line.SEALIFT)) | set(names_of(line.UPLOAD)))

    def test_t87_commands_without_a_network(self):
        with Watch() as watch:
            self.run_table(line.SEALIFT, self.offline_table())
            self.run_table(line.UPLOAD, self.queue_table())
        self.assert_no_words(watch)
        self.assert_files_clean()
        self.assertEqual({name: both for name, both in self.exits.items() if both != {True, False}}, {})
        self.assertGreater(self.host.launches(), 0)

    def run_as(self, kind):
        with Watch() as watch:
            who = self.be(kind)
            table = [one for one in self.network_table(who) if one[0] != "push" or kind in ("client", "sdk")]
            self.run_table(line.UPLOAD, table)
            self.service.fault[f"/v2/endpoints/{service.ENDPOINT}"] = 401, {"reason": "who are you?"}
            self.run_table(line.UPLOAD, [one for one in table if one[0] == "probe"])
            self.auth.fault["/v2/oauth2/token"] = 400, {"error": "invalid_grant", "error_description": CANARY}
            self.run_table(line.UPLOAD, table)
            self.auth.fault.clear()
            self.run_one(line.UPLOAD, "logout", [])
        self.assert_no_words(watch)
        self.assert_files_clean()
        sent = {one for one in self.service.authorizations if one and one.startswith("Bearer " + CANARY)}
        self.assertEqual(bool(sent), kind != "nobody", "a test without a secret shows nothing")
        self.assertEqual(self.exits["whoami"], {False} if kind == "nobody" else {True, False})

    def test_what_is_looked_for_would_be_seen(self):
        with Watch() as watch:
            subprocess.run(["sh", "-c", "sleep 0.3; :", CANARY], check=True)
        self.assertEqual(len(watch.found), 1)
        with self.assertRaises(AssertionError):
            self.assert_no_words(watch)
        self.log_in()
        with self.assertRaises(AssertionError):
            self.assert_files_clean()

    def test_t87_commands_with_a_token_file(self):
        self.run_as("file")

    def test_t87_commands_with_client_credentials(self):
        self.run_as("client")

    def test_t87_commands_with_a_login_of_our_own(self):
        self.run_as("own")

    def test_t87_commands_with_a_login_of_the_sdk(self):
        self.run_as("sdk")

    def test_t87_commands_of_nobody(self):
        self.run_as("nobody")

    def test_t87_an_answer_that_repeats_the_token(self):
        def echo(*_):
            token, = {one for one in self.service.authorizations if one}
            return 422, {"code": "X", "detail": "you sent " + token, "reason": token}
        who = self.be("file")
        self.service.answer = echo
        self.run_table(line.UPLOAD, self.network_table(who)[2:6])
        self.assertEqual(self.service.authorizations, {f"Bearer {CANARY}-token"})
        self.assert_files_clean()

    # ---- the process ------------------------------------------------------------------------

    def assert_closed(self, pid):
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        self.assertRegex(limits, r"(?m)^Max core file size +0 +0 ")
        # What cannot be dumped belongs to root in /proc, whoever runs it.
        self.assertEqual(os.stat(f"/proc/{pid}/status").st_uid, 0)

    def as_somebody(self):
        """The program, and arguments of Popen, for an account that is not root's."""
        if os.geteuid() != 0:
            return line.UPLOAD, {}
        program = str(self.host.folder / "sealift-upload")  # the build may lie in a private folder
        shutil.copy(line.UPLOAD, program)
        account = pwd.getpwnam("nobody")
        for path in (self.host.folder, *self.host.folder.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
        return program, {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def test_t87_whoever_holds_a_token_cannot_be_looked_into(self):
        program, account = self.as_somebody()
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            deaf.settimeout(30)
            words = ["agent", "register", "--token-file", self.token,
                     "--compute-url", "http://127.0.0.1:%d" % deaf.getsockname()[1]]
            process = subprocess.Popen([program, *map(str, words)], env=self.host.env, cwd=self.work,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **account)
            try:
                with deaf.accept()[0] as connection:
                    connection.settimeout(30)
                    heard = b""
                    while CANARY.encode() not in heard:
                        piece = connection.recv(65536)
                        self.assertTrue(piece, heard)
                        heard += piece
                    self.assert_closed(process.pid)
            finally:
                process.kill()
                out, err = process.communicate()
        self.assert_silent(words, out.decode(), err.decode())

    def test_t87_the_verifier_of_a_login_is_held_as_closely(self):
        with self.waiting_login() as (process, address):
            limits = pathlib.Path(f"/proc/{process.pid}/limits").read_text()
            self.assertRegex(limits, r"(?m)^Max core file size +0 +0 ")
            self.assertIn("code_challenge", dict(urllib.parse.parse_qsl(address.partition("?")[2])))


if __name__ == "__main__":
    unittest.main()
