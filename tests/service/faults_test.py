# SPDX-License-Identifier: Apache-2.0
"""Every fault of the stand-in as a plain HTTP client meets it."""
import http.client
import json
import time
import unittest

import support

ASK = ("GET", "/v2/endpoints")


class Faults(unittest.TestCase):
    def setUp(self):
        self.standing = support.Standing()
        self.addCleanup(self.standing.close)
        self.standing.login()

    def rule(self, **rule):
        status, answer = self.standing.control("PUT", "rules", [rule])
        self.assertEqual(status, 200, answer)

    def raw(self, method="GET", path="/v2/endpoints", body=None):
        token = self.standing.tokens[support.CLIENT]
        return self.standing.raw(method, path, body, {"Authorization": "Bearer " + token})

    def register(self):
        return self.raw("POST", "/v3/endpoints", json.dumps({"endpoint_name": "e"}))

    def endpoints(self):
        return len(self.standing.call(*ASK)[1])

    # ---- which request -----------------------------------------------------------------------------

    def test_skip_count_method_path_and_client(self):
        self.rule(path="/v2/endpoints*", method="GET", skip=1, count=2, action="reply", status=500)
        seen = [self.standing.call(*ASK)[0] for _ in range(5)]
        self.assertEqual(seen, [200, 500, 500, 200, 200])
        self.assertEqual(self.register()[0], 200)
        self.rule(client=support.OTHER, count=None, action="reply", status=500)
        self.assertEqual(self.standing.call(*ASK)[0], 200)
        self.assertEqual(self.standing.call(*ASK, client=support.OTHER)[0], 500)
        shown = self.standing.control("GET", "rules")[1]
        self.assertEqual((shown[0]["seen"], shown[0]["applied"]), (1, 1))
        self.assertEqual(self.standing.control("DELETE", "rules")[0], 200)
        self.assertEqual(self.standing.call(*ASK, client=support.OTHER)[0], 200)

    def test_wrong_rules_and_settings_are_refused(self):
        for rule in ({"action": "explode"}, {"action": "drop", "when": "never"}, {"action": "reply"},
                     {"action": "gare", "variant": "x"}, {"action": "body", "body": "x"},
                     {"action": "drop", "pth": "/"}):
            with self.subTest(rule):
                self.assertEqual(self.standing.control("PUT", "rules", [rule])[0], 400)
        for setting in ({"result": "once"}, {"results": "twice"}, {"containers": 500},
                        {"rate_limit": {"requests": 1}}):
            with self.subTest(setting):
                self.assertEqual(self.standing.control("PUT", "settings", setting)[0], 400)

    # ---- the connection --------------------------------------------------------------------------

    def test_dropped_before_nothing_was_done(self):
        self.rule(method="POST", action="drop", when="before")
        with self.assertRaises(http.client.RemoteDisconnected):
            self.register()
        self.assertEqual(self.endpoints(), 0)

    def test_dropped_after_it_was_done(self):
        self.rule(method="POST", action="drop", when="after")
        with self.assertRaises(http.client.RemoteDisconnected):
            self.register()
        self.assertEqual(self.endpoints(), 1)

    def test_reset(self):
        self.rule(method="POST", action="drop", when="after", reset=True)
        with self.assertRaises(ConnectionResetError):
            self.register()
        self.assertEqual(self.endpoints(), 1)

    def test_cut_in_the_middle_of_the_body(self):
        self.rule(method="POST", action="drop", when="middle")
        with self.assertRaises(http.client.IncompleteRead) as caught:
            self.register()
        self.assertTrue(caught.exception.partial.startswith(b'{"endpoint_id"'))

    def test_delayed(self):
        for when in ("before", "after"):
            with self.subTest(when):
                self.rule(action="delay", seconds=0.3, when=when)
                started = time.monotonic()
                self.assertEqual(self.standing.call(*ASK)[0], 200)
                self.assertGreaterEqual(time.monotonic() - started, 0.3)

    # ---- answers ---------------------------------------------------------------------------------

    def test_429_with_and_without_retry_after(self):
        self.rule(action="reply", status=429, headers={"Retry-After": "2"})
        status, headers, body = self.raw()
        self.assertEqual((status, headers["Retry-After"]), (429, "2"))
        self.assertEqual(json.loads(body)["code"], "TOO_MANY_REQUESTS")
        self.rule(action="reply", status=429)
        self.assertIsNone(self.raw()[1]["Retry-After"])

    def test_500_before_and_after_acting(self):
        self.rule(method="POST", action="reply", status=500)
        self.assertEqual(self.register()[0], 500)
        self.assertEqual(self.endpoints(), 0)
        self.rule(method="POST", action="reply", status=502, when="after", body="<html>")
        status, headers, body = self.register()
        self.assertEqual((status, headers["Content-Type"], body),
                         (502, "text/plain; charset=utf-8", b"<html>"))
        self.assertEqual(self.endpoints(), 1)

    def test_401_by_rule(self):
        self.rule(action="reply", status=401)
        status, _, body = self.raw()
        self.assertEqual((status, json.loads(body)["code"]), (401, "INVALID_AUTH_TOKEN"))

    def test_every_form_of_authorization_required(self):
        for variant, mark in (("canonical", "authorization_parameters"),
                              ("legacy", "authorization_parameters"), ("consent", "required_scopes"),
                              ("consent-one", "required_scope"), ("dependent", "errors")):
            for nested in (False, True):
                with self.subTest(variant=variant, nested=nested):
                    self.rule(action="gare", variant=variant, nested=nested)
                    status, _, body = self.raw()
                    self.assertEqual(status, 403)
                    body = json.loads(body)
                    self.assertIn(mark, body["errors"][0] if nested else body)
                    self.assertEqual(self.raw()[0], 200)

    def test_spoiled_bodies(self):
        for kind in ("truncated", "malformed", "html", "deep", "empty"):
            with self.subTest(kind):
                self.rule(action="body", body=kind)
                status, headers, body = self.raw("GET", "/v2/version?service=all")
                self.assertEqual(status, 200)
                self.assertEqual(int(headers["Content-Length"]), len(body))
                with self.assertRaises((ValueError, RecursionError)):
                    json.loads(body)
        self.rule(action="body", body="list")
        self.assertEqual(self.raw()[2], b"[]")

    # ---- what holds all the time ----------------------------------------------------------------

    def test_rate_limit_per_client(self):
        self.standing.control("PUT", "settings", {"rate_limit": {
            "requests": 20, "seconds": 10, "retry_after": 3}})
        seen = [self.raw()[0] for _ in range(21)]
        self.assertEqual(seen, [200] * 20 + [429])
        self.assertEqual(self.raw()[1]["Retry-After"], "3")
        self.assertEqual(self.standing.call(*ASK, client=support.OTHER)[0], 200)

    def test_rate_limit_forgets(self):
        limit = support.service.journal.RateLimit()
        rate = {"requests": 2, "seconds": 10}
        seen = [limit.exceeded("c", rate, now) for now in (0, 1, 2, 9.9, 10.1, 10.2, 11.1)]
        self.assertEqual(seen, [False, False, True, True, False, True, False])

    def test_settings_can_be_reset(self):
        self.standing.control("PUT", "settings", {"offline": ["*"], "results": "lost"})
        self.standing.control("DELETE", "settings")
        settings = self.standing.control("GET", "settings")[1]
        self.assertEqual((settings["offline"], settings["results"]), ([], "kept"))

    def test_journal_tells_sizes_status_and_rules(self):
        self.standing.control("DELETE", "journal")
        self.rule(method="POST", action="reply", status=500)
        self.raw("POST", "/v3/endpoints", b"x" * 1000)
        entry, = self.standing.control("GET", "journal")[1]
        self.assertEqual((entry["method"], entry["path"], entry["status"], entry["request_bytes"],
                          entry["client"], entry["rules"]),
                         ("POST", "/v3/endpoints", 500, 1000, support.CLIENT, [0]))


if __name__ == "__main__":
    unittest.main()
