#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A blob of 9 GiB, more than the octal size of a tar header can say, through compile, verify, inspect, cat
# and extract: in 64 MiB of memory, and tar and bsdtar list the same. Needs 20 GB of disk.
# shellcheck source=tests/cli/lib.sh
. "$SEALIFT_SOURCE_DIR/tests/cli/lib.sh"

size=$((9 * 1024 * 1024 * 1024 + 12345))
free=$(df -Pk . | awk 'NR == 2 { print $4 }')
[ "$free" -gt 20000000 ] || fail "needs 20 GB here, there are $((free / 1000000))"
cc -O2 -o meter "$SEALIFT_SOURCE_DIR/tests/bench/meter.c"

# flat COMMAND...: it works, in 64 MiB.
flat()
{
	./meter "$SEALIFT" "$@" >figures || fail "sealift $*"
	read -r time memory <figures
	echo "$1: $((time / 1000000)) ms, $memory KiB"
	[ "$memory" -le 65536 ] || fail "sealift $1 took $memory KiB"
}

make_key
make_example example
truncate -s "$size" example/base.sif
flat compile example/spec.yaml -o a.sealift
flat verify a.sealift
flat inspect a.sealift
"$SEALIFT" inspect a.sealift --json >inspected
blob=$(jq -r '.. | objects | select(.size? == '"$size"') | .sha256' inspected | sort -u)
[ "$blob" = "$(sha256sum <example/base.sif | cut -c1-64)" ] || fail "the digest of the blob is '$blob'"

name=blobs/sha256/$blob
tar -tvf a.sealift | tee members | awk -v name="$name" '$6 == name { print $3 }' >listed
[ "$(cat listed)" = "$size" ] || fail "tar lists $(cat listed) bytes"
bsdtar -tvf a.sealift | awk -v name="$name" '$9 == name { print $5 }' >listed
[ "$(cat listed)" = "$size" ] || fail "bsdtar lists $(cat listed) bytes"
[ "$(tar -tf a.sealift)" = "$(bsdtar -tf a.sealift)" ] || fail "tar and bsdtar list different members"
[ "$(wc -l <members)" = "$(tar -tf a.sealift | wc -l)" ]

[ "$("$SEALIFT" cat a.sealift "$name" | sha256sum | cut -c1-64)" = "$blob" ] || fail "cat gives other bytes"
rm example/base.sif
flat extract a.sealift -C opened
[ "$(stat -c %s "opened/$name")" = "$size" ] || fail "extract made $(stat -c %s "opened/$name") bytes"
[ "$(sha256sum <"opened/$name" | cut -c1-64)" = "$blob" ] || fail "extract made other bytes"

# One byte far behind 8 GiB.
printf x | dd of=a.sealift bs=1 seek=$((9 * 1024 * 1024 * 1024)) conv=notrunc 2>/dev/null
expect_exit 3 "$SEALIFT" verify a.sealift
expect_text err "is damaged"
