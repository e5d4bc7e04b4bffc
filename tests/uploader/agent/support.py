# SPDX-License-Identifier: Apache-2.0
"""What the agent's tests share: the agent lifted into a module, a signer, bundles, a stand-in.

The agent is one function with everything inside. `lift()` makes a module of its body, so that single
helpers can be tried; everything else in the tests goes through the function or the program.
"""
import ast
import base64
import hashlib
import json
import os
import re
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import textwrap
import time
import types
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
AGENT = os.path.join(ROOT, "uploader", "agent", "sealift_agent.py")
PYTHON = os.path.realpath(sys.executable)
# For accounts that cannot look into the home of whoever runs the tests.
SYSTEM_PYTHON = next((path for path in ("/usr/bin/python3", "/usr/local/bin/python3") if os.path.exists(path)), PYTHON)
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
BOOT = ('import sys;i=sys.stdin.buffer;exec(compile(i.read(int(i.readline())),"sealift_agent","exec"),'
        '{"__name__":"__main__"})')


def source(etc):
    """The agent's text with another system folder, so that no /etc/sealift of this host matters."""
    with open(AGENT, encoding="utf-8") as file:
        text = file.read()
    assert text.count('SYSTEM_FOLDER = "/etc/sealift"') == 1
    return text.replace('SYSTEM_FOLDER = "/etc/sealift"', "SYSTEM_FOLDER = %r" % etc)


def load(etc):
    """A module with sealift_agent() of that system folder."""
    module = types.ModuleType("sealift_agent")
    exec(compile(source(etc), AGENT, "exec"), module.__dict__)
    return module


def lift(etc="/nonexistent/etc"):
    """A module whose names are those inside sealift_agent()."""
    tree = ast.parse(source(etc))
    function = next(node for node in tree.body if getattr(node, "name", "") == "sealift_agent")
    body = [node for node in function.body if isinstance(
        node, (ast.Import, ast.FunctionDef, ast.ClassDef, ast.Assign))]
    module = types.ModuleType("lifted")
    module.request, module.stream = "{}", None
    exec(compile(ast.Module(body=body, type_ignores=[]), AGENT, "exec"), module.__dict__)
    return module


LIFTED = lift()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def canonical(value):
    return (json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n").encode()


KEYS, SIGNERS = {}, {}  # keys by their ids (of two the first), and by the signatures that they made


def name_of(text):
    """The name under which it would stand in a bundle or beside it, by what it says of itself."""
    said = re.search(rb"role=(approve|revoke) bundle=([0-9a-f]{64})", text)
    if not said:
        return "signatures/prepare.minisig"
    key = SIGNERS.get(text) or KEYS.get(base64.b64decode(text.split(b"\n")[1])[2:10])
    if said.group(1) == b"revoke":
        return "%s.%s.revoke.minisig" % (said.group(2).decode(), key.fingerprint())
    return "signatures/approve-%s.minisig" % key.fingerprint()


def listed(signatures):
    """What a request says of signatures: texts, or pairs of name and text."""
    pairs = [(name_of(one), one) if isinstance(one, bytes) else one for one in signatures]
    return [{"name": name, "sha256": sha256(text)} for name, text in pairs]


class Key:
    """An Ed25519 key that signs as minisign does, on the agent's own curve arithmetic."""

    def __init__(self, seed, roles=("prepare",), name=None, key_id=None):
        self.seed = hashlib.sha256(seed.encode()).digest()
        hashed = bytearray(hashlib.sha512(self.seed).digest())
        hashed[0] &= 248
        hashed[31] = hashed[31] & 127 | 64
        self.scalar, self.prefix = int.from_bytes(hashed[:32], "little"), bytes(hashed[32:])
        self.public = LIFTED.point_encode(LIFTED.point_times(self.scalar, LIFTED.BASE))
        self.id = key_id or hashlib.sha256(b"id" + self.seed).digest()[:8]
        self.roles, self.name = list(roles), name or seed
        KEYS.setdefault(self.id, self)

    def sign(self, message):
        order = LIFTED.ORDER
        r = int.from_bytes(hashlib.sha512(self.prefix + message).digest(), "little") % order
        first = LIFTED.point_encode(LIFTED.point_times(r, LIFTED.BASE))
        h = int.from_bytes(hashlib.sha512(first + self.public + message).digest(), "little") % order
        return first + ((r + h * self.scalar) % order).to_bytes(32, "little")

    def minisig(self, message, comment):
        signature = self.sign(hashlib.blake2b(message).digest())
        whole = self.sign(signature + comment.encode())
        text = b"\n".join([
            b"untrusted comment: signature from minisign secret key",
            base64.b64encode(b"ED" + self.id + signature), b"trusted comment: " + comment.encode(),
            base64.b64encode(whole), b""])
        SIGNERS[text] = self
        return text

    def entry(self):
        return {"name": self.name, "public_key": self.base64(), "roles": self.roles}

    def base64(self):
        return base64.b64encode(b"Ed" + self.id + self.public).decode()

    def mixed(self):
        """The public key plus the point of order two: on the curve, but not of the prime order."""
        two = LIFTED.point_decode((LIFTED.P - 1).to_bytes(32, "little"))
        return LIFTED.point_encode(LIFTED.point_add(LIFTED.point_decode(self.public), two))

    def fingerprint(self):
        return sha256(self.public)


def plan(**changes):
    value = {
        "base": {"kind": "localimage", "file": "base.sif"}, "build": {"options": [], "timeout": 60},
        "description": "", "env": [{"name": "GREETING", "value": "a \"quoted\" $word {{{x"}],
        "files": [{"from": "app.ini", "mode": "0644", "to": "/etc/app.ini"}],
        "labels": [{"name": "team", "value": "physics group"}], "name": "demo",
        "post": [{"network": "none", "run": "true\n"}, {"network": "any", "run": "echo %post\n"}],
        "runscript": "export A=1\n", "sealift_plan": 1, "help": "What it is.\n\nUse it.\n",
        "target": {"glibc": "2.36", "platform": "linux/" + os.uname().machine, "python": "3.11.2"},
        "test": {"network": "none", "run": "true\n"}, "version": "1.0.0"}
    value.update(changes)
    return {key: entry for key, entry in value.items() if entry is not None}


OFFLINE = {"network": "none", "run": "true\n"}
CLOSED = {  # what of a plan makes a bundle with carried wheels so closed
    "open": {}, "sealed": {"post": [OFFLINE]},
    "pinned": {"post": [OFFLINE], "base": {"kind": "docker", "digest": "ab" * 32, "reference": "docker.io/library/python"}}}


class Bundle:
    """A bundle as the objects that an uploader delivers. Every part may be given, and so be wrong."""

    def __init__(self, key, the_plan=None, wheels=(("six", "1.16.0"),), definition=None, tamper=None,
                 lock_changes=(), manifest_changes=(), comment=None):
        self.key, self.plan = key, the_plan or plan()
        self.blobs, self.files = {}, {}
        blob = lambda data: self.keep(data)
        packages = [dict(name=name, version=version, file="%s-%s-py3-none-any.whl" % (name, version),
                         wheel=blob(b"wheel of %s" % name.encode())) for name, version in wheels]
        for package in packages:
            package["hashes"] = [package["wheel"]["sha256"]]
        self.lock = {"dependencies_checked": False, "packages": packages, "sealift_lock": 1, "files": [
            self.keep_file(b"[app]\n") for _ in self.plan["files"]]}
        if self.plan["base"]["kind"] != "docker":
            self.lock["base"] = blob(b"base image " * 1000)
        if packages:
            self.lock["installer"] = {"name": "pip", "version": "24.0", "file": "pip-24.0-py3-none-any.whl",
                                      "wheel": blob(b"wheel of pip")}
        self.lock.update(lock_changes)
        self.lock = {member: value for member, value in self.lock.items() if value is not None}
        self.add_texts(definition)
        if tamper:
            tamper(self)
        self.seal(dict(manifest_changes))
        self.comment = self.statement("prepare") if comment is None else comment
        self.signatures = [key.minisig(self.manifest, self.comment)]

    def keep(self, data):
        self.blobs[sha256(data)] = data
        return {"sha256": sha256(data), "size": len(data)}

    def keep_file(self, data):
        self.files["files/" + sha256(data)] = data
        return {"sha256": sha256(data), "size": len(data)}

    def add_texts(self, definition):
        texts = {"plan.json": canonical(self.plan), "lock.json": canonical(self.lock)}
        recipe = sha256(texts["plan.json"] + texts["lock.json"])
        self.files.update(texts, spec=b"sealift: 1\n")
        self.files.update(LIFTED.render_texts(self.plan, self.lock))
        self.files["image.def"] = definition if definition is not None else (
            LIFTED.render_definition(self.plan, self.lock, recipe))

    def seal(self, changes):
        entries = [{"name": name, "sha256": sha256(data), "size": len(data)}
                   for name, data in sorted(self.files.items())]
        value = {
            "blobs": [{"sha256": name, "size": len(self.blobs[name])} for name in sorted(self.blobs)],
            "closure": LIFTED.closure_of(self.plan, self.lock), "content": {"sha256": "0" * 64, "size": 1, "tar_sha256": "0" * 64,
                                           "tar_size": 1024, "zstd_level": 3, "zstd_version": "1.5.4"},
            "files": entries, "format": 1, "name": self.plan["name"], "recipe": 1,
            "target": self.plan["target"], "version": self.plan["version"]}
        value.update(changes)
        self.named = {field: value[field] if re.match(r"[a-z0-9.-]+\Z", value[field]) else good
                      for field, good in (("name", "demo"), ("version", "1.0.0"))}
        self.manifest = canonical(value)
        self.id = sha256(self.manifest)

    def statement(self, role, **changes):
        words = dict(role=role, bundle=self.id, name=self.named["name"],
                     version=self.named["version"], time="2026-11-22T13:26:02Z")
        words.update(changes)
        return "sealift:1 " + " ".join("%s=%s" % item for item in words.items())

    def approve(self, key):
        self.signatures.append(key.minisig(self.manifest, self.statement("approve")))

    def objects(self):
        data = list(self.files.values()) + list(self.blobs.values()) + [self.manifest] + self.signatures
        return {sha256(one): one for one in data}

    def request(self, **more):
        return dict({"op": "build", "bundle": self.id,
                     "signatures": listed(self.signatures)}, **more)


# Not Apptainer: a stand-in that counts launches, misbehaves on demand and writes an empty SIF. What
# the real one makes of all this, tests/node/agent_test.py shows.
STAND_IN = r"""#!%(python)s
import hashlib, json, os, signal, struct, subprocess, sys, time
here = os.path.dirname(os.path.abspath(__file__))
def setting(name):
    try:
        return open(os.path.join(here, name)).read()
    except OSError:
        return ""
words = sys.argv[1:]
SIZE = 0  # of the image beyond what it must have; a behaviour may say more
if words == ["--version"]:
    sys.exit(print(setting("version") or "apptainer version 1.4.5"))
if words == ["build", "--help"]:
    sys.exit(print("  --mksquashfs-args string"))
if words[0] == "build":
    with open(os.path.join(here, "launches"), "a") as file:
        file.write(json.dumps({"argv": words, "environment": dict(os.environ), "cwd": os.getcwd(),
                               "files": sorted(os.path.join(at, name)[2:] for at, _, names in os.walk(".")
                                               for name in names), "pid": os.getpid()}) + "\n")
    out = words[-2]
    exec(setting("behaviour"))
    super_block = b"hsqs" + b"\0" * 16 + struct.pack("<H", 6) + b"\0" * 74
    manifest = open("manifest.json", "rb").read()
    labels = {"org.sealift.bundle": setting("label") or hashlib.sha256(manifest).hexdigest()}
    table, body = b"", b""
    for kind, data in ((0x4001, open("image.def", "rb").read()), (0x4004, super_block + b"\0" * SIZE),
                       (0x4006, json.dumps({"data": {"attributes": {"labels": labels}}}).encode())):
        table += struct.pack("<iBIII5q2q", kind, 1, 1, 1, 0, 4096 + len(body), len(data), 0, 0, 0, 0, 0)
        table += b"\0" * 128 + (struct.pack("<2i", 1, 2) if kind == 0x4004 else b"\0" * 8) + b"\0" * 376
        body += data
    machine = {"x86_64": b"02", "aarch64": b"04"}[os.uname().machine] + b"\0"
    head = (b"\0" * 32 + b"SIF_MAGIC\0" + b"01\0" + machine).ljust(88, b"\0") + struct.pack("<2q", 3, 128)
    with open(out, "wb") as file:
        file.write((head.ljust(128, b"\0") + table).ljust(4096, b"\0") + body)
    with open(os.path.join(here, "state"), "w") as file:
        json.dump({"bundle": hashlib.sha256(manifest).hexdigest(), "lock": json.load(open("lock.json"))}, file)
elif words[0] == "inspect":
    state = json.load(open(os.path.join(here, "state")))
    labels = {"org.sealift.bundle": setting("label") or state["bundle"]}
    print(json.dumps({"data": {"attributes": {"labels": labels}}, "type": "container"}))
elif words[0] == "exec":
    state = json.load(open(os.path.join(here, "state")))
    packages = [[p["name"], p["version"]] for p in state["lock"]["packages"]]
    listed = json.loads(setting("listed") or "null") or packages
    print(json.dumps({"found": packages, "listed": listed, "manifest": setting("inner") or state["bundle"]}))
"""


class Host(unittest.TestCase):
    """A test with a store, a policy, a PATH with the stand-in, and agents that run there."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="agent-test-", dir=os.environ.get("SEALIFT_TEST_FOLDER"))
        self.addCleanup(self.clean_up)
        self.etc = os.path.join(self.folder, "etc")
        self.home = os.path.join(self.folder, "home")
        self.tools = os.path.join(self.folder, "tools")
        self.scratch = os.path.join(self.folder, "scratch")
        for path in (self.home, self.tools, self.scratch, os.path.join(self.home, "config")):
            os.mkdir(path, 0o755)
        os.chmod(self.folder, 0o755)
        self.tool("apptainer", STAND_IN % {"python": sys.executable})
        self.tool("unshare", "#!/bin/sh\nexit 0\n")
        for name in ("mksquashfs", "unsquashfs", "squashfuse", "squashfuse_ll"):  # whatever this machine has
            self.tool(name, "#!/bin/sh\nexit 1\n")
        self.environment = {"SEALIFT_HOME": self.home, "HOME": self.home, "LANG": "C.UTF-8",
                            "PATH": self.tools + ":/usr/bin:/bin", "TMPDIR": self.scratch}
        self.key = Key("preparer")
        self.trust(self.key)
        self.write_config("site.json", {"scratch": self.scratch})
        self.agent = load(self.etc)

    def clean_up(self):
        for process in self.processes_here():
            os.kill(process, 9)
        subprocess.call(["chmod", "-R", "u+rwX", self.folder])
        shutil.rmtree(self.folder)

    def processes_here(self):
        """Processes that this test has started: their environment names its folder."""
        mark, found = ("HOME=" + self.home).encode(), []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/environ" % name, "rb") as file:
                    mine = mark in file.read().split(b"\0")
                if mine:
                    found.append(int(name))
            except OSError:
                pass
        return [pid for pid in found if pid != os.getpid()]

    def tool(self, name, text):
        path = os.path.join(self.tools, name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o755)

    def behave(self, code):
        self.tool("behaviour", textwrap.dedent(code))

    def launches(self):
        try:
            with open(os.path.join(self.tools, "launches")) as file:
                return [json.loads(line) for line in file]
        except OSError:
            return []

    def write_config(self, name, value):
        with open(os.path.join(self.home, "config", name), "w") as file:
            json.dump(value, file)

    def trust(self, *keys):
        self.write_config("policy.json", {"keys": [key.entry() for key in keys], "sealift_policy": 1})

    def call(self, request, stream=None):
        """One request to the function itself, in this process, with this host's environment."""
        before = dict(os.environ)
        os.environ.clear()
        os.environ.update(self.environment)
        try:
            text = request if isinstance(request, str) else json.dumps(request)
            return json.loads(self.agent.sealift_agent(text, stream))
        finally:
            os.environ.clear()
            os.environ.update(before)

    def good(self, request, stream=None):
        answer = self.call(request, stream)
        self.assertTrue(answer["ok"], answer)
        return answer

    def refused(self, request, kind, pattern=".", stream=None):
        answer = self.call(request, stream)
        self.assertFalse(answer["ok"], answer)
        self.assertEqual(kind, answer["error"]["kind"], answer)
        self.assertRegex(answer["error"]["message"], pattern)
        return answer

    def put(self, objects):
        return self.good({"op": "put", "objects": [
            {"sha256": name, "size": len(data), "data": base64.b64encode(data).decode()}
            for name, data in objects.items()]})

    def start(self, input_, **environment):
        """The agent as a program, its source through BOOT."""
        text = source(self.etc).encode()
        process = subprocess.Popen([sys.executable, "-I", "-c", BOOT], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, env=dict(self.environment, **environment))
        process.stdin.write(b"%d\n" % len(text) + text + input_)
        process.stdin.flush()
        return process

    def run_program(self, input_, **environment):
        process = self.start(b"", **environment)
        out, _ = process.communicate(input_, timeout=120)
        return process.returncode, [json.loads(line) for line in out.splitlines()]

    def wait(self, bundle, *states):
        for _ in range(600):
            answer = self.good({"op": "state", "bundle": bundle.id})
            if answer["state"] in states:
                return answer
            time.sleep(0.05)
        self.fail("still %s" % answer)

    def until(self, condition, what):
        for _ in range(600):
            if condition():
                return
            time.sleep(0.05)
        self.fail("timeout: " + what)

    def store_path(self, *parts):
        return os.path.join(self.home, "data", *parts)

    def leftovers(self):
        """What a build may leave behind: nothing."""
        found = os.listdir(self.scratch)
        for parts in (("builds",), ("incoming",), ("images", "sha256")):
            if os.path.isdir(self.store_path(*parts)):
                found += [name for name in os.listdir(self.store_path(*parts)) if not name.endswith(".sif")]
        return found
