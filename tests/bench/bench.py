#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures sealift beside its peers on the same machine in the same run, and prints ratios.

  small   compile of a spec with a lock and no blobs, beside hpccm and spython writing a definition
          file of the same content, and an empty static program
  one     compile, verify and inspect of one big wheel, beside cp + sync + sha256sum, sha256sum, openssl
          and minisign on the same bytes; peak memory
  many    the same of forty wheels that weigh as much together

Nothing here passes or fails: figures depend on the machine, so they are reported, not asserted.
Medians of --rounds runs; every command is run once before it is timed.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "cli"))
import make_example  # noqa: E402


class Runner:
    def __init__(self, rounds, folder):
        self.rounds, self.rows, self.meter = rounds, [], folder / "meter"
        subprocess.run(["cc", "-O2", "-static", "-o", self.meter, pathlib.Path(__file__).with_name("meter.c")],
                       check=True)

    def once(self, command, cwd, shell=False):
        words = ["sh", "-c", command] if shell else [str(word) for word in command]
        done = subprocess.run([self.meter, *words], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{command}: exit {done.returncode}\n{done.stderr}")
        nanoseconds, kib = done.stdout.split()
        return int(nanoseconds) / 1e9, int(kib) / 1024

    def measure(self, name, command, cwd, shell=False, before=None, rounds=None):
        times, peak = [], 0.0
        for number in range((rounds or self.rounds) + 1):
            if before:
                before()
            seconds, memory = self.once(command, cwd, shell)
            peak = max(peak, memory)
            if number:
                times.append(seconds)
        row = {"name": name, "seconds": statistics.median(times), "peak_mib": round(peak, 1)}
        self.rows.append(row)
        print(f"  {name:58s} {row['seconds'] * 1000:10.1f} ms   {peak:7.1f} MiB", flush=True)
        return row["seconds"]


def ratio(what, ours, theirs):
    print(f"    -> {what}: {ours / theirs:.2f}x", flush=True)


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = next((line.split(":", 1)[1].strip() for line in text.splitlines() if "model name" in line), "?")
    flags = {word for line in text.splitlines() if line.startswith("flags") for word in line.split()}
    shown = [flag for flag in ("sha_ni", "avx2", "avx512f", "vaes") if flag in flags]
    print(f"machine: {model}, {os.cpu_count()} processors, {' '.join(shown)}")


SMALL_SPEC = """sealift: 1
name: small
version: 1.0.0
base: {{docker: "docker.io/library/python:3.11-slim", digest: "sha256:{digest}"}}
target: {{python: "3.11.2", platform: linux/x86_64, glibc: "2.36"}}
pip: {{requirements: [pandas], lock: requirements.lock}}
env: {{OMP_NUM_THREADS: "1"}}
worker: {{version: "4.19.0"}}
"""

HPCCM = """
Stage0 += baseimage(image='docker.io/library/python@sha256:{digest}')
Stage0 += environment(variables={{'OMP_NUM_THREADS': '1'}})
Stage0 += copy(src='requirements.lock', dest='/opt/requirements.lock')
Stage0 += shell(commands=['python3 -m venv /opt/venv',
    '/opt/venv/bin/pip install --require-hashes --no-deps -r /opt/requirements.lock'])
Stage0 += runscript(commands=['exec "$@"'])
"""

DOCKERFILE = """FROM docker.io/library/python@sha256:{digest}
ENV OMP_NUM_THREADS=1
COPY requirements.lock /opt/requirements.lock
RUN python3 -m venv /opt/venv && /opt/venv/bin/pip install --require-hashes --no-deps -r /opt/requirements.lock
ENTRYPOINT ["sh", "-c", "exec \\"$@\\""]
"""


def peers(folder):
    """A virtual environment with hpccm and spython from the package index, made once."""
    venv = folder / "peers"
    if not (venv / "done").exists():
        shutil.rmtree(venv, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([venv / "bin/pip", "install", "-q", "hpccm", "spython", "setuptools<81"], check=True)
        (venv / "done").touch()
    listed = subprocess.run([venv / "bin/pip", "freeze"], check=True, capture_output=True, text=True).stdout
    print("  peers: " + ", ".join(line for line in listed.split() if line.startswith(("hpccm", "spython"))))
    return venv / "bin"


def bench_small(run, sealift, work, cache):
    print("small: compile of a spec with a lock and no blobs (whole process)")
    digest = "a" * 64
    (work / "spec.yaml").write_text(SMALL_SPEC.format(digest=digest))
    (work / "recipe.py").write_text(HPCCM.format(digest=digest))
    (work / "Dockerfile").write_text(DOCKERFILE.format(digest=digest))
    shutil.copy(ROOT / "specs/examples/pandas/requirements.lock", work)
    (work / "empty.c").write_text("int main(void) { return 0; }\n")
    subprocess.run(["cc", "-O2", "-static", "-o", "empty", "empty.c"], cwd=work, check=True)
    tools = peers(cache)
    empty = run.measure("an empty static program", ["./empty"], work, rounds=50)
    ours = run.measure("sealift compile (resolve, render, compress, sign, sync)",
                       [sealift, "-q", "compile", "spec.yaml", "--allow-open"], work, rounds=50,
                       before=lambda: (work / "small-1.0.0.sealift").unlink(missing_ok=True))
    check = run.measure("sealift check", [sealift, "check", "spec.yaml"], work, rounds=50)
    hpccm = run.measure("hpccm --format singularity",
                        [tools / "hpccm", "--recipe", "recipe.py", "--format", "singularity"], work)
    spython = run.measure("spython recipe Dockerfile", [tools / "spython", "recipe", "Dockerfile", "out.def"], work)
    ratio("compile beside an empty program", ours, empty)
    ratio("check beside an empty program", check, empty)
    ratio("hpccm beside compile", hpccm, ours)
    ratio("spython beside compile", spython, ours)


def bench_big(run, sealift, work, count, size):
    print(f"big: {count} wheel{'s' if count > 1 else ''} of {size >> 20} MiB")
    example = work / f"example-{count}"
    make_example.make(str(example), 0, 0)
    lock = example / "requirements.lock"
    with lock.open("a") as file:
        for number in range(count):
            name = f"zbig{number:03d}"
            leaf = make_big_wheel(example / "wheels", name, size)
            file.write(f"{name}==1.0 --hash=sha256:{make_example.sha256_of(example / 'wheels' / leaf)}\n")
    bundle = work / f"big-{count}.sealift"
    wheels = sorted(str(path) for path in (example / "wheels").iterdir())

    def settle():
        for path in (bundle, work / "copy"):
            if path.is_dir():
                shutil.rmtree(path)
            elif path.exists():
                path.unlink()
        os.sync()

    copy = f"cp -r {example}/wheels {work}/copy && sync -f {work}/copy && sha256sum {work}/copy/*"
    copy_fast = f"cp -r {example}/wheels {work}/copy && sync -f {work}/copy && openssl dgst -sha256 {work}/copy/*"
    peer = run.measure("cp, sync, sha256sum", copy, work, shell=True, before=settle)
    peer_fast = run.measure("cp, sync, openssl dgst -sha256", copy_fast, work, shell=True, before=settle)
    ours = run.measure("sealift compile", [sealift, "-q", "compile", example / "spec.yaml", "-o", bundle],
                       work, before=settle)
    ratio("compile beside cp, sync, sha256sum", ours, peer)
    ratio("compile beside cp, sync, openssl", ours, peer_fast)
    settle()
    subprocess.run([sealift, "-q", "compile", example / "spec.yaml", "-o", bundle], check=True,
                   stdout=subprocess.DEVNULL, cwd=work)
    subprocess.run(["minisign", "-G", "-W", "-f", "-p", "peer.pub", "-s", "peer.key"], cwd=work, check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["minisign", "-S", "-W", "-s", "peer.key", "-m", bundle, "-x", "peer.minisig"], cwd=work,
                   check=True, stdout=subprocess.DEVNULL)
    sha = run.measure("sha256sum of the bundle", ["sha256sum", bundle], work)
    openssl = run.measure("openssl dgst -sha256 of the bundle (one core)", ["openssl", "dgst", "-sha256", bundle], work)
    cores = os.cpu_count()
    total = bundle.stat().st_size
    halves = run.measure(f"openssl dgst of the wheels, {cores} at once (all cores)",
                         ["sh", "-c", f'printf "%s\\n" "$@" | xargs -P{cores} -n1 openssl dgst -sha256', "x", *wheels],
                         work) if count > 1 else None
    mini = run.measure("minisign -V of the bundle", ["minisign", "-Vm", bundle, "-p", "peer.pub", "-x", "peer.minisig"], work)
    verify = run.measure("sealift verify", [sealift, "-q", "verify", bundle], work)
    inspect = run.measure("sealift inspect", [sealift, "-q", "inspect", bundle], work, rounds=20)
    print(f"    -> verify: {total / verify / 1e9:.2f} GB/s; inspect: {inspect * 1000:.1f} ms")
    ratio("verify beside sha256sum", verify, sha)
    ratio("verify beside minisign -V", verify, mini)
    if halves is None:
        print(f"    -> verify reaches {openssl / verify:.0%} of one core's SHA-256 rate")
    else:
        print(f"    -> verify reaches {halves / verify:.0%} of all cores' SHA-256 rate")
    settle()
    shutil.rmtree(example)


def make_big_wheel(folder, name, size):
    """Like make_example.make_wheel, without holding the payload in memory."""
    import zipfile
    leaf = f"{name}-1.0-py3-none-any.whl"
    block = make_example.noise(name, 1 << 20)
    with zipfile.ZipFile(folder / leaf, "w", zipfile.ZIP_STORED) as archive:
        with archive.open(zipfile.ZipInfo(f"{name}/data.bin", (2020, 1, 1, 0, 0, 0)), "w", force_zip64=True) as file:
            for _ in range(size >> 20):
                file.write(block)
        info = f"{name}-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return leaf


WHAT = ["small", "one", "many"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", metavar="PART", help="of: %s (default: all)" % ", ".join(WHAT))
    parser.add_argument("--sealift", default=ROOT / "build/release/compiler/sealift", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mib", type=int, default=2048, help="how much data `one` and `many` use")
    parser.add_argument("--folder", type=pathlib.Path, help="where to work (default: the temporary folder)")
    parser.add_argument("--cache", type=pathlib.Path, default=ROOT / ".cache/bench", help="where the peers are installed")
    parser.add_argument("--json", type=pathlib.Path, help="write all rows there")
    given = parser.parse_args()
    given.what = given.what or WHAT
    if not set(given.what) <= set(WHAT):
        parser.error("the parts are " + ", ".join(WHAT))
    sealift = given.sealift.resolve()
    machine()
    given.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="sealift-bench-") as name:
        work = pathlib.Path(name)
        run = Runner(given.rounds, work)
        home = work / "home"
        os.environ["SEALIFT_HOME"] = str(home)
        subprocess.run([sealift, "-q", "key", "new", "--no-password"], check=True, stdout=subprocess.DEVNULL)
        if "small" in given.what:
            bench_small(run, sealift, work, given.cache.resolve())
        if "one" in given.what:
            bench_big(run, sealift, work, 1, given.mib << 20)
        if "many" in given.what:
            bench_big(run, sealift, work, 40, (given.mib // 40) << 20)
    if given.json:
        given.json.write_text(json.dumps(run.rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
