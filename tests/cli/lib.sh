# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What the tests of whole commands share. Sourced: . "$SEALIFT_SOURCE_DIR/tests/cli/lib.sh"
set -eu

: "${SEALIFT:?the program under test}" "${SEALIFT_SOURCE_DIR:?the repository}"
export SEALIFT_HOME="${SEALIFT_HOME:-$PWD/sealift-home}"

fail()
{
	echo "FAILED: $*" >&2
	exit 1
}

# expect_exit CODE COMMAND...: runs it, keeps stdout in ./out and stderr in ./err.
expect_exit()
{
	wanted=$1
	shift
	got=0
	"$@" >out 2>err </dev/null || got=$?
	[ "$got" = "$wanted" ] || {
		cat out err >&2
		fail "exit $got instead of $wanted: $*"
	}
}

# expect_text FILE TEXT: the file contains the text.
expect_text()
{
	grep -qF -- "$2" "$1" || {
		cat "$1" >&2
		fail "no '$2' in $1"
	}
}

expect_same()
{
	cmp "$1" "$2" || fail "$1 and $2 differ"
}

# A key without a password, trusted to prepare, as the default key of this test's home.
make_key()
{
	"$SEALIFT" -q key new --no-password >/dev/null
}

# make_example FOLDER [options of make_example.py]
make_example()
{
	python3 "$SEALIFT_SOURCE_DIR/tests/cli/make_example.py" "$@"
}
