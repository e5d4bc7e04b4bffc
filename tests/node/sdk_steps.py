# SPDX-License-Identifier: Apache-2.0
"""Steps with the unmodified SDK, run by service_test.py: STEP ENDPOINT [JSON]; prints one line of JSON."""
import json
import sys
import time
import warnings

from globus_compute_sdk import Client, Executor
from globus_compute_sdk.serialize import ComputeSerializer, JSONData, PureSourceTextInspect

warnings.simplefilter("ignore")
THREADS = {"threads": 2}
SECONDS = 60


def double(x):
    import os
    return [2 * x, os.environ.get("APPTAINER_CONTAINER", ""), os.getuid()]


def breaks():
    raise ValueError("boom é")


def client():
    return Client(code_serialization_strategy=PureSourceTextInspect(),
                  data_serialization_strategy=JSONData())


def results(compute, tasks):
    """Results or exception texts, in the order of the tasks."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found = compute.get_batch_result(tasks)
        if all(task in found and not found[task]["pending"] for task in tasks):
            return [found[task].get("result", str(found[task].get("exception"))) for task in tasks]
        time.sleep(0.2)
    raise TimeoutError("no results in %d s" % SECONDS)


def send(compute, endpoint, function, arguments, config):
    batch = compute.create_batch(
        user_endpoint_config=config, result_serializers=["globus_compute_sdk.serialize.JSONData"])
    for one in arguments:
        batch.add(function, one)
    answer = compute.batch_run(endpoint, batch)
    return answer["tasks"][function]


def register(_endpoint, _options):
    compute = client()
    return [compute.register_function(double), compute.register_function(double)]


def run(endpoint, options):
    """Register, run, fetch by get_result."""
    compute = client()
    function = options.get("function") or compute.register_function(double)
    batch = compute.create_batch(user_endpoint_config=options.get("config", THREADS))
    batch.add(function, (21,))
    task = compute.batch_run(endpoint, batch)["tasks"][function][0]
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            return compute.get_result(task)
        except Exception as error:
            if "pending" not in str(error).lower():
                return {"error": str(error)}
            time.sleep(0.2)
    return {"error": "no result"}


def many(endpoint, options):
    compute = client()
    function = compute.register_function(double)
    tasks = send(compute, endpoint, function, [(one,) for one in range(options["count"])], THREADS)
    return [value[0] for value in results(compute, tasks)]


def executor(endpoint, options):
    with Executor(endpoint, client=client(), user_endpoint_config=options.get("config", THREADS)) as one:
        one.serializer = ComputeSerializer(strategy_code=PureSourceTextInspect(), strategy_data=JSONData())
        good, bad = one.submit(double, 4), one.submit(breaks)
        return [good.result(SECONDS)[0], str(bad.exception(SECONDS))]


def refused(endpoint, options):
    """The answer to a submit that is refused."""
    compute = client()
    function = options.get("function") or compute.register_function(double)
    try:
        send(compute, endpoint, function, [(1,)], options["config"])
    except Exception as error:
        return [error.http_status, error.text]
    return [200, ""]


def status(endpoint, _options):
    compute = client()
    metadata = compute.get_endpoint_metadata(endpoint)
    return {"status": compute.get_endpoint_status(endpoint)["status"],
            "version": metadata["endpoint_version"], "schema": metadata["user_config_schema"],
            "allowed": compute.get_allowed_functions(endpoint)}


def enqueue(endpoint, _options):
    compute = client()
    return send(compute, endpoint, compute.register_function(double), [(5,)], THREADS)


def fetch(_endpoint, options):
    return results(client(), options["tasks"])


STEPS = {step.__name__: step for step in (register, run, many, executor, refused, status, enqueue, fetch)}

if __name__ == "__main__":
    done = STEPS[sys.argv[1]](sys.argv[2], json.loads(sys.argv[3]) if len(sys.argv) > 3 else {})
    print(json.dumps(done, default=str))
