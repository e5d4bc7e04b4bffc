# SPDX-License-Identifier: Apache-2.0
"""The arguments of build_and_register_container() as a spec (specs/spec.md).

All that the arguments say is kept; all that they lack, or that no image can be built of yet, is told
in one exception.
"""
import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import stat

from custom_image_builder import programs
from custom_image_builder.exception.ImageBuilderException import ImageBuilderException

ARCHIVES = {"oci-archive": "base.tar", "docker-archive": "base.tar", "localimage": "base.sif"}
WORKER = "globus-compute-endpoint"

# Which argument a place in the spec comes from.
ARGUMENTS = (
    ("name", "image_file_name"), ("version", "version"), ("base", "base_image"), ("target", "target"),
    ("pip.requirements", "pip_packages"), ("pip.lock", "lock"), ("pip.wheelhouse", "wheelhouse"),
    ("worker", "worker_version"), ("files", "files"), ("build.timeout", "timeout"),
)

# What is missing or wrong only because of another argument, which has been complained of.
FOLLOWS = {"base_image_type": ["base_image"], "lock": ["worker_version"]}

NOT_YET = {
    "payload_url": "this release cannot clone a repository: what it fetches would be named by no digest. Carry "
                   "what you need by files=[{'from': 'main.py', 'to': '/app/main.py'}]",
    "conda_packages": "this release cannot install packages of conda. Most are wheels as well: pip_packages; or "
                      "take a base image that has them",
    "apt_packages": "this release cannot install packages of apt by itself: NAME=VERSION is no digest. Take a base "
                    "image that has them; or, if it may be an open image, allow_open=True with "
                    "spec={'post': %s}",
}


def docker_name(image):
    """python:3.11 or docker://python:3.11@sha256:… as name and digest ("" if none is said), in the words of
    the spec: the registry is written out."""
    name, _, digest = (image[len("docker://"):] if image.startswith("docker://") else image).partition("@")
    first, slash, _ = name.partition("/")
    if not slash:
        name = f"docker.io/library/{name}"
    elif "." not in first and ":" not in first and first != "localhost":
        name = f"docker.io/{name}"
    return name, digest


class Order:
    """One call: `arguments` are those that say what is in the image, by their names."""

    def __init__(self, folder, arguments):
        self.folder, self.given = folder, arguments
        self.problems, self.wrong, self.staged = [], set(), {}
        self.spec = {"sealift": 1}

    def problem(self, argument, text):
        self.problems.append(f"{argument}: {text}")
        self.wrong.add(argument.partition("[")[0])

    def write(self):
        """Writes the spec, with all that it names beside it, and returns its path."""
        self._refuse_what_cannot_be()
        self.spec["name"] = self.given["image_file_name"]
        self._base()
        self._target()
        self._packages()
        self._files()
        self._more()
        path = os.path.join(self.folder, "spec.json")
        try:
            self.spec["version"] = self.given["version"] or self._version()
            with open(path, "w", encoding="utf-8") as file:
                json.dump(self.spec, file, indent=1)
        except (TypeError, ValueError) as error:
            self.problem("spec", f"cannot be written as JSON: {error}")
        else:
            self._check(path)
        if self.problems:
            raise ImageBuilderException(
                f"the image '{self.given['image_file_name']}' cannot be built as it is asked for:\n" +
                "\n".join(f"- {one}" for one in self.problems), "input", self.problems)
        return path

    # ---- what is said, and what is not ------------------------------------------------------

    def _words(self, argument):
        """A list of text, as the arguments for packages are."""
        value = self.given[argument]
        if value is None:
            return []
        if isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value):
            return list(value)
        self.problem(argument, f"is a list of names, not {value!r}")
        return []

    def _refuse_what_cannot_be(self):
        for argument in ("conda_packages", "apt_packages"):
            words = self._words(argument)
            if words:
                names = " ".join(map(shlex.quote, words))
                script = repr([f"apt-get update && apt-get install -y {names}"])
                self.problem(argument, f"{names}: {NOT_YET[argument].replace('%s', script)}")
        if self.given["payload_url"]:
            self.problem("payload_url", NOT_YET["payload_url"])

    def _base(self):
        kind, image = self.given["base_image_type"], self.given["base_image"]
        if kind == "docker":
            self._docker(str(image))
        elif kind in ARCHIVES:
            self.spec["base"] = {kind: self._stage("base_image", image, ARCHIVES[kind])}
        else:
            self.problem("base_image_type", f"is one of 'docker', {', '.join(map(repr, ARCHIVES))}, not {kind!r}")

    def _docker(self, image):
        name, digest = docker_name(image)
        if not digest:
            self.problem("base_image", f"'{image}' is a tag, which may be another image tomorrow. Name its digest, too: "
                         f"'{name}@sha256:…' ('skopeo inspect --format {{{{.Digest}}}} docker://{name}' prints it); or "
                         "carry the image in a file: base_image_type='oci-archive'")
        self.spec["base"] = {"docker": name, "digest": digest}

    def _target(self):
        target = self.given["target"]
        if isinstance(target, str):
            self.spec["target"] = {"python": target}
        elif isinstance(target, dict):
            self.spec["target"] = dict(target)
        else:
            here = platform.python_version()
            self.problem("target", "which Python does the base image have? Say its full version, like "
                         f"target='3.11.2'. This interpreter's ({here}) is not taken for it; but functions that are "
                         "sent as bytecode need the same major.minor on both sides")

    def _packages(self):
        wanted, lock = self._words("pip_packages"), self.given["lock"]
        version = self.given["worker_version"]
        if wanted or lock is not None:
            self.spec["pip"] = {"requirements": wanted} if wanted else {}
        if lock is None and (wanted or version != "none"):
            self._no_lock(wanted, version)
        elif lock is not None:
            self.spec["pip"]["lock"] = self._stage("lock", lock, "requirements.lock")
            version = version or self._worker_of_lock(self.spec["pip"]["lock"])
        elif self.given["wheelhouse"]:
            self.problem("wheelhouse", "without a lock nothing is taken from it")
        if version:
            self.spec["worker"] = "none" if version == "none" else {"version": str(version)}

    def _no_lock(self, wanted, version):
        worker = "" if version == "none" else f"{WORKER}=={version or 'VERSION'}"
        words = " ".join(map(shlex.quote, [*wanted, *([worker] if worker else [])]))
        python = self.spec.get("target", {}).get("python", "X.Y.Z")
        text = ("every package of an image is pinned by its hash, in a requirements file that a resolver makes: "
                f"\"printf '%s\\n' {words} | uv pip compile --generate-hashes --only-binary :all: "
                f"--python-version {python} - -o requirements.lock\", then lock='requirements.lock'")
        if not version:
            text += f". VERSION is the {WORKER} of the endpoint that will run the image"
        self.problem("lock", text)

    def _worker_of_lock(self, name):
        """The release of the worker, if the lock has one: it has been decided there."""
        if name not in self.staged:
            return None
        with open(os.path.join(self.folder, name), encoding="utf-8", errors="replace") as file:
            for line in file:
                found = re.match(r"\s*([A-Za-z0-9._-]+)\s*==\s*([^\s;\\#]+)", line)
                if found and re.sub(r"[-_.]+", "-", found[1]).lower() == WORKER:
                    return found[2]
        self.problem("worker_version", f"the lock has no {WORKER}, which every worker in an image is. Lock it together "
                     "with the packages, in the version of the endpoint that will run the image; or say "
                     "worker_version='none'")
        return None

    def _files(self):
        entries = []
        for number, one in enumerate(self.given["files"] or ()):
            if not isinstance(one, dict) or "from" not in one:
                self.problem(f"files[{number}]", "is a dict of 'from', 'to' and perhaps 'mode'")
                continue
            entries.append({**one, "from": self._stage(f"files[{number}]", one["from"], f"files/{number}")})
        if entries:
            self.spec["files"] = entries

    def _more(self):
        """`timeout`, and whatever else specs/spec.md has and no argument says."""
        more = self.given["spec"] or {}
        if self.given["timeout"] is not None:
            self.spec["build"] = {"timeout": self.given["timeout"]}
        if not isinstance(more, dict):
            self.problem("spec", f"is a dict of keys of specs/spec.md, not {more!r}")
            return
        for key, value in more.items():
            own = self.spec.get(key)
            if isinstance(own, dict) and isinstance(value, dict) and not set(own) & set(value):
                own.update(value)
            elif key in self.spec or key == "version":
                self.problem("spec", f"'{key}' is said by an argument already")
            else:
                self.spec[key] = value

    # ---- files ------------------------------------------------------------------------------

    def _stage(self, argument, path, name):
        """Puts a file beside the spec: a second name for it where that is possible, else a copy."""
        target = os.path.join(self.folder, name)
        try:
            source = os.path.realpath(os.fspath(path))
            if not stat.S_ISREG(os.stat(source).st_mode):
                raise OSError(0, "it is no regular file")
            os.makedirs(os.path.dirname(target), exist_ok=True)
            try:
                os.link(source, target)
            except OSError:
                shutil.copyfile(source, target)
            self.staged[name] = argument
        except TypeError:
            self.problem(argument, f"is the path of a file, not {path!r}")
        except OSError as error:
            self.problem(argument, f"cannot take '{programs.shown(os.fsdecode(path))}': {error.strerror}")
        return name

    def _version(self):
        """Nobody said one: what is asked for names itself, so other contents are another version."""
        digest = hashlib.sha256(json.dumps(self.spec, sort_keys=True).encode())
        for name in sorted(self.staged):
            inner = hashlib.sha256()
            with open(os.path.join(self.folder, name), "rb") as file:
                while True:
                    piece = file.read(1 << 20)
                    if not piece:
                        break
                    inner.update(piece)
            digest.update(f"{name} {inner.hexdigest()}\n".encode())
        return f"0+{digest.hexdigest()[:16]}"

    # ---- what is wrong ----------------------------------------------------------------------

    def _check(self, path):
        """`sealift check` knows the grammar; here its problems get the names of the arguments."""
        done = programs.run("sealift", "check", "--json", path)
        answer = done.json()
        if answer is None:
            raise ImageBuilderException(done.complaint(), done.kind)
        follows = {after for wrong in self.wrong for after in FOLLOWS.get(wrong, ())}
        known = self.wrong | follows
        for one in answer["problems"]:
            place = self._argument_of(one["path"])
            if re.split(r"[.[]", place)[0] not in known:
                self.problem(place, one["message"] + (f" ({one['hint']})" if one["hint"] else ""))

    @staticmethod
    def _argument_of(path):
        for start, argument in ARGUMENTS:
            if re.match(re.escape(start) + r"(?![a-z_-])", path):
                return argument + path[len(start):]
        return f"spec.{path}" if path else "spec"
