#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds, makes the node and runs the quick and the node tests.
set -eu

usage() {
	cat <<END
usage: run.sh [quick] [node]

Without operands both kinds of tests run. Ends with their counts; exit status 1 when a test failed,
is missing, or skipped without standing in tests/optional.

  quick    unit tests and whole commands, no network, no root
  node     the real Apptainer in a root of its own (needs root)
  --help   this text

'ctest -L long' in a build of the preset 'fuzz' is for fuzzing and soak; nothing here runs it.
END
}

here=$(cd "$(dirname "$0")" && pwd -P)
cd "$here/.."
kinds=
for word in "$@"; do
	case $word in
	--help)
		usage
		exit 0
		;;
	quick | node) kinds="$kinds $word" ;;
	*)
		usage >&2
		exit 2
		;;
	esac
done
kinds=${kinds:-quick node}
cores=$(nproc)

step() {
	echo "== $*"
}

# build_for KIND: unit tests come from the debug build, the node gets the programs people run.
build_for() {
	case $1 in
	quick)
		cmake --preset debug >build/debug.log
		cmake --build --preset debug -j "$cores"
		;;
	node)
		cmake --preset release >build/release.log
		cmake --build --preset release -j "$cores" --target sealift sealift-upload uploader_wire_emit
		;;
	esac
}

run_kind() {
	case $1 in
	quick) build=build/debug parallel=$((3 * cores)) ;; # most of them wait
	node) build=build/release parallel=2 ;;
	esac
	junit=$PWD/build/$1.xml
	rm -f "$junit"
	# The report judges: CTest's own status says nothing about skipped and missing tests.
	ctest --test-dir "$build" -L "^$1\$" -j "$parallel" --output-on-failure \
		--output-junit "$junit" || :
	sh tests/report "$1" "$junit" >"build/$1.report" || :
}

started=$(date +%s)
step "packages"
sh tests/setup build test
mkdir -p build
for kind in $kinds; do
	if [ "$kind" = node ]; then
		step "the node"
		sh tests/setup node
		sh tests/node/up
	fi
	step "build for the $kind tests"
	build_for "$kind"
	step "$kind tests"
	run_kind "$kind"
done

step "results after $(($(date +%s) - started)) s"
for kind in $kinds; do
	cat "build/$kind.report"
done | awk '
	/: [0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { passed += $2; failed += $4 }
	{ print }
	END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 || passed == 0 }
'
