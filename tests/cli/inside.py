# SPDX-License-Identifier: Apache-2.0
"""Looks at a command from inside (inside.c) and reads the answers."""
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SEALIFT = os.environ["SEALIFT"]


def program_has(word):
    return word in pathlib.Path(SEALIFT).read_bytes()


SANITIZED = program_has(b"__asan_init")


def can_look():
    """A static program takes no library."""
    return program_has(b"ld-linux") or program_has(b"ld-musl")


def landlock_version():
    """0 where the kernel has none, or has it switched off."""
    text = "import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))"
    return max(0, int(subprocess.run([sys.executable, "-c", text], check=True, capture_output=True).stdout))


class Inside:
    """inside.c as a library, for as long as this object lives."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.library = f"{self.folder.name}/inside.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-pthread", "-o", self.library, str(HERE / "inside.c"), "-ldl"],
                       check=True)

    def close(self):
        self.folder.cleanup()

    def look(self, words, lines, **more):
        """What `lines` answer: {(thread, line): answer}, and the finished process."""
        answers = f"{self.folder.name}/answers"
        env = dict(os.environ, LD_PRELOAD=self.library, SEALIFT_PROBE="\n".join(lines),
                   ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0")
        done = subprocess.run(["sh", "-c", 'exec 9>"$0"; exec "$@"', answers, SEALIFT, *words], env=env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, **more)
        found = {}
        with open(answers) as file:
            for line in file.read().splitlines():
                thread, rest = line.split(": ", 1)
                found[(thread, rest.rsplit(": ", 1)[0])] = rest.rsplit(": ", 1)[1]
        return found, done
