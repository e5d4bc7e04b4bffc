# SPDX-License-Identifier: Apache-2.0
"""Bringing objects: whole, in pieces, by stream, out of order, twice, damaged, interrupted."""
import base64
import io
import json
import os
import random
import stat
import subprocess
import time
import unittest

import support
from support import sha256


def entry(data, **more):
    return dict({"sha256": sha256(data), "size": len(data), "data": base64.b64encode(data).decode()}, **more)


def piece(data, offset, size):
    part = data[offset:offset + size]
    return {"sha256": sha256(data), "size": len(part), "data": base64.b64encode(part).decode(),
            "offset": offset, "total": len(data)}


class Put(support.Host):
    def object(self, data):
        return self.store_path("objects", "sha256", sha256(data)[:2], sha256(data))

    def stored(self, data):
        with open(self.object(data), "rb") as file:
            self.assertEqual(data, file.read())

    def nothing_stored(self):
        found = [name for _, _, names in os.walk(self.store_path("objects")) for name in names]
        self.assertEqual([], found + self.leftovers())

    def put_entries(self, *entries):
        return self.good({"op": "put", "objects": list(entries)})["objects"]

    def test_whole_objects_once_and_again(self):
        for data in (b"", b"x", os.urandom(100000)):
            for _ in range(2):
                self.assertEqual([{"sha256": sha256(data), "stored": True}], self.put_entries(entry(data)))
            self.stored(data)

    def test_whether_an_image_is_seen(self):
        data = os.urandom(70000)
        path = os.path.join(self.folder, "there.sif")
        with open(path, "wb") as file:
            file.write(data)
        os.symlink(path, os.path.join(self.folder, "link.sif"))

        def ask(name, **more):
            return self.good(dict({"op": "image", "path": os.path.join(self.folder, name), "size": len(data),
                                   "sha256": sha256(data)}, **more))["image"]
        self.assertEqual("same", ask("there.sif"))
        self.assertEqual("none", ask("nowhere.sif"))
        for name, more in (("there.sif", {"size": 1}), ("there.sif", {"sha256": sha256(b"")}), ("link.sif", {}), (".", {})):
            self.assertEqual("other", ask(name, **more))
        self.refused({"op": "image", "path": "there.sif", "size": 1, "sha256": sha256(b"")}, "usage", "absolute")

    def test_t46_folders_are_private_whatever_the_umask(self):
        for mask in (0, 0o077, 0o777):
            before = os.umask(mask)
            try:
                self.put_entries(entry(b"data %d" % mask))
            finally:
                os.umask(before)
            folder = os.path.dirname(self.object(b"data %d" % mask))
            self.assertEqual(0o700, stat.S_IMODE(os.stat(folder).st_mode))
            self.assertEqual(0o644, stat.S_IMODE(os.stat(self.object(b"data %d" % mask)).st_mode))

    def test_t46_a_store_that_others_can_write_to_is_refused(self):
        os.makedirs(self.store_path())
        os.chmod(self.store_path(), 0o777)
        self.refused({"op": "put", "objects": [entry(b"x")]}, "io", "others can write")
        self.assertEqual([], os.listdir(self.store_path()))

    def test_t47_a_planted_link_is_not_followed(self):
        self.put_entries(entry(b"x"))
        target = os.path.join(self.folder, "target")
        os.symlink(target, self.object(b"x")[:-2] + "zz")
        data = b"planted"
        folder = os.path.dirname(self.object(data))
        os.makedirs(folder, 0o700)
        os.symlink(target, self.object(data))
        self.put_entries(entry(data))
        self.stored(data)
        self.assertFalse(os.path.lexists(target))

    def test_pieces_in_any_order_overlapping_and_repeated(self):
        data = os.urandom(10000)
        chance = random.Random(7)
        for round_ in range(5):
            data = os.urandom(5000 + round_)
            cuts = [(offset, 700) for offset in range(0, len(data), 500)] * 2
            chance.shuffle(cuts)
            for offset, size in cuts:
                result, = self.put_entries(piece(data, offset, size))
            self.assertEqual({"sha256": sha256(data), "stored": True}, result)
            self.stored(data)
            self.assertEqual([], os.listdir(self.store_path("partial")))

    def test_t76_what_has_arrived_is_said(self):
        data = os.urandom(1000)
        result, = self.put_entries(piece(data, 500, 100))
        self.assertEqual([[500, 100]], result["have"])
        result, = self.put_entries(piece(data, 0, 100))
        result, = self.put_entries(piece(data, 100, 50))
        self.assertEqual([[0, 150], [500, 100]], result["have"])
        question = {"op": "have", "objects": [{"sha256": sha256(data), "size": 1000}]}
        self.assertEqual([dict(question["objects"][0], have=[[0, 150], [500, 100]])],
                         self.good(question)["partial"])
        self.assertEqual([sha256(data)], self.good(question)["missing"])
        self.put_entries(piece(data, 0, 1000))
        self.assertEqual(([], []), (self.good(question)["missing"], self.good(question)["partial"]))

    def test_t77_pieces_of_something_else(self):
        data, other = os.urandom(1000), os.urandom(1000)
        self.put_entries(piece(data, 0, 500))
        wrong = dict(piece(other, 500, 500), sha256=sha256(data))
        answer = self.refused({"op": "put", "objects": [wrong]}, "format", "do not add up")
        self.assertFalse(answer["objects"][0]["stored"])
        self.assertEqual([], os.listdir(self.store_path("partial")))
        self.nothing_stored()
        self.put_entries(piece(data, 0, 500))
        self.assertTrue(self.put_entries(piece(data, 500, 500))[0]["stored"])

    def test_t75_damaged_objects(self):
        good = entry(b"good data")
        for bad in (dict(good, data=base64.b64encode(b"evil data").decode()), dict(good, size=8), dict(good, size=10),
                    dict(good, data=good["data"][:-4]), dict(good, data=good["data"] + "\n"), dict(good, data="é"),
                    dict(good, data="!!!!")):
            with self.subTest(bad=bad):
                self.refused({"op": "put", "objects": [bad]}, "format")
        self.nothing_stored()

    def test_t78_one_bad_object_does_not_stop_the_rest(self):
        bad = dict(entry(b"bad"), sha256="0" * 64)
        answer = self.refused({"op": "put", "objects": [entry(b"a"), bad, entry(b"b")]}, "format", "0000")
        self.assertEqual([True, False, True], [one["stored"] for one in answer["objects"]])
        self.stored(b"a")
        self.stored(b"b")

    def test_requests_that_are_not_understood_do_nothing(self):
        good = entry(b"x")
        for bad in (dict(good, more=1), dict(good, sha256="X" * 64), dict(good, size="1"), dict(good, size=True),
                    dict(good, size=-1), dict(good, stream=True), {"sha256": good["sha256"], "size": 1},
                    dict(good, offset=0), dict(good, total=1), dict(good, offset=1, total=1),
                    dict(good, offset=0, total=0), dict(good, stream=False, data=None), []):
            with self.subTest(bad=bad):
                self.refused({"op": "put", "objects": [entry(b"first"), bad]}, "usage")
        for bad in ("", "[]", "{}", '{"op":"put"}', '{"op":"put","objects":[],"objects":[]}', '{"op":"rm"}', "{", "nul",
                    '{"op":"put","objects":[]}x', '{"op":"put","objects":{}}', '{"op":["put"]}', '{"op":"probe","a":1}',
                    '{"op":"put","objects":[],"policy":"/tmp/x"}', '{"op":"state","bundle":"../x"}',
                    '{"op":"build","bundle":"%s","signatures":[],"timeout":0}' % ("0" * 64),
                    '{"op":"build","bundle":"%s","signatures":[%s,%s]}' % (("0" * 64,) + (
                        '{"name":"signatures/prepare.minisig","sha256":"%s"}' % ("0" * 64),) * 2),
                    '{"op":"build","bundle":"%s","signatures":[],"timeout":1.5}' % ("0" * 64),
                    '{"op":"build","bundle":"%s","signatures":[],"store":"/tmp"}' % ("0" * 64), "[" * 100000):
            with self.subTest(bad=bad[:60]):
                self.refused(bad, "usage")
        self.assertFalse(os.path.exists(self.store_path()))
        text = json.dumps({"op": "probe"})
        self.assertEqual("usage", json.loads(self.agent.sealift_agent({"op": "probe"}))["error"]["kind"])
        self.assertEqual("usage", json.loads(self.agent.sealift_agent(text + " " * (32 << 20)))["error"]["kind"])

    def test_a_job_cannot_be_asked_for(self):
        for name in ("supervise", "SEALIFT_JOB", "__class__", ""):
            self.refused({"op": name, "SEALIFT_JOB": "{}"}, "usage")

    def test_streams(self):
        parts = [b"", b"one", os.urandom(3 << 20)]
        request = {"op": "put", "objects": [{"sha256": sha256(data), "size": len(data), "stream": True}
                                            for data in parts]}
        for _ in range(2):  # the second time nothing is written, but all is read
            stream = io.BytesIO(b"".join(parts) + b"next")
            self.good(request, stream)
            self.assertEqual(b"next", stream.read())
        for data in parts:
            self.stored(data)

    def test_a_stream_that_ends_early(self):
        data = os.urandom(2 << 20)
        request = {"op": "put", "objects": [{"sha256": sha256(data), "size": len(data), "stream": True}]}
        self.refused(request, "network", "ended 1048576 bytes early", stream=io.BytesIO(data[:1 << 20]))
        self.nothing_stored()
        self.refused(request, "usage", "no stream")

    def test_t72_killed_while_an_object_arrives(self):
        data = os.urandom(1 << 20)
        request = json.dumps({"op": "put", "objects": [{"sha256": sha256(data), "size": len(data), "stream": True}]})
        process = self.start(request.encode() + b"\n" + data[:700000])
        self.until(lambda: os.path.isdir(self.store_path("incoming")) and os.listdir(self.store_path("incoming")),
                   "a file to arrive")
        process.kill()
        process.communicate()
        self.assertFalse(os.path.exists(self.object(data)))
        half, = os.listdir(self.store_path("incoming"))
        self.put_entries(entry(data))
        self.stored(data)
        old = time.time() - 15 * 86400
        os.utime(self.store_path("incoming", half), (old, old))
        self.put_entries(entry(b"x"))
        self.assertEqual([], os.listdir(self.store_path("incoming")))

    def test_a_damaged_object_of_the_right_size_is_put_again_once_a_build_has_seen_it(self):
        bundle = support.Bundle(self.key)
        self.put(bundle.objects())
        wheel = bundle.blobs[bundle.lock["packages"][0]["wheel"]["sha256"]]
        with open(self.object(wheel), "wb") as file:
            file.write(b"!" * len(wheel))
        answer = self.refused(bundle.request(), "answer", "1 objects")
        self.assertEqual([sha256(wheel)], answer["missing"])
        self.put(bundle.objects())
        self.stored(wheel)
        self.good(bundle.request())

    def test_put_and_build_in_one_call(self):
        bundle = support.Bundle(self.key)
        request = dict(bundle.request())
        del request["op"]
        objects = [entry(data) for data in bundle.objects().values()]
        answer = self.good({"op": "put", "objects": objects[:-1], "build": request})
        self.assertFalse(answer["build"]["ok"])
        answer = self.good({"op": "put", "objects": objects[-1:], "build": request})
        self.assertEqual("building", answer["build"]["state"])
        self.wait(bundle, "done")


class Disks(support.Host):
    @unittest.skipUnless(os.geteuid() == 0, "needs root to mount a small disk")
    def test_t74_a_full_disk(self):
        os.makedirs(self.store_path())
        data = os.urandom(600000)
        first, second = entry(data), entry(os.urandom(600000))
        later = {"sha256": second["sha256"], "size": 600000}
        lines = "".join(json.dumps(one) + "\n" for one in (
            {"op": "put", "objects": [first, second]}, {"op": "have", "objects": [later]},
            {"op": "put", "objects": [dict(piece(b"x" * 900000, 0, 600000))]}))
        agent = os.path.join(self.folder, "agent.py")
        with open(agent, "w") as file:
            file.write(support.source(self.etc))
        script = "mount -t tmpfs -o size=1m,mode=700 x \"$1\" && \"$2\" \"$3\" && find \"$1\" -type f >&2"
        done = subprocess.run(["/usr/bin/unshare", "-m", "sh", "-c", script, "sh", self.store_path(), support.PYTHON,
                               agent], input=lines.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=self.environment, check=True)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([True, False], [one["stored"] for one in answers[0]["objects"]])
        self.assertEqual("io", answers[0]["error"]["kind"])
        self.assertIn("No space left", answers[0]["error"]["message"])
        self.assertIn("site.json", answers[0]["error"]["hint"])
        self.assertEqual([second["sha256"]], answers[1]["missing"])
        self.assertFalse(answers[2]["ok"])
        self.assertEqual([sha256(data)], [os.path.basename(path) for path in done.stderr.decode().split()])

    def test_an_unwritable_store(self):
        os.mkdir(self.store_path())
        os.chmod(self.store_path(), 0o555)
        as_nobody = support.NOBODY if os.geteuid() == 0 else []
        if as_nobody:
            os.chown(self.store_path(), 65534, 65534)
        agent = os.path.join(self.folder, "agent.py")
        with open(agent, "w") as file:
            file.write(support.source(self.etc))
        request = json.dumps({"op": "put", "objects": [entry(b"x")]})
        done = subprocess.run(as_nobody + [support.SYSTEM_PYTHON, agent], input=request.encode(), stdout=subprocess.PIPE,
                              env=self.environment, check=True)
        answer = json.loads(done.stdout)
        self.assertEqual("io", answer["error"]["kind"])
        self.assertRegex(answer["error"]["message"], "cannot make folder '%s/.*Permission denied" % self.store_path())


if __name__ == "__main__":
    unittest.main()
