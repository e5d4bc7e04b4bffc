# SPDX-License-Identifier: Apache-2.0
"""The calls that sealift-upload makes of the agent, by the unmodified SDK's Executor: run by
queue_bench.py with an endpoint's id; prints one line of JSON."""
import json
import os
import resource
import sys
import time

from globus_compute_sdk import Client, Executor
from globus_compute_sdk.serialize import ComputeSerializer, JSONData, PureSourceTextInspect

import sealift_agent

SECONDS = 3000
LOOK_SECONDS = 5


class Agent:
    def __init__(self, executor):
        self.executor, self.calls = executor, 0

    def ask_all(self, requests):
        """The answers, in the order of the requests; every one is a yes."""
        self.calls += len(requests)
        futures = [self.executor.submit(sealift_agent.sealift_agent, json.dumps(request)) for request in requests]
        answers = [json.loads(future.result(SECONDS)) for future in futures]
        for answer in answers:
            if not answer["ok"]:
                raise RuntimeError(json.dumps(answer["error"]))
        return answers


def drain(agent, wanted):
    bundles = wanted["bundles"]
    agent.ask_all([{"op": "probe"}])
    answers = agent.ask_all([{"op": "have", "objects": [
        {"sha256": one["sha256"], "size": one["size"]} for one in bundle["objects"]]} for bundle in bundles])
    agent.ask_all([{"op": "put", "objects": [one for one in bundle["objects"] if one["sha256"] in answer["missing"]],
                    "build": {"bundle": bundle["bundle"], "signatures": bundle["signatures"],
                              "builds": wanted["builds"]}} for bundle, answer in zip(bundles, answers)])
    left = [bundle["bundle"] for bundle in bundles]
    while left:
        time.sleep(LOOK_SECONDS)
        answers = agent.ask_all([{"op": "state", "bundle": bundle, "receipt": True} for bundle in left])
        failed = [answer for answer in answers if answer["state"] in ("failed", "interrupted", "none", "stalled")]
        if failed:
            raise RuntimeError(json.dumps(failed[0]))
        left = [bundle for bundle, answer in zip(left, answers) if answer["state"] != "done"]


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "wanted.json"), encoding="utf-8") as file:
        wanted = json.load(file)
    client = Client(code_serialization_strategy=PureSourceTextInspect(), data_serialization_strategy=JSONData())
    with Executor(sys.argv[1], client=client, user_endpoint_config={"threads": 2}) as executor:
        executor.serializer = ComputeSerializer(strategy_code=PureSourceTextInspect(), strategy_data=JSONData())
        agent = Agent(executor)
        drain(agent, wanted)
    print(json.dumps({"calls": agent.calls, "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


if __name__ == "__main__":
    main()
