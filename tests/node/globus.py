#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A Globus Compute of one's own: broker, stand-in service and real endpoints in a network namespace.

In Python:

    with globus.Cloud() as cloud:
        builder = cloud.start_endpoint("builder")
        cloud.run(["sealift-upload", ...], check=True)   # in the namespace, logged in
        cloud.rules([{"path": "/v3/endpoints/*/submit", "action": "drop", "when": "after"}])

In shell: `python3 globus.py --endpoint builder --endpoint runner COMMAND ARGUMENT...` runs COMMAND in
the namespace with GLOBUS_ENDPOINT_BUILDER, GLOBUS_ENDPOINT_RUNNER, GLOBUS_CONTROL and the login in its
environment, and ends with its status.
"""
import argparse
import fnmatch
import http.client
import json
import os
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import uuid

import release

HERE = os.path.dirname(os.path.abspath(__file__))
NODE_UID = 20001
PREFIX = "sealift-"
SERVICE_SECONDS = 120
HEARTBEAT_SECONDS = 180
STOP_SECONDS = 30
AMQP_URL = "amqp://guest:guest@127.0.0.1:5672/%2F"
AUTH_URL = "http://localhost:5000/"

# Tasks as threads of the user endpoint (quick), in a worker of their own, or in a worker inside an image.
TEMPLATE = """\
heartbeat_period: 5
idle_heartbeats_soft: 24
engine:
{% if threads is defined and threads %}
  type: ThreadPoolEngine
  max_workers: {{ threads }}
{% else %}
  type: GlobusComputeEngine
  address: 127.0.0.1
  max_workers_per_node: 1
  {% if image is defined %}
  container_type: apptainer
  container_uri: {{ image }}
  container_cmd_options: {{ options|default('""') }}
  {% endif %}
  job_status_kwargs: {strategy_period: 0.5}
  provider: {type: LocalProvider, init_blocks: 1, min_blocks: 0, max_blocks: 1}
{% endif %}
"""
SCHEMA = {"type": "object", "additionalProperties": False, "properties": {
    "threads": {"type": "integer", "minimum": 1}, "image": {"type": "string"},
    "options": {"type": "string"}}}


class CloudError(Exception):
    """Something did not start or did not stop; the text says where to look."""


def node_folder():
    given = os.environ.get("SEALIFT_NODE")
    if given:
        return os.path.abspath(given)
    return subprocess.run(["sh", os.path.join(HERE, "up"), "--where"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout.strip()


class UnixConnection(http.client.HTTPConnection):
    """HTTP over the service's Unix socket, which is there in every network namespace."""

    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Namespace:
    """A network with nothing but `lo`."""

    def __init__(self, name):
        self.name = name
        ip("netns", "add", self.name)
        ip("-n", self.name, "link", "set", "lo", "up")

    def command(self, command):
        return ["ip", "netns", "exec", self.name] + list(command)

    def pids(self):
        return pids_of(self.name)

    def remove(self):
        end_processes(self.name)
        ip("netns", "del", self.name)


def ip(*arguments):
    done = subprocess.run(("ip",) + arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise CloudError("ip %s: %s" % (" ".join(arguments), done.stderr.strip()))
    return done.stdout


def pids_of(name):
    return [int(pid) for pid in ip("netns", "pids", name).split()]


def name_of(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            return file.read().replace(b"\0", b" ").decode("utf-8", "replace").strip()[:200]
    except OSError:
        return ""


def end_processes(name):
    """Ends what is still in the namespace, each process by its id."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + 5
        for pid in pids_of(name):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        while time.monotonic() < deadline:
            if not pids_of(name):
                return
            time.sleep(0.05)


def new_name():
    return "%s%d-%s" % (PREFIX, os.getpid(), secrets.token_hex(3))


def abandoned(names):
    """Those whose run was killed."""
    return [name for name in names if name.startswith(PREFIX)
            and not os.path.exists("/proc/" + name[len(PREFIX):].split("-")[0])]


def sweep(homes):
    """Removes what runs that were killed left behind."""
    for name in abandoned(line.split()[0] for line in ip("netns", "list").splitlines()):
        end_processes(name)
        ip("netns", "del", name)
    for name in abandoned(os.listdir(homes)):
        shutil.rmtree(os.path.join(homes, name), onerror=make_writable)


class Endpoint:
    """A real endpoint that runs: its id, its folder and its process."""

    def __init__(self, name, folder, process):
        self.name, self.folder, self.process = name, folder, process
        self.id = None

    def log(self):
        """Its own log and those of its user endpoints."""
        texts = []
        for folder, _, files in os.walk(self.folder):
            for file in files:
                if file.endswith((".log", ".err", ".stderr")):
                    with open(os.path.join(folder, file), encoding="utf-8", errors="replace") as text:
                        texts.append("--- %s\n%s" % (os.path.join(folder, file), text.read()))
        return "\n".join(texts)


class Cloud:
    """Starts broker and service; everything ends with `close` or the end of `with`."""

    def __init__(self, old=None):
        """With `old`, a folder that the script of that name has made, endpoints and SDK are of that release."""
        self.node = node_folder()
        self.release = release.Release(self.node, old)
        for part in ("cloud", "sdk", "endpoint"):
            if not os.path.exists(os.path.join(self.node, part + ".key")):
                raise CloudError("the node has no %s: run 'sh tests/node/up'" % part)
        self.endpoints, self._processes, self.unexpected = {}, [], []
        self.namespace = self.folder = self.home = self.broker = self.service = None
        try:
            self._prepare()
            self._start_broker()
            self._start_service()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- making ---------------------------------------------------------------------------------

    def _prepare(self):
        homes = os.path.join(self.node, "root/home/node")
        sweep(homes)
        name = new_name()
        self.folder = tempfile.mkdtemp(prefix="globus.")
        os.chmod(self.folder, 0o755)
        self.home = os.path.join(homes, name)
        os.mkdir(self.home)
        self.client_id, self.client_secret = str(uuid.uuid4()), secrets.token_hex(16)
        self.other_id, self.other_secret = str(uuid.uuid4()), secrets.token_hex(16)
        config = {
            "seed": os.path.basename(self.folder) + self.client_id, "auth_url": AUTH_URL,
            "amqp_url": AMQP_URL, "accounts": [
                {"name": "one", "identity": str(uuid.uuid4()),
                 "clients": {self.client_id: self.client_secret}},
                {"name": "other", "identity": str(uuid.uuid4()),
                 "clients": {self.other_id: self.other_secret}}]}
        path = os.path.join(self.folder, "service.json")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            json.dump(config, file)
        for place in (self.folder, self.home, path):
            os.chown(place, NODE_UID, NODE_UID)
        self.namespace = Namespace(name)

    def _enter(self, root, command, environment=(), binds=()):
        line = ["sh", os.path.join(HERE, "enter"), "--in", os.path.join(self.node, root)]
        for name, value in dict(environment).items():
            line += ["--env", "%s=%s" % (name, value)]
        for source, target in binds:
            line += ["--bind", source, target]
        return self.namespace.command(line + ["--"] + list(command))

    def _start(self, name, command, **options):
        """A process with a session of its own, whose output goes to a file in the run's folder."""
        environment = dict(os.environ, SEALIFT_NODE=self.node)
        with open(os.path.join(self.folder, name + ".log"), "ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, env=environment,
                                       start_new_session=True, **dict({"stdout": log}, **options))
        self._processes.append(process)
        return process

    def log(self, name):
        with open(os.path.join(self.folder, name + ".log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def _start_broker(self):
        """All its files lie in a /tmp of its own and end with it."""
        self.broker = self._start("broker", self._enter("cloud", ["sh", "-euc", """
            mkdir /tmp/db /tmp/log
            : >/tmp/plugins
            exec /usr/lib/rabbitmq/bin/rabbitmq-server"""], {
                "HOME": "/tmp", "RABBITMQ_NODENAME": "rabbit@localhost",
                "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_MNESIA_BASE": "/tmp/db",
                "RABBITMQ_LOG_BASE": "/tmp/log", "RABBITMQ_LOGS": "-",
                "RABBITMQ_PID_FILE": "/run/sealift/broker.pid",
                "RABBITMQ_ENABLED_PLUGINS_FILE": "/tmp/plugins", "ERL_EPMD_ADDRESS": "127.0.0.1",
                "RABBITMQ_SERVER_START_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            }, [(self.folder, "/run/sealift")]))

    def _start_service(self):
        self.service = self._start("service", self._enter(
            "cloud", ["/usr/bin/python3", "/srv/service.py", "/run/sealift/service.json",
                      "--socket", "/run/sealift/socket"],
            {"PYTHONDONTWRITEBYTECODE": "1"},
            [(self.folder, "/run/sealift"), (os.path.join(HERE, "service"), "/srv")]))
        self._wait(lambda: "ready" in self.log("service"), SERVICE_SECONDS, "the service",
                   (self.service, self.broker), ("service", "broker"))

    def _wait(self, done, seconds, what, processes=(), logs=()):
        deadline = time.monotonic() + seconds
        while not done():
            ended = [process for process in processes if process.poll() is not None]
            if ended or time.monotonic() > deadline:
                texts = "".join("--- %s\n%s" % (log, self.log(log)[-4000:]) for log in logs)
                raise CloudError("%s did not start%s\n%s" % (
                    what, ": a process ended" if ended else " in %d s" % seconds, texts))
            time.sleep(0.05)

    # ---- endpoints ------------------------------------------------------------------------------

    def start_endpoint(self, name, allowed_functions=None, environment=None, template=TEMPLATE,
                       schema=None, wait=True, by=None, binds=()):
        """Starts an endpoint, or the same again, and waits for its first heartbeat. Its folder is in
        the home of the user node; of the environment only what is given here gets there. by: a command
        that starts it with files of its own, in place of those written here."""
        folder = os.path.join(self.home, name)
        inside = release.USER_DIR + os.path.basename(self.home)
        place = {"PATH": self.release.bin + ":/usr/bin:/bin", "GLOBUS_COMPUTE_USER_DIR": inside,
                 **self.release.environment, **(environment or {})}
        settings = {**self.login(), **place}
        del settings["GLOBUS_SDK_ENVIRONMENT"]
        files = {} if by else self.release.endpoint_files(name, allowed_functions, template, schema or SCHEMA, place)
        os.makedirs(folder, exist_ok=True)
        for file, text in files.items():
            with open(os.path.join(folder, file), "w", encoding="utf-8") as out:
                out.write(text)
            os.chown(os.path.join(folder, file), NODE_UID, NODE_UID)
        os.chown(folder, NODE_UID, NODE_UID)
        before = self._beats(name)
        process = self._start(name, self._enter(
            "root", by or ["globus-compute-endpoint", "start", name], settings, [*self.release.binds, *binds]))
        endpoint = self.endpoints[name] = Endpoint(name, folder, process)
        if wait:
            self._wait(lambda: self._beats(name) > before, HEARTBEAT_SECONDS, "endpoint " + name,
                       (process, self.service), (name, "service"))
            endpoint.id = self._state_of(name)["id"]
        return endpoint

    def _state_of(self, name):
        found = [one for one in self.state()["endpoints"] if one["name"] == name]
        return found[-1] if found else None

    def _beats(self, name):
        state = self._state_of(name)
        return state["beats"] if state else 0

    def stop_endpoint(self, name):
        """By SIGTERM to the process that was started; its children end with it."""
        endpoint = self.endpoints.pop(name)
        endpoint.process.terminate()
        return self._ended(endpoint.process)

    @staticmethod
    def _ended(process, seconds=STOP_SECONDS):
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    # ---- clients --------------------------------------------------------------------------------

    def login(self, other=False):
        """The environment of a client, the SDK's as well as the uploader's."""
        client = (self.other_id, self.other_secret) if other else (self.client_id, self.client_secret)
        return {**self.release.login(*client), "GLOBUS_SDK_SERVICE_URL_AUTH": AUTH_URL,
                "GLOBUS_SDK_ENVIRONMENT": "local", "no_proxy": "localhost,127.0.0.1"}

    def run(self, command, environment=None, **options):
        """Runs a program of this machine in the namespace, logged in."""
        settings = dict(os.environ, **self.login())
        settings.update(environment or {})
        return subprocess.run(self.namespace.command(command), env=settings, **options)

    def sdk(self, script, *arguments, environment=None, timeout=120):
        """Runs a Python script with the unmodified SDK; returns what ran, with its output as text."""
        return subprocess.run(self.sdk_command(script, *arguments, environment=environment),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=timeout, env=dict(os.environ, SEALIFT_NODE=self.node))

    def sdk_command(self, script, *arguments, environment=None, user_folder=None):
        """The command of `sdk`. user_folder: where the SDK keeps logins, a folder of this machine;
        with it, it is a person who logs in and not a client."""
        settings = {"GLOBUS_COMPUTE_USER_DIR": "/tmp/sdk", "PYTHONUNBUFFERED": "1", **self.release.environment}
        settings.update(self.login())
        settings.update(environment or {})
        binds = [(os.path.dirname(os.path.abspath(script)), "/srv")] + self.release.binds
        if user_folder is not None:
            for variable in self.release.login("", ""):
                del settings[variable]
            settings["GLOBUS_COMPUTE_USER_DIR"] = "/run/login"
            os.chown(user_folder, NODE_UID, NODE_UID)
            binds.append((user_folder, "/run/login"))
        return self._enter("cloud", [self.release.bin + "/python", "/srv/" + os.path.basename(script)]
                           + list(arguments), settings, binds)

    def endpoint_python(self, script, *arguments, timeout=120):
        """Runs a Python script of this folder with the packages of an endpoint."""
        command = self._enter("root", [self.release.bin + "/python", "/srv/" + os.path.basename(script), *arguments],
                              {"PYTHONUNBUFFERED": "1", **self.release.environment},
                              [(os.path.dirname(os.path.abspath(script)), "/srv"), *self.release.binds])
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=timeout, env=dict(os.environ, SEALIFT_NODE=self.node))

    def sdk_here(self, script, *arguments, environment=None, packages=(), timeout=300):
        """As `sdk`, among this machine's programs and files; packages: folders of Python packages."""
        command, settings = self.release.python_here()
        settings["PYTHONPATH"] = os.pathsep.join([*map(str, packages), settings["PYTHONPATH"]])
        settings.update(GLOBUS_COMPUTE_USER_DIR=os.path.join(self.folder, "sdk"), PYTHONUNBUFFERED="1",
                        PYTHONDONTWRITEBYTECODE="1")
        return self.run([*command, str(script), *arguments], environment={**settings, **(environment or {})},
                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                        timeout=timeout)

    def request(self, method, path, body=None, headers=None, timeout=120):
        """A plain request over the Unix socket: status, headers, body."""
        connection = UnixConnection(os.path.join(self.folder, "socket"), timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def log_in(self, url):
        """What a person does at the page that a program asked for: returns the code."""
        status, _, page = self.request("GET", url[len(AUTH_URL) - 1:])
        found = re.search(rb"<code>([^<]+)</code>", page)
        if status != 200 or found is None:
            raise CloudError("the login page answers %d %s" % (status, page.decode()))
        return found.group(1).decode()

    # ---- control --------------------------------------------------------------------------------

    def control(self, method, path, value=None):
        body = None if value is None else json.dumps(value)
        status, _, answer = self.request(method, "/control/" + path, body)
        if status != 200:
            raise CloudError("%s %s: %d %s" % (method, path, status, answer.decode()))
        return json.loads(answer)

    def state(self):
        return self.control("GET", "state")

    def rules(self, rules):
        return self.control("PUT", "rules", rules)

    def settings(self, **values):
        return self.control("PUT", "settings", values)

    def journal(self, method="*", path="*"):
        """The requests that match, oldest first."""
        return [entry for entry in self.control("GET", "journal")
                if fnmatch.fnmatchcase(entry["method"], method)
                and fnmatch.fnmatchcase(entry["path"], path)]

    def reset(self):
        """No faults, no settings, an empty journal."""
        for what in ("rules", "settings", "journal"):
            self.control("DELETE", what)

    # ---- ending ---------------------------------------------------------------------------------

    def close(self):
        """Ends everything that was started; `unexpected` names what had to be ended besides."""
        for endpoint in self.endpoints.values():
            endpoint.process.terminate()
        for endpoint in self.endpoints.values():
            self._ended(endpoint.process)
        if self.namespace is not None:
            self._settle()
            if self.service is not None:
                self.service.terminate()
                self._ended(self.service)
            self._stop_broker()
        for process in self._processes:
            if process.poll() is None:
                process.terminate()
                self._ended(process)
        if self.namespace is not None:
            left = [name_of(pid) for pid in self.namespace.pids()]
            self.unexpected += [line for line in left if line and "epmd" not in line.split()[0]]
            self.namespace.remove()
        self._remove_folders()
        self.endpoints, self._processes, self.namespace = {}, [], None

    def _settle(self):
        """User endpoints and workers end a moment after their manager; or by us, where it is known that
        they do not."""
        names = {pid: name_of(pid) for pid in self.namespace.pids()}
        for pid in (pid for pid, name in names.items() if any(word in name for word in self.release.left_behind)):
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        words = ("globus-compute-endpoint", "process_worker_pool", *self.release.left_behind)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            if not any(word in name_of(pid) for pid in self.namespace.pids() for word in words):
                return
            time.sleep(0.05)

    def _stop_broker(self):
        path = os.path.join(self.folder, "broker.pid")
        try:
            with open(path, encoding="ascii") as file:
                pid = int(file.read())
        except (OSError, ValueError):
            return
        if pid in self.namespace.pids():
            os.kill(pid, signal.SIGTERM)
            self._ended(self.broker)

    def _remove_folders(self):
        for folder in (self.home, self.folder):
            if folder is not None:
                shutil.rmtree(folder, onerror=make_writable)


def make_writable(function, path, _):
    """Removes what its owner made read-only."""
    os.chmod(os.path.dirname(path), stat.S_IRWXU)
    function(path)


def main():
    parser = argparse.ArgumentParser(
        description="Runs a command with a broker, a service and endpoints of its own.")
    parser.add_argument("--endpoint", action="append", default=[], metavar="NAME",
                        help="start an endpoint; its id is in GLOBUS_ENDPOINT_NAME")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if not options.command:
        parser.error("which command?")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with Cloud() as cloud:
        found = {"GLOBUS_CONTROL": os.path.join(cloud.folder, "socket"),
                 "GLOBUS_NAMESPACE": cloud.namespace.name, "SEALIFT_NODE": cloud.node}
        for name in options.endpoint:
            found["GLOBUS_ENDPOINT_" + name.upper().replace("-", "_")] = cloud.start_endpoint(name).id
        status = cloud.run(options.command, found).returncode
    for line in cloud.unexpected:
        print("globus: had to be ended: " + line, file=sys.stderr)
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    try:
        main()
    except CloudError as error:
        sys.exit("globus: %s" % error)
