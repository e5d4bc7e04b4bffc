#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every mutant of tests/mutants/mutants.json, and whether a test notices it.
set -eu
python3 "$SEALIFT_SOURCE_DIR/tests/mutants/run"
