# SPDX-License-Identifier: Apache-2.0
"""The stand-in service before its judges: the unmodified endpoint and SDK, on a real broker."""
import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import globus  # noqa: E402

NATIVE_CLIENT = "4cf29807-cf21-49ec-9443-ff9a3fb9f81c"
# A namespace with a process in it, and nobody who ends them.
KILLED_RUN = """
import subprocess, sys, time
sys.path.insert(0, sys.argv[1])
import globus
namespace = globus.Namespace(globus.new_name())
subprocess.Popen(namespace.command(["sleep", "1000"]), stdout=subprocess.DEVNULL)
print(namespace.name, flush=True)
time.sleep(1000)
"""
STEPS = os.path.join(HERE, "sdk_steps.py")


def setUpModule():
    global cloud, builder
    cloud = globus.Cloud()
    unittest.addModuleCleanup(close)
    builder = cloud.start_endpoint("builder")


def close():
    """What is left behind is a failure of the whole suite."""
    namespace, folder, home = cloud.namespace.name, cloud.folder, cloud.home
    cloud.close()
    names = globus.ip("netns", "list").split()
    left = [place for place in (folder, home) if os.path.exists(place)]
    if cloud.unexpected or left or namespace in names:
        raise AssertionError("left behind: %s" % (cloud.unexpected + left + [namespace]))


class Step(unittest.TestCase):
    def setUp(self):
        cloud.reset()

    def step(self, name, endpoint=None, other=False, **options):
        done = cloud.sdk(STEPS, name, endpoint or builder.id, json.dumps(options),
                         environment=cloud.login(other))
        self.assertEqual(done.returncode, 0, done.stderr + cloud.log("service"))
        return json.loads(done.stdout)

    def sent(self):
        """The number of tasks of every submit that was answered."""
        return [entry["tasks"] for entry in cloud.journal("POST", "*/submit") if entry["status"] == 200]


class Tasks(Step):
    def test_client_registers_runs_and_fetches(self):
        self.assertEqual(self.step("run"), [42, "", globus.NODE_UID])
        seen = [(entry["method"], entry["path"].replace(builder.id, "ID"))
                for entry in cloud.journal() if entry["method"] == "POST"]
        self.assertEqual(seen[:3], [("POST", "/v2/oauth2/token"), ("POST", "/v3/functions"),
                                    ("POST", "/v3/endpoints/ID/submit")])

    def test_executor_gets_results_and_failures_from_the_broker(self):
        good, bad = self.step("executor")
        self.assertEqual(good, 8)
        self.assertIn("ValueError: boom é", bad)
        self.assertEqual(cloud.journal("POST", "/v2/batch_status"), [])
        self.assertEqual(sum(self.sent()), 2)

    def test_twenty_tasks_in_one_submit(self):
        self.assertEqual(self.step("many", count=20), [2 * one for one in range(20)])
        self.assertEqual(self.sent(), [20])

    def test_a_worker_process_of_its_own(self):
        self.assertEqual(self.step("run", config={})[0], 42)

    def test_metadata_status_and_functions(self):
        answer = self.step("status")
        self.assertEqual((answer["status"], answer["version"]), ("online", "4.19.0"))
        self.assertEqual(answer["schema"], globus.SCHEMA)
        self.assertEqual(answer["allowed"], {"endpoint_id": builder.id, "restricted": False,
                                             "functions": []})

    def test_a_worker_in_an_image_that_is_not_there(self):
        # The user endpoint gives itself up, and now and then (3 of 28 times seen, 4.19.0) ends before its
        # word on the task has gone out. The service has nothing to pass on then; asking again starts another.
        for _ in range(3):
            answer = self.step("run", config={"image": "/home/node/none.sif"})
            if answer["error"] != "no result":
                break
        self.assertRegex(answer["error"], "could not open image|no such file")

    def test_somebody_else_is_refused(self):
        status, text = self.step("refused", other=True, config={"threads": 2})
        self.assertEqual((status, json.loads(text)["code"]), (403, "ENDPOINT_ACCESS_FORBIDDEN"))


class Starts(Step):
    def test_a_configuration_outside_the_schema_is_refused_with_the_text(self):
        status, text = self.step("refused", config={"threds": 2})
        self.assertEqual(status, 422)
        detail = json.loads(text)["detail"]
        self.assertIn("Unable to start user endpoint process", detail)
        self.assertIn("Additional properties are not allowed ('threds' was unexpected)", detail)
        self.assertEqual(self.sent(), [])

    def test_the_endpoint_itself_refuses_other_functions(self):
        allowed, refused = self.step("register")
        runner = cloud.start_endpoint("runner", allowed_functions=[allowed])
        self.assertEqual(self.step("status", runner.id)["allowed"], {
            "endpoint_id": runner.id, "restricted": True, "functions": [allowed]})
        self.assertEqual(self.step("run", runner.id, function=allowed)[0], 42)
        self.assertIn("Function %s not permitted on endpoint" % refused,
                      self.step("run", runner.id, function=refused)["error"])
        cloud.settings(functions_enforced=True)
        status, text = self.step("refused", runner.id, function=refused, config={"threads": 2})
        self.assertEqual((status, json.loads(text)["code"]), (403, "FUNCTION_NOT_PERMITTED"))

    def test_tasks_wait_for_an_endpoint_that_comes_back(self):
        cloud.start_endpoint("away")
        endpoint = cloud.endpoints["away"].id
        self.assertEqual(cloud.stop_endpoint("away"), 0)
        self.assertEqual(self.step("status", endpoint)["status"], "offline")
        tasks = self.step("enqueue", endpoint)
        self.assertEqual(cloud.start_endpoint("away").id, endpoint)
        self.assertEqual(self.step("fetch", tasks=tasks)[0][0], 10)
        self.assertEqual(len(cloud.journal("PUT", "/v3/endpoints/" + endpoint)), 1)


class Faults(Step):
    """That the SDK rides out a fault shows that the fault is one that happens."""

    def test_500_429_and_dropped_connections(self):
        cloud.rules([
            {"path": "/v2/batch_status", "action": "reply", "status": 500},
            {"path": "/v2/batch_status", "skip": 1, "action": "drop", "when": "after"},
            {"path": "/v2/batch_status", "skip": 2, "action": "reply", "status": 429,
             "headers": {"Retry-After": "1"}}])
        self.assertEqual(self.step("many", count=1), [0])
        statuses = [entry["status"] for entry in cloud.journal("POST", "/v2/batch_status")]
        self.assertEqual(statuses[:4], [500, None, 429, 200])

    def test_an_expired_token_is_replaced(self):
        cloud.rules([{"path": "*/submit", "action": "reply", "status": 401}])
        self.assertEqual(self.step("many", count=1), [0])
        self.assertEqual([entry["status"] for entry in cloud.journal("POST", "*/submit")], [401, 200])
        logins = [entry for entry in cloud.journal("POST", "/v2/oauth2/token")
                  if entry["grant"] == "client_credentials"]
        self.assertEqual(len(logins), 2)

    def test_a_submit_whose_answer_is_lost_was_done(self):
        before = sum(cloud.state()["tasks"].values())
        cloud.rules([{"path": "*/submit", "action": "reply", "status": 403, "when": "after"}])
        self.assertEqual(self.step("refused", config={"threads": 2})[0], 403)
        self.assertEqual([entry["tasks"] for entry in cloud.journal("POST", "*/submit")], [1])
        self.assertEqual(sum(cloud.state()["tasks"].values()), before + 1)


class Person(Step):
    """The SDK when it is somebody at a terminal who logs in."""

    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def status(self):
        """Asks for the endpoint; at every login page that the SDK shows, the person logs in."""
        asked = []
        with subprocess.Popen(
                cloud.sdk_command(STEPS, "status", builder.id, user_folder=self.folder),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as sdk:
            lines = []
            for line in sdk.stdout:
                lines.append(line)
                page = re.search(r"https?://\S+/authorize\?\S+", line)
                if page:
                    asked.append(dict(urllib.parse.parse_qsl(page.group().partition("?")[2])))
                    sdk.stdin.write(cloud.log_in(page.group()) + "\n")
                    sdk.stdin.flush()
        self.assertEqual(sdk.returncode, 0, "".join(lines))
        self.assertEqual(json.loads(lines[-1][lines[-1].index("{"):])["status"], "online")
        return asked

    def grants(self):
        return [entry["grant"] for entry in cloud.journal("POST", "/v2/oauth2/token")
                if entry["client"] == NATIVE_CLIENT]

    def stored(self):
        with contextlib.closing(sqlite3.connect(os.path.join(self.folder, "storage.db"))) as database:
            return {server: json.loads(text) for server, text in database.execute(
                "SELECT resource_server, token_data_json FROM token_storage"
                " WHERE namespace = 'user/local'")}

    def test_login_refresh_and_a_second_login_that_the_service_demands(self):
        asked = self.status()
        self.assertEqual(len(asked), 1)
        self.assertEqual(asked[0]["code_challenge_method"], "S256")
        self.assertEqual(self.grants(), ["authorization_code"])
        first = self.stored()["funcx_service"]
        self.assertIn("identity_id", first)

        cloud.control("POST", "expire-tokens")
        self.assertEqual(self.status(), [])
        self.assertEqual(self.grants(), ["authorization_code", "refresh_token"])
        second = self.stored()["funcx_service"]
        self.assertEqual(second["refresh_token"], first["refresh_token"])
        self.assertNotEqual(second["access_token"], first["access_token"])

        cloud.rules([{"path": "/v2/endpoints/*", "action": "gare", "variant": "canonical"}])
        asked = self.status()
        self.assertEqual([one.get("session_required_single_domain") for one in asked], ["example.org"])


class Namespace(Step):
    def test_there_is_no_way_out(self):
        done = cloud.run(["ip", "-o", "link"], stdout=subprocess.PIPE, text=True, check=True)
        self.assertEqual(len(done.stdout.splitlines()), 1)
        self.assertIn("LOOPBACK", done.stdout)

    def test_what_a_killed_run_left_is_swept(self):
        run = subprocess.Popen([sys.executable, "-c", KILLED_RUN, HERE], stdout=subprocess.PIPE, text=True)
        name = run.stdout.readline().strip()
        homes = os.path.dirname(cloud.home)
        os.mkdir(os.path.join(homes, name))
        globus.sweep(homes)
        self.assertIn(name, globus.ip("netns", "list"))
        run.kill()
        run.communicate()
        globus.sweep(homes)
        self.assertNotIn(name, globus.ip("netns", "list"))
        self.assertFalse(os.path.exists(os.path.join(homes, name)))
        self.assertTrue(os.path.exists(cloud.home))

    def test_a_program_of_this_machine_reaches_the_service(self):
        done = cloud.run([sys.executable, "-c", "import os, urllib.request as r; print(r.urlopen("
                          "'http://localhost:5000/v2/version').read().decode(),"
                          "os.environ['GLOBUS_SDK_ENVIRONMENT'])"],
                         stdout=subprocess.PIPE, text=True, check=True)
        self.assertEqual(done.stdout, "1.0.9 local\n")

    def test_another_run_at_the_same_time_from_the_shell(self):
        done = subprocess.run([sys.executable, os.path.join(HERE, "globus.py"), "sh", "-euc",
                               'test "$GLOBUS_NAMESPACE" != %s; '
                               'test -S "$GLOBUS_CONTROL"; echo "$GLOBUS_SDK_ENVIRONMENT"; exit 7'
                               % cloud.namespace.name], stdout=subprocess.PIPE, text=True)
        self.assertEqual((done.returncode, done.stdout), (7, "local\n"))


if __name__ == "__main__":
    unittest.main()
