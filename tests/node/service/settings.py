# SPDX-License-Identifier: Apache-2.0
"""What the stand-in does all the time until told otherwise, as opposed to single faults by rule."""

CONTAINERS = ("work", 404, 410, 422)
RESULTS = ("kept", "once", "lost")

DEFAULTS = {
    "results": "kept",              # once: deleted when fetched; lost: tasks never end
    "rate_limit": None,             # {"requests": 20, "seconds": 10, "retry_after": null}
    "max_body": 10000000,           # bytes of a submit or a function: 413 above
    "token_lifetime": 172800,       # seconds
    "refresh_token_echoed": True,   # a refresh answers with the refresh token
    "unrelated_tokens_first": False,  # the token of another resource server stands on top
    "functions_enforced": False,    # allowed_functions: refused by the service, not only by the endpoint
    "offline": [],                  # ids of endpoints said to be offline; their tasks wait
    "containers": "work",           # or the status with which the legacy routes answer
    "start_timeout": 60,            # seconds that a submit waits for a user endpoint
}


class Settings:
    def __init__(self):
        self._values = dict(DEFAULTS)

    def __getattr__(self, name):
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(name) from None

    def change(self, values):
        unknown = sorted(set(values) - set(DEFAULTS))
        if unknown:
            raise ValueError("no such setting: %s" % ", ".join(unknown))
        if values.get("containers", "work") not in CONTAINERS:
            raise ValueError("containers: one of %s" % (CONTAINERS,))
        if values.get("results", "kept") not in RESULTS:
            raise ValueError("results: one of %s" % (RESULTS,))
        limit = values.get("rate_limit")
        if limit is not None and not {"requests", "seconds"} <= set(limit):
            raise ValueError("rate_limit: requests and seconds")
        self._values.update(values)

    def reset(self):
        self._values = dict(DEFAULTS)

    def shown(self):
        return dict(self._values)
