# SPDX-License-Identifier: Apache-2.0
"""What tests ask the stand-in itself: faults, settings, the journal, who is alive."""
import json

import errors


class Control:
    def __init__(self, service):
        self._service = service
        self.routes = [
            ("GET", "/control/rules", lambda request: (200, service.rules.shown())),
            ("PUT", "/control/rules", self._rules(service.rules.replace)),
            ("POST", "/control/rules", self._rules(service.rules.add)),
            ("DELETE", "/control/rules", self._cleared(lambda: service.rules.replace([]))),
            ("GET", "/control/settings", lambda request: (200, service.settings.shown())),
            ("PUT", "/control/settings", self.change_settings),
            ("DELETE", "/control/settings", self._cleared(service.settings.reset)),
            ("GET", "/control/journal", lambda request: (200, service.journal.shown())),
            ("DELETE", "/control/journal", self._cleared(service.journal.clear)),
            ("GET", "/control/state", self.state),
            ("POST", "/control/expire-tokens", self.expire_tokens),
        ]

    @staticmethod
    def _value(request, kind):
        try:
            value = json.loads(request.body)
        except ValueError:
            raise errors.compute(400, "the body is not JSON") from None
        if not isinstance(value, kind):
            raise errors.compute(400, "the body must be a JSON %s" % kind.__name__)
        return value

    def _rules(self, work):
        def handler(request):
            try:
                work(self._value(request, list))
            except (ValueError, TypeError) as error:
                raise errors.compute(400, str(error)) from None
            return 200, self._service.rules.shown()
        return handler

    @staticmethod
    def _cleared(work):
        def handler(request):
            work()
            return 200, {}
        return handler

    def change_settings(self, request):
        try:
            self._service.settings.change(self._value(request, dict))
        except (ValueError, TypeError) as error:
            raise errors.compute(400, str(error)) from None
        return 200, self._service.settings.shown()

    def expire_tokens(self, request):
        kinds = self._value(request, list) if request.body else ["access"]
        return 200, {"expired": self._service.auth.expire_all(kinds)}

    def state(self, request):
        endpoints = []
        for endpoint in self._service.endpoints.all():
            endpoints.append({
                "id": endpoint.identity, "name": endpoint.name, "account": endpoint.owner.name,
                "version": endpoint.shown().get("endpoint_version"),
                "online": self._service.endpoints.online(endpoint), "beats": endpoint.pulse.count,
                "user_endpoints": [one.shown() for one in endpoint.user_endpoints.values()]})
        return 200, {"endpoints": endpoints, "tasks": self._service.tasks.counts()}
