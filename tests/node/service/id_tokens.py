# SPDX-License-Identifier: Apache-2.0
"""Signed statements of who logged in (JWT, RS256), and the key with which clients check them.

The key is made for one run; small and plain, since nothing but tests relies on it.
"""
import base64
import hashlib
import json
import secrets
import threading

BITS = 2048
EXPONENT = 65537
# The prefix of a SHA-256 digest in PKCS #1 signatures.
SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")
SMALL_PRIMES = [n for n in range(3, 2000, 2) if all(n % d for d in range(3, int(n ** 0.5) + 1, 2))]


def is_prime(number, rounds=8):
    """Miller and Rabin."""
    if any(number % prime == 0 for prime in SMALL_PRIMES):
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(rounds):
        power = pow(secrets.randbelow(number - 3) + 2, odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True


def prime(bits):
    while True:
        number = secrets.randbits(bits) | (3 << (bits - 2)) | 1
        if number % EXPONENT != 1 and is_prime(number):
            return number


def encoded(data):
    if isinstance(data, int):
        data = data.to_bytes((data.bit_length() + 7) // 8, "big")
    elif not isinstance(data, bytes):
        data = json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


class Signer:
    def __init__(self):
        self._lock = threading.Lock()
        self._modulus = self._private = None

    def _need_key(self):
        """The key is made when somebody first asks: most runs never do."""
        with self._lock:
            if self._modulus is None:
                p, q = prime(BITS // 2), prime(BITS // 2)
                self._modulus = p * q
                self._private = pow(EXPONENT, -1, (p - 1) * (q - 1))

    def keys(self):
        self._need_key()
        return {"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "run",
                          "n": encoded(self._modulus), "e": encoded(EXPONENT)}]}

    def sign(self, claims):
        self._need_key()
        text = encoded({"alg": "RS256", "typ": "JWT", "kid": "run"}) + "." + encoded(claims)
        digest = SHA256_PREFIX + hashlib.sha256(text.encode("ascii")).digest()
        length = (self._modulus.bit_length() + 7) // 8
        padded = b"\0\1" + b"\xff" * (length - len(digest) - 3) + b"\0" + digest
        signature = pow(int.from_bytes(padded, "big"), self._private, self._modulus)
        return text + "." + encoded(signature.to_bytes(length, "big"))
