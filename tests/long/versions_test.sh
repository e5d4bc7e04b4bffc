#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/node/seed_test.py with endpoint, SDK and worker of earlier releases.
set -eu
SEALIFT_NODE=$(sh "$SEALIFT_SOURCE_DIR/tests/node/up" --where)
export SEALIFT_NODE
for version in 4.12.0 4.5.0 3.16.1 2.2.0; do
	SEALIFT_OLD=$(sh "$SEALIFT_SOURCE_DIR/tests/node/old" "$version")
	export SEALIFT_OLD
	python3 "$SEALIFT_SOURCE_DIR/tests/node/seed_test.py" -v
done
