#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From a bundle to an endpoint's configuration with the real Apptainer and the unmodified endpoint
# package: the uploader is killed in the middle of the build and started again, the build is not, and
# the registration's files configure an endpoint whose workers run in that image.
set -eu
. "$SEALIFT_SOURCE_DIR/tests/node/lib.sh"
: "${SEALIFT:?}" "${SEALIFT_UPLOAD:?}"

wrong() {
	echo "FAILED: $*" >&2
	exit 1
}

home=$(node_new_home)
inside=/share/${home##*/}
uploader=
trap '[ -z "$uploader" ] || kill -9 "$uploader" 2>/dev/null || :; node_remove_home "$home"' EXIT

export SEALIFT_HOME="$PWD/home"
node_example example
"$SEALIFT" -q key new --no-password >/dev/null
"$SEALIFT" -q compile example/pandas.yaml -o pandas.sealift >/dev/null
node_trust "$home" "$SEALIFT_HOME/config/policy.json"
node_builder "$home" >builder.json

state() {
	"$SEALIFT_UPLOAD" status --json | jq -r '.submissions[0].state'
}

# Killed while Apptainer works; the build goes on alone, and the next run only waits for it.
"$SEALIFT_UPLOAD" add pandas.sealift --builder local --builder-config builder.json >/dev/null
"$SEALIFT_UPLOAD" run >run.out 2>run.err &
uploader=$!
tries=0
until [ "$(state)" = building ] && grep -q 'building: build' run.err; do
	tries=$((tries + 1))
	[ "$tries" -lt 600 ] || wrong "no build after a minute: $(cat run.err)"
	kill -0 "$uploader" 2>/dev/null || wrong "the run ended: $(cat run.out run.err)"
	sleep 0.1
done
kill -9 "$uploader"
wait "$uploader" 2>/dev/null || :
uploader=
killed=$(date +%s)
[ "$(state)" = building ] || wrong "after kill -9 it is $(state)"
"$SEALIFT_UPLOAD" run >run.out || wrong "the second run: $(cat run.out)"
"$SEALIFT_UPLOAD" export >ledger.json
jq -e --argjson killed "$killed" '.submissions[0] | .state == "done"
	and .receipt.started <= $killed and .receipt.finished > $killed
	and ([.effects[] | select(.kind == "build")] | length) == 1' ledger.json >/dev/null ||
	wrong "the build was begun again: $(cat ledger.json)"

# Done is done: pushing again prints the same receipt at once.
"$SEALIFT_UPLOAD" push pandas.sealift --builder local >push.out
image=$(jq -r '.submissions[0].receipt.image.path' ledger.json)
grep -qF "$image" push.out || wrong "push says: $(cat push.out)"

# The files mean to the endpoint package what they should.
folder=$SEALIFT_HOME/data/registrations/$(jq -r '.submissions[0] | .name + "-" + .version' ledger.json)
cp -R "$folder" "$home/registration"
cp "$SEALIFT_SOURCE_DIR/tests/node/registration_check.py" "$home/"
chmod -R a+rX "$home/registration" "$home/registration_check.py"
node_enter sh -c "cd '$inside' && mkdir data/endpoint && python3 registration_check.py registration data/endpoint '$image'" ||
	wrong "the endpoint package does not take the registration"

# And it is the image of that path that a worker would be started in.
node_enter apptainer exec "$image" python3 -c 'import pandas, globus_compute_endpoint' ||
	wrong "the image has no pandas or no worker"
