# SPDX-License-Identifier: Apache-2.0
"""Error answers of the two services, in the shapes that clients meet."""

CODES = {
    400: "REQUEST_MALFORMED", 401: "INVALID_AUTH_TOKEN", 403: "INSUFFICIENT_AUTH_SCOPE",
    404: "NOT_FOUND", 409: "RESOURCE_CONFLICT", 410: "GONE", 413: "TASK_PAYLOAD_TOO_LARGE",
    422: "SEMANTICALLY_INVALID", 423: "RESOURCE_LOCKED", 429: "TOO_MANY_REQUESTS",
    500: "UNKNOWN_ERROR", 502: "BAD_GATEWAY", 503: "SERVICE_UNAVAILABLE", 504: "GATEWAY_TIMEOUT",
}


class Refused(Exception):
    """A request that ends with an error answer: status, body and further headers."""

    def __init__(self, status, body, headers=None):
        super().__init__(status, body)
        self.status, self.body, self.headers = status, body, dict(headers or {})


def failed(status, detail, code=None):
    """The first shape of Compute: one text, twice."""
    return {"status": "Failed", "code": code or CODES.get(status, "UNKNOWN_ERROR"), "error_args": [],
            "http_status_code": status, "detail": detail, "reason": detail}


def compute(status, detail, code=None, headers=None):
    return Refused(status, failed(status, detail, code), headers)


def invalid(place, message, kind="value_error"):
    """The second shape of Compute: where in the body what is wrong."""
    return Refused(422, {"detail": [{"loc": list(place), "msg": message, "type": kind}]})


def missing(*place):
    return invalid(("body",) + place, "field required", "value_error.missing")


def oauth(status, error, description=None):
    body = {"error": error}
    if description:
        body["error_description"] = description
    return Refused(status, body)


# Requests for more authorization, in every form that the services have used.
GARE = {
    "canonical": {"code": "AuthorizationRequired", "authorization_parameters": {
        "session_message": "Log in again", "session_required_single_domain": ["example.org"],
        "session_required_mfa": True, "prompt": "login"}},
    "legacy": {"authorization_parameters": {
        "session_message": "Log in again", "session_required_policies": "p1,p2",
        "session_required_single_domain": "example.org,example.net"}},
    "consent": {"code": "ConsentRequired", "required_scopes": ["urn:example:scope:more"]},
    "consent-one": {"code": "ConsentRequired", "required_scope": "urn:example:scope:more"},
    "dependent": {"error": "dependent_consent_required", "errors": [
        {"code": "ConsentRequired", "unapproved_scopes": ["urn:example:scope:more"]}]},
}


def gare(variant="canonical", nested=False, reason="You must log in again"):
    """The body of one variant; nested: as an element of `errors`."""
    if variant not in GARE:
        raise ValueError("no such variant: %r; there are %s" % (variant, ", ".join(sorted(GARE))))
    if nested:
        return {"errors": [dict(GARE[variant], detail=reason)]}
    return dict(GARE[variant], reason=reason)
