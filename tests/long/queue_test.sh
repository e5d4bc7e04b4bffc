#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/node/queue_test.py with a thousand bundles, two hundred kills, and fifty bundles that share 190 MB;
# then the uploader and the agent killed at each of their steps instead of at some.
set -eu
SEALIFT_NODE=$(sh "$SEALIFT_SOURCE_DIR/tests/node/up" --where)
export SEALIFT_NODE SEALIFT_QUEUE_BUNDLES=1000 SEALIFT_QUEUE_KILLS=200 \
	SEALIFT_QUEUE_SHARERS=50 SEALIFT_QUEUE_WHEELS=199229440 SEALIFT_KILL_EVERY=1
for test in node/queue_test node/uploader_kill_test uploader/agent/steps_test; do
	python3 "$SEALIFT_SOURCE_DIR/tests/$test.py" -v
done
