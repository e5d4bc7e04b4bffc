# SPDX-License-Identifier: Apache-2.0
"""Objects that an uploader has left in a folder which both see."""
import os
import unittest

import support
from support import sha256


class TakeTest(support.Host):
    def setUp(self):
        super().setUp()
        self.drop = os.path.join(self.folder, "drop")
        os.mkdir(self.drop)

    def path(self, name):
        return os.path.join(self.drop, "objects", "sha256", name[:2], name)

    def leave(self, data, name=None):
        name = name or sha256(data)
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(data)
        return {"sha256": name, "size": len(data)}

    def request(self, *entries, **more):
        return dict({"op": "take", "folder": self.drop, "objects": list(entries)}, **more)

    def has(self, entry):
        return not self.good({"op": "have", "objects": [entry]})["missing"]

    def test_what_is_there_comes_into_the_store_and_stays_where_it_is(self):
        entries = [self.leave(data) for data in (b"", b"small", os.urandom(3 << 20))]
        answer = self.good(self.request(*entries))
        self.assertEqual([{"sha256": one["sha256"], "stored": True} for one in entries], answer["objects"])
        self.assertTrue(all(self.has(one) for one in entries))
        self.assertTrue(os.path.exists(self.path(entries[1]["sha256"])))
        self.assertEqual([], self.leftovers())

    def test_what_the_store_has_need_not_be_there(self):
        entry = self.leave(b"known")
        self.good(self.request(entry))
        os.unlink(self.path(entry["sha256"]))
        self.good(self.request(entry))

    def test_what_is_only_looked_for_is_not_kept(self):
        entry = self.leave(b"looked at")
        answer = self.good(self.request(entry, keep=False))
        self.assertEqual([{"sha256": entry["sha256"], "seen": True}], answer["objects"])
        self.assertFalse(self.has(entry))

    def test_what_is_not_there_is_named_and_the_others_come(self):
        here, gone = self.leave(b"here"), {"sha256": sha256(b"gone"), "size": 4}
        answer = self.refused(self.request(gone, here), "io", "is not there on")
        self.assertIn(self.path(gone["sha256"]), answer["error"]["message"])
        self.assertIn("probe", answer["error"]["hint"])
        self.assertEqual([gone["sha256"]], answer["absent"])
        self.assertTrue(self.has(here))

    def test_t05_other_bytes_or_another_size_are_not_taken(self):
        for data in (b"other bytes..", b"longer than it was said to be"):
            entry = dict(self.leave(data, sha256(b"wanted bytes.")), size=13)
            answer = self.refused(self.request(entry), "format", "not the object that its name says")
            self.assertEqual([entry["sha256"]], answer["absent"])
            self.assertNotIn(sha256(data), str(answer))  # nothing is said of what is there instead
            self.assertFalse(self.has(entry))
            self.refused(self.request(entry, keep=False), "format")
        self.assertEqual([], self.leftovers())

    def test_t05_no_link_is_followed(self):
        secret = os.path.join(self.folder, "secret")
        with open(secret, "wb") as file:
            file.write(b"secret")
        entry = {"sha256": sha256(b"secret"), "size": 6}
        os.makedirs(os.path.dirname(self.path(entry["sha256"])))
        os.symlink(secret, self.path(entry["sha256"]))
        self.refused(self.request(entry), "io", "cannot read")
        os.unlink(self.path(entry["sha256"]))
        os.rmdir(os.path.dirname(self.path(entry["sha256"])))
        elsewhere = os.path.join(self.folder, "elsewhere")
        os.mkdir(elsewhere)
        os.link(secret, os.path.join(elsewhere, entry["sha256"]))
        os.symlink(elsewhere, os.path.dirname(self.path(entry["sha256"])))
        self.refused(self.request(entry), "io", "cannot read")
        self.assertFalse(self.has(entry))

    def test_a_pipe_does_not_block(self):
        entry = {"sha256": sha256(b"x"), "size": 1}
        os.makedirs(os.path.dirname(self.path(entry["sha256"])))
        os.mkfifo(self.path(entry["sha256"]))
        self.refused(self.request(entry), "format")

    def test_a_folder_that_is_not_there(self):
        answer = self.refused({"op": "take", "folder": self.folder + "/none", "objects": []}, "io", "drop folder")
        self.assertIn("there", answer["error"]["hint"])

    def test_the_operator_says_where_from(self):
        entry = self.leave(b"bytes")
        self.write_config("site.json", {"drops": [self.folder + "/other", self.folder + "/dro"]})
        self.refused(self.request(entry), "untrusted", "nothing is taken from")
        link = self.folder + "/other"
        os.symlink(self.drop, link)
        self.good(self.request(entry))  # the same folder by another name
        self.write_config("site.json", {"drops": []})
        self.refused(self.request(entry), "untrusted")

    def test_t39_a_link_does_not_lead_out_of_where_the_operator_allows(self):
        entry = self.leave(b"bytes")
        allowed = self.folder + "/allowed"
        os.mkdir(allowed)
        os.symlink(self.drop, allowed + "/way")
        self.write_config("site.json", {"drops": [allowed]})
        self.refused(dict(self.request(entry), folder=allowed + "/way"), "untrusted")

    def test_what_is_wrong_about_a_request(self):
        for wrong in ({"folder": "relative"}, {"objects": {}}, {"keep": 1}, {"more": 1},
                      {"objects": [{"sha256": "x", "size": 1}]}, {"objects": [{"sha256": "0" * 64}]}):
            self.refused(dict(self.request(), **wrong), "usage")


if __name__ == "__main__":
    unittest.main()
