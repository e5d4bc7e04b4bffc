# SPDX-License-Identifier: Apache-2.0
"""Submitting tasks: who may, where to, and the message that carries function and arguments."""
import json

import broker as messages
import errors


def refuse_large(request, limit):
    if len(request.body) > limit:
        raise errors.compute(413, "Task payload of %d bytes is over the limit of %d"
                             % (len(request.body), limit), "TASK_PAYLOAD_TOO_LARGE")


class Submit:
    def __init__(self, service):
        self._service = service
        self.routes = [
            ("POST", "/v3/endpoints/{id}/submit", self.submit_v3),
            ("POST", "/v2/submit", self.submit_v2),
        ]

    # ---- the present form -------------------------------------------------------------------------

    def submit_v3(self, request, identity):
        refuse_large(request, self._service.settings.max_body)
        body = request.json()
        wanted = self._tasks_of(body)
        request.note("tasks", sum(len(payloads) for payloads in wanted.values()))
        config = self._object(body, "user_endpoint_config")
        endpoint = self._service.endpoints.usable(identity, request.account)
        functions = [self._function(name, endpoint, request.account) for name in wanted]
        group_id = body.get("task_group_id")
        if group_id is not None:
            self._service.tasks.group(group_id, request.account)
        target, waits = self._target(endpoint, request.account, config, body.get("user_runtime", {}))
        group = self._service.tasks.group(group_id, request.account)
        if body.get("create_queue"):
            self._service.tasks.need_queue(group)
        headers = {"resource_specification": json.dumps(self._object(body, "resource_specification"))}
        if body.get("result_serializers"):
            headers["result_serializers"] = list(body["result_serializers"])
        answer = {}
        for function in functions:
            answer[function.identity] = [
                self._send(request.account, group, endpoint, target, function, payload, headers, waits)
                for payload in wanted[function.identity]]
        return 200, {"request_id": self._service.ids.new("request"), "tasks": answer,
                     "task_group_id": group.identity, "endpoint_id": identity}

    @staticmethod
    def _tasks_of(body):
        wanted = body.get("tasks")
        if not isinstance(wanted, dict) or not wanted:
            raise errors.missing("tasks")
        for function, payloads in wanted.items():
            if not isinstance(payloads, list) or not payloads:
                raise errors.invalid(("body", "tasks", function), "ensure this value has at least 1 item")
            if not all(isinstance(payload, str) for payload in payloads):
                raise errors.invalid(("body", "tasks", function), "str type expected", "type_error.str")
        return wanted

    @staticmethod
    def _object(body, name):
        value = body.get(name)
        if value is not None and not isinstance(value, dict):
            raise errors.invalid(("body", name), "value is not a valid dict", "type_error.dict")
        return value

    def _function(self, identity, endpoint, account):
        function = self._service.functions.usable(identity, account)
        allowed = endpoint.allowed_functions
        if (self._service.settings.functions_enforced and allowed is not None
                and identity not in allowed):
            raise errors.compute(403, "Function %s not permitted on endpoint %s"
                                 % (identity, endpoint.identity), "FUNCTION_NOT_PERMITTED")
        return function

    def _target(self, endpoint, account, config, runtime):
        """Whose queue the tasks go to, alive unless the endpoint is away, and whether they wait."""
        online = self._service.endpoints.online(endpoint)
        if not endpoint.takes_configurations:
            return endpoint, not online
        one = self._service.user_endpoints.of(endpoint, account, config or {})
        one.runtime = runtime
        if not online:
            one.start_owed = True
        elif one.pulse.alive:
            self._service.user_endpoints.start(one)
        else:
            self._service.user_endpoints.start_and_wait(one)
        return one, not online

    def _send(self, account, group, endpoint, target, function, payload, headers, waits):
        task = self._service.tasks.add(account, group, endpoint, target)
        data = {"task_id": task.identity, "task_buffer": function.code + payload}
        if function.container:
            data["container_id"] = function.container
            data["container"] = self._service.containers.for_task(function.container)
        if waits:
            task.status = "waiting-for-ep"
        try:
            self._service.broker.publish(
                "tasks", target.identity + ".tasks", messages.pack("task", data),
                dict(headers, function_uuid=function.identity, task_uuid=task.identity))
        except Exception:
            self._service.tasks.forget([task])
            raise
        if task.status == "received":
            task.status = "waiting-for-nodes"
        return task.identity

    # ---- the old form: each task names its endpoint -------------------------------------------------

    def submit_v2(self, request):
        refuse_large(request, self._service.settings.max_body)
        body = request.json()
        wanted = body.get("tasks")
        if not isinstance(wanted, list):
            raise errors.missing("tasks")
        request.note("tasks", len(wanted))
        group = self._old_group(body.get("task_group_id"), request.account)
        if body.get("create_websocket_queue"):
            self._service.tasks.need_queue(group)
        results = [self._one_v2(task, group, request.account) for task in wanted]
        good = all(result["status"] == "success" for result in results)
        return 200 if good else 207, {
            "response": "success" if good else "batch", "task_group_id": group.identity,
            "results": results}

    def _old_group(self, identity, account):
        """Clients of long ago made up the ids of groups themselves."""
        try:
            return self._service.tasks.group(identity, account)
        except errors.Refused as error:
            if error.status != 404:
                raise
            return self._service.tasks.adopt_group(identity, account)

    def _one_v2(self, task, group, account):
        try:
            function_id, endpoint_id, payload = task
            endpoint = self._service.endpoints.usable(endpoint_id, account)
            function = self._function(function_id, endpoint, account)
            target, waits = self._target(endpoint, account, None, {})
            identity = self._send(account, group, endpoint, target, function, payload,
                                  {"resource_specification": "null"}, waits)
            return {"status": "success", "task_uuid": identity, "http_status_code": 200,
                    "reason": None}
        except errors.Refused as error:
            return dict(error.body, status="Failed", task_uuid=None)
        except (TypeError, ValueError):
            return dict(errors.failed(400, "a task is function, endpoint and payload"), task_uuid=None)
