# SPDX-License-Identifier: Apache-2.0
"""A Globus Auth on this machine, small enough to read: codes with PKCE, refreshing, revoking."""
import base64
import hashlib
import http.server
import json
import threading
import urllib.parse
import uuid

SCOPE = "https://auth.globus.org/scopes/facd7ccc-c5f4-42aa-916b-a0e270e2c2a9/all"
CLIENT = "7c3f5b9e-0000-4000-8000-1d2a3b4c5d6e"
SUBJECT = "99999999-8888-4777-8666-555555555555"


def unpadded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Auth:
    def __init__(self, prefix=""):
        self.prefix = prefix  # of every secret that is given away
        self.codes, self.live, self.revoked, self.requests = {}, set(), [], []
        self.fault = {}  # path: (status, body)
        handler = type("Handler", (Handler,), {"auth": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def log_in(self, address):
        """What the person does in the browser: the code that is shown."""
        url, _, query = address.partition("?")
        assert url == self.url + "/v2/oauth2/authorize", url
        fields = dict(urllib.parse.parse_qsl(query, strict_parsing=True))
        code = self.prefix + "code-" + uuid.uuid4().hex
        self.codes[code] = fields
        return code

    def token(self, server, scope):
        name = uuid.uuid4().hex
        access, refresh = f"{self.prefix}at-{name}", f"{self.prefix}rt-{name}"  # revoked together
        self.live |= {access, refresh}
        return {"access_token": access, "refresh_token": refresh, "expires_in": 172800, "scope": scope,
                "token_type": "Bearer", "resource_server": server}

    def redeem(self, form):
        asked = self.codes.pop(form["code"], None)
        challenge = unpadded(hashlib.sha256(form["code_verifier"].encode()).digest())
        if asked is None or (asked["client_id"], asked["redirect_uri"], asked["code_challenge"]) != (
                form["client_id"], form["redirect_uri"], challenge):
            return 400, {"error": "invalid_grant"}
        claims = json.dumps({"sub": SUBJECT, "aud": form["client_id"]}).encode()
        # The wanted one is not the one on top.
        return 200, {**self.token("auth.globus.org", "openid"), "state": asked["state"],
                     "other_tokens": [self.token("funcx_service", SCOPE)],
                     "id_token": ".".join((unpadded(b"{}"), unpadded(claims), "c2ln"))}

    def answer(self, path, form):
        if path in self.fault:
            return self.fault[path]
        if path == "/v2/oauth2/token/revoke":
            self.revoked.append(form["token"])
            self.live -= {form["token"], form["token"].replace("rt-", "at-")}
            return 200, {"active": False}
        if path != "/v2/oauth2/token":
            return 404, {}
        if form["grant_type"] == "authorization_code":
            return self.redeem(form)
        if form["grant_type"] == "refresh_token" and form["refresh_token"] in self.live:
            return 200, {**self.token("funcx_service", SCOPE), "other_tokens": []}
        if form["grant_type"] == "client_credentials":
            fresh = self.token("funcx_service", SCOPE)
            del fresh["refresh_token"]
            return 200, {**fresh, "other_tokens": []}
        return 400, {"error": "invalid_grant"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        form = dict(urllib.parse.parse_qsl(text, strict_parsing=True))
        self.auth.requests.append((self.path, form, dict(self.headers)))
        status, body = self.auth.answer(self.path, form)
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass
