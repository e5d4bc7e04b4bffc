# SPDX-License-Identifier: Apache-2.0
"""What a person should know about their login is said by every command that logs in, and once."""
import http.server
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import unittest
import uuid

UPLOAD = os.environ["SEALIFT_UPLOAD"]


class Refusing(http.server.BaseHTTPRequestHandler):
    """A service that refuses whatever it is asked."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(403)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


class Warnings(unittest.TestCase):
    def setUp(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.service = "http://127.0.0.1:%d" % server.server_address[1]
        made = tempfile.TemporaryDirectory(prefix="warnings-test-")
        self.addCleanup(made.cleanup)
        self.folder = pathlib.Path(made.name)
        self.token = self.folder / "token"
        self.token.write_text("canary-4711-token\n")

    def call(self, *words, **environment):
        env = {"PATH": os.environ["PATH"], "SEALIFT_HOME": str(self.folder / "home"), "HOME": str(self.folder),
               "LANG": "C.UTF-8", "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", ""), **environment}
        done = subprocess.run([UPLOAD, *map(str, words)], env=env, cwd=self.folder, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
        return done.returncode, done.stdout, done.stderr

    def test_t87_a_token_that_others_can_read(self):
        self.token.chmod(0o644)
        for words in (["whoami"], ["agent", "register", "--auth-url", self.service]):
            _, _, err = self.call(*words, "--compute-url", self.service, "--token-file", self.token)
            self.assertEqual(err.count("warning: "), 1, err)
            self.assertIn(str(self.token), err)
            self.assertNotIn("canary-4711", err)
        self.token.chmod(0o600)
        _, _, err = self.call("agent", "register", "--auth-url", self.service, "--compute-url", self.service,
                              "--token-file", self.token)
        self.assertNotIn("warning: ", err)

    def test_a_client_id_alone(self):
        code, out, err = self.call("whoami", "--json", GLOBUS_COMPUTE_CLIENT_ID=str(uuid.uuid4()))
        self.assertEqual((code, json.loads(out)["kind"]), (1, "nobody"))
        self.assertEqual(err.count("GLOBUS_COMPUTE_CLIENT_ID is set without GLOBUS_COMPUTE_CLIENT_SECRET"), 1, err)
        code, _, err = self.call("agent", "register", GLOBUS_COMPUTE_CLIENT_ID=str(uuid.uuid4()))
        self.assertEqual(code, 6)
        self.assertIn("GLOBUS_COMPUTE_CLIENT_ID is set without GLOBUS_COMPUTE_CLIENT_SECRET", err)

    def test_a_client_id_that_is_none(self):
        for more in ({}, {"GLOBUS_COMPUTE_CLIENT_SECRET": "canary-4711"}):
            code, out, err = self.call("whoami", GLOBUS_COMPUTE_CLIENT_ID="my-client", **more)
            self.assertEqual((code, out), (3, ""))
            self.assertIn("GLOBUS_COMPUTE_CLIENT_ID is no client id (UUID)", err)
            self.assertNotIn("canary-4711", err)


if __name__ == "__main__":
    unittest.main()
