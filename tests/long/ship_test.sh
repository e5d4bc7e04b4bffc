#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/node/ship_test.py with 250 MB through tasks, and with an image that Apptainer has built.
set -eu
SEALIFT_NODE=$(sh "$SEALIFT_SOURCE_DIR/tests/node/up" --where)
export SEALIFT_NODE SEALIFT_SHIP_LONG=1
exec python3 "$SEALIFT_SOURCE_DIR/tests/node/ship_test.py" -v Large
