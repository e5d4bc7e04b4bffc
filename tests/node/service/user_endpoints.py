# SPDX-License-Identifier: Apache-2.0
"""User endpoints: one for each endpoint, account and configuration; started by a command."""
import json
import threading
import time

import errors
from endpoints import Pulse


class UserEndpoint:
    def __init__(self, identity, endpoint, account, config):
        self.identity, self.endpoint, self.account = identity, endpoint, account
        self.config, self.runtime = config, {}
        self.pulse = Pulse()
        self.error = None
        self.starts = 0
        self.waiting = 0
        self.start_owed = False

    @property
    def task_queue(self):
        return self.identity + ".tasks"

    def shown(self):
        return {"id": self.identity, "config": self.config, "alive": self.pulse.alive,
                "beats": self.pulse.count, "starts": self.starts, "error": self.error}


class UserEndpoints:
    def __init__(self, service):
        self._service = service
        self._by_id = {}
        # Not `changed`: that one is taken by whoever handles a message, and the broker is asked here.
        self._making = threading.Lock()

    def get(self, identity):
        return self._by_id.get(identity)

    def of(self, endpoint, account, config):
        """The user endpoint of this configuration; its queue exists from here on."""
        key = json.dumps([account.identity, config], sort_keys=True)
        with self._making:
            one = endpoint.user_endpoints.get(key)
            if one is None:
                identity = self._service.ids.of("uep/%s/%s" % (endpoint.identity, key))
                one = UserEndpoint(identity, endpoint, account, config)
                self._service.broker.add_queue("tasks", one.task_queue)
                with self._service.changed:
                    endpoint.user_endpoints[key] = self._by_id[identity] = one
        return one

    # ---- starting -------------------------------------------------------------------------------

    def _command(self, one):
        account, identity, broker = one.account, one.identity, self._service.broker
        return {
            "command": "cmd_start_endpoint", "args": [], "globus_username": account.username,
            "globus_effective_identity": account.identity,
            "globus_identity_set": [{"sub": account.identity}],
            "kwargs": {
                "name": "uep.%s.%s" % (one.endpoint.identity, identity), "user_opts": one.config,
                "user_runtime": one.runtime, "amqp_creds": {
                    "endpoint_id": identity,
                    "task_queue_info": broker.info("tasks", one.task_queue),
                    "result_queue_info": broker.publishing_info("results", identity),
                    "heartbeat_queue_info": broker.publishing_info("heartbeats", identity)}}}

    def start(self, one):
        """Sends the command; an endpoint that runs already takes it for a sign of interest."""
        with self._service.changed:
            one.starts += 1
            one.start_owed = False
            one.error = None
        self._service.broker.publish("commands", one.endpoint.identity + ".commands",
                                     json.dumps(self._command(one)).encode(), None,
                                     int(time.time()))

    def start_waiting(self, endpoint):
        """What was sent while the endpoint was away."""
        for one in list(endpoint.user_endpoints.values()):
            if one.start_owed:
                self.start(one)

    def start_and_wait(self, one):
        """Until its first heartbeat; what went wrong instead is the answer to the submit."""
        with self._service.changed:
            one.waiting += 1
        self.start(one)
        with self._service.changed:
            self._service.changed.wait_for(lambda: one.pulse.alive or one.error is not None,
                                           self._service.settings.start_timeout)
            one.waiting -= 1
            error, alive = one.error, one.pulse.alive
        if error is not None:
            raise errors.compute(422, "Request payload failed validation: " + error)
        if not alive:
            raise errors.compute(422, "Request payload failed validation: the user endpoint did"
                                 " not start in %s s" % self._service.settings.start_timeout)

    # ---- what endpoints report ------------------------------------------------------------------

    def heard(self, one, state):
        if "error" in state:
            self._failed(one, str(state["error"]))
            return
        one.pulse.beat(state.get("heartbeat_period", 30), state.get("active", True))

    def _failed(self, one, text):
        one.error = text
        one.endpoint.reports_to_come += 1
        if not one.waiting:
            # The submit was answered long ago: its tasks end with the text.
            self._service.broker.empty_queue(one.task_queue)
            self._service.tasks.fail_all(one, text)

    def manager_failed(self, endpoint, text):
        """The endpoint's own report of a failed start. As a rule it follows the better one above."""
        if endpoint.reports_to_come:
            endpoint.reports_to_come -= 1
            return
        for one in endpoint.user_endpoints.values():
            if one.waiting and one.error is None and not one.pulse.alive:
                one.error = str(text)
