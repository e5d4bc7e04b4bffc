# SPDX-License-Identifier: Apache-2.0
"""The requests that were seen: for tests to look at. No token, code, secret or payload is kept."""
import threading
import time

# Of a query these parameters may hold what nobody else should see.
SECRET = {"code", "code_verifier", "token", "access_token", "refresh_token", "client_secret"}


class Journal:
    def __init__(self):
        self._lock = threading.Lock()
        self._entries = []
        self._started = time.monotonic()

    def begin(self, method, path, query):
        """A new entry, which the caller fills in until it calls `end`."""
        with self._lock:
            entry = {"n": len(self._entries), "at": round(time.monotonic() - self._started, 4),
                     "time": time.time(), "method": method, "path": path,
                     "query": {key: value for key, value in query.items() if key not in SECRET},
                     "status": None, "request_bytes": 0, "response_bytes": 0, "rules": []}
            self._entries.append(entry)
            return entry

    def end(self, entry):
        entry["seconds"] = round(time.monotonic() - self._started - entry["at"], 4)

    def shown(self):
        with self._lock:
            return [dict(entry) for entry in self._entries]

    def clear(self):
        with self._lock:
            self._entries = []


class RateLimit:
    """At most so many requests of one client in so many seconds."""

    def __init__(self):
        self._lock = threading.Lock()
        self._seen = {}

    def exceeded(self, client, limit, now=None):
        now = time.monotonic() if now is None else now
        with self._lock:
            seen = [at for at in self._seen.get(client, []) if at > now - limit["seconds"]]
            if len(seen) >= limit["requests"]:
                self._seen[client] = seen
                return True
            self._seen[client] = seen + [now]
            return False
