#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Drains a queue of small bundles to a real endpoint, once with sealift-upload and once with the same
calls of the agent by the Globus Compute SDK's own Executor, and prints both and their ratio.

A short program takes the place of apptainer there, so what is measured is the way to the builder and
back. Nothing here passes or fails: figures depend on the machine, so they are reported, not asserted.
Needs SEALIFT, SEALIFT_UPLOAD and a node (tests/node/up), and is run as root.

    python3 tests/bench/queue_bench.py [--bundles N] [--builds N]
"""
import argparse
import base64
import hashlib
import json
import pathlib
import shutil
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/node"))
import far  # noqa: E402
import globus  # noqa: E402


def objects_of(preparer, bundle, folder):
    """What travels of a bundle: its id, its signatures, and every file by its digest."""
    preparer.sealift("-q", "extract", bundle, "-C", folder)
    objects, signatures, manifest = {}, [], (folder / "manifest.json").read_bytes()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            objects[digest] = data
            if path.parent.name == "signatures":
                signatures.append({"name": "signatures/" + path.name, "sha256": digest})
    return {"bundle": hashlib.sha256(manifest).hexdigest(), "signatures": signatures, "objects": [
        {"sha256": name, "size": len(data), "data": base64.b64encode(data).decode()} for name, data in objects.items()]}


def count(cloud):
    submits = [entry for entry in cloud.journal("POST", "*/submit") if entry["status"] == 200]
    return {"submits": len(submits), "requests": len(cloud.journal()),
            "megabytes": sum(entry["request_bytes"] for entry in submits) / 1e6}


def by_uploader(cloud, preparer, bundles, builds):
    uploader = far.Uploader(cloud, preparer, "bench")
    config = uploader.configure(user_endpoint_config={"threads": 2}, builds=builds)
    code, _, err = uploader.call("add", *bundles, "--builder", cloud.endpoints["builder"].id, "--runner", "local",
                                 "--builder-config", config)
    if code:
        sys.exit(err)
    begin = time.monotonic()
    code, out, err, peak = uploader.measure("run")
    if code:
        sys.exit(out + err)
    return dict(count(cloud), seconds=time.monotonic() - begin, mebibytes=peak / 1024)


def by_executor(cloud, preparer, bundles, builds, folder):
    wanted = [objects_of(preparer, bundle, folder / f"{number}") for number, bundle in enumerate(bundles)]
    place = folder / "srv"
    place.mkdir()
    (place / "wanted.json").write_text(json.dumps({"builds": builds, "bundles": wanted}))
    for path in (ROOT / "tests/bench/executor_steps.py", ROOT / "uploader/agent/sealift_agent.py"):
        shutil.copy(path, place)
    for path in (folder, place, *place.iterdir()):
        path.chmod(0o755)
    begin = time.monotonic()
    done = cloud.sdk(str(place / "executor_steps.py"), cloud.endpoints["builder"].id, timeout=3600)
    seconds = time.monotonic() - begin
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    said = json.loads(done.stdout.splitlines()[-1])
    return dict(count(cloud), seconds=seconds, mebibytes=said["peak_kib"] / 1024, calls=said["calls"])


def show(rows):
    print(f"{'':16}{'seconds':>9}{'submits':>9}{'requests':>9}{'MB sent':>9}{'peak MiB':>9}")
    for name, row in rows:
        print(f"{name:16}{row['seconds']:9.1f}{row['submits']:9}{row['requests']:9}{row['megabytes']:9.1f}"
              f"{row['mebibytes']:9.1f}")
    ours, theirs = rows[0][1], rows[1][1]
    print(f"{'ratio':16}" + "".join(f"{ours[key] / max(theirs[key], 1e-9):9.2f}" for key in
                                    ("seconds", "submits", "requests", "megabytes", "mebibytes")))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--bundles", type=int, default=100)
    parser.add_argument("--builds", type=int, default=2)
    options = parser.parse_args()
    preparer, account = far.Preparer(), far.Account(stand_in=True)
    account.trust(preparer.policy)
    try:
        with globus.Cloud() as cloud, tempfile.TemporaryDirectory() as folder:
            cloud.start_endpoint("builder", environment=account.environment)
            # The endpoint's first task takes seconds: not of what is measured.
            by_uploader(cloud, preparer, preparer.small(["7.0.0"]), options.builds)
            shutil.rmtree(preparer.folder / "bench")
            rows = []
            for name in ("sealift-upload", "SDK Executor"):
                cloud.reset()
                versions = [f"{8 + len(rows)}.{number}.0" for number in range(options.bundles)]
                bundles = preparer.small(versions)
                rows.append((name, by_uploader(cloud, preparer, bundles, options.builds) if not rows else
                             by_executor(cloud, preparer, bundles, options.builds, pathlib.Path(folder))))
            print(f"{options.bundles} bundles, {options.builds} builds at once, {len(account.launches())} launches")
            show(rows)
    finally:
        account.remove()
        preparer.remove()


if __name__ == "__main__":
    main()
