#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The static program that people run makes no network system call either. (The quick test of the same
# name runs the dynamic one.)
set -eu
exec sh "$SEALIFT_SOURCE_DIR/tests/cli/no_network_calls_test.sh"
