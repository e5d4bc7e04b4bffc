#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The caller's login reaches sealift-upload, and nothing and nobody else."""
import os
import sys
import traceback
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import face  # noqa: E402
from custom_image_builder import RegisterImageException  # noqa: E402

CLIENTS = {
    "4 with an app": lambda header: face.Client4(app=face.App(face.Authorizer(header))),
    "4 with an authorizer": lambda header: face.Client4(authorizer=face.Authorizer(header)),
    "2.2.0": lambda header: face.Client2(face.Authorizer(header)),
    "2.2.0, login manager alone": lambda header: face.Client2(face.Authorizer(header), keeps_web_client=False),
}
GOOD = f"Bearer {face.CANARY}"


class Login(face.Case):
    def assert_untold(self, error):
        told = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        for text in (told, repr(vars(error)), repr(error.__context__), repr(error.__cause__), "\n".join(self.heard)):
            self.assertNotIn(face.CANARY, text)

    def test_t62_the_token_is_in_one_file_and_nowhere_else(self):
        for name, make in CLIENTS.items():
            with self.subTest(name):
                seen = self.recorder({"state": "failed", "number": 1, "kind": "network", "reason": "TOKEN is no good",
                                      "remedy": "not TOKEN"}, 6)
                error = self.fails("network", make(GOOD), endpoint_id=face.ENDPOINT)
                seen = seen()
                self.assertEqual(seen["file"], {"access_token": face.CANARY})
                self.assertEqual((seen["mode"], seen["folder_mode"]), (0o600, 0o700))
                self.assertNotIn(face.CANARY, repr((seen["words"], seen["environment"])))
                self.assertEqual(seen["words"][seen["words"].index("--builder") + 1], face.ENDPOINT)
                self.assertEqual(seen["words"][seen["words"].index("--compute-url") + 1], "http://localhost:9")
                self.assert_untold(error)
                self.assertIn("is no good", str(error))
                self.assertTrue(any("it is" in one for one in self.heard))

    def test_a_token_is_asked_for_only_where_one_is_needed(self):
        forbidden = AssertionError("nobody may ask")
        self.build(face.Client4(authorizer=face.Authorizer(forbidden)))
        seen = self.recorder(code=6)
        self.fails("network", None, endpoint_id=face.ENDPOINT)
        self.assertNotIn("--token-file", seen()["words"])
        self.fails("network", CLIENTS["2.2.0"](GOOD), container_service=True)
        self.assertIn("--token-file", seen()["words"])
        self.fails("network", CLIENTS["2.2.0"](GOOD), runner=face.ENDPOINT)
        self.assertEqual(seen()["file"], {"access_token": face.CANARY})

    def test_clients_without_a_token(self):
        seen = self.recorder()
        for client, kind in [(make(header), kind) for make in CLIENTS.values() for header, kind in [
                (ValueError(GOOD), "network"), (None, "usage"), ("", "usage"), ("Bearer ", "usage"),
                (f"Basic {face.CANARY}", "usage")]] + [
                    (object(), "usage"), (face.Client4(app=face.App(None)), "usage"), (face.Client4(), "usage")]:
            with self.subTest(client):
                error = self.fails(kind, client, endpoint_id=face.ENDPOINT)
                self.assertIn(f"gcc_client: this {type(client).__name__} ", str(error))
                self.assert_untold(error)
        self.assertRaises(FileNotFoundError, seen)  # it was never started

    def test_containers_are_registered_for_clients_that_know_them(self):
        image = self.build()
        row = self.host.rows()[0]
        seen = self.recorder({**row, "receipt": image.receipt, "container": face.ENDPOINT})
        for name, make in CLIENTS.items():
            with self.subTest(name):
                made = self.build(make(GOOD), endpoint_id=face.ENDPOINT)
                self.assertEqual("--container-service" in seen()["words"], name.startswith("2"))
                self.assertEqual((made, made.container_id, made.bundle_id), (face.ENDPOINT, face.ENDPOINT, image))
                self.build(make(GOOD), endpoint_id=face.ENDPOINT, container_service=False)
                self.assertNotIn("--container-service", seen()["words"])
        self.build(make(GOOD), endpoint_id=face.ENDPOINT, container_service="again")
        self.assertIn("--again", seen()["words"])

    def test_a_service_that_refuses_the_container(self):
        image = self.build()
        self.recorder({**self.host.rows()[0], "receipt": image.receipt})
        made = self.build(CLIENTS["2.2.0"](GOOD), endpoint_id=face.ENDPOINT)
        self.assertEqual((made, made.container_id), (image.bundle_id, None))
        self.assertIn("gave no id", "\n".join(self.heard))
        self.recorder({"state": "failed", "number": 7, "kind": "network", "reason": "the service refused it",
                       "receipt": image.receipt}, 6)
        error = self.fails("network", CLIENTS["2.2.0"](GOOD), RegisterImageException, endpoint_id=face.ENDPOINT)
        self.assertIn("the service refused it", str(error))
        self.assertEqual(error.receipt, image.receipt)

    def test_the_real_uploader_takes_the_token(self):
        # Nobody listens at this address: it came as far as asking the service.
        error = self.fails("network", CLIENTS["4 with an app"](GOOD), endpoint_id=face.ENDPOINT)
        self.assertIn("localhost", str(error) + "\n".join(self.heard))
        self.assert_untold(error)
        for path in self.host.home.rglob("*"):
            if path.is_file():
                self.assertNotIn(face.CANARY.encode(), path.read_bytes(), path)


if __name__ == "__main__":
    unittest.main()
