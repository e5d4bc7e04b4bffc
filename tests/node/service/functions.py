# SPDX-License-Identifier: Apache-2.0
"""Registered functions: texts that are kept and handed on, never looked into."""
import time

import errors
import ids


class Function:
    def __init__(self, identity, owner, body, code, container):
        self.identity, self.owner, self.code, self.container = identity, owner, code, container
        self.name = body["function_name"]
        self.description = body.get("description")
        self.metadata = body.get("meta") or body.get("metadata") or {}
        self.public = bool(body.get("public"))
        self.group = body.get("group")
        self.created = time.time()

    def shown(self):
        return {"function_uuid": self.identity, "function_name": self.name,
                "function_code": self.code, "description": self.description,
                "metadata": self.metadata, "public": self.public, "group": self.group,
                "created_at": self.created}


def pack(buffer):
    """One buffer with its length in code points."""
    return "%d\n%s" % (len(buffer), buffer)


class Functions:
    def __init__(self, service):
        self._service = service
        self._functions = {}
        self.routes = [
            ("POST", "/v3/functions", self.register_v3),
            ("POST", "/v2/functions", self.register_v2),
            ("GET", "/v2/functions/{id}", self.show),
            ("DELETE", "/v2/functions/{id}", self.delete),
        ]

    def usable(self, identity, account):
        """A function that this account may run."""
        function = self._functions.get(identity)
        if function is None:
            raise errors.compute(404, "Function %s could not be resolved" % identity,
                                 "FUNCTION_NOT_FOUND")
        if function.owner is not account and not function.public:
            raise errors.compute(403, "Unauthorized access to function %s" % identity,
                                 "FUNCTION_ACCESS_FORBIDDEN")
        return function

    def _check(self, body):
        for name in ("function_name", "function_code"):
            if name not in body:
                raise errors.missing(name)
            if not isinstance(body[name], str):
                raise errors.invalid(("body", name), "str type expected", "type_error.str")
        if len(body["function_code"].encode()) > self._service.settings.max_body:
            raise errors.compute(413, "Function %s is too large" % body["function_name"],
                                 "FUNCTION_TOO_LARGE")

    def _add(self, request, body, code, container=None):
        identity = self._service.ids.new("function")
        function = Function(identity, request.account, body, code, container)
        with self._service.changed:
            self._functions[identity] = function
        request.note("function", identity)
        return 200, {"function_uuid": identity}

    def register_v3(self, request):
        body = request.json()
        self._check(body)
        meta = body.get("meta")
        if not isinstance(meta, dict):
            raise errors.missing("meta")
        serialized = body.get("serialized", True)
        for name in ("python_version", "sdk_version") + (("serde_identifier",) if serialized else ()):
            if name not in meta:
                raise errors.missing("meta", name)
        if body.get("ha_endpoint_id") and (body.get("public") or body.get("group")):
            raise errors.invalid(("body", "ha_endpoint_id"), "excludes public and group")
        code = body["function_code"]
        if not serialized:
            code = pack("st\n%s:%s" % (body["function_name"], code))
        return self._add(request, body, code)

    def register_v2(self, request):
        body = request.json()
        self._check(body)
        container = body.get("container_uuid")
        if container:
            self._service.containers.known(container)
        return self._add(request, body, body["function_code"], container)

    def show(self, request, identity):
        self._need_uuid(identity)
        return 200, self.usable(identity, request.account).shown()

    def delete(self, request, identity):
        self._need_uuid(identity)
        function = self.usable(identity, request.account)
        if function.owner is not request.account:
            raise errors.compute(403, "Unauthorized access to function %s" % identity,
                                 "FUNCTION_ACCESS_FORBIDDEN")
        with self._service.changed:
            del self._functions[identity]
        return 200, {"result": 302}

    @staticmethod
    def _need_uuid(identity):
        if not ids.is_uuid(identity):
            raise errors.compute(400, "%r is not a UUID" % identity, "INVALID_UUID")
