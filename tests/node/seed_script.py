# SPDX-License-Identifier: Apache-2.0
"""The predecessor's example, call for call, for its SDK of then. Argument: the endpoint. seed_test.py changes
one line of it for an SDK of now: the last argument of Executor."""
import sys

from custom_image_builder import build_and_register_container
from globus_compute_sdk import Client, Executor


def transform():
    import os

    import pandas

    frame = pandas.DataFrame({"first": [1, 2], "second": [3, 4]})
    assert frame.shape == (2, 2)
    return "Successfully created df in " + os.environ.get("APPTAINER_CONTAINER", "no image")


def main():
    endpoint = sys.argv[1]
    container_id = build_and_register_container(gcc_client=Client(),
                                                endpoint_id=endpoint,
                                                image_file_name="my-pandas-image",
                                                base_image_type="docker",
                                                base_image="python:3",
                                                pip_packages=["pandas"])
    print("The container id is", container_id)
    with Executor(endpoint_id=endpoint,
                  container_id=container_id) as executor:
        future = executor.submit(transform)
    print(future.result())


if __name__ == "__main__":
    main()
