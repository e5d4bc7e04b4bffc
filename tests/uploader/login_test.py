#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""login, whoami and logout: the real program against a Globus Auth on this machine."""
import json
import os
import pathlib
import re
import select
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import oauth  # noqa: E402

UPLOAD = os.environ["SEALIFT_UPLOAD"]
REDIRECT = "/v2/web/auth-code"


class Login(unittest.TestCase):
    def setUp(self):
        self.auth = oauth.Auth("canary-")
        self.addCleanup(self.auth.close)
        folder = tempfile.TemporaryDirectory(prefix="sealift-login-")
        self.addCleanup(folder.cleanup)
        self.home = pathlib.Path(folder.name, "home")
        self.file = self.home / "config/login.json"
        self.env = {"SEALIFT_HOME": str(self.home), "HOME": folder.name, "PATH": "/usr/bin:/bin",
                    "GLOBUS_SDK_SERVICE_URL_AUTH": self.auth.url, "SEALIFT_CLIENT_ID": oauth.CLIENT,
                    "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}

    def call(self, *words, stdin=""):
        done = subprocess.run([UPLOAD, *words], env=self.env, input=stdin, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def start(self, *words):
        """A login that waits for its code, and the address that it showed."""
        process = subprocess.Popen([UPLOAD, "login", *words], env=self.env, text=True, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for stream in (process.stdin, process.stdout, process.stderr):
            self.addCleanup(stream.close)
        said, end = "", time.monotonic() + 30
        while not (address := re.search(r"(?m)^(http\S+)\n", said)):
            self.assertTrue(select.select([process.stderr], [], [], end - time.monotonic())[0], said)
            piece = os.read(process.stderr.fileno(), 4096).decode()
            self.assertTrue(piece, said)
            said += piece
        return process, address.group(1)

    def log_in(self, *words):
        process, address = self.start(*words)
        out, err = process.communicate(self.auth.log_in(address) + "\n", timeout=60)
        return process.returncode, out, err

    def stored(self):
        return json.loads(self.file.read_text())

    def whoami(self):
        code, out, err = self.call("whoami", "--json")
        self.assertEqual(err if code == 0 else "", "")
        return code, json.loads(out)

    def assert_no_secret(self, *texts):
        for text in texts:
            self.assertNotIn("canary", text)

    # ---- all is well ------------------------------------------------------------------------

    def test_login_whoami_logout(self):
        code, out, err = self.log_in()
        self.assertEqual((code, out), (0, f"logged in as {oauth.SUBJECT}\n"), err)
        self.assert_no_secret(out, err)
        self.assertEqual(stat.S_IMODE(os.stat(self.file).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(self.file.parent).st_mode), 0o700)
        self.assertEqual([one.name for one in self.file.parent.iterdir()], ["login.json"])

        code, who = self.whoami()
        self.assertEqual((code, who["kind"], who["subject"], who["client_id"]),
                         (0, "own", oauth.SUBJECT, oauth.CLIENT))
        self.assertEqual((who["scopes"], who["renewable"], who["file"]), ([oauth.SCOPE], True, str(self.file)))
        self.assertRegex(who["until"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assert_no_secret(json.dumps(who))

        login = self.stored()
        self.assertEqual(len(self.auth.live), 2, "the token that nobody needs is revoked")
        self.assertEqual(self.auth.live, {login["access_token"], login["refresh_token"]})
        code, out, err = self.call("logout")
        self.assertEqual((code, out, err), (0, "logged out\n", ""))
        self.assertEqual(self.auth.revoked[-2:], [login["refresh_token"], login["access_token"]])
        self.assertEqual(self.auth.live, set())
        self.assertFalse(self.file.exists())
        code, who = self.whoami()
        self.assertEqual((code, who["kind"], who["good"] if "good" in who else False), (1, "nobody", False))
        code, out, err = self.call("logout", "--json")
        self.assertEqual((code, json.loads(out)), (0, {"sealift_logout": 1, "logged_out": False, "revoked": False}))

    def test_the_address_and_the_redemption_are_those_of_the_protocol(self):
        process, address = self.start("--json")
        fields = dict(urllib.parse.parse_qsl(address.partition("?")[2], strict_parsing=True))
        self.assertNotIn("+", address)
        self.assertEqual({key: value for key, value in fields.items() if key != "code_challenge"}, {
            "client_id": oauth.CLIENT, "redirect_uri": self.auth.url + REDIRECT, "scope": "openid " + oauth.SCOPE,
            "state": "_default", "response_type": "code", "code_challenge_method": "S256", "access_type": "offline"})
        out, err = process.communicate(self.auth.log_in(address), timeout=60)
        self.assertEqual(process.returncode, 0, err)
        report = json.loads(out)
        self.assertEqual((report["sealift_login"], report["subject"]), (1, oauth.SUBJECT))
        path, form, headers = self.auth.requests[0]
        self.assertEqual(path, "/v2/oauth2/token")
        self.assertEqual(set(form), {"client_id", "grant_type", "code", "code_verifier", "redirect_uri"})
        self.assertRegex(form["code_verifier"], r"^[A-Za-z0-9_-]{43}$")
        self.assertNotIn("Authorization", headers)
        self.assertNotIn(form["code_verifier"], address + out + err)

    def test_what_a_service_demands_gets_into_the_address(self):
        _, address = self.start("--mfa", "--identity", "a@b.org", "--identity", oauth.SUBJECT, "--domain", "b.org",
                                "--policy", oauth.CLIENT, "--scope", "urn:x y")
        fields = dict(urllib.parse.parse_qsl(address.partition("?")[2]))
        self.assertEqual(fields["session_required_identities"], "a@b.org," + oauth.SUBJECT)
        self.assertEqual(fields["session_required_single_domain"], "b.org")
        self.assertEqual(fields["session_required_policies"], oauth.CLIENT)
        self.assertEqual(fields["session_required_mfa"], "True")
        self.assertEqual(fields["scope"], f"openid {oauth.SCOPE} urn:x y")

    def test_two_logins_share_nothing(self):
        (_, one), (_, other) = self.start(), self.start()
        self.assertNotEqual(one, other)

    def test_a_second_login_replaces_and_revokes_the_first(self):
        self.log_in()
        first = self.stored()
        self.assertEqual(self.log_in()[0], 0)
        self.assertNotEqual(self.stored()["refresh_token"], first["refresh_token"])
        self.assertIn(first["refresh_token"], self.auth.revoked)

    # ---- it fails: the login is as it was ---------------------------------------------------

    def assert_as_it_was(self, before):
        self.assertEqual(self.file.read_text() if self.file.exists() else None, before)
        if self.file.parent.exists():
            self.assertEqual({one.name for one in self.file.parent.iterdir()}, {"login.json"} if before else set())

    def test_a_wrong_code(self):
        code, out, err = self.call("login", stdin="canary-wrong\n")
        self.assertEqual((code, out), (6, ""), err)
        self.assertIn("does not take this code (invalid_grant)", err)
        self.assert_no_secret(err)
        self.assert_as_it_was(None)

    def test_a_code_of_another_login(self):
        _, address = self.start()
        code, _, err = self.call("login", stdin=self.auth.log_in(address) + "\n")
        self.assertEqual(code, 6, err)
        self.assert_as_it_was(None)

    def test_what_is_no_code_is_not_sent(self):
        for text, wanted in (("", 2), ("\n", 3), ("two words\n", 3), ("x" * 5000 + "\n", 3), ("caf\u00e9\n", 3)):
            with self.subTest(text[:10]):
                code, out, err = self.call("login", stdin=text)
                self.assertEqual((code, out), (wanted, ""), err)
        self.assertEqual(self.auth.requests, [])
        self.assert_as_it_was(None)

    def test_t87_a_refused_redemption_repeats_nothing_of_what_was_sent(self):
        self.log_in()
        before = self.file.read_text()
        self.auth.fault["/v2/oauth2/token"] = 403, {"error": "access_denied", "error_description": "canary-code \x1b[2J"}
        process, address = self.start()
        out, err = process.communicate(self.auth.log_in(address) + "\n", timeout=60)
        self.assertEqual((process.returncode, out), (6, ""))
        self.assertIn("access_denied", err)
        self.assert_no_secret(err)
        self.assertNotIn("\x1b", err)
        self.assert_as_it_was(before)

    def test_an_answer_that_is_none_stores_nothing(self):
        for body in ([], {}, {"access_token": "x"}, {**self.auth.token("other", oauth.SCOPE), "other_tokens": []}):
            self.auth.fault["/v2/oauth2/token"] = 200, body
            with self.subTest(body):
                code, out, err = self.call("login", stdin="canary-code\n")
                self.assertEqual((code, out), (3, ""), err)
                self.assert_no_secret(err)
        self.assert_as_it_was(None)

    def test_ctrl_c_leaves_nothing(self):
        process, _ = self.start()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=30), -signal.SIGINT)
        self.assert_as_it_was(None)

    def test_without_a_client_it_says_how_to_get_one(self):
        del self.env["SEALIFT_CLIENT_ID"]
        code, out, err = self.call("login")
        self.assertEqual((code, out), (2, ""))
        for part in ("--client-id", "SEALIFT_CLIENT_ID", "app.globus.org/settings/developers", self.auth.url + REDIRECT):
            self.assertIn(part, err)
        self.assertEqual(self.call("login", "--client-id", "me")[0], 2)

    def test_a_login_that_cannot_be_stored_is_revoked(self):
        self.home.mkdir()
        (self.home / "config").write_text("a file in the place of the folder")
        code, out, err = self.log_in()
        self.assertEqual((code, out), (5, ""), err)
        self.assertEqual(self.auth.live, set())

    # ---- the file ---------------------------------------------------------------------------

    def test_t87_a_file_that_others_can_read_is_refused(self):
        self.log_in()
        self.file.chmod(0o640)
        for words in (("whoami",), ("logout",)):
            code, out, err = self.call(*words)
            self.assertEqual((code, out), (3, ""))
            self.assertIn(f"chmod 600 '{self.file}'", err)
            self.assert_no_secret(err)
        self.file.chmod(0o600)
        self.assertEqual(self.call("logout")[0], 0)

    def test_t87_a_broken_file_is_not_quoted(self):
        self.log_in()
        good = self.file.read_text()
        for text in ("", "{", good[:-20], good + "canary", good.replace('"scope"', '"canary"'), "[]",
                     good.replace('"sealift_login":1', '"sealift_login":2'), good.replace("canary-at", "canary\\u0007at"),
                     good * 2000):
            self.file.write_text(text)
            with self.subTest(text[:20]):
                code, out, err = self.call("whoami", "--json")
                self.assertIn(code, (3, 7), err)
                self.assertEqual(out, "")
                self.assertNotIn("canary-", err)

    def test_it_is_used_for_the_services_that_it_was_made_for_alone(self):
        self.log_in()
        code, out, err = self.call("whoami", "--json", "--compute-url", "https://compute.example.org")
        self.assertEqual((code, json.loads(out)["kind"]), (1, "nobody"))
        self.assertIn("not used here", err)

    def test_logout_that_cannot_revoke_keeps_the_login(self):
        self.log_in()
        before = self.file.read_text()
        self.auth.fault["/v2/oauth2/token/revoke"] = 403, {}
        code, out, err = self.call("logout")
        self.assertEqual((code, out), (6, ""))
        self.assertIn("--offline", err)
        self.assert_as_it_was(before)
        code, out, _ = self.call("logout", "--offline", "--json")
        self.assertEqual((code, json.loads(out)), (0, {"sealift_logout": 1, "logged_out": True, "revoked": False}))
        self.assertFalse(self.file.exists())


if __name__ == "__main__":
    unittest.main()
