#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the vectors of this folder anew, out of what real Pythons and the real SDK write.

  make_vectors.py PYTHON|FILE...   runs itself under each PYTHON, or takes what --emit printed into
                                   FILE elsewhere, and writes pickles.json and sdk-*.json here
  make_vectors.py --emit           prints what this interpreter writes (Python 3.6 or newer)

A PYTHON that can import dill also shows what dill writes; one that can import globus_compute_sdk
makes a file sdk-VERSION-python-VERSION.json.

A pickled text is stored as what stands before and after the text, which is `count` times `unit`.
`json` of a value is how it is shown to people (specs/globus-wire.md); `refused` names the kind of
error.
"""
import base64
import datetime
import importlib.util
import json
import math
import os
import pathlib
import pickle
import platform
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent

TEXTS = [
    ("", 0), ("a", 1), ("0123456789", 10), ("x", 255), ("x", 256), ("line\n\t\"quoted\" \\ \x7f", 1),
    ("\x00nul", 1), ("sch\u00f6n \u65e5\u672c \U0001f600", 1), ("\u00e9", 127), ("\u00e9", 128),
    ("0123456789", 6553), ("0123456789", 7000), ("\u65e5", 30000),
]

SHARED = ["shared", {"k": (1, 2)}]
ITSELF = ["before"]
ITSELF.append(ITSELF)
ROUND = {}
ROUND["list"] = [1, (ROUND,)]


def nest(depth):
    value = "inside"
    for _ in range(depth):
        value = [value]
    return value


def double(times):
    value = ["x"]
    for _ in range(times):
        value = [value, value]
    return value


# Values that are read, at the protocols that can write them as data.
VALUES = [
    ("none", None, 2), ("true", True, 2), ("false", False, 2),
    ("integers", [0, 1, 255, 256, 65535, 65536, -1, -128, -129, 2**31 - 1, -2**31, 2**31, -2**31 - 1,
                  2**63 - 1, -2**63], 2),
    ("big integers", [2**63, -2**63 - 1, 2**64, 2**127, -2**200 + 1, 2**2000], 2),
    ("reals", [0.0, -0.0, 1.5, -2.25, 1e300, 5e-324], 2),
    ("unusual reals", [math.nan, math.inf, -math.inf], 2),
    ("empty", [[], (), {}, "", None], 2),
    ("tuples", [(1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ("a",) * 5], 2),
    ("dictionary", {"b": 1, "a": [1, {"c": None}], "": ""}, 2),
    ("other keys", {1: "one", (1, "x"): None, None: 2.5, "t": True}, 2),
    ("bytes", [b"", b"a", b"ab", b"abc", bytes(range(256))], 3),
    ("shared", [SHARED, SHARED, (SHARED, SHARED)], 2),
    ("many items", list(range(1100)), 2),
    ("many pairs", {str(i): i for i in range(1100)}, 2),
    ("deep as allowed", nest(32), 2),
    ("doubled", double(4), 2),
]

# Values that are not data, or too much of it.
REFUSED = [
    ("a list in itself", ITSELF, "format", 2), ("a dictionary in itself", ROUND, "format", 2),
    ("bytes by way of a call", b"bytes", "format", 2),
    ("a set", {1}, "format", 2), ("a frozen set", frozenset({1}), "format", 2),
    ("complex", 1j, "format", 2), ("a byte array", bytearray(b"x"), "format", 2),
    ("a date", datetime.date(2026, 1, 2), "format", 2), ("a function", os.getcwd, "format", 2),
    ("a class", pathlib.PurePosixPath, "format", 2), ("an exception", ValueError("x"), "format", 2),
    ("an unpaired surrogate", "\ud800", "format", 2), ("one in a key", {"\udfff": 1}, "format", 2),
    ("too deep", nest(33), "limit", 2), ("a doubling bomb", double(30), "limit", 2),
]


def b64(data):
    return base64.b64encode(data).decode()


def shown(value):
    """The JSON that sealift makes of a value."""
    if isinstance(value, bytes):
        return {"bytes": b64(value)}
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if -2**63 <= value < 2**63 else {"int": hex(value)}
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, (list, tuple)):
        return [shown(part) for part in value]
    if all(isinstance(key, str) for key in value):
        return {key: shown(part) for key, part in value.items()}
    return {"dict": [[shown(key), shown(part)] for key, part in value.items()]}


def writers():
    """(name, dumps(value, protocol)) of what this interpreter has."""
    found = [("pickle of Python " + platform.python_version(), pickle.dumps)]
    if importlib.util.find_spec("dill"):
        import dill
        name = "dill %s of Python %s" % (dill.__version__, platform.python_version())
        found.append((name, dill.dumps))
    return found


def protocols(lowest):
    return range(lowest, min(5, pickle.HIGHEST_PROTOCOL) + 1)


def emit_texts(name, dumps):
    for unit, count in TEXTS:
        text = unit * count
        body = text.encode()
        for protocol in protocols(1):
            data = dumps(text, protocol=protocol)
            at = data.index(body)
            assert pickle.loads(data) == text
            yield {"unit": unit, "count": count, "protocol": protocol, "head": b64(data[:at]),
                   "tail": b64(data[at + len(body):]), "writers": [name]}


def emit_values(name, dumps):
    for case, value, lowest in VALUES:
        for protocol in protocols(lowest):
            yield {"case": case, "protocol": protocol, "pickle": b64(dumps(value, protocol=protocol)),
                   "json": shown(value), "writers": [name]}


def emit_refused(name, dumps):
    yield {"case": "protocol 0", "protocol": 0, "pickle": b64(dumps("a", protocol=0)), "refused": "format",
           "writers": [name]}
    for case, value, kind, lowest in REFUSED:
        for protocol in protocols(lowest):
            # bytes are data from protocol 3 on
            if case != "bytes by way of a call" or protocol == 2:
                yield {"case": case, "protocol": protocol, "pickle": b64(dumps(value, protocol=protocol)),
                       "refused": kind, "writers": [name]}


FUNCTIONS = '''\
def plain(request):
    return request


def quoting(a, b="it's \\"quoted\\" \\\\ with a backslash\\\\n"):
    """A docstring: 'one', "two", \\\\three."""
    import json
    return json.dumps([a, b, r"\\d+\\t", ":", "st:04"])

'''


def strategies():
    from globus_compute_sdk.serialize import concretes
    return {cls.identifier.strip(): cls for cls in vars(concretes).values()
            if isinstance(cls, type) and getattr(cls, "identifier", None) and isinstance(cls.identifier, str)}


def emit_code(serializer, known):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "functions.py")
        path.write_text(FUNCTIONS)
        spec = importlib.util.spec_from_file_location("functions", str(path))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        import inspect
        for name in ("plain", "quoting"):
            function = getattr(module, name)
            for key in sorted({"03", "04", "st", "sd"} & set(known)):
                buffer = known[key]().serialize(function)
                yield {"strategy": key, "name": name, "source": inspect.getsource(function),
                       "packed": serializer.pack_buffers([buffer])}


def emit_results(known):
    for unit, count in TEXTS:
        if len(unit) * count > 3000:
            continue  # long ones stand in pickles.json
        for key in sorted({"00", "11"} & set(known)):
            yield {"strategy": key, "unit": unit, "count": count,
                   "result": known[key]().serialize(unit * count)}


def emit_not_text(known):
    values = [None, True, 1, 1.5, [], ["a"], {"a": "b"}, "\ud800", "a\udc00b"]
    for value in values:
        for key in sorted({"00", "11"} & set(known)):
            yield {"strategy": key, "result": known[key]().serialize(value)}


def said(attempt):
    """What a worker's traceback ends with, and the same by way of repr()."""
    import traceback
    try:
        attempt()
    except Exception as error:  # whatever it raises is what is wanted
        yield "".join(traceback.format_exception_only(type(error), error))
        yield repr(error)
        yield str(error)
        yield repr(str(error))


def emit_refusals(serializer, known):
    for header in ("st", "11", "04", "00"):
        if header not in known:
            yield from said(lambda: serializer.deserialize(header + "\nx"))
    yield from said(lambda: serializer.deserialize("zz\nx"))
    if "st" not in known:
        return
    from globus_compute_sdk import serialize
    strict = serialize.ComputeSerializer(allowed_deserializer_types=[
        serialize.PureSourceTextInspect, serialize.JSONData])
    yield from said(lambda: strict.deserialize(known["04"]().identifier + "x"))
    yield from said(lambda: strict.deserialize(known["00"]().identifier + "x"))


def emit_sdk():
    import dill
    import globus_compute_sdk
    from globus_compute_sdk.serialize import ComputeSerializer
    serializer, known = ComputeSerializer(), strategies()
    buffers = ["11\n[\"a\",\"b\"]", "11\n{}", "", "x" * 12, "sch\u00f6n"]
    return {
        "sdk": globus_compute_sdk.__version__, "python": platform.python_version(), "dill": dill.__version__,
        "pack": [{"buffers": buffers[:n], "packed": serializer.pack_buffers(buffers[:n])} for n in range(6)],
        "code": list(emit_code(serializer, known)), "results": list(emit_results(known)),
        "not_text": list(emit_not_text(known)), "refusals": list(emit_refusals(serializer, known)),
    }


def emit():
    out = {"texts": [], "values": [], "refused": [], "sdk": None}
    for name, dumps in writers():
        out["texts"] += emit_texts(name, dumps)
        out["values"] += emit_values(name, dumps)
        out["refused"] += emit_refused(name, dumps)
    if importlib.util.find_spec("globus_compute_sdk"):
        out["sdk"] = emit_sdk()
    json.dump(out, sys.stdout, allow_nan=False)


def merge(rows):
    """Writers of the same bytes share a row."""
    merged = {}
    for row in rows:
        key = json.dumps({name: value for name, value in row.items() if name != "writers"}, sort_keys=True)
        kept = merged.setdefault(key, dict(row, writers=set()))
        kept["writers"].update(row["writers"])
    return [dict(row, writers=sorted(row["writers"])) for row in merged.values()]


def store(name, value):
    with open(str(HERE / name), "w") as file:
        json.dump(value, file, sort_keys=True, separators=(",", ":"))
        file.write("\n")
    print(name, (HERE / name).stat().st_size, "bytes")


def emission(source):
    if source.endswith(".json"):
        return json.loads(pathlib.Path(source).read_text())
    done = subprocess.run([source, str(pathlib.Path(__file__).resolve()), "--emit"], stdout=subprocess.PIPE,
                          check=True)
    return json.loads(done.stdout.decode())


def main(sources):
    emissions = [emission(source) for source in sources]
    store("pickles.json", {name: merge(row for one in emissions for row in one[name])
                           for name in ("texts", "values", "refused")})
    for one in emissions:
        if one["sdk"]:
            store("sdk-{sdk}-python-{python}.json".format(**one["sdk"]), one["sdk"])


if __name__ == "__main__":
    if sys.argv[1:] == ["--emit"]:
        emit()
    elif len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        main(sys.argv[1:])
    else:
        print(__doc__)
        sys.exit(0 if sys.argv[1:] == ["--help"] else 2)
