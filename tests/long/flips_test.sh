#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every byte of every object of a bundle changed where it lies in the agent's store, each seen by a build.
set -eu
export SEALIFT_FLIP_EVERY=1
python3 "$SEALIFT_SOURCE_DIR/tests/uploader/agent/flips_test.py"
