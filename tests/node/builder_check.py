# SPDX-License-Identifier: Apache-2.0
"""builder_check.py TEMPLATE SCHEMA (the texts): runs in the endpoint's own venv and asks the unmodified
globus-compute-endpoint package what it makes of the files of `agent template`, for several people."""
import json
import pathlib
import pwd
import sys
import tempfile
import uuid

from globus_compute_endpoint.endpoint.config.utils import load_config_yaml, render_config_user_template
from globus_compute_endpoint.endpoint.identity_mapper import MappedPosixIdentity

TEMPLATE, SCHEMA = sys.argv[1], json.loads(sys.argv[2])
PEOPLE = [uuid.UUID(int=1), uuid.UUID(int=2), None]
REFUSED = [{"worker_init": "reboot"}, {"image": "/x.sif"}, {"options": "--bind /"}, {"scheduler_options": "x"}, {"threads": "2"},
           {"threads": 65}, {"threads": 0}, {"threads": 2.5}, {"who": "x"}, {"mapped_identity": {}}, {"_GC": {}}, {"partition": "x"}]


def render(person, values):
    mapped = MappedPosixIdentity(local_user_record=pwd.getpwuid(0), matched_identity=person, globus_identity_candidates=[])
    with tempfile.TemporaryDirectory() as folder:
        return render_config_user_template(
            parent_config=None, user_config_template=TEMPLATE, mapped_identity=mapped, user_config_schema=SCHEMA,
            user_config_template_path=pathlib.Path(folder) / "user_config_template.yaml.j2", user_opts=values, user_runtime={})


for one in PEOPLE:
    engine = load_config_yaml(render(one, {"threads": 3})).engine
    try:
        assert engine.executor.provider.worker_init.endswith(f"export SEALIFT_SUBMITTER={one}"), engine.executor.provider.worker_init
        assert engine.executor.max_workers_per_node == 3 and engine.container_type is None
    finally:
        engine.shutdown()
for values in REFUSED:
    try:
        text = render(PEOPLE[0], values)
    except Exception as problem:
        print(values, type(problem).__name__)
    else:
        raise SystemExit(f"{values} was taken:\n{text}")
