# SPDX-License-Identifier: Apache-2.0
"""One bit of every byte of a bundle changed, on its way to the agent, under its signatures and in the store: nothing of it
is taken, nothing is built, Apptainer is not started once. In the store each SEALIFT_FLIP_EVERY'th byte only (default 211:
each of these is judged as a whole build)."""
import base64
import os
import sys
import unittest

import support
from support import Bundle, Key, sha256

EVERY = int(os.environ.get("SEALIFT_FLIP_EVERY", "211"))


def flipped(data, at):
    changed = bytearray(data)
    changed[at] ^= 1 << at % 8
    return bytes(changed)


class Flips(support.Host):
    def setUp(self):
        super().setUp()
        approver = Key("approver", roles=("approve",))
        self.bundle = Bundle(self.key)
        self.bundle.approve(approver)
        self.trust(self.key, approver)
        self.objects = self.bundle.objects()

    def stored(self):
        return sorted(name for _, _, names in os.walk(self.store_path("objects")) for name in names)

    def report(self, count):
        self.assertEqual([], self.launches())
        print("%s: %d changed bytes, 0 accepted, Apptainer started %d times" % (
            self.id().split(".")[-1], count, len(self.launches())), file=sys.stderr)

    def test_t75_no_changed_byte_is_taken_into_the_store(self):
        count = 0
        for name, data in self.objects.items():
            for start in range(0, len(data), 256):
                wrong = [flipped(data, at) for at in range(start, min(start + 256, len(data)))]
                answer = self.call({"op": "put", "objects": [
                    {"sha256": name, "size": len(one), "data": base64.b64encode(one).decode()} for one in wrong]})
                self.assertEqual((False, "format"), (answer["ok"], answer.get("error", {}).get("kind")), answer)
                count += len(wrong)
        self.assertEqual([], self.stored())
        self.assertEqual(sum(map(len, self.objects.values())), count)
        self.report(count)

    def test_t75_no_changed_byte_is_signed(self):
        """The manifest and each signature, as objects of their own digest: whole, but not what was signed."""
        self.put(self.objects)
        count = 0
        for at in range(len(self.bundle.manifest)):
            wrong = flipped(self.bundle.manifest, at)
            self.refuse(wrong, dict(self.bundle.request(), bundle=sha256(wrong)))
            count += 1
        for text in self.bundle.signatures:
            for at in range(len(text)):
                wrong, request = flipped(text, at), self.bundle.request()
                for one in request["signatures"]:
                    one["sha256"] = one["sha256"].replace(sha256(text), sha256(wrong))
                self.refuse(wrong, request)
                count += 1
        self.assertGreater(count, 1500)
        self.report(count)
        self.good(self.bundle.request())  # as it was
        self.wait(self.bundle, "done")

    def refuse(self, wrong, request):
        self.put({sha256(wrong): wrong})
        answer = self.call(request)
        self.assertFalse(answer["ok"])
        # Where the key's id was changed, it is nobody's signature.
        self.assertEqual(answer["error"]["kind"], "answer" if "nobody whom" in answer["error"]["message"] else "untrusted")
        os.unlink(self.store_path("objects", "sha256", sha256(wrong)[:2], sha256(wrong)))

    def test_t75_no_byte_that_rotted_in_the_store_is_built(self):
        count = 0
        for name, data in self.objects.items():
            path = self.store_path("objects", "sha256", name[:2], name)
            for at in range(count % EVERY, len(data), EVERY):
                self.put(self.objects)
                with open(path, "r+b") as file:
                    file.write(flipped(data, at))
                answer = self.refused(self.bundle.request(), "answer", "objects of the bundle are not here, or were damaged")
                self.assertEqual([name], answer["missing"])
                count += 1
        self.report(count)
        self.assertGreater(count * EVERY, 10000)
        self.put(self.objects)
        self.good(self.bundle.request())
        self.wait(self.bundle, "done")


if __name__ == "__main__":
    unittest.main()
