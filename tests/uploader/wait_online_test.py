#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`run --wait-online`: stays until the network is back, and for nothing else."""
import json
import os
import pathlib
import socket
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "transport")]
import line  # noqa: E402
from globus_service import Service  # noqa: E402

SOMEBODY = "4b116d3c-1703-4f8f-9f6f-39921e5864df"


class WaitOnline(line.Line):
    def stays(self, *words):
        """Starts it, and returns it with what it says when it begins to wait."""
        process = self.host.start("run", "--wait-online", *words)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        said = ""
        while "trying again" not in said:
            piece = process.stderr.readline()
            self.assertTrue(piece, said)
            said += piece
        return process, said

    def ends(self, *words):
        began = time.monotonic()
        code, out, err = self.host.call("run", "--wait-online", *words, timeout=60)
        self.assertNotIn("trying again", err)
        self.assertLess(time.monotonic() - began, 60)
        return code, out + err

    def setUp(self):
        super().setUp()
        self.token = pathlib.Path(self.folder, "token")
        self.token.write_text(json.dumps({"access_token": "token"}))
        self.token.chmod(0o600)
        self.host.env.update(no_proxy="127.0.0.1")

    def queue(self):
        self.assertEqual(self.host.call("add", self.good, "--builder", SOMEBODY, "--runner", "local")[0], 0)

    def serve(self, port=0):
        service = Service(self.host.env, port=port)
        self.addCleanup(service.close)
        service.endpoint = SOMEBODY
        return service

    def test_it_goes_on_when_the_service_is_there(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        self.queue()
        process, said = self.stays("--compute-url", "http://127.0.0.1:%d" % port, "--token-file", self.token)
        self.assertRegex(said, r"(?m)^1: .*; trying again in 5 seconds$")
        row, = self.host.rows()
        self.assertEqual((row["state"], row["kind"], "worker" in row), ("queued", "network", False))
        self.serve(port)
        self.assertEqual(process.wait(120), 0, said)
        self.assertEqual((self.host.rows()[0]["state"], self.host.launches()), ("done", 1))

    def test_a_token_that_the_service_does_not_take(self):
        self.token.write_text(json.dumps({"access_token": "canary"}))
        self.queue()
        code, said = self.ends("--compute-url", self.serve().url, "--token-file", self.token)
        self.assertEqual(code, 6)
        self.assertIn("is not good any more", said)
        self.assertNotIn("canary", said)

    def test_nobody_is_logged_in(self):
        self.queue()
        code, said = self.ends("--compute-url", "http://127.0.0.1:9")
        self.assertEqual(code, 6)
        self.assertIn("nobody is logged in", said)
        self.assertIn("'sealift-upload login'", said)

    def test_a_file_that_is_not_there(self):
        self.assertEqual(self.host.add(self.good)[0], 0)
        os.unlink(self.host.builder)
        code, said = self.ends()
        self.assertEqual(code, 5)
        self.assertIn(self.host.builder.name, said)

    def test_nothing_to_wait_for(self):
        self.assertEqual(self.host.add(self.good)[0], 0)
        self.assertEqual(self.ends()[0], 0)
        self.assertEqual(self.ends()[0], 0)


if __name__ == "__main__":
    unittest.main()
