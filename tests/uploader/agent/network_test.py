# SPDX-License-Identifier: Apache-2.0
"""What site.json says of package indexes reaches the build, and nothing else of it does.

That the real pip obeys it in a real build, tests/node/pinned_test.sh shows."""
import json
import os
import stat
import unittest

import support
from support import Bundle, sha256

CA = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
CONFIG = """\
[global]
index-url = https://me:canary@mirror.invalid/simple
extra_index_url =
    https://one.invalid/simple
    https://two.invalid/simple
require-hashes = false
target = /elsewhere
no-deps = true
[install]
retries = 1
requirement = /evil.txt
[download]
index-url = https://not.this.invalid/simple
"""


class Network(support.Host):
    def setUp(self):
        super().setUp()
        self.config, self.ca = (os.path.join(self.folder, name) for name in ("pip.conf", "site-ca.pem"))
        self.write(self.config, CONFIG.encode())
        self.write(self.ca, CA)
        # The stand-in looks at what it was given while it is there.
        self.behave("""
            given = os.environ.get("APPTAINERENV_PIP_CONFIG_FILE", "")
            if given:
                folder = os.path.dirname(given)
                seen = {name: open(os.path.join(folder, name)).read() for name in os.listdir(folder)}
                seen["folder"], seen["mode"] = folder, os.stat(folder).st_mode
                json.dump(seen, open(os.path.join(here, "seen"), "w"))
        """)

    def write(self, path, data):
        with open(path, "wb") as file:
            file.write(data)

    def build(self, site, closure="pinned", state="done", **plan):
        self.write_config("site.json", dict(site, scratch=self.scratch))
        bundle = Bundle(self.key, support.plan(**dict(support.CLOSED[closure], **plan)))
        self.assertEqual(closure, json.loads(bundle.manifest)["closure"])
        self.put(bundle.objects())
        self.good(bundle.request())
        self.wait(bundle, state)
        self.bundle = bundle
        return self.launches()[-1]["environment"]

    def receipt(self):
        return self.good({"op": "receipt", "bundle": self.bundle.id})["receipt"]

    def seen(self):
        with open(os.path.join(self.tools, "seen")) as file:
            return json.load(file)

    def test_index_and_certificates_pass_and_the_rest_does_not(self):
        environment = self.build({"pip_config": self.config, "ca_file": self.ca})
        seen = self.seen()
        self.assertEqual(CA.decode(), seen["ca.pem"])
        self.assertEqual(seen["pip.conf"], "[global]\ncert = %s/ca.pem\nextra-index-url = https://one.invalid/simple\n"
                         "    https://two.invalid/simple\nindex-url = https://me:canary@mirror.invalid/simple\nretries = 1\n"
                         % seen["folder"])
        self.assertEqual(0o700, stat.S_IMODE(seen["mode"]))
        self.assertRegex(seen["folder"], r"^(/var)?/tmp/sealift-")
        self.assertFalse(os.path.exists(seen["folder"]))
        for prefix in ("APPTAINERENV_", "SINGULARITYENV_"):
            given = {name[len(prefix):]: value for name, value in environment.items() if name.startswith(prefix)}
            path = seen["folder"] + "/ca.pem"
            self.assertEqual(given, {
                "PIP_CONFIG_FILE": seen["folder"] + "/pip.conf", "SSL_CERT_FILE": path, "REQUESTS_CA_BUNDLE": path,
                "CURL_CA_BUNDLE": path})
        self.assertEqual(seen["folder"] + "/ca.pem", environment["SSL_CERT_FILE"])
        self.assertEqual(self.receipt()["network"], {
            "ca_file": {"path": self.ca, "sha256": sha256(CA)},
            "pip_config": {"path": self.config, "sha256": sha256(CONFIG.encode()),
                           "settings": ["extra-index-url", "index-url", "retries"],
                           "left_out": ["no-deps", "require-hashes", "requirement", "target"]}})

    def test_the_receipt_obeys_its_schema(self):
        try:
            import jsonschema
        except ImportError:
            self.skipTest("this Python has no jsonschema")
        with open(os.path.join(support.ROOT, "specs", "receipt.schema.json")) as file:
            schema = json.load(file)
        self.build({"pip_config": self.config, "ca_file": self.ca})
        jsonschema.validate(self.receipt(), schema)

    def test_t87_a_password_of_the_index_stays_here(self):
        self.build({"pip_config": self.config})
        for at, _, names in os.walk(self.home):
            for name in names:
                with open(os.path.join(at, name), "rb") as file:
                    self.assertNotIn(b"canary", file.read(), os.path.join(at, name))

    def test_a_sealed_bundle_is_given_nothing(self):
        environment = self.build({"pip_config": self.config, "ca_file": self.ca}, closure="sealed")
        self.assertEqual([], [name for name in environment if name.startswith(("APPTAINERENV_", "SSL_"))])
        self.assertNotIn("network", self.receipt())

    def test_without_a_declaration_nothing_is_given(self):
        environment = self.build({})
        self.assertEqual([], [name for name in environment if name.startswith("APPTAINERENV_")])
        self.assertNotIn("network", self.receipt())

    def test_the_certificates_that_the_configuration_names(self):
        self.write(self.config, b"[global]\ncert = site-ca.pem\n")
        self.build({"pip_config": self.config})
        self.assertEqual(CA.decode(), self.seen()["ca.pem"])
        self.assertEqual(self.ca, self.receipt()["network"]["ca_file"]["path"])

    def test_certificates_alone(self):
        self.build({"ca_file": self.ca})
        self.assertEqual("[global]\ncert = %s/ca.pem\n" % self.seen()["folder"], self.seen()["pip.conf"])
        self.assertEqual(["ca_file"], list(self.receipt()["network"]))

    def test_files_that_cannot_be_used_stop_the_build_before_it_starts(self):
        absent = os.path.join(self.folder, "absent")
        large, rubbish = os.path.join(self.folder, "large"), os.path.join(self.folder, "rubbish")
        self.write(large, b"#" * ((1 << 20) + 1))
        self.write(rubbish, b"no = section\n\xff")
        for site, kind, pattern in (
                ({"pip_config": absent}, "io", "absent', the pip_config of site.json: No such file"),
                ({"ca_file": absent}, "io", "absent', the ca_file of site.json: No such file"),
                ({"ca_file": self.config}, "input", "holds no certificate"),
                ({"ca_file": large}, "limit", "larger than"), ({"pip_config": rubbish}, "input", "cannot be read"),
                ({"pip_config": "relative"}, "input", "an absolute path")):
            with self.subTest(site=site):
                self.write_config("site.json", {"scratch": self.scratch})
                bundle = Bundle(self.key, support.plan(**support.CLOSED["pinned"]))
                self.put(bundle.objects())
                self.write_config("site.json", dict(site, scratch=self.scratch))
                self.refused(bundle.request(), kind, pattern)
        self.assertEqual(([], []), (self.launches(), self.leftovers()))

    def test_a_folder_of_a_dead_call_is_removed_by_the_next(self):
        self.write_config("site.json", {"ca_file": self.ca, "scratch": self.scratch})
        self.behave("""
            if not os.path.exists(os.path.join(here, "once")):
                open(os.path.join(here, "once"), "w").write(os.environ["APPTAINERENV_PIP_CONFIG_FILE"])
                os.kill(os.getppid(), signal.SIGKILL)
                sys.exit(1)
        """)
        self.build({"ca_file": self.ca}, state="interrupted")
        with open(os.path.join(self.tools, "once")) as file:
            folder = os.path.dirname(file.read())
        self.assertTrue(os.path.isdir(folder))
        self.good(self.bundle.request())
        self.wait(self.bundle, "done")
        self.assertFalse(os.path.exists(folder))

    def test_what_would_help_is_said(self):
        for printed, member in (("SSLError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]')", "ca_file"),
                                ("ERROR: No matching distribution found for click==8", "pip_config")):
            self.behave("print(%r)\nsys.exit(255)" % printed)
            self.build({}, state="failed", description=member)
            state = self.good({"op": "state", "bundle": self.bundle.id})
            self.assertIn("'%s' in site.json" % member, state["error"]["hint"])


if __name__ == "__main__":
    unittest.main()
