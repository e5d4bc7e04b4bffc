# SPDX-License-Identifier: Apache-2.0
"""A package index (PEP 503) of a folder of wheels, on the loopback interface, over TLS:

    index_server.py WHEELS CERTIFICATE KEY READY

Writes its port into the file READY, prints a line for each request, and serves until it is killed.
It runs in a network namespace of its own, whose loopback interface it brings up."""
import fcntl
import html
import http.server
import os
import re
import socket
import ssl
import struct
import sys
import urllib.parse

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def bring_up(interface):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        asked = fcntl.ioctl(one, SIOCGIFFLAGS, struct.pack("16sh14x", interface, 0))
        flags = struct.unpack("16sh14x", asked)[1]
        fcntl.ioctl(one, SIOCSIFFLAGS, struct.pack("16sh14x", interface, flags | IFF_UP))


class Index(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        parts = [urllib.parse.unquote(part) for part in self.path.split("/") if part]
        print("GET", self.path, flush=True)
        if len(parts) == 2 and parts[0] == "simple":
            self.answer(self.page(parts[1]), "text/html")
        elif len(parts) == 2 and parts[0] == "wheels" and parts[1] in self.server.wheels:
            with open(os.path.join(self.server.folder, parts[1]), "rb") as file:
                self.answer(file.read(), "application/octet-stream")
        else:
            self.answer(b"not here\n", "text/plain", 404)

    def page(self, name):
        links = ['<a href="/wheels/%s">%s</a>' % (urllib.parse.quote(wheel), html.escape(wheel))
                 for wheel in self.server.wheels
                 if re.sub(r"[-_.]+", "-", wheel.split("-")[0]).lower() == name]
        return ("<!DOCTYPE html><title>%s</title>" % html.escape(name) + "\n".join(links)).encode()

    def answer(self, data, kind, status=200):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def main():
    folder, certificate, key, ready = sys.argv[1:]
    bring_up(b"lo")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index)
    server.folder, server.wheels = folder, sorted(os.listdir(folder))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with open(ready + ".new", "w") as file:
        file.write("%d\n" % server.server_address[1])
    os.rename(ready + ".new", ready)
    server.serve_forever()


if __name__ == "__main__":
    main()
