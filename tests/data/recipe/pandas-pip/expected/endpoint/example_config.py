"""Configuration of an old endpoint (globus-compute-endpoint 2.x) for the image my-pandas-image 1.0.0.

Endpoints since 3.0 do not read this file: for them there are config.yaml and
user_config_template.yaml.j2. With an old one, functions that were registered with a
container_id run in the image that was registered under it; see `singularity_reuse`.
"""

from globus_compute_endpoint.endpoint.utils.config import Config
from globus_compute_endpoint.executors import HighThroughputExecutor
from parsl.providers import LocalProvider

config = Config(
    display_name="my-pandas-image 1.0.0",
    executors=[
        HighThroughputExecutor(
            address="127.0.0.1",
            max_workers_per_node=1,
            worker_mode="singularity_reuse",
            scheduler_mode="soft",
            container_type="singularity",
            container_cmd_options="",
            provider=LocalProvider(init_blocks=1, min_blocks=0, max_blocks=1),
        )
    ],
)
