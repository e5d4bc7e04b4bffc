#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# T69: two compiles that differ in umask, time zone, locale, folder order, thread count, user and
# clock give identical bytes with the same key and --signing-time, and the same id without.
# shellcheck source=tests/cli/lib.sh
. "$SEALIFT_SOURCE_DIR/tests/cli/lib.sh"

make_key
make_example one --blobs 5 --blob-size 300000
# The same folder made in another order, under another name, with other modes and times.
mkdir two two/wheels
find one/wheels -type f | sort -r | while read -r file; do cp "$file" two/wheels/; done
for file in spec.yaml requirements.lock base.sif app.ini; do cp "one/$file" two/; done
chmod -R go-rwx two
touch -d 2001-01-01 two/wheels/* two/*

(
	umask 077
	TZ=Asia/Kathmandu LC_ALL=C
	export TZ LC_ALL
	"$SEALIFT" compile one/spec.yaml -o a.sealift --threads 1 --signing-time 2026-11-22T13:26:02Z
)
(
	umask 000
	TZ=America/St_Johns LC_ALL=C.UTF-8 LANG=de_DE.UTF-8
	export TZ LC_ALL LANG
	cd two
	program=$SEALIFT
	as_another_user=
	if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
		chmod 711 .. ../..
		# The build may lie where only its owner can look.
		cp "$SEALIFT" ./sealift-of-another
		program=$PWD/sealift-of-another
		chown -R 65534 . "$SEALIFT_HOME"
		chmod -R a+rX "$SEALIFT_HOME"
		as_another_user='setpriv --reuid=65534 --regid=65534 --clear-groups'
	fi
	at_another_time=
	if command -v faketime >/dev/null; then
		at_another_time='faketime 2031-01-01'
	fi
	# shellcheck disable=SC2086
	$as_another_user $at_another_time "$program" compile spec.yaml -o b.sealift --threads 7 \
		--signing-time 2026-11-22T13:26:02Z
)
expect_same a.sealift two/b.sealift

"$SEALIFT" compile one/spec.yaml -o c.sealift --json >c.json
"$SEALIFT" compile one/spec.yaml -o d.sealift --signing-time 2020-01-01T00:00:00Z --json >d.json
[ "$(jq -r .bundle c.json)" = "$(jq -r .bundle d.json)" ] || fail "the signing time changed the id"
SOURCE_DATE_EPOCH=1577836800 "$SEALIFT" compile one/spec.yaml -o e.sealift
expect_same d.sealift e.sealift
