# SPDX-License-Identifier: Apache-2.0
"""What differs between releases of Globus Compute for somebody who starts their endpoints and SDKs."""
import glob
import json
import os

USER_DIR = "/home/node/"
SERVICE_V2 = "http://localhost:5000/v2"

# Workers of 2.x are started for each container that a function names; nobody sends a configuration.
ENGINE_2 = {"max_workers_per_node": 1, "worker_mode": "singularity_reuse", "scheduler_mode": "soft",
            "container_type": "singularity", "address": "127.0.0.1",
            "provider": {"type": "LocalProvider", "init_blocks": 1, "min_blocks": 0, "max_blocks": 1}}


class Release:
    """The one that the node is made with; or that of a folder which the script `old` has made."""

    def __init__(self, node, old=None):
        self.old = os.path.abspath(old) if old else None
        self.version = os.path.basename(self.old) if old else None
        self._major = int(self.version.split(".")[0]) if old else 4
        self._debian = os.path.realpath(os.path.join(self.old, "debian")) if old else os.path.join(node, "cloud")
        self._venv = os.path.join(self.old, "venv") if old else os.path.join(node, "cloud/home/node/venv")

    @property
    def takes_configurations(self):
        """Whether its endpoints have templates, from which one is started for each configuration."""
        return self._major >= 3

    @property
    def left_behind(self):
        """Words in the commands of what its endpoints do not end when they end."""
        return () if self.takes_configurations else ("/HighThroughputExecutor/", "globus-compute-manager",
                                                     "globus-compute-worker")

    # ---- inside the node's roots ----------------------------------------------------------------

    @property
    def bin(self):
        return "/opt/old/venv/bin" if self.old else "/home/node/venv/bin"

    @property
    def binds(self):
        if not self.old:
            return []
        return [(self._debian, "/opt/debian12" if self._major > 2 else "/opt/debian11"), (self.old, "/opt/old")]

    @property
    def environment(self):
        """What its Python needs there, besides."""
        return {"LD_LIBRARY_PATH": "/opt/old/lib"} if self.old else {}

    def login(self, identity, secret):
        names = ["GLOBUS_COMPUTE_CLIENT_"] + (["FUNCX_SDK_CLIENT_"] if self._major == 2 else [])
        return {name + what: value for name in names for what, value in (("ID", identity), ("SECRET", secret))}

    def endpoint_files(self, name, allowed_functions, template, schema, place):
        """The files of an endpoint's folder, by their names; place: the environment of what it starts."""
        config = {"display_name": name, "heartbeat_period": 5}
        if allowed_functions is not None:
            config["allowed_functions"] = list(allowed_functions)
        files = {"config.yaml": config}
        if not self.takes_configurations:
            config.update(funcx_service_address=SERVICE_V2, detach_endpoint=False, engine=ENGINE_2)
        else:
            config["local_compute_services"] = True
            files["user_config_schema.json"] = schema
            if self._major == 3:  # a template has to be asked for, and user endpoints get no other environment
                config["multi_user"] = True
                files["user_environment.yaml"] = place
        texts = {file: json.dumps(value) for file, value in files.items()}  # which is YAML, too
        if self.takes_configurations:
            texts["user_config_template.yaml.j2"] = template
        return texts

    # ---- on this machine ------------------------------------------------------------------------

    def python_here(self):
        """The command of its Python among this machine's programs, and the environment that it needs."""
        libraries = [path for top in ("lib", "usr/lib") for path in
                     glob.glob(os.path.join(self._debian, top, "*-linux-gnu"))]
        loader = glob.glob(os.path.join(libraries[0], "ld-*.so*"))[0]
        packages = glob.glob(os.path.join(self._venv, "lib/python3.*/site-packages"))[0]
        python = os.path.join(self._debian, "usr/bin", os.path.basename(os.path.dirname(packages)))
        return [loader, "--library-path", ":".join(libraries), python], {"PYTHONPATH": packages}
