# SPDX-License-Identifier: Apache-2.0
"""Tasks and task groups: what was sent, what came back, who asked for it."""
import time

import errors
import ids

OPEN = ("received", "waiting-for-ep", "waiting-for-nodes", "waiting-for-launch", "running")
REPORTED = {"waiting-for-nodes", "waiting-for-launch", "running"}


class Task:
    def __init__(self, identity, owner, group, endpoint, target):
        self.identity, self.owner, self.group = identity, owner, group
        self.endpoint, self.target = endpoint, target
        self.status = "received"
        self.created = time.time()
        self.outcome = {}

    @property
    def ended(self):
        return self.status in ("success", "failed")

    def finish(self, data):
        failed = data.get("error_details") is not None
        self.status = "failed" if failed else "success"
        self.outcome = {"exception" if failed else "result": data.get("data"),
                        "completion_t": str(time.time())}
        details = dict(data.get("details") or {})
        transitions = {one["state"]: one["timestamp"] / 1e9 for one in data.get("task_statuses") or []}
        if transitions:
            details["task_transitions"] = transitions
        if details:
            self.outcome["details"] = details

    def fail(self, text):
        self.status = "failed"
        self.outcome = {"exception": text, "completion_t": str(time.time())}

    def shown(self):
        return dict({"task_id": self.identity, "status": self.status}, **self.outcome)


class Group:
    def __init__(self, identity, owner):
        self.identity, self.owner = identity, owner
        self.tasks = []
        self.queue = None


class Tasks:
    def __init__(self, service):
        self._service = service
        self._tasks, self._groups = {}, {}
        self.routes = [
            ("GET", "/v2/tasks/{id}", self.show),
            ("POST", "/v2/batch_status", self.batch_status),
            ("GET", "/v2/taskgroup/{id}", self.show_group),
            ("GET", "/v2/get_amqp_result_connection_url", self.result_url),
        ]

    # ---- making ---------------------------------------------------------------------------------

    def group(self, identity, account):
        """An existing group, or a new one."""
        if identity is None:
            identity = self._service.ids.new("group")
            with self._service.changed:
                self._groups[identity] = Group(identity, account)
            return self._groups[identity]
        group = self._groups.get(identity)
        if group is None:
            raise errors.compute(404, "Task Group %s could not be resolved" % identity,
                                 "TASK_GROUP_NOT_FOUND")
        if group.owner is not account:
            raise errors.compute(403, "Unauthorized access to task group %s" % identity,
                                 "TASK_GROUP_ACCESS_FORBIDDEN")
        return group

    def adopt_group(self, identity, account):
        """A group under an id that the client chose."""
        if not ids.is_uuid(identity):
            raise errors.compute(400, "%r is not a UUID" % identity, "INVALID_UUID")
        with self._service.changed:
            self._groups[identity] = Group(identity, account)
        return self._groups[identity]

    def need_queue(self, group):
        """Where results of this group are delivered besides."""
        if group.queue is None:
            queue = self._service.queue_prefix + group.identity
            self._service.broker.add_queue(None, queue)
            group.queue = queue

    def add(self, account, group, endpoint, target):
        """A task whose payload goes to the queue of target, an endpoint or a user endpoint."""
        task = Task(self._service.ids.new("task"), account, group, endpoint, target)
        with self._service.changed:
            self._tasks[task.identity] = task
            group.tasks.append(task)
        return task

    def forget(self, tasks):
        with self._service.changed:
            for task in tasks:
                self._tasks.pop(task.identity, None)
                task.group.tasks.remove(task)

    # ---- what endpoints report --------------------------------------------------------------------

    def finished(self, data, body):
        task = self._tasks.get(data["task_id"])
        if task is None or task.ended or self._service.settings.results == "lost":
            return
        task.finish(data)
        if task.group.queue is not None:
            self._service.broker.publish(None, task.group.queue, body, None, int(time.time()))

    def reported(self, statuses):
        """The states of tasks that a heartbeat carries."""
        for identity, states in (statuses or {}).items():
            task = self._tasks.get(identity)
            if task is None or task.ended:
                continue
            for state in states if isinstance(states, list) else [states]:
                if isinstance(state, dict) and state.get("state") in REPORTED:
                    task.status = state["state"]

    def fail_all(self, target, text):
        for task in list(self._tasks.values()):
            if task.target is target and not task.ended:
                task.fail(text)

    def open_of(self, endpoint):
        return sum(task.endpoint is endpoint and not task.ended
                   for task in list(self._tasks.values()))

    def counts(self):
        counts = {}
        for task in list(self._tasks.values()):
            counts[task.status] = counts.get(task.status, 0) + 1
        return counts

    # ---- asking -----------------------------------------------------------------------------------

    def _fetched(self, identity, account):
        """What is known of a task; whoever fetches a result may be the last who can."""
        with self._service.changed:
            task = self._tasks.get(identity)
            if task is None or task.owner is not account:
                return None
            if task.ended and self._service.settings.results == "once":
                del self._tasks[identity]
            return task.shown()

    def show(self, request, identity):
        if not ids.is_uuid(identity):
            raise errors.compute(400, "%r is not a UUID" % identity, "INVALID_UUID")
        shown = self._fetched(identity, request.account)
        if shown is None:
            raise errors.compute(404, "Task %s could not be resolved" % identity, "TASK_NOT_FOUND")
        return 200, shown

    def batch_status(self, request):
        wanted = request.json().get("task_ids")
        if not isinstance(wanted, list):
            raise errors.missing("task_ids")
        request.note("tasks", len(wanted))
        results = {}
        for identity in wanted:
            shown = self._fetched(identity, request.account)
            if shown is not None:
                results[identity] = shown
        return 200, {"response": "batch", "results": results}

    def show_group(self, request, identity):
        group = self.group(identity, request.account)
        return 200, {"taskgroup_id": identity, "tasks": [
            {"id": task.identity, "created_at": time.strftime(
                "%Y-%m-%dT%H:%M:%S", time.gmtime(task.created))} for task in group.tasks]}

    def result_url(self, request):
        return 200, {"queue_prefix": self._service.queue_prefix,
                     "connection_url": self._service.broker.url}
