#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A loopback HTTP server that misbehaves as it is told.

usage: server.py [--tls CERTIFICATE KEY]

Prints its port, then obeys lines on its input, answering each with one line:

  script NAME JSON   what requests to /NAME/... get, one step after the other, the last for ever;
                     those of somebody who takes us for a proxy go to the name "proxy"
  log NAME           the requests seen there, as JSON

A step is an object. Without members: 200 with the body {}.

  status, headers [[name, value]...], body   of the answer
  only TEXT          401 unless this is the Authorization header
  reflect true       the body is the request's headers and body, as JSON
  length N           the Content-Length that is claimed; null for none, and the end by closing
  cut N              closes after N bytes of the body
  drop "before"      closes when the request line has come; "after": when all of it has been read
  early true         answers before the request's body has been read, then closes
  silent true        reads the request and says nothing until it ends
  drip SECONDS       a pause after each byte of the body
  endless "body", "headers" or "line"   goes on until the other side has had enough
  before TEXT        sent before the answer
  keep false         closes after the answer
"""
import argparse
import json
import socket
import socketserver
import ssl
import sys
import threading
import time

lock = threading.Lock()
scripts = {}
logs = {}
ending = threading.Event()
connections = 0


def next_step(name):
    with lock:
        steps = scripts.get(name, [{"status": 404}])
        return steps.pop(0) if len(steps) > 1 else steps[0]


class Gone(Exception):
    pass


class Handler(socketserver.StreamRequestHandler):
    def setup(self):
        global connections
        super().setup()
        self.request.settimeout(30)
        with lock:
            connections += 1
            self.connection_number = connections

    def handle(self):
        try:
            while self.one():
                pass
        except (Gone, OSError):
            pass

    def head(self):
        line = self.rfile.readline(65536).decode("latin-1").strip()
        if not line:
            raise Gone
        method, target, _ = line.split(" ")
        return method, target

    def headers(self):
        found = {}
        while True:
            line = self.rfile.readline(65536).decode("latin-1").strip()
            if not line:
                return found
            key, _, value = line.partition(":")
            found[key.strip().lower()] = value.strip()

    def one(self):
        method, target = self.head()
        name = target.split("/")[1] if target.startswith("/") else "proxy"
        seen = {"method": method, "target": target, "connection": self.connection_number}
        with lock:
            logs.setdefault(name, []).append(seen)
        step = next_step(name)
        if step.get("drop") == "before":
            return False
        headers = self.headers()
        seen["headers"] = headers
        if step.get("early"):
            return self.answer(step, headers, "")
        body = self.rfile.read(int(headers.get("content-length", "0"))).decode("latin-1")
        seen["body"] = body
        if step.get("drop") == "after":
            return False
        if step.get("silent"):
            ending.wait()
            return False
        return self.answer(step, headers, body)

    def answer(self, step, headers, body):
        if headers.get("authorization") != step.get("only", headers.get("authorization")):
            step = {"status": 401}
        content = step.get("body", "{}")
        if step.get("reflect"):
            content = json.dumps({"headers": headers, "body": body})
        content = content.encode()
        out = step.get("before", "") + f"HTTP/1.1 {step.get('status', 200)} Said\r\n"
        for key, value in step.get("headers", []):
            out += f"{key}: {value}\r\n"
        if step.get("endless"):
            return self.flood(step["endless"], out)
        length = step.get("length", len(content))
        if length is not None:
            out += f"Content-Length: {length}\r\n"
        self.wfile.write((out + "\r\n").encode())
        self.body(content[: step.get("cut", len(content))], step.get("drip"))
        return "cut" not in step and length == len(content) and step.get("keep", True) and \
            not step.get("early")

    def body(self, content, drip):
        if drip is None:
            self.wfile.write(content)
            return
        for i in range(len(content)):
            self.wfile.write(content[i : i + 1])
            if ending.wait(drip):
                return

    def flood(self, what, out):
        if what == "body":
            out += "\r\n"
        if what == "line":
            out += "X-Long: "
        piece = b"X-More: and more\r\n" * 256 if what == "headers" else b"x" * 4096
        self.wfile.write(out.encode())
        while not ending.is_set():
            self.wfile.write(piece)
        return False


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass


def wrap(server, certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)


def obey(line):
    verb, _, rest = line.strip().partition(" ")
    name, _, value = rest.partition(" ")
    with lock:
        if verb == "script":
            scripts[name] = json.loads(value)
            logs[name] = []
            return "{}"
        return json.dumps(logs.get(name, []))


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--tls", nargs=2)
    options = parser.parse_args()
    server = Server(("127.0.0.1", 0), Handler)
    if options.tls:
        wrap(server, *options.tls)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    for line in sys.stdin:
        print(obey(line), flush=True)
    ending.set()
    time.sleep(0.05)


if __name__ == "__main__":
    main()
