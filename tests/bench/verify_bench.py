#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures `sealift verify` beside its peers on the same bytes, on the same machine in the same run: a
bundle of 50 KB, one of one 1 GiB blob, one of 3 GiB in 60 blobs; minisign -V, sha256sum, openssl and, where
it is installed, `rauc info` of a signed bundle of the same files. Then what the agent on an endpoint
checks and stores in a second.

Nothing here passes or fails. Medians of --rounds runs, each command run once before it is timed.
"""
import argparse
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import bench
from bench import ROOT, Runner, make_big_wheel, make_example, ratio


def small_bundle(sealift, work):
    example = work / "small"
    make_example.make(str(example), 1, 12000)
    bundle = work / "small.sealift"
    subprocess.run([sealift, "-q", "compile", example / "spec.yaml", "-o", bundle], check=True, stdout=subprocess.DEVNULL)
    return bundle


def big_bundle(sealift, work, count, size):
    example = work / f"big-{count}"
    make_example.make(str(example), 0, 0)
    with (example / "requirements.lock").open("a") as file:
        for number in range(count):
            name = f"zbig{number:03d}"
            leaf = make_big_wheel(example / "wheels", name, size)
            file.write(f"{name}==1.0 --hash=sha256:{make_example.sha256_of(example / 'wheels' / leaf)}\n")
    bundle = work / f"big-{count}.sealift"
    subprocess.run([sealift, "-q", "compile", example / "spec.yaml", "-o", bundle], check=True, stdout=subprocess.DEVNULL)
    return bundle, sorted((example / "wheels").iterdir())


def has_rauc():
    missing = [name for name in ("rauc", "mksquashfs") if not shutil.which(name)]
    if missing:
        print("  rauc info is left out: not installed: " + ", ".join(missing))
    return not missing


def rauc_bundle(work, files):
    """The same files as rauc signs them: a squashfs (not compressed, as wheels are) with a CMS signature."""
    folder = work / "rauc"
    folder.mkdir()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", work / "rauc.key", "-out",
                    work / "rauc.pem", "-subj", "/CN=bench", "-days", "30"], check=True, capture_output=True)
    for path in files:
        os.link(path, folder / path.name)
    images = "".join(f"\n[image.part{number}]\nfilename={path.name}\n" for number, path in enumerate(files))
    (folder / "manifest.raucm").write_text("[update]\ncompatible=bench\nversion=1\n" + images)
    out = work / "rauc.raucb"
    subprocess.run(["rauc", f"--cert={work}/rauc.pem", f"--key={work}/rauc.key", "--mksquashfs-args=-noD -noF -noI",
                    "bundle", folder, out], check=True, capture_output=True)
    return out


def bench_small(run, sealift, work):
    bundle = small_bundle(sealift, work)
    print(f"a bundle of {bundle.stat().st_size / 1000:.0f} KB")
    verify = run.measure("sealift verify", [sealift, "-q", "verify", bundle], work, rounds=50)
    mini = minisign(run, bundle, work, rounds=50)
    ratio("verify beside minisign -V", verify, mini)
    if has_rauc():
        example = work / "small"
        signed = rauc_bundle(work, sorted((example / "wheels").iterdir()))
        info = run.measure("rauc info", ["rauc", f"--keyring={work}/rauc.pem", "info", signed], work, rounds=50)
        ratio("verify beside rauc info", verify, info)
        shutil.rmtree(work / "rauc")
        signed.unlink()


def minisign(run, bundle, work, rounds=None):
    subprocess.run(["minisign", "-G", "-W", "-f", "-p", "peer.pub", "-s", "peer.key"], cwd=work, check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["minisign", "-S", "-W", "-s", "peer.key", "-m", bundle, "-x", "peer.minisig"], cwd=work,
                   check=True, stdout=subprocess.DEVNULL)
    return run.measure("minisign -V of the bundle", ["minisign", "-Vm", bundle, "-p", "peer.pub", "-x", "peer.minisig"],
                       work, rounds=rounds)


def bench_big(run, sealift, work, count, mib):
    bundle, wheels = big_bundle(sealift, work, count, (mib // count) << 20)
    total, cores = bundle.stat().st_size, os.cpu_count()
    print(f"{total / 1e9:.2f} GB in {count} blob{'s' if count > 1 else ''}")
    verify = run.measure("sealift verify", [sealift, "-q", "verify", bundle], work)
    sha = run.measure("sha256sum of the bundle", ["sha256sum", bundle], work)
    one = run.measure("openssl dgst -sha256 of the bundle (one core)", ["openssl", "dgst", "-sha256", bundle], work)
    print(f"    -> verify: {total / verify / 1e9:.2f} GB/s")
    if count > 1:
        all_cores = run.measure(
            f"openssl dgst of the wheels, {cores} at once (all cores)",
            ["sh", "-c", f'printf "%s\\n" "$@" | xargs -P{cores} -n1 openssl dgst -sha256', "x", *map(str, wheels)], work)
        print(f"    -> verify reaches {all_cores / verify:.0%} of all cores' libcrypto rate (goal 80 %)")
    else:
        print(f"    -> verify reaches {one / verify:.0%} of one core's libcrypto rate (goal 90 %)")
    ratio("verify beside sha256sum", verify, sha)
    ratio("verify beside minisign -V", verify, minisign(run, bundle, work))
    if has_rauc():
        signed = rauc_bundle(work, wheels)
        info = run.measure("rauc info of the same files", ["rauc", f"--keyring={work}/rauc.pem", "info", signed], work)
        ratio("verify beside rauc info", verify, info)
        shutil.rmtree(work / "rauc")
        signed.unlink()
    else:
        print("    (rauc is not installed: not measured)")
    shutil.rmtree(work / f"big-{count}")
    bundle.unlink()


def bench_agent(run, work, mib):
    """The agent as a program: objects in on its standard input, hashed and stored."""
    source, size, pieces = (ROOT / "uploader/agent/sealift_agent.py"), 16 << 20, mib // 16
    blocks = [bench.make_example.noise(f"agent{number}", 1 << 20) * 16 for number in range(4)]
    environment = {**os.environ, "SEALIFT_HOME": str(work / "agent")}
    process = subprocess.Popen([sys.executable, source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    begin = time.monotonic()
    for number in range(pieces):
        block = number.to_bytes(8, "big") + blocks[number % 4][8:]
        sha256 = hashlib.sha256(block).hexdigest()
        request = {"op": "put", "objects": [{"sha256": sha256, "size": size, "stream": True}]}
        process.stdin.write(json.dumps(request).encode() + b"\n" + block)
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        if not answer["ok"]:
            sys.exit(f"the agent refuses: {answer}")
    seconds = time.monotonic() - begin
    process.stdin.close()
    process.wait()
    begin = time.monotonic()
    for number in range(pieces):
        hashlib.sha256(number.to_bytes(8, "big") + blocks[number % 4][8:]).hexdigest()
    made = time.monotonic() - begin
    rate = pieces * size / max(seconds - made, 1e-9) / 1e9
    print(f"the agent takes, checks, stores and syncs {pieces} objects of 16 MiB: {rate:.2f} GB/s "
          f"(Python's hashlib alone: {pieces * size / made / 1e9:.2f} GB/s)")
    run.rows.append({"name": "agent put", "seconds": seconds - made, "bytes": pieces * size})


WHAT = ["small", "one", "many", "agent"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", metavar="PART", help="of: %s (default: all)" % ", ".join(WHAT))
    parser.add_argument("--sealift", default=ROOT / "build/release/compiler/sealift", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=pathlib.Path, help="where to work (default: the temporary folder)")
    parser.add_argument("--json", type=pathlib.Path, help="write all rows there")
    given = parser.parse_args()
    given.what = given.what or WHAT
    if not set(given.what) <= set(WHAT):
        parser.error("the parts are " + ", ".join(WHAT))
    sealift = given.sealift.resolve()
    bench.machine()
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="sealift-bench-") as name:
        work = pathlib.Path(name)
        run = Runner(given.rounds, work)
        os.environ["SEALIFT_HOME"] = str(work / "home")
        subprocess.run([sealift, "-q", "key", "new", "--no-password"], check=True, stdout=subprocess.DEVNULL)
        if "small" in given.what:
            bench_small(run, sealift, work)
        if "one" in given.what:
            bench_big(run, sealift, work, 1, 1024)
        if "many" in given.what:
            bench_big(run, sealift, work, 60, 3060)
        if "agent" in given.what:
            bench_agent(run, work, 1024)
    if given.json:
        given.json.write_text(json.dumps(run.rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
