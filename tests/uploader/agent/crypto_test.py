# SPDX-License-Identifier: Apache-2.0
"""Ed25519 and BLAKE2b of the agent: the standards' vectors, edge cases (T37), and minisign as judge."""
import base64
import hashlib
import json
import os
import runpy
import shutil
import subprocess
import tempfile
import unittest

from support import LIFTED, ROOT, Key

verify = LIFTED.ed25519_verify
P, ORDER = LIFTED.P, LIFTED.ORDER

RFC8032 = (  # section 7.1: public key, message, signature
    ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
     "d25bf5f0595bbe24655141438e7a100b"),
    ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
     "387b2eaeb4302aeeb00d291612bb0c00"),
    ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
     "4a7c15e9716ed28dc027beceea1ec40a"),
)
RFC7693_ABC = ("ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
               "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923")


def little(number):
    return number.to_bytes(32, "little")


def torsion():
    """The points of small order, from one of order 8."""
    number = 2
    while True:
        point = LIFTED.point_decode(little(number))
        if point:
            point = LIFTED.point_times(ORDER, point)
            if LIFTED.point_encode(LIFTED.point_times(4, point)) != LIFTED.point_encode(LIFTED.IDENTITY):
                return [LIFTED.point_times(k, point) for k in range(8)]
        number += 1


def sign_with(scalar, public, nonce_point, nonce, message, add=0):
    """A signature made by the equation, with whatever R and S the caller wants."""
    h = int.from_bytes(hashlib.sha512(nonce_point + public + message).digest(), "little") % ORDER
    return nonce_point + little((nonce + h * scalar) % ORDER + add)


class Vectors(unittest.TestCase):
    def test_rfc_8032(self):
        for public, message, signature in RFC8032:
            public, message, signature = map(bytes.fromhex, (public, message, signature))
            self.assertTrue(verify(public, signature, message))
            self.assertFalse(verify(public, signature, message + b"x"))

    def test_every_changed_bit_is_seen(self):
        public, message, signature = map(bytes.fromhex, RFC8032[2])
        for bit in range(512):
            changed = bytearray(signature)
            changed[bit // 8] ^= 1 << bit % 8
            self.assertFalse(verify(public, bytes(changed), message), bit)
        for bit in range(0, 256, 5):
            changed = bytearray(public)
            changed[bit // 8] ^= 1 << bit % 8
            self.assertFalse(verify(bytes(changed), signature, message), bit)

    def test_wrong_lengths(self):
        public, message, signature = map(bytes.fromhex, RFC8032[1])
        for key, value in ((public[:-1], signature), (public + b"\0", signature), (public, signature[:-1]),
                           (public, signature + b"\0"), (b"", b"")):
            self.assertFalse(verify(key, value, message))

    def test_rfc_7693(self):
        self.assertEqual(RFC7693_ABC, LIFTED.blake2b_python(b"abc").hex())
        for size in (0, 1, 127, 128, 129, 255, 256, 257, 1000):
            data = bytes(i * 7 & 255 for i in range(size))
            self.assertEqual(hashlib.blake2b(data).digest(), LIFTED.blake2b_python(data), size)

    def test_without_blake2b_in_hashlib(self):
        real = LIFTED.hashlib

        class Stripped:
            sha512, sha256 = real.sha512, real.sha256

        try:
            LIFTED.hashlib = Stripped
            self.assertEqual(RFC7693_ABC, LIFTED.blake2b(b"abc").hex())
        finally:
            LIFTED.hashlib = real


class Shared(unittest.TestCase):
    """tests/data/ed25519, which the verifier in C is held to as well."""

    def setUp(self):
        self.folder = os.path.join(ROOT, "tests/data/ed25519")
        with open(os.path.join(self.folder, "vectors.json"), encoding="ascii") as file:
            self.text = file.read()

    def test_t37_every_vector(self):
        rows = json.loads(self.text)
        self.assertGreaterEqual(len(rows), 165)
        refused = [row for row in rows if (row["verdict"], row["key"]) != ("good", "good")]
        self.assertGreaterEqual(sum(row["lenient"] for row in refused), 73)  # so that each rule is what refuses
        for row in rows:
            with self.subTest(name=row["name"]):
                key, hashed, signature, whole = (bytes.fromhex(row[name]) for name in (
                    "public_key", "hash", "signature", "comment_signature"))
                good = verify(key, signature, hashed) and verify(key, whole, signature + row["comment"].encode())
                self.assertEqual(row["verdict"], "good" if good else "bad")
                self.assertEqual(row["key"], "good" if LIFTED.good_public_key(key) else "refused")

    def test_they_are_what_make_py_writes(self):
        made = runpy.run_path(os.path.join(self.folder, "make.py"))
        self.assertEqual(self.text, made["text"]())


class EdgeCases(unittest.TestCase):
    """Each is tried on the agent and on libsodium (through minisign): both must refuse."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.key = Key("edge")
        self.hashed = hashlib.blake2b(b"message\n").digest()
        self.nonce = 12345
        self.r = LIFTED.point_encode(LIFTED.point_times(self.nonce, LIFTED.BASE))

    def minisign_agrees(self, public, signature, whole=None):
        """minisign's verdict on the same bytes."""
        comment = b"timestamp:0"
        if whole is None:
            whole = self.key.sign(signature + comment)
        with open(os.path.join(self.folder, "m"), "wb") as file:
            file.write(b"message\n")
        with open(os.path.join(self.folder, "m.minisig"), "wb") as file:
            file.write(b"untrusted comment: x\n" + base64.b64encode(b"ED" + self.key.id + signature)
                       + b"\ntrusted comment: " + comment + b"\n" + base64.b64encode(whole) + b"\n")
        shown = base64.b64encode(b"Ed" + self.key.id + public).decode()
        done = subprocess.run(["minisign", "-Vm", "m", "-P", shown], cwd=self.folder,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return done.returncode == 0

    def both_refuse(self, public, signature):
        self.assertFalse(verify(public, signature, self.hashed))
        self.assertFalse(self.minisign_agrees(public, signature))

    def test_the_way_of_making_them_is_right(self):
        signature = sign_with(self.key.scalar, self.key.public, self.r, self.nonce, self.hashed)
        self.assertTrue(verify(self.key.public, signature, self.hashed))
        self.assertTrue(self.minisign_agrees(self.key.public, signature))

    def test_t37_s_not_below_the_order(self):
        signature = sign_with(self.key.scalar, self.key.public, self.r, self.nonce, self.hashed, ORDER)
        self.both_refuse(self.key.public, signature)
        self.both_refuse(self.key.public, self.r + little(ORDER))
        self.both_refuse(self.key.public, self.r + b"\xff" * 32)

    def test_a_good_key(self):
        self.assertTrue(LIFTED.good_public_key(self.key.public))

    def test_t37_small_order_keys(self):
        for point in torsion():
            public = LIFTED.point_encode(point)
            self.assertFalse(LIFTED.good_public_key(public))
            for nonce in range(1, 9):  # one in eight fits the equation without cofactor
                r = LIFTED.point_encode(LIFTED.point_times(nonce, LIFTED.BASE))
                self.both_refuse(public, r + little(nonce))

    def test_t37_small_order_r(self):
        for point in torsion():
            r = LIFTED.point_encode(point)
            self.both_refuse(self.key.public, sign_with(self.key.scalar, self.key.public, r, 0, self.hashed))

    def test_t37_r_and_key_with_a_part_of_small_order(self):
        for point in torsion()[1:]:
            r = LIFTED.point_encode(LIFTED.point_add(LIFTED.point_decode(self.r), point))
            mixed = LIFTED.point_encode(LIFTED.point_add(LIFTED.point_decode(self.key.public), point))
            self.assertFalse(LIFTED.good_public_key(mixed))
            self.both_refuse(self.key.public, sign_with(
                self.key.scalar, self.key.public, r, self.nonce, self.hashed))

    def test_t37_encodings_that_are_not_canonical(self):
        for number in list(range(P, 2 ** 255)) + [1 | 1 << 255, P - 1 | 1 << 255, (P + 1) | 1 << 255]:
            data = little(number)
            self.assertIsNone(LIFTED.point_decode(data))
            self.assertFalse(LIFTED.good_public_key(data))
            self.both_refuse(data, sign_with(1, data, self.r, self.nonce, self.hashed))
            self.both_refuse(self.key.public, sign_with(self.key.scalar, self.key.public, data, 0, self.hashed))

    def test_points_that_are_on_no_curve(self):
        bad = [little(y) for y in range(2, 40) if LIFTED.point_decode(little(y)) is None]
        self.assertGreater(len(bad), 10)
        for data in bad[:5]:
            self.both_refuse(data, sign_with(1, data, self.r, self.nonce, self.hashed))


if __name__ == "__main__":
    unittest.main()
