# SPDX-License-Identifier: Apache-2.0
"""What a researcher runs: the unmodified SDK, transform() in the image. Arguments: endpoint, configuration."""
import json
import sys

from globus_compute_sdk import Client, Executor, __version__
from globus_compute_sdk.serialize import ComputeSerializer, JSONData, PureSourceTextInspect


def transform():
    import os
    import platform
    import sys

    import pandas

    frame = pandas.DataFrame({"numbers": [1, 2, 3]})
    assert int(frame["numbers"].sum()) == 6
    return {"said": "Successfully created df", "prefix": sys.prefix, "python": platform.python_version(),
            "pandas": pandas.__version__, "image": os.environ.get("APPTAINER_CONTAINER", "")}


endpoint, values = sys.argv[1], json.loads(sys.argv[2])
with Executor(endpoint_id=endpoint, client=Client(local_compute_services=True),
              user_endpoint_config=values) as executor:
    executor.serializer = ComputeSerializer(strategy_code=PureSourceTextInspect(), strategy_data=JSONData())
    result = executor.submit(transform).result(timeout=120)
print(json.dumps(dict(result, sdk=__version__)))
