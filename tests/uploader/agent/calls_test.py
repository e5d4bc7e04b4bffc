# SPDX-License-Identifier: Apache-2.0
"""Several requests in one: each is answered as if it had been asked alone."""
import base64
import json
import unittest

import support
from support import Bundle, sha256

REF = "0123456789abcdef" * 2


def entry(data, **more):
    return dict({"sha256": sha256(data), "size": len(data), "data": base64.b64encode(data).decode()}, **more)


class CallsTest(support.Host):
    def calls(self, *calls):
        answer = self.good({"op": "calls", "ref": REF, "calls": list(calls)})
        self.assertEqual({"ok", "ref", "answers"}, set(answer))
        self.assertEqual(REF, answer["ref"])
        self.assertEqual(len(calls), len(answer["answers"]))
        return answer["answers"]

    def test_none_is_answered_by_none(self):
        self.assertEqual([], self.calls())

    def test_each_answer_is_the_one_that_it_would_be_alone(self):
        known, unknown = b"known", b"unknown"
        self.put({sha256(known): known})
        requests = [
            {"op": "have", "objects": [{"sha256": sha256(one), "size": len(one)}]} for one in (known, unknown)]
        requests += [{"op": "state", "bundle": "0" * 64}, {"op": "receipt", "bundle": "0" * 64},
                     {"op": "nonsense"}, {"op": "state"}, {"op": "state", "bundle": "0" * 64, "more": 1}, []]
        self.assertEqual([self.call(request) for request in requests], self.calls(*requests))

    def test_t78_all_are_attempted(self):
        bad, good = self.calls({"op": "put", "objects": [entry(b"one", sha256=sha256(b"two"))]},
                               {"op": "put", "objects": [entry(b"three")]})
        self.assertEqual("format", bad["error"]["kind"])
        self.assertTrue(good["objects"][0]["stored"])

    def test_an_object_is_there_for_the_call_behind_it(self):
        bundle = Bundle(self.key)
        objects = [entry(data) for data in bundle.objects().values()]
        put, build = self.calls({"op": "put", "objects": objects}, bundle.request())
        self.assertTrue(put["ok"], put)
        self.assertEqual("building", build["state"], build)
        self.wait(bundle, "done")
        state, receipt = self.calls({"op": "state", "bundle": bundle.id}, {"op": "receipt", "bundle": bundle.id})
        self.assertEqual("done", state["state"])
        self.assertEqual(bundle.id, receipt["receipt"]["bundle"])
        self.assertEqual(1, len(self.launches()))

    def test_t81_twice_is_once(self):
        bundle = Bundle(self.key)
        request = {"op": "calls", "ref": REF, "calls": [
            {"op": "put", "objects": [entry(data) for data in bundle.objects().values()]}, bundle.request()]}
        for _ in range(3):
            self.good(request)
        self.wait(bundle, "done")
        self.good(request)
        self.assertEqual(1, len(self.launches()))

    def test_pieces_come_in_calls_of_their_own(self):
        data = bytes(range(256)) * 40
        cuts = [(0, 4000), (4000, 4000), (8000, len(data) - 8000)]
        for at, size in reversed(cuts):
            piece = dict(entry(data[at:at + size], sha256=sha256(data)), offset=at, total=len(data))
            (answer,) = self.calls({"op": "put", "objects": [piece]})
            self.assertTrue(answer["ok"], answer)
        self.assertTrue(answer["objects"][0]["stored"])

    def test_neither_calls_nor_streams_are_in_calls(self):
        data = b"streamed"
        stream = {"op": "put", "objects": [{"sha256": sha256(data), "size": len(data), "stream": True}]}
        inner, streamed, last = self.calls({"op": "calls", "ref": REF, "calls": []}, stream,
                                           {"op": "state", "bundle": "0" * 64})
        for answer in (inner, streamed):
            self.assertEqual("usage", answer["error"]["kind"], answer)
        self.assertTrue(last["ok"])
        # As a program there would be a stream; it is not to be touched all the same.
        request = {"op": "calls", "ref": REF, "calls": [stream]}
        status, answers = self.run_program(
            (json.dumps(request) + "\n" + json.dumps({"op": "state", "bundle": "1" * 64}) + "\n").encode())
        self.assertEqual(0, status)
        self.assertEqual("usage", answers[0]["answers"][0]["error"]["kind"])
        self.assertEqual("none", answers[1]["state"])

    def test_the_list_itself_is_checked(self):
        state = {"op": "state", "bundle": "0" * 64}
        good = {"op": "calls", "ref": REF, "calls": [state]}
        for change in ({"ref": REF[1:]}, {"ref": REF.upper()}, {"ref": 1}, {"calls": state}, {"calls": [state] * 257},
                       {"more": 1}):
            self.refused(dict(good, **change), "usage")
        for missing in ("ref", "calls"):
            self.refused({key: value for key, value in good.items() if key != missing}, "usage")
        self.assertEqual(256, len(self.calls(*[state] * 256)))


if __name__ == "__main__":
    unittest.main()
