#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/node/queue_test.py with a thousand bundles and two hundred kills.
set -eu
SEALIFT_NODE=$(sh "$SEALIFT_SOURCE_DIR/tests/node/up" --where)
export SEALIFT_NODE SEALIFT_QUEUE_BUNDLES=1000 SEALIFT_QUEUE_KILLS=200
exec python3 "$SEALIFT_SOURCE_DIR/tests/node/queue_test.py" -v
