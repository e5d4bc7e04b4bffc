# SPDX-License-Identifier: Apache-2.0
"""Requests and answers: routes, authorization, faults, the journal; over TCP and a Unix socket."""
import http.server
import json
import re
import socket
import socketserver
import struct
import sys
import time
import traceback
import urllib.parse

import errors

LARGEST_BODY = 256 << 20
# Routes that a request without a token may use.
OPEN_ROUTES = re.compile(r"/v2/(oauth2/|version$|api/identities$)|/control/|/jwk\.json$|/\.well-known/")


class Request:
    """What handlers see of a request."""

    def __init__(self, method, target, headers, body, entry):
        parts = urllib.parse.urlsplit(target)
        self.method, self.path = method, parts.path
        self.query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        self.headers, self.body = headers, body
        self.account = self.client = None
        self._entry = entry

    def note(self, name, value):
        """Something for the journal."""
        if self._entry is not None and value is not None:
            self._entry[name] = value

    def json(self):
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            raise errors.compute(400, "the body is not JSON", "REQUEST_MALFORMED") from None
        if not isinstance(value, dict):
            raise errors.invalid(("body",), "value is not a valid dict", "type_error.dict")
        return value

    def form(self):
        kind = (self.headers.get("Content-Type") or "").split(";")[0].strip()
        if kind != "application/x-www-form-urlencoded":
            raise errors.oauth(400, "invalid_request", "the body must be a form")
        return dict(urllib.parse.parse_qsl(self.body.decode("utf-8", "replace")))


class Router:
    def __init__(self, routes):
        self._routes = [(method, re.compile(re.sub(r"\{id\}", "([^/]+)", path) + r"\Z"), handler)
                        for method, path, handler in routes]

    def find(self, method, path):
        """The handler and the ids of the path; 404 and 405 otherwise."""
        path_known = False
        for known, pattern, handler in self._routes:
            match = pattern.match(path)
            if match and known == method:
                return handler, match.groups()
            path_known = path_known or bool(match)
        raise errors.Refused(405 if path_known else 404,
                             {"detail": "Method Not Allowed" if path_known else "Not Found"})


class Answer:
    def __init__(self, status, body, headers=None):
        if isinstance(body, bytes):
            kind = "text/html; charset=utf-8"
        elif isinstance(body, str):
            body, kind = body.encode(), "text/plain; charset=utf-8"
        else:
            body, kind = json.dumps(body).encode(), "application/json"
        self.status, self.body = status, body
        self.headers = dict({"Content-Type": kind}, **(headers or {}))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "stand-in"
    sys_version = ""
    timeout = 600

    def log_message(self, *_):
        pass

    def _all(self):
        service = self.server.service
        path, _, query = self.path.partition("?")
        entry = None
        if not path.startswith("/control/"):
            entry = service.journal.begin(self.command, path,
                                          dict(urllib.parse.parse_qsl(query)))
        try:
            body = self._body()
            request = Request(self.command, self.path, self.headers, body, entry)
            if entry is None:
                self._send(answer_of(service, request))
                return
            entry["request_bytes"] = len(body)
            entry["user_agent"] = self.headers.get("User-Agent")
            self._with_faults(service, request, entry)
        except (ConnectionError, socket.timeout):
            self.close_connection = True
        finally:
            if entry is not None:
                service.journal.end(entry)

    do_GET = do_POST = do_PUT = do_DELETE = _all

    def _body(self):
        if (self.headers.get("Transfer-Encoding") or "").lower() == "chunked":
            return self._chunks()
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= LARGEST_BODY:
            raise ConnectionError("a body of %d bytes" % length)
        return self.rfile.read(length)

    def _chunks(self):
        parts, total = [], 0
        while True:
            size = int(self.rfile.readline(64).split(b";")[0], 16)
            total += size
            if total > LARGEST_BODY:
                raise ConnectionError("a body of more than %d bytes" % LARGEST_BODY)
            parts.append(self.rfile.read(size))
            self.rfile.readline(8)
            if size == 0:
                return b"".join(parts)

    # ---- faults -----------------------------------------------------------------------------------

    def _with_faults(self, service, request, entry):
        service.authenticate(request)
        request.note("client", request.client)
        taken = service.rules.taken(request.method, request.path, request.client)
        entry["rules"] = [number for number, _ in taken]
        rules = [rule for _, rule in taken]
        answer = self._faults("before", rules)
        if answer is None:
            answer = answer_of(service, request)
            answer = self._faults("after", rules, answer) or answer
        entry["status"], entry["response_bytes"] = answer.status, len(answer.body)
        middle = [rule for rule in rules if rule.action == "drop" and rule.when == "middle"]
        if middle:
            self._send(answer, cut=True)
            self._drop(middle[0])
        self._send(answer)

    def _faults(self, when, rules, answer=None):
        """Another answer, or none; does not return when the connection ends."""
        for rule in rules:
            if rule.when != when:
                continue
            if rule.action == "delay":
                time.sleep(rule.options.get("seconds", 1))
            elif rule.action == "drop":
                self._drop(rule)
            elif rule.action == "body":
                answer.body = rule.spoil(answer.body)
            else:
                answer = Answer(*rule.reply())
        return answer

    def _drop(self, rule):
        """Ends the connection: orderly without an answer, or with a reset."""
        self.wfile.flush()
        if rule.options.get("reset"):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True
        raise ConnectionAbortedError("by rule")

    def _send(self, answer, cut=False):
        """One write, so that nothing waits for an acknowledgement in between."""
        lines = ["HTTP/1.1 %d %s" % (answer.status, self.responses.get(answer.status, ("",))[0]),
                 "Date: " + self.date_time_string(), "Content-Length: %d" % len(answer.body)]
        lines += ["%s: %s" % pair for pair in answer.headers.items()]
        body = answer.body[:len(answer.body) // 2] if cut else answer.body
        self.wfile.write("\r\n".join(lines + ["", ""]).encode("latin-1") + body)


def answer_of(service, request):
    """What the service answers when nothing is broken."""
    try:
        handler, identities = service.router.find(request.method, request.path)
        if not OPEN_ROUTES.match(request.path):
            service.need_account(request)
            service.need_patience(request)
        return Answer(*handler(request, *identities))
    except errors.Refused as error:
        return Answer(error.status, error.body, error.headers)
    except Exception:  # a mistake of the stand-in must be seen as one
        traceback.print_exc(file=sys.stderr)
        return Answer(500, errors.failed(500, traceback.format_exc()))


class TcpServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address, service):
        self.service = service
        super().__init__(address, Handler)

    def handle_error(self, *_):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            traceback.print_exc(file=sys.stderr)

    def shutdown_request(self, request):
        # A reset is a close without the shutdown that the parent would do first.
        try:
            linger = request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)
        except OSError:
            linger = b""
        if linger == struct.pack("ii", 1, 0):
            self.close_request(request)
        else:
            super().shutdown_request(request)


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, path, service):
        self.service = service
        super().__init__(path, Handler)
