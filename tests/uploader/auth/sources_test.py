#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each way to be somebody, from outside: one process that asks for tokens, a strict token service,
and Python's sqlite3 as the other program that uses the SDK's database."""
import base64
import contextlib
import json
import os
import pathlib
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import oauth  # noqa: E402

EMIT = os.path.join(os.environ["SEALIFT_BUILD_DIR"], "tests/uploader_auth_emit")
SDK_CLIENT = "4cf29807-cf21-49ec-9443-ff9a3fb9f81c"
CLIENT = "33333333-3333-4333-8333-333333333333"
SECRET = "a secret: with % and +"
COMPUTE = "http://127.0.0.1:9"  # nobody is asked there
SCHEMA = """CREATE TABLE token_storage (namespace VARCHAR NOT NULL, resource_server VARCHAR NOT NULL,
  token_data_json VARCHAR NOT NULL, PRIMARY KEY (namespace, resource_server));
CREATE TABLE sdk_storage_adapter_internal (attribute VARCHAR NOT NULL, value VARCHAR NOT NULL, PRIMARY KEY (attribute));
INSERT INTO sdk_storage_adapter_internal VALUES ('globus-sdk.version', '%s');
INSERT INTO sdk_storage_adapter_internal VALUES ('globus-sdk.database_schema_version', '%d');"""
OLDER = "CREATE TABLE config_storage (namespace VARCHAR NOT NULL, config_name VARCHAR NOT NULL, config_data_json " \
        "VARCHAR NOT NULL, PRIMARY KEY (namespace, config_name));"


class Service(oauth.Auth):
    """Gives tokens to known clients alone, and can be told how to answer."""

    def __init__(self):
        super().__init__()
        self.owners = {}  # refresh token: client
        self.expires_in, self.repeats, self.rotates, self.delay = 172800, True, False, 0
        self.failures, self.change = [], None

    def asked(self, kind):
        return [form for _, form, _ in self.requests if form.get("grant_type") == kind]

    def client_of(self, form, headers):
        if "Authorization" not in headers:
            return form.get("client_id")
        name, _, secret = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode().partition(":")
        return name if (name, secret) == (CLIENT, SECRET) else None

    def answer(self, path, form):
        time.sleep(self.delay)
        headers = self.requests[-1][2]
        if self.failures:
            return self.failures.pop(0)
        if path != "/v2/oauth2/token" or headers.get("Content-Type") != "application/x-www-form-urlencoded":
            return 400, {"error": "invalid_request"}
        client = self.client_of(form, headers)
        if client not in (CLIENT, *self.owners.values()):
            return 401, {"error": "invalid_client", "error_description": json.dumps([form, headers])}
        if form["grant_type"] == "client_credentials" and (client, form.get("scope")) == (CLIENT, oauth.SCOPE):
            answer = self.fresh()
        elif form["grant_type"] == "refresh_token" and self.owners.get(form["refresh_token"]) == client:
            answer = self.fresh_for(form["refresh_token"])
        else:
            return 400, {"error": "invalid_grant"}
        return 200, self.change(answer) if self.change else answer

    def fresh(self):
        answer = self.token("funcx_service", oauth.SCOPE)
        del answer["refresh_token"]
        return {**answer, "expires_in": self.expires_in, "other_tokens": []}

    def fresh_for(self, used):
        answer = self.fresh()
        if self.rotates:
            answer["refresh_token"] = "rotated" + str(len(self.requests))
            self.owners[answer["refresh_token"]] = self.owners.pop(used)
        elif self.repeats:
            answer["refresh_token"] = used
        return answer


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.server = Service()
        self.addCleanup(self.server.close)
        self.env = {"SEALIFT_HOME": str(self.folder / "home"), "HOME": str(self.folder), "LANG": "C.UTF-8",
                    "PATH": os.environ["PATH"], "GLOBUS_SDK_SERVICE_URL_AUTH": self.server.url,
                    "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}
        self.sdk = self.folder / ".globus_compute"
        self.storage = self.sdk / "storage.db"

    # ---- the programs ----------------------------------------------------------------------

    def emit(self, *steps, token_file="-", env=None):
        done = subprocess.run([EMIT, COMPUTE, self.server.url, str(token_file), *steps], capture_output=True,
                              text=True, timeout=60, env=env or self.env, stdin=subprocess.DEVNULL)
        self.assertEqual(done.stderr, "")
        return done.stdout.splitlines()

    def start(self, *steps):
        return subprocess.Popen([EMIT, COMPUTE, self.server.url, "-", *steps], env=self.env, text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    # ---- what is stored --------------------------------------------------------------------

    def row(self, **more):
        row = {"resource_server": "funcx_service", "identity_id": oauth.SUBJECT,
               "scope": oauth.SCOPE, "access_token": "sdkaccess", "refresh_token": "sdkrefresh",
               "expires_at_seconds": int(time.time()) + 7200, "token_type": "Bearer"}
        row.update(more)
        return {key: value for key, value in row.items() if value is not ...}

    def make_storage(self, row, namespace="user/production", schema=2):
        self.sdk.mkdir(exist_ok=True)
        os.close(os.open(self.storage, os.O_CREAT | os.O_WRONLY, 0o600))
        with contextlib.closing(sqlite3.connect(self.storage)) as database:
            database.executescript(SCHEMA % ("4.9.0" if schema == 2 else "3.50.0", schema))
            if schema == 1:
                database.executescript(OLDER)
            database.execute("INSERT INTO token_storage VALUES (?, 'funcx_service', ?)", (namespace, json.dumps(row)))
            database.execute("INSERT INTO token_storage VALUES (?, 'auth.globus.org', ?)",
                             (namespace, json.dumps(dict(row, resource_server="auth.globus.org"))))
            database.commit()
        if row.get("refresh_token"):
            self.server.owners[row["refresh_token"]] = SDK_CLIENT

    def stored_row(self, namespace="user/production"):
        with contextlib.closing(sqlite3.connect(self.storage)) as database:
            found = database.execute("SELECT token_data_json FROM token_storage WHERE namespace = ? AND "
                                     "resource_server = 'funcx_service'", (namespace,)).fetchall()
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        self.assertEqual(len(found), 1)
        return json.loads(found[0][0])

    def token_of(self, lines, number=0):
        found = [line.split(" ", 1)[1] for line in lines if line.startswith("token ")]
        self.assertGreater(len(found), number, lines)
        return found[number]


class ClientCredentials(Case):
    def setUp(self):
        super().setUp()
        self.env.update(GLOBUS_COMPUTE_CLIENT_ID=CLIENT, GLOBUS_COMPUTE_CLIENT_SECRET=SECRET)

    def test_one_grant_serves_until_it_ends(self):
        lines = self.emit("kind", "token", "token", "token")
        self.assertEqual(lines[0], "kind client credentials")
        self.assertIn(self.token_of(lines), self.server.live)
        self.assertEqual(len(set(lines[1:])), 1)
        self.assertEqual(len(self.server.requests), 1)
        path, form, headers = self.server.requests[0]
        self.assertEqual((path, sorted(form)), ("/v2/oauth2/token", ["grant_type", "scope"]))
        self.assertIn("Authorization", headers)
        self.assertEqual(os.listdir(self.folder), [])

    def test_a_token_of_less_than_a_minute_is_asked_for_again(self):
        self.server.expires_in = 59
        lines = self.emit("token", "token")
        self.assertNotEqual(lines[0], lines[1])

    def test_one_other_token_after_a_refusal_and_no_third(self):
        lines = self.emit("token", "refused", "token", "refused", "token")
        self.assertEqual(lines[1], "another")
        self.assertNotEqual(lines[0], lines[2])
        self.assertTrue(lines[3].startswith("error network: the service does not take the token"), lines)
        self.assertEqual(len(self.server.requests), 2)

    def test_t87_refusals_show_a_code_and_nothing_that_was_sent(self):
        self.env["GLOBUS_COMPUTE_CLIENT_SECRET"] = "canarysecret"
        line, = self.emit("token")
        self.assertIn("HTTP 401, invalid_client", line)
        self.assertNotIn("canary", line)
        self.server.failures = [(400, {"error": "canarysecret " * 9})]
        line, = self.emit("token")
        self.assertEqual(line, "error network: Globus Auth gives no token (HTTP 400)")

    def test_the_token_is_chosen_by_its_service_in_whatever_order(self):
        def shuffle(answer):
            tokens = [{**answer, "resource_server": name, "access_token": "wrong"} for name in "abc"] + [answer]
            random.shuffle(tokens)
            return {**tokens[0], "other_tokens": tokens[1:]}
        self.server.change = shuffle
        for _ in range(5):
            self.assertIn(self.token_of(self.emit("token")), self.server.live)

    def test_a_service_in_trouble_is_asked_again(self):
        self.server.failures = [(503, {}), (500, {}), (429, {})]
        self.assertIn(self.token_of(self.emit("token")), self.server.live)
        self.assertEqual(len(self.server.requests), 4)


class Storage(Case):
    def test_a_good_row_is_used_and_nothing_is_written(self):
        for schema in (1, 2):
            with self.subTest(schema):
                self.make_storage(self.row(), schema=schema)
                before, when = self.storage.read_bytes(), os.stat(self.storage).st_mtime_ns
                self.assertEqual(self.emit("kind", "token"), ["kind login of the SDK", "token sdkaccess"])
                self.assertEqual(self.server.requests, [])
                self.assertEqual((self.storage.read_bytes(), os.stat(self.storage).st_mtime_ns), (before, when))
                self.assertEqual(os.listdir(self.sdk), ["storage.db"])
                self.storage.unlink()

    def test_a_refresh_keeps_what_the_row_says_beside_the_token(self):
        for answers in (True, False):
            for schema in (1, 2):
                with self.subTest(answers=answers, schema=schema):
                    self.server.repeats = answers
                    self.make_storage(self.row(expires_at_seconds=1, later="kept"), schema=schema)
                    fresh = self.token_of(self.emit("token", "token"))
                    self.assertIn(fresh, self.server.live)
                    row = self.stored_row()
                    self.assertAlmostEqual(row.pop("expires_at_seconds"), time.time() + 172800, delta=60)
                    self.assertEqual(row, {**self.row(access_token=fresh, later="kept", expires_at_seconds=...)})
                    self.assertEqual(os.stat(self.storage).st_mode & 0o777, 0o600)
                    self.assertEqual(self.server.asked("refresh_token")[-1]["client_id"], SDK_CLIENT)
                    self.assertEqual(self.emit("token"), ["token " + fresh])
                    self.storage.unlink()

    def test_a_row_that_ends_within_a_minute_is_refreshed(self):
        self.make_storage(self.row(expires_at_seconds=int(time.time()) + 50))
        self.assertNotEqual(self.emit("token"), ["token sdkaccess"])

    def test_a_rotated_refresh_token_is_stored(self):
        self.server.rotates = True
        self.make_storage(self.row(expires_at_seconds=1))
        first = self.emit("token")
        self.assertNotEqual(self.stored_row()["refresh_token"], "sdkrefresh")
        self.assertEqual(self.emit("token"), first)
        self.assertEqual(self.emit("refused", "token")[0], "another")

    def test_the_client_id_of_the_environment_is_the_sdks(self):
        other = "44444444-4444-4444-8444-444444444444"
        self.make_storage(self.row(expires_at_seconds=1))
        self.server.owners["sdkrefresh"] = other
        self.env["GLOBUS_COMPUTE_CLIENT_ID"] = other
        self.assertIn(self.token_of(self.emit("token")), self.server.live)

    def test_only_the_users_own_namespace_of_this_environment_counts(self):
        self.make_storage(self.row(), namespace="clientprofile/production/" + CLIENT)
        self.assertEqual(self.emit("kind"), ["kind nobody"])
        self.storage.unlink()
        self.make_storage(self.row(), namespace="user/sandbox")
        self.assertEqual(self.emit("kind"), ["kind nobody"])
        self.env["GLOBUS_SDK_ENVIRONMENT"] = "sandbox"
        self.assertEqual(self.emit("token"), ["token sdkaccess"])
        self.env.update(GLOBUS_SDK_ENVIRONMENT="local")
        self.assertEqual(self.emit("kind"), ["kind nobody"])

    def test_the_sdks_folder_may_be_elsewhere_and_its_way_may_be_a_link(self):
        self.make_storage(self.row())
        os.rename(self.sdk, self.folder / "elsewhere")
        self.assertEqual(self.emit("kind"), ["kind nobody"])
        self.env["GLOBUS_COMPUTE_USER_DIR"] = str(self.folder / "elsewhere")
        self.assertEqual(self.emit("token"), ["token sdkaccess"])
        os.symlink("elsewhere", self.sdk)
        del self.env["GLOBUS_COMPUTE_USER_DIR"]
        self.assertEqual(self.emit("token"), ["token sdkaccess"])

    def test_nothing_is_ever_made_there(self):
        self.assertEqual(self.emit("kind", "token")[0], "kind nobody")
        self.assertFalse(self.sdk.exists())
        self.sdk.mkdir()
        self.emit("token")
        self.assertEqual(os.listdir(self.sdk), [])

    def test_a_login_that_was_removed_meanwhile_does_not_come_back(self):
        self.make_storage(self.row(expires_at_seconds=int(time.time()) + 50))
        self.server.delay = 1
        process, end = self.start("token"), time.monotonic() + 30
        while not self.server.requests and time.monotonic() < end:
            time.sleep(0.02)
        with contextlib.closing(sqlite3.connect(self.storage)) as database:
            database.execute("DELETE FROM token_storage WHERE resource_server = 'funcx_service'")
            database.commit()
        out, _ = process.communicate()
        self.assertIn(self.token_of(out.splitlines()), self.server.live)
        with contextlib.closing(sqlite3.connect(self.storage)) as database:
            left = database.execute("SELECT resource_server FROM token_storage").fetchall()
        self.assertEqual(left, [("auth.globus.org",)])

    def test_a_writer_that_holds_the_lock_is_waited_for(self):
        self.make_storage(self.row(expires_at_seconds=1))
        writer = sqlite3.connect(self.storage, isolation_level=None, check_same_thread=False)
        self.addCleanup(writer.close)
        writer.execute("BEGIN EXCLUSIVE")
        timer = threading.Timer(1.5, writer.execute, ("COMMIT",))
        timer.start()
        began = time.monotonic()
        fresh = self.token_of(self.emit("token"))
        timer.join()
        self.assertGreater(time.monotonic() - began, 1)
        self.assertEqual(self.stored_row()["access_token"], fresh)

    def test_a_writer_that_never_ends_is_named(self):
        self.make_storage(self.row())
        writer = sqlite3.connect(self.storage, isolation_level=None)
        self.addCleanup(writer.close)
        writer.execute("BEGIN EXCLUSIVE")
        line, = self.emit("token")
        self.assertTrue(line.startswith("error io: another program keeps"), line)

    def test_another_program_that_refreshed_first_is_believed(self):
        self.make_storage(self.row())
        process = self.start("token", "wait", "refused", "token")
        self.assertEqual(process.stdout.readline(), "token sdkaccess\n")
        self.assertEqual(process.stdout.readline(), "waiting\n")
        with contextlib.closing(sqlite3.connect(self.storage)) as database:
            database.execute("UPDATE token_storage SET token_data_json = ? WHERE resource_server = 'funcx_service'",
                             (json.dumps(self.row(access_token="theirs")),))
            database.commit()
        out, _ = process.communicate("go\n")
        self.assertEqual(out, "another\ntoken theirs\n")
        self.assertEqual(self.server.requests, [])

    def test_t39_a_login_that_others_can_read_is_a_warning(self):
        self.make_storage(self.row())
        os.chmod(self.storage, 0o640)
        lines = self.emit("token", "warnings")
        self.assertEqual(lines[:2], ["token sdkaccess", "warnings 1"])
        self.assertIn("mode 640", lines[2])

    def test_a_login_that_the_service_forgot_says_how_to_go_on(self):
        self.make_storage(self.row(expires_at_seconds=1))
        self.server.owners = {"another": SDK_CLIENT}
        line, = self.emit("token")
        self.assertRegex(line, r"error network: .*invalid_grant.*log in again")
        self.assertEqual(self.stored_row(), self.row(expires_at_seconds=1))

    def test_an_ended_login_without_refresh_token_is_said_so(self):
        self.make_storage(self.row(expires_at_seconds=1, refresh_token=...))
        line, = self.emit("token")
        self.assertRegex(line, "error network: .*globus-compute-endpoint login")


class TokenFile(Case):
    def write(self, text, mode=0o600):
        path = self.folder / "token"
        path.write_text(text)
        os.chmod(path, mode)
        return path

    def test_text_and_json(self):
        soon = int(time.time()) + 3600
        for text in ("given", "given\n", " given \r\n", '{"access_token": "given"}',
                     json.dumps({"access_token": "given", "expires_at_seconds": soon, "other": None}),
                     json.dumps(self.row(access_token="given"))):
            self.assertEqual(self.emit("kind", "token", token_file=self.write(text)), ["kind token file", "token given"])
        self.assertEqual(self.server.requests, [])

    def test_the_caller_may_put_another_one_there(self):
        path = self.write('{"access_token": "first", "expires_at_seconds": 5}')
        line, = self.emit("token", token_file=path)
        self.assertRegex(line, "error network: .*not good any more")
        path = self.write("first")
        with subprocess.Popen([EMIT, COMPUTE, self.server.url, str(path), "token", "refused", "wait", "refused", "token"],
                              env=self.env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            lines = [process.stdout.readline() for _ in range(3)]
            self.assertEqual((lines[0], lines[2]), ("token first\n", "waiting\n"))
            self.assertTrue(lines[1].startswith("error network: "), lines)
            self.write("second")
            out, _ = process.communicate("go\n")
        self.assertEqual(out, "another\ntoken second\n")


if __name__ == "__main__":
    unittest.main()
