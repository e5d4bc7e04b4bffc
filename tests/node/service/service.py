#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The stand-in for Globus Auth and the Globus Compute web service, on a real broker.

It never looks into functions, arguments and results: it joins the first two and hands on the third.
"""
import argparse
import json
import os
import signal
import sys
import threading

import app
import auth
import broker
import containers
import control
import endpoints
import errors
import functions
import ids
import journal
import rules
import settings
import submit
import tasks
import user_endpoints

VERSIONS = {"api": "1.0.9", "min_sdk_version": "1.0.10", "min_ep_version": "1.0.10", "git_sha": "0"}


class Service:
    """All parts; `changed` guards their state and tells of heartbeats."""

    queue_prefix = "group."

    def __init__(self, config, make_broker):
        self.changed = threading.Condition(threading.RLock())
        self.ids = ids.Ids(config["seed"])
        self.settings = settings.Settings()
        self.rules = rules.Rules()
        self.journal = journal.Journal()
        self._rates = journal.RateLimit()
        accounts = [auth.Account(one["name"], one["identity"], one["clients"])
                    for one in config["accounts"]]
        self.auth = auth.Auth(accounts, self.ids, self.settings, config["auth_url"])
        self.functions = functions.Functions(self)
        self.containers = containers.Containers(self)
        self.endpoints = endpoints.Endpoints(self)
        self.user_endpoints = user_endpoints.UserEndpoints(self)
        self.tasks = tasks.Tasks(self)
        self.submit = submit.Submit(self)
        self.broker = make_broker(self.message)
        routes = [("GET", "/v2/version", self.version), ("GET", "/v2/authenticate", self.authenticated)]
        for part in (self.auth, self.functions, self.containers, self.endpoints, self.tasks,
                     self.submit, control.Control(self)):
            routes += part.routes
        self.router = app.Router(routes)

    # ---- requests -------------------------------------------------------------------------------

    def authenticate(self, request):
        token = self.auth.bearer(request, "funcx_service")
        if token is not None and auth.COMPUTE_SCOPE in token.scope.split():
            request.account, request.client = token.account, token.client

    def need_account(self, request):
        if request.account is None:
            known = request.headers.get("Authorization")
            raise errors.compute(401, "Credentials are missing, expired or not for this service",
                                 "INVALID_AUTH_TOKEN" if known else "USER_UNAUTHENTICATED")

    def need_patience(self, request):
        limit = self.settings.rate_limit
        if limit is None or not self._rates.exceeded(request.client, limit):
            return
        after = limit.get("retry_after")
        raise errors.compute(429, "Too many requests", "TOO_MANY_REQUESTS",
                             {} if after is None else {"Retry-After": str(after)})

    def version(self, request):
        return 200, VERSIONS if request.query.get("service") == "all" else VERSIONS["api"]

    def authenticated(self, request):
        return 200, {"identity": request.account.identity}

    # ---- messages -------------------------------------------------------------------------------

    def message(self, body):
        """What an endpoint sends: results and heartbeats."""
        kind, data = broker.unpack(body)
        with self.changed:
            if kind == "result":
                self.tasks.finished(data, body)
            elif kind == "ep_status_report":
                self._heartbeat(data)
            self.changed.notify_all()

    def _heartbeat(self, data):
        state = data.get("global_state") or {}
        self.tasks.reported(data.get("task_statuses"))
        one = self.user_endpoints.get(data["endpoint_id"])
        if one is not None:
            self.user_endpoints.heard(one, state)
            return
        endpoint = self.endpoints.get(data["endpoint_id"])
        if endpoint is not None:
            self.endpoints.heard(endpoint, state)


def serve(server):
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("config", help="JSON: seed, auth_url, accounts, amqp_url")
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--socket", help="a Unix socket with the same routes")
    options = parser.parse_args()
    with open(options.config, encoding="utf-8") as file:
        config = json.load(file)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

    def lost():
        print("the connection to the broker is lost", file=sys.stderr, flush=True)
        os._exit(1)

    service = Service(config, lambda message: broker.Broker(config["amqp_url"], message, lost))
    service.broker.start_and_wait()
    serve(app.TcpServer(("127.0.0.1", options.port), service))
    if options.socket:
        serve(app.UnixServer(options.socket, service))
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
