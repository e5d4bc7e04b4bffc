# SPDX-License-Identifier: Apache-2.0
"""A Globus Compute of one process: login, web API, endpoint and worker on one loopback port.

It runs the function that was registered, with the arguments that were submitted, in a Python of its
own, and packs the result as a worker would. What a task has answered is handed out once. `faults`
says which requests go wrong, and how.
"""
import base64
import collections
import http.server
import json
import pickle
import re
import subprocess
import sys
import threading
import time
import uuid

LARGEST_SUBMIT = 10000000
LARGEST_RESULT = 10 << 20
RUNNER = """
import json, sys
name, source, arguments = json.load(sys.stdin)
module = {"__name__": "worker"}
exec(compile(source, name, "exec"), module)
sys.stdout.write(module[name](*arguments))
"""


def unpack(text):
    """Buffers that stand one behind the other, each after its length in code points."""
    buffers = []
    while text:
        length, _, text = text.partition("\n")
        buffers.append(text[:int(length)])
        assert len(buffers[-1]) == int(length), "a buffer ends early"
        text = text[int(length):]
    return buffers


def read(buffer):
    kind, _, body = buffer.partition("\n")
    if kind == "st":
        return tuple(body.split(":", 1))
    if kind == "11":
        return json.loads(body)
    if kind in ("00", "04"):
        return pickle.loads(base64.b64decode(body))
    raise ValueError("Invalid header: %s\n in data payload" % kind)


class Task:
    def __init__(self, group, text, as_json):
        self.id, self.group, self.text, self.as_json = str(uuid.uuid4()), group, text, as_json
        self.answer = None


class Service:
    """`reads`: headers that workers understand. `busy`: set while tasks may run."""

    def __init__(self, environment, version="4.19.0", reads=("st", "11", "04", "00"), port=0):
        self.environment, self.version, self.reads = environment, version, reads
        self.endpoint = str(uuid.uuid4())
        self.functions, self.tasks, self.allowed = {}, {}, None
        self.unread = 0  # tasks whose form is not read here
        self.faults = collections.defaultdict(list)  # path pattern -> what happens to the next ones
        self.seen = []  # (method, path, bytes of the body)
        self.requests = []  # what the agent was asked: the text of each payload
        self.lock, self.busy = threading.Condition(), threading.Event()
        self.busy.set()
        self.online = True
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle_one(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                service.answer(self, body)

            do_GET = do_POST = handle_one

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a client that was killed
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        self.threads = [threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True),
                        threading.Thread(target=self.work, daemon=True)]
        self.ended = False
        for thread in self.threads:
            thread.start()

    def close(self):
        with self.lock:
            self.ended = True
            self.lock.notify_all()
        self.busy.set()
        self.server.shutdown()
        self.server.server_close()
        for thread in self.threads:
            thread.join()

    # ---- the worker -----------------------------------------------------------------------------

    def work(self):
        while True:
            with self.lock:
                waiting = [task for task in self.tasks.values() if task.answer is None]
                if self.ended:
                    return
                if not waiting or not self.busy.is_set():
                    self.lock.wait(0.02)
                    continue
            self.carry_out(waiting[0])

    def carry_out(self, task):
        try:
            answer = {"status": "success", "result": self.call(task)}
        except Exception as problem:
            answer = {"status": "failed", "exception": "Traceback:\n%s: %s" % (type(problem).__name__, problem)}
        with self.lock:
            task.answer = dict(answer, task_id=task.id, completion_t=str(time.time()))

    def call(self, task):
        buffers = unpack(task.text)
        assert len(buffers) == 3, "%d buffers" % len(buffers)
        for buffer in buffers:
            if buffer[:2] not in self.reads:
                self.unread += 1
                raise ValueError("Invalid header: %s\n in data payload" % buffer[:2])
        (name, source), arguments, keywords = map(read, buffers)
        assert keywords == {}
        self.requests.append(arguments[0])
        done = subprocess.run([sys.executable, "-I", "-c", RUNNER], env=self.environment, text=True,
                              input=json.dumps([name, source, list(arguments)]), capture_output=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        packed = "11\n" + json.dumps(done.stdout) if task.as_json else (
            "00\n" + base64.encodebytes(pickle.dumps(done.stdout, protocol=4)).decode())
        if len(packed) > LARGEST_RESULT:
            raise RuntimeError("MaxResultSizeExceeded(%d, %d)" % (len(packed), LARGEST_RESULT))
        return packed

    # ---- the web API ----------------------------------------------------------------------------

    def fault(self, method, path, size):
        """The next one; a number waits for a body of so many bytes, which vanishes."""
        for pattern, actions in self.faults.items():
            if actions and re.fullmatch(pattern, "%s %s" % (method, path)):
                if type(actions[0]) is not int:
                    return actions.pop(0)
                return "vanish" if size >= actions[0] and actions.pop(0) else None
        return None

    def answer(self, handler, body):
        method, path = handler.command, handler.path.partition("?")[0]
        with self.lock:
            self.seen.append((method, path, len(body)))
            fault = self.fault(method, path, len(body))
        if fault == "vanish":  # as if it had never arrived
            return self.hang_up(handler)
        if type(fault) is tuple:
            return self.reply(handler, fault[0], fault[1])
        try:
            status, value = self.route(handler, method, path, body)
        except Exception as problem:
            status, value = 500, {"code": "INTERNAL", "reason": repr(problem)}
        if fault == "drop":  # it has happened, and nobody hears of it
            return self.hang_up(handler)
        return self.reply(handler, status, value)

    @staticmethod
    def hang_up(handler):
        handler.close_connection = True
        handler.connection.close()

    @staticmethod
    def reply(handler, status, value):
        data = json.dumps(value).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def route(self, handler, method, path, body):
        if path == "/v2/oauth2/token":
            return 200, {"access_token": "token", "scope": "https://auth.globus.org/scopes/facd7ccc-c5f4-42aa-"
                         "916b-a0e270e2c2a9/all", "expires_in": 172800, "token_type": "Bearer",
                         "resource_server": "funcx_service", "other_tokens": []}
        if handler.headers.get("Authorization") != "Bearer token":
            return 401, {"code": "USER_UNAUTHENTICATED", "reason": "no token"}
        value = json.loads(body) if body else None
        with self.lock:
            return self.compute(method, path, value, len(body))

    def compute(self, method, path, value, size):
        endpoint = "/endpoints/%s" % self.endpoint
        if (method, path) == ("GET", "/v2" + endpoint):
            return 200, {"uuid": self.endpoint, "name": "here", "endpoint_version": self.version}
        if (method, path) == ("GET", "/v2%s/status" % endpoint):
            return 200, {"status": "online" if self.online else "offline"}
        if (method, path) == ("GET", "/v3%s/allowed_functions" % endpoint):
            return 200, {"endpoint_id": self.endpoint, "restricted": self.allowed is not None,
                         "functions": self.allowed or []}
        if (method, path) == ("POST", "/v3/functions"):
            name = str(uuid.uuid4())
            self.functions[name] = value["function_code"]
            return 200, {"function_uuid": name}
        if (method, path) == ("POST", "/v3%s/submit" % endpoint):
            return self.submit(value, size)
        if (method, path) == ("POST", "/v2/batch_status"):
            return 200, {"response": "batch", "results": self.status(value["task_ids"])}
        match = re.fullmatch(r"/v2/taskgroup/([0-9a-f-]{36})", path)
        if match:
            found = [{"id": task.id, "created_at": "2026"} for task in self.tasks.values()
                     if task.group == match.group(1)]
            return 200 if found else 404, {"taskgroup_id": match.group(1), "tasks": found}
        return 404, {"code": "ENDPOINT_NOT_FOUND", "reason": "no such thing: %s %s" % (method, path)}

    def submit(self, value, size):
        if size > LARGEST_SUBMIT:
            return 413, {"code": "TASK_PAYLOAD_TOO_LARGE", "reason": "too large"}
        group = value.get("task_group_id")
        if group and not any(task.group == group for task in self.tasks.values()):
            return 404, {"code": "TASK_GROUP_NOT_FOUND", "reason": "no such group"}
        group = group or str(uuid.uuid4())
        ids = {}
        for function, payloads in value["tasks"].items():
            if function not in self.functions:
                return 404, {"code": "FUNCTION_NOT_FOUND", "reason": "no such function"}
            made = [Task(group, self.functions[function] + payload, "result_serializers" in value)
                    for payload in payloads]
            self.tasks.update((task.id, task) for task in made)
            ids[function] = [task.id for task in made]
        self.lock.notify_all()
        return 200, {"request_id": str(uuid.uuid4()), "task_group_id": group,
                     "endpoint_id": self.endpoint, "tasks": ids}

    def status(self, ids):
        results = {}
        for name in ids:
            task = self.tasks.get(name)
            if task is None or task.answer == "fetched":
                continue
            if task.answer is None:
                results[name] = {"task_id": name, "status": "running" if self.online else "waiting-for-ep"}
            else:
                results[name], task.answer = task.answer, "fetched"
        return results

    # ---- what tests ask -------------------------------------------------------------------------

    def count(self, method, pattern):
        return sum(1 for one in self.seen if one[0] == method and re.fullmatch(pattern, one[1]))

    def submits(self):
        return self.count("POST", r"/v3/endpoints/[^/]+/submit")

    def calls(self):
        """All that the agent was asked, in order."""
        return [call for text in self.requests for call in json.loads(text)["calls"]]

    def bytes_put(self):
        """How often each byte of each object came: {sha256: [size of each piece]}."""
        came = collections.defaultdict(list)
        for call in self.calls():
            if call["op"] == "put":
                for entry in call["objects"]:
                    came[entry["sha256"]].append((entry.get("offset", 0), entry["size"]))
        return came
