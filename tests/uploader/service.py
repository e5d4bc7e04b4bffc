# SPDX-License-Identifier: Apache-2.0
"""A compute service on this machine, small enough to read: what is submitted to its one endpoint is
run by the real agent at once. (The one in tests/node/service has real endpoints behind it.)"""
import http.server
import json
import re
import subprocess
import sys
import threading
import uuid

ENDPOINT = "11111111-2222-4333-8444-555555555555"
TOKEN = "canary-token"


def unpacked(payload):
    """The one text that a payload of the form 11 carries."""
    length, _, rest = payload.partition("\n")
    buffer = rest[:int(length)]
    assert buffer.startswith("11\n"), buffer[:20]
    text, = json.loads(buffer[3:])
    return text


class Service:
    def __init__(self, agent, env):
        self.agent, self.env = agent, env
        self.metadata = {"uuid": ENDPOINT, "name": "big", "endpoint_version": "4.19.0",
                         "python_version": "3.14.10", "user_config_template": "engine: x\n"}
        self.allowed = {"endpoint_id": ENDPOINT, "restricted": False, "functions": []}
        self.functions, self.results, self.authorizations = {}, {}, set()
        self.fault = {}  # path: (status, body)
        handler = type("Handler", (Handler,), {"service": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def ask_agent(self, text):
        done = subprocess.run([sys.executable, "-I", self.agent], input=text + "\n", env=self.env,
                              capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.rstrip("\n")

    def answer(self, method, path, body):
        if path in self.fault:
            return self.fault[path]
        if path == f"/v2/endpoints/{ENDPOINT}":
            return 200, self.metadata
        if path == f"/v2/endpoints/{ENDPOINT}/status":
            return 200, {"status": "online"}
        if path == f"/v3/endpoints/{ENDPOINT}/allowed_functions":
            return 200, self.allowed
        if (method, path) == ("POST", "/v3/functions"):
            name = str(uuid.uuid4())
            self.functions[name] = body
            return 200, {"function_uuid": name}
        if (method, path) == ("POST", f"/v3/endpoints/{ENDPOINT}/submit"):
            return 200, self.submit(body)
        if (method, path) == ("POST", "/v2/batch_status"):
            return 200, {"response": "batch", "results": {one: self.results.pop(one, {
                "status": "failed", "reason": "unknown task"}) for one in body["task_ids"]}}
        if re.match("/v2/taskgroup/", path):
            return 200, {"taskgroup_id": path.rsplit("/", 1)[1], "tasks": []}
        return 404, {"code": "NOT_FOUND", "detail": f"there is no {path}"}

    def submit(self, body):
        made = {}
        for function, payloads in body["tasks"].items():
            made[function] = [str(uuid.uuid4()) for _ in payloads]
            for task, payload in zip(made[function], payloads):
                text = self.ask_agent(unpacked(payload))
                self.results[task] = {"task_id": task, "status": "success", "result": "11\n" + json.dumps(text)}
        group = body.get("task_group_id") or str(uuid.uuid4())
        return {"request_id": str(uuid.uuid4()), "task_group_id": group, "endpoint_id": ENDPOINT, "tasks": made}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service = None

    def do(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.service.authorizations.add(self.headers.get("Authorization"))
        status, value = self.service.answer(self.command, self.path.partition("?")[0],
                                            json.loads(body) if body else None)
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do

    def handle(self):
        try:
            super().handle()
        except ConnectionError:
            pass  # whoever asked has ended meanwhile

    def log_message(self, *_):
        pass
