# SPDX-License-Identifier: Apache-2.0
"""The seed's story with today's endpoints: a bundle is made where there is no network, queued, and
delivered, built and registered through a real Globus Compute endpoint when there is one; then an
unmodified SDK runs transform() inside the image, on another endpoint.

SEALIFT_OLD names a folder that `old` has made: then endpoints, SDK and the image's worker are of that release."""
import json
import os
import pathlib
import re
import sys
import unittest

import far
import globus

OLD = os.environ.get("SEALIFT_OLD")


def setUpModule():
    global cloud, account, preparer
    cloud, account, preparer = globus.Cloud(OLD), far.Account(), far.Preparer()
    for one in (preparer.remove, account.remove, cloud.close):
        unittest.addModuleCleanup(one)
    account.trust(preparer.policy)
    for name in ("builder", "runner"):
        cloud.start_endpoint(name, environment=account.environment)


class Seed(unittest.TestCase):
    def test_from_an_offline_bundle_to_transform_in_the_image(self):
        builder, runner = (cloud.endpoints[name].id for name in ("builder", "runner"))
        uploader = far.Uploader(cloud, preparer, "seed")
        words = ["--builder-config", uploader.configure(user_endpoint_config={"threads": 2})] \
            if cloud.release.takes_configurations else ["--container-service"]
        code, out, err = uploader.call("add", preparer.pandas(OLD), "--builder", builder, "--runner", runner, *words)
        self.assertEqual(code, 0, err)
        code, out, err = uploader.call("run")
        self.assertEqual(code, 0, out + err + cloud.log("builder") + cloud.log("service"))
        row = uploader.rows()[0]
        self.assertEqual((row["state"], row["runner_sees"]), ("done", "yes"))
        image = row["receipt"]["image"]["path"]
        if cloud.release.takes_configurations:
            values = json.loads((pathlib.Path(row["registration"]) / "user_endpoint_config.json").read_text())
            where = {"user_endpoint_config": values}
        else:
            where = {"container_id": row["container"]}
        done = cloud.sdk(str(far.HERE / "seed_transform.py"), runner, json.dumps(where), timeout=200)
        self.assertEqual(done.returncode, 0, done.stderr + cloud.log("runner"))
        result = json.loads(done.stdout)
        self.assertEqual(result["said"], "Successfully created df")
        self.assertEqual((result["prefix"], result["image"]), ("/opt/venv", image))
        versions = {one["version"] for one in cloud.state()["endpoints"]}
        self.assertEqual(versions, {result["sdk"]})
        if OLD:
            self.assertEqual(versions, {pathlib.Path(OLD).name})
        print(json.dumps(dict(result, endpoint=versions.pop())), file=sys.stderr)

    def test_the_predecessors_script(self):
        """Word for word with its SDK of then; with one of now its Executor is told of the image in another way.
        What it does not say of base image and packages is kept in a file of the preparer's."""
        script = preparer.folder / "seed_script.py"
        text = (far.HERE / "seed_script.py").read_text()
        if cloud.release.takes_configurations:
            self.assertEqual(text.count("container_id=container_id)"), 1)
            text = text.replace("container_id=container_id)", "**container_id.executor_args())")
        script.write_text(text)
        example = preparer.example(OLD)
        target = re.search(r'python: "(.+)"(?:.*\n)+?.*glibc: "(.+)"', (example / "pandas.yaml").read_text())
        presets = preparer.folder / "home/config/image_builder.json"
        presets.write_text(json.dumps({"sealift_image_builder": 1, "base_images": {"docker://python:3": {
            "base_image_type": "localimage", "base_image": str(example / "base.sif"),
            "target": {"python": target[1], "glibc": target[2]}, "lock": str(example / "requirements.lock"),
            "wheelhouse": str(example / "wheels")}}}))
        done = cloud.sdk_here(script, cloud.endpoints["builder"].id, environment=preparer.env,
                              packages=[far.ROOT / "uploader/python"])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr + cloud.log("builder"))
        first, second = done.stdout.splitlines()
        self.assertRegex(first, "^The container id is [0-9a-f-]{36,64}$")
        self.assertRegex(second, r"^Successfully created df in /\S+\.sif$")


if __name__ == "__main__":
    unittest.main()
