# SPDX-License-Identifier: Apache-2.0
"""An operator who has nothing but a bundle and a Python of its minor version: endpoint/bootstrap.sh makes the
environment and the configuration of both endpoints, where there is no network, and starts them. Then the
seed's story: queued, delivered, built by Apptainer, registered, and transform() in the image.

SEALIFT_OLD names a folder that `old` has made, of a release since 3.0.0: then the bundle is that one's, and
the operator was brought its folder endpoint alone, and wheels."""
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import time
import unittest

import far
import globus

OLD = os.environ.get("SEALIFT_OLD")
BINDS = [(os.path.join(globus.node_folder(), "base"), "/opt/debian12")]
OPTIONS = ["--python", "/opt/debian12/usr/bin/python3.11"]
if OLD:
    BINDS.append((os.path.join(OLD, "example", "wheels"), "/opt/wheels"))
    OPTIONS += ["--wheels", "/opt/wheels"]
FILES = ("config.yaml", "user_config_template.yaml.j2", "user_config_schema.json")


def setUpModule():
    global cloud, account, preparer, bundle, operator
    cloud, account, preparer = globus.Cloud(OLD), far.Account(), far.Preparer()
    for one in (preparer.remove, account.remove, cloud.close):
        unittest.addModuleCleanup(one)
    account.trust(preparer.policy)
    bundle = preparer.pandas(OLD)
    operator = Operator()


class Operator:
    """Somebody with an account on the endpoints' machine, who has laid the bundle out."""

    def __init__(self):
        unpacked = account.folder / "bundle"
        preparer.sealift("extract", bundle, "-C", unpacked)
        if OLD:
            shutil.rmtree(unpacked / "blobs")
        give(unpacked)
        self.brought = unpacked / "endpoint"
        self.script = f"{account.inside}/bundle/endpoint/bootstrap.sh"
        self.folder = pathlib.Path(cloud.home)
        self.inside = "/home/node/" + self.folder.name
        self.venv = self.inside + "/builder/venv"
        self.environment = {"PATH": "/usr/bin:/bin", "GLOBUS_COMPUTE_USER_DIR": self.inside}

    def bootstrap(self, *words):
        """Exit code, stdout, stderr; in the namespace, where no index answers."""
        command = ["sh", str(far.HERE / "enter")]
        for name, value in self.environment.items():
            command += ["--env", f"{name}={value}"]
        for here, there in BINDS:
            command += ["--bind", here, there]
        done = subprocess.run(cloud.namespace.command([*command, "sh", self.script, *words]), text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600)
        return done.returncode, done.stdout, done.stderr

    def start(self, name):
        """The endpoint as bootstrap.sh itself starts it. Only where the service is comes from the test."""
        environment = {**self.environment, **account.environment}
        if OLD:  # releases before 4.5 give user endpoints this and nothing else
            file = self.folder / name / "user_environment.yaml"
            file.parent.mkdir(exist_ok=True)
            file.write_text(json.dumps({**environment, "PATH": self.venv + "/bin:/usr/bin:/bin"}))
            give(file.parent)
        by = ["env", "GLOBUS_SDK_ENVIRONMENT=local", "sh", self.script, "--name", name, "--venv", self.venv, "--start"]
        return cloud.start_endpoint(name, environment=environment, by=by, binds=BINDS)

    def listing(self):
        """All that lies in the folder of endpoints: mode, owner, time, and what is in it."""
        return {str(path.relative_to(self.folder)): describe(path) for path in self.folder.rglob("*")}


def give(path):
    subprocess.run(["chown", "-R", f"{globus.NODE_UID}:{globus.NODE_UID}", path], check=True)


def describe(path):
    status = path.lstat()
    content = os.readlink(path) if path.is_symlink() else \
        hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
    return status.st_mode, status.st_uid, status.st_mtime_ns, content


def differing(before, after):
    """Names, and not 5000 of them."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))[:20]


class Bootstrap(unittest.TestCase):
    def test_from_the_bundles_own_environment_to_transform_in_the_image(self):
        self.refuse_another_python()
        self.write_policy()
        made = self.make()
        if not OLD:
            self.hold_against_transcript()
        builder, runner = operator.start("builder"), operator.start("runner")
        schema = json.loads((operator.brought / "user_config_schema.json").read_text())
        version = re.search(r"(?m)^globus-compute-endpoint==(\S+)", (operator.brought / "requirements.txt").read_text())[1]
        for endpoint in builder, runner:
            self.check_endpoint(endpoint, version, schema)
        image, values = self.deliver(builder, runner)
        result = self.transform(runner, values)
        self.assertEqual((result["said"], result["prefix"], result["image"]),
                         ("Successfully created df", "/opt/venv", image))
        self.run_again()
        files = {name: value for name, value in operator.listing().items() if name in made and value[3] != "folder"}
        self.assertEqual(differing({name: made[name] for name in made if made[name][3] != "folder"}, files), [])
        print(json.dumps(dict(result, endpoint=version)), file=sys.stderr)

    def write_policy(self):
        """The README's line, by the operator, where there is a sealift: what it writes judges here."""
        lines = re.search(r"\n## Run a builder endpoint\n.*?```sh\n(.*?)```", (far.ROOT / "README.md").read_text(), re.S)[1]
        line, = [one.split("#")[0].strip() for one in lines.replace("\\\n", " ").splitlines()]
        words = shlex.split(line)
        self.assertEqual(words[:3], ["sealift", "policy", "init"])
        folder = preparer.folder / "operator"
        folder.mkdir()
        reviewer = far.Preparer()
        self.addCleanup(reviewer.remove)
        for person, name in ((preparer, "preparer.pub"), (reviewer, "reviewer.pub")):
            shutil.copy(person.folder / "home/config/sealift.pub", folder / name)
        done = subprocess.run([far.SEALIFT, *words[1:]], cwd=folder, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.said = "$ " + " ".join(words) + "\n" + done.stdout
        json.loads((folder / "policy.json").read_text())

    def hold_against_transcript(self):
        """What an operator sees, without paths, numbers and times of this run. SEALIFT_WRITE_TRANSCRIPT=1 writes
        it instead."""
        said, path = self.said, far.ROOT / "tests/cases/operator.txt"
        for pattern, name in ((re.escape(operator.inside), "/home/node/.globus_compute"), (r"\b[0-9a-f]{16}…", "FINGERPRINT…"),
                              (r"(?m)^((Looking in|Processing|Installing|Successfully| +(Attempt|Found|Unin|Succ)).*)?\n", "")):
            said = re.sub(pattern, name, said)
        if os.environ.get("SEALIFT_WRITE_TRANSCRIPT"):
            path.write_text(said)
        self.assertEqual(said, path.read_text())

    def refuse_another_python(self):
        code, out, err = operator.bootstrap("--name", "builder")
        self.assertEqual((code, out), (1, ""))
        self.assertRegex(err, r"^bootstrap.sh: 'python3' is Python 3\.\d+, the packages are locked for 3\.11; .*--python")
        self.assertEqual(operator.listing(), {})

    def make(self):
        """A first run makes everything, a second one nothing."""
        began = time.monotonic()
        code, out, err = operator.bootstrap("--name", "builder", *OPTIONS)
        self.assertEqual((code, err), (0, ""), out)
        self.said += "$ sh unpacked/endpoint/bootstrap.sh --name builder " + " ".join(OPTIONS) + "\n" + out
        print("bootstrap.sh: %.0f s" % (time.monotonic() - began), file=sys.stderr)
        for name in FILES:
            self.assertEqual((operator.folder / "builder" / name).read_bytes(), (operator.brought / name).read_bytes())
        made = operator.listing()
        self.assertGreater(len(made), 1000)
        self.run_again()
        self.assertEqual(differing(made, operator.listing()), [])
        return made

    def run_again(self):
        code, out, err = operator.bootstrap("--name", "builder", *OPTIONS)
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"^ready; to start it: [^\n]+ start 'builder'\n$")

    def check_endpoint(self, endpoint, version, schema):
        """What runs is Debian 12's Python with the environment that was made; what the service was told is the
        release of the lock, and the bundle's schema."""
        process = pathlib.Path("/proc", str(endpoint.process.pid))
        self.assertTrue(os.readlink(process / "exe").endswith("/python3.11"))
        self.assertIn(operator.folder.name + "/builder/venv/lib/python3.11/site-packages/", (process / "maps").read_text())
        done = cloud.sdk(str(far.HERE / "sdk_steps.py"), "status", endpoint.id)
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual((told["status"], told["version"], told["schema"]), ("online", version, schema))

    def deliver(self, builder, runner):
        """Path of the image, and what the Executor is to be told."""
        uploader = far.Uploader(cloud, preparer, "bootstrap")
        code, out, err = uploader.call("add", bundle, "--builder", builder.id, "--runner", runner.id, "--builder-config",
                                       uploader.configure(user_endpoint_config={"workers": 1}))
        self.assertEqual(code, 0, err)
        code, out, err = uploader.call("run")
        self.assertEqual(code, 0, out + err + builder.log() + cloud.log("builder") + cloud.log("service"))
        row = uploader.rows()[0]
        self.assertEqual((row["state"], row["runner_sees"]), ("done", "yes"))
        receipt = row["receipt"]
        self.assertEqual((receipt["closure"], receipt["packages"]["differences"]), ("sealed", []))
        print(receipt["builder"]["version"], file=sys.stderr)
        values = json.loads((pathlib.Path(row["registration"]) / "user_endpoint_config.json").read_text())
        return receipt["image"]["path"], values

    def transform(self, runner, values):
        done = cloud.sdk(str(far.HERE / "seed_transform.py"), runner.id, json.dumps({"user_endpoint_config": values}),
                         timeout=200)
        self.assertEqual(done.returncode, 0, done.stderr + runner.log() + cloud.log("runner"))
        return json.loads(done.stdout)


if __name__ == "__main__":
    unittest.main()
