#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# No command of sealift makes a network system call: each one runs under strace, and must leave no
# line behind. The last step proves that the trace would have shown one.
# shellcheck source=tests/cli/lib.sh
. "$SEALIFT_SOURCE_DIR/tests/cli/lib.sh"

# The search for leaks of a sanitized build works under no tracer.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"

traced()
{
	strace -f -qq -e trace=network -e signal=none -o trace "$SEALIFT" "$@" >traced.out 2>traced.err ||
		{ cat traced.err >&2; fail "sealift $*"; }
	[ ! -s trace ] || fail "sealift $* made network calls: $(cat trace)"
	echo "no network call: sealift $*"
}

make_example example
traced --version
traced --help
traced key new --no-password
traced key show "$SEALIFT_HOME/config/sealift.pub"
minisign -G -W -f -p other.pub -s other.key >/dev/null 2>&1
traced trust add other.pub --name other --role prepare
traced trust list
traced trust remove other
traced check example/spec.yaml
traced compile example/spec.yaml -o a.sealift
traced verify a.sealift
traced inspect a.sealift
traced cat a.sealift plan.json
traced extract a.sealift -C extracted
traced key new --no-password -o second
traced trust add second.pub --name second --role approve
traced approve a.sealift --key second.key -C .
traced attach a.sealift ./*.minisig -o b.sealift
traced revoke a.sealift --key second.key -C .
traced policy init --prepare second.pub -o policy.json
traced policy check policy.json
traced policy explain policy.json

strace -f -qq -e trace=network -o trace python3 -c 'import socket; socket.socket()'
[ -s trace ] || fail "strace does not show a socket call: this test could not fail"

# Every command of the table was tried.
"$SEALIFT" --help | sed -n 's/^  \([a-z]\+\( [a-z]\+\)\{0,1\}\)  .*/\1/p' | sort >commands
sort >tried <<-'END'
	approve
	attach
	cat
	check
	compile
	extract
	inspect
	key new
	key show
	policy check
	policy explain
	policy init
	revoke
	trust add
	trust list
	trust remove
	verify
END
expect_same commands tried
