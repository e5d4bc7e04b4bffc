# SPDX-License-Identifier: Apache-2.0
"""Running `sealift` and `sealift-upload`."""
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import threading

from custom_image_builder.exception.ImageBuilderException import ImageBuilderException

GRACE = 20  # seconds in which a program that is asked to end removes what it has half made
KINDS = {1: "answer", 2: "usage", 3: "input", 4: "untrusted", 5: "io", 6: "network", 7: "limit"}

OPTIONS = {"--allow-open": "allow_open=True", "--force-tasks": "force_tasks=True", "--builder": "endpoint_id",
           "--container-service": "container_service=True", "--again": "container_service='again'",
           **{"--" + name.replace("_", "-"): name for name in
              ("builder_config", "key", "password_file", "policy", "runner", "runner_config", "wheelhouse")}}

log = logging.getLogger("custom_image_builder")


def by_argument(text):
    """Advice that names an option of a program names the argument instead."""
    return re.sub(r"(?<![\w-])--[a-z]+(?:-[a-z]+)*", lambda found: OPTIONS.get(found[0], found[0]), text)


def shown(text):
    """On one line, whatever is in it."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape", "surrogatepass").decode("ascii")
                   for one in text)


def find(name):
    """The program by its variable (SEALIFT, SEALIFT_UPLOAD), else by PATH."""
    variable = name.upper().replace("-", "_")
    wanted = os.environ.get(variable) or name
    found = shutil.which(wanted)
    if found is None:
        raise ImageBuilderException(
            f"cannot find the program '{wanted}': install sealift, put its programs on PATH, or name this one by "
            f"the variable {variable}", "io")
    return os.path.abspath(found)


class Undisturbed:
    """Ctrl-C waits until the block is over. For quick things that must not be left half done."""

    def __enter__(self):
        self.heard, self.handler = [], None
        if threading.current_thread() is threading.main_thread():  # nobody else is interrupted
            self.handler = signal.getsignal(signal.SIGINT)
        if callable(self.handler):
            signal.signal(signal.SIGINT, lambda *event: self.heard.append(event))

    def __exit__(self, *_):
        if callable(self.handler):
            signal.signal(signal.SIGINT, self.handler)
            if self.heard:
                self.handler(*self.heard[0])


class Done:
    """A program that has ended."""

    def __init__(self, name, code, out, err):
        self.name, self.code, self.out, self.err = name, code, out, err

    @property
    def kind(self):
        return KINDS.get(self.code, "internal")

    def json(self):
        """The object on standard output; None if there is none."""
        try:
            value = json.loads(self.out)
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    def complaint(self, whole=False):
        """What it said of its failure: the last that it says, or all (`whole`)."""
        if self.code < 0:
            return f"{self.name} was ended by signal {-self.code}"
        lines = [line for line in self.err.splitlines() if line.strip()]
        own = [number for number, line in enumerate(lines) if line.startswith(f"{self.name}: ")]
        text = "\n".join(lines[own[0]:] if own and not whole else lines)
        return by_argument(text) or f"{self.name} ended with status {self.code}"


def run(name, *words, secret=None, apart=False):
    """Runs a program to its end, or, if we are interrupted, ends it.

    `apart`: in a session of its own, so that Ctrl-C reaches it through us, and once. Such a program
    cannot ask for a password. `secret` is never repeated, whatever the program prints.
    """
    def clean(text):
        return text.replace(secret, "…") if secret else text

    heard, program = [], find(name)
    try:
        child = subprocess.Popen([program, *map(os.fspath, words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, encoding="utf-8", errors="backslashreplace",
                                 start_new_session=apart)
    except OSError as error:
        raise ImageBuilderException(f"cannot start '{program}': {error.strerror}", "io") from error
    try:
        listener = threading.Thread(target=_listen, args=(child.stderr, heard, clean), daemon=True)
        listener.start()
        out = child.stdout.read()
        code = child.wait()
        listener.join()
    except BaseException:
        _end(child)
        raise
    finally:
        child.stdout.close()
    return Done(name, code, clean(out), "".join(heard))


def _listen(stream, heard, clean):
    with stream:
        for line in stream:
            line = clean(line)
            heard.append(line)
            if line.strip():
                log.info("%s", line.rstrip())


def _end(child):
    try:
        child.terminate()
        child.wait(GRACE)
    except BaseException as error:
        child.kill()
        child.wait()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
