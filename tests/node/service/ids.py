# SPDX-License-Identifier: Apache-2.0
"""Ids and secrets of one run: the same seed and the same order of requests give the same ids."""
import threading
import uuid


class Ids:
    def __init__(self, seed):
        self._space = uuid.uuid5(uuid.NAMESPACE_URL, "sealift-test:" + seed)
        self._counts = {}
        self._lock = threading.Lock()

    def new(self, kind):
        with self._lock:
            count = self._counts.get(kind, 0)
            self._counts[kind] = count + 1
        return self.of("%s/%d" % (kind, count))

    def of(self, text):
        """The id that belongs to a text, such as a configuration."""
        return str(uuid.uuid5(self._space, text))


def is_uuid(text):
    try:
        return isinstance(text, str) and str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
