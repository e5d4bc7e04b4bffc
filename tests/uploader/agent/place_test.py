# SPDX-License-Identifier: Apache-2.0
"""Images that were built elsewhere: what is checked of them, where they go, and what the receipt says."""
import base64
import json
import os
import random
import struct
import unittest

import support
from support import Bundle, Key, sha256


class PlaceTest(support.Host):
    """Each test builds on one host and places on another, which has no Apptainer."""

    def setUp(self):
        super().setUp()
        self.bundle = Bundle(self.key)
        self.put(self.bundle.objects())
        self.good(self.bundle.request())
        self.wait(self.bundle, "done")
        self.built = self.good({"op": "receipt", "bundle": self.bundle.id})["receipt"]
        with open(self.built["image"]["path"], "rb") as file:
            self.image = file.read()
        self.move()

    def move(self):
        """From here on another account, with the same policy and nothing else."""
        self.home = os.path.join(self.folder, "other")
        os.makedirs(os.path.join(self.home, "config"))
        self.environment = dict(self.environment, SEALIFT_HOME=self.home, PATH="/usr/bin:/bin")
        self.trust(self.key)

    def request(self, image=None, **more):
        data = self.image if image is None else image
        return dict({"op": "place", "bundle": self.bundle.id, "built": self.built,
                     "image": {"sha256": sha256(data), "size": len(data)},
                     "signatures": support.listed(self.bundle.signatures)}, **more)

    def with_image(self, data):
        """A request for another image, whose receipt says so as well."""
        self.built["image"].update(size=len(data), sha256=sha256(data))
        try:
            path = os.path.join(self.folder, "measured")
            with open(path, "wb") as file:
                file.write(data)
            self.built["image"]["partition"] = support.LIFTED.measure_image(path)["partition"]
        except support.LIFTED.Refusal:
            pass
        self.put({sha256(data): data})
        return self.request(data)

    def put_all(self):
        """What the agent says it needs, as long as it needs something."""
        known = dict(self.bundle.objects(), **{sha256(self.image): self.image})
        rounds = []
        while True:
            answer = self.call(self.request())
            if answer["ok"] or "missing" not in answer:
                return answer, rounds
            rounds.append(answer["missing"])
            self.put({name: known[name] for name in answer["missing"]})

    def test_asks_for_what_it_needs_and_for_no_blob(self):
        answer, rounds = self.put_all()
        self.assertTrue(answer["ok"], answer)
        wanted = {sha256(self.image), self.bundle.id} | {sha256(one) for one in self.bundle.signatures} | {
            sha256(self.bundle.files[name]) for name in ("plan.json", "lock.json", "image.def")}
        self.assertEqual(wanted, set(sum(rounds, [])))

    def test_the_image_gets_the_names_that_a_built_one_has(self):
        answer, _ = self.put_all()
        image = answer["receipt"]["image"]
        self.assertEqual(self.store_path("images", "sha256", self.bundle.id + ".sif"), image["path"])
        self.assertTrue(image["named_path"].endswith("/images/demo-1.0.0.sif"), image)
        for path in (image["path"], image["named_path"]):
            with open(path, "rb") as file:
                self.assertEqual(self.image, file.read())
            self.assertEqual(0o755, os.stat(path).st_mode & 0o777)
        self.assertEqual("done", self.good({"op": "state", "bundle": self.bundle.id})["state"])
        self.assertEqual(answer["receipt"], self.good({"op": "receipt", "bundle": self.bundle.id})["receipt"])
        self.assertEqual([], self.leftovers())

    def test_the_receipt_says_that_it_was_built_elsewhere_and_by_what(self):
        receipt = self.put_all()[0]["receipt"]
        self.assertEqual(self.built, receipt["shipped"]["built"])
        self.assertEqual("apptainer version 1.4.5", receipt["shipped"]["built"]["builder"]["version"])
        for claim in ("builder", "packages", "test", "log"):
            self.assertNotIn(claim, receipt)
        self.assertIn({"name": "org.sealift.bundle", "value": self.bundle.id}, receipt["labels"])
        try:
            import jsonschema
        except ImportError:
            self.skipTest("no jsonschema here")
        with open(os.path.join(support.ROOT, "specs/receipt.schema.json"), encoding="utf-8") as file:
            schema = json.load(file)
        jsonschema.validate(receipt, schema)
        jsonschema.validate(self.built, schema)
        for wrong in (dict(receipt, test="passed"), {k: v for k, v in self.built.items() if k != "builder"}):
            with self.assertRaises(jsonschema.ValidationError):
                jsonschema.validate(wrong, schema)

    def test_t82_twice_is_once_and_the_image_is_not_wanted_again(self):
        first = self.put_all()[0]
        objects = self.store_path("objects", "sha256", sha256(self.image)[:2])
        self.assertEqual([], [name for name in os.listdir(objects) if name == sha256(self.image)])
        answer, rounds = self.put_all()
        self.assertEqual((first["receipt"], []), (answer["receipt"], rounds))

    def test_t72_what_is_killed_before_its_receipt_is_placed_again_from_what_is_there(self):
        self.put_all()
        os.unlink(self.store_path("bundles", self.bundle.id, "receipt.json"))
        os.makedirs(self.store_path("objects", "sha256", sha256(self.image)[:2]), exist_ok=True)
        os.link(self.store_path("images", "sha256", self.bundle.id + ".sif"),
                self.store_path("objects", "sha256", sha256(self.image)[:2], sha256(self.image)))
        with open(self.store_path("images", "sha256", ".%s.0.part" % self.bundle.id), "wb"):
            pass
        answer, rounds = self.put_all()
        self.assertTrue(answer["ok"], answer)
        self.assertEqual([], rounds)
        self.assertEqual([], self.leftovers())

    def test_what_has_arrived_of_it_is_told(self):
        self.put({name: data for name, data in self.bundle.objects().items()})
        half = self.image[:100]
        self.good({"op": "put", "objects": [{
            "sha256": sha256(self.image), "size": 100, "offset": 0, "total": len(self.image),
            "data": base64.b64encode(half).decode()}]})
        answer = self.refused(self.request(), "answer")
        self.assertEqual([{"sha256": sha256(self.image), "size": len(self.image), "have": [[0, 100]]}],
                         answer["partial"])

    def test_t44_who_is_not_trusted_ships_nothing(self):
        self.trust(Key("somebody else"))
        answer, rounds = self.put_all()
        self.assertEqual("answer", answer["error"]["kind"])
        self.assertNotIn(sha256(self.image), sum(rounds, []))

    # ---- what does not belong to the bundle ---------------------------------------------------

    def place_changed(self, change):
        self.put(self.bundle.objects())
        return self.refused(self.with_image(change(bytearray(self.image))), "format")

    def table_entry(self, kind):
        for at in range(128, 128 + 3 * 585, 585):
            if struct.unpack_from("<i", self.image, at)[0] == kind:
                return at, struct.unpack_from("<2q", self.image, at + 17)
        self.fail("no such object")

    def test_t53_another_definition_is_refused(self):
        def change(data):
            offset = self.table_entry(0x4001)[1][0]
            data[offset] ^= 1
            return bytes(data)
        self.assertIn("image.def", self.place_changed(change)["error"]["message"])

    def test_the_image_of_another_bundle_is_refused(self):
        def change(data):
            return bytes(data).replace(self.bundle.id.encode(), b"0" * 64)
        self.assertIn("org.sealift.bundle", self.place_changed(change)["error"]["message"])

    def test_an_image_for_another_machine_is_refused(self):
        def change(data):
            data[45:47] = b"10"
            return bytes(data)
        self.assertIn("not for", self.place_changed(change)["error"]["message"])

    def test_half_an_image_is_refused(self):
        self.put(self.bundle.objects())
        for data in (self.image[:200], b"", b"not an image" * 400, self.image[:128]):
            self.refused(self.with_image(data), "format", "SIF")

    def test_t15_two_definitions_or_none_are_refused(self):
        def twice(data):
            at = self.table_entry(0x4006)[0]
            data[at:at + 4] = struct.pack("<i", 0x4001)
            return bytes(data)
        self.assertIn("definition once", self.place_changed(twice)["error"]["message"])
        self.setUpAgain()
        self.assertIn("definition once", self.place_changed(lambda data: self.without(data, 0x4001))["error"]["message"])

    def setUpAgain(self):
        self.built["image"].update(size=len(self.image), sha256=sha256(self.image))

    def without(self, data, kind):
        data[self.table_entry(kind)[0] + 4] = 0
        return bytes(data)

    def test_labels_that_are_none_are_refused(self):
        for text in (b"[]", b"{", b'{"data":{"attributes":{"labels":[]}}}', b"\xff"):
            def change(data):
                offset, size = self.table_entry(0x4006)[1]
                data[offset:offset + size] = text.ljust(size)
                return bytes(data)
            self.assertIn("labels", self.place_changed(change)["error"]["message"])
            self.setUpAgain()

    def test_tables_that_point_nowhere_are_refused(self):
        at, _ = self.table_entry(0x4001)
        for offset, size in ((1 << 62, 10), (-1, 10), (4096, 1 << 62), (4096, -5), (0, 0)):
            def change(data):
                struct.pack_into("<2q", data, at + 17, offset, size)
                return bytes(data)
            self.place_changed(change)
            self.setUpAgain()
        for total, start in ((-1, 128), (1 << 40, 128), (3, -1), (3, 1 << 62)):
            def head(data):
                struct.pack_into("<2q", data, 88, total, start)
                return bytes(data)
            self.place_changed(head)
            self.setUpAgain()

    def test_any_byte_of_the_head_may_be_wrong(self):
        """Never anything but a refusal, or an image that is the same in all that is looked at."""
        self.put(self.bundle.objects())
        for at in range(0, 128 + 3 * 585, 97):
            data = bytearray(self.image)
            data[at] ^= 0xff
            answer = self.call(self.with_image(bytes(data)))
            if answer["ok"]:
                for path in ("receipt.json",):
                    os.unlink(self.store_path("bundles", self.bundle.id, path))
            else:
                self.assertIn(answer["error"]["kind"], ("format",), (at, answer))
            self.setUpAgain()

    def test_t15_whatever_stands_in_a_sif_it_is_read_or_refused(self):
        lifted, chance = support.LIFTED, random.Random(1)
        path = os.path.join(self.folder, "changed.sif")
        for _ in range(800):
            data = bytearray(self.image)
            for _ in range(chance.randint(1, 6)):
                at = chance.choice((88, 96, 128 + 585 * chance.randint(0, 2) + chance.choice((0, 4, 17, 25, 201, 205))))
                data[at:at + 8] = struct.pack("<q", chance.choice((
                    -1, 0, 1, 3, 1 << 62, -(1 << 63), len(data), chance.getrandbits(63), 0x4001, 0x4004, 0x4006)))
            with open(path, "wb") as file:
                file.write(data[:chance.choice((len(data), chance.randint(0, len(data))))])
            for read in (lifted.read_sif, lifted.sif_labels,
                         lambda one: lifted.sif_text(one, 0x4001, "definition")):
                try:
                    read(path)
                except lifted.Refusal:
                    pass

    def test_a_receipt_of_something_else_is_refused(self):
        self.put(dict(self.bundle.objects(), **{sha256(self.image): self.image}))
        for where, value in ((("bundle",), "0" * 64), (("image", "sha256"), "0" * 64), (("image", "size"), 7),
                             (("image", "partition", "sha256"), "0" * 64), (("sealift_receipt",), 2),
                             (("surprise",), 1), (("shipped",), {}), (("image",), []), (("builder",), {})):
            built = json.loads(json.dumps(self.built))
            at = built
            for step in where[:-1]:
                at = at[step]
            at[where[-1]] = value
            answer = self.refused(self.request(built=built), "format")
            self.assertNotIn("Traceback", str(answer))
        self.good(self.request())

    def test_what_is_damaged_in_the_store_is_asked_for_again(self):
        self.put(dict(self.bundle.objects(), **{sha256(self.image): self.image}))
        path = self.store_path("objects", "sha256", sha256(self.image)[:2], sha256(self.image))
        with open(path, "r+b") as file:
            file.seek(4000)
            file.write(b"?")
        answer = self.refused(self.request(), "answer")
        self.assertEqual([sha256(self.image)], answer["missing"])
        self.assertTrue(self.put_all()[0]["ok"])

    # ---- who says whether ----------------------------------------------------------------------

    def test_an_account_may_say_no(self):
        self.write_config("site.json", {"accept_shipped": False})
        answer, rounds = self.put_all()
        self.assertEqual("untrusted", answer["error"]["kind"])
        self.assertEqual([], rounds)

    def test_t42_where_the_policy_is_enforced_the_operator_has_to_say_yes(self):
        check, lifted = support.LIFTED.check_shipping, support.LIFTED
        level, place = lifted.enforcement, lifted.find_setting
        self.addCleanup(lambda: vars(lifted).update(enforcement=level, find_setting=place))

        def tries(site, site_is_enforced, policy="enforced"):
            levels = {"policy": policy, "site": "enforced" if site_is_enforced else "advisory"}
            vars(lifted).update(enforcement=lambda path: levels[path], find_setting=lambda *_: ("site", b""))
            try:
                check(site, "policy")
                return True
            except lifted.Refusal as refusal:
                self.assertEqual("untrusted", refusal.kind)
                return False
        self.assertTrue(tries({"accept_shipped": True}, True))
        self.assertFalse(tries({"accept_shipped": True}, False))  # the account's own file
        self.assertFalse(tries({}, True))
        self.assertFalse(tries({"accept_shipped": False}, True))
        self.assertTrue(tries({}, False, "advisory"))
        self.assertFalse(tries({"accept_shipped": False}, False, "advisory"))

    # ---- fetch --------------------------------------------------------------------------------

    def test_fetch_hands_out_the_image_to_whoever_starts_the_agent(self):
        self.put_all()
        requests = [{"op": "fetch", "bundle": self.bundle.id, "offset": at, "size": 1000}
                    for at in range(0, len(self.image) + 1000, 1000)]
        _, answers = self.run_program(b"".join(json.dumps(one).encode() + b"\n" for one in requests))
        self.assertEqual(self.image, b"".join(base64.b64decode(one["data"]) for one in answers))
        self.refused(requests[0], "usage", "program")  # not as a task
        _, answers = self.run_program(json.dumps(dict(requests[0], bundle="0" * 64)).encode() + b"\n")
        self.assertEqual("answer", answers[0]["error"]["kind"])


if __name__ == "__main__":
    unittest.main()
