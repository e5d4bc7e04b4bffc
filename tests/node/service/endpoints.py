# SPDX-License-Identifier: Apache-2.0
"""Endpoints: registration, heartbeats, status, metadata."""
import time

import errors
import ids

# A sender that missed this many heartbeats is taken for gone.
MISSED_BEATS = 2.5
LOCK_SECONDS = 10
SHOWN = ("endpoint_config", "user_config_template", "user_config_schema", "endpoint_version",
         "sdk_version", "python_version", "hostname", "local_user", "ip_address")


class Pulse:
    """Whether something that sends heartbeats is alive."""

    def __init__(self):
        self.count = 0
        self._last = self._period = None

    def beat(self, period, active=True):
        self.count += 1
        self._last = time.monotonic() if period and active else None
        self._period = period

    @property
    def alive(self):
        return (self._last is not None
                and time.monotonic() - self._last < MISSED_BEATS * self._period)


class Endpoint:
    def __init__(self, identity, owner):
        self.identity, self.owner = identity, owner
        self.pulse = Pulse()
        self.body, self.metadata = {}, {}
        self.locked_until = 0.0
        self.user_endpoints = {}
        # Reports of failed starts under this id that say again what a user endpoint said.
        self.reports_to_come = 0

    def register(self, body):
        self.body, self.metadata = body, body.get("metadata") or {}

    @property
    def name(self):
        return self.body.get("endpoint_name") or self.body.get("name") or ""

    @property
    def takes_configurations(self):
        """Those without a template are of the kind that runs tasks itself."""
        return bool(self.metadata.get("user_config_template"))

    @property
    def allowed_functions(self):
        return self.body.get("allowed_functions")

    def shown(self):
        answer = {"uuid": self.identity, "name": self.name,
                  "display_name": self.body.get("display_name") or self.name,
                  "multi_user": bool(self.body.get("multi_user")),
                  "high_assurance": bool(self.body.get("high_assurance")),
                  "public": bool(self.body.get("public")),
                  "description": self.body.get("description") or "",
                  "subscription_uuid": self.body.get("subscription_uuid")}
        for name in SHOWN:
            value = self.metadata.get(name)
            if value is not None:
                answer[name] = value
        if "endpoint_version" not in answer and self.body.get("version"):
            answer["endpoint_version"] = self.body["version"]
        return answer


class Endpoints:
    def __init__(self, service):
        self._service = service
        self._endpoints = {}
        self.routes = [
            ("POST", "/v3/endpoints", self.register),
            ("POST", "/v2/endpoints", self.register),
            ("PUT", "/v3/endpoints/{id}", self.register_again),
            ("POST", "/v3/endpoints/{id}/lock", self.lock),
            ("GET", "/v2/endpoints", self.list),
            ("GET", "/v2/endpoints/{id}", self.show),
            ("GET", "/v2/endpoints/{id}/status", self.status),
            ("DELETE", "/v2/endpoints/{id}", self.delete),
            ("GET", "/v3/endpoints/{id}/allowed_functions", self.allowed_functions),
        ]

    def all(self):
        return list(self._endpoints.values())

    def get(self, identity):
        return self._endpoints.get(identity)

    def usable(self, identity, account):
        if not ids.is_uuid(identity):
            raise errors.compute(400, "%r is not a UUID" % identity, "INVALID_UUID")
        endpoint = self._endpoints.get(identity)
        if endpoint is None:
            raise errors.compute(404, "Endpoint %s could not be resolved" % identity,
                                 "ENDPOINT_NOT_FOUND")
        if endpoint.owner is not account and not endpoint.body.get("public"):
            raise errors.compute(403, "Unauthorized access to endpoint %s" % identity,
                                 "ENDPOINT_ACCESS_FORBIDDEN")
        return endpoint

    def _owned(self, identity, account):
        endpoint = self.usable(identity, account)
        if endpoint.owner is not account:
            raise errors.compute(403, "Unauthorized access to endpoint %s" % identity,
                                 "ENDPOINT_ACCESS_FORBIDDEN")
        return endpoint

    def online(self, endpoint):
        offline = self._service.settings.offline
        return endpoint.pulse.alive and endpoint.identity not in offline and "*" not in offline

    # ---- registration -------------------------------------------------------------------------

    def register(self, request):
        body = request.json()
        if not (body.get("endpoint_name") or body.get("display_name")):
            raise errors.missing("endpoint_name")
        # Endpoints of long ago chose their id themselves.
        identity = body.get("endpoint_uuid") or self._service.ids.new("endpoint")
        if not ids.is_uuid(identity):
            raise errors.compute(400, "%r is not a UUID" % identity, "INVALID_UUID")
        with self._service.changed:
            endpoint = self._endpoints.get(identity)
            if endpoint is not None and endpoint.owner is not request.account:
                raise errors.compute(403, "Unauthorized access to endpoint %s" % identity,
                                     "ENDPOINT_ACCESS_FORBIDDEN")
            if endpoint is None:
                endpoint = Endpoint(identity, request.account)
        return self._registered(endpoint, body)

    def register_again(self, request, identity):
        endpoint = self._owned(identity, request.account)
        if endpoint.locked_until > time.monotonic():
            raise errors.compute(423, "Endpoint %s is locked" % identity)
        return self._registered(endpoint, request.json())

    def _registered(self, endpoint, body):
        """The queues exist before the endpoint hears of them."""
        broker, identity = self._service.broker, endpoint.identity
        broker.add_queue("commands", identity + ".commands")
        broker.add_queue("tasks", identity + ".tasks")
        with self._service.changed:
            endpoint.register(body)
            self._endpoints[identity] = endpoint
            self._service.changed.notify_all()
        return 200, {
            "endpoint_id": identity, "warnings": [],
            "command_queue_info": broker.info("commands", identity + ".commands"),
            "task_queue_info": broker.info("tasks", identity + ".tasks"),
            "result_queue_info": broker.publishing_info("results", identity),
            "heartbeat_queue_info": broker.publishing_info("heartbeats", identity)}

    def lock(self, request, identity):
        self._owned(identity, request.account).locked_until = time.monotonic() + LOCK_SECONDS
        return 200, {}

    def delete(self, request, identity):
        self._owned(identity, request.account)
        with self._service.changed:
            del self._endpoints[identity]
        return 200, {"result": 302}

    # ---- looking --------------------------------------------------------------------------------

    def list(self, request):
        role = request.query.get("role", "owner")
        if role not in ("owner", "any"):
            raise errors.invalid(("query", "role"), "owner or any")
        return 200, [endpoint.shown() for endpoint in self.all()
                     if endpoint.owner is request.account
                     or (role == "any" and endpoint.body.get("public"))]

    def show(self, request, identity):
        return 200, self.usable(identity, request.account).shown()

    def status(self, request, identity):
        endpoint = self.usable(identity, request.account)
        if not self.online(endpoint):
            return 200, {"status": "offline"}
        workers = sum(one.pulse.alive for one in endpoint.user_endpoints.values())
        open_tasks = self._service.tasks.open_of(endpoint)
        return 200, {"status": "online", "details": {
            "total_workers": workers, "idle_workers": max(0, workers - open_tasks),
            "pending_tasks": 0, "outstanding_tasks": open_tasks, "managers": 1}}

    def allowed_functions(self, request, identity):
        endpoint = self.usable(identity, request.account)
        functions = endpoint.allowed_functions
        return 200, {"endpoint_id": identity, "restricted": functions is not None,
                     "functions": functions or []}

    def heard(self, endpoint, state):
        """A heartbeat of the manager. A start that failed is reported under its id as well."""
        if "error" in state:
            self._service.user_endpoints.manager_failed(endpoint, state["error"])
            return
        was_online = self.online(endpoint)
        endpoint.pulse.beat(state.get("heartbeat_period", 30))
        if not was_online and self.online(endpoint):
            self._service.user_endpoints.start_waiting(endpoint)
