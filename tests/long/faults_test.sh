#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/faults with every call instead of some: each command that writes is failed and killed at each of
# them.
set -eu
export SEALIFT_FAULT_EVERY=1
for test in errors_test kill_test; do
	python3 "$SEALIFT_SOURCE_DIR/tests/faults/$test.py"
done
