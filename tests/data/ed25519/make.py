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


SMALL = torsion()
# y from p to 2^255 - 1 names y - p once more; x = 0 has no sign.
OTHER_ENCODINGS = [little(y | sign << 255) for y in range(P, 2 ** 255) for sign in (0, 1)] + [
    little(1 | 1 << 255), little(P - 1 | 1 << 255)]
ON_NO_CURVE = [little(y) for y in range(2, 30) if decode(little(y)) is None][:5]


def vectors():
    def row(name, why, signature=None, public=KEY.public, key="good", verdict="bad", comment_signature=None, hashed=HASH, signer=KEY):
        signature = sign(hashed) if signature is None else signature
        return {"name": name, "why": why, "public_key": public.hex(), "hash": hashed.hex(), "signature": signature.hex(),
                "comment": COMMENT.decode(), "key": key, "verdict": verdict,
                "comment_signature": (signer.sign(signature + COMMENT) if comment_signature is None else comment_signature).hex()}

    for number in range(4):
        hashed, signer = hashlib.blake2b(b"%d" % number).digest(), Key("vector %d" % number)
        yield row("good %d" % number, "as any signer makes it", signer.sign(hashed), signer.public, verdict="good", hashed=hashed,
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
        yield row("key not canonical %d" % number, "a second encoding of a point", sign(HASH, text, 1), text, "refused")
    for number, text in enumerate(ON_NO_CURVE):
        yield row("R on no curve %d" % number, "no point has this y", sign(HASH, r=text))
        yield row("key on no curve %d" % number, "no point has this y", sign(HASH, text, 1), text, "refused")
    for number, point in enumerate(SMALL):
        public = encode(point)
        for nonce in range(1, 64):  # one of order 8 needs a challenge that is a multiple of 8
            r = encode(times(nonce, LIFTED.BASE))
            if encode(times(challenge(r, public, HASH), point)) == encode(LIFTED.IDENTITY):
                break
        first = r + little(nonce)
        yield row("key of small order %d" % number, "signs any message for who does not look", first, public, "refused",
                  comment_signature=first)
    for number, point in enumerate(SMALL[1:], 1):
        public = encode(add(decode(KEY.public), point))
        yield row("key of mixed order %d" % number, "an honest key plus a point of small order", sign(HASH, public), public,
                  "refused", comment_signature=OTHER.sign(HASH))


def text():
    rows = list(vectors())
    assert len({row["name"] for row in rows}) == len(rows)
    return "[\n" + ",\n".join(json.dumps(row, sort_keys=True) for row in rows) + "\n]\n"


if __name__ == "__main__":
    with open(os.path.join(HERE, "vectors.json"), "w", encoding="ascii") as file:
        file.write(text())
