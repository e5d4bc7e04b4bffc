# SPDX-License-Identifier: Apache-2.0
"""The seed's story with today's endpoints: a bundle is made where there is no network, queued, and
delivered, built and registered through a real Globus Compute endpoint when there is one; then an
unmodified SDK runs transform() inside the image, on another endpoint.

SEALIFT_OLD names a folder that `old` has made: then endpoints, SDK and the image's worker are of that release."""
import json
import os
import pathlib
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


if __name__ == "__main__":
    unittest.main()
