# SPDX-License-Identifier: Apache-2.0
"""The stand-in service in this process, on a broker that only writes down what it is given."""
import http.client
import json
import os
import sys
import urllib.parse
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "node", "service"))
import app  # noqa: E402
import auth  # noqa: E402
import broker  # noqa: E402
import service  # noqa: E402

CLIENT, SECRET = "11111111-1111-4111-8111-111111111111", "a secret"
OTHER, OTHER_SECRET = "22222222-2222-4222-8222-222222222222", "another secret"
NATIVE = "33333333-3333-4333-8333-333333333333"
SCOPE = auth.COMPUTE_SCOPE
TEMPLATE = {"user_config_template": "engine: x", "user_config_schema": {}, "endpoint_version": "4.19.0"}


class Papers:
    """A broker without queues: what is published is kept, start commands get an answer."""

    url = "amqp://nobody"

    def __init__(self, on_message):
        self.on_message = on_message
        self.queues, self.published = [], []
        self.start_error = None

    def info(self, exchange, queue):
        return {"connection_url": self.url, "exchange": exchange, "queue": queue}

    def publishing_info(self, name, identity):
        return dict(self.info(name, name), queue_publish_kwargs={
            "exchange": name, "routing_key": "%s.%s" % (identity, name)})

    def add_queue(self, exchange, queue):
        self.queues.append((exchange, queue))

    def empty_queue(self, queue):
        self.published = [one for one in self.published if one[1] != queue]

    def publish(self, exchange, queue, body, headers=None, timestamp=None):
        self.published.append((exchange, queue, body, headers))
        if exchange == "commands":
            kwargs = json.loads(body)["kwargs"]
            identity = kwargs["amqp_creds"]["endpoint_id"]
            if self.start_error is None:
                self.beat(identity)
            else:
                self.beat(identity, error=self.start_error)
                self.beat(kwargs["name"].split(".")[1], error="(SystemExit) 73")

    def beat(self, identity, period=30, **state):
        self.on_message(broker.pack("ep_status_report", {
            "endpoint_id": identity, "global_state": dict(state, heartbeat_period=period),
            "task_statuses": {}}))

    def result(self, task, data="11\n1", error=None):
        self.on_message(broker.pack("result", {
            "task_id": task, "data": data, "error_details": error, "details": {"os": "x"},
            "task_statuses": [{"timestamp": 1500000000, "state": "execution-start"}]}))

    def tasks(self):
        """Queue, message and headers of every task that was sent."""
        return [(queue, broker.unpack(body)[1], headers)
                for exchange, queue, body, headers in self.published if exchange == "tasks"]


class Standing:
    """Service and server, and one client of them."""

    def __init__(self):
        self.service = service.Service({
            "seed": "test", "auth_url": "http://localhost/", "accounts": [
                {"name": "one", "identity": str(uuid.uuid4()), "clients": {CLIENT: SECRET}},
                {"name": "other", "identity": str(uuid.uuid4()), "clients": {OTHER: OTHER_SECRET}}],
        }, Papers)
        self.broker = self.service.broker
        self.server = app.TcpServer(("127.0.0.1", 0), self.service)
        service.serve(self.server)
        self.tokens = {}

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def raw(self, method, path, body=None, headers=None, timeout=10):
        connection = http.client.HTTPConnection(*self.server.server_address, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def form(self, path="/v2/oauth2/token", basic=None, **fields):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if basic:
            import base64
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(basic).encode()).decode()
        status, _, body = self.raw("POST", path, urllib.parse.urlencode(fields), headers)
        return status, json.loads(body)

    def login(self, client=CLIENT, secret=SECRET):
        answer = self.form(basic=(client, secret), grant_type="client_credentials", scope=SCOPE)[1]
        self.tokens[client] = answer["access_token"]
        return answer

    def call(self, method, path, body=None, client=CLIENT):
        """Status and JSON of a request with a token."""
        if client not in self.tokens:
            self.login(*((CLIENT, SECRET) if client == CLIENT else (OTHER, OTHER_SECRET)))
        text = None if body is None else json.dumps(body)
        status, _, answer = self.raw(method, path, text, {
            "Authorization": "Bearer " + self.tokens[client], "Content-Type": "application/json"})
        return status, json.loads(answer)

    def control(self, method, path, value=None):
        text = None if value is None else json.dumps(value)
        status, _, answer = self.raw(method, "/control/" + path, text)
        return status, json.loads(answer)

    # ---- steps that many tests begin with ---------------------------------------------------------

    def endpoint(self, beat=True, **more):
        body = dict({"endpoint_name": "e", "metadata": TEMPLATE}, **more)
        identity = self.call("POST", "/v3/endpoints", body)[1]["endpoint_id"]
        if beat:
            self.broker.beat(identity)
        return identity

    def function(self, code="7\nst\nf:x", client=CLIENT, **more):
        meta = {"python_version": "3.11", "sdk_version": "4.19.0", "serde_identifier": "st"}
        body = dict({"function_name": "f", "function_code": code, "meta": meta}, **more)
        return self.call("POST", "/v3/functions", body, client)[1]["function_uuid"]

    def submit(self, endpoint, function, payloads=("a",), client=CLIENT, **more):
        return self.call("POST", "/v3/endpoints/%s/submit" % endpoint,
                         dict({"tasks": {function: list(payloads)}}, **more), client)
