# SPDX-License-Identifier: Apache-2.0
"""What sweep removes and what it must never touch; how much a store takes."""
import base64
import json
import os
import time
import unittest

import support
from support import Bundle, plan, sha256

DAY = 86400


class Sweep(support.Host):
    def setUp(self):
        super().setUp()
        self.bundle = Bundle(self.key)
        self.put(self.bundle.objects())

    def age(self, days, *names):
        """Objects, or all of the store, as if they had been left alone for so many days."""
        paths = [self.object(name) for name in names] or [
            os.path.join(at, name) for at, folders, files in os.walk(self.store_path()) for name in folders + files]
        for path in paths:
            os.utime(path, (time.time() - days * DAY,) * 2, follow_symlinks=False)

    def age_states(self, days):
        for name in os.listdir(self.store_path("bundles")):
            path = self.store_path("bundles", name, "state.json")
            state = support.LIFTED.load_json(support.LIFTED.read_file(path, 1 << 20), path)
            support.LIFTED.write_json(path, dict(state, updated=state["updated"] - days * DAY))

    def object(self, name):
        return self.store_path("objects", "sha256", name[:2], name)

    def here(self):
        return {name for _, _, names in os.walk(self.store_path("objects")) for name in names}

    def sweep(self, days=14, dry=False):
        return self.good({"op": "sweep", "older_than_days": days, "dry_run": dry})

    def build(self, bundle, state="done"):
        self.put(bundle.objects())
        self.good(bundle.request())
        self.wait(bundle, state)
        self.until(lambda: not self.processes_here(), "every process to end")

    def files(self, *parts):
        return sorted(os.path.join(at, name) for at, _, names in os.walk(self.store_path(*parts)) for name in names)

    def test_what_nobody_has_asked_for(self):
        size = sum(map(len, self.bundle.objects().values()))
        count = len(self.bundle.objects())
        nothing = {"count": 0, "bytes": 0}
        self.assertEqual(nothing, self.sweep()["objects"])
        self.age(15)
        answer = self.sweep(dry=True)
        self.assertEqual(({"count": count, "bytes": size}, nothing), (answer["objects"], answer["kept"]))
        self.assertEqual(count, len(self.here()))
        self.assertEqual(nothing, self.sweep(days=16)["objects"])
        self.assertEqual({"count": count, "bytes": size}, self.sweep()["objects"])
        self.assertEqual(set(), self.here())

    def test_what_somebody_counts_on_is_not_old(self):
        """A question for it, or a second delivery, makes it new."""
        wanted, sent, other = sorted(self.bundle.objects())[:3]
        self.age(15)
        self.good({"op": "have", "objects": [{"sha256": wanted, "size": len(self.bundle.objects()[wanted])}]})
        self.put({sent: self.bundle.objects()[sent]})
        self.sweep()
        self.assertEqual({wanted, sent}, self.here())

    def test_the_objects_of_a_bundle_as_long_as_it_was_not_left_alone(self):
        self.build(self.bundle)
        self.age(15)
        self.assertEqual(0, self.sweep()["objects"]["count"])
        self.age_states(15)
        images, receipts = self.files("images"), self.files("bundles")
        self.assertEqual(len(self.bundle.objects()), self.sweep()["objects"]["count"])
        self.assertEqual((images, receipts), (self.files("images"), self.files("bundles")))
        receipt = self.good({"op": "receipt", "bundle": self.bundle.id})["receipt"]
        self.assertEqual("same", self.good(dict(op="image", **{key: receipt["image"][key] for key in ("path", "size", "sha256")}))["image"])
        self.assertIn("missing", self.refused(self.bundle.request(), "answer"))

    def test_what_a_build_that_runs_or_waits_needs(self):
        waits = Bundle(self.key, plan(version="2.0.0"))
        self.put(waits.objects())
        self.behave("""
            while not os.path.exists(os.path.join(here, "go")):
                time.sleep(0.02)
        """)
        for bundle in (self.bundle, waits):
            self.good(bundle.request(builds=1))
        self.until(self.launches, "the first launch")
        self.age_states(90)
        self.age(90, *self.here())
        before = self.here()
        self.assertEqual(0, self.sweep(days=1)["scratch"])
        self.assertEqual(before, self.here())
        self.tool("go", "")
        for bundle in (self.bundle, waits):
            self.wait(bundle, "done")

    def test_t72_what_dead_builds_have_left(self):
        self.behave("""
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(30)
        """)
        self.good(self.bundle.request())
        self.wait(self.bundle, "interrupted")
        self.assertEqual(1, len(os.listdir(self.scratch)))
        part = self.store_path("images", "sha256", ".%s.%s.part" % (self.bundle.id, "0" * 16))
        with open(part, "wb"):
            pass
        self.assertEqual(3, self.sweep(dry=True)["scratch"])
        self.assertTrue(os.path.exists(part))
        self.assertEqual(3, self.sweep()["scratch"])
        self.assertEqual([], self.leftovers())
        self.assertEqual([], self.processes_here())
        self.behave("")
        self.good(self.bundle.request())
        self.wait(self.bundle, "done")

    def test_t72_halves_of_those_who_were_killed_while_they_wrote(self):
        self.build(self.bundle)
        before = self.files()
        made = [self.store_path("bundles", self.bundle.id, ".new-" + 32 * "a"), self.store_path(".new-" + 32 * "b")]
        for path in made:
            open(path, "w").close()
        made.append(self.store_path("bundles", self.bundle.id, ".lock-" + 32 * "c"))
        os.mkdir(made[2])
        self.assertEqual(0, self.sweep()["halves"])  # somebody may be writing them now
        for path in made:
            os.utime(path, (time.time() - 15 * DAY,) * 2)
        self.assertEqual(3, self.sweep(dry=True)["halves"])
        self.assertEqual(3, self.sweep()["halves"])
        self.assertEqual([], [path for path in made if os.path.lexists(path)])
        self.assertEqual(before, self.files())

    def test_arrivals_of_senders_that_are_gone(self):
        piece = {"sha256": sha256(b"whole"), "size": 2, "offset": 0, "total": 5, "data": base64.b64encode(b"wh").decode()}
        self.good({"op": "put", "objects": [piece]})
        self.assertEqual(0, self.sweep(days=1)["arrivals"])
        self.age(2)
        self.assertEqual(1, self.sweep(days=1, dry=True)["arrivals"])
        self.assertEqual(1, self.sweep(days=1)["arrivals"])
        self.assertEqual([], os.listdir(self.store_path("partial")))

    def test_an_empty_store(self):
        self.environment["SEALIFT_HOME"] = os.path.join(self.folder, "empty")
        self.assertEqual({"count": 0, "bytes": 0}, self.sweep()["objects"])
        self.assertFalse(os.path.exists(self.environment["SEALIFT_HOME"]))

    def test_requests_out_of_form(self):
        for change in ({"older_than_days": 0}, {"older_than_days": -1}, {"older_than_days": 40000}, {"dry_run": 0}, {"images": True}):
            self.refused(dict({"op": "sweep", "older_than_days": 1, "dry_run": True}, **change), "usage")
        self.refused({"op": "sweep", "older_than_days": 1}, "usage")


class Quota(support.Host):
    def setUp(self):
        super().setUp()
        self.write_config("site.json", {"scratch": self.scratch, "quota": 2})

    def entry(self, data, **more):
        return dict({"sha256": sha256(data), "size": len(data), "data": base64.b64encode(data).decode()}, **more)

    def test_a_store_takes_so_much(self):
        mib = [bytes([number]) * (1 << 20) for number in range(3)]
        self.good({"op": "put", "objects": [self.entry(mib[0]), self.entry(mib[1])]})
        answer = self.refused({"op": "put", "objects": [self.entry(mib[2]), self.entry(mib[0])]}, "limit",
                              "takes 2 MiB of objects: 2 MiB are there, and 1048576 more bytes do not fit")
        self.assertIn('"op":"sweep"', answer["error"]["hint"])
        self.assertEqual([False, True], [one["stored"] for one in answer["objects"]])
        self.assertEqual([], os.listdir(self.store_path("incoming")))
        self.write_config("site.json", {"scratch": self.scratch, "quota": 3})
        self.good({"op": "put", "objects": [self.entry(mib[2])]})

    def test_pieces_count(self):
        whole = os.urandom(3 << 20)
        for number in range(2):
            piece = self.entry(whole[number << 20:(number + 1) << 20], sha256=sha256(whole), offset=number << 20, total=len(whole))
            self.good({"op": "put", "objects": [piece]})
        piece = self.entry(whole[2 << 20:], sha256=sha256(whole), offset=2 << 20, total=len(whole))
        self.refused({"op": "put", "objects": [piece]}, "limit", "2 MiB are there")

    def test_so_does_what_is_taken_from_a_folder(self):
        data, drop = os.urandom((2 << 20) + 1), os.path.join(self.folder, "drop")
        folder = os.path.join(drop, "objects", "sha256", sha256(data)[:2])
        os.makedirs(folder)
        with open(os.path.join(folder, sha256(data)), "wb") as file:
            file.write(data)
        request = {"op": "take", "folder": drop, "objects": [{"sha256": sha256(data), "size": len(data)}]}
        self.refused(request, "limit", "0 MiB are there")
        self.assertTrue(self.good(dict(request, keep=False))["objects"][0]["seen"])

    def test_sweeping_makes_room(self):
        data = os.urandom(2 << 20)
        self.good({"op": "put", "objects": [self.entry(data)]})
        self.refused({"op": "put", "objects": [self.entry(b"x")]}, "limit")
        path = self.store_path("objects", "sha256", sha256(data)[:2], sha256(data))
        os.utime(path, (time.time() - 8 * DAY,) * 2)
        self.good({"op": "sweep", "older_than_days": 7, "dry_run": False})
        self.good({"op": "put", "objects": [self.entry(b"x")]})

    def test_a_stream_stays_in_step(self):
        big, small = os.urandom((2 << 20) + 1), b"small"
        lines = b"".join(json.dumps({"op": "put", "objects": [{"sha256": sha256(one), "size": len(one), "stream": True}]}).encode()
                         + b"\n" + one for one in (big, small))
        status, answers = self.run_program(lines)
        self.assertEqual((0, [False, True]), (status, [one["ok"] for one in answers]))
        self.assertEqual("limit", answers[0]["error"]["kind"])

    def test_settings_out_of_form(self):
        for quota in (0, -1, "2", True, 1.5, (1 << 24) + 1):
            for name in ("quota", "quota_each"):
                self.write_config("site.json", {name: quota})
                self.refused({"op": "have", "objects": []}, "input")


class QuotaOfEach(support.Host):
    """People whom an endpoint maps to one account."""

    def setUp(self):
        super().setUp()
        self.write_config("site.json", {"scratch": self.scratch, "quota_each": 2})

    def put(self, who, data, **more):
        self.environment["SEALIFT_SUBMITTER"] = who
        entry = dict({"sha256": sha256(data), "size": len(data), "data": base64.b64encode(data).decode()}, **more)
        return self.call({"op": "put", "objects": [entry]})

    def takes(self, who, data, **more):
        answer = self.put(who, data, **more)
        self.assertTrue(answer["ok"], answer)

    def refuses(self, who, data, here, **more):
        answer = self.put(who, data, **more)
        self.assertFalse(answer["ok"])
        self.assertEqual("limit", answer["error"]["kind"])
        self.assertRegex(answer["error"]["message"], "takes 2 MiB of objects from each submitter: %d MiB of yours are there, and "
                         "[0-9]+ more bytes do not fit" % here)

    def test_each_has_as_much(self):
        mib = [bytes([number]) * (1 << 20) for number in range(6)]
        self.takes("ada@example.org", mib[0])
        self.takes("ada@example.org", mib[1])
        self.refuses("ada@example.org", b"x", 2)
        self.takes("ben@example.org", mib[2])
        self.takes("ada@example.org", mib[2])  # it is there already, and counts for who has brought it
        self.takes("ben@example.org", mib[3])
        self.refuses("ben@example.org", mib[4], 2)
        self.refuses("ada@example.org", mib[5], 2)
        self.assertEqual([], os.listdir(self.store_path("incoming")))

    def test_pieces_count_for_who_brings_them(self):
        whole = os.urandom(3 << 20)
        for number in range(2):
            self.takes("ada", whole[number << 20:(number + 1) << 20], sha256=sha256(whole), offset=number << 20, total=len(whole))
        self.refuses("ada", b"x", 2)
        # Whoever brings more of it has it all.
        self.takes("ben", b"y")
        self.takes("ben", whole[2 << 20:-1], sha256=sha256(whole), offset=2 << 20, total=len(whole))
        self.refuses("ben", b"x", 3)
        self.takes("ada", b"x")

    def test_what_is_swept_counts_no_more(self):
        data = os.urandom(2 << 20)
        self.takes("ada", data)
        self.refuses("ada", b"x", 2)
        own, = os.listdir(self.store_path("submitters"))
        for path in (self.store_path("objects", "sha256", sha256(data)[:2], sha256(data)),
                     self.store_path("submitters", own, sha256(data))):
            os.utime(path, (time.time() - 8 * DAY,) * 2)
        request = {"op": "sweep", "older_than_days": 7, "dry_run": True}
        self.good(request)
        self.assertEqual([sha256(data)], os.listdir(self.store_path("submitters", own)))
        self.good(dict(request, dry_run=False))
        self.assertEqual([], os.listdir(self.store_path("submitters", own)))
        self.takes("ada", b"x")

    def test_somebody_must_say_who_submits(self):
        for who in ("", "a/b", "a b", "../x", "x" * 129, "\u00e9"):
            answer = self.put(who, b"x")
            self.assertEqual((False, "input"), (answer["ok"], answer.get("error", {}).get("kind")), who)
            self.assertIn("nothing says who submits", answer["error"]["message"])
            self.assertIn("nothing says who submits", json.dumps(self.good({"op": "probe"})["obstacles"]))
        self.takes("..", b"x")
        self.assertFalse(os.path.exists(self.store_path("objects", "sha256", "submitters")))
        self.assertNotIn("nothing says who submits", json.dumps(self.good({"op": "probe"})["obstacles"]))

    def test_pieces_do_not_outlive_their_mark(self):
        whole = os.urandom(3 << 20)
        self.takes("ada", whole[:1], sha256=sha256(whole), offset=0, total=len(whole))
        own, = os.listdir(self.store_path("submitters"))
        mark = self.store_path("submitters", own, sha256(whole))
        os.utime(mark, (time.time() - 2 * DAY,) * 2)
        self.takes("ada", whole[1:2 << 20], sha256=sha256(whole), offset=1, total=len(whole))
        self.assertLess(time.time() - os.stat(mark).st_mtime, 600)
        os.utime(mark, (time.time() - 2 * DAY,) * 2)
        self.good({"op": "sweep", "older_than_days": 1, "dry_run": False})
        self.refuses("ada", b"x", 2)

    def test_what_is_refused_counts_for_nobody(self):
        whole = os.urandom(2 << 20)
        self.takes("ada", whole[:1 << 20], sha256=sha256(whole), offset=0, total=len(whole))
        self.assertEqual("format", self.put("ben", b"", sha256=sha256(whole))["error"]["kind"])
        self.assertEqual("format", self.put("ben", b"", sha256=sha256(b"other"))["error"]["kind"])
        marks = {name: os.listdir(self.store_path("submitters", name)) for name in os.listdir(self.store_path("submitters"))}
        self.assertEqual([[], [sha256(whole)]], sorted(marks.values()))

    def test_a_stream_stays_in_step(self):
        self.environment.pop("SEALIFT_SUBMITTER", None)
        first, second = os.urandom(1000), b"second"
        lines = b"".join(json.dumps({"op": "put", "objects": [{"sha256": sha256(one), "size": len(one), "stream": True}]}).encode()
                         + b"\n" + one for one in (first, second))
        status, answers = self.run_program(lines)
        self.assertEqual((0, ["input", "input"]), (status, [one["error"]["kind"] for one in answers]), answers)


if __name__ == "__main__":
    unittest.main()
