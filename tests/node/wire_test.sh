#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The unmodified SDK unpacks what we pack, the code of the endpoint's workers runs it, and we read
# what they answer: every set, empty to long, and the agent itself.
set -eu
. "$SEALIFT_SOURCE_DIR/tests/node/lib.sh"
: "${SEALIFT_BUILD_DIR:?}"

wrong() {
	echo "FAILED: $*" >&2
	exit 1
}

emit=$SEALIFT_BUILD_DIR/tests/uploader_wire_emit
[ -x "$emit" ] || wrong "'$emit' was not built"
check=$SEALIFT_SOURCE_DIR/tests/node/wire_check.py

mkdir cases
python3 "$check" make cases "$emit" "$SEALIFT_SOURCE_DIR/uploader/agent/sealift_agent.py"
chmod -R a+rX cases
node_enter --bind "$check" /mnt/wire_check.py --bind "$PWD/cases" /mnt/cases \
	python3 /mnt/wire_check.py judge /mnt/cases >lines 2>err || wrong "$(tail -n 20 err)"
python3 "$check" compare "$emit" <lines

# Nothing that the service would count differently leaves here.
for set in universal modern; do
	status=0
	printf 'def f():\n    return "sch\303\266n"\n' | "$emit" function "$set" f >out 2>err || status=$?
	[ "$status" = 1 ] || wrong "a source that is not ASCII was packed"
	[ ! -s out ] || wrong "a part of a refused source was written"
	grep -q 'not ASCII' err || wrong "it says $(cat err)"
	printf 'sch\303\266n' >text
	status=0
	"$emit" arguments "$set" text >out 2>err || status=$?
	[ "$status" = 1 ] || wrong "an argument that is not ASCII was packed"
	[ ! -s out ] || wrong "a part of a refused argument was written"
	grep -q 'not ASCII' err || wrong "it says $(cat err)"
done
