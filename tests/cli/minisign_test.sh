#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Keys and signatures both ways between us and the minisign program, with and without a password.
# shellcheck source=tests/cli/lib.sh
. "$SEALIFT_SOURCE_DIR/tests/cli/lib.sh"

command -v minisign >/dev/null || {
	echo "SKIPPED: the minisign program is not here"
	exit 77
}

# The word of minisign on a bundle: the manifest and the preparer's signature are taken out by tar.
minisign_says_good()
{
	rm -rf opened
	mkdir opened
	tar xf "$1" -C opened
	minisign -V -m opened/manifest.json -x opened/signatures/prepare.minisig -p "$2" >said ||
		fail "minisign refuses the signature in $1"
	grep -q '^Signature and comment signature verified$' said || fail "minisign said: $(cat said)"
}

# Puts a signature made by minisign in the place of ours.
sign_with_minisign()
{
	rm -rf opened
	mkdir opened
	tar xf "$1" -C opened
	tar tf "$1" >members
	id=$(sha256sum <opened/manifest.json | cut -c1-64)
	minisign -S -s "$2" -m opened/manifest.json -x opened/signatures/prepare.minisig \
		-t "sealift:1 role=prepare bundle=$id name=small-image version=1.0.0 time=2026-11-22T13:26:02Z" \
		>/dev/null 2>&1 <"$3" || fail "minisign cannot sign with $2"
	tar --format=gnu --owner=0 --group=0 --numeric-owner --mtime=@0 --mode=0644 -b1 -cf "$4" \
		-C opened -T members
}

make_example example
echo 'correct horse' >password

# ---- our keys, our signatures, judged by minisign -------------------------------------------
"$SEALIFT" -q key new -o plain --no-password >/dev/null
"$SEALIFT" key new -o locked --password-file password >/dev/null 2>said
expect_text said '1 GiB'
"$SEALIFT" -q compile example/spec.yaml --allow-open -o plain.sealift --key plain.key >/dev/null
"$SEALIFT" compile example/spec.yaml --allow-open -o locked.sealift --key locked.key \
	--password-file password >/dev/null 2>said
expect_text said '1 GiB'
minisign_says_good plain.sealift plain.pub
minisign_says_good locked.sealift locked.pub

# ---- our secret keys in minisign's hands -----------------------------------------------------
"$SEALIFT" trust add plain.pub
"$SEALIFT" trust add locked.pub
sign_with_minisign plain.sealift plain.key /dev/null by-minisign.sealift
expect_exit 0 "$SEALIFT" verify by-minisign.sealift
sign_with_minisign plain.sealift locked.key password by-minisign.sealift
expect_exit 0 "$SEALIFT" verify by-minisign.sealift
minisign -R -s plain.key -p again.pub >/dev/null 2>&1 </dev/null
expect_same again.pub plain.pub
expect_exit 3 "$SEALIFT" compile example/spec.yaml --allow-open -o no.sealift --key locked.key \
	--password-file example/spec.yaml
expect_text err 'wrong password'
[ ! -e no.sealift ] || fail "a bundle was written without a signature"

# ---- minisign's keys in our hands ------------------------------------------------------------
cat password password >twice
minisign -G -W -p theirs.pub -s theirs.key >/dev/null 2>&1
minisign -G -p theirs-locked.pub -s theirs-locked.key >/dev/null 2>&1 <twice
"$SEALIFT" trust add theirs.pub
"$SEALIFT" trust add theirs-locked.pub
for key in theirs theirs-locked; do
	"$SEALIFT" -q compile example/spec.yaml --allow-open -o "$key.sealift" --key "$key.key" \
		--password-file password >/dev/null
	minisign_says_good "$key.sealift" "$key.pub"
	expect_exit 0 "$SEALIFT" verify "$key.sealift"
	"$SEALIFT" key show "$key.pub" --json >public.json
	"$SEALIFT" key show "$key.key" --password-file password --json >secret.json 2>/dev/null
	[ "$(jq -r .public_key public.json)" = "$(jq -r .public_key secret.json)" ] ||
		fail "key show tells two public keys for $key"
	[ "$(jq -r .public_key public.json)" = "$(sed -n 2p "$key.pub")" ] || fail "key show tells another key"
	head -1 "$key.pub" | grep -q " $(jq -r .key_id public.json)\$" || fail "key show tells another id than minisign"
done
sign_with_minisign plain.sealift theirs.key /dev/null by-minisign.sealift
expect_exit 0 "$SEALIFT" verify by-minisign.sealift
expect_text out "prepared by 'theirs' at 2026-11-22T13:26:02Z"

# ---- what minisign accepts and we do not: an ordinary trusted comment, the older algorithm -----
sign_comment()
{
	minisign -S "$1" -s theirs.key -m opened/manifest.json -x opened/signatures/prepare.minisig \
		-t "$2" >/dev/null 2>&1 </dev/null
	tar --format=gnu --owner=0 --group=0 --numeric-owner --mtime=@0 --mode=0644 -b1 \
		-cf by-minisign.sealift -C opened -T members
	minisign_says_good by-minisign.sealift theirs.pub
}
sign_comment -H 'an ordinary comment'
expect_exit 4 "$SEALIFT" verify by-minisign.sealift
expect_text out other-purpose
id=$(sha256sum <opened/manifest.json | cut -c1-64)
sign_comment -l "sealift:1 role=prepare bundle=$id name=small-image version=1.0.0 time=2026-11-22T13:26:02Z"
expect_exit 4 "$SEALIFT" verify by-minisign.sealift
expect_text out malformed
