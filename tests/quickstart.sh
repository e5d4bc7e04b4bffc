#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From a clone to a running container: builds sealift, compiles specs/examples/pandas where there is
# no network, submits it to the Apptainer of this machine's node and runs a function in the image.
set -eu

usage() {
	cat <<END
usage: quickstart.sh

Needs root and a Debian 12 machine; what else is missing gets installed. Everything it makes lies in
build/ and in the node's folder (tests/node/up --where). Run it again: what is there is kept.
END
}

case ${1:-} in
'') ;;
--help)
	usage
	exit 0
	;;
*)
	usage >&2
	exit 2
	;;
esac

source=$(cd "$(dirname "$0")/.." && pwd -P)
here=$source/tests/node
# shellcheck source=node/lib.sh
. "$here/lib.sh"
need_root
cd "$source"
number=0
began=$(date +%s)
started=$began

# heading TEXT: says how long the step before took.
heading() {
	now=$(date +%s)
	[ "$number" -eq 0 ] || echo "   ($((now - started)) s)"
	started=$now
	number=$((number + 1))
	echo "== $number. $*"
}

run() {
	echo "\$ $*"
	"$@"
}

heading "Install what is missing"
sh tests/setup

heading "Build the two programs"
mkdir -p build
cmake --preset release >build/release.log
cmake --build --preset release -j "$(nproc)" --target sealift sealift-upload >build/release.log || {
	cat build/release.log >&2
	exit 1
}
tail -n 1 build/release.log
ln -sf release/compiler/sealift release/uploader/sealift-upload build/
PATH=$source/build:$PATH

heading "Make the node: Apptainer in a root of its own, a base image, wheels"
sh tests/node/up

work=$source/build/quickstart
mkdir -p "$work/pandas"
SEALIFT_HOME=$work/home
export SEALIFT_HOME
cd "$work"

heading "Make a key to sign with"
if [ -e home/config/sealift.key ]; then
	echo "there is one: $SEALIFT_HOME/config/sealift.key"
else
	run sealift key new --no-password
fi

heading "Compile the spec, in a network namespace without any interface"
# The folder a preparer would carry in on a disk: the spec and its lock, a base image, wheels.
node_example pandas
bundle=my-pandas-image-1.0.0.sealift
run unshare -n sealift compile pandas/pandas.yaml -o "$bundle"

heading "Verify it, as whoever trusts that key"
run sealift verify "$bundle"

heading "Read what it says"
run sealift inspect "$bundle"

heading "The operator's step: which keys may have images built here"
node_trust_key sealift "$NODE/share/sealift/config/policy.json" home/config/sealift.pub

heading "Submit it to the local builder"
# This machine's own Debian has no Apptainer; the agent starts where there is one.
# A bundle's id is the digest of its first member.
id=$(tar -xOf "$bundle" manifest.json | sha256sum | cut -d ' ' -f 1)
cat >local.json <<'END'
{
	"launcher": ["../../tests/node/enter", "python3"]
}
END
# The version stays 1.0.0 while the base and the wheels may change: one registration per bundle.
run sealift-upload push "$bundle" --builder local --builder-config local.json \
	--out "$work/registrations/$id"

heading "Run transform() inside the image"
image=/share/sealift/data/images/sha256/$id.sif
run sh "$here/enter" apptainer -q exec "$image" python3 - \
	<"$source/specs/examples/pandas/transform.py"
echo "   ($(($(date +%s) - started)) s)"

echo
echo "bundle  $work/$bundle"
echo "image   $NODE$image"
echo "receipt $NODE/share/sealift/data/bundles/$id/receipt.json"
echo "all in  $(($(date +%s) - began)) s"
