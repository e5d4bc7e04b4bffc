#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The part of sealift that runs where images are built. specs/agent.md is the law.

One function, `sealift_agent(request, stream=None)`: JSON text in, JSON text out. All imports and
helpers are inside it, because it travels: as a Globus Compute task it reaches workers that know
nothing of the module it came from. Standard library only, Python 3.8 or newer.

As a program this file reads one request per line from standard input and writes one answer per
line. Where no file is visible, `python3 -I -c BOOT` does the same, BOOT being

  import sys;i=sys.stdin.buffer;exec(compile(i.read(int(i.readline())),"sealift_agent","exec"),{"__name__":"__main__"})

and standard input beginning with the length of this file in bytes, a newline and this file.

What holds at any moment, also after kill -9:
 1. A file under objects/ has been hashed before it got its name; it is hashed again when used.
 2. Nothing of a bundle is interpreted before a signature that the policy trusts covers it, and
    Apptainer is not started before every byte it will read has been hashed.
 3. Whoever checks or builds a bundle holds its lock, and nobody else does; a dead holder is seen by
    host, pid and start time, or elsewhere by a lease, and the next call takes another one.
 4. An image or a receipt appears under its name by one rename, or not at all.
 5. Policy and store are read from this host, never from a request.
 6. A bundle that has a receipt has been noted in seen.json.
"""


def sealift_agent(request, stream=None):
    """Carries out one request (a JSON text) and returns the answer (a JSON text)."""
    import base64
    import binascii
    import calendar
    import collections
    import configparser
    import errno
    import hashlib
    import json
    import marshal
    import os
    import re
    import secrets
    import select
    import shutil
    import signal
    import stat
    import struct
    import subprocess
    import sys
    import threading
    import time

    SYSTEM_FOLDER = "/etc/sealift"
    MIB = 1 << 20
    LIMIT_REQUEST = 32 * MIB
    LIMIT_DATA = 16 * MIB
    LIMIT_DEPTH = 32
    LIMIT_PUT = 4096
    LIMIT_FETCH = 8 * MIB
    LIMIT_RECEIPT = 4 * MIB
    LIMIT_METADATA = 16 * MIB
    LOOKS = 3  # a network file system may show a new file a little later
    LIMIT_HAVE = 1 << 17
    LIMIT_CALLS = 256
    LIMIT_MANIFEST = 8 * MIB
    LIMIT_SIGNATURE = 1024
    LIMIT_SIGNATURES = 256  # of a bundle and beside it
    LIMIT_CONTENT_FILE = 64 * MIB
    LIMIT_CONTENT_FILES = 8192
    LIMIT_BLOBS = 65536
    LIMIT_IMAGE = 1 << 44
    LIMIT_BLOB = 1 << 40
    LIMIT_POLICY = MIB
    LIMIT_KEYS = 1024
    LIMIT_BUNDLE = 1 << 42
    LIMIT_SEEN = 32 * MIB
    LIMIT_SEEN_NAMES = 65536
    LIMIT_DETACHED = 64  # of one bundle, beside the policy
    DAY = 86400
    LIMIT_TIMEOUT = 604800
    LIMIT_BUILDS = 4096
    LIMIT_LOG = 8 * MIB
    LIMIT_LOG_TAIL = MIB
    LEASE = 120  # seconds without a sign of life after which a holder on another host is dead
    BLOCK = MIB
    CLOSURES = ("open", "pinned", "sealed")
    HEX = re.compile(r"[0-9a-f]{64}\Z")

    class Refusal(Exception):
        """The one way to fail: a kind of specs/exit-codes.md, a sentence, and what would help."""

        def __init__(self, kind, message, hint="", **more):
            Exception.__init__(self, message)
            self.kind, self.hint, self.more = kind, hint, more
            self.rule = more.pop("rule", None)

        def answer(self):
            error = {"kind": self.kind, "message": str(self), "hint": self.hint}
            if self.rule:
                error["rule"] = self.rule  # of specs/policy.md
            return dict(self.more, ok=False, error=error)

    def io_refusal(what, problem, hint=""):
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = hint or "free space there, or name another store in site.json"
        return Refusal("io", "%s: %s" % (what, problem.strerror or problem), hint)

    # ---- JSON ----------------------------------------------------------------------------------

    def load_json(data, name, kind="format"):
        """Strict: no member twice, no fraction, no null, nothing deep."""

        def refuse(why):
            raise ValueError(why)

        def members(pairs):
            found = dict(pairs)
            if len(found) != len(pairs):
                refuse("a member stands twice")
            return found

        try:
            text = data.decode("utf-8") if isinstance(data, bytes) else data
            depth = 0
            for mark in re.findall(r"[\[\]{}]", re.sub(r'"(?:[^"\\]|\\.)*"', "", text, flags=re.S)):
                depth += 1 if mark in "[{" else -1
                if depth > LIMIT_DEPTH:
                    refuse("nested deeper than %d levels" % LIMIT_DEPTH)
            value = json.loads(text, object_pairs_hook=members, parse_constant=refuse,
                               parse_float=lambda number: refuse("%s is not an integer" % number))
            json.dumps(value, ensure_ascii=False).encode("utf-8")  # no half surrogates
            return value
        except (ValueError, RecursionError) as problem:
            raise Refusal(kind, "%s is not the JSON it should be: %s" % (name, problem))

    def canonical(value):
        return (json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
                + "\n").encode("utf-8")

    def load_canonical(data, name):
        value = load_json(data, name)
        if canonical(value) != data:
            raise Refusal("format", "%s is not in canonical form" % name)
        return value

    # A record is read by a table: member -> check(value, where). What no table names is refused.
    def record(value, where, need, may=None, kind="format"):
        may = may or {}
        if type(value) is not dict:
            raise Refusal(kind, "%s must be an object" % where)
        for key in value:
            if key not in need and key not in may:
                raise Refusal(kind, "%s has a member %s that is not known here" % (where, quoted(key)))
        for key in need:
            if key not in value:
                raise Refusal(kind, "%s lacks the member '%s'" % (where, key))
        checks = dict(need, **may)
        try:
            return {key: checks[key](value[key], "%s.%s" % (where, key)) for key in sorted(value)}
        except ValueError as problem:
            raise Refusal(kind, str(problem))

    def quoted(text):
        """For messages: one line of printable ASCII."""
        shown = ascii(text)
        return shown if len(shown) <= 120 else shown[:116] + "...'"

    def must(good, where, what):
        if not good:
            raise ValueError("%s must be %s" % (where, what))

    def digest(value, where):
        must(type(value) is str and HEX.match(value), where, "a sha256 of 64 lower-case hex digits")
        return value

    def uint(most):
        def check(value, where):
            must(type(value) is int and 0 <= value <= most, where, "an integer from 0 to %d" % most)
            return value
        return check

    def count(most):
        def check(value, where):
            must(type(value) is int and 1 <= value <= most, where, "an integer from 1 to %d" % most)
            return value
        return check

    def text_like(pattern, what):
        compiled = re.compile(pattern + r"\Z", re.S)

        def check(value, where):
            must(type(value) is str and compiled.match(value), where, what)
            return value
        return check

    def one_of(*words):
        def check(value, where):
            must(type(value) is str and value in words, where, "one of " + ", ".join(words))
            return value
        return check

    def boolean(value, where):
        must(type(value) is bool, where, "true or false")
        return value

    def anything(value, _where):
        return value

    def list_of(check, most):
        def check_all(value, where):
            must(type(value) is list, where, "a list")
            must(len(value) <= most, where, "a list of at most %d entries" % most)
            return [check(entry, "%s[%d]" % (where, index)) for index, entry in enumerate(value)]
        return check_all

    def some_of(check, most):
        """A list that is not empty and has each entry once."""
        def check_all(value, where):
            found = list_of(check, most)(value, where)
            must(found, where, "a list that is not empty, or left out")
            must(len(set(found)) == len(found), where, "a list without anything twice")
            return found
        return check_all

    def each(need, may=None, kind="format"):
        return lambda value, where: record(value, where, need, may, kind)

    image_name = text_like(r"[a-z0-9][a-z0-9._-]{0,62}", "a name of [a-z0-9][a-z0-9._-]{0,62}")
    NUMBER = r"(0|[1-9][0-9]*)"
    LOCAL = r"(0|[1-9][0-9]*|[0-9]*[a-z][a-z0-9]*)"
    NORMAL = (r"([1-9][0-9]*!)?N(\.N)*((a|b|rc)N)?(\.postN)?(\.devN)?(\+L(\.L)*)?"
              .replace("N", NUMBER).replace("L", LOCAL))
    any_version = text_like(NORMAL, "a version in normal form (PEP 440)")
    pep440 = text_like(r"(?=.{1,127}\Z)" + NORMAL, "a version in normal form (PEP 440)")
    plain_text = text_like(r".*", "a text")
    absolute_path = text_like(r"/[^\0\n]*", "an absolute path")

    # ---- files ---------------------------------------------------------------------------------

    def make_folder(path, mode=0o700):
        """A folder of our own that nobody else can write to, whatever the umask."""
        try:
            missing = []
            at = path
            while not os.path.lexists(at):
                missing.append(at)
                at = os.path.dirname(at)
            for folder in reversed(missing):
                try:
                    os.mkdir(folder, 0o700)
                    os.chmod(folder, mode)
                except FileExistsError:
                    pass
            found = os.stat(path)
        except OSError as problem:
            raise io_refusal("cannot make folder '%s'" % path, problem)
        if not stat.S_ISDIR(found.st_mode):
            raise Refusal("io", "'%s' is not a folder" % path)
        if found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise Refusal("io", "others can write to folder '%s'" % path,
                          "it must belong to this account: chown it, and chmod go-w")
        return path

    def sync_folder(path):
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    class NewFile:
        """A file that appears under its name whole, or not at all."""

        def __init__(self, folder):
            self.path = os.path.join(folder, ".new-" + secrets.token_hex(16))
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            self.handle = os.open(self.path, flags, 0o600)

        def write(self, data):
            view = memoryview(data)
            while view:
                view = view[os.write(self.handle, view):]

        def commit(self, path, mode=0o644):
            os.fchmod(self.handle, mode)
            os.fsync(self.handle)
            handle, self.handle = self.handle, -1
            os.close(handle)
            os.rename(self.path, path)
            self.path = None
            sync_folder(os.path.dirname(path))

        def discard(self):
            if self.handle >= 0:
                os.close(self.handle)
                self.handle = -1
            if self.path:
                unlink(self.path)
                self.path = None

    def unlink(path):
        try:
            os.unlink(path)
        except OSError:
            pass

    def write_file(path, data, mode=0o600):
        new = None
        try:
            new = NewFile(os.path.dirname(path))
            new.write(data)
            new.commit(path, mode)
        except OSError as problem:
            raise io_refusal("cannot write '%s'" % path, problem)
        finally:
            if new:
                new.discard()

    def write_json(path, value):
        write_file(path, json.dumps(value, sort_keys=True, indent=1).encode("ascii") + b"\n")

    def read_file(path, limit, cut=False):
        """The bytes of a regular file, or None when there is none; with `cut`, one more than `limit` at most."""
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise io_refusal("cannot open '%s'" % path, problem)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise Refusal("io", "'%s' is not a regular file" % path)
            data = file.read(limit + 1)
        if len(data) > limit and not cut:
            raise Refusal("limit", "'%s' is larger than %d bytes" % (path, limit))
        return data

    def hash_file(path):
        """(size, sha256) of a regular file, read once through one descriptor."""
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(handle, "rb", 0) as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError(errno.EINVAL, "not a regular file")
            hasher, size = hashlib.sha256(), 0
            for data in iter(lambda: file.read(BLOCK), b""):
                hasher.update(data)
                size += len(data)
                beat()
        return size, hasher.hexdigest()

    def remove_tree(path):
        """True when nothing is left. Other ids' files (subuid builds) need a user namespace."""
        def open_up(function, failed, _info):
            try:
                os.chmod(os.path.dirname(failed), 0o700)
                if not os.path.islink(failed):
                    os.chmod(failed, 0o700)
                function(failed)
            except OSError:
                pass
        for _ in range(2):
            if os.path.islink(path) or not os.path.isdir(path):
                unlink(path)
            else:
                shutil.rmtree(path, **{"onexc" if sys.version_info >= (3, 12) else "onerror": open_up})
            if not os.path.lexists(path):
                return True
        unshare = find_program("unshare")
        if unshare:
            quietly([unshare, "--map-root-user", "--map-auto", "rm", "-rf", "--", path])
        return not os.path.lexists(path)

    def free_space(path):
        found = os.statvfs(path)
        return found.f_bavail * found.f_frsize

    # ---- where things are ----------------------------------------------------------------------

    def place(below_home, variable, leaf):
        own = os.environ.get("SEALIFT_HOME", "")
        if own:
            if not own.startswith("/"):
                raise Refusal("input", "SEALIFT_HOME must be an absolute path")
            return os.path.join(own, leaf)
        base = os.environ.get(variable, "")
        if base.startswith("/"):
            return os.path.join(base, "sealift")
        home = os.environ.get("HOME", "")
        if not home.startswith("/"):
            raise Refusal("input", "cannot tell where this account's files are",
                          "set SEALIFT_HOME or HOME to an absolute path")
        return os.path.join(home, below_home, "sealift")

    def config_folder():
        return place(".config", "XDG_CONFIG_HOME", "config")

    def find_setting(name, limit):
        """(path, bytes) of the operator's file, else of the account's own, else (path, None)."""
        path = os.path.join(SYSTEM_FOLDER, name)
        if not os.path.lexists(path):
            path = os.path.join(config_folder(), name)
        try:
            with open(path, "rb") as file:
                data = file.read(limit + 1)
        except FileNotFoundError:
            return path, None
        except OSError as problem:
            raise io_refusal("cannot read '%s'" % path, problem)
        if len(data) > limit:
            raise Refusal("limit", "'%s' is larger than %d bytes" % (path, limit))
        return path, data

    def load_site():
        path, data = find_setting("site.json", LIMIT_POLICY)
        site = {} if data is None else record(load_json(data, "'%s'" % path, "input"), path, {}, {
            "sealift_site": one_of_numbers(1), "store": absolute_path, "apptainer": absolute_path,
            "scratch": absolute_path, "pip_config": absolute_path, "ca_file": absolute_path,
            "builds": count(LIMIT_BUILDS), "quota": count(LIMIT_IMAGE // MIB),
            "quota_each": count(LIMIT_IMAGE // MIB), "drops": list_of(absolute_path, LIMIT_KEYS),
            "accept_shipped": boolean}, "input")
        if "store" not in site:
            site["store"] = place(".local/share", "XDG_DATA_HOME", "data")
        return site

    def one_of_numbers(number):
        def check(value, where):
            must(type(value) is int and value == number, where, str(number))
            return value
        return check

    class Store:
        """The folders of the store; only those that a caller asks for are made."""

        def __init__(self, root):
            self.root = root

        def folder(self, *parts):
            make_folder(self.root, 0o755)
            mode = 0o755 if parts[0] == "images" else 0o700
            return make_folder(os.path.join(self.root, *parts), mode)

        def object(self, sha256):
            return os.path.join(self.root, "objects", "sha256", sha256[:2], sha256)

        def bundle(self, bundle, *leaf):
            return os.path.join(self.root, "bundles", bundle, *leaf)

        def image(self, bundle):
            return os.path.join(self.root, "images", "sha256", bundle + ".sif")

        def has(self, sha256, size):
            try:
                found = os.lstat(self.object(sha256))
            except OSError:
                return False
            return stat.S_ISREG(found.st_mode) and found.st_size == size

        def wants(self, sha256, size):
            """has(), by somebody who counts on it: from now on it is no old object (see sweep)."""
            if not self.has(sha256, size):
                return False
            try:
                if os.lstat(self.object(sha256)).st_mtime < time.time() - 3600:
                    os.utime(self.object(sha256), follow_symlinks=False)
            except OSError:
                pass
            return True

        def read(self, sha256, limit, touch=True):
            """The bytes of an object, hashed again; None when it is missing or was damaged."""
            data = read_file(self.object(sha256), limit)
            if data is not None and hashlib.sha256(data).hexdigest() != sha256:
                if touch:
                    unlink(self.object(sha256))
                return None
            return data

    def open_store():
        return Store(load_site()["store"])

    # ---- have and put --------------------------------------------------------------------------

    def pieces_of(store, sha256, total):
        """(folder, [(offset, size)]) of what has arrived of an object, sorted."""
        folder = os.path.join(store.root, "partial", "%s-%d" % (sha256, total))
        found = []
        try:
            names = os.listdir(folder)
        except FileNotFoundError:
            names = []
        for name in names:
            match = re.match(r"([0-9]{1,13})-([0-9]{1,13})\Z", name)
            if match:
                found.append((int(match.group(1)), int(match.group(2))))
        return folder, sorted(found)

    def covered(pieces):
        """The stretches that pieces cover, joined where they touch or overlap."""
        spans = []
        for offset, size in pieces:
            if spans and offset <= spans[-1][0] + spans[-1][1]:
                end = max(spans[-1][0] + spans[-1][1], offset + size)
                spans[-1][1] = end - spans[-1][0]
            else:
                spans.append([offset, size])
        return spans

    def op_have(fields):
        store, missing, partial = open_store(), [], []
        for entry in fields["objects"]:
            if store.wants(entry["sha256"], entry["size"]):
                continue
            missing.append(entry["sha256"])
            spans = covered(pieces_of(store, entry["sha256"], entry["size"])[1])
            if spans:
                partial.append(dict(entry, have=spans))
        return {"missing": missing, "partial": partial}

    def op_image(fields):
        """Whether this host sees the image of a receipt. Says yes or no, and nothing of another file."""
        path = fields["path"]
        try:
            seen = os.lstat(path)
            if not stat.S_ISREG(seen.st_mode) or seen.st_size != fields["size"]:
                return {"image": "other", "path": path}
            same = hash_file(path) == (fields["size"], fields["sha256"])
        except FileNotFoundError:
            return {"image": "none", "path": path}
        except OSError as problem:
            raise io_refusal(path, problem)
        return {"image": "same" if same else "other", "path": path}

    def stream_blocks(size):
        left = size
        while left:
            data = stream.read(min(left, BLOCK))
            if not data:
                raise Refusal("network", "the stream ended %d bytes early" % left)
            left -= len(data)
            yield data

    def entry_blocks(entry):
        if "stream" in entry:
            return stream_blocks(entry["size"])
        try:
            data = base64.b64decode(entry["data"], validate=True)
        except (binascii.Error, ValueError):
            raise Refusal("format", "the data of object %s is not base64" % entry["sha256"])
        if len(data) != entry["size"]:
            raise Refusal("format", "object %s: %d bytes were announced, %d came"
                          % (entry["sha256"], entry["size"], len(data)))
        return [data] if data else []

    def keep_whole(store, sha256, blocks):
        """Writes an object, hashing on the way; it gets its name only if that is its digest."""
        new = NewFile(store.folder("incoming"))
        try:
            hasher = hashlib.sha256()
            for data in blocks:
                hasher.update(data)
                new.write(data)
            if hasher.hexdigest() != sha256:
                raise Refusal("format", "object %s came with the digest %s"
                              % (sha256, hasher.hexdigest()), "it was damaged on the way; send it again")
            store.folder("objects", "sha256", sha256[:2])
            new.commit(store.object(sha256))
        finally:
            new.discard()

    def keep_piece(store, entry, blocks):
        folder = store.folder("partial", "%s-%d" % (entry["sha256"], entry["total"]))
        new = NewFile(folder)
        try:
            for data in blocks:
                new.write(data)
            new.commit(os.path.join(folder, "%d-%d" % (entry["offset"], entry["size"])))
        finally:
            new.discard()

    def joined_blocks(folder, pieces):
        position = 0
        for offset, size in pieces:
            if offset + size <= position:
                continue
            with open(os.path.join(folder, "%d-%d" % (offset, size)), "rb") as file:
                file.seek(position - offset)
                for data in iter(lambda: file.read(BLOCK), b""):
                    position += len(data)
                    yield data

    def join_pieces(store, sha256, total):
        """What is still to come; joins the object when nothing is."""
        folder, pieces = pieces_of(store, sha256, total)
        spans = covered(pieces)
        if spans != [[0, total]]:
            return {"stored": False, "have": spans}
        try:
            keep_whole(store, sha256, joined_blocks(folder, pieces))
        except FileNotFoundError:
            if not store.has(sha256, total):  # else another call has just joined them
                raise
        except Refusal as refusal:
            remove_tree(folder)
            raise Refusal(refusal.kind, "the pieces of object %s do not add up to it; they have been "
                          "removed" % sha256, "send it again")
        remove_tree(folder)
        return {"stored": True}

    class Room:
        """What the quotas of site.json leave for objects; two calls at once each see it all."""

        def __init__(self, site, store):
            self.store, self.quota, self.each = store, site.get("quota"), site.get("quota_each")
            self.used = sum(self.below("objects") + self.below("partial")) if self.quota else 0
            if self.each:
                # An empty file for each object that this submitter has brought.
                self.own = store.folder("submitters", hashlib.sha256(submitter().encode()).hexdigest())
                self.used_here = self.brought()

        def below(self, *parts):
            """The sizes of the files of a folder and those in it."""
            return [self.size(os.path.join(at, one)) for at, _, names in os.walk(os.path.join(self.store.root, *parts))
                    for one in names]

        def size(self, path):
            try:
                return os.lstat(path).st_size
            except OSError:
                return 0

        def brought(self):
            """The bytes that are here of this submitter's objects, whole and in pieces."""
            own, partial = set(os.listdir(self.own)), os.path.join(self.store.root, "partial")
            pieces = [name for name in (os.listdir(partial) if os.path.isdir(partial) else ())
                      if name.split("-")[0] in own]
            return sum(self.size(self.store.object(one)) for one in own) + sum(
                size for name in pieces for size in self.below("partial", name))

        def refuse(self, whose, size):
            raise Refusal(
                "limit", "%s, and %d more bytes do not fit" % (whose, size),
                "the request {\"op\":\"sweep\",\"older_than_days\":7,\"dry_run\":false} removes what nobody has asked "
                "for lately; whoever keeps site.json there can raise its quota")

        def take(self, size):
            """Refuses `size` bytes more than there is room for."""
            host = os.uname().nodename
            if self.quota and self.used + size > self.quota * MIB:
                self.refuse("'%s' on %s takes %d MiB of objects: %d MiB are there"
                            % (self.store.root, host, self.quota, self.used // MIB), size)
            if self.each and self.used_here + size > self.each * MIB:
                self.refuse("'%s' on %s takes %d MiB of objects from each submitter: %d MiB of yours are there"
                            % (self.store.root, host, self.each, self.used_here // MIB), size)
            self.used += size
            if self.each:
                self.used_here += size

        def mark(self, sha256):
            """What has been stored of this object counts from now on for who has brought the last of it."""
            if not self.each:
                return
            path = os.path.join(self.own, sha256)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
            os.utime(path)
            for other, _ in entries_of(os.path.dirname(self.own)):
                if other.path != self.own:
                    unlink(os.path.join(other.path, sha256))

    def submitter():
        """Who submits, as the endpoint's template says; a request cannot."""
        name = os.environ.get("SEALIFT_SUBMITTER", "")
        if not re.match(r"[A-Za-z0-9._@-]{1,128}\Z", name):
            raise Refusal("input", "site.json on %s has 'quota_each', but nothing says who submits" % os.uname().nodename,
                          "worker_init in the endpoint's template has to set SEALIFT_SUBMITTER; "
                          "`sealift-upload agent template` shows one that does")
        return name

    def put_entry(store, entry, room):
        sha256, total = entry["sha256"], entry.get("total", entry["size"])
        blocks = entry_blocks(entry)
        if store.wants(sha256, total):
            collections.deque(blocks, maxlen=0)
            return {"stored": True}
        try:
            room.take(entry["size"])
            folder = store.folder("incoming")
            if free_space(folder) < entry["size"]:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if "offset" not in entry:
                keep_whole(store, sha256, blocks)
                room.mark(sha256)
                return {"stored": True}
            keep_piece(store, entry, blocks)
            room.mark(sha256)
            return join_pieces(store, sha256, total)
        except OSError as problem:
            raise io_refusal("cannot store object %s in '%s'" % (sha256, store.root), problem)
        finally:
            collections.deque(blocks, maxlen=0)  # the stream stays in step

    def check_put_entry(value, where):
        entry = record(value, where, {"sha256": digest, "size": uint(LIMIT_BLOB)}, {
            "data": plain_text,
            "stream": boolean, "offset": uint(LIMIT_BLOB), "total": uint(LIMIT_BLOB)}, "usage")
        must(("data" in entry) != (entry.get("stream") is True), where,
             "given either data, or stream: true")
        must(("offset" in entry) == ("total" in entry), where, "given offset and total together")
        must("offset" not in entry or 0 < entry["size"] <= entry["total"] - entry["offset"], where,
             "a piece that lies within the total")
        must(len(entry.get("data", "")) <= LIMIT_DATA, where + ".data", "at most %d bytes" % LIMIT_DATA)
        must("stream" not in entry or stream is not None, where, "sent as data: there is no stream here")
        return entry

    def forget_old_arrivals(store):
        """What senders that died have left: names nobody will ask for again."""
        for name in ("incoming", "partial"):
            folder = os.path.join(store.root, name)
            try:
                for entry in os.scandir(folder):
                    if entry.stat(follow_symlinks=False).st_mtime < time.time() - 14 * 86400:
                        remove_tree(entry.path)
            except OSError:
                pass

    def op_put(fields):
        site = load_site()
        store, results, first = Store(site["store"]), [], None
        forget_old_arrivals(store)
        room = Room(site, store)
        for entry in fields["objects"]:
            result = {"sha256": entry["sha256"]}
            try:
                result.update(put_entry(store, entry, room))
            except Refusal as refusal:
                result.update(stored=False, error=refusal.answer()["error"])
                first = first or refusal
            results.append(result)
            if first and first.kind == "network":
                break
        if first:
            raise Refusal(first.kind, str(first), first.hint, objects=results)
        answer = {"objects": results}
        if "build" in fields and all(result["stored"] for result in results):
            answer["build"] = answered(op_build, fields["build"])
        return answer

    # ---- take ----------------------------------------------------------------------------------
    # A folder that the uploader sees as well holds objects/sha256/AB/ABCD..., as the store does. What is
    # read there is believed as little as what is sent: it is hashed on its way into the store.

    def is_inside(path, folder):
        return path == folder or path.startswith(folder.rstrip("/") + "/")

    def open_drop(site, folder):
        """A descriptor of a drop folder, if it may be read."""
        real = os.path.realpath(folder)
        if "drops" in site and not any(is_inside(real, os.path.realpath(one)) for one in site["drops"]):
            raise Refusal("untrusted", "nothing is taken from '%s' here" % folder,
                          "site.json names the folders that may be read: %s" % ", ".join(site["drops"]))
        try:
            return os.open(real, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as problem:
            raise Refusal("io", "cannot open the drop folder '%s' on %s: %s"
                          % (folder, os.uname().nodename, problem.strerror or problem),
                          "\"there\" of the builder configuration must be what this host calls the folder; "
                          "`sealift-upload probe` says whether it is seen here")

    def open_dropped(drop, sha256):
        """A descriptor of an object in a drop folder. No link is followed below that."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        handles = [drop]
        try:
            for name in ("objects", "sha256", sha256[:2]):
                handles.append(os.open(name, flags | os.O_DIRECTORY, dir_fd=handles[-1]))
            return os.open(sha256, flags | os.O_NONBLOCK, dir_fd=handles[-1])
        finally:
            for handle in handles[1:]:
                os.close(handle)

    def look_for_dropped(drop, sha256, looks):
        """The same; `looks` is how often this request may still look again after a second."""
        while True:
            try:
                return open_dropped(drop, sha256)
            except FileNotFoundError:
                if not looks:
                    raise
                looks.pop()
                time.sleep(1)

    def dropped_blocks(handle, size):
        """The bytes of an object, and never more of a file that grows."""
        left = size
        while left:
            data = os.read(handle, min(left, BLOCK))
            if not data:
                return
            left -= len(data)
            beat()
            yield data

    def take_entry(store, place, drop, entry, room, looks):
        """What became of one object of a drop folder: {"stored" or, without room, "seen": True}, or a refusal."""
        sha256, size = entry["sha256"], entry["size"]
        path = os.path.join(place, "objects", "sha256", sha256[:2], sha256)
        other = Refusal("format", "'%s' is not the object that its name says" % path,
                        "it was damaged, or somebody else has written it: remove it and try again")
        if room and store.wants(sha256, size):
            return {"stored": True}
        try:
            handle = look_for_dropped(drop, sha256, looks)
        except FileNotFoundError:
            raise Refusal("io", "'%s' is not there on %s" % (path, os.uname().nodename),
                          "is '%s' there the folder that the uploader writes to? `sealift-upload probe` tells"
                          % place)
        except OSError as problem:
            raise Refusal("io", "cannot read '%s': %s" % (path, problem.strerror or problem),
                          "it must be a file in folders, not links, that this account can read")
        try:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode) or found.st_size != size:
                raise other
            if room:
                room.take(size)
                keep_dropped(store, sha256, dropped_blocks(handle, size), size, other)
                room.mark(sha256)
                return {"stored": True}
            hasher = hashlib.sha256()
            for data in dropped_blocks(handle, size):
                hasher.update(data)
            if hasher.hexdigest() != sha256:
                raise other
            return {"seen": True}
        except OSError as problem:
            raise io_refusal("cannot take '%s'" % path, problem)
        finally:
            os.close(handle)

    def keep_dropped(store, sha256, blocks, size, other):
        if free_space(store.folder("incoming")) < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        try:
            keep_whole(store, sha256, blocks)
        except Refusal as refusal:
            raise other if refusal.kind == "format" else refusal

    def op_take(fields):
        site = load_site()
        store, results, first, absent = Store(site["store"]), [], None, []
        room = Room(site, store) if fields.get("keep", True) else None
        drop, looks = open_drop(site, fields["folder"]), [None] * (LOOKS - 1)
        try:
            for entry in fields["objects"]:
                result = {"sha256": entry["sha256"]}
                try:
                    result.update(take_entry(store, fields["folder"], drop, entry, room, looks))
                except Refusal as refusal:
                    result.update(error=refusal.answer()["error"])
                    absent.append(entry["sha256"])
                    first = first or refusal
                results.append(result)
        finally:
            os.close(drop)
        if first:
            raise Refusal(first.kind, str(first), first.hint, objects=results, absent=absent)
        return {"objects": results}

    # ---- Ed25519 (RFC 8032) and BLAKE2b (RFC 7693) ------------------------------------------------
    # Verification only, and as strict as libsodium's: S below the group order, canonical encodings,
    # no point of small order (T37). Nothing here is secret, so nothing needs to be constant-time.

    P = 2 ** 255 - 19
    ORDER = 2 ** 252 + 27742317777372353535851937790883648493
    D = -121665 * pow(121666, P - 2, P) % P
    ROOT = pow(2, (P - 1) // 4, P)
    IDENTITY = (0, 1, 1, 0)

    def point_add(p, q):
        a = (p[1] - p[0]) * (q[1] - q[0]) % P
        b = (p[1] + p[0]) * (q[1] + q[0]) % P
        c = 2 * p[3] * q[3] * D % P
        d = 2 * p[2] * q[2] % P
        e, f, g, h = b - a, d - c, d + c, b + a
        return e * f % P, g * h % P, f * g % P, e * h % P

    def point_times(scalar, p):
        result = IDENTITY
        while scalar:
            if scalar & 1:
                result = point_add(result, p)
            p = point_add(p, p)
            scalar >>= 1
        return result

    def point_encode(p):
        inverse = pow(p[2], P - 2, P)
        x, y = p[0] * inverse % P, p[1] * inverse % P
        return (y | (x & 1) << 255).to_bytes(32, "little")

    def point_decode(data):
        """The point, or None when the encoding is not the one that this point has."""
        number = int.from_bytes(data, "little")
        y, odd = number & (1 << 255) - 1, number >> 255
        if y >= P:
            return None
        u, v = (y * y - 1) % P, (D * y * y + 1) % P
        x = u * v ** 3 * pow(u * v ** 7, (P - 5) // 8, P) % P
        if v * x * x % P == -u % P:
            x = x * ROOT % P
        elif v * x * x % P != u:
            return None
        if x == 0 and odd:
            return None
        if x & 1 != odd:
            x = P - x
        return x, y, 1, x * y % P

    def is_small(p):
        return point_encode(point_times(8, p)) == point_encode(IDENTITY)

    BASE = point_decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))

    def good_public_key(key):
        """Canonical, of the large prime order, and so without a part of small order."""
        point = point_decode(key)
        return (point is not None and not is_small(point)
                and point_encode(point_times(ORDER, point)) == point_encode(IDENTITY))

    def ed25519_verify(key, signature, message):
        if len(key) != 32 or len(signature) != 64:
            return False
        a, r = point_decode(key), point_decode(signature[:32])
        s = int.from_bytes(signature[32:], "little")
        if a is None or r is None or s >= ORDER or is_small(a) or is_small(r):
            return False
        h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
        minus_a = (P - a[0], a[1], a[2], P - a[3])
        return point_encode(point_add(point_times(s, BASE), point_times(h, minus_a))) == signature[:32]

    def blake2b_python(data):
        """BLAKE2b-512, for the builds of Python whose hashlib was stripped of it."""
        mask = (1 << 64) - 1
        start = [0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
                 0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179]
        orders = [[int(digit, 16) for digit in row] for row in (
            "0123456789abcdef", "ea489fd61c02b753", "b8c052fdae367194", "7931dcbe265a40f8",
            "905724afe1bc683d", "2c6a0b834d75fe19", "c51fed4a0763928b", "db7ec13950f4862a",
            "6fe9b308c2d714a5", "a2847615fb9e3cd0", "0123456789abcdef", "ea489fd61c02b753")]
        state = [start[0] ^ 0x01010040] + start[1:]
        for offset in range(0, max(len(data), 1), 128):
            block = data[offset:offset + 128]
            words = struct.unpack("<16Q", block.ljust(128, b"\0"))
            v = state + start
            v[12] ^= (offset + len(block)) & mask
            if offset + 128 >= len(data):
                v[14] ^= mask
            for order in orders:
                for i in range(8):
                    a, b, c, d = ((i, 4 + i, 8 + i, 12 + i) if i < 4 else
                                  (i - 4, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4))
                    for word, first, second in ((words[order[2 * i]], 32, 24),
                                                (words[order[2 * i + 1]], 16, 63)):
                        v[a] = (v[a] + v[b] + word) & mask
                        x = v[d] ^ v[a]
                        v[d] = (x >> first | x << 64 - first) & mask
                        v[c] = (v[c] + v[d]) & mask
                        x = v[b] ^ v[c]
                        v[b] = (x >> second | x << 64 - second) & mask
            state = [state[i] ^ v[i] ^ v[i + 8] for i in range(8)]
        return struct.pack("<8Q", *state)

    def blake2b(data):
        try:
            return hashlib.blake2b(data).digest()
        except (AttributeError, ValueError):
            return blake2b_python(data)

    # ---- signatures and policy -----------------------------------------------------------------

    def strict_base64(text, size):
        """The bytes, or None unless the text is the one base64 form of that many bytes."""
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return None
        return data if len(data) == size and base64.b64encode(data) == text else None

    def check_public_key(value, where):
        must(type(value) is str and value.isascii(), where, "a minisign public key")
        data = strict_base64(value.encode("ascii"), 42)
        must(data and data[:2] == b"Ed" and good_public_key(data[10:]), where,
             "the 56 characters of a minisign public key (the second line of its .pub file)")
        return data

    # Characters that steer, hide or vanish, as bundles/base/text.c has them.
    HIDDEN_RANGES = (
        (0, 0x1f), (0x7f, 0xa0), (0xad, 0xad), (0x34f, 0x34f), (0x61c, 0x61c), (0x115f, 0x1160),
        (0x1680, 0x1680), (0x17b4, 0x17b5), (0x180b, 0x180f), (0x2000, 0x200f), (0x2028, 0x202f),
        (0x205f, 0x206f), (0x2800, 0x2800), (0x3000, 0x3000), (0x3164, 0x3164), (0xe000, 0xf8ff),
        (0xfe00, 0xfe0f), (0xfeff, 0xfeff), (0xffa0, 0xffa0), (0xfff0, 0xffff), (0x1bca0, 0x1bca3),
        (0x1d173, 0x1d17a), (0xe0000, 0x10ffff))

    def key_name(value, where):
        must(type(value) is str and "\\" not in value and not HEX.match(value)
             and not any(low <= ord(one) <= high for one in value for low, high in HIDDEN_RANGES)
             and 1 <= len(value.encode("utf-8")) <= 100, where, "a name of 1 to 100 visible bytes")
        return value

    def read_time(text):
        """Seconds since 1970; None unless this is how sealift writes a moment that exists."""
        if type(text) is not str or not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9]Z\Z", text):
            return None
        try:
            parts = time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
        except ValueError:
            return None
        return calendar.timegm(parts) if parts.tm_year >= 1970 else None

    def show_time(seconds):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))

    def moment(value, where):
        seconds = read_time(value)
        must(seconds is not None, where, "a time like 2026-01-31T00:00:00Z")
        return seconds

    # ---- versions ------------------------------------------------------------------------------

    VERSION = re.compile(r"(?:([0-9]+)!)?([0-9]+(?:\.[0-9]+)*)(?:(a|b|rc)([0-9]+))?(?:\.post([0-9]+))?"
                         r"(?:\.dev([0-9]+))?(?:\+([a-z0-9.]+))?\Z")

    def version_key(text):
        """What PEP 440 orders a version in normal form by. Numbers of any length stay texts."""
        def number(digits):
            return len(digits), digits

        def part(word):
            return (1, number(word)) if word.isdigit() else (0, word)

        epoch, release, letter, pre, post, dev, local = VERSION.match(text).groups()
        numbers = release.split(".")
        while len(numbers) > 1 and numbers[-1] == "0":
            numbers.pop()
        before = (1, letter, number(pre)) if letter else (0,) if dev and not post else (2,)
        return (number(epoch or "0"), tuple(map(number, numbers)), before,
                (1, number(post)) if post else (0,), (0, number(dev)) if dev else (1,),
                (1, tuple(map(part, local.split(".")))) if local else (0,))

    def is_older(version, than):
        return version_key(version) < version_key(than)

    # ---- the policy ----------------------------------------------------------------------------
    # Its values and what they match: as strict as bundles/trust/policy_values.c. Names, bases and URLs
    # are compared by whole components, never as beginnings of texts (T48).

    name_pattern = text_like(r"[a-z0-9*][a-z0-9._*-]{0,62}", "a bundle's name in which * stands for any "
                             "characters, of at most 63")

    def name_matches(pattern, name):
        """A star takes as little as it can; when the rest does not fit, the last star takes one more."""
        at = here = resume = 0
        star = None
        while here < len(name):
            if at < len(pattern) and pattern[at] == "*":
                star, resume = at, here
                at += 1
            elif at < len(pattern) and pattern[at] == name[here]:
                at, here = at + 1, here + 1
            elif star is not None:
                resume += 1
                at, here = star + 1, resume
            else:
                return False
        return not pattern[at:].strip("*")

    def key_covers(key, name):
        return "bundles" not in key or any(name_matches(one, name) for one in key["bundles"])

    def at_or_below(allowed, text):
        """`text` is `allowed`, or goes on after it with a slash."""
        allowed = allowed.rstrip("/")
        return text == allowed or text.startswith(allowed + "/")

    BASE_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")

    def allowed_base(value, where):
        must(type(value) is str and (BASE_DIGEST.match(value) or re.match(
            REFERENCE + r"\Z", value if "/" in value else value + "/x")), where,
            "REGISTRY/PATH without tag and digest, in lower case, or sha256: and 64 hexadecimal digits")
        return value

    def base_digest(plan, lock):
        return plan["base"]["digest"] if plan["base"]["kind"] == "docker" else lock["base"]["sha256"]

    def base_matches(allowed, plan, lock):
        if BASE_DIGEST.match(allowed):
            return allowed[7:] == base_digest(plan, lock)
        return plan["base"]["kind"] == "docker" and at_or_below(allowed, plan["base"]["reference"])

    INDEX = re.compile(r"(https?)://([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::([1-9][0-9]{0,4}))?((?:/[A-Za-z0-9._~+-]*)*)\Z")
    NOT_NAMED = ("", "an index that nobody here has named")  # the installer's own choice, or the base image's

    def read_index(url):
        """((scheme, host, port), path), or None when it is not as plain as a policy has it."""
        match = INDEX.match(url) if len(url) <= 2048 else None
        if not match:
            return None
        scheme, host, port, path = match.groups()
        parts = path.split("/")[1:]
        if {".", ".."} & set(parts) or "" in parts[:-1]:
            return None
        return (scheme, host, port or {"https": "443", "http": "80"}[scheme]), path

    def allowed_index(value, where):
        must(type(value) is str and read_index(value), where, "http:// or https://, a host in lower case and "
             "a plain path: no user, query, fragment, '.' or '..'")
        return value

    def index_matches(allowed, url):
        left, right = read_index(allowed), read_index(url)
        return bool(left and right and left[0] == right[0] and at_or_below(left[1], right[1]))

    COMPARISON = re.compile(r"(<=|>=|==|!=|<|>)(%s)\Z" % NORMAL)

    def read_denied(text):
        """(name, [(comparison, version)]), or None."""
        match = re.match(r"([a-z0-9]+(?:-[a-z0-9]+)*)([<>=!].*)?\Z", text, re.S) if len(text) <= 1024 else None
        rest = match.group(2).split(",") if match and match.group(2) else []
        found = [COMPARISON.match(one) for one in rest]
        if not match or not all(found) or len(found) > 8 or "+" in text:
            return None
        return match.group(1), [one.group(1, 2) for one in found]

    def denied_package(value, where):
        must(type(value) is str and read_denied(value), where, "NAME in normal form, or NAME and comparisons "
             "like '<1.26' with commas between them, without blanks")
        return value

    HOLDS = {"<": lambda a, b: a < b, "<=": lambda a, b: a <= b, "==": lambda a, b: a == b,
             "!=": lambda a, b: a != b, ">=": lambda a, b: a >= b, ">": lambda a, b: a > b}

    def denies(denied, name, version):
        """The local part of a version ("+cpu") names a build of it, not another version."""
        package, comparisons = read_denied(denied)
        own = version_key(version.partition("+")[0])
        return package == name and all(HOLDS[how](own, version_key(other)) for how, other in comparisons)

    def policy_version(value, where):
        entry = record(value, where, {"name": image_name}, {"lowest": any_version, "highest": any_version}, "input")
        must("lowest" in entry or "highest" in entry, where, "given 'lowest' or 'highest' or both")
        must(len(entry) < 3 or not is_older(entry["highest"], entry["lowest"]), where,
             "given a 'lowest' that is not newer than its 'highest'")
        return entry

    def not_empty(check):
        def check_all(value, where):
            must(value != [], where, "a list that is not empty, or left out")
            return check(value, where)
        return check_all

    def load_policy():
        """(path, policy): every member as specs/policy.md has it, times as seconds."""
        path, data = find_setting("policy.json", LIMIT_POLICY)
        if data is None:
            raise Refusal("answer", "no policy on this host says whose bundles may be built here",
                          "`sealift trust add KEY.pub --role prepare` makes %s; an operator puts it at "
                          "%s/policy.json" % (path, SYSTEM_FOLDER))
        return path, read_policy(path, data)

    def read_policy(path, data):
        policy = record(load_json(data, "'%s'" % path, "input"), path, {
            "sealift_policy": one_of_numbers(1),
            "keys": list_of(each({
                "name": key_name, "public_key": check_public_key,
                "roles": some_of(one_of("prepare", "approve"), 2)}, {
                "bundles": some_of(name_pattern, 64)}, "input"), LIMIT_KEYS)}, {
            "approvals": uint(64), "signed_since": moment, "signed_within_days": count(36500),
            "versions": not_empty(list_of(policy_version, 4096)), "older": one_of("allow", "refuse"),
            "closure": one_of(*CLOSURES), "bases": some_of(allowed_base, 1024),
            "indexes": some_of(allowed_index, 64), "denied": some_of(denied_package, 4096),
            "largest": count(LIMIT_BUNDLE)}, "input")
        for key in policy["keys"]:
            key["fingerprint"] = hashlib.sha256(key["public_key"][10:]).hexdigest()
        versions = policy.get("versions", [])
        for entries, what in ((policy["keys"], "fingerprint"), (policy["keys"], "name"), (versions, "name")):
            seen = [entry[what] for entry in entries]
            if len(set(seen)) != len(seen):
                raise Refusal("input", "%s lists one %s twice" % (path, {
                    "fingerprint": "public key", "name": "name"}[what]))
        policy["versions"] = {entry["name"]: entry for entry in versions}
        return policy

    def may_change(path):
        """Whether this account could change the file, or what its name leads to."""
        me = os.geteuid()
        path = os.path.realpath(path)
        while True:
            found = os.stat(path)
            if me == 0 or found.st_uid == me or os.access(path, os.W_OK):
                return True
            if path == "/":
                return False
            path = os.path.dirname(path)

    def signatures_folder(policy_path):
        return os.path.join(os.path.dirname(policy_path), "signatures")

    def enforcement(path):
        """What a file of the operator's is worth; with a policy go the revocations beside it."""
        beside = signatures_folder(path)
        good = (os.path.dirname(path) == SYSTEM_FOLDER and not may_change(path)
                and not (os.path.exists(beside) and may_change(beside)))
        return "enforced" if good else "advisory"

    # ---- signatures ----------------------------------------------------------------------------

    STATEMENT = re.compile(
        r"sealift:1 role=(prepare|approve|revoke) bundle=([0-9a-f]{64}) name=([a-z0-9][a-z0-9._-]{0,62}) "
        r"version=([a-z0-9.+!]{1,127}) time=([0-9TZ:-]{20})\Z")

    def parse_signature(data):
        """(key id, signature, trusted comment, signature of both); None when malformed."""
        lines = data.split(b"\n")
        if len(data) > LIMIT_SIGNATURE or len(lines) != 5 or lines[4] or re.search(rb"[^\n\x20-\x7e]", data):
            return None
        if lines[0] != b"untrusted comment: signature from minisign secret key":
            return None
        first, second = strict_base64(lines[1], 74), strict_base64(lines[3], 64)
        if not first or not second or first[:2] != b"ED" or not lines[2].startswith(b"trusted comment: "):
            return None
        return first[2:10], first[10:], lines[2][17:], second

    def read_statement(comment):
        match = STATEMENT.match(comment.decode("ascii"))
        if not match or read_time(match.group(5)) is None:
            return None
        return dict(zip(("role", "bundle", "name", "version", "time"), match.groups()))

    DETACHED = re.compile(r"([0-9a-f]{64})\.([0-9a-f]{64})(\.revoke)?\.minisig\Z")

    def load_detached(policy_path, bundle):
        """The signatures of a bundle in files of their own: [(name, bytes)]."""
        folder, found = signatures_folder(policy_path), []
        try:
            names = sorted(os.listdir(folder))
        except FileNotFoundError:
            return []
        except OSError as problem:
            raise io_refusal("cannot read folder '%s'" % folder, problem)
        for name in names:
            match = DETACHED.match(name)
            if not match or match.group(1) != bundle:
                continue
            if len(found) == LIMIT_DETACHED:
                raise Refusal("limit", "'%s' has more than %d signatures of bundle %s"
                              % (folder, LIMIT_DETACHED, bundle), "leave those that are needed")
            data = read_file(os.path.join(folder, name), LIMIT_SIGNATURE, cut=True)
            if data is not None:
                found.append((name, data))
        return found

    def find_signer(parsed, hashed, keys, fingerprint):
        """The key that has made it, the first of its id, and the one that the name claims."""
        key_id, signature, comment, whole = parsed
        signer = same_id = named = None
        for key in keys:
            named = key if fingerprint and key["fingerprint"] == fingerprint else named
            if key["public_key"][2:10] != key_id:
                continue  # ids collide (T34): each key of this one is tried
            same_id = same_id or key
            if not signer and ed25519_verify(key["public_key"][10:], signature, hashed) and (
                    ed25519_verify(key["public_key"][10:], whole, signature + comment)):
                signer = key
        return signer, same_id, named

    PREPARED = "signatures/prepare.minisig"
    APPROVED = re.compile(r"signatures/approve-([0-9a-f]{64})\.minisig\Z")

    def place_of(name, bundle):
        """(role, fingerprint) that a signature's name claims; a role alone when it is no name of one here."""
        if name == PREPARED:
            return "prepare", ""
        beside = DETACHED.match(name)
        if beside:
            return "revoke" if beside.group(3) else "approve", beside.group(2) if beside.group(1) == bundle else ""
        inside = APPROVED.match(name)
        return "approve", inside.group(1) if inside else ""

    def judge_signature(name, data, hashed, bundle, keys):
        """One verdict on one signature (specs/signatures.md)."""
        place, fingerprint = place_of(name, bundle)
        report = {"verdict": "malformed", "key_id": "", "place": place, "file": name}
        parsed = parse_signature(data)
        if place != "prepare" and not fingerprint or not parsed:
            return dict(report, why="not a signature as sealift has it" if not parsed else "no signature has this name")
        report.update(verdict="unknown-key", key_id=parsed[0][::-1].hex().upper())
        signer, same_id, named = find_signer(parsed, hashed, keys, fingerprint)
        key = signer or (same_id if place == "prepare" else named)
        if not key:
            return dict(report, why="no key of the policy has made it (key id %s)" % report["key_id"])
        said = read_statement(parsed[2])
        report.update(key_name=key["name"], fingerprint=key["fingerprint"])
        if not signer:
            report.update(verdict="bad", why="not a signature of these bytes by %s" % quoted(key["name"]))
        elif place != "prepare" and signer["fingerprint"] != fingerprint:
            report.update(verdict="bad", why="made by %s, but it stands under another key's name" % quoted(key["name"]))
        elif not said:
            report.update(verdict="other-purpose", why="its comment is no statement of sealift")
        elif said["role"] != place:
            report.update(verdict="other-purpose", why="made for the role '%s', but it stands where '%s' belongs"
                          % (said["role"], place))
        elif said["bundle"] != bundle:
            report.update(verdict="other-purpose", why="made for another bundle")
        else:
            report.update(said, verdict="good", why="")
        return report

    # ---- findings ------------------------------------------------------------------------------
    # specs/policy.md, "Findings": the same rules, in the same order, as bundles/trust has them.

    RULES = ("format", "signatures", "approvals", "revocation", "time", "content", "recipe", "version",
             "closure", "base", "index", "packages", "size", "blobs")
    COPY_AGAIN = "send the bundle again; if it stays so, ask the preparer for a new one"

    class Verdict:
        """One finding for each rule."""

        def __init__(self):
            self.found = {}

        def fail(self, rule, evidence, remedy="", kind="untrusted"):
            self.found[rule] = {"rule": rule, "verdict": "fail", "kind": kind, "evidence": evidence}
            if remedy:
                self.found[rule]["remedy"] = remedy

        def good(self, rule, evidence):
            self.found[rule] = {"rule": rule, "verdict": "pass", "evidence": evidence}

        def none(self, rule, evidence):
            self.found[rule] = {"rule": rule, "verdict": "none", "evidence": evidence}

        def passed(self, *rules):
            return all(self.found.get(rule, {}).get("verdict") == "pass" for rule in rules)

        def findings(self):
            return [self.found.get(rule, {"rule": rule, "verdict": "none", "evidence": "not examined"})
                    for rule in RULES]

        def failed(self):
            return next((one for one in self.findings() if one["verdict"] == "fail"), None)

        def insist(self):
            """Refuses with the first failure."""
            one = self.failed()
            if one:
                raise Refusal(one["kind"], one["evidence"], one.get("remedy", ""), rule=one["rule"],
                              findings=self.findings())

    # A case is what is judged: {"bundle", "manifest_data" (None: not here), "signatures": [(name, bytes)], as
    # they came and then as they lie beside the policy, "given": how many came, "absent": how many are not here, "path" and "policy", "seen", "now"}. Judging
    # adds "verdict", "reports", and "manifest" once it is believed.

    HARMFUL = ("malformed", "bad", "other-purpose")

    def why_not(key, report, preparers, counted):
        """Why a good signature does not count, or ""."""
        place, name = report["place"], quoted(report["key_name"])
        if place == "revoke":
            return ""  # any key of the policy may
        if place not in key["roles"]:
            return "the policy does not let %s %s" % (name, place)
        if not key_covers(key, report["name"]):
            return "the policy does not let %s %s bundles named '%s'" % (name, place, report["name"])
        if place == "approve" and report["fingerprint"] in preparers:
            return "the preparing key does not count as an approval"
        if place == "approve" and report["fingerprint"] in counted:
            return "the key has been counted already"
        return ""

    def weigh(case):
        """Which good signatures count (T31, T32); every finding that is made of signatures."""
        keys = {key["fingerprint"]: key for key in case["policy"]["keys"]}
        good = [report for report in case["reports"] if report["verdict"] == "good"]
        preparers = {one.get("fingerprint") for one in case["reports"] if one["place"] == "prepare"}
        counted = set()
        for report in case["reports"]:
            report["allowed"] = False
        for report in good:
            report["why"] = why_not(keys[report["fingerprint"]], report, preparers, counted)
            report["allowed"] = not report["why"]
            if report["allowed"] and report["place"] == "approve":
                counted.add(report["fingerprint"])
        find_on_prepare(case, reports_of(case, "prepare"))
        find_on_approvals(case, reports_of(case, "approve"))
        find_on_revocation(case, reports_of(case, "revoke"))
        find_on_time(case)

    def reports_of(case, place):
        return [one for one in case["reports"] if one["place"] == place]

    def harm_in(case, rule, reports, remedy):
        """Whether one of these refuses by what it is."""
        for report in reports:
            if report["verdict"] in HARMFUL:
                case["verdict"].fail(rule, "signature %s is not a good one of this bundle: %s, %s" % (
                    report["file"], report["verdict"], report["why"]), remedy)
                return True
        return False

    def find_on_prepare(case, reports):
        verdict, path = case["verdict"], case["path"]
        good = [one for one in reports if one["verdict"] == "good"]
        counting = [one for one in good if one["allowed"]]
        if harm_in(case, "signatures", reports,
                   "leave it out, or get the bundle again from whoever signed it"):
            return
        if counting:
            verdict.good("signatures", "prepared by %s at %s" % (quoted(counting[0]["key_name"]), counting[0]["time"]))
        elif good and "bundles named" in good[0]["why"]:
            verdict.fail("signatures", "key %s has signed, but %s does not let it prepare bundles named '%s'"
                         % (quoted(good[0]["key_name"]), path, good[0]["name"]),
                         "the name must match one of the key's bundles there")
        elif good:
            verdict.fail("signatures", "key %s has signed, but %s does not let it prepare"
                         % (quoted(good[0]["key_name"]), path),
                         "the role prepare must be among the key's roles there")
        elif case["absent"]:
            verdict.none("signatures", "%d of the signatures are not here" % case["absent"])
        else:
            verdict.fail("signatures", "nobody whom %s trusts to prepare has signed bundle %s"
                         % (path, case["bundle"]), "the builder decides: `sealift trust add KEY.pub --role prepare "
                         "--policy %s` there adds a key" % path, "answer")

    def find_on_approvals(case, reports):
        verdict, demanded = case["verdict"], case["policy"].get("approvals", 0)
        counting = sum(one["allowed"] for one in reports)
        said = "%d of %d count, and %s" % (counting, len(reports), "%d must" % demanded if demanded else
                                           "none is demanded")
        if harm_in(case, "approvals", reports, "leave it out, or get the bundle again; do not use it so"):
            return
        if counting < demanded and case["absent"]:
            verdict.none("approvals", "%s; %d of the signatures are not here" % (said, case["absent"]))
        elif counting < demanded:
            verdict.fail("approvals", said, "get more approvals: `sealift approve` makes one, `sealift attach` puts it "
                         "into the bundle; the builder finds others in %s" % signatures_folder(case["path"]))
        elif not reports:
            verdict.none("approvals", "none is there, and none is demanded")
        else:
            verdict.good("approvals", said)

    def find_on_revocation(case, reports):
        verdict, counting = case["verdict"], [one for one in reports if one["allowed"]]
        if counting:
            verdict.fail("revocation", "revoked by %s at %s" % (quoted(counting[0]["key_name"]), counting[0]["time"]),
                         "do not use this bundle; ask whoever revoked it")
        elif not harm_in(case, "revocation", reports, "find out what happened to the file; until then the bundle "
                         "is not to be used"):
            verdict.good("revocation", "nobody known has revoked it (%d by unknown keys)" % len(reports)
                         if reports else "nobody has revoked it")

    def find_on_time(case):
        verdict, policy, now, latest = case["verdict"], case["policy"], case["now"], case["seen"]["latest"]
        good = [one for one in reports_of(case, "prepare") if one["verdict"] == "good"]
        if now < latest - DAY:
            verdict.fail("time", "the clock says %s, but a bundle was verified here at %s"
                         % (show_time(now), show_time(latest)),
                         "set the clock of %s; if it was wrong then, remove seen.json from the store there"
                         % os.uname().nodename)
            return
        if not good:
            verdict.none("time", "nobody known says when it was made")
            return
        at = read_time(([one for one in good if one["allowed"]] or good)[0]["time"])
        days = policy.get("signed_within_days")
        if at < policy.get("signed_since", 0):
            verdict.fail("time", "prepared at %s, and the policy takes nothing before %s"
                         % (show_time(at), show_time(policy["signed_since"])), "ask the preparer for a new bundle")
        elif days and at > now + DAY:
            verdict.fail("time", "prepared at %s, which is more than a day in the future" % show_time(at),
                         "one of the two clocks is wrong: find out which")
        elif days and now - at > days * DAY:
            verdict.fail("time", "prepared at %s, %d days ago, and the policy takes at most %d"
                         % (show_time(at), (now - at) // DAY, days), "ask the preparer for a new bundle")
        else:
            verdict.good("time", "prepared at %s, and it is %s" % (show_time(at), show_time(now)))

    def judge_manifest(case):
        """The rules from `format` to `time`. The manifest is read only once the others have passed."""
        case.update(verdict=Verdict(), reports=[], manifest=None)
        verdict, keys = case["verdict"], case["policy"]["keys"]
        if case["manifest_data"] is None:
            for rule in RULES:
                verdict.none(rule, "the manifest is not here")
            return
        hashed = blake2b(case["manifest_data"])
        for name, data in case["signatures"]:
            report = judge_signature(name, data, hashed, case["bundle"], keys)
            case["reports"].append(dict(report, sha256=hashlib.sha256(data).hexdigest()))
        weigh(case)
        if verdict.failed() or not verdict.passed("signatures"):
            return
        try:
            manifest = parse_manifest(case["manifest_data"])
        except Refusal as refusal:
            verdict.fail("format", str(refusal), refusal.hint or COPY_AGAIN, refusal.kind)
            return
        verdict.good("format", "a manifest of format 1, in canonical form")
        for report in case["reports"]:
            if report["verdict"] == "good" and any(report[one] != manifest[one] for one in ("name", "version")):
                report.update(verdict="other-purpose", why="it names %s %s, but the manifest says %s %s" % (
                    report["name"], report["version"], manifest["name"], manifest["version"]))
        weigh(case)
        if not verdict.failed():
            case["manifest"] = manifest

    # ---- what the policy demands of plan and lock ------------------------------------------------

    def judge_recipe(case, texts):
        """(plan, lock), or None when they do not make what is in the bundle."""
        manifest, verdict = case["manifest"], case["verdict"]
        try:
            plan, lock = parse_plan(texts["plan.json"]), parse_lock(texts["lock.json"])
            check_together(manifest, plan, lock)
            recipe = hashlib.sha256(texts["plan.json"] + texts["lock.json"]).hexdigest()
            check_definition(texts["image.def"], manifest, plan, lock, recipe)
        except Refusal as refusal:
            verdict.fail("recipe", str(refusal), refusal.hint or COPY_AGAIN, refusal.kind)
            return None
        verdict.good("recipe", "recipe 1 made again from plan.json and lock.json, byte for byte; %s" % manifest["closure"])
        return plan, lock

    def judge_demands(case, site, texts):
        """From `recipe` to `size`. Without texts, what the manifest alone can tell. Returns (plan, lock) or None."""
        verdict, manifest, read = case["verdict"], case["manifest"], None
        if manifest["recipe"] != 1:
            verdict.fail("recipe", "made by recipe %d; this agent knows recipe 1 only" % manifest["recipe"],
                         "a newer sealift may know it", "format")
            return None
        if "image.def" not in [entry["name"] for entry in manifest["files"]]:
            verdict.fail("recipe", "the bundle lacks 'image.def'", COPY_AGAIN, "format")
            return None
        if texts:
            read = judge_recipe(case, texts)
            if not read:
                return None
            find_on_base(case, *read)
            find_on_index(case, site, read[1])
            find_on_packages(case, read[1])
        else:
            for rule in ("recipe", "base", "index", "packages"):
                verdict.none(rule, "plan.json, lock.json or image.def is not here")
        find_on_version(case)
        find_on_closure(case)
        find_on_size(case)
        return read

    def find_on_version(case):
        verdict, manifest = case["verdict"], case["manifest"]
        name, version = manifest["name"], manifest["version"]
        named, seen = case["policy"]["versions"].get(name, {}), case["seen"]["versions"].get(name)
        lowest, highest = named.get("lowest"), named.get("highest")
        if seen and highest and is_older(highest, seen["version"]):
            seen = None  # the policy says that this was none
        older = seen and is_older(version, seen["version"])
        if lowest and is_older(version, lowest):
            verdict.fail("version", "%s, and the policy takes nothing below %s" % (version, lowest), "use a newer bundle")
        elif highest and is_older(highest, version):
            verdict.fail("version", "%s, and the policy takes nothing above %s" % (version, highest),
                         "ask whoever keeps the policy whether that is still meant")
        elif older and case["policy"].get("older") == "refuse":
            verdict.fail("version", "%s is older than %s, which was accepted here at %s"
                         % (version, seen["version"], show_time(seen["time"])), "use the newer one; to go back on "
                         "purpose, name the version as 'highest' in the policy")
        elif older:
            verdict.good("version", "%s; a newer one, %s, was accepted here at %s"
                         % (version, seen["version"], show_time(seen["time"])))
        elif not seen and not named:
            verdict.none("version", "%s, and nothing is demanded" % version)
        else:
            verdict.good("version", version + (", and none newer was accepted here" if seen else "")
                         + (", within the policy's bounds" if named else ""))

    def find_on_closure(case):
        verdict, closure, demanded = case["verdict"], case["manifest"]["closure"], case["policy"].get("closure")
        if not demanded:
            verdict.none("closure", "%s, and nothing is demanded" % closure)
        elif CLOSURES.index(closure) < CLOSURES.index(demanded):
            verdict.fail("closure", "%s, and the policy demands %s" % (closure, demanded), "`sealift inspect` names the "
                         "inputs that are not closed; the preparer can carry them or name them by digest")
        else:
            verdict.good("closure", "%s; the policy demands %s" % (closure, demanded))

    def find_on_base(case, plan, lock):
        verdict, base, allowed = case["verdict"], plan["base"], case["policy"].get("bases")
        shown = "%s@sha256:%s" % (base.get("reference", base["kind"]), base_digest(plan, lock))
        if not allowed:
            verdict.none("base", "%s, and nothing is demanded" % shown)
            return
        for one in allowed:
            if base_matches(one, plan, lock):
                verdict.good("base", "%s, allowed as %s" % (shown, one))
                return
        verdict.fail("base", "%s is none of the policy's bases" % shown,
                     "use an allowed base, or ask whoever keeps the policy to allow this one")

    def tame_index(url):
        """What is compared of an index, and what may be shown of it: without user, password, query, fragment."""
        match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#\\]*@)?([^/?#\\@]*)([^?#]*)(.*)\Z", url, re.S)
        if not match:
            return "", "an index that is no URL"
        scheme, user, host, path, rest = match.groups()
        plain = "%s://%s%s" % (scheme.lower(), host.lower(), path)
        # Two readers of one URL must not see two hosts in it.
        odd = rest or "\\" in url or (user or "").count("@") > 1
        # A path may hold a token, too: only who keeps the site file needs to see it.
        return "" if odd else plain, quoted("%s://%s" % (scheme.lower(), host.lower()))[1:-1] + (
            "/..." if path.strip("/") else "")

    def indexes_of(site, lock):
        """Where the installer of this bundle asks for packages that are not carried, as tame_index() has it."""
        if lock.get("installer", {}).get("name") == "uv" or "pip_config" not in site:
            return [NOT_NAMED]  # uv reads no configuration of pip's
        settings, _ = parse_pip_config(site["pip_config"], read_declared(site, "pip_config"))
        named = [tame_index(url) for url in settings.get("index-url", [])] or [NOT_NAMED]
        return named + [tame_index(url) for url in settings.get("extra-index-url", [])]

    def find_on_index(case, site, lock):
        verdict, allowed = case["verdict"], case["policy"].get("indexes")
        fetched = sum("wheel" not in package for package in lock["packages"])
        if not fetched:
            verdict.none("index", "nothing is fetched from one")
            return
        if not allowed:
            verdict.none("index", "%d packages are fetched, and nothing is demanded" % fetched)
            return
        try:
            indexes = indexes_of(site, lock)
        except Refusal as refusal:
            verdict.fail("index", str(refusal), refusal.hint, refusal.kind)
            return
        for plain, shown in indexes:
            if not any(index_matches(one, plain) for one in allowed):
                verdict.fail("index", "%d packages would be fetched from %s, which is below none of the policy's indexes"
                             % (fetched, shown), "name an allowed index in the pip_config of site.json there, or carry "
                             "the packages in the bundle")
                return
        verdict.good("index", "%d packages are fetched from %s" % (fetched, ", ".join(shown for _, shown in indexes)))

    def find_on_packages(case, lock):
        verdict, denied, count_all = case["verdict"], case["policy"].get("denied"), len(lock["packages"])
        if not denied:
            verdict.none("packages", "%d, and none is denied" % count_all)
            return
        for package in lock["packages"]:
            for one in denied:
                if denies(one, package["name"], package["version"]):
                    verdict.fail("packages", "%s %s is denied (%s)" % (package["name"], package["version"], one),
                                 "lock another version, or do without the package")
                    return
        verdict.good("packages", "%d, none of them denied" % count_all)

    def find_on_size(case):
        verdict, manifest, most = case["verdict"], case["manifest"], case["policy"].get("largest")
        size = manifest["content"]["size"] + sum(blob["size"] for blob in manifest["blobs"])
        if not most:
            verdict.none("size", "%d bytes, and nothing is demanded" % size)
        elif size > most:
            verdict.fail("size", "%d bytes, and the policy takes at most %d" % (size, most),
                         "make a smaller bundle, or ask whoever keeps the policy")
        else:
            verdict.good("size", "%d bytes; the policy takes up to %d" % (size, most))

    # ---- what has passed here before -------------------------------------------------------------
    # seen.json of the store, in the form of bundles/trust/seen.c: the newest version of each name, and
    # the latest time (T40, T43).

    def load_seen(store):
        path = os.path.join(store.root, "seen.json")
        data = read_file(path, LIMIT_SEEN)
        if data is None:
            return {"latest": 0, "versions": {}}
        seen = record(load_json(data, "'%s'" % path, "input"), path, {
            "latest": moment, "sealift_seen": one_of_numbers(1), "versions": list_of(each({
                "name": image_name, "time": moment, "version": any_version}, kind="input"), LIMIT_SEEN_NAMES)},
            kind="input")
        names = [entry["name"] for entry in seen["versions"]]
        if any(a >= b for a, b in zip(names, names[1:])):
            raise Refusal("input", "%s: versions are not in order, or one name is there twice" % path)
        return {"latest": seen["latest"], "versions": {entry["name"]: entry for entry in seen["versions"]}}

    def note_version(seen, name, version, highest, now):
        known = seen["versions"].get(name)
        seen["latest"] = max(now, seen["latest"])
        # One that the policy does not count any more (T42) must not keep later ones from being noted.
        void = known and highest and is_older(highest, known["version"])
        if not known and len(seen["versions"]) == LIMIT_SEEN_NAMES:
            raise Refusal("limit", "seen.json: more than %d names" % LIMIT_SEEN_NAMES)
        if not known or void or is_older(known["version"], version):
            seen["versions"][name] = {"name": name, "version": version, "time": now}

    def write_seen(store, seen):
        value = {"latest": show_time(seen["latest"]), "sealift_seen": 1, "versions": [
            dict(entry, time=show_time(entry["time"])) for _, entry in sorted(seen["versions"].items())]}
        write_file(os.path.join(store.root, "seen.json"),
                   json.dumps(value, indent=2, sort_keys=True).encode("ascii") + b"\n")

    def note_seen(store, name, version, highest):
        """The image is there. Those who note at the same time take turns."""
        folder, patience = store.folder("seen"), time.monotonic() + LEASE + 30
        number, _, owner = take_lock(folder)
        while owner:
            if time.monotonic() > patience:
                raise Refusal("io", "cannot note in seen.json that %s %s has passed: process %s on %s holds its lock"
                              % (name, version, owner["pid"], owner["host"]), "build again when it has ended")
            time.sleep(0.05)
            number, _, owner = take_lock(folder)
        try:
            seen = load_seen(store)
            note_version(seen, name, version, highest, int(time.time()))
            write_seen(store, seen)
        except OSError as problem:
            raise io_refusal("cannot write seen.json in '%s'" % store.root, problem)
        finally:
            release_lock(folder, number)

    # ---- the manifest --------------------------------------------------------------------------

    CONTENT_NAMES = ("spec", "plan.json", "lock.json", "image.def", "requirements.txt", "sbom.cdx.json")
    CONTENT_BELOW = re.compile(r"(scripts|endpoint|files)(/[A-Za-z0-9_][A-Za-z0-9._+-]*){1,4}\Z")

    def content_name(value, where):
        must(type(value) is str and len(value) <= 100 and
             (value in CONTENT_NAMES or CONTENT_BELOW.match(value)), where, "a name of the content")
        return value

    def sorted_once(entries, key, where):
        keys = [entry[key] for entry in entries]
        if any(a >= b for a, b in zip(keys, keys[1:])):
            raise Refusal("format", "%s is not sorted, or has an entry twice" % where)

    def parse_manifest(data):
        value = load_canonical(data, "manifest.json")
        blob = {"sha256": digest, "size": uint(LIMIT_BLOB)}
        manifest = record(value, "manifest", {
            "format": one_of_numbers(1), "recipe": count(65535), "name": image_name,
            "version": pep440, "closure": one_of("open", "pinned", "sealed"),
            "target": each({"glibc": plain_text, "platform": plain_text, "python": plain_text}),
            "content": each({"sha256": digest, "size": uint(LIMIT_BLOB), "tar_sha256": digest,
                             "tar_size": uint(LIMIT_BLOB), "zstd_level": uint(19),
                             "zstd_version": plain_text}),
            "files": list_of(each({"name": content_name, "sha256": digest,
                                   "size": uint(LIMIT_CONTENT_FILE)}), LIMIT_CONTENT_FILES),
            "blobs": list_of(each(blob), LIMIT_BLOBS)})
        sorted_once(manifest["files"], "name", "manifest.files")
        sorted_once(manifest["blobs"], "sha256", "manifest.blobs")
        names = sorted(entry["name"].lower() for entry in manifest["files"])
        folders = {name[:at] for name in names for at, mark in enumerate(name) if mark == "/"}
        if len(set(names)) != len(names) or folders & set(names):
            raise Refusal("format", "manifest.files has names that would be in each other's place")
        for name in ("plan.json", "lock.json"):
            if name not in names:
                raise Refusal("format", "manifest.files lacks '%s'" % name)
        return manifest

    # ---- plan and lock -------------------------------------------------------------------------

    BUILD_OPTIONS = (
        "--disable-cache", "--fix-perms", "--ignore-fakeroot-command", "--ignore-subuid",
        "--ignore-userns", "--mksquashfs-args=-comp gzip", "--mksquashfs-args=-comp lz4",
        "--mksquashfs-args=-comp xz", "--mksquashfs-args=-comp zstd -Xcompression-level 3", "--nv",
        "--rocm", "--userns")

    # The rules on values are those of bundles/recipe/plan_check.c, whether a value reaches a definition
    # or not: tests/data/plan holds both readers to one table.
    HIDDEN = "[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff%s]"  # and tab or line feed where they are not allowed
    TEMPLATE = re.compile(r"\{\{[\t\n\v\f\r ]*[0-9A-Za-z_]+[\t\n\v\f\r ]*\}\}")
    BLANKS = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
        map(chr, range(0x2000, 0x200b)))

    def clean_text(most, hidden="\t\n", more=None):
        """A check: text without control characters, at most so many bytes, and `more(value, where)`."""
        pattern = re.compile(HIDDEN % hidden)

        def check(value, where):
            must(type(value) is str and not pattern.search(value), where, "text without control characters")
            must(len(value.encode("utf-8")) <= most, where, "at most %d bytes" % most)
            if more:
                more(value, where)
            return value
        return check

    def whole_line(value, where):
        must(value.strip(BLANKS) == value, where, "without blanks at its ends")
        must(not TEMPLATE.search(value), where, "without {{ word }}, which Apptainer takes for a build argument")

    def filled(value, where):
        must(value, where, "not empty")
        whole_line(value, where)

    def script_text(value, where):
        must(value.strip(" \t\n"), where, "not empty")
        must(value.endswith("\n"), where, "ended by a line feed")

    def help_text(value, where):
        must(value.strip(" \t\n"), where, "not empty")
        must(len(value.encode("utf-8")) + 4 * (value.count("\n") + 1) <= 56 * 1024, where,
             "at most 56 KiB with each line indented by four blanks")
        must(not any(line.lstrip(BLANKS).startswith("%") for line in value.split("\n")), where,
             "without a line whose first character is %")
        must(not TEMPLATE.search(value), where, "without {{ word }}, which Apptainer takes for a build argument")

    def env_text(value, where):
        must(len(quote_value(value).encode("utf-8")) <= 48 * 1024, where, "at most 48 KiB once quoted")
        must("\\u000A" not in value, where, "without the text \\u000A, which Apptainer turns into a line break")

    def plain_parts(value, where):
        must("\\" not in value and not {"", ".", ".."} & set(value.split("/")), where, "a plain relative path")

    def quote_value(value):
        return re.sub(r"\{(?=\{)", '{""', re.sub(r'(["$\\`])', r"\\\1", value))

    line_text = clean_text(4096, more=whole_line)
    filled_line = clean_text(4096, more=filled)
    script = clean_text(256 * 1024, hidden="", more=script_text)
    plain_path = clean_text(4096, more=plain_parts)

    def plain_folder(value, where):
        return value if value == "." else plain_path(value, where)

    RESERVED = ("/.sealift", "/.singularity.d", "/opt/sealift", "/opt/venv", "/proc", "/sys", "/dev",
                "/tmp", "/var/tmp")

    def image_path(value, where):
        must(type(value) is str and re.match(r"(/[A-Za-z0-9._+=@,:~-]+)+\Z", value) and len(value) <= 1024
             and not {".", ".."} & set(value.split("/")), where, "an absolute path of plain components")
        must(not any((value + "/").startswith(place + "/") for place in RESERVED), where,
             "outside of " + ", ".join(RESERVED))
        return value

    variable_name = text_like(r"(?!APPTAINER|SINGULARITY|SEALIFT_|PYTHONNOUSERSITE\Z|PYTHONHOME\Z)"
                              r"[A-Za-z_][A-Za-z0-9_]{0,254}", "a variable that a plan may set")
    label_name = text_like(r"(?!org\.sealift\.|org\.label-schema\.)[A-Za-z0-9][A-Za-z0-9._-]{0,127}",
                           "a label that a plan may set")

    python_version = text_like(r"3(\.(0|[1-9][0-9]{0,3})){2}", "a full version of Python 3, like 3.11.2")
    glibc_version = text_like(r"2\.(0|[1-9][0-9]{0,3})", "a version of glibc, like 2.36")

    # Words of lower case, joined by a dot, one or two underlines, or dashes; a registry has no underline,
    # and a dot or a port, or is localhost.
    REFERENCE = (r"(?=.{3,255}\Z)(?=[^/]*[.:]|localhost/)[a-z0-9]+((\.|-+)[a-z0-9]+)*(:[0-9]{1,5})?"
                 r"(/[a-z0-9]+((\.|_{1,2}|-+)[a-z0-9]+)*)+")

    def parse_base(value, where):
        if type(value) is dict and value.get("kind") == "docker":
            return record(value, where, {
                "kind": one_of("docker"), "digest": digest,
                "reference": text_like(REFERENCE, "a reference with its registry, without tag and digest")},
                {"tag": text_like(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", "a tag")})
        return record(value, where, {"kind": one_of("localimage", "oci-archive", "docker-archive"),
                                     "file": plain_path})

    def build_options(value, where):
        options = list_of(one_of(*BUILD_OPTIONS), 64)(value, where)
        must(len(set(options)) == len(options), where, "a list without an option twice")
        return options

    def build_timeout(value, where):
        must(value != 0, where, "at least one second")
        return uint(LIMIT_TIMEOUT)(value, where)

    def parse_plan(data):
        run = each({"network": one_of("any", "none"), "run": script})
        plan = record(load_canonical(data, "plan.json"), "plan", {
            "base": parse_base, "description": line_text, "name": image_name, "version": pep440,
            "build": each({"options": build_options, "timeout": build_timeout}),
            "env": list_of(each({"name": variable_name, "value": clean_text(32768, "\n", env_text)}), 1024),
            "files": list_of(each({"from": plain_path, "to": image_path,
                                   "mode": text_like("0[0-7]{3}", "four octal digits")}), 4096),
            "labels": list_of(each({"name": label_name, "value": filled_line}), 256),
            "post": list_of(run, 64), "sealift_plan": one_of_numbers(1),
            "target": each({"glibc": glibc_version, "platform": one_of("linux/x86_64", "linux/aarch64"),
                            "python": python_version})}, {
            "help": clean_text(48 * 1024, "", help_text), "runscript": script, "test": run, "worker": pep440,
            "pip": each({"env": one_of("venv", "base"), "installer": one_of("auto", "pip", "uv"),
                         "requirements": list_of(clean_text(16 * 1024, "\n"), 4096),
                         "wheelhouses": list_of(plain_folder, 16)}, {"lock": plain_path})})
        for member, key in (("env", "name"), ("labels", "name"), ("files", "to")):
            sorted_once(plan[member], key, "plan." + member)
        return plan

    def parse_lock(data):
        blob = each({"sha256": digest, "size": uint(LIMIT_BLOB)})
        name = text_like(r"[a-z0-9]+(-[a-z0-9]+)*", "a package name in normal form")
        version = pep440
        wheel = text_like(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,250}\.whl", "the file name of a wheel")
        lock = record(load_canonical(data, "lock.json"), "lock", {
            "dependencies_checked": boolean, "files": list_of(blob, 4096),
            "packages": list_of(each(
                {"hashes": list_of(digest, 4096), "name": name, "version": version},
                {"file": wheel, "wheel": blob, "requires": list_of(name, 4096)}), 16384),
            "sealift_lock": one_of_numbers(1)}, {
            "base": blob, "installer": each({"file": wheel, "name": one_of("pip", "uv"),
                                             "version": version, "wheel": blob})})
        sorted_once(lock["packages"], "name", "lock.packages")
        for package in lock["packages"]:
            if "wheel" in package and ("file" not in package
                                       or package["wheel"]["sha256"] not in package["hashes"]):
                raise Refusal("format", "lock.packages: the wheel of %s is not one of its hashes"
                              % package["name"])
        return lock

    def closure_of(plan, lock):
        """How closed a bundle is, by its least closed input (specs/closure.md). Never a claim."""
        scripts = plan["post"] + [plan[name] for name in ("test",) if name in plan]
        if any(script["network"] != "none" for script in scripts):
            return "open"
        fetched = plan["base"]["kind"] == "docker" or any("wheel" not in package for package in lock["packages"])
        return "pinned" if fetched else "sealed"

    def check_together(manifest, plan, lock):
        """Manifest, plan and lock speak of one thing, and every input is where the build reads it."""
        for field in ("name", "version", "target"):
            if manifest[field] != plan[field]:
                raise Refusal("format", "the %s of plan.json is not the manifest's" % field)
        if manifest["closure"] != closure_of(plan, lock):
            raise Refusal("format", "the manifest says that the bundle is %s, but by plan and lock it is %s"
                          % (manifest["closure"], closure_of(plan, lock)))
        if len(lock["files"]) != len(plan["files"]):
            raise Refusal("format", "lock.json has %d files, the plan %d"
                          % (len(lock["files"]), len(plan["files"])))
        if ("base" in lock) == (plan["base"]["kind"] == "docker"):
            raise Refusal("format", "lock.json must carry the base exactly when the plan's base is a file")
        if any("wheel" in package for package in lock["packages"]) != ("installer" in lock):
            raise Refusal("format", "lock.json must carry an installer exactly when it carries wheels")
        files = {entry["name"]: entry for entry in manifest["files"]}
        here = {"blobs/sha256/" + entry["sha256"]: entry for entry in manifest["blobs"]}
        for name, entry in files.items():
            if name.startswith("files/") and name != "files/" + entry["sha256"]:
                raise Refusal("format", "manifest.files: %s is not named by its digest" % name)
        here.update(files)
        carried = [package["wheel"] for package in lock["packages"] + [lock.get("installer", {})]
                   if "wheel" in package] + ([lock["base"]] if "base" in lock else [])
        wanted = [("blobs/sha256/" + blob["sha256"], blob["size"]) for blob in carried]
        wanted += [(("blobs/sha256/" if blob["size"] > MIB else "files/") + blob["sha256"], blob["size"])
                   for blob in lock["files"]]
        for name, size in wanted:
            if here.get(name, {}).get("size") != size:
                raise Refusal("format", "the manifest lacks %s of lock.json" % name)
        for name in set(here) - {name for name, _ in wanted}:
            if name.startswith(("files/", "blobs/")):
                raise Refusal("format", "the manifest has %s, which lock.json does not name" % name)

    # ---- programs and what this host can do ----------------------------------------------------

    def find_program(name):
        folders = os.environ.get("PATH", os.defpath).split(":") + ["/usr/local/sbin", "/usr/sbin", "/sbin"]
        return shutil.which(name, path=":".join(folder for folder in folders if folder.startswith("/")))

    def clean_environment(**more):
        """What a build may see of this process: no APPTAINER_*, no PYTHON*, no tokens."""
        keep = ("HOME", "USER", "LOGNAME", "PATH", "LANG", "LD_LIBRARY_PATH", "SSL_CERT_FILE",
                "SSL_CERT_DIR", "XDG_RUNTIME_DIR", "http_proxy", "https_proxy", "ftp_proxy",
                "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY",
                "NO_PROXY")
        found = {name: os.environ[name] for name in keep if name in os.environ}
        found["PATH"] = found.get("PATH", os.defpath) + ":/usr/local/sbin:/usr/sbin:/sbin"
        return dict(found, **more)

    def collect(child, limit, deadline):
        """The first `limit` bytes of each stream of a child; what goes beyond is read and dropped."""
        kept = {child.stdout.fileno(): bytearray(), child.stderr.fileno(): bytearray()}
        waiting = list(kept)
        while waiting:
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            beat()
            for handle in select.select(waiting, [], [], min(left, 5))[0]:
                data = os.read(handle, 65536)
                kept[handle] += data[:limit - len(kept[handle])]
                if not data:
                    waiting.remove(handle)
        return [bytes(one) for one in kept.values()]

    def quietly(argv, timeout=60, environment=None, limit=16 * MIB):
        """(status, stdout, stderr) of a short program; status None when it could not be run."""
        try:
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, cwd="/",
                                     env=environment or clean_environment())
        except OSError as problem:
            return None, b"", str(problem).encode("utf-8", "replace")
        with child:
            try:
                said = collect(child, limit, time.monotonic() + timeout)
            except BaseException:
                child.kill()
                raise
            if said is None:
                child.kill()
                return None, b"", ("it did not end within %d seconds" % timeout).encode()
            status = child.wait()
        return status, said[0], said[1][-64 * 1024:]

    def find_builder(site):
        """Path, version line, family and abilities of the Apptainer or Singularity here."""
        if "apptainer" in site:
            path = site["apptainer"] if os.access(site["apptainer"], os.X_OK) else None
            where = "at %s, where site.json says it is" % site["apptainer"]
        else:
            path, where = find_program("apptainer") or find_program("singularity"), "on PATH"
        if not path:
            raise Refusal("io", "there is no apptainer %s" % where, "install it or load its module, or "
                          "name it in %s: {\"apptainer\": \"/path\"}" % find_setting("site.json", MIB)[0])
        status, out, problem = quietly([path, "--version"])
        version = out.decode("utf-8", "replace").strip()
        if status != 0 or not re.match(r"(apptainer|singularity(-[a-z]+)?) version ", version):
            raise Refusal("io", "'%s --version' does not say that it is apptainer or singularity: %s"
                          % (path, quoted(version or problem.decode("utf-8", "replace"))),
                          "name the right one in %s: {\"apptainer\": \"/path\"}"
                          % find_setting("site.json", MIB)[0])
        _, text, _ = quietly([path, "build", "--help"])
        return {"path": path, "version": version, "family": version.split(" ")[0],
                "mksquashfs_args": b"--mksquashfs-args" in text}

    def read_text(path):
        try:
            with open(path, "rb") as file:
                return file.read(MIB).decode("utf-8", "replace")
        except OSError:
            return ""

    def zstd_support(builder_path):
        """Whether mksquashfs here writes zstd, and which readers of squashfs here understand it."""
        libexec = os.path.realpath(builder_path or "/")
        beside = [os.path.join(os.path.dirname(os.path.dirname(libexec)), "libexec", name, "bin")
                  for name in ("apptainer", "singularity")]

        def find(name):
            return find_program(name) or shutil.which(name, path=":".join(beside))

        def said(name, *arguments):
            _, out, err = quietly([find(name)] + list(arguments)) if find(name) else (0, b"", b"")
            return b"zstd" in out + err

        readers = []
        if "CONFIG_SQUASHFS_ZSTD=y" in read_text("/boot/config-" + os.uname().release):
            readers.append("kernel")
        for name in ("squashfuse_ll", "squashfuse"):
            if find(name) and find_program("ldd"):
                _, out, _ = quietly([find_program("ldd"), find(name)])
                if b"libzstd" in out:
                    readers.append(name)
        if said("unsquashfs", "-help") or said("unsquashfs", "-help-all"):
            readers.append("unsquashfs")
        return {"writes": said("mksquashfs", "-help") or said("mksquashfs", "-help-all"),
                "readers": readers}

    def user_namespaces():
        """None when an unprivileged user namespace can be made here, else the setting to change."""
        unshare = find_program("unshare")
        if unshare and quietly([unshare, "-r", "true"])[0] == 0:
            return None
        for path, bad, setting in (
                ("/proc/sys/kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
                ("/proc/sys/user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
                ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
                 "kernel.apparmor_restrict_unprivileged_userns=0")):
            if read_text(path).strip() == bad:
                return "sysctl -w " + setting
        return "allow unprivileged user namespaces on this host" if unshare else "install util-linux"

    def subids():
        """Ranges that /etc/subuid and /etc/subgid give this account."""
        names = {str(os.geteuid()), os.environ.get("USER", ""), os.environ.get("LOGNAME", "")} - {""}
        return all(any(line.split(":")[0] in names for line in read_text(path).splitlines())
                   for path in ("/etc/subuid", "/etc/subgid"))

    def has_setuid_starter(builder):
        if not builder:
            return False
        root = os.path.dirname(os.path.dirname(os.path.realpath(builder["path"])))
        for name in ("apptainer", "singularity"):
            try:
                found = os.stat(os.path.join(root, "libexec", name, "bin", "starter-suid"))
            except OSError:
                continue
            if found.st_mode & stat.S_ISUID:
                return True
        return False

    def mount_of(path):
        """(type, options) of the file system that holds a path."""
        best, found = "", ("", "")
        real = os.path.realpath(path)
        for line in read_text("/proc/self/mountinfo").splitlines():
            fields = line.split(" ")
            at = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m.group(1), 8)), fields[4])
            inside = real == at or real.startswith(at.rstrip("/") + "/")
            if inside and len(at) >= len(best) and "-" in fields:
                best, found = at, (fields[fields.index("-") + 1], fields[5])
        return found

    def describe_folder(path):
        at = path
        while not os.path.isdir(at):
            at = os.path.dirname(at)
        return {"path": path, "free": free_space(at), "kind": mount_of(at)[0],
                "writable": os.access(at, os.W_OK), "noexec": "noexec" in mount_of(at)[1].split(",")}

    def package_versions():
        """What the Python that runs this has of Globus Compute: in a task, that of its worker."""
        try:
            from importlib import metadata
        except ImportError:
            return {}
        found = {}
        for name in ("globus-compute-endpoint", "globus-compute-sdk", "parsl"):
            try:
                found[name] = metadata.version(name)
            except Exception:  # missing, or a broken installation: as good as not known
                continue
        return {name: one for name, one in found.items()
                if re.match(r"[0-9A-Za-z.+!-]{1,127}\Z", str(one))}

    def loaded_modules():
        """Names of environment modules: those that this process was started with."""
        names = os.environ.get("LOADEDMODULES", "").split(":")
        return {"system": any(os.environ.get(one) for one in ("MODULESHOME", "LMOD_CMD", "MODULEPATH")),
                "loaded": [name for name in names if re.match(r"[!-~]{1,128}\Z", name)][:256]}

    def proxy_names():
        """Which proxy settings there are. Their values may hold passwords and stay here."""
        names = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
        return sorted(name for one in names for name in (one, one.upper()) if os.environ.get(name))

    def op_probe(_fields):
        site = load_site()
        obstacles = []
        try:
            if "quota_each" in site:
                submitter()
        except Refusal as refusal:
            obstacles.append(refusal.answer()["error"])
        builder, why = None, ""
        try:
            builder = find_builder(site)
            check_account(builder)
        except Refusal as refusal:
            obstacles.append(refusal.answer()["error"])
            why = "" if builder else "%s; %s" % (refusal, refusal.hint)
        try:
            path, read = load_policy()
            policy = {"path": path, "keys": len(read["keys"]), "enforcement": enforcement(path), "error": ""}
        except Refusal as refusal:
            obstacles.append(refusal.answer()["error"])
            policy = {"path": "", "keys": 0, "enforcement": "advisory", "error": str(refusal)}
        umask = re.search(r"Umask:\s*([0-7]+)", read_text("/proc/self/status"))
        missing = user_namespaces()
        return {
            "host": os.uname().nodename, "machine": os.uname().machine, "kernel": os.uname().release,
            "python": ".".join(map(str, sys.version_info[:3])), "umask": umask.group(1) if umask else "",
            "user_id": os.geteuid(), "glibc": "".join(os.confstr("CS_GNU_LIBC_VERSION").split()[-1:]),
            "apptainer": builder["path"] if builder else "",
            "apptainer_version": builder["version"] if builder else "", "apptainer_error": why,
            "user_namespaces": missing is None, "user_namespaces_hint": missing or "",
            "subids": subids(), "setuid_starter": has_setuid_starter(builder),
            "programs": {name: find_program(name) or "" for name in (
                "newuidmap", "fakeroot", "squashfuse", "squashfuse_ll", "mksquashfs", "unsquashfs")},
            "zstd": zstd_support(builder["path"] if builder else None),
            "packages": package_versions(), "modules": loaded_modules(), "proxies": proxy_names(),
            "store": describe_folder(site["store"]), "tmp": describe_folder("/tmp"), "policy": policy,
            "obstacles": obstacles}

    # ---- who works on a bundle -----------------------------------------------------------------
    # A holder's folder bundles/ID/lock.N is made aside, with its owner inside, and renamed to the
    # next number: that works on network file systems too, and only one can win. The numbers only
    # grow. A released or dead lock stays until the next holder moves it away.

    def whereabouts():
        try:
            namespace = os.readlink("/proc/self/ns/pid")
        except OSError:
            namespace = ""
        return {"host": os.uname().nodename, "namespace": namespace,
                "boot": read_text("/proc/sys/kernel/random/boot_id").strip()}

    def process_fields(pid):
        """The fields of /proc/PID/stat after the name, or []."""
        return read_text("/proc/%d/stat" % pid).rpartition(")")[2].split()

    def process_start(pid):
        fields = process_fields(pid)
        if fields:
            return fields[19] if fields[0] not in "ZX" else ""
        try:
            os.kill(pid, 0)
            return "" if os.path.isdir("/proc/self") else "unknown"
        except OSError:
            return ""

    def same_machine(owner):
        here = whereabouts()
        return all(owner.get(key) == here[key] for key in here)

    def lock_age(path):
        """Seconds since the owner's last sign of life, by the clock of the file system itself."""
        probe = NewFile(os.path.dirname(os.path.dirname(path)))
        try:
            return os.fstat(probe.handle).st_mtime - os.stat(path).st_mtime
        finally:
            probe.discard()

    def is_alive(lock):
        """The owner of one lock.N folder, if somebody holds it."""
        path = os.path.join(lock, "owner.json")
        data = read_file(path, MIB)
        if data is None:
            return None
        owner = load_json(data, path)
        if same_machine(owner):
            return owner if process_start(owner["pid"]) == owner["start"] else None
        here = whereabouts()
        if owner["host"] == here["host"] and owner["boot"] != here["boot"]:
            return None
        try:
            return owner if lock_age(path) < LEASE else None
        except FileNotFoundError:
            return None

    def lock_numbers(folder):
        found = [re.match(r"lock\.([0-9]{1,9})\Z", name) for name in os.listdir(folder)]
        return sorted(int(match.group(1)) for match in found if match)

    def lock_path(folder, number):
        return os.path.join(folder, "lock.%d" % number)

    def current_owner(folder):
        for number in lock_numbers(folder):
            owner = is_alive(lock_path(folder, number))
            if owner:
                return owner
        return None

    def owner_now(nonce):
        pid = os.getpid()
        return dict(whereabouts(), pid=pid, start=process_start(pid), nonce=nonce)

    def new_lock(folder, nonce):
        """A lock that is none yet: it is taken by giving it the next number."""
        aside = os.path.join(folder, ".lock-" + nonce)
        try:
            os.mkdir(aside, 0o700)
            write_file(os.path.join(aside, "taken"), b"")  # a released lock is not empty either
            write_json(os.path.join(aside, "owner.json"), owner_now(nonce))
        except BaseException:
            remove_tree(aside)
            raise
        return aside

    def number_lock(folder, aside):
        """Gives it the next number; None when somebody else was quicker."""
        number = (lock_numbers(folder) or [0])[-1] + 1
        try:
            os.rename(aside, lock_path(folder, number))
        except OSError as problem:
            if problem.errno in (errno.ENOTEMPTY, errno.EEXIST):
                return None
            raise
        return number

    def drop_lock(folder, number, aside):
        try:
            os.rename(lock_path(folder, number), aside)
        except OSError:
            return  # whoever has got in has dropped it
        remove_tree(aside)

    def living(folder, *but):
        """The numbers of the locks whose owners live, lowest first."""
        return [number for number in lock_numbers(folder)
                if number not in but and is_alive(lock_path(folder, number))]

    def drop_the_dead(folder, number, aside):
        """By who holds `number`. A lock that is dead stays so."""
        for other in lock_numbers(folder):
            if other != number and not is_alive(lock_path(folder, other)):
                drop_lock(folder, other, aside)

    def give_way():
        time.sleep(0.01 + secrets.randbelow(40) / 1000)  # two who do so at once must not meet again

    # Whoever has given its lock a number looks at all others then. Two who come at once see each other, or the
    # later one sees the earlier one, whatever their numbers; so never do both get in. Numbers may come again.

    def take_lock(folder):
        """(number, nonce, None), or (None, None, owner) when somebody else works on it."""
        while True:
            owner = current_owner(folder)
            if owner:
                return None, None, owner
            nonce = secrets.token_hex(16)
            aside = new_lock(folder, nonce)
            try:
                number = number_lock(folder, aside)
                if not number:
                    continue
                rivals = living(folder, number)
                if not rivals:
                    drop_the_dead(folder, number, aside)
                    return number, nonce, None
                drop_lock(folder, number, aside)
            finally:
                remove_tree(aside)
            owner = is_alive(lock_path(folder, rivals[0])) if rivals[0] < number else None
            if owner:
                return None, None, owner
            give_way()

    def take_over(folder, number, nonce, seconds=25):
        """A new lock in place of the one that its maker took for this process; None when somebody else has it.

        The maker may be dead, so that others get in, who then drop its lock; or alive, and they give way."""
        until = time.monotonic() + seconds
        while still_mine(folder, number, nonce):
            rivals = living(folder, number)
            if rivals and time.monotonic() > until:
                owner = is_alive(lock_path(folder, rivals[0])) or {"pid": 0, "host": "?"}
                raise Refusal("io", "process %d on %s holds what the build needs, and does nothing"
                              % (owner["pid"], owner["host"]), "end it if it hangs, and build again")
            if rivals:
                give_way()
                continue
            aside = new_lock(folder, nonce)
            try:
                new = number_lock(folder, aside)
                # In this order: whoever has got in before has dropped the maker's lock by now.
                if new and not living(folder, number, new) and still_mine(folder, number, nonce):
                    drop_lock(folder, number, aside)
                    drop_the_dead(folder, new, aside)
                    return new
                if new:
                    drop_lock(folder, new, aside)
            finally:
                remove_tree(aside)
            give_way()
        return None

    def release_lock(folder, number):
        unlink(os.path.join(lock_path(folder, number), "owner.json"))

    held = {"bundle": None, "seat": None}
    beaten = [0.0]

    def hold(folder, number, what="bundle"):
        """From now on beat() shows that whoever has this lock lives."""
        held[what] = os.path.join(lock_path(folder, number), "owner.json")

    stopping = []  # signals that told the supervisor to end

    def beat():
        """A sign of life for hosts that cannot see this process, and the place to stop; for loops."""
        if stopping:
            raise Refusal("io", "the supervisor was told to stop (signal %d)" % stopping[0],
                          "build again to go on")
        if time.monotonic() > beaten[0] + 10:
            beaten[0] = time.monotonic()
            for path in filter(None, held.values()):
                try:
                    os.utime(path)
                except OSError:
                    pass

    def beat_on():
        """For a process that lives as long as what it holds: also while it waits for a disk or another program."""
        while True:
            for path in filter(None, list(held.values())):
                try:
                    os.utime(path)
                except OSError:
                    pass
            time.sleep(10)

    def still_mine(folder, number, nonce):
        data = read_file(os.path.join(lock_path(folder, number), "owner.json"), MIB)
        return data is not None and load_json(data, "owner.json").get("nonce") == nonce

    # ---- taking turns --------------------------------------------------------------------------
    # Where a request or the operator's site.json says how many builds may run at once, a build holds
    # one of so many seats: the lock of a folder seats/N. Whoever finds none leaves a ticket in queue/;
    # the supervisor of a build that has ended gives its seat to the oldest ticket. Who has written a
    # ticket looks for a seat once more after it has let go of the bundle, and who has let go of a seat
    # looks for tickets once more: one of the two sees the other.

    TICKET = re.compile(r"[0-9]{20}-([0-9a-f]{64})\Z")

    def limit_of(site, fields):
        """How many builds may run at once as far as this one is concerned; None: nobody has said."""
        said = [one["builds"] for one in (site, fields) if "builds" in one]
        return min(said) if said else None

    def tickets(store):
        """The names of what waits, oldest first."""
        folder = os.path.join(store.root, "queue")
        return sorted(filter(TICKET.match, os.listdir(folder))) if os.path.isdir(folder) else []

    def ticket_of(store, bundle):
        return next((name for name in tickets(store) if name.endswith(bundle)), None)

    def write_ticket(store, fields, limit):
        """Who waits already keeps its place."""
        name = ticket_of(store, fields["bundle"]) or "%020d-%s" % (time.time_ns(), fields["bundle"])
        known = {key: fields[key] for key in ("bundle", "signatures", "timeout") if key in fields}
        new = NewFile(store.folder("bundles", fields["bundle"]))
        try:
            new.write(json.dumps(dict(known, builds=limit), sort_keys=True).encode("ascii"))
            new.commit(os.path.join(store.folder("queue"), name), 0o600)
        finally:
            new.discard()

    def drop_ticket(store, bundle):
        name = ticket_of(store, bundle)
        if name:
            unlink(os.path.join(store.root, "queue", name))

    def read_ticket(store, name):
        data = read_file(os.path.join(store.root, "queue", name), MIB)
        ticket = load_json(data, name) if data else {}
        # One that another release has written is written again when its bundle is asked for again.
        good = all(isinstance(one, dict) for one in ticket.get("signatures", [None]))
        return ticket if good else None

    def take_seat(store, limit):
        """{"seat", "seat_number", "seat_lock", "seat_nonce"}, or None when all are taken."""
        for number in range(1, limit + 1):
            folder = store.folder("seats", str(number))
            lock, nonce, owner = take_lock(folder)
            if not owner:
                hold(folder, lock, "seat")
                return {"seat": folder, "seat_number": number, "seat_lock": lock, "seat_nonce": nonce}
        return None

    def let_go_of_seat(seat):
        held["seat"] = None
        if still_mine(seat["seat"], seat["seat_lock"], seat["seat_nonce"]):
            release_lock(seat["seat"], seat["seat_lock"])

    def somebody_builds(store, limit):
        """Whether a seat is taken, so that those who wait will get their turn."""
        folder = os.path.join(store.root, "seats")
        names = filter(str.isdigit, os.listdir(folder)) if os.path.isdir(folder) else []
        return any(current_owner(os.path.join(folder, name)) for name in names if int(name) <= limit)

    def next_in_line(store, seat_number):
        """The tickets that this seat could serve and that nobody works on, oldest first."""
        for name in tickets(store):
            ticket = read_ticket(store, name)
            if ticket and ticket["builds"] >= seat_number and not current_owner(
                    store.folder("bundles", ticket["bundle"])):
                yield name, ticket

    def start_from_ticket(store, name, ticket, seat):
        """Whether a build was started in this seat. The policy is asked again, now."""
        bundle = ticket["bundle"]
        folder = store.folder("bundles", bundle)
        number, nonce, owner = take_lock(folder)
        if owner:
            return False
        hold(folder, number)
        started = False
        try:
            if read_ticket(store, name) is None or finished_receipt(store, bundle):
                drop_ticket(store, bundle)  # somebody else was quicker
            else:
                policy, site = load_policy(), load_site()
                case = judge_bundle(store, ticket, policy)
                check_and_start(store, site, ticket, case, dict(
                    seat, lock_folder=folder, lock=number, nonce=nonce))
                started = True
        except Exception as problem:  # said in the state file: nobody waits for an answer
            refusal = as_refusal(problem)
            save_state(store, bundle, state="interrupted" if "missing" in refusal.more else "failed",
                       error=refusal.answer()["error"])
            drop_ticket(store, bundle)
        finally:
            if not started:
                release_lock(folder, number)
        return started

    def serve(store, seat):
        """The seat goes to the first of those who wait whose build can be started, or is given up."""
        try:
            while seat:
                name, ticket = next(next_in_line(store, seat["seat_number"]), (None, None))
                if not ticket:
                    let_go_of_seat(seat)
                    _, ticket = next(next_in_line(store, seat["seat_number"]), (None, None))
                    seat = take_seat(store, ticket["builds"]) if ticket else None
                elif not still_mine(seat["seat"], seat["seat_lock"], seat["seat_nonce"]):
                    seat = take_seat(store, ticket["builds"])  # a supervisor has died with it
                elif start_from_ticket(store, name, ticket, seat):
                    return
        except BaseException:
            if seat:
                let_go_of_seat(seat)
            raise

    def wait_in_line(store, site, fields, case, limit):
        """Under the lock of the bundle: it is checked now, and once more when its turn comes."""
        bundle = fields["bundle"]
        begin_checks(store, case, int(time.time()))
        try:
            check_bundle(store, site, case)
            write_ticket(store, fields, limit)
        except Exception as problem:
            refusal = as_refusal(problem)
            drop_ticket(store, bundle)
            save_state(store, bundle, state="failed", error=refusal.answer()["error"])
            raise refusal
        save_state(store, bundle, state="waiting", step="", builds=limit)

    def place_in_line(store, bundle, limit):
        """What op state says of a bundle whose state is "waiting"."""
        names = tickets(store)
        at = next((at for at, name in enumerate(names) if name.endswith(bundle)), None)
        if at is None:
            return {"state": "interrupted"}
        return {"state": "waiting" if somebody_builds(store, limit) else "stalled", "ahead": at}

    def load_state(store, bundle):
        data = read_file(store.bundle(bundle, "state.json"), MIB)
        return load_json(data, "state.json") if data else {}

    def write_state(store, bundle, state):
        write_json(store.bundle(bundle, "state.json"), dict(state, bundle=bundle, updated=int(time.time())))

    def save_state(store, bundle, **changes):
        write_state(store, bundle, dict(load_state(store, bundle), **changes))

    def finished_receipt(store, bundle):
        """The receipt of a build whose image is still there."""
        data = read_file(store.bundle(bundle, "receipt.json"), 64 * MIB)
        if data is None:
            return None
        receipt = load_json(data, "receipt.json")
        try:
            found = os.lstat(store.image(bundle))
        except OSError:
            return None
        good = stat.S_ISREG(found.st_mode) and found.st_size == receipt["image"]["size"]
        return receipt if good else None

    def log_tail(path, most=4096):
        try:
            with open(path, "rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - most))
                return size, file.read(most).decode("utf-8", "replace")
        except OSError:
            return 0, ""

    patience = []

    def patience_left():
        """For a second after the first call of this request, however many states it asks for."""
        if not patience:
            patience.append(time.monotonic() + 1)
        return time.monotonic() < patience[0]

    def op_state(fields):
        store, bundle = open_store(), fields["bundle"]
        answer = describe_build(store, bundle)
        if answer["state"] in ("none", "interrupted", "stalled"):
            # It may have ended between two looks of the first description: what ended shows in a second.
            answer = describe_build(store, bundle)
        while answer["state"] == "stalled" and patience_left():
            time.sleep(0.05)  # one build may be handing over to the next
            answer = describe_build(store, bundle)
        if not fields.get("receipt"):
            answer.pop("receipt", None)
        return answer

    def describe_build(store, bundle):
        receipt = finished_receipt(store, bundle)
        if receipt:
            return {"bundle": bundle, "state": "done", "receipt": receipt}
        state = load_state(store, bundle)
        if not state:
            return {"bundle": bundle, "state": "none"}
        answer = {key: state[key] for key in ("bundle", "state", "step", "started", "updated", "host",
                                              "pid", "timeout", "error") if key in state}
        if state["state"] == "done":
            answer["state"] = "none"  # the image was removed
        elif state["state"] in ("checking", "building"):
            if not current_owner(store.bundle(bundle)):
                answer["state"] = "interrupted"
        elif state["state"] == "waiting":
            answer.update(place_in_line(store, bundle, state["builds"]))
            return answer
        path = store.bundle(bundle, "build.log")
        size, tail = log_tail(path)
        answer["log"] = {"path": path, "size": size, "tail": tail}
        return answer

    def op_receipt(fields):
        receipt = finished_receipt(open_store(), fields["bundle"])
        if not receipt:
            raise Refusal("answer", "there is no finished build of bundle %s here" % fields["bundle"],
                          "op state says how far it is")
        return {"bundle": fields["bundle"], "receipt": receipt}

    # ---- running the build ---------------------------------------------------------------------

    def redacted(data):
        """Without the password of any URL (T87)."""
        return re.sub(rb"://[^/\s@]{1,512}@", b"://***@", data)

    class BuildLog:
        """Everything a build prints, on disk up to a bound: the beginning, and the end at close."""

        def __init__(self, path):
            self.path, self.partial, self.broken = path, b"", False
            self.kept = self.size = 0
            self.hasher, self.kept_hasher = hashlib.sha256(), hashlib.sha256()
            self.tail = collections.deque()
            self.tail_size = 0
            unlink(path)
            self.file = open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", 0)

        def keep(self, data):
            try:
                if not self.broken:
                    self.file.write(data)
                    self.kept_hasher.update(data)
                    self.kept += len(data)
            except OSError:
                self.broken = True  # a full disk must not stop the draining

        def take(self, data):
            self.hasher.update(data)
            self.size += len(data)
            if self.kept < LIMIT_LOG - LIMIT_LOG_TAIL and not self.tail:
                self.keep(data)
                return
            self.tail.append(data)
            self.tail_size += len(data)
            while self.tail_size - len(self.tail[0]) >= LIMIT_LOG_TAIL:
                self.tail_size -= len(self.tail.popleft())

        def add(self, data):
            lines, mark, rest = (self.partial + data).rpartition(b"\n")
            if mark or len(rest) > 65536:
                self.take(redacted(lines + mark + (b"" if mark else rest)))
            self.partial = rest if mark or len(rest) <= 65536 else b""

        def say(self, text):
            self.add(text.encode("utf-8", "replace") + b"\n")

        def close(self):
            if self.partial:
                self.take(redacted(self.partial))
                self.partial = b""
            lost = self.size - self.kept - self.tail_size
            if lost > 0:
                self.keep(b"\n[%d bytes are left out here]\n" % lost)
            for data in self.tail:
                self.keep(data)
            self.tail.clear()
            try:
                os.fsync(self.file.fileno())
            except OSError:
                self.broken = True
            self.file.close()

        def summary(self):
            return {"path": self.path, "size": self.kept, "sha256": self.kept_hasher.hexdigest(),
                    "whole_size": self.size, "whole_sha256": self.hasher.hexdigest(),
                    "complete": not self.broken}

    def processes_with(field, number):
        """Living processes by a field of /proc/PID/stat: 1 is the parent, 3 the session."""
        found = []
        for name in os.listdir("/proc") if os.path.isdir("/proc/self") else []:
            fields = process_fields(int(name)) if name.isdigit() else []
            if fields and fields[field] == str(number) and fields[0] not in "ZX":
                found.append(int(name))
        return found

    def kill_session(session, how):
        for target in processes_with(3, session):
            try:
                os.kill(target, how)
            except OSError:
                pass
        try:
            os.killpg(session, how)
        except OSError:
            pass

    def end_session(child, drain):
        """TERM, so that Apptainer cleans up after itself; after ten seconds KILL."""
        kill_session(child.pid, signal.SIGTERM)
        until = time.monotonic() + 10
        while child.poll() is None and time.monotonic() < until:
            drain(0.1)
        kill_session(child.pid, signal.SIGKILL)
        child.wait()
        for orphan in processes_with(1, os.getpid()):  # what had left the session: see supervise()
            try:
                os.kill(orphan, signal.SIGKILL)
                os.waitpid(orphan, 0)
            except OSError:
                pass

    def run_logged(argv, folder, environment, deadline, log, started):
        """Runs a program in its own session, draining what it prints. Returns its exit status."""
        child = subprocess.Popen(argv, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 start_new_session=True)
        started(child.pid)
        handle = child.stdout.fileno()
        open_end = [True]

        def drain(seconds):
            if not open_end[0]:
                time.sleep(seconds)
            elif select.select([handle], [], [], seconds)[0]:
                data = os.read(handle, 65536)
                log.add(data)
                open_end[0] = bool(data)
                return bool(data)
            return False

        try:
            while child.poll() is None:
                drain(0.2)
                beat()
                if time.monotonic() > deadline:
                    raise Refusal("limit", "the build did not end within its timeout",
                                  "give the build a longer timeout; the log says how far it came")
            for _ in range(64):  # what a pipe can still hold; a daemon that goes on printing is not waited for
                if not drain(0):
                    break
            return child.returncode
        finally:
            end_session(child, drain)
            child.stdout.close()

    KNOWN_FAILURES = (
        (r"no space left on device|disk quota exceeded", "free space, or name a roomier 'scratch' in site.json"),
        (r"noexec", "the scratch folder forbids programs: name another 'scratch' in site.json"),
        (r"requires either a suid installation or unprivileged user namespaces",
         "allow unprivileged user namespaces on this host, or install apptainer-suid"),
        (r"failed to change uid and gids", "the base image holds files of other owners: make it with "
         "--mksquashfs-args=-all-root, or give this account a range in /etc/subuid and /etc/subgid"),
        (r"CERTIFICATE_VERIFY_FAILED|certificate signed by unknown authority",
         "what the build fetches from has a certificate of a CA that the image does not know: name a file "
         "with it as 'ca_file' in site.json"),
        (r"No matching distribution found|Failed to establish a new connection|NameResolutionError|"
         r"Failed to fetch", "the package index was not reached or lacks a package; where "
         "this site has a mirror or a proxy, name a pip configuration as 'pip_config' in site.json"),
        (r"failed to execute %test", "the test of the spec failed; the log says what it printed"),
        (r"running %post section", "a step inside the image failed; the last lines of the log say which"),
        (r"conveyor failed to get|packer failed to pack", "the base image could not be read or fetched"),
    )

    def build_failure(status, tail):
        """The line of Apptainer that says why, and what would help."""
        fatal = [line for line in tail.splitlines() if re.match(r"\S*(FATAL|ERROR)", line)]
        said = fatal[-1] if fatal else (tail.strip().splitlines() or ["it printed nothing"])[-1]
        hint = next((help_ for pattern, help_ in KNOWN_FAILURES if re.search(pattern, tail, re.I)), "")
        how = "was killed by signal %d" % -status if status < 0 else "ended with status %d" % status
        return Refusal("io", "apptainer build %s: %s" % (how, quoted(said.strip())), hint)

    SIF_DEFINITION, SIF_PARTITION, SIF_METADATA = 0x4001, 0x4004, 0x4006
    SIF_MACHINES = {"x86_64": b"02", "aarch64": b"04", "ppc64le": b"06", "s390x": b"10"}

    def sif_table(path):
        """(machine's code, [(type, offset, size, system, part)]) of a SIF; ("", []) of anything else."""
        with open(path, "rb") as file:
            header = file.read(128)
            if len(header) < 128 or header[32:41] != b"SIF_MAGIC":
                return b"", []
            total, start = struct.unpack_from("<2q", header, 88)
            length = file.seek(0, os.SEEK_END)
            if not 0 <= total <= 4096 or not 0 <= start <= length:
                return b"", []
            file.seek(start)
            table = file.read(585 * total)
        found = []
        for at in range(0, len(table) - 584, 585):
            kind, used = struct.unpack_from("<iB", table, at)
            offset, size = struct.unpack_from("<2q", table, at + 17)
            inside = 0 <= offset <= length and 0 <= size <= length - offset
            if used:
                found.append((kind, offset, size if inside else -1) + struct.unpack_from("<2i", table, at + 201))
        return header[45:47], found

    def read_sif(path):
        """(offset, size) of the primary system partition; refuses what is not a whole SIF."""
        for kind, offset, size, system, part in sif_table(path)[1]:
            if kind == SIF_PARTITION and part == 2:
                if system == 1 and size >= 96:
                    return offset, size
                break
        raise Refusal("io", "what apptainer wrote is not a whole SIF image")

    def sif_text(path, kind, what):
        """The bytes of the one object of this type."""
        found = [entry for entry in sif_table(path)[1] if entry[0] == kind]
        if len(found) != 1 or not 0 <= found[0][2] <= LIMIT_METADATA:
            raise Refusal("format", "the image that was sent does not carry its %s once, as apptainer "
                          "writes it" % what, "build it with the agent of this release")
        with open(path, "rb") as file:
            file.seek(found[0][1])
            return file.read(found[0][2])

    def sif_labels(path):
        """The labels in the metadata that apptainer writes beside the image."""
        try:
            value = json.loads(sif_text(path, SIF_METADATA, "labels").decode("utf-8"))
            labels = value["data"]["attributes"]["labels"]
            return {str(name): str(value) for name, value in labels.items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise Refusal("format", "the labels of the image that was sent cannot be read")

    COMPRESSIONS = {1: "gzip", 2: "lzma", 3: "lzo", 4: "xz", 5: "lz4", 6: "zstd"}

    def measure_image(path):
        """Size and digest of an image and of the partition in it, read once and on disk."""
        first, length = read_sif(path)
        whole, part, size, superblock = hashlib.sha256(), hashlib.sha256(), 0, b""
        with open(path, "rb", 0) as file:
            os.fsync(file.fileno())
            for data in iter(lambda: file.read(BLOCK), b""):
                inner = data[max(0, first - size):max(0, first + length - size)]
                superblock = (superblock + inner)[:96] if len(superblock) < 96 else superblock
                whole.update(data)
                part.update(inner)
                size += len(data)
                beat()
        compression = struct.unpack_from("<H", superblock, 20)[0] if superblock[:4] == b"hsqs" else 0
        return {"size": size, "sha256": whole.hexdigest(),
                "partition": {"size": length, "sha256": part.hexdigest(),
                              "compression": COMPRESSIONS.get(compression, "unknown")}}

    # What is asked of the Python inside the image: what is there, by its own account.
    INSIDE = """
import hashlib, json, sys
from importlib import metadata
own = [p for p in sys.path if p.startswith("/opt/venv/")]
found = sorted({(d.metadata["Name"] or "", d.version or "") for d in metadata.distributions(path=own)})
try:
    listed = json.load(open("/.sealift/installed.json", encoding="utf-8"))
    listed = [[str(p["name"]), str(p["version"])] for p in listed]
except (OSError, ValueError, KeyError, TypeError):
    listed = []
manifest = hashlib.sha256(open("/.sealift/manifest.json", "rb").read()).hexdigest()
print(json.dumps({"found": found, "listed": listed, "manifest": manifest}))
"""

    def run_inside(job, image, argv):
        """What a program inside the image prints; unpacks the image where it cannot be mounted."""
        problem = b""
        for more in ([], ["--unsquash"]):
            beat()
            status, out, problem = quietly(
                [job["builder"]["path"], "exec", "--containall"] + more + [image] + argv, 900,
                build_environment(job["scratch"]))
            if status == 0:
                return out
        raise Refusal("io", "cannot run '%s' in the new image: %s" % (
            argv[0], quoted(redacted(problem).decode("utf-8", "replace").strip()[-400:])),
            "this host must be able to run what it builds: squashfuse and /dev/fuse, or --unsquash")

    def plain_name(name):
        return re.sub(r"[-_.]+", "-", name).lower()

    def loose_version(version):
        alias = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc", "r": "post",
                 "rev": "post", "v": ""}
        words = re.findall(r"[0-9]+|[a-z]+|[+!]", version.lower())
        words = [str(int(word)) if word.isdigit() else alias.get(word, word) for word in words]
        return [word for word in words if word]

    def compare_packages(locked, inside):
        """What is installed, and where lock, installer and the image's own metadata disagree."""
        found = {plain_name(name): version for name, version in inside["found"]}
        listed = {plain_name(name): version for name, version in inside["listed"]}
        differences = []
        for name in sorted(set(found) | set(listed) | set(locked)):
            versions = {"locked": locked.get(name, ""), "installed": found.get(name, ""),
                        "listed": listed.get(name, "")}
            said = [versions["installed"], versions["listed"]] + ([versions["locked"]] if name in locked else [])
            if any(loose_version(said[0]) != loose_version(other) for other in said[1:]):
                differences.append(dict(versions, name=name))
        installed = [{"name": name, "version": listed[name]} for name in sorted(listed)]
        return {"installed": installed, "differences": differences}

    def inspect_image(job, image):
        """Asks the image itself which bundle it is, and what is installed in it."""
        status, out, problem = quietly([job["builder"]["path"], "inspect", "--json", "--labels", image],
                                       300, build_environment(job["scratch"]))
        try:
            labels = json.loads(out.decode("utf-8"))["data"]["attributes"]["labels"]
            labels = {str(key): str(value) for key, value in labels.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Refusal("io", "apptainer inspect of the new image ended with status %s: %s" % (
                status, quoted(problem.decode("utf-8", "replace").strip()[-400:])))
        if labels.get("org.sealift.bundle") != job["bundle"]:
            raise Refusal("format", "the image's label org.sealift.bundle is %s, not the bundle's id"
                          % quoted(labels.get("org.sealift.bundle", "missing")))
        if job["python"]:
            inside = load_json(run_inside(job, image, [job["python"], "-I", "-c", INSIDE]), "the image's list")
        else:
            manifest = run_inside(job, image, ["cat", "/.sealift/manifest.json"])
            inside = {"manifest": hashlib.sha256(manifest).hexdigest(), "found": [], "listed": []}
        if inside["manifest"] != job["bundle"]:
            raise Refusal("format", "/.sealift/manifest.json in the image is not the bundle's manifest")
        return labels, compare_packages(job["locked"], inside)

    # ---- how this site reaches package indexes -------------------------------------------------
    # Sites behind a mirror or a proxy with a CA of their own say so in site.json. What a build gets of
    # it is written anew, in a folder that %post sees (the host's /tmp) and the image does not have:
    # where packages come from may change, which packages may not, so nothing else of a pip.conf passes.

    INDEX_SETTINGS = ("extra-index-url", "index-url", "proxy", "retries", "timeout", "trusted-host")

    def read_declared(site, member):
        """The bytes of a file that site.json names."""
        try:
            with open(site[member], "rb") as file:
                data = file.read(LIMIT_POLICY + 1)
        except OSError as problem:
            raise io_refusal("cannot read '%s', the %s of site.json" % (site[member], member), problem)
        if len(data) > LIMIT_POLICY:
            raise Refusal("limit", "'%s', the %s of site.json, is larger than %d bytes"
                          % (site[member], member, LIMIT_POLICY))
        return data

    def parse_pip_config(path, data):
        """({setting: value}, [what is left out]) of a pip configuration file, as `pip install` reads it."""
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(data.decode("utf-8"))
        except (configparser.Error, UnicodeDecodeError) as problem:
            raise Refusal("input", "'%s', the pip_config of site.json, cannot be read: %s"
                          % (path, quoted(str(problem))))
        found, left_out = {}, set()
        for section in [name for name in ("global", "install") if parser.has_section(name)]:
            for name, value in parser.items(section):
                name = name.lower().replace("_", "-").lstrip("-")
                words = value.split()
                if name == "cert":
                    found[name] = value
                elif name not in INDEX_SETTINGS or re.search(r"[\0-\x08\x0e-\x1f\x7f]", value):
                    left_out.add(name)
                elif words:
                    found[name] = words
        return found, sorted(left_out)

    def load_network(site, manifest):
        """What a build is given to reach indexes, and what the receipt says about it; None: nothing."""
        if manifest["closure"] == "sealed" or not {"pip_config", "ca_file"} & set(site):
            return None
        settings, said, certificates = {}, {}, dict(site)
        if "pip_config" in site:
            data = read_declared(site, "pip_config")
            settings, left_out = parse_pip_config(site["pip_config"], data)
            own = settings.pop("cert", None)
            said["pip_config"] = {
                "path": site["pip_config"], "sha256": hashlib.sha256(data).hexdigest(),
                "settings": sorted(settings), "left_out": left_out}
            if own and "ca_file" not in site:
                certificates["ca_file"] = os.path.join(os.path.dirname(site["pip_config"]), own)
        ca = read_declared(certificates, "ca_file") if "ca_file" in certificates else None
        if ca is not None:
            if b"-----BEGIN CERTIFICATE-----" not in ca:
                raise Refusal("input", "'%s', the ca_file of site.json, holds no certificate"
                              % certificates["ca_file"], "it must be a file of certificates in PEM")
            said["ca_file"] = {"path": certificates["ca_file"], "sha256": hashlib.sha256(ca).hexdigest()}
        return {"settings": settings, "ca": ca, "said": said}

    def choose_visible():
        """A folder of this host that %post sees under the same name."""
        for path in ("/tmp", "/var/tmp"):
            if os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK):
                return path
        raise Refusal("io", "neither /tmp nor /var/tmp can be written here: a build cannot be given the "
                      "pip_config of site.json")

    def write_network(folder, network):
        """Writes the files and returns the variables that tell pip and others about them."""
        lines, settings = ["[global]"], network["settings"]
        shown = {"PIP_CONFIG_FILE": os.path.join(folder, "pip.conf")}
        if network["ca"] is not None:
            path = os.path.join(folder, "ca.pem")
            write_file(path, network["ca"])
            lines.append("cert = " + path)
            shown.update(dict.fromkeys(("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), path))
        for name in sorted(settings):
            lines.append("%s = %s" % (name, "\n    ".join(settings[name])))
        write_file(shown["PIP_CONFIG_FILE"], ("\n".join(lines) + "\n").encode("utf-8"))
        given = {prefix + name: value for name, value in shown.items()
                 for prefix in ("APPTAINERENV_", "SINGULARITYENV_")}
        if "SSL_CERT_FILE" in shown:
            given["SSL_CERT_FILE"] = shown["SSL_CERT_FILE"]  # Apptainer's own, for a base from a registry
        return given

    def build_environment(scratch):
        own = {}
        for prefix in ("APPTAINER_", "SINGULARITY_"):
            own[prefix + "TMPDIR"] = os.path.join(scratch, "tmp")
            own[prefix + "CACHEDIR"] = os.path.join(scratch, "cache")
        return clean_environment(TMPDIR=os.path.join(scratch, "tmp"), **own)

    def build_command(job, output, extra=()):
        options = list(job["options"])
        if not any(option.startswith("--mksquashfs-args=") for option in options) and job["zstd"]:
            options.append("--mksquashfs-args=-comp zstd -Xcompression-level 3")
        if os.geteuid() != 0:
            options.append("--fakeroot")  # implied by Apptainer, needed by Singularity
        return [job["builder"]["path"], "build", "--force"] + options + list(extra) + [output, "image.def"]

    def run_build(job, output, log, started):
        """Apptainer itself, and once more without the host's fakeroot where that is what died."""
        deadline = time.monotonic() + job["timeout"]
        extra = []
        while True:
            command = build_command(job, output, extra)
            log.say("sealift: " + " ".join(command))
            environment = dict(build_environment(job["scratch"]), **job["network"])
            status = run_logged(command, job["folder"], environment, deadline, log, started)
            if status == 0:
                return command
            _, tail = log_tail(log.path, 65536)
            tail = (tail + b"".join(log.tail).decode("utf-8", "replace"))[-65536:]
            died = re.search(r"(faked|fakeroot)[^\n]*GLIBC_|GLIBC_[^\n]*(faked|fakeroot)", tail)
            if extra or not died or job["builder"]["family"] != "apptainer":
                raise build_failure(status, tail)
            extra = ["--ignore-fakeroot-command"]
            unlink(output)
            log.say("sealift: the host's fakeroot does not run in this image; once more without it")

    # ---- the supervisor ------------------------------------------------------------------------

    def publish(store, job, output):
        """The image's final name, and NAME-VERSION.sif beside it: links or renames, never a copy."""
        path = store.image(job["bundle"])
        os.chmod(output, 0o755)
        os.rename(output, path)
        sync_folder(os.path.dirname(path))
        named = os.path.join(store.root, "images", "%s-%s.sif" % (job["name"], job["version"]))
        aside = os.path.join(store.root, "images", ".%s.%s" % (job["bundle"], secrets.token_hex(8)))
        try:
            os.link(path, aside)
        except OSError:
            os.symlink(os.path.join("sha256", job["bundle"] + ".sif"), aside)
        os.rename(aside, named)
        unlink(aside)  # still there when both were one file already
        sync_folder(os.path.dirname(named))
        return path, named

    def make_image(store, job, log):
        """The steps after the checks. Returns the receipt."""
        bundle, timings = job["bundle"], dict(job["timings"])
        images = store.folder("images", "sha256")
        output = os.path.join(images, ".%s.%s.part" % (bundle, secrets.token_hex(8)))
        clock = [time.monotonic()]

        def lap(step, after):
            now = time.monotonic()
            timings[step], clock[0] = int((now - clock[0]) * 1000), now
            save_state(store, bundle, step=after)

        def started(pid):
            save_state(store, bundle, child={"pid": pid, "start": process_start(pid)})

        try:
            command = run_build(job, output, log, started)
            lap("build_ms", "hash")
            measured = measure_image(output)
            lap("hash_ms", "inspect")
            labels, packages = inspect_image(job, output)
            lap("inspect_ms", "publish")
            if not still_mine(job["lock_folder"], job["lock"], job["nonce"]):
                raise Refusal("io", "another build of bundle %s has taken over" % bundle)
            path, named = publish(store, job, output)
        finally:
            unlink(output)
        return dict(
            job["receipt"], image=dict(measured, path=path, named_path=named), packages=packages,
            labels=[{"name": name, "value": labels[name]} for name in sorted(labels)],
            timings=timings, finished=int(time.time()), test="passed",  # else the build had failed
            builder={"path": job["builder"]["path"], "version": job["builder"]["version"],
                     "options": command[2:-2]})

    def supervised_build(store, job):
        log = BuildLog(store.bundle(job["bundle"], "build.log"))
        try:
            receipt = make_image(store, job, log)
        finally:
            log.close()
        return dict(receipt, log=log.summary())

    def adopt_orphans():
        """Daemons that a build script starts become children of this process, which can end them."""
        try:
            import ctypes
            ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
        except (ImportError, OSError, AttributeError):
            pass

    def supervise(job):
        """The detached process: takes the lock over, tells its maker, builds, cleans up."""
        store, bundle, folder = Store(job["store"]), job["bundle"], job["lock_folder"]
        try:
            job["lock"] = take_over(folder, job["lock"], job["nonce"])
            if job["lock"] is None:
                return
            hold(folder, job["lock"])
            if "seat" in job:
                job["seat_lock"] = take_over(job["seat"], job["seat_lock"], job["seat_nonce"])
                if job["seat_lock"] is None:
                    return
                hold(job["seat"], job["seat_lock"], "seat")
        except Refusal as refusal:
            os.write(1, json.dumps(refusal.answer()["error"]).encode("ascii")[:4000] + b"\n")
            return
        threading.Thread(target=beat_on, daemon=True).start()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _frame: stopping.append(number))
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        adopt_orphans()
        save_state(store, bundle, state="building", step="build", host=os.uname().nodename,
                   pid=os.getpid())
        os.write(1, b"ready\n")
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        receipt, ending = None, {"state": "done", "step": "done"}
        try:
            built = supervised_build(store, job)
            note_seen(store, job["name"], job["version"], job["highest"])
            receipt = built
        except Exception as problem:  # said in the state file rather than lost with the process
            ending = {"state": "interrupted" if stopping else "failed",
                      "error": as_refusal(problem).answer()["error"]}
        left = [path for path in job["made"] if not remove_tree(path)]
        mine = still_mine(folder, job["lock"], job["nonce"])  # else whoever has taken over says what becomes of it
        if receipt and mine:
            write_json(store.bundle(bundle, "receipt.json"), receipt)
        if mine:
            save_state(store, bundle, left_behind=left, **ending)
            release_lock(folder, job["lock"])
        held["bundle"] = None
        if "seat" in job and stopping:
            let_go_of_seat(job)
        elif "seat" in job:
            serve(store, {key: job[key] for key in ("seat", "seat_number", "seat_lock", "seat_nonce")})

    def unexpected(problem):
        at, where = problem.__traceback__, "?"
        while at:
            where, at = "%s:%d" % (at.tb_frame.f_code.co_name, at.tb_lineno), at.tb_next
        return Refusal("internal", "%s in %s: %s" % (type(problem).__name__, where, problem),
                       "this is a mistake in sealift: please report it with this text")

    # A new interpreter rather than a bare fork: workers have threads. It gets this very function as
    # a code object, and the job through a global that no request can set.
    SUPERVISOR = """
import marshal, os, sys, types
i = sys.stdin.buffer
code = marshal.loads(i.read(int(i.readline())))
job = i.read().decode()
if os.fork():
    os._exit(0)
there = {"__name__": "sealift_supervisor", "__builtins__": __builtins__, "SEALIFT_JOB": job}
types.FunctionType(code, there)("{}", None)
"""

    def start_supervisor(store, job):
        code = marshal.dumps(own_code)
        words = b"%d\n" % len(code) + code + json.dumps(job).encode("ascii")
        with open(store.bundle(job["bundle"], "supervisor.log"), "ab") as errors:
            child = subprocess.Popen([sys.executable, "-I", "-c", SUPERVISOR], cwd="/", stderr=errors,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        try:
            child.stdin.write(words)
            child.stdin.close()
            poll = select.poll()
            poll.register(child.stdout, select.POLLIN | select.POLLHUP)
            said = os.read(child.stdout.fileno(), 4096) if poll.poll(60000) else b""
        except OSError:
            said = b""
        finally:
            child.stdout.close()
            child.wait()
        if said.startswith(b"{"):
            why = json.loads(said.decode("ascii"))
            raise Refusal(why["kind"], why["message"], why.get("hint", ""))
        if said != b"ready\n":
            raise Refusal("internal", "the supervisor of the build did not start",
                          "see %s" % store.bundle(job["bundle"], "supervisor.log"))

    # ---- the definition ------------------------------------------------------------------------
    # image.def is a function of plan and lock (recipe 1, specs/recipe.md). It is written again here,
    # line by line, each line held against what Apptainer would take for more than one line of text;
    # a file that differs in any byte is refused. So no header, section or command can stand in it
    # that recipe 1 does not write (T52 to T56), whoever signed it.

    PYTHON_IS = ("-I -S -c 'import sys; have = sys.implementation.name + \" %%d.%%d.%%d\" %% "
                 "sys.version_info[:3]; sys.exit(None if have == \"cpython %s\" else \"sealift: %s has "
                 "\" + have + \", %s cpython %s\")'")
    SITE_PACKAGES = "/opt/venv/lib/python%s/site-packages"
    UV_WHERE = "--python /opt/venv/bin/python --no-config --cache-dir /opt/sealift/cache "

    def render_files(plan, lock):
        lines = ["manifest.json /opt/sealift/meta/manifest.json", "signatures /opt/sealift/meta/signatures"]
        scripts = ["post-%02d.sh" % number for number in range(1, len(plan["post"]) + 1)]
        scripts += ["runscript.sh"] * ("runscript" in plan) + ["test.sh"] * ("test" in plan)
        lines += ["scripts/%s /opt/sealift/meta/scripts/%s" % (name, name) for name in scripts]
        if lock["packages"]:
            lines.append("requirements.txt /opt/sealift/requirements.txt")
        if "installer" in lock:
            lines.append("blobs/sha256/%s /opt/sealift/installer.whl" % lock["installer"]["wheel"]["sha256"])
        lines += ["blobs/sha256/%s /opt/sealift/wheels/%s" % (package["wheel"]["sha256"], package["file"])
                  for package in lock["packages"] if "wheel" in package]
        for file in lock["files"]:
            line = "%s/%s /opt/sealift/files/%s" % ("blobs/sha256" if file["size"] > MIB else "files",
                                                    file["sha256"], file["sha256"])
            if line not in lines:
                lines.append(line)
        return lines

    def render_target_checks(target):
        machine, glibc = target["platform"].split("/")[1], target["glibc"]
        return [
            "command -v python3 >/dev/null || { echo 'sealift: the base image has no python3, the target "
            "is cpython %s' >&2; exit 1; }" % target["python"],
            "python3 " + PYTHON_IS % (target["python"], "the base image", "the target is", target["python"]),
            "python3 -I -S -c 'import platform, sys; kind, have = platform.libc_ver(); sys.exit(None if "
            "kind == \"glibc\" and [int(n) for n in have.split(\".\")] >= [%s] else \"sealift: the base "
            "image has libc \" + (kind + \" \" + have if kind else \"of an unknown kind\") + \", the "
            "target needs glibc %s or newer\")'" % (glibc.replace(".", ", "), glibc),
            "python3 -I -S -c 'import os, sys; have = os.uname().machine; sys.exit(None if have == \"%s\" "
            "else \"sealift: this machine is \" + have + \", the target is %s\")'" % (machine, machine)]

    def render_user_files(plan, lock):
        lines, before = [], "/"
        for file, blob in zip(plan["files"], lock["files"]):
            folder = file["to"].rpartition("/")[0]
            if folder and folder != before:
                lines.append("mkdir -p '%s'" % folder)
            lines.append("cp -T /opt/sealift/files/%s '%s'" % (blob["sha256"], file["to"]))
            lines.append("chmod %s '%s'" % (file["mode"], file["to"]))
            before = folder
        return lines

    def render_packages(plan, lock):
        """(lines that install, line that lists) the packages."""
        if not lock["packages"]:
            return [], "echo '[]' >/.sealift/installed.json"
        carried = ["wheel" in package for package in lock["packages"]]
        base = plan.get("pip", {}).get("env") == "base"
        minor = plan["target"]["python"].rpartition(".")[0]
        only = "--no-index " if all(carried) else ""
        find = "--find-links /opt/sealift/wheels " if any(carried) else ""
        rest = "--no-deps --only-binary :all: --require-hashes -r /opt/sealift/requirements.txt"
        lines = ["python3 -m venv %s%s/opt/venv" % ("--system-site-packages " if base else "",
                                                    "--without-pip " if any(carried) else "")]
        if lock.get("installer", {}).get("name") == "uv":
            uv = "/opt/sealift/uv pip "
            lines += [
                "python3 -I -S -c 'import zipfile; wheel = zipfile.ZipFile(\"/opt/sealift/installer.whl\"); "
                "open(\"/opt/sealift/uv\", \"wb\").write(wheel.read(next(name for name in wheel.namelist() "
                "if name.endswith(\".data/scripts/uv\"))))'", "chmod 0755 /opt/sealift/uv",
                uv + "install " + UV_WHERE + only + find + rest]
            listing = uv + "list " + UV_WHERE + "--format json"
        else:
            pip = "/opt/venv/bin/python " + ("/opt/sealift/installer.whl/pip" if any(carried) else "-m pip")
            lines.append(pip + " install " + ("--isolated " if any(carried) else "")
                         + "--disable-pip-version-check --no-cache-dir --no-compile "
                         + ("--ignore-installed " if base else "") + only + find + rest)
            listing = pip + " list --disable-pip-version-check --format json --path " + SITE_PACKAGES % minor
        lines += ["/opt/venv/bin/python -m compileall -q -q -j 0 -x '/tests?/' --invalidation-mode "
                  "unchecked-hash " + SITE_PACKAGES % minor + " || :", 'export PATH="/opt/venv/bin:$PATH"']
        return lines, listing + " >/.sealift/installed.json"

    def render_post(plan, lock):
        installing, listing = render_packages(plan, lock)
        return ["set -eu", "umask 022"] + render_target_checks(plan["target"]) + [
            "rm -rf /.sealift", "mv /opt/sealift/meta /.sealift",
            "python3 -I -S -c 'import hashlib; print(\"org.sealift.bundle\", hashlib.sha256(open("
            "\"/.sealift/manifest.json\", \"rb\").read()).hexdigest())' "
            ">>\"${APPTAINER_LABELS:-${SINGULARITY_LABELS:-/dev/null}}\"",
            "export TMPDIR=/opt/sealift/tmp PYTHONDONTWRITEBYTECODE=1", "mkdir -p /opt/sealift/tmp",
        ] + render_user_files(plan, lock) + installing + [
            "%ssh -eu /.sealift/scripts/post-%02d.sh"
            % ("unshare -n " if script["network"] == "none" else "", number)
            for number, script in enumerate(plan["post"], 1)
        ] + [listing, "rm -rf /opt/sealift /root/.cache",
             "chmod -R a+rX /.sealift" + (" /opt/venv" if lock["packages"] else "")]

    def render_test(plan, lock):
        python, worker = plan["target"]["python"], "globus-compute-endpoint"
        lines = ["set -eu", "test -s /.sealift/installed.json",
                 ("/opt/venv/bin/" if lock["packages"] else "") + "python3 "
                 + PYTHON_IS % (python, "the image", "the plan says", python)]
        if "worker" in plan:
            lines += ["/opt/venv/bin/python3 -I -c 'import globus_compute_endpoint, importlib.metadata, sys; "
                      "have = importlib.metadata.version(\"%s\"); sys.exit(None if have == \"%s\" else "
                      "\"sealift: the image has %s \" + have + \", the plan says %s\")'"
                      % (worker, plan["worker"], worker, plan["worker"]),
                      "command -v %s >/dev/null" % worker]
        if "test" in plan:
            lines.append(("unshare -r -n " if plan["test"]["network"] == "none" else "")
                         + "sh -eu /.sealift/scripts/test.sh")
        return lines

    def render_environment(plan, lock):
        lines = ['export %s="%s"' % (pair["name"], quote_value(pair["value"])) for pair in plan["env"]]
        return (lines + ['export PYTHONNOUSERSITE="1"']
                + ['export PATH="/opt/venv/bin:$PATH"'] * bool(lock["packages"]))

    def render_labels(plan, recipe):
        base = plan["base"]
        lines = ["org.sealift.name " + plan["name"], "org.sealift.version " + plan["version"]]
        if plan["description"]:
            lines.append("org.sealift.description " + plan["description"])
        if base["kind"] == "docker":
            lines.append("org.sealift.base %s%s@sha256:%s" % (
                base["reference"], ":" + base["tag"] if "tag" in base else "", base["digest"]))
        return (lines + ["org.sealift.recipe " + recipe]
                + ["%s %s" % (label["name"], label["value"]) for label in plan["labels"]])

    def render_sections(plan, lock, recipe):
        sections = [
            ("files", render_files(plan, lock)), ("post", render_post(plan, lock)),
            ("environment", render_environment(plan, lock)),
            ("runscript", [". /.sealift/scripts/runscript.sh"] * ("runscript" in plan)
             + ['[ "$#" -gt 0 ] || set -- python3', 'exec "$@"']),
            ("test", render_test(plan, lock)), ("labels", render_labels(plan, recipe))]
        if "help" in plan:
            sections.append(("help", plan["help"].rstrip(" \t\n").split("\n")))
        return sections

    def render_requirements(plan, lock):
        target = plan["target"]
        text = "# %s %s: the packages of the image\n# locked for Python %s, %s, glibc %s\n" % (
            plan["name"], plan["version"], target["python"], target["platform"], target["glibc"])
        for package in lock["packages"]:
            hashes = [package["wheel"]["sha256"]] if "wheel" in package else package["hashes"]
            text += "%s==%s%s\n" % (package["name"], package["version"], "".join(
                " \\\n    --hash=sha256:" + one for one in hashes))
        return text

    def render_texts(plan, lock):
        """Whatever else of the content the definition makes the build read: name -> bytes."""
        texts = {"scripts/post-%02d.sh" % number: script["run"]
                 for number, script in enumerate(plan["post"], 1)}
        if "test" in plan:
            texts["scripts/test.sh"] = plan["test"]["run"]
        if "runscript" in plan:
            texts["scripts/runscript.sh"] = plan["runscript"]
        texts["requirements.txt"] = render_requirements(plan, lock)
        return {name: text.encode("utf-8") for name, text in texts.items()}

    SECTION_MAX = 56 * 1024  # Apptainer's own limit is 65,535 bytes
    UNSAFE = re.compile("[\0-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ufeff]|"
                        r"\{\{[\t\n\v\f\r ]*[0-9A-Za-z_]+[\t\n\v\f\r ]*\}\}")

    def render_definition(plan, lock, recipe):
        base = plan["base"]
        text = "Bootstrap: %s\nFrom: %s\n" % (base["kind"], "%s@sha256:%s" % (
            base["reference"], base["digest"]) if base["kind"] == "docker" else
            "blobs/sha256/" + lock["base"]["sha256"])
        for name, lines in render_sections(plan, lock, recipe):
            written = SECTION_MAX
            for line in lines:
                if UNSAFE.search(line) or line.lstrip(BLANKS).startswith("%"):
                    raise Refusal("format", "plan.json: %s cannot stand in section %%%s of a definition"
                                  % (quoted(line), name))
                size = len(line.encode("utf-8")) + 5
                if written + size > SECTION_MAX:
                    text += "\n%%%s\n" % name
                    written = len(name) + 2
                written += size
                text += ("    " if line else "") + line + "\n"
        return text.encode("utf-8")

    def check_definition(data, manifest, plan, lock, recipe):
        """image.def and the files it stages are what plan and lock give, and nothing else."""
        digests = {entry["name"]: entry["sha256"] for entry in manifest["files"]}
        texts = render_texts(plan, lock)
        for name, text in texts.items():
            if digests.get(name) != hashlib.sha256(text).hexdigest():
                raise Refusal("format", "%s is not what plan and lock give" % name)
        for name in digests:
            if name not in texts and (name.startswith("scripts/") or name == "requirements.txt"):
                raise Refusal("format", "%s is not among what plan and lock give" % name)
        expected = render_definition(plan, lock, recipe)
        if data == expected:
            return
        number = os.path.commonprefix([data, expected]).count(b"\n") + 1
        lines = [(text.split(b"\n") + [b""] * number)[number - 1] for text in (data, expected)]
        said, meant = (quoted(line.decode("utf-8", "replace").strip()) for line in lines)
        raise Refusal("format", "image.def:%d: %s stands where plan and lock give %s" % (number, said, meant),
                      "only the definition that recipe 1 writes is built here")

    # ---- build ---------------------------------------------------------------------------------

    def read_signatures(store, entries, touch=True):
        """([(name, bytes)], the objects that are missing)"""
        found = [(one, store.read(one["sha256"], LIMIT_SIGNATURE, touch)) for one in entries]
        return [(one["name"], data) for one, data in found if data is not None], [
            one["sha256"] for one, data in found if data is None]

    def refuse_missing(missing):
        if missing:
            raise Refusal("answer", "%d objects of the bundle are not here, or were damaged"
                          % len(missing), "put them, and build again", missing=sorted(set(missing)))

    def read_texts(store, manifest, touch=True):
        """(the three texts that are interpreted here, or None; the objects of those that are missing)"""
        entries = [entry for entry in manifest["files"] if entry["name"] in ("plan.json", "lock.json", "image.def")]
        texts = {entry["name"]: store.read(entry["sha256"], LIMIT_CONTENT_FILE, touch) for entry in entries}
        missing = [entry["sha256"] for entry in entries if texts[entry["name"]] is None]
        return None if missing else texts, missing

    def read_content(store, site, case):
        """(plan, lock) of a bundle all of whose objects are here, and which the policy accepts."""
        manifest, verdict = case["manifest"], case["verdict"]
        texts, missing = read_texts(store, manifest)
        missing += [entry["sha256"] for entry in manifest["files"] + manifest["blobs"]
                    if not store.has(entry["sha256"], entry["size"])]
        if not missing:
            verdict.none("content", "%d files are here, and are hashed where the build reads them" % len(manifest["files"]))
            verdict.none("blobs", "%d are here, and are hashed where the build reads them" % len(manifest["blobs"]))
        read = judge_demands(case, site, texts)
        verdict.insist()  # also of what is not all here: nobody need send the rest of what is refused
        refuse_missing(missing)
        return read

    def copy_file(source, target):
        new = NewFile(os.path.dirname(target))
        try:
            with open(source, "rb", 0) as file:
                for data in iter(lambda: file.read(BLOCK), b""):
                    new.write(data)
            new.commit(target)
        finally:
            new.discard()

    def place_object(store, sha256, size, target):
        """Puts an object where the build reads it and hashes it there. False: it was damaged."""
        make_folder(os.path.dirname(target), 0o755)
        source = store.object(sha256)
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError as problem:
            if problem.errno == errno.ENOENT:
                return False
            copy_file(source, target)
        if hash_file(target) == (size, sha256):
            return True
        unlink(source)
        return False

    def lay_out(store, folder, case):
        """The bundle as a folder, as `sealift extract` lays it out; refuses damaged objects."""
        bundle, manifest, verdict = case["bundle"], case["manifest"], case["verdict"]
        entries = [(entry["sha256"], entry["size"], entry["name"]) for entry in manifest["files"]]
        entries += [(entry["sha256"], entry["size"], "blobs/sha256/" + entry["sha256"])
                    for entry in manifest["blobs"]]
        entries.append((bundle, os.stat(store.object(bundle)).st_size, "manifest.json"))
        for report in case["reports"][:case["given"]]:
            path = PREPARED if report["place"] == "prepare" else "signatures/approve-%s.minisig" % report.get("fingerprint")
            if report["verdict"] == "good" and report["place"] != "revoke" and path not in [entry[2] for entry in entries]:
                entries.append((report["sha256"], os.stat(store.object(report["sha256"])).st_size, path))
        damaged = [sha256 for sha256, size, name in entries
                   if not place_object(store, sha256, size, os.path.join(folder, name))]
        refuse_missing(damaged)
        verdict.good("content", "%d files, every digest as signed" % len(manifest["files"]))
        verdict.good("blobs", "%d, every digest as signed" % len(manifest["blobs"]))

    def choose_scratch(site, store, need):
        """A folder on a real disk with enough room for Apptainer's temporary trees."""
        own = site.get("scratch")
        tried, candidates = [], [own] if own else [os.environ.get("TMPDIR", ""), "/tmp", "/var/tmp",
                                                   store.folder("builds")]
        for path in candidates:
            if not path.startswith("/") or not os.path.isdir(path):
                why = "no such folder"
            elif not os.access(path, os.W_OK | os.X_OK):
                why = "not writable"
            elif "noexec" in mount_of(path)[1].split(","):
                why = "mounted noexec"
            elif not own and mount_of(path)[0] in ("tmpfs", "ramfs"):
                why = "memory, not a disk"
            elif free_space(path) < need:
                why = "%d MiB free" % (free_space(path) // MIB)
            else:
                return path
            tried.append("%s (%s)" % (path or "TMPDIR", why))
        raise Refusal("io", "no folder for the build's temporary files, which need about %d MiB: %s"
                      % (need // MIB + 1, ", ".join(tried)),
                      "free space, or name a folder in site.json: {\"scratch\": \"/path\"}")

    def check_account(builder):
        """Whether this account can build with this program, whatever the bundle (T84)."""
        if os.geteuid() != 0 and not has_setuid_starter(builder):
            missing = user_namespaces()
            if missing:
                raise Refusal("io", "user namespaces are not available to this account, and apptainer "
                              "has no setuid starter: it cannot build here", missing)
        if builder["family"] != "apptainer" and os.geteuid() != 0 and not subids():
            raise Refusal("io", "%s builds without root only for accounts listed in /etc/subuid and "
                          "/etc/subgid" % builder["family"], "ask for a range there: usermod "
                          "--add-subuids 100000-165535 --add-subgids 100000-165535 ACCOUNT")

    def check_host(site, store, manifest, plan, lock):
        """What would make the build fail later is said now (T84, T85)."""
        builder = find_builder(site)
        check_account(builder)
        if plan["target"]["platform"] != "linux/" + os.uname().machine:
            raise Refusal("input", "the bundle is for %s, this host is linux/%s"
                          % (plan["target"]["platform"], os.uname().machine))
        payload = sum(entry["size"] for entry in manifest["files"] + manifest["blobs"])
        fetched = 256 * MIB if "base" not in lock else 0
        images = store.folder("images", "sha256")
        for path in (images, store.folder("bundles")):
            if not os.access(path, os.W_OK | os.X_OK):
                raise Refusal("io", "cannot write in folder '%s'" % path)
        if free_space(images) < payload + fetched + 16 * MIB:
            raise Refusal("io", "'%s' has %d MiB free, the image needs about %d" % (
                images, free_space(images) // MIB, (payload + fetched) // MIB + 16),
                "free space there, or name another store in site.json")
        return builder, choose_scratch(site, store, 5 * payload + 4 * fetched + 32 * MIB)

    def clean_up_after(store, bundle):
        """What a dead predecessor has left: its Apptainer, its folders, its half image."""
        state = load_state(store, bundle)
        child = state.get("child")
        if child and same_machine(state.get("where", {})):
            start = process_start(child["pid"])
            if start == child["start"] or (not start and processes_with(3, child["pid"])):
                kill_session(child["pid"], signal.SIGKILL)
        for path in left_behind(store, bundle, state):
            remove_tree(path)

    def left_behind(store, bundle, state):
        """What there is of a build that is not running any more: folders and a half image."""
        found = [path for path in (state.get("scratch", ""), state.get("visible", ""))
                 if os.path.basename(path).startswith("sealift-%s-" % bundle[:12]) and os.path.lexists(path)]
        for folder, pattern in ((os.path.join(store.root, "builds"), bundle + "."),
                                (os.path.join(store.root, "images"), "." + bundle + "."),
                                (os.path.join(store.root, "images", "sha256"), "." + bundle + ".")):
            for name in os.listdir(folder) if os.path.isdir(folder) else []:
                if name.startswith(pattern):
                    found.append(os.path.join(folder, name))
        return found

    def private_folder(path):
        os.mkdir(path, 0o700)
        os.chmod(path, 0o700)

    def open_case(store, fields, policy, touch=True):
        """What is judged: the signatures that are given now, by the policy in force now."""
        bundle = fields["bundle"]
        signatures, missing = read_signatures(store, fields["signatures"], touch)
        manifest_data = store.read(bundle, LIMIT_MANIFEST, touch)
        if touch:
            refuse_missing(missing + ([bundle] if manifest_data is None else []))
        return {"bundle": bundle, "manifest_data": manifest_data, "given": len(signatures), "absent": len(missing),
                "signatures": signatures + load_detached(policy[0], bundle), "path": policy[0], "policy": policy[1],
                "seen": load_seen(store), "now": int(time.time())}

    def judge_bundle(store, fields, policy):
        """A case in which the rules from `format` to `time` have passed."""
        case = open_case(store, fields, policy)
        judge_manifest(case)
        case["verdict"].insist()
        return case

    def judge_again(store, site, case):
        """The other rules, for a bundle that has been checked before: what is not here any more is asked
        for only where the policy cannot be obeyed without it."""
        texts, missing = read_texts(store, case["manifest"])
        if {"bases", "denied", "indexes"} & set(case["policy"]):
            refuse_missing(missing)
        judge_demands(case, site, texts)
        case["verdict"].insist()

    def highest_of(case):
        return case["policy"]["versions"].get(case["manifest"]["name"], {}).get("highest")

    def judge_content(store, case):
        """`content` and `blobs`, of objects that only lie here."""
        manifest, verdict, bad = case["manifest"], case["verdict"], 0
        for entry in manifest["files"]:
            path = store.object(entry["sha256"])
            good = store.has(entry["sha256"], entry["size"]) and hash_file(path) == (entry["size"], entry["sha256"])
            bad += not good
        here = sum(store.has(blob["sha256"], blob["size"]) for blob in manifest["blobs"])
        if bad:
            verdict.none("content", "%d of %d files are not here, or were damaged" % (bad, len(manifest["files"])))
        else:
            verdict.good("content", "%d files, every digest as signed" % len(manifest["files"]))
        verdict.none("blobs", "%d of %d are here; a build hashes them where it reads them" % (here, len(manifest["blobs"])))

    def op_judge(fields):
        """The findings on what lies in the store. Starts nothing and writes nothing."""
        policy, site = load_policy(), load_site()
        store = Store(site["store"])
        case = open_case(store, fields, policy, touch=False)
        judge_manifest(case)
        verdict = case["verdict"]
        if case["manifest"]:
            judge_content(store, case)
            judge_demands(case, site, read_texts(store, case["manifest"], touch=False)[0])
        return {"bundle": fields["bundle"], "accepted": verdict.passed("format", "signatures") and not verdict.failed(),
                "findings": verdict.findings(), "policy": policy[0], "enforcement": enforcement(policy[0])}

    def describe_signers(reports):
        return [{"sha256": report["sha256"], "verdict": report["verdict"], "key_id": report["key_id"],
                 "key_name": report.get("key_name", ""), "role": report.get("role", ""),
                 "fingerprint": report.get("fingerprint", ""), "time": report.get("time", ""),
                 "allowed": report.get("allowed", False)} for report in reports]

    def check_bundle(store, site, case):
        """What is checked of a judged bundle before Apptainer starts. Returns what a build must know."""
        clock, manifest = time.monotonic(), case["manifest"]
        plan, lock = read_content(store, site, case)
        builder, scratch_parent = check_host(site, store, manifest, plan, lock)
        network = load_network(site, manifest)
        verify_ms = int((time.monotonic() - clock) * 1000)
        return {"case": case, "plan": plan, "lock": lock, "builder": builder,
                "scratch_parent": scratch_parent, "verify_ms": verify_ms, "network": network, "visible_parent": choose_visible() if network else None}

    def make_job(store, fields, checked, made, layout_ms, started):
        plan, lock = checked["plan"], checked["lock"]
        squashfs = zstd_support(checked["builder"]["path"])
        python = "/opt/venv/bin/python" if lock["packages"] else ""
        network = checked["network"]
        said = {"network": network["said"]} if network else {}
        case = checked["case"]
        return {
            "bundle": fields["bundle"], "store": store.root, "folder": made[0], "scratch": made[1],
            "made": made, "network": write_network(made[2], network) if network else {},
            "name": plan["name"], "version": plan["version"], "options": plan["build"]["options"],
            "highest": highest_of(case), "timeout": fields.get("timeout", plan["build"]["timeout"]), "builder": checked["builder"],
            "zstd": bool(squashfs["writes"] and squashfs["readers"]
                         and checked["builder"]["mksquashfs_args"]),
            "python": python, "locked": {p["name"]: p["version"] for p in lock["packages"]},
            "timings": {"verify_ms": checked["verify_ms"], "layout_ms": layout_ms},
            "receipt": dict(said, **{
                "sealift_receipt": 1, "bundle": fields["bundle"], "name": plan["name"],
                "version": plan["version"], "closure": case["manifest"]["closure"],
                "host": os.uname().nodename, "python": ".".join(map(str, sys.version_info[:3])),
                "policy": case["path"], "enforcement": enforcement(case["path"]), "started": started,
                "signers": describe_signers(case["reports"]), "findings": case["verdict"].findings()})}

    def begin_checks(store, case, started):
        bundle = case["bundle"]
        clean_up_after(store, bundle)
        write_state(store, bundle, {
            "sealift_state": 1, "state": "checking", "step": "verify", "started": started,
            "signatures": [report["sha256"] for report in case["reports"][:case["given"]]], "host": os.uname().nodename,
            "pid": os.getpid(), "where": whereabouts()})

    def check_and_start(store, site, fields, case, lock):
        """Under the lock: checks, lays out, and hands over to a supervisor."""
        bundle, started, made = fields["bundle"], int(time.time()), []
        begin_checks(store, case, started)
        drop_ticket(store, bundle)
        try:
            checked = check_bundle(store, site, case)
            clock = time.monotonic()
            mark = secrets.token_hex(8)
            made.append(os.path.join(store.folder("builds"), "%s.%s" % (bundle, mark)))
            made.append(os.path.join(checked["scratch_parent"], "sealift-%s-%s" % (bundle[:12], mark)))
            if checked["network"]:
                made.append(os.path.join(checked["visible_parent"], "sealift-%s-%s-index" % (bundle[:12], mark)))
            # Written down before they exist, so that a successor finds whatever a dead call has left.
            save_state(store, bundle, step="layout", scratch=made[1], visible=(made[2:] or [""])[0])
            private_folder(made[0])
            lay_out(store, made[0], case)
            for path in made[1:] + [os.path.join(made[1], "tmp"), os.path.join(made[1], "cache")]:
                private_folder(path)
            layout_ms = int((time.monotonic() - clock) * 1000)
            job = make_job(store, fields, checked, made, layout_ms, started)
            job.update(lock)
            save_state(store, bundle, timeout=job["timeout"])
            start_supervisor(store, job)
        except Exception as problem:
            for path in made:
                remove_tree(path)
            refusal = as_refusal(problem)
            save_state(store, bundle, state="failed", error=refusal.answer()["error"])
            raise refusal

    ENDED = ("done", "failed", "interrupted")

    def op_build(fields):
        policy, site = load_policy(), load_site()
        store, bundle = Store(site["store"]), fields["bundle"]
        # First of all, and also when there is nothing left to build: who is not accepted now neither
        # gets the receipt of those who were accepted then, nor changes what is known of the bundle.
        case = judge_bundle(store, fields, policy)
        receipt = finished_receipt(store, bundle)
        if receipt:
            judge_again(store, site, case)
            return {"bundle": bundle, "state": "done", "receipt": receipt, "judged": {
                "policy": policy[0], "enforcement": enforcement(policy[0]), "time": case["now"],
                "signers": describe_signers(case["reports"]), "findings": case["verdict"].findings()}}
        folder = store.folder("bundles", bundle)
        number, nonce, owner = take_lock(folder)
        patience = time.monotonic() + 10
        while owner and time.monotonic() < patience and load_state(store, bundle).get("state") in ENDED:
            time.sleep(0.05)  # whoever holds the lock has just ended, and is about to leave
            number, nonce, owner = take_lock(folder)
        if owner:
            judge_again(store, site, case)
        else:
            hold(folder, number)
            start_or_wait(store, site, fields, case, {"lock_folder": folder, "lock": number, "nonce": nonce})
        state = load_state(store, bundle)
        answer = {"bundle": bundle, "state": state.get("state", "checking"),
                  "host": state.get("host", ""), "pid": state.get("pid", 0),
                  "started": state.get("started", 0)}
        if answer["state"] == "waiting":
            answer["ahead"] = place_in_line(store, bundle, state["builds"]).get("ahead", 0)
        return answer

    def start_or_wait(store, site, fields, case, lock):
        """Under the lock, which is the supervisor's afterwards, or is released."""
        limit, seat, waits = limit_of(site, fields), {}, False
        try:
            if finished_receipt(store, fields["bundle"]):
                waits = True  # for nothing: it was finished a moment ago
            elif limit is None:
                check_and_start(store, site, fields, case, lock)
            else:
                seat = take_seat(store, limit) or {}
                waits = not seat
                if waits:
                    wait_in_line(store, site, fields, case, limit)
                else:
                    check_and_start(store, site, fields, case, dict(lock, **seat))
        except Exception:
            release_lock(lock["lock_folder"], lock["lock"])
            try:
                serve(store, seat)
            except Exception:
                pass  # who asked hears of its own build; those who wait ask again
            raise
        if waits:
            release_lock(lock["lock_folder"], lock["lock"])
            serve(store, take_seat(store, limit) if limit else None)

    # ---- place and fetch -----------------------------------------------------------------------
    # An image that was built elsewhere. Nothing of it is run here: that it belongs to the bundle is
    # known from the definition and the labels that it carries, and otherwise from whoever sent it.

    def check_shipping(site, policy_path):
        """Whether images from elsewhere are accepted: on an enforced endpoint the operator says so."""
        path, said = find_setting("site.json", LIMIT_POLICY)[0], site.get("accept_shipped")
        demanded = enforcement(policy_path) == "enforced"
        if said is False or demanded and not (said and enforcement(path) == "enforced"):
            raise Refusal("untrusted", "images that were built elsewhere are not accepted here", "build on "
                          "this endpoint, or ask its operator for {\"accept_shipped\": true} in %s/site.json"
                          % (SYSTEM_FOLDER if demanded else os.path.dirname(path)))

    def check_built(fields):
        """The receipt of the build elsewhere: of the image that is to be placed, and of no other."""
        built, image = fields["built"], fields["image"]
        if len(canonical(built)) > LIMIT_RECEIPT:
            raise Refusal("limit", "the receipt of the build is larger than %d bytes" % LIMIT_RECEIPT)
        read = record(built, "request.built", {
            "sealift_receipt": one_of_numbers(1), "bundle": digest, "host": plain_text, "python": plain_text,
            "image": each({"path": absolute_path, "named_path": absolute_path, "sha256": digest,
                           "size": uint(LIMIT_IMAGE), "partition": each({
                               "size": uint(LIMIT_IMAGE), "sha256": digest, "compression": plain_text})}),
            "builder": each({"path": absolute_path, "version": plain_text,
                             "options": list_of(plain_text, 1024)})}, {
            name: anything for name in ("name", "version", "closure", "network", "labels", "packages", "test",
                                        "policy", "enforcement", "signers", "timings", "started", "finished",
                                        "log", "findings")})
        if read["bundle"] != fields["bundle"] or any(read["image"][one] != image[one] for one in image):
            raise Refusal("format", "the receipt of the build is not of this bundle and this image")
        return read

    def gather_to_place(store, site, fields, case):
        """The texts that are compared, and what they say; refuses with all that is missing, the image among it."""
        image, partial = fields["image"], []
        texts, missing = read_texts(store, case["manifest"])
        case["verdict"].none("content", "plan.json, lock.json and image.def have the digests that were signed; "
                             "the others are not needed to place an image")
        case["verdict"].none("blobs", "%d, not needed to place an image" % len(case["manifest"]["blobs"]))
        read = judge_demands(case, site, texts)
        case["verdict"].insist()
        if not store.has(image["sha256"], image["size"]):
            missing.append(image["sha256"])
            spans = covered(pieces_of(store, image["sha256"], image["size"])[1])
            partial = [dict(image, have=spans)] if spans else []
        try:
            refuse_missing(missing)
        except Refusal as refusal:
            raise Refusal(refusal.kind, "%d objects that are needed to place the image are not here"
                          % len(missing), "put them, and place it again", partial=partial, **refusal.more)
        return (texts,) + read

    def check_shipped(path, built, image, texts, manifest, bundle):
        """What can be known of an image without running it. Returns (its measures, its labels)."""
        try:
            measured = measure_image(path)
        except Refusal:
            raise Refusal("format", "what was sent is not a whole SIF image")
        if (measured["size"], measured["sha256"]) != (image["size"], image["sha256"]):
            return None, None  # damaged in the store
        if measured["partition"] != built["image"]["partition"]:
            raise Refusal("format", "the image that was sent has another partition than its receipt says")
        machine = manifest["target"]["platform"].rpartition("/")[2]
        if sif_table(path)[0] != SIF_MACHINES.get(machine):
            raise Refusal("format", "the image that was sent is not for %s, as the bundle is" % machine)
        if sif_text(path, SIF_DEFINITION, "definition") != texts["image.def"]:
            raise Refusal("format", "the image that was sent was not built from the bundle's image.def")
        labels = sif_labels(path)
        if labels.get("org.sealift.bundle") != bundle:
            raise Refusal("format", "the label org.sealift.bundle of the image that was sent is %s, not the "
                          "bundle's id" % quoted(labels.get("org.sealift.bundle", "missing")))
        return measured, labels

    def link_or_copy(source, target):
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError as problem:
            if problem.errno == errno.ENOENT:
                raise
            copy_file(source, target)

    def place_image(store, fields, case, texts, plan, built):
        """Under the lock. Returns the receipt; until it is on disk, the image stays an object as well."""
        bundle, image, started = fields["bundle"], fields["image"], int(time.time())
        manifest, clock = case["manifest"], case["clock"]
        if plan["target"]["platform"] != "linux/" + os.uname().machine:
            raise Refusal("input", "the bundle is for %s, this host is linux/%s"
                          % (plan["target"]["platform"], os.uname().machine))
        verified = time.monotonic()
        output = os.path.join(store.folder("images", "sha256"),
                              ".%s.%s.part" % (bundle, secrets.token_hex(8)))
        try:
            link_or_copy(store.object(image["sha256"]), output)
            measured, labels = check_shipped(output, built, image, texts, manifest, bundle)
            if not measured:
                unlink(store.object(image["sha256"]))
                refuse_missing([image["sha256"]])
            path, named = publish(store, {"bundle": bundle, "name": plan["name"],
                                          "version": plan["version"]}, output)
        finally:
            unlink(output)
        note_seen(store, plan["name"], plan["version"], highest_of(case))
        receipt = {
            "sealift_receipt": 1, "bundle": bundle, "name": plan["name"], "version": plan["version"],
            "closure": manifest["closure"], "image": dict(measured, path=path, named_path=named),
            "labels": [{"name": name, "value": labels[name]} for name in sorted(labels)],
            "shipped": {"built": built}, "host": os.uname().nodename,
            "python": ".".join(map(str, sys.version_info[:3])), "policy": case["path"],
            "enforcement": enforcement(case["path"]), "signers": describe_signers(case["reports"]),
            "findings": case["verdict"].findings(), "timings": {"verify_ms": int((verified - clock) * 1000),
                        "hash_ms": int((time.monotonic() - verified) * 1000)},
            "started": started, "finished": int(time.time())}
        write_json(store.bundle(bundle, "receipt.json"), receipt)
        return receipt

    def place_locked(store, site, fields, case, built):
        """Whoever comes second finds the receipt of the first."""
        bundle = fields["bundle"]
        receipt = finished_receipt(store, bundle)
        if receipt:
            return receipt
        case["clock"] = time.monotonic()
        texts, plan, _ = gather_to_place(store, site, fields, case)
        begin_checks(store, case, int(time.time()))
        drop_ticket(store, bundle)
        try:
            receipt = place_image(store, fields, case, texts, plan, built)
        except Exception as problem:
            refusal = as_refusal(problem)
            save_state(store, bundle, state="interrupted" if "missing" in refusal.more else "failed",
                       error=refusal.answer()["error"])
            raise refusal
        save_state(store, bundle, state="done", step="done")
        return receipt

    def op_place(fields):
        policy, site = load_policy(), load_site()
        store, bundle = Store(site["store"]), fields["bundle"]
        check_shipping(site, policy[0])
        case = judge_bundle(store, fields, policy)
        built = check_built(fields)
        receipt = finished_receipt(store, bundle)
        if receipt:
            judge_again(store, site, case)
        else:
            folder = store.folder("bundles", bundle)
            number, _, owner = take_lock(folder)
            if owner:
                return {"bundle": bundle, "state": load_state(store, bundle).get("state", "checking"),
                        "host": owner["host"], "pid": owner["pid"]}
            hold(folder, number)
            try:
                receipt = place_locked(store, site, fields, case, built)
            finally:
                release_lock(folder, number)
                held["bundle"] = None
        if receipt["image"]["sha256"] == fields["image"]["sha256"]:
            unlink(store.object(fields["image"]["sha256"]))  # it has its name now
        return {"bundle": bundle, "state": "done", "receipt": receipt}

    def op_fetch(fields):
        """A stretch of a finished image, for the uploader that had it built here to ship it."""
        bundle, size, offset = fields["bundle"], fields["size"], fields["offset"]
        if stream is None:
            raise Refusal("usage", "images are handed out by the agent as a program alone")
        store = open_store()
        if not finished_receipt(store, bundle):
            raise Refusal("answer", "there is no finished build of bundle %s here" % bundle, "build it again")
        try:
            handle = os.open(store.image(bundle), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(handle, "rb") as file:
                file.seek(offset)
                data = file.read(size)
        except OSError as problem:
            raise io_refusal("cannot read the image of bundle %s" % bundle, problem)
        return {"bundle": bundle, "offset": offset, "data": base64.b64encode(data).decode("ascii")}

    # ---- sweep ---------------------------------------------------------------------------------
    # What nobody has asked for lately. Never a receipt, a log, a state or an image: those have been asked for
    # by name. An object that goes all the same while somebody counts on it is asked for again by the build.

    def bundles_here(store):
        folder = os.path.join(store.root, "bundles")
        return sorted(filter(HEX.match, os.listdir(folder))) if os.path.isdir(folder) else []

    def objects_of(store, bundle):
        """The objects that a bundle names: its parts, as far as its manifest is here, and its signatures."""
        found = {bundle}
        found.update(load_state(store, bundle).get("signatures", []))
        data = store.read(bundle, LIMIT_MANIFEST, touch=False)
        if data is not None:
            manifest = parse_manifest(data)
            found.update(entry["sha256"] for entry in manifest["files"] + manifest["blobs"])
        receipt = read_file(store.bundle(bundle, "receipt.json"), 64 * MIB)
        if receipt:
            found.update(one["sha256"] for one in load_json(receipt, "receipt.json")["signers"])
        return found

    def objects_in_use(store, before):
        """Those of bundles that are worked on, wait, or were worked on after that time."""
        found = set()
        for bundle in bundles_here(store):
            if (load_state(store, bundle).get("updated", 0) >= before or ticket_of(store, bundle)
                    or current_owner(store.bundle(bundle))):
                found |= objects_of(store, bundle)
        return found

    def entries_of(folder):
        """(entry, its stat) of a folder in which others write; what goes meanwhile is not there."""
        try:
            entries = list(os.scandir(folder))
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in entries:
            try:
                found = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            yield entry, found

    def sweep_objects(store, before, dry):
        """(what was removed, what was kept), each as {"count", "bytes"}."""
        removed, kept = {"count": 0, "bytes": 0}, {"count": 0, "bytes": 0}
        used, top = objects_in_use(store, before), os.path.join(store.root, "objects", "sha256")
        for name in sorted(os.listdir(top)) if os.path.isdir(top) else []:
            for entry, found in entries_of(os.path.join(top, name)):
                old = found.st_mtime < before and entry.name not in used
                if old and not dry:
                    unlink(entry.path)
                said = removed if old and (dry or not os.path.lexists(entry.path)) else kept
                said["count"] += 1
                said["bytes"] += found.st_size
        return removed, kept

    def sweep_marks(store, before):
        """Who brought what is not here any more, whole or in pieces."""
        pieces = {entry.name.split("-")[0] for entry, _ in entries_of(os.path.join(store.root, "partial"))}
        for folder, _ in entries_of(os.path.join(store.root, "submitters")):
            for entry, found in entries_of(folder.path):
                if found.st_mtime < before and entry.name not in pieces and not os.path.lexists(store.object(entry.name)):
                    unlink(entry.path)

    def sweep_arrivals(store, before, dry):
        """How many pieces and halves of objects were removed."""
        removed = 0
        for folder in [os.path.join(store.root, name) for name in ("incoming", "partial")]:
            for entry, found in entries_of(folder):
                if found.st_mtime < before:
                    removed += dry or remove_tree(entry.path)
        return removed

    def sweep_halves(store, before, dry):
        """How many half made files and locks of dead processes were removed from where they were made."""
        removed, tops = 0, [os.path.join(store.root, name) for name in ("bundles", "seats")]
        places = [os.path.join(top, name) for top in tops if os.path.isdir(top) for name in os.listdir(top)]
        for folder in filter(os.path.isdir, places + [os.path.join(store.root, "seen"), store.root]):
            for entry, found in entries_of(folder):
                if re.match(r"\.(new|lock)-[0-9a-f]{32}\Z", entry.name) and found.st_mtime < before:
                    removed += dry or remove_tree(entry.path)
        return removed

    def sweep_scratch(store, dry):
        """How many folders and half images of dead builds were removed."""
        removed = 0
        for bundle in bundles_here(store):
            folder = store.bundle(bundle)
            left = left_behind(store, bundle, load_state(store, bundle))
            if not left or current_owner(folder):
                continue
            if dry:
                removed += len(left)
                continue
            number, _, owner = take_lock(folder)
            if owner:
                continue
            try:
                clean_up_after(store, bundle)
                removed += sum(not os.path.lexists(path) for path in left)
            finally:
                release_lock(folder, number)
        return removed

    def op_sweep(fields):
        store, dry = open_store(), fields["dry_run"]
        before = int(time.time()) - fields["older_than_days"] * DAY
        scratch = sweep_scratch(store, dry)
        removed, kept = sweep_objects(store, before, dry)
        arrivals = sweep_arrivals(store, before, dry)
        if not dry:
            sweep_marks(store, before)
        return {"dry_run": dry, "objects": removed, "kept": kept, "arrivals": arrivals,
                "halves": sweep_halves(store, before, dry), "scratch": scratch}

    # ---- requests ------------------------------------------------------------------------------

    def as_refusal(problem):
        if isinstance(problem, Refusal):
            return problem
        if isinstance(problem, OSError):
            return io_refusal(problem.filename or "the agent", problem)
        return unexpected(problem)

    def answered(operation, fields):
        try:
            return dict(operation(fields), ok=True)
        except Exception as problem:
            return as_refusal(problem).answer()

    def op_calls(fields):
        return {"ref": fields["ref"],
                "answers": [answered(carry_out, call) for call in fields["calls"]]}

    def one_preparer(check):
        def check_list(value, where):
            found = check(value, where)
            must(sum(one["name"] == PREPARED for one in found) < 2, where, "a list with one preparer's signature at most")
            return found
        return check_list

    SIGNATURES = one_preparer(list_of(each({"name": text_like(r"[a-z0-9./-]{1,255}", "a signature's name"), "sha256": digest},
                              kind="usage"), LIMIT_SIGNATURES))
    BUILD = ({"bundle": digest, "signatures": SIGNATURES},
             {"timeout": uint(LIMIT_TIMEOUT), "builds": count(LIMIT_BUILDS)})
    OPERATIONS = {  # op -> what carries it out, the fields it must and may have
        "probe": (op_probe, {}, {}),
        "have": (op_have, {"objects": list_of(each({
            "sha256": digest, "size": uint(LIMIT_BLOB)}, kind="usage"), LIMIT_HAVE)}, {}),
        "put": (op_put, {"objects": list_of(check_put_entry, LIMIT_PUT)},
                {"build": each(*BUILD, kind="usage")}),
        "build": (op_build,) + BUILD,
        "judge": (op_judge, BUILD[0], {}),
        "take": (op_take, {"folder": absolute_path, "objects": list_of(each({
            "sha256": digest, "size": uint(LIMIT_BLOB)}, kind="usage"), LIMIT_PUT)}, {"keep": boolean}),
        "place": (op_place, {
            "bundle": digest, "signatures": SIGNATURES, "built": anything,
            "image": each({"sha256": digest, "size": uint(LIMIT_IMAGE)}, kind="usage")}, {}),
        "fetch": (op_fetch, {"bundle": digest, "offset": uint(LIMIT_IMAGE), "size": uint(LIMIT_FETCH)}, {}),
        "image": (op_image, {"path": text_like(r"/[^\0]{1,4095}", "an absolute path"),
                             "size": uint(LIMIT_IMAGE), "sha256": digest}, {}),
        "state": (op_state, {"bundle": digest}, {"receipt": boolean}),
        "sweep": (op_sweep, {"older_than_days": count(36500), "dry_run": boolean}, {}),
        "receipt": (op_receipt, {"bundle": digest}, {}),
        "calls": (op_calls, {"ref": text_like(r"[0-9a-f]{32}", "32 lower-case hex digits"),
                             "calls": list_of(anything, LIMIT_CALLS)}, {}),
    }

    def read_request(_):
        if type(request) is not str or len(request) > LIMIT_REQUEST:
            raise Refusal("usage", "a request is a JSON text of at most %d bytes" % LIMIT_REQUEST)
        return carry_out(load_json(request, "the request", "usage"), alone=True)

    def check_place(name, value):
        """What stands in a list of calls can neither be such a list nor have bytes behind it."""
        if name == "calls":
            raise Refusal("usage", "calls cannot stand in calls")
        entries = value.get("objects")
        if name == "put" and any("stream" in entry for entry in entries if type(entry) is dict):
            raise Refusal("usage", "in calls, objects must be sent as data: there is no stream")

    def carry_out(value, alone=False):
        name = value.get("op") if type(value) is dict else None
        if type(name) is not str or name not in OPERATIONS:
            raise Refusal("usage", "no such operation", "op is one of " + ", ".join(sorted(OPERATIONS)))
        operation, need, may = OPERATIONS[name]
        fields = record(value, "request", dict(need, op=anything), may, "usage")
        if not alone:
            check_place(name, value)
        if fields.get("timeout") == 0:
            raise Refusal("usage", "request.timeout must be at least one second")
        return operation(fields)

    own_code = sys._getframe().f_code
    if "SEALIFT_JOB" in globals():
        supervise(json.loads(globals()["SEALIFT_JOB"]))
        return ""
    return json.dumps(answered(read_request, None), sort_keys=True)


def main():
    """The `local` transport: requests from standard input, answers to standard output."""
    import json
    import sys

    limit = 32 << 20

    class Announced:
        """The raw bytes that a request announced, and not one more."""

        def __init__(self, source, size):
            self.source, self.left = source, size

        def read(self, most):
            data = self.source.read(min(most, self.left))
            self.left -= len(data)
            return data

        def drain(self):
            while self.left and self.read(1 << 20):
                pass

    def announced_bytes(line):
        """How many raw bytes follow a request; None when that cannot be told."""
        try:
            entries = json.loads(line).get("objects", [])
            sizes = [entry["size"] for entry in entries if entry.get("stream") is True]
            return sum(sizes) if all(type(size) is int and size >= 0 for size in sizes) else None
        except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
            return None if b"stream" in line else 0

    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while True:
        line = source.readline(limit + 2)
        if not line:
            return 0
        size = announced_bytes(line) if len(line) <= limit + 1 else None
        raw = Announced(source, size or 0)
        answer = sealift_agent(line.decode("utf-8", "surrogateescape"), raw)
        raw.drain()
        sink.write(answer.encode("ascii") + b"\n")
        sink.flush()
        if size is None or raw.left:
            return 1


if __name__ == "__main__":
    import sys
    sys.exit(main())
