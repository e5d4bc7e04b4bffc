# SPDX-License-Identifier: Apache-2.0
"""What a file of the preparer's says where a call says nothing: specs/python.md, "What need not be said"."""
import json
import os
import stat

from custom_image_builder import programs
from custom_image_builder.exception.ImageBuilderException import ImageBuilderException
from custom_image_builder.order import ARCHIVES, docker_name

VARIABLE, LEAF = "SEALIFT_IMAGE_BUILDER", "image_builder.json"
LIMIT = 1 << 20  # bytes
PATH, PATHS, FILES = object(), object(), object()  # texts that are paths from the file's folder
AGAIN = object()

# What may be preset, and of which kind it is: all that is said by name only, but what belongs to one call.
ARGUMENTS = {
    "target": (str, dict), "lock": (PATH,), "wheelhouse": (PATH, PATHS), "worker_version": (str,),
    "files": (FILES,), "spec": (dict,), "timeout": (int,), "allow_open": (bool,), "key": (PATH,),
    "password_file": (PATH,), "policy": (PATH,), "builder_config": (PATH, dict), "runner": (str,),
    "runner_config": (PATH, dict), "container_service": (bool, AGAIN), "force_tasks": (bool,),
}
BASE = {"base_image_type": (str,), "base_image": (str,)}
WORDS = {str: "text", dict: "an object", int: "a whole number", bool: "true or false", PATH: "a path",
         PATHS: "a list of paths", FILES: "a list of objects with 'from'", AGAIN: "\"again\""}


def fill(given):
    """The arguments of a call, with what the file says in the place of each None; nothing else changes,
    but for a base image that the file has an entry for."""
    preset = Preset.found()
    return preset.fill(given) if preset else given


class Preset:
    """One such file, read and checked as a whole."""

    @classmethod
    def found(cls):
        """That of the variable, which has to be there; else that of the configuration folder; or None."""
        named = os.environ.get(VARIABLE)
        path = named or _default_path()
        if path is None or (not named and not os.path.lexists(path)):
            return None
        return cls(os.path.abspath(path))

    def __init__(self, path):
        self.path, self.folder, self.shown = path, os.path.dirname(path), programs.shown(path)
        top = self._object(self._load(), "", ("sealift_image_builder", "arguments", "base_images"))
        if type(top.get("sealift_image_builder")) is not int or top["sealift_image_builder"] != 1:
            raise self._wrong("sealift_image_builder", "is 1 in the form that this release reads")
        self.arguments = self._values(top.get("arguments", {}), "arguments", ARGUMENTS)
        self.images = {}
        for name, entry in self._object(top.get("base_images", {}), "base_images").items():
            place = f"base_images[{json.dumps(name)}]"
            kind, separator, image = name.partition("://")
            if not separator or not image:
                raise self._wrong(place, "is named TYPE://IMAGE, like \"docker://python:3.11\"")
            if _key(kind, image) in self.images:
                raise self._wrong(place, "is there twice: the registry and 'library/' may be left out")
            self.images[_key(kind, image)] = self._entry(entry, place, kind)

    def fill(self, given):
        name = _key(given["base_image_type"], given["base_image"])
        entry = self.images.get(name, {})
        base = {word: entry[word] for word in BASE if word in entry}
        more = {word: value for word, value in {**self.arguments, **entry}.items()
                if word not in BASE and given[word] is None}
        filled = {**given, **more, **base}
        if base:
            programs.log.info("%s is %s://%s, by %s", name, filled["base_image_type"], programs.shown(str(filled["base_image"])), self.shown)
        if more:
            programs.log.info("%s: by %s", ", ".join(sorted(more)), self.shown)
        return filled

    def _entry(self, entry, place, kind):
        values = self._values(entry, place, {**ARGUMENTS, **BASE})
        kind = values.get("base_image_type", kind)
        if "base_image_type" in values:
            if kind != "docker" and kind not in ARCHIVES:
                raise self._wrong(f"{place}.base_image_type", f"is one of docker, {', '.join(ARCHIVES)}")
            if "base_image" not in values:
                raise self._wrong(place, "says a base_image_type without its base_image")
        if kind in ARCHIVES and "base_image" in values:
            values["base_image"] = os.path.join(self.folder, values["base_image"])
        return values

    # ---- reading --------------------------------------------------------------------------------

    def _wrong(self, place, text):
        where = f"{self.shown}: {place}" if place else self.shown
        return ImageBuilderException(f"{where}: {text}", "input")

    def _load(self):
        try:
            # A FIFO is opened without waiting for a writer, and refused.
            with open(os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise OSError(0, "it is no regular file")
                data = file.read(LIMIT + 1)
        except OSError as error:
            raise ImageBuilderException(f"cannot read '{self.shown}': {error.strerror}", "io") from error
        if len(data) > LIMIT:
            raise self._wrong("", f"is larger than {LIMIT} bytes")
        try:
            return json.loads(data.decode("utf-8"), object_pairs_hook=self._once, parse_constant=self._no_number)
        except UnicodeDecodeError as error:
            raise self._wrong("", f"is not UTF-8 at byte {error.start}") from error
        except json.JSONDecodeError as error:
            raise self._wrong(f"{error.lineno}:{error.colno}", f"is not JSON: {error.msg}") from error
        except (ValueError, RecursionError) as error:
            raise self._wrong("", f"is no JSON that can be used: {error}") from error

    def _once(self, pairs):
        members = {}
        for name, value in pairs:
            if name in members:
                raise self._wrong(json.dumps(name), "is there twice in one object")
            members[name] = value
        return members

    def _no_number(self, text):
        raise self._wrong("", f"{text} is no number of JSON")

    def _object(self, value, place, known=None):
        if not isinstance(value, dict):
            raise self._wrong(place, "is an object")
        for name in value:
            if known is not None and name not in known:
                raise self._wrong(f"{place}.{name}" if place else name,
                                  f"is not known here; there are {', '.join(known)}")
        return value

    def _values(self, value, place, kinds):
        self._object(value, place, kinds)
        return {name: self._value(one, f"{place}.{name}", kinds[name]) for name, one in value.items()}

    def _value(self, value, place, kinds):
        if not _can_be_said(value):
            raise self._wrong(place, "has a NUL or half of a character (\\ud800 to \\udfff) in it")
        for kind in kinds:
            if kind is PATH and isinstance(value, str) and value:
                return os.path.join(self.folder, value)
            if kind is PATHS and isinstance(value, list) and all(isinstance(one, str) and one for one in value):
                return [os.path.join(self.folder, one) for one in value]
            if kind is FILES and isinstance(value, list) and all(
                    isinstance(one, dict) and isinstance(one.get("from"), str) for one in value):
                return [{**one, "from": os.path.join(self.folder, one["from"])} for one in value]
            if (kind is AGAIN and value == "again") or (type(value) is kind and value != ""):
                return value
        raise self._wrong(place, f"is {' or '.join(WORDS[kind] for kind in kinds)}")


def _can_be_said(value):
    """To a program, that is: as a word, or as a path."""
    if isinstance(value, dict):
        return all(_can_be_said(name) and _can_be_said(one) for name, one in value.items())
    if isinstance(value, list):
        return all(map(_can_be_said, value))
    return not isinstance(value, str) or not any(one == "\0" or "\ud800" <= one <= "\udfff" for one in value)


def _key(kind, image):
    """One name for what is one image."""
    if kind != "docker":
        return f"{kind}://{image}"
    name, digest = docker_name(str(image))
    return f"docker://{name}@{digest}" if digest else f"docker://{name}"


def _default_path():
    """As the programs find their configuration folder (sl_place() in bundles/base/place.c)."""
    own = os.environ.get("SEALIFT_HOME")
    if own:
        return os.path.join(own, "config", LEAF) if os.path.isabs(own) else None  # which the programs refuse
    for variable, *below in (("XDG_CONFIG_HOME",), ("HOME", ".config")):
        top = os.environ.get(variable, "")
        if os.path.isabs(top):
            return os.path.join(top, *below, "sealift", LEAF)
    return None
