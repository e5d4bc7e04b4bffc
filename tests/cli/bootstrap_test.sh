#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# endpoint/bootstrap.sh as it is rendered: a first run sets up, a second one changes nothing, what a
# person has changed stays, and nothing is installed whose hash is not locked.
# shellcheck disable=SC2030,SC2031
set -eu
expected=$SEALIFT_SOURCE_DIR/tests/data/recipe/pinned/expected/endpoint
minor=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')

script=bundle/bootstrap.sh

wrong() {
	echo "FAILED: $*" >&2
	[ ! -e log ] || cat log >&2
	exit 1
}

# run STATUS ARGUMENT...: bootstrap.sh ends with this status.
run() {
	wanted=$1
	shift
	status=0
	sh "$script" "$@" >log 2>&1 || status=$?
	[ "$status" = "$wanted" ] || wrong "bootstrap.sh $*: status $status instead of $wanted"
}

said() {
	grep -q -- "$1" log || wrong "'$1' was not said"
}

if command -v shellcheck >/dev/null; then
	for case in "$SEALIFT_SOURCE_DIR"/tests/data/recipe/*/expected/endpoint/bootstrap.sh; do
		shellcheck "$case" || wrong "shellcheck of $case"
	done
fi

# A wheel of our own plays the endpoint, so that no network is needed.
mkdir bundle wheels
cp "$expected/config.yaml" "$expected/user_config_template.yaml.j2" \
	"$expected/user_config_schema.json" bundle
sed "s/3\.11/$minor/g" "$expected/bootstrap.sh" >bundle/bootstrap.sh
python3 - <<'END'
import hashlib, zipfile
info = "globus_compute_endpoint-4.19.0.dist-info/"
files = {
    "played_endpoint.py": "import os, sys\ndef main():\n    print('played', *sys.argv[1:], os.environ['PATH'].split(':')[0])\n",
    info + "METADATA": "Metadata-Version: 2.1\nName: globus-compute-endpoint\nVersion: 4.19.0\n",
    info + "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    info + "entry_points.txt": "[console_scripts]\nglobus-compute-endpoint = played_endpoint:main\n",
}
files[info + "RECORD"] = "".join(name + ",,\n" for name in [*files, info + "RECORD"])
path = "wheels/globus_compute_endpoint-4.19.0-py3-none-any.whl"
with zipfile.ZipFile(path, "w") as wheel:
    for name, text in files.items():
        wheel.writestr(name, text)
digest = hashlib.sha256(open(path, "rb").read()).hexdigest()
with open("bundle/requirements.txt", "w") as file:
    file.write("# a test\nglobus-compute-endpoint==4.19.0 \\\n    --hash=sha256:%s\n" % digest)
END

run 0 --help
said 'usage: sh bootstrap.sh'
[ ! -e "$HOME/.globus_compute" ] || wrong "--help made something"
run 2 --frobnicate
said "unknown argument '--frobnicate'"
run 2 --name
said '--name needs a value'
run 2 --name ../x
run 2 --name "a b"
[ ! -e "$HOME/.globus_compute" ] || wrong "a misuse made something"

# One file of the folder alone, and a folder that is not there, are told before anything is made.
mv bundle/config.yaml config.kept
run 1 --wheels wheels --python python3
said "bundle/config.yaml' is missing; take the bundle's whole folder"
mv config.kept bundle/config.yaml
run 1 --wheels nowhere --python python3
said "'nowhere' is not a folder"
[ ! -e "$HOME/.globus_compute" ] || wrong "made something without its files"

# Another Python than the locked one is refused before anything is made of it.
printf '#!/bin/sh\necho 2.7\n' >old-python
chmod 755 old-python
run 1 --wheels wheels --python ./old-python
said "is Python 2.7, the packages are locked for $minor"
run 1 --wheels wheels --python ./no-python
said "'./no-python' was not found"
folder=$HOME/.globus_compute/my-pandas-image
[ ! -e "$HOME/.globus_compute" ] || wrong "made something for the wrong Python"

# What a cluster's modules set neither brings packages nor takes them away.
leak=leak/globus_compute_endpoint-4.19.0.dist-info
mkdir -p "$leak"
printf 'Metadata-Version: 2.1\nName: globus-compute-endpoint\nVersion: 4.19.0\n' >"$leak/METADATA"
export PYTHONPATH="$PWD/leak" PIP_USER=1
run 0 --wheels wheels --python python3
unset PYTHONPATH PIP_USER
said 'installing the locked packages'
said 'Successfully installed globus-compute-endpoint'
cmp "$folder/config.yaml" bundle/config.yaml || wrong "config.yaml"
cmp "$folder/user_config_schema.json" bundle/user_config_schema.json || wrong "schema"
[ "$("$folder/venv/bin/globus-compute-endpoint" x)" ] || wrong "no endpoint in the environment"
[ "$(stat -c %a "$folder")" = 700 ] || wrong "the folder is open to others"
if ! command -v apptainer >/dev/null && ! command -v singularity >/dev/null; then
	said 'neither apptainer nor singularity is on PATH'
fi

# Once more: nothing to do, and neither wheels nor an interpreter are needed for that.
find "$folder" -type f ! -name '*.pyc' -exec cksum {} + | sort >before
run 0 --python ./no-python
if grep -q 'making\|installing\|writing\|differs' log; then
	wrong "a second run did something"
fi
find "$folder" -type f ! -name '*.pyc' -exec cksum {} + | sort >after
cmp before after || wrong "a second run changed files"

# A person's change stays until --force.
echo 'debug: true' >>"$folder/config.yaml"
run 0
said 'differs and stays'
grep -q '^debug: true' "$folder/config.yaml" || wrong "a change was lost"
run 0 --force
cmp "$folder/config.yaml" bundle/config.yaml || wrong "--force did not replace"

run 0 --start
said "played start my-pandas-image $folder/venv/bin"

# A file that is not the locked one is not installed, and the next run tries again.
printf 'x' >>wheels/globus_compute_endpoint-4.19.0-py3-none-any.whl
run 1 --name second --wheels wheels --python python3
said 'could not be installed'
[ ! -e "$HOME/.globus_compute/second/venv/bin/globus-compute-endpoint" ] || wrong "installed"
[ ! -e "$HOME/.globus_compute/second/venv/sealift-requirements.txt" ] || wrong "marked as done"
run 1 --name second --wheels wheels --python python3
said 'could not be installed'

# A run that was interrupted before there was a pip: the next one goes on.
truncate -s -1 wheels/globus_compute_endpoint-4.19.0-py3-none-any.whl
second=$HOME/.globus_compute/second
rm -r "$second"/venv/lib/python*/site-packages/pip*
run 0 --name second --wheels wheels --python python3
said "making '$second/venv'"
cmp "$second/config.yaml" bundle/config.yaml || wrong "no configuration after an interrupted run"

# A bundle that was laid out whole brings its wheels, under their digests.
mkdir -p whole/blobs/sha256
cp -r bundle whole/endpoint
script=whole/endpoint/bootstrap.sh
wheel=$(sha256sum wheels/*.whl | cut -d ' ' -f 1)
echo '{"packages":[{"file":"globus_compute_endpoint-4.19.0-py3-none-any.whl","hashes":["'"$wheel"'"],
"name":"globus-compute-endpoint","wheel":{"sha256":"'"$wheel"'","size":1}},{"file":"x.whl","name":"x"}]}' >whole/lock.json
export PIP_NO_INDEX=1
rm "$second/venv/sealift-requirements.txt"
"$second/venv/bin/python" -m pip uninstall -q -y globus-compute-endpoint
run 1 --name second
said 'asking the package index'
said 'without a network: --wheels DIR'
cp wheels/*.whl "whole/blobs/sha256/$wheel"
run 0 --name second
said 'Successfully installed globus-compute-endpoint'
[ ! -e "$second/venv/sealift-wheels" ] || wrong "links to the bundle stayed"
script=bundle/bootstrap.sh

# The folder of endpoints is the one that the endpoint itself looks into.
GLOBUS_COMPUTE_USER_DIR=$PWD/elsewhere
export GLOBUS_COMPUTE_USER_DIR
run 0 --venv "$folder/venv" --name third
cmp elsewhere/third/config.yaml bundle/config.yaml || wrong "GLOBUS_COMPUTE_USER_DIR"
said "GLOBUS_COMPUTE_USER_DIR='$PWD/elsewhere' globus-compute-endpoint start 'third'"

# Where folders are named from here, the endpoint is told where they are from everywhere.
GLOBUS_COMPUTE_USER_DIR=elsewhere
ln -s "$folder/venv" linked
run 0 --venv linked --name fourth
said "PATH='$PWD/linked/bin':"
said "GLOBUS_COMPUTE_USER_DIR='$PWD/elsewhere'"
run 0 --venv linked --name fourth --start
said "played start fourth $PWD/linked/bin"
