# SPDX-License-Identifier: Apache-2.0
"""What tests of the Python package share: the package, a home, and clients as two SDKs make them."""
import json
import logging
import os
import pathlib
import sys
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests/uploader"), str(ROOT / "uploader/python")]
import line  # noqa: E402
import custom_image_builder  # noqa: E402
from custom_image_builder import build_and_register_container  # noqa: E402

ENDPOINT = "4b116d3c-1703-4f8f-9f6f-39921e5864df"
CANARY = "Ag-canary-2c9e1f8b7d6a5e4f3c2b1a0"


class Authorizer:
    """Of globus_sdk: what a service client asks before each request."""

    def __init__(self, header=f"Bearer {CANARY}"):
        self.header = header

    def get_authorization_header(self):
        if isinstance(self.header, Exception):
            raise self.header
        return self.header


class App:
    """A GlobusApp."""

    def __init__(self, authorizer):
        self.servers = {"funcx_service": authorizer}

    def get_authorizer(self, resource_server):
        return self.servers[resource_server]


class Client4:
    """globus_compute_sdk 4: an app or an authorizer, the other is None."""

    def __init__(self, app=None, authorizer=None, service="http://localhost:9"):
        self.app, self.authorizer, self.web_service_address = app, authorizer, service


class Client2:
    """globus_compute_sdk 2.2.0: a login manager, and the web client that it has made."""

    def __init__(self, authorizer, keeps_web_client=True):
        self.login_manager = mock.Mock(spec=["ensure_logged_in", "logout", "get_auth_client", "get_web_client"])
        self.login_manager.get_web_client.side_effect = lambda *, base_url: mock.Mock(
            spec=["authorizer", "base_url"], authorizer=authorizer, base_url=base_url)
        self.funcx_service_address = "http://localhost:9/v2"
        if keeps_web_client:
            self.web_client = self.login_manager.get_web_client(base_url=self.funcx_service_address)

    def register_container(self, location, container_type):
        raise AssertionError("the programs register, not the client")


class Case(line.Line):
    """Calls the package as one person on one machine, and sees what it leaves."""

    def setUp(self):
        super().setUp()
        self.example = self.shared / "example"
        patch = mock.patch.dict(os.environ, dict(self.host.env, SEALIFT=line.SEALIFT, SEALIFT_UPLOAD=line.UPLOAD),
                                clear=True)
        patch.start()
        self.addCleanup(patch.stop)
        scratch = mock.patch("tempfile.tempdir", None)  # TMPDIR is asked again
        scratch.start()
        self.addCleanup(scratch.stop)
        self.heard = []
        handler = logging.Handler()
        handler.emit = lambda record: self.heard.append(record.getMessage())
        log = logging.getLogger("custom_image_builder")
        log.setLevel(logging.INFO)
        log.addHandler(handler)
        self.addCleanup(log.removeHandler, handler)

    @property
    def sealed(self):
        """Arguments of an image that can be built."""
        return dict(endpoint_id="local", image_file_name="my-image", base_image_type="localimage",
                    base_image=self.example / "base.sif", pip_packages=["alpha"],
                    lock=self.example / "requirements.lock", wheelhouse=self.example / "wheels",
                    target={"python": "3.11.2", "glibc": "2.36"})

    def build(self, client=None, **changes):
        return build_and_register_container(client, **{**self.sealed, **changes})

    def fails(self, kind, client=None, exception=custom_image_builder.ImageBuilderException, **changes):
        with self.assertRaises(exception) as caught:
            self.build(client, **changes)
        self.assertEqual(caught.exception.kind, kind, caught.exception)
        self.assertEqual(caught.exception.message, str(caught.exception))
        self.assert_nothing_left()
        return caught.exception

    def left(self):
        return sorted(os.listdir(self.host.folder / "scratch"))

    def assert_nothing_left(self):
        self.assertEqual(self.left(), [])

    def no_builds(self, line="no space left"):
        self.host.tool("apptainer", f"""#!/bin/sh
case $1 in --version) echo apptainer version 1.4.5 ;; *) echo '{line}' >&2; exit 3 ;; esac
""")

    def recorder(self, answer=None, code=0):
        """A sealift-upload that writes down how it was called, and tells its secrets to everyone."""
        path = self.host.folder / "recorder"
        path.write_text(f"""#!{sys.executable}
import json, os, stat, sys
words, seen = sys.argv[1:], {{}}
if words[0] == "push":
    seen = {{"words": words, "environment": dict(os.environ)}}
    token = ""
    if "--token-file" in words:
        file = words[words.index("--token-file") + 1]
        seen["mode"] = stat.S_IMODE(os.stat(file).st_mode)
        seen["folder_mode"] = stat.S_IMODE(os.stat(os.path.dirname(file)).st_mode)
        seen["file"] = json.load(open(file))
        token = seen["file"]["access_token"]
    json.dump(seen, open({str(path)!r} + ".json", "w"))
    print("sealift-upload: it is", token, file=sys.stderr)
    answer = {answer!r}
    if answer:
        print(json.dumps(answer).replace("TOKEN", token))
    sys.exit({code})
print(json.dumps({{"submissions": []}}))
""")
        path.chmod(0o755)
        os.environ["SEALIFT_UPLOAD"] = str(path)
        return lambda: json.loads(pathlib.Path(f"{path}.json").read_text())
