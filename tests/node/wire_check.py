# SPDX-License-Identifier: Apache-2.0
"""Holds what sealift sends and reads against the unmodified Globus Compute packages.

  wire_check.py make FOLDER EMIT AGENT    writes functions and arguments, and what EMIT makes of them
  wire_check.py judge FOLDER [SET]...     with the SDK: unpacks, compares and calls; with the endpoint
                                          package too: runs them as its workers do. Prints one JSON
                                          line for each
  wire_check.py compare EMIT < LINES      gives the workers' results to EMIT

SET is universal or modern; both unless given. Without the endpoint package (SDK 2.2.0 on its own) the
function is called here instead, and its result is packed with the SDK."""
import json
import pathlib
import subprocess
import sys
import tempfile
import uuid

ECHO = '''\
def echo(*texts):
    import json
    return json.dumps([len(texts), *texts])
'''

QUOTING = r'''
def quoting(text):
    """It's "quoted" \\ and 'not'."""
    odd = 'single \' double " backslash \\ newline \n tab \t' + "'" * 3 + '"""' + r"\d+\n"
    return odd + text + f"{text!r}" + ":04:st:"
'''

LONG = ("def long(text):\n    rows = (\n" + "".join("        'row %05d %s',\n" % (i, "." * 80) for i in range(1500)) +
        "    )\n    return rows[int(text)] + str(len(rows))\n")

ALL_ASCII = "".join(map(chr, range(128)))

# What a worker of a site that allows only the newer strategies says to the older ones.
STRICT = ["globus_compute_sdk.serialize.PureSourceTextInspect", "globus_compute_sdk.serialize.JSONData"]
AS_JSON = ["globus_compute_sdk.serialize.concretes.JSONData"]


def cases(agent):
    for count in range(7):
        yield f"{count}-arguments", "echo", ECHO, [f"text {i}" for i in range(count)]
    for length in (0, 1, 255, 256, 65535, 65536, 70000, 1 << 20):
        yield f"length-{length}", "echo", ECHO, ["x" * length]
    yield "empty", "echo", ECHO, ["", "", ""]
    yield "all-ascii", "echo", ECHO, [ALL_ASCII, ALL_ASCII[::-1]]
    yield "long-both", "echo", ECHO, ["a" * 300000, "\\\"\n" * 100000]
    yield "quoting", "quoting", QUOTING, ["it's \"x\" \\ \n"]
    yield "long-source", "long", LONG, ["1234"]
    nobody = "0" * 64
    for request in ({"op": "state", "bundle": nobody}, {"op": "receipt", "bundle": nobody}, {"op": "nonsense"}):
        yield "agent-" + request["op"], "sealift_agent", agent, [json.dumps(request)]
    yield "foreign-result", "foreign", "def foreign():\n    return 'sch\\u00f6n \\u65e5 \\U0001f600' * 300\n", []


def emit(program, *words, given=""):
    return subprocess.run([program, *map(str, words)], input=given.encode(), stdout=subprocess.PIPE, check=True).stdout


def make(folder, program, agent):
    folder = pathlib.Path(folder)
    for case, name, source, texts in cases(pathlib.Path(agent).read_text(encoding="ascii")):
        files = [folder / f"{case}.{i}.text" for i in range(len(texts))]
        for file, text in zip(files, texts):
            file.write_bytes(text.encode("ascii"))
        for kind in ("universal", "modern"):
            payload = emit(program, "function", kind, name, given=source) + emit(program, "arguments", kind, *files)
            (folder / f"{case}.{kind}").write_bytes(payload)
        (folder / f"{case}.json").write_text(json.dumps({"name": name, "source": source, "texts": texts}))


def worker(payload, serializers, allowed=None):
    """One task through the code of the endpoint's workers: (result or exception, whether it failed)."""
    from globus_compute_common import messagepack
    from globus_compute_common.messagepack.message_types import Task
    from globus_compute_endpoint.engines.helper import execute_task
    task_id = uuid.uuid4()
    body = messagepack.pack(Task(task_id=task_id, task_buffer=payload))
    with tempfile.TemporaryDirectory() as folder:
        packed = execute_task(body, task_id, uuid.uuid4(), run_dir=folder, task_deserializers=allowed,
                              result_serializers=serializers)
    result = messagepack.unpack(packed)
    return result.data, result.error_details is not None


def has_endpoint():
    import importlib.util
    return importlib.util.find_spec("globus_compute_endpoint") is not None


def judge(folder, *kinds):
    from globus_compute_sdk.serialize import ComputeSerializer
    serializer = ComputeSerializer()
    for path in sorted(pathlib.Path(folder).glob("*.json")):
        case = json.loads(path.read_text())
        namespace = {}
        exec(case["source"], namespace)
        expected = namespace[case["name"]](*case["texts"])
        for kind in kinds or ("universal", "modern"):
            payload = path.with_suffix("." + kind).read_text()
            function, args, kwargs = serializer.unpack_and_deserialize(payload)
            assert list(args) == case["texts"], (path, kind, "arguments")
            assert kwargs == {} and function.__name__ == case["name"], (path, kind)
            found = function(*args, **kwargs)
            assert found == expected, (path, kind, found[:200])
            line = {"case": path.stem, "set": kind, "expected": expected, "failed": False}
            if has_endpoint():
                line["result"], line["failed"] = worker(payload, AS_JSON if kind == "modern" else [])
                print(json.dumps(line))
                line["result"], line["failed"] = worker(payload, [], STRICT)
                print(json.dumps(dict(line, set="strict", refused=kind == "universal")))
            else:
                print(json.dumps(dict(line, result=serializer.serialize(found))))


def compare(program):
    read = refused = 0
    for line in map(json.loads, sys.stdin):
        where = line["case"], line["set"]
        if line.get("refused"):
            assert line["failed"], where
            assert emit(program, "refused", given=line["result"]) == b"yes\n", (where, line["result"][:300])
            refused += 1
            continue
        assert not line["failed"], (where, line["result"][:300])
        assert line["result"][:3] == ("11\n" if line["set"] == "modern" else "00\n"), (where, line["result"][:20])
        assert emit(program, "result", given=line["result"]).decode() == line["expected"], where
        read += 1
    print(f"{read} results read, {refused} refusals understood")
    return 0 if read else 1


if __name__ == "__main__":
    modes = {"make": make, "judge": judge, "compare": compare}
    sys.exit(modes[sys.argv[1]](*sys.argv[2:]))
