# SPDX-License-Identifier: Apache-2.0
"""Bundles to an endpoint of Globus Compute: the real uploader and the real agent, and between them a
service that loses, delays and refuses. Whatever happens, an image is built once and an object
travels once."""
import json
import pathlib
import signal
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import line  # noqa: E402
from globus_service import Service  # noqa: E402

SUBMIT = r"POST /v3/endpoints/[^/]+/submit"
POLL = r"POST /v2/batch_status"


class Endpoint(line.Line):
    def setUp(self):
        super().setUp()
        self.serve()

    def serve(self, **how):
        self.service = Service(self.host.env, **how)
        self.addCleanup(self.service.close)
        # Whoever uploads is somebody else than the account of the endpoint: only the store is there.
        self.host.env.update(GLOBUS_COMPUTE_CLIENT_ID="01234567-89ab-cdef-0123-456789abcdef",
                             GLOBUS_COMPUTE_CLIENT_SECRET="secret-canary", no_proxy="127.0.0.1",
                             GLOBUS_SDK_SERVICE_URL_AUTH=self.service.url)
        self.reach = ("--compute-url", self.service.url, "--auth-url", self.service.url)
        self.configure()

    def configure(self, **more):
        self.host.builder.write_text(json.dumps({"poll_ms": 100, "timeout": 60, **more}))

    def place(self):
        return ("--builder", self.service.endpoint, "--runner", "local", "--builder-config", self.host.builder)

    def push(self, bundle=None, **more):
        return self.host.call("push", bundle or self.good, *self.place(), *self.reach, **more)

    def pushed(self, **more):
        code, out, err = self.push(**more)
        self.assertEqual(0, code, out + err)
        self.assertIn("is built and registered", out)
        self.check_once()
        return out

    def check_once(self):
        """One build, and no byte of an object twice."""
        self.assertEqual(1, self.host.launches())
        for sha256, pieces in self.service.bytes_put().items():
            ends = 0
            for offset, size in sorted(pieces):
                self.assertGreaterEqual(offset, ends, "%s came twice: %s" % (sha256, pieces))
                ends = offset + size
            self.assertEqual(len(pieces), len(set(pieces)), "%s came twice: %s" % (sha256, pieces))


class One(Endpoint):
    def test_an_image_is_built_by_tasks(self):
        self.pushed()
        row = self.host.rows()[0]
        self.assertEqual(("done", self.service.endpoint), (row["state"], row["builder"]))
        submits = self.service.submits()
        self.assertLess(submits, 12)
        self.assertEqual(1, self.service.count("POST", "/v3/functions"))
        self.pushed()  # again: nothing is brought or built
        self.assertEqual(1, self.service.count("POST", "/v3/functions"))

    def test_what_the_runner_said_stays_in_status(self):
        code, out, err = self.host.call("push", self.good, "--builder", self.service.endpoint, "--builder-config",
                                        self.host.builder, "--runner-config", self.host.builder, *self.reach)
        self.assertEqual(0, code, out + err)
        code, out, err = self.host.call("status")
        self.assertIn("runner: sees the image as the receipt has it; ", out)
        row = self.host.rows()[0]
        self.assertEqual(("done", "yes"), (row["state"], row["runner_sees"]))
        self.assertEqual("version", row["runner_findings"][0]["rule"])
        self.assertIn(row["runner_findings"][0]["verdict"], ("fits", "not-checked"))

    def test_t83_many_bundles_ask_once_what_their_runner_is(self):
        asked = []
        for versions in (("3.0.0",), ("3.1.0", "3.2.0", "3.3.0")):
            before = self.service.count("GET", f"/v2/endpoints/{self.service.endpoint}")
            bundles = [self.compile(version) for version in versions]
            code, out, err = self.host.call("add", *bundles, "--builder", self.service.endpoint, "--builder-config",
                                            self.host.builder, "--runner-config", self.host.builder)
            self.assertEqual(0, code, out + err)
            code, out, err = self.host.call("run", *self.reach)
            self.assertEqual(0, code, out + err)
            asked.append(self.service.count("GET", f"/v2/endpoints/{self.service.endpoint}") - before)
        self.assertEqual(asked[0], asked[1])
        self.assertLessEqual(asked[0], 2)

    def test_workers_that_read_the_old_form_only(self):
        self.service.close()
        self.serve(version="2.2.0", reads=("04", "00"))
        self.pushed()

    def test_t88_workers_that_are_older_than_their_endpoint(self):
        self.service.close()
        self.serve(version="4.19.0", reads=("04", "00"))
        self.pushed()
        self.assertEqual(2, self.service.count("POST", "/v3/functions"))
        self.assertEqual(1, self.service.unread)
        self.pushed()  # another process knows it from the ledger
        self.assertEqual(1, self.service.unread)

    def test_t81_answers_to_submits_that_are_lost(self):
        for number in (0, 1, 3):
            with self.subTest(lost=number):
                self.host = self.new_home("lost-%d" % number)
                self.service.close()
                self.serve()
                self.service.faults[SUBMIT] = [None] * number + ["drop"]
                self.pushed()
                self.assertEqual([], self.service.faults[SUBMIT])

    def test_submits_that_never_arrive(self):
        self.service.faults[SUBMIT] = [None, "vanish", None, "vanish"]
        self.pushed()
        self.assertEqual([], self.service.faults[SUBMIT])

    def test_t82_answers_that_are_lost_after_they_were_fetched(self):
        # The service has deleted what it handed out: it is asked again, and still built once.
        self.service.faults[POLL] = [None, "drop", None, "drop"]
        code, out, err = self.push()
        for _ in range(4):
            if code == 0:
                break
            code, out, err = self.push()
        self.assertEqual(0, code, out + err)
        self.assertEqual(1, self.host.launches())
        self.assertEqual([], self.service.faults[POLL])

    def test_a_user_endpoint_that_does_not_start(self):
        self.service.faults[SUBMIT] = [(422, {"code": "SEMANTICALLY_INVALID", "detail": "'image' is undefined"})]
        code, out, err = self.push()
        self.assertNotEqual(0, code)
        self.assertIn("'image' is undefined", out + err)
        self.assertIn("user_endpoint_config", out + err)

    def test_a_restricted_endpoint_says_so(self):
        self.service.allowed = ["5d1f0000-0000-4000-8000-000000000001"]
        code, out, err = self.push()
        self.assertNotEqual(0, code)
        self.assertIn("5d1f0000-0000-4000-8000-000000000001", out + err)
        self.assertEqual(0, self.service.submits())

    def test_t79_an_endpoint_that_is_silent(self):
        self.configure(timeout=4)
        self.service.busy.clear()
        code, out, err = self.push()
        self.assertIn("no sign of life for 4 seconds", out + err)
        self.assertNotEqual(0, code)
        self.configure(timeout=60)
        self.service.busy.set()
        self.pushed()

    def test_t72_killed_at_any_moment(self):
        for number in range(5):
            with self.subTest(seconds=number * 0.7):
                self.host = self.new_home("killed-%d" % number)
                self.service.close()
                self.serve()
                process = self.host.start("push", self.good, *self.place(), *self.reach)
                time.sleep(0.1 + number * 0.7)
                process.send_signal(signal.SIGKILL)
                process.communicate()
                self.pushed()

    def test_t87_no_secret_is_written_anywhere(self):
        out = self.pushed()
        for path in self.host.home.rglob("*"):
            if path.is_file() and path.name != "sealift.key":
                self.assertNotIn(b"secret-canary", path.read_bytes(), path)
        self.assertNotIn("secret-canary", out)


class Many(Endpoint):
    def test_many_bundles_need_few_tasks(self):
        self.configure(builds=12)
        bundles = [self.compile("2.0.%d" % number) for number in range(12)]
        code, out, err = self.host.call("add", *bundles, *self.place())
        self.assertEqual(0, code, err)
        code, out, err = self.host.call("run", *self.reach)
        self.assertEqual(0, code, out + err)
        self.assertEqual({"done"}, {row["state"] for row in self.host.rows()})
        self.assertEqual(12, self.host.launches())
        came = self.service.bytes_put()
        self.assertEqual({1}, {len(pieces) for pieces in came.values()})  # wheels they share, too
        self.assertLess(self.service.submits(), 12)


    def test_t81_objects_of_many_that_never_arrive_are_read_from_their_bundles_again(self):
        bundles = [self.compile("2.1.%d" % number) for number in range(4)]
        code, out, err = self.host.call("add", *bundles, *self.place())
        self.assertEqual(0, code, err)
        self.service.faults[SUBMIT] = [50000]  # the first with objects in it
        code, out, err = self.host.call("run", *self.reach)
        self.assertEqual(0, code, out + err)
        self.assertEqual([], self.service.faults[SUBMIT])
        self.assertEqual({"done"}, {row["state"] for row in self.host.rows()})
        self.assertEqual({1}, {len(pieces) for pieces in self.service.bytes_put().values()})
        self.assertEqual(4, self.host.launches())


class Large(Endpoint):
    SIZE = 16000000

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        example = line.make_example
        cls.shared.joinpath("example/base.sif").write_bytes(example.SIF_HEAD + example.noise("base", cls.SIZE))
        cls.good = cls.compile("3.0.0")

    def pieces(self):
        return max(self.service.bytes_put().values(), key=len)

    def test_t83_it_travels_in_pieces(self):
        self.pushed()
        self.assertGreaterEqual(len(self.pieces()), 3)
        self.assertLessEqual(max(one[2] for one in self.service.seen), 10000000)

    def test_t83_it_fits_in_the_old_form(self):
        self.service.close()
        self.serve(version="2.2.0", reads=("04", "00"))
        self.pushed()
        self.assertGreaterEqual(len(self.pieces()), 3)
        self.assertGreater(max(one[2] for one in self.service.seen), 8000000)

    def test_t76_answers_to_its_submits_are_lost(self):
        self.service.faults[SUBMIT] = [None, None, "drop", "drop", None, "vanish"]
        self.pushed()
        self.assertEqual([], self.service.faults[SUBMIT])

    def test_t76_killed_while_it_travels(self):
        process = self.host.start("push", self.good, *self.place(), *self.reach)
        while not any(size > 1000000 for _, _, size in self.service.seen):
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.pushed()


if __name__ == "__main__":
    unittest.main()
