# SPDX-License-Identifier: Apache-2.0
"""Misbehaviour by rule: which request (method, path, n-th of its kind) meets which fault."""
import fnmatch

import errors

ACTIONS = ("drop", "delay", "reply", "gare", "body")
WHEN = {"drop": ("before", "after", "middle"), "delay": ("before", "after"),
        "reply": ("before", "after"), "gare": ("before", "after"), "body": ("after",)}
BODIES = ("truncated", "malformed", "html", "empty", "list", "deep")
KEYS = {"method", "path", "client", "skip", "count", "action", "when", "seconds", "status", "body",
        "headers", "variant", "nested", "reset"}


class Rule:
    """One fault: skips the first `skip` requests that match, applies to the next `count`."""

    def __init__(self, text):
        unknown = sorted(set(text) - KEYS)
        if unknown:
            raise ValueError("unknown key in a rule: %s" % ", ".join(unknown))
        self.action = text.get("action")
        if self.action not in ACTIONS:
            raise ValueError("no such action: %r; there are %s" % (self.action, ", ".join(ACTIONS)))
        self.when = text.get("when", WHEN[self.action][0])
        if self.when not in WHEN[self.action]:
            raise ValueError("%r cannot happen %r" % (self.action, self.when))
        self.method = text.get("method", "*")
        self.path = text.get("path", "*")
        self.client = text.get("client")
        self.skip = int(text.get("skip", 0))
        self.count = text.get("count", 1)
        self.options = text
        self.seen = self.applied = 0
        self._check()

    def _check(self):
        if self.action == "gare":
            errors.gare(self.options.get("variant", "canonical"))
        if self.action == "body" and self.options.get("body") not in BODIES:
            raise ValueError("no such body: %r; there are %s"
                             % (self.options.get("body"), ", ".join(BODIES)))
        if self.action == "reply" and not isinstance(self.options.get("status"), int):
            raise ValueError("a reply needs a status")

    def takes(self, method, path, client):
        """Whether this request meets the fault; counts it."""
        if not fnmatch.fnmatchcase(method, self.method) or not fnmatch.fnmatchcase(path, self.path):
            return False
        if self.client is not None and self.client != client:
            return False
        self.seen += 1
        if self.seen <= self.skip or (self.count is not None and self.applied >= self.count):
            return False
        self.applied += 1
        return True

    def reply(self):
        """Status, body and headers of a fault that is an answer."""
        if self.action == "gare":
            body = errors.gare(self.options.get("variant", "canonical"),
                               bool(self.options.get("nested")))
            return int(self.options.get("status", 403)), body, self.options.get("headers") or {}
        status = self.options["status"]
        body = self.options.get("body", errors.failed(status, "status %d by rule" % status))
        return status, body, self.options.get("headers") or {}

    def spoil(self, good):
        """A body that is not what it was."""
        kind = self.options["body"]
        if kind == "truncated":
            return good[:len(good) // 2]
        return {"malformed": b"{\"results\": {'a': }", "html": b"<html><body>502 Bad Gateway</body></html>",
                "empty": b"", "list": b"[]", "deep": b"[" * 100000}[kind]

    def shown(self):
        return dict(self.options, seen=self.seen, applied=self.applied)


class Rules:
    def __init__(self):
        self._rules = []

    def replace(self, texts):
        self._rules = [Rule(text) for text in texts]

    def add(self, texts):
        self._rules = self._rules + [Rule(text) for text in texts]

    def shown(self):
        return [rule.shown() for rule in self._rules]

    def taken(self, method, path, client):
        """All rules that apply to this request, in their order, with their numbers."""
        return [(number, rule) for number, rule in enumerate(self._rules)
                if rule.takes(method, path, client)]
