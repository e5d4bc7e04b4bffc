# SPDX-License-Identifier: Apache-2.0
"""The stand-in's logins refuse what the real ones refuse."""
import json
import re
import unittest
import urllib.parse

import support
from support import CLIENT, NATIVE, OTHER, SCOPE, SECRET

VERIFIER = "v" * 43
REDIRECT = "http://localhost/v2/web/auth-code"


class Logins(unittest.TestCase):
    def setUp(self):
        self.standing = support.Standing()
        self.addCleanup(self.standing.close)

    def test_client_credentials_give_a_token_that_works(self):
        answer = self.standing.login()
        self.assertEqual(answer["resource_server"], "funcx_service")
        self.assertEqual(answer["other_tokens"], [])
        self.assertEqual(answer["expires_in"], 172800)
        self.assertNotIn("refresh_token", answer)
        self.assertEqual(self.standing.call("GET", "/v2/authenticate")[0], 200)

    def test_wrong_secrets_and_scopes_are_refused(self):
        grant = {"grant_type": "client_credentials", "scope": SCOPE}
        self.assertEqual(self.standing.form(basic=(CLIENT, "wrong"), **grant),
                         (401, {"error": "invalid_client",
                                "error_description": "client id or secret is wrong"}))
        self.assertEqual(self.standing.form(basic=(OTHER, SECRET), **grant)[0], 401)
        grant["scope"] = "urn:nobody"
        self.assertEqual(self.standing.form(basic=(CLIENT, SECRET), **grant)[0], 400)
        self.assertEqual(self.standing.form(basic=(CLIENT, SECRET), grant_type="password")[0], 400)

    def test_several_services_give_several_tokens(self):
        grant = {"grant_type": "client_credentials", "scope": "openid " + SCOPE}
        answer = self.standing.form(basic=(CLIENT, SECRET), **grant)[1]
        self.assertEqual(answer["resource_server"], "auth.globus.org")
        self.assertEqual([one["resource_server"] for one in answer["other_tokens"]], ["funcx_service"])
        self.standing.control("PUT", "settings", {"unrelated_tokens_first": True})
        answer = self.standing.form(basic=(CLIENT, SECRET), **grant)[1]
        self.assertEqual(answer["resource_server"], "transfer.api.globus.org")

    def test_a_token_of_another_service_does_not_work(self):
        answer = self.standing.form(basic=(CLIENT, SECRET), grant_type="client_credentials",
                                    scope="openid")[1]
        header = {"Authorization": "Bearer " + answer["access_token"]}
        self.assertEqual(self.standing.raw("GET", "/v2/authenticate", headers=header)[0], 401)
        status, _, body = self.standing.raw("GET", "/v2/oauth2/userinfo", headers=header)
        self.assertEqual(status, 200)
        self.assertEqual(json.loads(body)["identity_set"][0]["sub"], json.loads(body)["sub"])

    # ---- a person's login -----------------------------------------------------------------------

    def code(self, **changes):
        query = {"client_id": NATIVE, "redirect_uri": REDIRECT, "scope": SCOPE, "state": "_default",
                 "response_type": "code", "code_challenge": support.auth.challenge_of(VERIFIER),
                 "code_challenge_method": "S256", "access_type": "offline"}
        query.update(changes)
        status, _, page = self.standing.raw(
            "GET", "/v2/oauth2/authorize?" + urllib.parse.urlencode(query))
        found = re.search(rb"<code>([^<]+)</code>", page)
        return status, found and found.group(1).decode()

    def exchange(self, code, **changes):
        fields = {"grant_type": "authorization_code", "client_id": NATIVE, "code": code,
                  "code_verifier": VERIFIER, "redirect_uri": REDIRECT}
        fields.update(changes)
        return self.standing.form(**fields)

    def test_code_and_verifier_give_tokens_once(self):
        status, code = self.code()
        self.assertEqual(status, 200)
        status, answer = self.exchange(code)
        self.assertEqual(status, 200)
        self.assertEqual(answer["state"], "_default")
        self.assertIn("refresh_token", answer)
        self.assertEqual(self.exchange(code)[0], 400)

    def test_another_verifier_client_or_address_is_refused(self):
        for change in ({"code_verifier": "w" * 43}, {"code_verifier": ""}, {"client_id": CLIENT},
                       {"redirect_uri": "http://localhost/"}):
            with self.subTest(change):
                self.assertEqual(self.exchange(self.code()[1], **change)[1]["error"], "invalid_grant")

    def test_the_page_refuses_what_is_not_asked_for_properly(self):
        for change in ({"code_challenge_method": "plain"}, {"response_type": "token"},
                       {"redirect_uri": "http://elsewhere/"}, {"scope": "urn:x"}, {"client_id": ""}):
            with self.subTest(change):
                self.assertEqual(self.code(**change), (400, None))

    def test_without_offline_access_there_is_no_refresh_token(self):
        self.assertNotIn("refresh_token", self.exchange(self.code(access_type="online")[1])[1])

    def test_refresh_keeps_or_forgets_the_refresh_token(self):
        refresh = self.exchange(self.code()[1])[1]["refresh_token"]
        fields = {"grant_type": "refresh_token", "client_id": NATIVE, "refresh_token": refresh}
        status, answer = self.standing.form(**fields)
        self.assertEqual((status, answer["refresh_token"]), (200, refresh))
        self.standing.control("PUT", "settings", {"refresh_token_echoed": False})
        self.assertNotIn("refresh_token", self.standing.form(**fields)[1])
        fields["client_id"] = OTHER
        self.assertEqual(self.standing.form(**fields), (400, {"error": "invalid_grant"}))

    def test_revoked_and_expired_tokens_do_not_work(self):
        token = self.standing.login()["access_token"]
        self.standing.form("/v2/oauth2/token/revoke", token=token)
        self.assertEqual(self.standing.call("GET", "/v2/authenticate")[0], 401)
        self.standing.login()
        self.assertEqual(self.standing.control("POST", "expire-tokens"), (200, {"expired": 1}))
        self.assertEqual(self.standing.call("GET", "/v2/authenticate")[0], 401)
        self.standing.control("PUT", "settings", {"token_lifetime": 0})
        self.assertEqual(self.standing.login()["expires_in"], 0)
        self.assertEqual(self.standing.call("GET", "/v2/authenticate")[0], 401)

    def test_no_secret_is_in_the_journal(self):
        answer = self.exchange(self.code()[1])[1]
        token = self.standing.login()["access_token"]
        self.standing.call("GET", "/v2/endpoints")
        journal = json.dumps(self.standing.control("GET", "journal")[1])
        self.assertIn(CLIENT, journal)
        for secret in (SECRET, token, answer["access_token"], answer["refresh_token"], VERIFIER, "code."):
            self.assertNotIn(secret, journal)


if __name__ == "__main__":
    unittest.main()
