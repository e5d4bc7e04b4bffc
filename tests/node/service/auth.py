# SPDX-License-Identifier: Apache-2.0
"""Globus Auth as far as tokens go: client credentials, authorization codes with PKCE, refreshing,
revoking, userinfo."""
import base64
import hashlib
import html
import re
import threading
import time

import errors
import id_tokens

COMPUTE_SCOPE = "https://auth.globus.org/scopes/facd7ccc-c5f4-42aa-916b-a0e270e2c2a9/all"
OWN_SCOPES = ("openid", "profile", "email")
OWN_PREFIX = "urn:globus:auth:scope:auth.globus.org:"
VERIFIER = re.compile(r"[A-Za-z0-9~_.-]{43,128}\Z")
CODE_LIFETIME = 600


class Account:
    """Somebody: an identity, and the secrets of the confidential clients that act as it."""

    def __init__(self, name, identity, clients):
        self.name, self.identity, self.clients = name, identity, dict(clients)
        self.username = name + "@example.org"

    def userinfo(self):
        return {"sub": self.identity, "preferred_username": self.username, "name": self.name,
                "email": self.username, "identity_set": [
                    {"sub": self.identity, "username": self.username, "email": self.username}]}


class Token:
    def __init__(self, kind, account, client, server, scope, expires):
        self.kind, self.account, self.client = kind, account, client
        self.server, self.scope, self.expires = server, scope, expires


def resource_server(scope):
    """To which service a scope belongs."""
    if scope == COMPUTE_SCOPE:
        return "funcx_service"
    if scope in OWN_SCOPES or scope.startswith(OWN_PREFIX):
        return "auth.globus.org"
    raise errors.oauth(400, "unknown_scope_error", "unknown scope: " + scope)


def challenge_of(verifier):
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


class Auth:
    def __init__(self, accounts, ids, settings, base_url):
        self._accounts = accounts
        self._ids, self._settings = ids, settings
        self.base_url = base_url.rstrip("/")
        self._tokens, self._codes = {}, {}
        self._signer = id_tokens.Signer()
        self._lock = threading.RLock()
        self.routes = [
            ("POST", "/v2/oauth2/token", self.token),
            ("POST", "/v2/oauth2/token/revoke", self.revoke),
            ("GET", "/v2/oauth2/authorize", self.authorize),
            ("GET", "/v2/oauth2/userinfo", self.userinfo),
            ("POST", "/v2/oauth2/userinfo", self.userinfo),
            ("GET", "/v2/api/identities", self.identities),
            ("GET", "/.well-known/openid-configuration", self.openid_configuration),
            ("GET", "/jwk.json", lambda request: (200, self._signer.keys())),
        ]

    # ---- who is it --------------------------------------------------------------------------

    def _account_of_client(self, client, secret):
        for account in self._accounts:
            if client in account.clients and account.clients[client] == secret:
                return account
        raise errors.oauth(401, "invalid_client", "client id or secret is wrong")

    def _basic(self, request):
        """Client id and secret of a Basic header, or nothing."""
        header = request.headers.get("Authorization") or ""
        if not header.startswith("Basic "):
            return None
        try:
            client, _, secret = base64.b64decode(header[6:], validate=True).decode().partition(":")
        except ValueError:
            raise errors.oauth(400, "invalid_request", "malformed Basic header") from None
        return client, secret

    def bearer(self, request, server):
        """The token of a request for this resource server."""
        header = request.headers.get("Authorization") or ""
        if not header.startswith("Bearer "):
            return None
        with self._lock:
            token = self._tokens.get(header[7:])
        if token is None or token.kind != "access" or token.server != server:
            return None
        return token if token.expires > time.time() else None

    # ---- tokens -----------------------------------------------------------------------------

    def _issue(self, account, client, server, scope, offline, refresh=None):
        lifetime = self._settings.token_lifetime
        with self._lock:
            access = "at." + self._ids.new("access")
            self._tokens[access] = Token("access", account, client, server, scope,
                                         time.time() + lifetime)
            answer = {"access_token": access, "scope": scope, "expires_in": lifetime,
                      "token_type": "Bearer", "resource_server": server}
            if offline:
                refresh = refresh or "rt." + self._ids.new("refresh")
                self._tokens[refresh] = Token("refresh", account, client, server, scope, None)
                answer["refresh_token"] = refresh
        return answer

    def _issue_all(self, account, client, scopes, offline):
        """One answer for all scopes: one token on top, the others in other_tokens."""
        by_server = {}
        for scope in scopes:
            held = by_server.setdefault(resource_server(scope), [])
            if scope not in held:
                held.append(scope)
        tokens = [self._issue(account, client, server, " ".join(held), offline)
                  for server, held in by_server.items()]
        if self._settings.unrelated_tokens_first:
            tokens.insert(0, self._issue(account, client, "transfer.api.globus.org",
                                         "urn:globus:auth:scope:transfer.api.globus.org:all", offline))
        return dict(tokens[0], other_tokens=tokens[1:])

    def token(self, request):
        form = request.form()
        grant = form.get("grant_type")
        request.note("grant", grant)
        request.note("client", form.get("client_id") or (self._basic(request) or (None,))[0])
        if grant == "client_credentials":
            return 200, self._client_credentials(request, form)
        if grant == "refresh_token":
            return 200, self._refresh(request, form)
        if grant == "authorization_code":
            return 200, self._authorization_code(form)
        raise errors.oauth(400, "unsupported_grant_type")

    def _client_credentials(self, request, form):
        client, secret = self._basic(request) or (form.get("client_id"), form.get("client_secret"))
        account = self._account_of_client(client, secret)
        scopes = form.get("scope", "").split()
        if not scopes:
            raise errors.oauth(400, "invalid_scope", "no scope")
        return self._issue_all(account, client, scopes, offline=False)

    def _refresh(self, request, form):
        given = form.get("refresh_token")
        with self._lock:
            token = self._tokens.get(given)
        basic = self._basic(request)
        if basic:
            self._account_of_client(*basic)
        client = basic[0] if basic else form.get("client_id")
        if token is None or token.kind != "refresh" or token.client != client:
            raise errors.oauth(400, "invalid_grant")
        answer = self._issue(token.account, client, token.server, token.scope, True, given)
        if not self._settings.refresh_token_echoed:
            del answer["refresh_token"]
        return dict(answer, other_tokens=[])

    def _authorization_code(self, form):
        with self._lock:
            grant = self._codes.pop(form.get("code"), None)
        verifier = form.get("code_verifier", "")
        if grant is None or grant["expires"] < time.time():
            raise errors.oauth(400, "invalid_grant", "no such code")
        if form.get("client_id") != grant["client_id"]:
            raise errors.oauth(400, "invalid_grant", "the code belongs to another client")
        if form.get("redirect_uri") != grant["redirect_uri"]:
            raise errors.oauth(400, "invalid_grant", "another redirect_uri")
        if not VERIFIER.match(verifier) or challenge_of(verifier) != grant["code_challenge"]:
            raise errors.oauth(400, "invalid_grant", "the verifier does not fit the challenge")
        account = grant["account"]
        answer = self._issue_all(account, grant["client_id"], grant["scopes"], grant["offline"])
        answer["state"] = grant["state"]
        if "openid" in grant["scopes"]:
            now = int(time.time())
            answer["id_token"] = self._signer.sign(dict(
                account.userinfo(), iss=self.base_url, aud=grant["client_id"], iat=now, exp=now + 172800))
        return answer

    def expire_all(self, kinds=("access",)):
        """From now on no token issued so far is good."""
        with self._lock:
            gone = [text for text, token in self._tokens.items() if token.kind in kinds]
            for text in gone:
                del self._tokens[text]
        return len(gone)

    # ---- the page a person sees ---------------------------------------------------------------

    def authorize(self, request):
        query = request.query
        for name in ("client_id", "redirect_uri", "scope", "code_challenge"):
            if not query.get(name):
                raise errors.oauth(400, "invalid_request", name + " is missing")
        if query.get("response_type") != "code" or query.get("code_challenge_method") != "S256":
            raise errors.oauth(400, "invalid_request", "response_type code and method S256 only")
        if query["redirect_uri"] != self.base_url + "/v2/web/auth-code":
            raise errors.oauth(400, "invalid_request", "redirect_uri is not registered")
        scopes = query["scope"].split()
        for scope in scopes:
            resource_server(scope)
        code = "code." + self._ids.new("code")
        # The person at the browser; a parameter that real logins do not have chooses another.
        name = query.get("account", self._accounts[0].name)
        account = next(one for one in self._accounts if one.name == name)
        with self._lock:
            self._codes[code] = {
                "client_id": query["client_id"], "redirect_uri": query["redirect_uri"],
                "code_challenge": query["code_challenge"], "scopes": scopes, "account": account,
                "offline": query.get("access_type") == "offline", "state": query.get("state"),
                "expires": time.time() + CODE_LIFETIME}
        page = "<!doctype html><title>Code</title><p>%s<p><code>%s</code>\n" % (
            html.escape(query.get("session_message", "")), code)
        return 200, page.encode()

    def openid_configuration(self, request):
        return 200, {"issuer": self.base_url, "jwks_uri": self.base_url + "/jwk.json",
                     "authorization_endpoint": self.base_url + "/v2/oauth2/authorize",
                     "token_endpoint": self.base_url + "/v2/oauth2/token",
                     "userinfo_endpoint": self.base_url + "/v2/oauth2/userinfo",
                     "revocation_endpoint": self.base_url + "/v2/oauth2/token/revoke",
                     "id_token_signing_alg_values_supported": ["RS256"]}

    # ---- the rest -----------------------------------------------------------------------------

    def revoke(self, request):
        token = request.form().get("token")
        with self._lock:
            self._tokens.pop(token, None)
        return 200, {"active": False}

    def userinfo(self, request):
        token = self.bearer(request, "auth.globus.org")
        if token is None or not {"openid", "email", "profile"} & set(token.scope.split()):
            raise errors.Refused(401, {"error": "unauthorized", "error_description": "Unauthorized",
                                       "errors": [{"status": "401", "id": self._ids.new("error"),
                                                   "code": "UNAUTHORIZED", "title": "Unauthorized",
                                                   "detail": "Call must be authenticated"}]})
        return 200, token.account.userinfo()

    def identities(self, request):
        wanted = request.query.get("ids", "").split(",")
        found = [account for account in self._accounts if account.identity in wanted]
        return 200, {"identities": [
            {"id": account.identity, "username": account.username, "name": account.name,
             "email": account.username, "status": "used", "organization": None,
             "identity_provider": self._ids.of("provider")} for account in found]}
