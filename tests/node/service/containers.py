# SPDX-License-Identifier: Apache-2.0
"""The old routes that registered container images; whether they still answer is a setting."""
import time

import errors

TYPES = ("docker", "singularity")


class Containers:
    def __init__(self, service):
        self._service = service
        self._containers = {}
        self.routes = [
            ("POST", "/v2/containers", self.register),
            ("POST", "/v2/containers/build", self.build),
            ("GET", "/v2/containers/build/{id}", self.build_status),
            ("GET", "/v2/containers/{id}/{id}", self.show),
        ]

    def _need_routes(self):
        mode = self._service.settings.containers
        if mode == "work":
            return
        if mode == 422:
            raise errors.compute(422, "Container registration is no longer supported")
        raise errors.compute(mode, {404: "Not Found", 410: "Container routes were removed"}[mode])

    def known(self, identity):
        """A container as task messages carry it."""
        container = self._containers.get(identity)
        if container is None:
            raise errors.compute(404, "Container %s not found" % identity, "CONTAINER_NOT_FOUND")
        return container

    def for_task(self, identity):
        container = self.known(identity)
        at = int(container["created"])
        return {"container_id": identity, "name": container["name"], "images": [
            {"image_type": container["type"], "location": container["location"],
             "created_at": at, "modified_at": at}]}

    def register(self, request):
        self._need_routes()
        body = request.json()
        for name in ("name", "location", "type"):
            if not isinstance(body.get(name), str):
                raise errors.missing(name)
        if body["type"] not in TYPES:
            raise errors.invalid(("body", "type"), "value is not a valid enumeration member",
                                 "type_error.enum")
        identity = self._service.ids.new("container")
        self._containers[identity] = dict(
            {name: body[name] for name in ("name", "location", "type")}, created=time.time())
        request.note("container", body["name"])
        return 200, {"container_id": identity}

    def show(self, request, identity, kind):
        self._need_routes()
        container = self.known(identity)
        if container["type"] != kind:
            raise errors.compute(404, "Container %s not found" % identity, "CONTAINER_NOT_FOUND")
        return 200, {"container": {
            "container_uuid": identity, "name": container["name"], "type": kind,
            "location": container["location"], "build_status": "provided"}}

    def build(self, request):
        self._need_routes()
        raise errors.compute(403, "Container builds are not permitted",
                             "CONTAINER_SERVICE_NOT_PERMITTED")

    def build_status(self, request, identity):
        self._need_routes()
        raise errors.compute(404, "Container %s not found" % identity, "CONTAINER_NOT_FOUND")
