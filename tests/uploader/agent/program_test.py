# SPDX-License-Identifier: Apache-2.0
"""The agent as a program: lines in, lines out, raw bytes between them; and on every Python that is here."""
import ast
import glob
import json
import os
import pickle
import re
import subprocess
import sys
import threading
import types
import unittest

import support
from support import Bundle, sha256


def line(request):
    return (json.dumps(request) + "\n").encode()


def announce(*parts, **more):
    return line(dict({"op": "put", "objects": [{"sha256": sha256(data), "size": len(data), "stream": True}
                                               for data in parts]}, **more))


def ask(*parts):
    return line({"op": "have", "objects": [{"sha256": sha256(data), "size": len(data)} for data in parts]})


class Program(support.Host):
    def test_several_requests(self):
        big = os.urandom(3 << 20)
        status, answers = self.run_program(announce(b"one", big) + b"one" + big + ask(b"one", big) + line({"op": "nope"})
                                           + announce(b"two") + b"two" + ask(b"two"))
        self.assertEqual((0, [True, True, False, True, True]), (status, [answer["ok"] for answer in answers]))
        self.assertEqual([[], []], [answers[1]["missing"], answers[4]["missing"]])

    def test_bytes_that_look_like_requests_are_bytes(self):
        data = ask(b"x") * 1000
        status, answers = self.run_program(announce(data) + data + ask(data))
        self.assertEqual((0, [True, True]), (status, [answer["ok"] for answer in answers]))

    def test_a_refused_request_does_not_lose_the_place(self):
        status, answers = self.run_program(announce(b"one", more=1) + b"one" + ask(b"one"))
        self.assertEqual((0, [False, True]), (status, [answer["ok"] for answer in answers]))
        damaged = announce(b"one").replace(sha256(b"one").encode(), b"0" * 64)
        status, answers = self.run_program(damaged + b"one" + ask(b"one"))
        self.assertEqual((0, [False, True]), (status, [answer["ok"] for answer in answers]))

    def test_where_the_place_is_lost_it_ends(self):
        for input_ in (b'{"op":"put","objects":[{"stream":true', b'{"op":"put","objects":[{"stream":true,"size":"9"}]}',
                       b'{"op":"put","objects":[{"stream":true,"size":-9}]}', b"[" * 50000 + b'"stream"', b"x" * (33 << 20)):
            status, answers = self.run_program(input_ + b"\n" + ask(b"x"))
            self.assertEqual((1, 1, False), (status, len(answers), answers[0]["ok"]), input_[:40])
        status, answers = self.run_program(announce(b"12345") + b"123")
        self.assertEqual((1, "network"), (status, answers[0]["error"]["kind"]))

    def test_lines_that_are_no_requests(self):
        status, answers = self.run_program(b"\n{}\n\xff\n" + line({"op": "have", "objects": []})[:-1])
        self.assertEqual((0, [False, False, False, True]), (status, [answer["ok"] for answer in answers]))

    def test_a_build_outlives_the_program(self):
        bundle = Bundle(self.key)
        data = bundle.objects()
        self.behave("time.sleep(1)")
        status, answers = self.run_program(announce(*data.values()) + b"".join(data.values()) + line(bundle.request()))
        self.assertEqual((0, "building"), (status, answers[1]["state"]))
        self.wait(bundle, "done")


class Travelling(support.Host):
    """The function reaches workers as source or as a code object, alone (Globus Compute)."""

    def alone(self):
        tree = ast.parse(support.source(self.etc))
        function = next(node for node in tree.body if getattr(node, "name", "") == "sealift_agent")
        place = {"__name__": "worker"}
        exec(compile(ast.Module(body=[function], type_ignores=[]), "task", "exec"), place)
        return place["sealift_agent"]

    def test_it_needs_nothing_of_its_module(self):
        function = self.alone()
        self.assertEqual((), function.__code__.co_freevars)
        self.agent = types.SimpleNamespace(sealift_agent=types.FunctionType(function.__code__, {
            "__builtins__": __builtins__, "__name__": "worker"}, "f", (None,)))
        bundle = Bundle(self.key)
        self.put(bundle.objects())
        self.good(bundle.request())
        self.wait(bundle, "done")
        self.assertIsInstance(pickle.dumps(json.dumps(self.good({"op": "receipt", "bundle": bundle.id}))), bytes)

    def test_threads_of_one_worker(self):
        """A worker with threads: each call stands alone."""
        self.agent = types.SimpleNamespace(sealift_agent=self.alone())
        before = dict(os.environ)
        os.environ.update(self.environment)
        try:
            answers, bundle = [], Bundle(self.key)
            self.put(bundle.objects())
            os.environ.update(self.environment)
            threads = [threading.Thread(target=lambda: answers.append(json.loads(
                self.agent.sealift_agent(json.dumps(bundle.request()))))) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            os.environ.clear()
            os.environ.update(before)
        self.assertEqual([True] * 8, [answer["ok"] for answer in answers])
        self.wait(bundle, "done")
        self.assertEqual(1, len(self.launches()))


def pythons():
    """Every Python from 3.8 on that is here: (version, path)."""
    found = {}
    places = os.environ.get("PATH", "").split(":") + glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin"))
    names = re.compile(r"python3(\.[0-9]+)?\Z")
    for path in [support.PYTHON] + [one for place in places for one in sorted(glob.glob(place + "/python3*"))]:
        if not names.match(os.path.basename(path)) or not os.access(path, os.X_OK):
            continue
        done = subprocess.run([path, "-I", "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        version = done.stdout.decode().strip()
        if version.count(".") == 2 and tuple(map(int, version.split("."))) >= (3, 8):
            found.setdefault(version, path)
    return sorted(found.items(), key=lambda item: tuple(map(int, item[0].split("."))))


class EveryPython(support.Host):
    def test_a_bundle_is_built_on_every_python(self):
        print("agent on Python " + ", ".join(version for version, _ in pythons()), file=sys.stderr)
        for number, (version, path) in enumerate(pythons()):
            with self.subTest(python=version):
                bundle = Bundle(self.key, the_plan=support.plan(name="on-%d" % number))
                data = bundle.objects()
                text = support.source(self.etc).encode()
                input_ = b"%d\n" % len(text) + text + announce(*data.values()) + b"".join(data.values())
                done = subprocess.run([path, "-I", "-c", support.BOOT], input=input_ + line(bundle.request()),
                                      stdout=subprocess.PIPE, env=self.environment, timeout=120)
                answers = [json.loads(one) for one in done.stdout.splitlines()]
                self.assertEqual([True, True], [answer["ok"] for answer in answers], answers)
                self.wait(bundle, "done")
                receipt = self.good({"op": "receipt", "bundle": bundle.id})["receipt"]
                self.assertEqual((version, []), (receipt["python"], receipt["packages"]["differences"]))


if __name__ == "__main__":
    unittest.main()
