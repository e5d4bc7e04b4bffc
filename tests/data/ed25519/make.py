#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes vectors.json: signatures as minisign has them, good ones and those that lenient verifiers accept. Made with
the curve arithmetic of the agent, by the equation of RFC 8032, section 5.1.7; nothing here is random."""
import hashlib
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "uploader", "agent"))
from support import LIFTED, Key  # noqa: E402

P, ORDER = LIFTED.P, LIFTED.ORDER
HASH = hashlib.blake2b(b"a manifest\n").digest()
COMMENT = b"sealift's vectors"
KEY, OTHER = Key("vector"), Key("another vector")
NONCE = 271828
# RFC 8032, section 7.1, TEST SHA(abc): the one whose message has the length of a hash.
RFC_SEED = "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42"
RFC_PUBLIC = "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf"
RFC_SIGNATURE = ("dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e030"
                 "3dca179c138ac17ad9bef1177331a704")
times, add, encode, decode = LIFTED.point_times, LIFTED.point_add, LIFTED.point_encode, LIFTED.point_decode
R = encode(times(NONCE, LIFTED.BASE))


def little(number):
    return number.to_bytes(32, "little")


def challenge(r, public, message):
    return int.from_bytes(hashlib.sha512(r + public + message).digest(), "little") % ORDER


def sign(message, public=KEY.public, scalar=KEY.scalar, r=R, nonce=NONCE, over=0):
    return r + little((nonce + challenge(r, public, message) * scalar) % ORDER + over)


def torsion():
    """The eight points of small order, as multiples of one of order 8."""
    for number in range(2, 100):
        point = decode(little(number))
        point = point and times(ORDER, point)
        if point and encode(times(4, point)) != encode(LIFTED.IDENTITY):
            return [times(k, point) for k in range(8)]
    raise AssertionError("no point of order 8")


def rfc_key():
    key, hashed = Key("RFC 8032"), hashlib.sha512(bytes.fromhex(RFC_SEED)).digest()
    key.scalar = int.from_bytes(hashed[:32], "little") & (1 << 254) - 8 | 1 << 254
    key.prefix, key.public = hashed[32:], encode(times(key.scalar, LIFTED.BASE))
    return key


def point_of(data):
    """As a verifier that is not strict reads it: y modulo P, and x = 0 with any sign."""
    number = int.from_bytes(data, "little")
    y = (number & (1 << 255) - 1) % P
    return decode(little(y | number >> 255 << 255)) or decode(little(y))


def holds(public, signature, message, cofactor=1):
    """RFC 8032's equation and nothing else, perhaps multiplied by the cofactor."""
    a, r = point_of(public), point_of(signature[:32])
    if a is None or r is None:
        return False
    h, s = challenge(signature[:32], public, message), int.from_bytes(signature[32:], "little")
    left, right = times(cofactor * s % ORDER, LIFTED.BASE), times(cofactor, add(r, times(h, a)))
    return encode(left) == encode(right)


def fitting(message, public, scalar=0, part=LIFTED.IDENTITY, fits=True):
    """A signature by a key with a part of small order for which the equation holds (or not); R gets `part`."""
    for nonce in range(1, 1000):
        signature = sign(message, public, scalar, encode(add(times(nonce, LIFTED.BASE), part)), nonce)
        if holds(public, signature, message) == fits:
            return signature
    raise AssertionError("none found")


SMALL = torsion()
# y from p to 2^255 - 1 names y - p once more; x = 0 has no sign.
OTHER_ENCODINGS = [little(y | sign << 255) for y in range(P, 2 ** 255) for sign in (0, 1)] + [
    little(1 | 1 << 255), little(P - 1 | 1 << 255)]
ON_NO_CURVE = [little(y) for y in range(2, 30) if decode(little(y)) is None][:5]


def vectors():
    def row(name, why, signature=None, public=KEY.public, key="good", verdict="bad", comment_signature=None, hashed=HASH, signer=KEY):
        signature = sign(hashed) if signature is None else signature
        whole = signer.sign(signature + COMMENT) if comment_signature is None else comment_signature
        lenient = holds(public, signature, hashed, 8) and holds(public, whole, signature + COMMENT, 8)
        return {"lenient": lenient, "name": name, "why": why, "public_key": public.hex(), "hash": hashed.hex(), "signature": signature.hex(),
                "comment": COMMENT.decode(), "key": key, "verdict": verdict, "comment_signature": whole.hex()}

    for number in range(4):
        hashed, signer = hashlib.blake2b(b"%d" % number).digest(), Key("vector %d" % number)
        yield row("good %d" % number, "as any signer makes it", signer.sign(hashed), signer.public, verdict="good", hashed=hashed,
                  signer=signer)
    abc, signer = hashlib.sha512(b"abc").digest(), rfc_key()
    assert (signer.public.hex(), signer.sign(abc).hex()) == (RFC_PUBLIC, RFC_SIGNATURE)
    yield row("RFC 8032, SHA(abc)", "the standard's own", bytes.fromhex(RFC_SIGNATURE), signer.public, verdict="good", hashed=abc,
              signer=signer)
    yield row("by the equation", "with a nonce that was chosen", verdict="good")
    yield row("of other bytes", "the hash is another one", sign(hashlib.blake2b(b"").digest()))
    yield row("of another key", "made by another key", OTHER.sign(HASH))
    yield row("comment of another key", "the comment is signed by another key", comment_signature=OTHER.sign(sign(HASH) + COMMENT))
    yield row("comment of another signature", "the comment's signature covers another signature",
              comment_signature=KEY.sign(OTHER.sign(HASH) + COMMENT))
    for where in ("signature", "comment_signature"):
        def odd(name, why, make, where=where):
            """A row in which make(message) stands in one of the two places."""
            if where == "signature":
                return row(name, why, make(HASH))
            first = sign(HASH)
            return row(name + ", comment", why, first, comment_signature=make(first + COMMENT))
        yield odd("S + L", "S not below the group order", lambda message: sign(message, over=ORDER))
        yield odd("S = L", "S not below the group order", lambda message: R + little(ORDER))
        yield odd("S with all bits", "S not below the group order", lambda message: R + b"\xff" * 32)
        for number, point in enumerate(SMALL):
            yield odd("R of small order %d" % number, "R is one of the eight points of small order",
                      lambda message, r=encode(point): sign(message, r=r, nonce=0))
        for number, point in enumerate(SMALL[1:], 1):
            yield odd("R of mixed order %d" % number, "holds only when multiplied by the cofactor",
                      lambda message, r=encode(add(decode(R), point)): sign(message, r=r))
    for number, text in enumerate(OTHER_ENCODINGS):
        yield row("R not canonical %d" % number, "a second encoding of a point", sign(HASH, r=text, nonce=0))
        point, whole = point_of(text), None
        first = sign(HASH, text, 1)
        if point and encode(times(8, point)) == encode(LIFTED.IDENTITY):  # of the others nobody knows the scalar
            first = fitting(HASH, text)
            whole = fitting(first + COMMENT, text)
        yield row("key not canonical %d" % number, "a second encoding of a point", first, text, "refused", comment_signature=whole)
    for number, text in enumerate(ON_NO_CURVE):
        yield row("R on no curve %d" % number, "no point has this y", sign(HASH, r=text))
        yield row("key on no curve %d" % number, "no point has this y", sign(HASH, text, 1), text, "refused")
    for number, point in enumerate(SMALL):
        public = encode(point)
        first = fitting(HASH, public)
        yield row("key of small order %d" % number, "signs any message for who does not look", first, public, "refused",
                  comment_signature=fitting(first + COMMENT, public))
    for number, point in enumerate(SMALL[1:], 1):
        public = encode(add(decode(KEY.public), point))

        def mixed(name, why, verdict, one, public=public):
            first = one(HASH)
            return row(name % number, why, first, public, "refused", verdict, one(first + COMMENT))
        yield mixed("key of mixed order %d, cofactor", "an honest key plus a point of small order, which the cofactor takes away",
                    "bad", lambda message: fitting(message, public, KEY.scalar, fits=False))
        yield mixed("key of mixed order %d", "the equation holds, so only the key itself tells", "good",
                    lambda message: fitting(message, public, KEY.scalar))
        yield mixed("key and R of mixed order %d", "their parts of small order cancel, so only the key itself tells", "good",
                    lambda message: fitting(message, public, KEY.scalar, point))


def text():
    rows = list(vectors())
    assert len({row["name"] for row in rows}) == len(rows)
    return "[\n" + ",\n".join(json.dumps(row, sort_keys=True) for row in rows) + "\n]\n"


if __name__ == "__main__":
    MADE = text()
    with open(os.path.join(HERE, "vectors.json"), "w", encoding="ascii") as file:
        file.write(MADE)
