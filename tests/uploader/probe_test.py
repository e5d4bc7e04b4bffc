#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""probe with builders on this machine, by the real agent; agent show; what needs no service."""
import hashlib
import json
import os
import pathlib
import re
import sys
import unittest

import jsonschema

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import line  # noqa: E402
import service  # noqa: E402

AGENT = line.ROOT / "uploader/agent/sealift_agent.py"
SCHEMA = json.loads((line.ROOT / "specs/site.schema.json").read_text())


def check(site):
    jsonschema.Draft202012Validator(SCHEMA).validate(site)


class Probe(line.Line):
    def probe(self, *words, **more):
        return self.host.call("probe", "--builder", "local", "--builder-config", self.host.builder, *words, **more)

    def site(self, name="x.site.json"):
        return json.loads((self.host.folder / "work" / name).read_text())

    def test_a_builder_here_becomes_a_site_file(self):
        self.host.env["https_proxy"] = "http://canary:canary@proxy.example:3128"
        code, out, err = self.probe("-o", "x.site.json")
        self.assertEqual(code, 0, err)
        site = self.site()
        check(site)
        self.assertEqual(site["builder"]["id"], "local")
        host = site["builder"]["host"]
        self.assertEqual(host["machine"], os.uname().machine)
        self.assertEqual(host["store"], str(self.host.home / "data"))
        self.assertEqual(host["policy"], str(self.host.home / "config/policy.json"))
        self.assertEqual(host["proxies"], ["https_proxy"])
        self.assertFalse(host["enforced"])
        self.assertNotIn("store", site)
        self.assertNotIn("canary", (self.host.folder / "work/x.site.json").read_text() + out + err)
        self.assertIn(host["apptainer_version"], out)
        self.assertEqual(os.stat(self.host.folder / "work/x.site.json").st_mode & 0o777, 0o644)

    def test_the_same_agent_twice_shares_its_store_and_leaves_no_object(self):
        code, out, err = self.probe("--runner", "local", "--runner-config", self.host.builder,
                                    "-o", "x.site.json", "--json")
        self.assertEqual(code, 0, err)
        report = json.loads(out)
        self.assertEqual((report["sealift_probe"], report["file"]), (1, "x.site.json"))
        self.assertEqual(report["site"], self.site())
        self.assertEqual(report["site"]["store"], "shared")
        check(report["site"])
        self.assertEqual([name for name in self.host.tree("data", "objects") if len(name) > 60], [])

    def test_accounts_with_stores_of_their_own_are_told_apart(self):
        other = self.new_home("two")
        launcher = ["env", f"SEALIFT_HOME={other.home}", "python3"]
        config = pathlib.Path(self.folder, "runner.json")
        config.write_text(json.dumps({"launcher": launcher, "user_endpoint_config": {"partition": "gpu"}}))
        code, out, err = self.probe("--runner", "local", "--runner-config", config, "-o", "x.site.json")
        self.assertEqual(code, 0, err)
        self.assertEqual(self.site()["store"], "not-shared")
        self.assertIn("store: not-shared", out)
        self.assertIn("- builder and runner do not have the same store", out)
        check(self.site())

    def test_what_is_missing_is_said(self):
        os.unlink(self.host.home / "config/policy.json")
        code, out, err = self.probe()
        self.assertEqual(code, 0, err)
        self.assertIn("missing:\n- nothing would be built on the builder now: no policy on this host", out)
        self.assertIn("sealift trust add", out)

    def test_a_builder_out_of_reach_is_a_failure_that_writes_nothing(self):
        (self.host.folder / "work/x.site.json").write_text("older")
        self.host.configure(["/nonexistent/python3"])
        code, out, err = self.probe("-o", "x.site.json")
        self.assertEqual((code, out), (5, ""), err)
        self.assertIn("the builder 'local' told nothing about itself", err)
        self.assertEqual((self.host.folder / "work/x.site.json").read_text(), "older")
        self.assertEqual(os.listdir(self.host.folder / "work"), ["x.site.json"])

    def test_t74_a_full_disk_leaves_nothing(self):
        code, out, err = self.probe("-o", "/dev/full")
        self.assertEqual((code, out), (5, ""), err)
        code, out, err = self.probe("-o", "no/such/x.site.json")
        self.assertEqual((code, out), (5, ""), err)

    def test_usage(self):
        for words, said in ((["probe"], "whom?"),
                            (["probe", "--builder", "remote"], "'remote' is neither"),
                            (["probe", "--builder", "local", "--runner-config", "x"], "--runner-config needs"),
                            (["agent", "show", "--source", "--json"], "exclude each other")):
            with self.subTest(words):
                code, out, err = self.host.call(*words)
                self.assertEqual((code, out), (2, ""))
                self.assertIn(said, err)


class Endpoint(line.Line):
    """An endpoint of a compute service, whose tasks are the real agent."""

    def setUp(self):
        super().setUp()
        self.runner = self.new_home("two")
        self.service = service.Service(AGENT, self.runner.env)
        self.addCleanup(self.service.close)
        self.token = pathlib.Path(self.folder, "token")
        self.token.write_text(service.TOKEN + "\n")
        self.token.chmod(0o600)

    def call(self, *words):
        return self.host.call(*words, "--compute-url", self.service.url, "--auth-url", self.service.url,
                              "--token-file", self.token)

    def probe(self, *words):
        return self.call("probe", "--runner", service.ENDPOINT, "-o", "x.site.json", *words)

    def site(self):
        site = json.loads((self.host.folder / "work/x.site.json").read_text())
        check(site)
        return site

    def test_a_runner_is_its_endpoint_and_its_host(self):
        config = pathlib.Path(self.folder, "runner.json")
        config.write_text(json.dumps({"user_endpoint_config": {"partition": "gpu"}}))
        code, out, err = self.probe("--runner-config", config)
        self.assertEqual(code, 0, err)
        runner = self.site()["runner"]
        self.assertEqual(runner["id"], service.ENDPOINT)
        self.assertEqual(runner["endpoint"], {"name": "big", "version": "4.19.0", "python": "3.14.10", "template": True,
                                              "user_endpoint_config": {"partition": "gpu"}})
        self.assertEqual(runner["host"]["store"], str(self.runner.home / "data"))
        self.assertEqual(self.service.authorizations, {"Bearer " + service.TOKEN})
        self.assertNotIn(service.TOKEN, out + err + (self.host.folder / "work/x.site.json").read_text())

    def test_builder_and_runner_of_one_account_share_their_store(self):
        self.host.configure(["env", f"SEALIFT_HOME={self.runner.home}", "python3"])
        code, out, err = self.probe("--builder", "local", "--builder-config", self.host.builder)
        self.assertEqual((code, self.site()["store"]), (0, "shared"), out + err)
        self.host.configure()
        code, out, err = self.probe("--builder", "local", "--builder-config", self.host.builder)
        self.assertEqual((code, self.site()["store"]), (0, "not-shared"), out + err)

    def test_a_runner_that_runs_other_functions_only_is_known_by_its_service(self):
        self.service.allowed.update(restricted=True, functions=["66666666-7777-4888-9999-aaaaaaaaaaaa"])
        code, out, err = self.probe()
        self.assertEqual(code, 0, err)
        self.assertNotIn("host", self.site()["runner"])
        self.assertEqual(self.site()["runner"]["endpoint"]["version"], "4.19.0")
        self.assertIn("- the runner's agent did not answer: ", out)

    def test_an_endpoint_that_is_not_there_is_a_failure(self):
        code, out, err = self.call("probe", "--runner", "99999999-2222-4333-8444-555555555555", "-o", "x.site.json")
        self.assertEqual((code, out), (3, ""), err)
        self.assertEqual(os.listdir(self.host.folder / "work"), [])

    def test_the_agent_is_registered_in_both_forms(self):
        code, out, err = self.call("agent", "register")
        self.assertEqual(code, 0, err)
        digest = hashlib.sha256(AGENT.read_bytes()).hexdigest()
        self.assertIn(digest, out.splitlines()[0])
        self.assertEqual(out.splitlines()[1], "allowed_functions:")
        forms = dict(re.findall(r"(?m)^  - (\S+)  # form (\S+),", out))
        self.assertEqual(forms, {name: one["meta"]["serde_identifier"] for name, one in self.service.functions.items()})
        self.assertEqual(sorted(forms.values()), ["04", "st"])
        for one in self.service.functions.values():
            self.assertTrue(one["public"])
        value = json.loads(self.call("agent", "register", "--json")[1])
        self.assertEqual((value["sha256"], len(value["functions"])), (digest, 2))
        self.assertFalse((self.host.home / "state").exists())

    def test_a_service_that_refuses_the_agent_is_quoted(self):
        self.service.fault["/v3/functions"] = (403, {"code": "FUNCTION_NOT_PERMITTED", "detail": "not you"})
        code, out, err = self.call("agent", "register")
        self.assertEqual((code, out), (4, ""), err)
        self.assertIn("not you", err)


class AgentShow(line.Line):
    def test_it_is_the_agent_of_the_source_tree(self):
        digest = hashlib.sha256(AGENT.read_bytes()).hexdigest()
        code, out, err = self.host.call("agent", "show")
        self.assertEqual((code, err), (0, ""))
        self.assertIn(digest, out)
        value = json.loads(self.host.call("agent", "show", "--json")[1])
        self.assertEqual((value["sealift_agent"], value["sha256"], value["size"]),
                         (1, digest, AGENT.stat().st_size))
        self.assertEqual(self.host.call("agent", "show", "--source")[1], AGENT.read_text())
        self.assertFalse((self.host.home / "state").exists())

    def test_t74_a_full_disk_is_an_error(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            code, _, err = self.host.call("agent", "show", "--source", capture_output=False, stdout=full,
                                          stderr=line.subprocess.PIPE)
        self.assertEqual(code, 5)
        self.assertIn("standard output", err.lower().replace("stdout", "standard output"))


if __name__ == "__main__":
    unittest.main()
