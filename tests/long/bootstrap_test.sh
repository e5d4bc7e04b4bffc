#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/node/bootstrap_test.py with the bootstrap.sh, and so the endpoints, of earlier releases.
set -eu
SEALIFT_NODE=$(sh "$SEALIFT_SOURCE_DIR/tests/node/up" --where)
export SEALIFT_NODE
for version in 4.5.0 3.16.1; do
	SEALIFT_OLD=$(sh "$SEALIFT_SOURCE_DIR/tests/node/old" "$version")
	export SEALIFT_OLD
	python3 "$SEALIFT_SOURCE_DIR/tests/node/bootstrap_test.py" -v
done
