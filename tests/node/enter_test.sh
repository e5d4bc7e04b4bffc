#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What everybody else relies on: `enter` becomes the program, as an ordinary user, with nothing of the
# environment and a /dev and /tmp of its own, and image bases of all three carried kinds are good.
# shellcheck disable=SC2016 # expanded inside
set -eu
. "$SEALIFT_SOURCE_DIR/tests/node/lib.sh"

wrong() {
	echo "FAILED: $*" >&2
	exit 1
}

# Exit status, standard input and arguments with blanks go through.
status=0
node_enter sh -c 'exit 7' || status=$?
[ "$status" = 7 ] || wrong "exit status $status instead of 7"
[ "$(echo in | node_enter cat)" = in ] || wrong "standard input"
[ "$(node_enter printf '%s|' 'a b' '' '$c')" = 'a b||$c|' ] || wrong "arguments"

# The process id is the program's: a signal sent to it ends it.
sh "$here/enter" sleep 100 &
pid=$!
tries=0
while [ "$(cat "/proc/$pid/comm")" != sleep ]; do
	tries=$((tries + 1))
	[ "$tries" -lt 100 ] || wrong "the program is not the process that was started"
	sleep 0.1
done
kill -TERM "$pid"
status=0
wait "$pid" || status=$?
[ "$status" = 143 ] || wrong "after SIGTERM status $status instead of 143"

# Nobody's environment, an ordinary user, and settings that win.
leaked=$(SECRET=1 node_enter env | grep SECRET || :)
[ -z "$leaked" ] || wrong "the environment leaks: $leaked"
[ "$(node_enter id -un)" = node ] || wrong "not the user node"
[ "$(node_enter --as-root id -u)" = 0 ] || wrong "not root"
[ "$(node_enter sh -c 'echo $SEALIFT_HOME')" = /share/sealift ] || wrong "SEALIFT_HOME"
[ "$(node_enter --env SEALIFT_HOME=/x sh -c 'echo $SEALIFT_HOME')" = /x ] || wrong "--env"

# Nothing of the machine is in sight, and what is written to /tmp is gone afterwards.
node_enter touch /tmp/mark
node_enter sh -c 'test ! -e /tmp/mark -a ! -e /.old/etc' || wrong "the machine is visible"

# A base of every kind that a bundle can carry.
home=$(node_new_home)
trap 'node_remove_home "$home"' EXIT
for kind in localimage:base.sif docker-archive:base-docker.tar oci-archive:base-oci.tar; do
	printf 'Bootstrap: %s\nFrom: /mnt/%s\n%%post\n\tpython3 -c "import venv"\n' \
		"${kind%%:*}" "${kind#*:}" >"$home/base.def"
	node_enter --bind "$NODE/${kind#*:}" "/mnt/${kind#*:}" apptainer build --force \
		--mksquashfs-args='-comp zstd -Xcompression-level 3' \
		"/share/${home##*/}/data/x.sif" "/share/${home##*/}/base.def" >log 2>&1 </dev/null || {
		cat log >&2
		wrong "no image from $kind"
	}
	node_enter apptainer -q exec "/share/${home##*/}/data/x.sif" python3 -c 'import ssl' ||
		wrong "no python in the image from $kind"
done
