# SPDX-License-Identifier: Apache-2.0
"""registration_check.py REGISTRATION FOLDER IMAGE: runs in the endpoint's own venv and asks the
unmodified globus-compute-endpoint package what it makes of a registration's files."""
import json
import os
import pathlib
import subprocess
import sys

from globus_compute_endpoint.endpoint.config.utils import load_config_yaml, load_user_config_schema

REGISTRATION, FOLDER = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
IMAGE = sys.argv[3]
TEMPLATE = REGISTRATION / "user_config_template.yaml.j2"
SCHEMA = REGISTRATION / "user_config_schema.json"
VALUES = REGISTRATION / "user_endpoint_config.json"


def endpoint(*words, values=None):
    return subprocess.run(["globus-compute-endpoint", "-c", str(FOLDER), *map(str, words)], text=True,
                          input=values or "", capture_output=True, timeout=120)


def render(values):
    return endpoint("render-user-config", "-e", "ep", "-o", "-", values=json.dumps(values))


def engine_of(text):
    config = load_config_yaml(text)
    engine = config.engine
    try:
        return engine.container_type, engine.container_uri, engine.container_cmd_options
    finally:
        engine.shutdown()


def main():
    done = endpoint("configure", "ep", "--template-config", TEMPLATE, "--schema-config", SCHEMA)
    assert done.returncode == 0, done.stdout + done.stderr
    for path in (TEMPLATE, SCHEMA):
        assert (FOLDER / "ep" / path.name).read_bytes() == path.read_bytes(), path.name
    assert load_user_config_schema(FOLDER / "ep" / SCHEMA.name)["type"] == "object"

    values = json.loads(VALUES.read_text())
    assert values == {"image": IMAGE}, values
    done = render(values)
    assert done.returncode == 0, done.stdout + done.stderr
    assert engine_of(done.stdout) == ("apptainer", IMAGE, ""), done.stdout + done.stderr
    done = render({"image": IMAGE, "options": "--unsquash --bind /scratch"})
    assert engine_of(done.stdout) == ("apptainer", IMAGE, "--unsquash --bind /scratch"), done.stdout + done.stderr
    done = render({})
    assert engine_of(done.stdout)[:2] == (None, None), done.stdout + done.stderr
    for bad in ({"image": "relative.sif"}, {"image": "/a b.sif"}, {"image": 1}, {"img": IMAGE},
                {"image": IMAGE, "options": "; reboot"}):
        done = render(bad)
        assert done.returncode != 0, f"{bad} was taken: {done.stdout}"
    os.unlink(FOLDER / "ep" / TEMPLATE.name)
    assert render(values).returncode != 0, "rendered without the registration's template"


if __name__ == "__main__":
    main()
