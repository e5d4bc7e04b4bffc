# SPDX-License-Identifier: Apache-2.0
"""An endpoint whose operator enforces the checks: it runs only the agent as `agent register` has registered it,
and the policy lies in /etc/sealift, where the account cannot change it. A short program takes the place of
apptainer."""
import base64
import hashlib
import json
import os
import pathlib
import pickle
import re
import subprocess
import time
import unittest

import far
import globus

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def setUpModule():
    global cloud, account, preparer, endpoint, printed
    cloud, account, preparer = globus.Cloud(), far.Account(stand_in=True), far.Preparer()
    for one in (preparer.remove, account.remove, cloud.close):
        unittest.addModuleCleanup(one)
    printed = agent("register")
    allowed = re.findall(rf"(?m)^\s*- ['\"]?({UUID})", printed)
    assert len(allowed) == 2, printed
    endpoint = cloud.start_endpoint("builder", allowed_functions=allowed, environment=account.environment,
                                    template=agent("template"), schema=json.loads(agent("template", "--schema")))
    place_policy(preparer.policy)


def agent(*words):
    """sealift-upload agent, for the operator."""
    done = cloud.run([far.UPLOAD, "agent", *words], environment={"SEALIFT_HOME": str(preparer.folder / "operator")},
                     text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr
    return done.stdout


def operate(commands, data=b""):
    """The operator at work on the endpoint's host."""
    subprocess.run(["nsenter", "-t", str(endpoint.process.pid), "-m", "--", "sh", "-euc", commands], input=data, check=True)


def place_policy(policy):
    """In the operator's place, on a disk that only the endpoint's mounts have."""
    operate("mkdir -p /etc/sealift/; mount -t tmpfs -o mode=755,size=1m operator /etc/sealift\n"
            "cat >/etc/sealift/policy.json; chmod 644 /etc/sealift/policy.json", policy.read_bytes())


def ask(method, path, body=None):
    """The service's answer to who submits."""
    login = cloud.login()
    basic = base64.b64encode(("%s:%s" % (login["GLOBUS_COMPUTE_CLIENT_ID"],
                                         login["GLOBUS_COMPUTE_CLIENT_SECRET"])).encode()).decode()
    _, _, answer = cloud.request(
        "POST", "/v2/oauth2/token", "grant_type=client_credentials&scope=https://auth.globus.org/scopes/"
        "facd7ccc-c5f4-42aa-916b-a0e270e2c2a9/all",
        {"Authorization": "Basic " + basic, "Content-Type": "application/x-www-form-urlencoded"})
    status, _, answer = cloud.request(
        method, path, None if body is None else json.dumps(body),
        {"Authorization": "Bearer " + json.loads(answer)["access_token"], "Content-Type": "application/json"})
    assert status == 200, answer
    return json.loads(answer)


class MakesFolder:
    """Whoever unpickles it makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def register_changed_agent():
    """This release's agent with one line more, registered by who submits."""
    source = agent("show", "--source")
    changed = source.replace("\ndef sealift_agent(", "\n# no check is made here\ndef sealift_agent(")
    assert changed != source
    buffer = "st\nsealift_agent:" + changed
    return ask("POST", "/v3/functions", {
        "function_name": "sealift_agent", "function_code": "%d\n%s" % (len(buffer), buffer),
        "meta": {"python_version": "3.8.0", "sdk_version": "4.19.0", "serde_identifier": "st"}})["function_uuid"]


class Enforced(unittest.TestCase):
    def setUp(self):
        cloud.reset()
        self.before = len(account.launches())
        self.allowed = re.findall(UUID, printed)

    def uploader(self, name, function=None, person=None, version="1.0.0"):
        uploader = far.Uploader(cloud, person or preparer, name)
        config = {"user_endpoint_config": {"threads": 2}, "timeout": 60}
        if function:
            config["function"] = function
        code, _, err = uploader.call("add", *(person or preparer).small([version]), "--builder", endpoint.id,
                                     "--runner", "local", "--builder-config", uploader.configure(**config))
        self.assertEqual(code, 0, err)
        return uploader

    def assert_refused(self, uploader, state, *words):
        code, out, err = uploader.call("run")
        self.assertEqual(code, 4, out + err)
        for word in words:
            self.assertIn(word, out)
        row, = uploader.rows()
        self.assertEqual((row["state"], row["kind"]), (state, "untrusted"))
        self.assertEqual(len(account.launches()), self.before)

    def submits(self):
        return cloud.journal("POST", "*/submit")

    def test_a_good_bundle_is_built_by_the_operators_rules(self):
        # Nobody says which function it is: the service shows the code of those that are allowed.
        uploader = self.uploader("good", version="1.1.0")
        code, out, err = uploader.call("run")
        self.assertEqual(code, 0, out + err)
        row, = uploader.rows()
        self.assertEqual(row["state"], "done")
        self.assertEqual(row["receipt"]["enforcement"], "enforced")
        self.assertEqual(row["receipt"]["policy"], "/etc/sealift/policy.json")
        self.assertEqual(cloud.journal("POST", "/v3/functions"), [])
        self.assertEqual(len(cloud.journal("GET", "/v2/functions/*")), 2)
        # Whoever may submit may also make room, of what nobody has asked for in a day: of nothing here.
        code, out, err = uploader.call("sweep", "--builder", endpoint.id, "--builder-config", uploader.configure(
            user_endpoint_config={"threads": 2}), "--older-than", "1", "--json")
        self.assertEqual(code, 0, out + err)
        said = json.loads(out)
        self.assertEqual(said["objects"], {"bytes": 0, "count": 0})
        self.assertGreater(said["kept"]["count"], 10)

    def test_a_bundle_that_the_operators_policy_refuses(self):
        # The account's own policy would take it.
        stranger = far.Preparer()
        self.addCleanup(stranger.remove)
        account.trust(stranger.policy)
        uploader = self.uploader("stranger", self.allowed[0], stranger, "1.2.0")
        self.assert_refused(uploader, "refused", "nobody whom /etc/sealift/policy.json trusts to prepare has signed",
                            "the builder decides")

    def test_another_function_than_the_allowed_ones_is_not_even_sent(self):
        changed = register_changed_agent()
        cloud.rules([{"path": "*/allowed_functions", "action": "reply", "status": 200, "count": None, "body": {
            "endpoint_id": endpoint.id, "restricted": True, "functions": [changed]}}])
        uploader = self.uploader("own", version="1.3.0")
        self.assert_refused(uploader, "queued", f"endpoint {endpoint.id} runs only functions that its operator allows",
                            changed, "give it as 'function' in the builder configuration")
        self.assertEqual(self.submits(), [])

    def test_a_changed_agent_is_refused_by_the_endpoint_itself(self):
        changed = register_changed_agent()
        # The service does not tell what is allowed there.
        cloud.rules([{"path": "*/allowed_functions", "action": "reply", "status": 404, "count": None}])
        uploader = self.uploader("changed", changed, version="1.4.0")
        self.assert_refused(uploader, "queued",
                            f"endpoint {endpoint.id}: the endpoint does not allow the agent that was sent",
                            changed, "the agent of this release", "'function' in the builder configuration")
        self.assertTrue(self.submits())
        # With the one that is allowed it goes on.
        cloud.rules([])
        uploader.configure(user_endpoint_config={"threads": 2}, function=self.allowed[0])
        code, out, err = uploader.call("run")
        self.assertEqual(code, 0, out + err)
        self.assertEqual(uploader.rows()[0]["receipt"]["enforcement"], "enforced")

    def test_what_a_submitter_may_set_is_not_run(self):
        done = cloud.endpoint_python(pathlib.Path(__file__).with_name("builder_check.py"), agent("template"), agent("template", "--schema"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(len(done.stdout.splitlines()), 12, done.stdout)
        code, out, err = far.Uploader(cloud, preparer, "asks").call("probe", "--builder", endpoint.id, "--json")
        self.assertEqual(code, 0, out + err)
        self.assertTrue(json.loads(out)["site"]["builder"]["host"]["enforced"], out)
        self.assertNotIn("enforces its policy, but", out)

    def test_arguments_that_run_something_are_not_even_read(self):
        inside = account.inside + "/scratch/made"
        pickled = base64.b64encode(pickle.dumps((MakesFolder(inside),))).decode()
        buffers = ["00\n" + pickled + "\n", "11\n{}"]
        answer = ask("POST", f"/v3/endpoints/{endpoint.id}/submit", {
            "tasks": {self.allowed[0]: ["".join("%d\n%s" % (len(one), one) for one in buffers)]},
            "user_endpoint_config": {"threads": 2}})
        task, = answer["tasks"][self.allowed[0]]
        deadline = time.monotonic() + 120
        while (said := ask("GET", f"/v2/tasks/{task}")).get("status") not in ("success", "failed"):
            self.assertLess(time.monotonic(), deadline, said)
            time.sleep(0.5)
        self.assertFalse((account.folder / "scratch/made").exists())
        self.assertEqual(said["status"], "failed", said)
        self.assertIn("disabled by current configuration", json.dumps(said))

    def test_each_submitter_has_a_quota(self):
        site = json.loads((account.folder / "config/site.json").read_text())
        self.addCleanup(account.configure, site)
        account.configure({**site, "quota_each": 1})
        uploader = self.uploader("quota", version="1.4.1")
        code, out, err = uploader.call("run")
        self.assertEqual(code, 0, out + err)
        # One person may use this endpoint, so nobody is mapped: all that comes counts for the same name.
        who, = (account.folder / "data/submitters").iterdir()
        self.assertEqual(who.name, hashlib.sha256(b"None").hexdigest())
        (who / hashlib.sha256(b"filler").hexdigest()).touch()
        filler = account.folder / "data/objects/sha256" / hashlib.sha256(b"filler").hexdigest()[:2]
        filler.mkdir(exist_ok=True)
        filler /= hashlib.sha256(b"filler").hexdigest()
        filler.write_bytes(bytes(1 << 20))
        self.addCleanup(filler.unlink)
        over = self.uploader("over", version="1.4.2")
        code, out, err = over.call("run")
        self.assertNotEqual(code, 0)
        self.assertRegex(out, "takes 1 MiB of objects from each submitter: 1 MiB of yours are there")

    def test_t31_an_operator_demands_an_approval_and_takes_it_back(self):
        work, policy = preparer.folder / "review", json.loads(preparer.policy.read_text())
        work.mkdir()
        reviewer = far.Preparer()
        self.addCleanup(reviewer.remove)
        key = reviewer.folder / "home/config/sealift"
        public = key.with_suffix(".pub").read_text().splitlines()[1]
        policy["keys"].append({"name": "reviewer", "public_key": public, "roles": ["approve"]})
        operate("cat >/etc/sealift/policy.json", json.dumps({**policy, "approvals": 1, "older": "refuse"}).encode())
        self.addCleanup(operate, "cat >/etc/sealift/policy.json; rm -rf /etc/sealift/signatures", preparer.policy.read_bytes())
        uploader = self.uploader("approved", version="1.5.0")
        self.assert_refused(uploader, "refused", "approv")
        bundle, = preparer.small(["1.5.0"])
        preparer.sealift("approve", bundle, "--key", key.with_suffix(".key"), "-C", work)
        words = ["add", bundle, "--builder", endpoint.id, "--runner", "local", "--builder-config",
                 uploader.configure(user_endpoint_config={"threads": 2}, timeout=60), "--signatures", work]
        self.assertEqual(uploader.call(*words)[0], 0)
        self.assertEqual(uploader.call("retry", "1")[0], 0)
        code, out, err = uploader.call("run")
        self.assertEqual(code, 0, out + err)
        receipt = uploader.rows()[0]["receipt"]
        self.assertEqual((receipt["enforcement"], [one["role"] for one in receipt["signers"]]),
                         ("enforced", ["prepare", "approve"]))
        # An older version is refused from now on, approved or not (T40).
        self.before = len(account.launches())
        old, = preparer.small(["1.4.9"])
        preparer.sealift("approve", old, "--key", key.with_suffix(".key"), "-C", work)
        older = far.Uploader(cloud, preparer, "older")
        self.assertEqual(older.call("add", old, *words[2:])[0], 0)
        self.assert_refused(older, "refused", "1.4.9 is older than 1.5.0")
        # What is revoked is refused, wherever it was accepted before.
        preparer.sealift("revoke", bundle, "--key", key.with_suffix(".key"), "-C", work)
        file, = work.glob("*.revoke.minisig")
        operate(f"mkdir /etc/sealift/signatures; cat >/etc/sealift/signatures/{file.name}", file.read_bytes())
        again = far.Uploader(cloud, preparer, "again")
        self.assertEqual(again.call("add", *words[1:-2], "--signatures", self.without(work, file))[0], 0)
        self.assert_refused(again, "refused", "revoked")

    def without(self, folder, file):
        """Another folder with the rest: whoever submits has not heard of the revocation."""
        other = folder.with_name("unaware")
        other.mkdir()
        for one in folder.iterdir():
            if one != file:
                (other / one.name).write_bytes(one.read_bytes())
        return other


if __name__ == "__main__":
    unittest.main()
