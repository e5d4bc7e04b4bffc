# SPDX-License-Identifier: Apache-2.0
"""What a person is told when something goes wrong on the way to a real endpoint, and that the queue survives
it: one sentence and a next step, in the table at the end, in `status` and as JSON; then `run` again, and it
is done. A short program takes the place of apptainer. All cases share one endpoint, which runs in a user
namespace of its own, so that settings and mounts can be changed for it alone."""
import json
import os
import shutil
import subprocess
import sys
import time
import unittest

import far
import globus

# The user namespace is made once; user endpoints are started through the same name and are in it already.
IN_A_NAMESPACE = """#!/bin/sh
read -r _ _ count </proc/self/uid_map
[ "$count" = 4294967295 ] || exec /home/node/venv/bin/globus-compute-endpoint "$@"
exec /usr/bin/unshare --user --map-current-user /home/node/venv/bin/globus-compute-endpoint "$@"
"""
SETTING = "/proc/sys/user/max_user_namespaces"  # counts for the writer's own user namespace and those below
CLONE_NEWUSER = 0x10000000
# A build that goes on until a file says that it may end.
WAIT_FOR_LEAVE = """
while not os.path.exists(os.path.join(here, "leave")):
    time.sleep(0.05)
"""


def setUpModule():
    global cloud, account, preparer
    cloud, account, preparer = globus.Cloud(), far.Account(stand_in=True), far.Preparer()
    for one in (preparer.remove, account.remove, cloud.close):
        unittest.addModuleCleanup(one)
    (account.folder / "tools/unshare").unlink()  # here the real one is asked
    wrapper = account.folder / "tools/globus-compute-endpoint"
    wrapper.write_text(IN_A_NAMESPACE)
    wrapper.chmod(0o755)
    account.trust(preparer.policy)
    start_endpoint()


def start_endpoint():
    return cloud.start_endpoint("builder", environment=account.environment)


def allow_namespaces(count):
    """In the endpoint's user namespace alone: a child of ours goes there and writes the setting."""
    pid = cloud.endpoints["builder"].process.pid
    code = ("import ctypes, os, sys\n"
            "place = os.open('/proc/%s/ns/user' % sys.argv[1], os.O_RDONLY)\n"
            "if ctypes.CDLL(None, use_errno=True).setns(place, int(sys.argv[2])):\n"
            "    sys.exit(os.strerror(ctypes.get_errno()))\n"
            "open(sys.argv[3], 'w').write(sys.argv[4])\n")
    subprocess.run([sys.executable, "-c", code, str(pid), str(CLONE_NEWUSER), SETTING, str(count)], check=True)


def in_mounts_of_endpoint(*command):
    pid = cloud.endpoints["builder"].process.pid
    subprocess.run(["nsenter", "-t", str(pid), "-m", "--", *command], check=True)


class Endings(unittest.TestCase):
    # Whole sentences are wanted.
    maxDiff = None

    def setUp(self):
        cloud.reset()
        self.leave = account.folder / "tools/leave"
        account.behave("")
        self.addCleanup(self.let_build)
        self.builder = cloud.endpoints["builder"].id
        self.before = len(account.launches())
        self.uploader = far.Uploader(cloud, preparer, self.id().split(".")[-1])

    def add(self, version, uploader=None, person=None, **config):
        uploader = uploader or self.uploader
        bundles = (person or preparer).small([version])
        code, _, err = uploader.call("add", *bundles, "--builder", self.builder, "--runner", "local",
                                     "--builder-config",
                                     uploader.configure(**{"user_endpoint_config": {"threads": 2}, **config}))
        self.assertEqual(code, 0, err)

    def hold_builds(self):
        self.leave.unlink(missing_ok=True)
        account.behave(WAIT_FOR_LEAVE)

    def let_build(self):
        self.leave.touch()

    def start_and_wait_for_build(self, **login):
        """A run whose build has begun and does not end."""
        self.hold_builds()
        process = self.uploader.start("run", **login)
        self.addCleanup(process.communicate)
        self.addCleanup(self.let_build)
        while len(account.launches()) == self.before:
            self.assertIsNone(process.poll(), process.stderr.read() if process.poll() is not None else "")
            time.sleep(0.05)
        return process

    def assert_told(self, ending, code, state, kind, why, help_, uploader=None, login=None):
        """`ending`: exit code and output of a run. Table, status and JSON say the same."""
        uploader, got, out, err = uploader or self.uploader, *ending
        self.assertEqual(got, code, out + err)
        for words in (why, help_):
            for word in words:
                self.assertIn(word, out)
        _, table, _ = uploader.call("status", **(login or {}))
        self.assertEqual(table, out)
        row, = json.loads(uploader.call("status", "--json", **(login or {}))[1])["submissions"]
        self.assertEqual((row["state"], row["kind"]), (state, kind), row)
        for word in why:
            self.assertIn(word, row["reason"])
        for word in help_:
            self.assertIn(word, row["reason"] + row["remedy"])
        self.assertNotIn("\n", row["reason"] + row["remedy"])

    def assert_recovers(self, uploader=None, launches=1, **login):
        uploader = uploader or self.uploader
        code, out, err = uploader.call("run", **login)
        self.assertEqual(code, 0, out + err)
        row, = json.loads(uploader.call("status", "--json", **login)[1])["submissions"]
        self.assertEqual(row["state"], "done")
        self.assertNotIn("reason", row)
        self.assertEqual(len(account.launches()) - self.before, launches)

    # ---- the service ------------------------------------------------------------------------------

    def test_t79_the_service_goes_away(self):
        self.add("1.0.0", timeout=6)
        running = self.start_and_wait_for_build()
        cloud.rules([{"action": "drop", "when": "before", "count": None}])
        out, err = running.communicate(timeout=300)
        self.assertRegex(err, r"the service 'http://localhost:5000' does not answer")
        self.assert_told((running.returncode, out, err), 6, self.uploader.rows()[0]["state"], "network",
                         ["the service 'http://localhost:5000' has not answered for",
                          f"nothing is known of endpoint {self.builder}"],
                         ["check this machine's network", "'sealift-upload run' goes on from here"])
        cloud.rules([])
        self.let_build()
        self.assert_recovers()

    # ---- the endpoint -----------------------------------------------------------------------------

    def test_t79_the_endpoint_goes_offline(self):
        self.add("2.0.0", timeout=9)
        running = self.start_and_wait_for_build()
        cloud.stop_endpoint("builder")
        self.let_build()
        while running.poll() is None:
            row, = self.uploader.rows()
            if "is offline" in row.get("reason", ""):
                break
            time.sleep(0.2)
        self.assertIn(f"endpoint {self.builder} is offline: what is sent waits", row.get("reason", ""))
        self.assertIn("worker", row)
        out, err = running.communicate(timeout=300)
        self.assertIn("is offline: what is sent waits at the service until it is back", err)
        self.assert_told((running.returncode, out, err), 6, row["state"], "network",
                         [f"endpoint {self.builder} is offline and has given no sign of life for 9 seconds"],
                         ["ask whoever runs the endpoint to start it", "'sealift-upload run' goes on from here"])
        self.assertEqual(start_endpoint().id, self.builder)
        self.assert_recovers()

    def test_t74_the_disk_of_the_endpoint_is_full(self):
        self.add("3.0.0")
        store = account.inside + "/data"
        in_mounts_of_endpoint("mount", "-t", "tmpfs", "-o",
                              f"size=64k,mode=755,uid={globus.NODE_UID},gid={globus.NODE_UID}", "small", store)
        try:
            self.assert_told(self.uploader.call("run"), 5, "delivering", "io",
                             [f"builder '{self.builder}': cannot store object", f"'{store}': No space left on device"],
                             ["free space there, or name another store in site.json",
                              "'sealift-upload run' goes on from here"])
            in_mounts_of_endpoint("mount", "-o", "remount,size=3m", store)
            # Now the objects fit, and the image would not.
            self.assert_told(self.uploader.call("run"), 5, "delivering", "io",
                             [f"builder '{self.builder}': ", "has 2 MiB free, the image needs about"],
                             ["free space there", "'sealift-upload run' goes on from here"])
        finally:
            in_mounts_of_endpoint("umount", store)
        self.assert_recovers()

    def test_t84_user_namespaces_are_switched_off(self):
        with open(SETTING, encoding="ascii") as file:
            machine = file.read()
        self.add("4.0.0")
        allow_namespaces(0)
        try:
            self.assert_told(self.uploader.call("run"), 5, "queued", "io",
                             [f"builder '{self.builder}' cannot build: user namespaces are not available"],
                             ["sysctl -w user.max_user_namespaces=15000", "'sealift-upload run' goes on from here"])
        finally:
            allow_namespaces(10000)
        with open(SETTING, encoding="ascii") as file:
            self.assertEqual(file.read(), machine)
        self.assert_recovers()

    def test_a_configuration_outside_the_schema_is_not_sent(self):
        self.add("4.1.0", user_endpoint_config={"threads": "many"})
        self.assert_told(self.uploader.call("run"), 3, "queued", "input",
                         [f"endpoint {self.builder} does not accept the 'user_endpoint_config'", "threads"],
                         ["correct 'user_endpoint_config'", "'sealift-upload run' goes on from here"])
        self.assertEqual(cloud.journal("POST", "*/submit"), [])
        self.uploader.configure(user_endpoint_config={"threads": 2})
        self.assert_recovers()

    # ---- the login --------------------------------------------------------------------------------

    def person(self):
        """Somebody with a login of their own instead of client credentials."""
        home = preparer.folder / "person"
        if not home.exists():
            shutil.copytree(preparer.folder / "home", home)
        return {"GLOBUS_COMPUTE_CLIENT_ID": "", "GLOBUS_COMPUTE_CLIENT_SECRET": "", "SEALIFT_HOME": str(home)}

    def log_in(self, person):
        environment = {**os.environ, **cloud.login(), **person}
        with subprocess.Popen(cloud.namespace.command([far.UPLOAD, "login", "--client-id", cloud.client_id]),
                              env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            address = next(line for line in process.stderr if line.startswith("http"))
            out, err = process.communicate(cloud.log_in(address.strip()) + "\n")
        self.assertEqual(process.returncode, 0, out + err)

    def test_an_expired_token_is_renewed_and_a_revoked_login_is_said(self):
        person = self.person()
        self.log_in(person)
        self.add("5.0.0")
        running = self.start_and_wait_for_build(**person)
        cloud.control("POST", "expire-tokens", ["access"])
        journal = len(cloud.journal())
        self.let_build()
        out, err = running.communicate(timeout=300)
        self.assertEqual(running.returncode, 0, out + err)
        self.assertEqual(self.uploader.rows()[0]["state"], "done")
        self.assertEqual([entry["grant"] for entry in cloud.journal("POST", "*/token")][-1:], ["refresh_token"])
        self.assertIn(401, [entry["status"] for entry in cloud.journal()[journal:]])

        revoked = far.Uploader(cloud, preparer, "revoked")
        self.before = len(account.launches())
        self.add("5.1.0", uploader=revoked)
        cloud.control("POST", "expire-tokens", ["access", "refresh"])
        self.assert_told(revoked.call("run", **person), 6, "queued", "network",
                         ["Globus Auth gives no token", "it does not know this login any more"],
                         ["log in again, with 'sealift-upload login'", "'sealift-upload run' goes on from here"],
                         revoked, person)
        self.assertEqual(len(account.launches()), self.before)
        self.log_in(person)
        self.assert_recovers(revoked, **person)

    # ---- the policy -------------------------------------------------------------------------------

    def test_a_policy_that_refuses_and_one_that_is_missing(self):
        stranger = far.Preparer()
        self.addCleanup(stranger.remove)
        self.addCleanup(account.trust, preparer.policy)
        uploader = far.Uploader(cloud, stranger, "stranger")
        self.add("6.0.0", uploader, stranger)
        (account.folder / "config/policy.json").unlink()
        # Nobody has said yet whom to trust: that is no word on this bundle.
        self.assert_told(uploader.call("run"), 4, "queued", "untrusted",
                         [f"builder '{self.builder}' cannot build: no policy on this host says"],
                         ["sealift trust add KEY.pub --role prepare", "'sealift-upload run' goes on from here"],
                         uploader)
        account.trust(preparer.policy)
        self.assert_told(uploader.call("run"), 4, "refused", "untrusted",
                         ["nobody whom", "trusts to prepare has signed bundle"],
                         ["the builder decides", "sealift trust add KEY.pub"], uploader)
        self.assertIn("'sealift-upload retry 1'", uploader.call("status")[1])
        self.assertEqual(len(account.launches()), self.before)
        account.trust(stranger.policy)
        self.assertEqual(uploader.call("retry", "1")[0], 0)
        self.assert_recovers(uploader)


if __name__ == "__main__":
    unittest.main()
