# SPDX-License-Identifier: Apache-2.0
"""What a researcher runs: the unmodified SDK, transform() in the image. Arguments: endpoint, and as JSON what
else the Executor is told; a container_id is for releases before 3.0.0."""
import json
import sys

from globus_compute_sdk import Executor, __version__


def source_and_json():
    """Neither bytecode nor pickles: the image's Python may be another."""
    from globus_compute_sdk.serialize import ComputeSerializer, JSONData, PureSourceTextInspect

    return ComputeSerializer(strategy_code=PureSourceTextInspect(), strategy_data=JSONData())


def transform():
    import os
    import platform
    import sys

    import pandas

    frame = pandas.DataFrame({"numbers": [1, 2, 3]})
    assert int(frame["numbers"].sum()) == 6
    return {"said": "Successfully created df", "prefix": sys.prefix, "python": platform.python_version(),
            "pandas": pandas.__version__, "image": os.environ.get("APPTAINER_CONTAINER", "")}


endpoint, where = sys.argv[1], json.loads(sys.argv[2])
with Executor(endpoint_id=endpoint, **where) as executor:
    if "container_id" not in where:
        executor.serializer = source_and_json()
    result = executor.submit(transform).result(timeout=120)
print(json.dumps(dict(result, sdk=__version__)))
