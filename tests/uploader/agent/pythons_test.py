# SPDX-License-Identifier: Apache-2.0
"""The agent's cryptography and its judge on every Python of this machine that it may meet: the system's, pyenv's
and those in the folders of the test node. Prints which have run."""
import concurrent.futures
import glob
import os
import pwd
import re
import subprocess
import sys
import unittest

import support

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = ("crypto_test.py", "judge_test.py")
NODE = os.environ.get("SEALIFT_NODE", os.path.join(support.ROOT, ".cache", "node"))


def of_this_machine():
    """[(command, environment)]"""
    home = pwd.getpwuid(os.geteuid()).pw_dir
    paths = [sys.executable, *glob.glob("/usr/bin/python3"), *glob.glob("/usr/local/bin/python3"),
             *sorted(glob.glob(os.path.join(home, ".pyenv/versions/3.*/bin/python3")))]
    return [([path], {}) for path in paths]


def of_the_node():
    """Pythons of other systems, by the loader of their own C library."""
    found = []
    for usr in sorted(glob.glob(NODE + "/*/usr") + glob.glob(NODE + "/old/*/debian/usr")):
        root, python = os.path.dirname(usr), os.path.join(usr, "bin", "python3")
        loaders = glob.glob(root + "/lib/*-linux-gnu*/ld-[0-9]*.so") + glob.glob(root + "/lib/*-linux-gnu*/ld-linux-*.so.*")
        if loaders and os.path.exists(python):
            folders = [os.path.dirname(loaders[0]), *glob.glob(usr + "/lib/*-linux-gnu*")]
            found.append(([loaders[0], "--library-path", ":".join(folders), python], {"PYTHONHOME": usr}))
    return found


def run(python, *words):
    command, more = python
    return subprocess.run([*command, "-B", *words], env=dict(os.environ, **more), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, universal_newlines=True, timeout=600)


def version_of(python):
    """"3.11.2 (OpenSSL ...)", or "" of what does not run or is too old."""
    done = run(python, "-c", "import ssl, sys; print('%d.%d.%d' % sys.version_info[:3], '(%s)' % ssl.OPENSSL_VERSION)")
    match = re.match(r"3\.([0-9]+)\.", done.stdout)
    return done.stdout.strip() if done.returncode == 0 and match and int(match.group(1)) >= 8 else ""


class Pythons(unittest.TestCase):
    def test_the_judge_on_every_python(self):
        pythons = {}
        for python in of_this_machine() + of_the_node():
            version = version_of(python)
            if version:
                pythons.setdefault(version.split(" ")[0], (version, python))
        self.assertTrue(pythons)
        jobs = [(version, python, test) for version, python in pythons.values() for test in TESTS]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            done = list(pool.map(lambda job: run(job[1], os.path.join(HERE, job[2])), jobs))
        for (version, python, test), one in zip(jobs, done):
            ran = re.search(r"Ran [0-9]+ tests", one.stdout)
            print("%s, %s: %s" % (version, test, ran.group() if ran else "failed"), file=sys.stderr)
            with self.subTest(version=version, test=test):
                self.assertEqual(0, one.returncode, "%s\n%s" % (python, one.stdout))
                self.assertTrue(ran)


if __name__ == "__main__":
    unittest.main()
