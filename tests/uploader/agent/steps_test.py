# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the agent at its own steps: while it takes objects, while it checks a bundle, and in the
detached process that builds. strace ends it on entry to the Nth call of one kind, for N = 1, 2, … until
it runs through; whoever asked asks again, and the end is the same. SEALIFT_KILL_EVERY=N tries each Nth only."""
import base64
import json
import os
import subprocess
import sys
import unittest

import support
import turns_test
from support import Bundle, plan

EVERY = int(os.environ.get("SEALIFT_KILL_EVERY", "15"))
MOST = 300
CALLS = ("fsync", "rename", "mkdir", "unlink")
START = '[sys.executable, "-I", "-c", SUPERVISOR]'


def strace(call, number, *more):
    """Each process counts for itself."""
    return ["strace", *more, "-qq", "-o", "/dev/null", "-e", "inject=%s:signal=SIGKILL:when=%d" % (call, number)]


class Steps(support.Host):
    def setUp(self):
        super().setUp()
        self.tool("apptainer", turns_test.STAND_IN % {"python": support.PYTHON})
        self.made = 0

    def new_bundles(self, count):
        self.made += count
        return [Bundle(self.key, plan(version="%d.%d.0" % (self.made, number))) for number in range(count)]

    def put_line(self, bundles):
        objects = {name: data for bundle in bundles for name, data in bundle.objects().items()}
        return json.dumps({"op": "put", "objects": [
            {"sha256": name, "size": len(data), "data": base64.b64encode(data).decode()}
            for name, data in objects.items()]}) + "\n"

    def build_lines(self, bundles):
        return "".join(json.dumps(bundle.request(builds=1)) + "\n" for bundle in bundles)

    def run_agent(self, lines, prefix=(), text=None):
        """Its exit status."""
        text = text or support.source(self.etc)
        data = b"%d\n" % len(text.encode()) + text.encode() + lines.encode()
        done = subprocess.run([*prefix, sys.executable, "-I", "-c", support.BOOT], input=data, env=self.environment,
                              stdout=subprocess.PIPE, timeout=120)
        return done.returncode

    def rest(self):
        self.until(lambda: not self.processes_here(), "every process to end")

    def launches_of(self, bundle):
        return sum(bundle.id in " ".join(launch["argv"]) for launch in self.launches())

    def assert_whole(self, what):
        """What has its name is whole: objects by their digests, records as JSON, images by their receipts."""
        for folder, _, names in os.walk(self.store_path()):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    data = file.read()
                if os.sep + os.path.join("objects", "sha256") + os.sep in path and len(name) == 64:
                    self.assertEqual(name, support.sha256(data), what)
                elif name in ("state.json", "receipt.json"):
                    receipt = json.loads(data)
                    if name == "receipt.json":
                        image = receipt["image"]
                        with open(image["path"], "rb") as file:
                            self.assertEqual(image["sha256"], support.sha256(file.read()), what)

    def finish(self, bundles, most, what, arrivals=False):
        """Whoever asked asks again, until it is done."""
        self.assertEqual(0, self.run_agent(self.put_line(bundles)), what)
        for _ in range(len(bundles) + 1):  # one that was killed may hold up the other once
            self.assertEqual(0, self.run_agent(self.build_lines(bundles)), what)
            self.rest()
        for bundle in bundles:
            self.assertEqual("done", self.good({"op": "state", "bundle": bundle.id})["state"], what)
            receipt = self.good({"op": "receipt", "bundle": bundle.id})["receipt"]
            image = receipt["image"]
            self.assertEqual("same", self.good({"op": "image", "path": image["path"], "size": image["size"],
                                                "sha256": image["sha256"]})["image"], what)
        self.assertLessEqual(sum(map(self.launches_of, bundles)), most, what)
        queue = self.store_path("queue")
        left = self.leftovers() + (os.listdir(queue) if os.path.isdir(queue) else [])
        # Half an object stays among the arrivals until it is forgotten; nothing else leaves anything.
        self.assertEqual([], [name for name in left if not (arrivals and name.startswith(".new-"))], what)

    def try_all(self, kill, least):
        """kill(call, number): whether it was killed there."""
        places = []
        for call in CALLS:
            for number in range(1, MOST, EVERY):
                if not kill(call, number):
                    break
                places.append(call)
        self.assertGreaterEqual(len(places) * EVERY, least)
        print("%s: killed at %s" % (self.id().split(".")[-1], ", ".join(
            "%d times %s" % (places.count(call), call) for call in CALLS)), file=sys.stderr)

    def test_t72_while_it_takes_objects(self):
        def kill(call, number):
            bundle, = self.new_bundles(1)
            status = self.run_agent(self.put_line([bundle]), strace(call, number))
            self.assert_whole("%s %d" % (call, number))
            self.finish([bundle], 1, "%s %d" % (call, number), arrivals=True)
            return status != 0
        self.try_all(kill, 15)  # a bundle of this size has 17 steps

    def test_t81_while_it_checks_and_hands_over(self):
        def kill(call, number):
            bundles = self.new_bundles(2)
            self.run_agent(self.put_line(bundles))
            status = self.run_agent(self.build_lines(bundles), strace(call, number))
            self.rest()  # what it had started runs to its end: nobody recorded a death of that
            self.assert_whole("%s %d" % (call, number))
            self.finish(bundles, 2, "%s %d" % (call, number))
            return status != 0
        self.try_all(kill, 20)

    def test_t72_in_the_process_that_builds(self):
        """The first one's is killed; it passes its place on to the second."""
        text = support.source(self.etc)
        self.assertEqual(1, text.count(START))

        def kill(call, number):
            bundles = self.new_bundles(2)
            self.run_agent(self.put_line(bundles))
            before = len(self.launches())
            self.run_agent(self.build_lines(bundles), text=text.replace(START, "%r + %s" % (
                strace(call, number, "-D", "-f"), START)))
            self.rest()
            self.assert_whole("%s %d" % (call, number))
            states = [self.good({"op": "state", "bundle": bundle.id})["state"] for bundle in bundles]
            done = states.count("done")
            # One that was launched and is not done was killed: that may be launched again.
            again = sum(map(self.launches_of, bundles)) - done
            self.finish(bundles, 2 + again, "%s %d: %s" % (call, number, states))
            self.assertGreaterEqual(len(self.launches()) - before, 2)
            return states != ["done", "done"]
        self.try_all(kill, 20)

    def test_t77_two_at_once_where_flock_fails(self):
        """As on a network file system without locks: one of the two builds."""
        broken = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=flock:error=ENOLCK"]
        proof = "import fcntl, sys\ntry:\n    fcntl.flock(sys.stderr, 2)\nexcept OSError:\n    sys.exit(5)"
        self.assertEqual(5, subprocess.run([*broken, sys.executable, "-c", proof]).returncode)
        bundle, = self.new_bundles(1)
        self.behave("time.sleep(1)")
        self.assertEqual(0, self.run_agent(self.put_line([bundle]), broken))
        text = support.source(self.etc)
        data = b"%d\n" % len(text.encode()) + text.encode() + (json.dumps(bundle.request()) + "\n").encode()
        both = [subprocess.Popen([*broken, sys.executable, "-I", "-c", support.BOOT], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, env=self.environment) for _ in range(2)]
        for one in both:
            one.stdin.write(data)
            one.stdin.close()
        answers = [json.loads(one.stdout.read()) for one in both]
        for one in both:
            one.stdout.close()
            self.assertEqual(0, one.wait(120))
        self.assertEqual([True, True], [answer["ok"] for answer in answers], answers)
        self.rest()
        self.assertEqual(1, len(self.launches()))
        self.assertEqual("done", self.good({"op": "state", "bundle": bundle.id})["state"])


if __name__ == "__main__":
    unittest.main()
