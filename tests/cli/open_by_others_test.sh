#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A bundle opens and verifies with tar, zstd, jq, sha256sum and minisign alone; a bundle signed by the
# minisign program verifies with us.
# shellcheck source=tests/cli/lib.sh
. "$SEALIFT_SOURCE_DIR/tests/cli/lib.sh"

make_key
make_example example
"$SEALIFT" compile example/spec.yaml -o a.sealift --json >made.json
id=$(jq -r .bundle made.json)

tar tf a.sealift >members
bsdtar tf a.sealift | cmp - members || fail "bsdtar and tar list different members"
head -3 members | tr '\n' ' ' | grep -q '^manifest.json signatures/prepare.minisig content.tar.zst $' ||
	fail "members are not in order: $(cat members)"

mkdir opened
tar xf a.sealift -C opened
[ "$(sha256sum <opened/manifest.json | cut -c1-64)" = "$id" ] || fail "the id is not the manifest's digest"
[ "$(jq -cS . opened/manifest.json)" = "$(cat opened/manifest.json)" ] || fail "jq does not see canonical JSON"
minisign -Vm opened/manifest.json -x opened/signatures/prepare.minisig \
	-p "$SEALIFT_HOME/config/sealift.pub" >minisign.out || fail "minisign does not verify"
expect_text minisign.out "sealift:1 role=prepare bundle=$id name=small-image version=1.0.0 time="

zstd -q -d opened/content.tar.zst -o content.tar
[ "$(sha256sum <content.tar | cut -c1-64)" = "$(jq -r .content.tar_sha256 opened/manifest.json)" ] ||
	fail "the content's digest is not the manifest's"
mkdir content
tar xf content.tar -C content
expect_same content/spec example/spec.yaml
jq -e '.packages | length == 4' content/lock.json >/dev/null || fail "the lock does not have 4 packages"
(cd opened && for blob in blobs/sha256/*; do echo "${blob##*/}  $blob"; done | sha256sum -c --quiet)

# The other way round: minisign makes a key and signs; we verify.
minisign -G -W -f -p other.pub -s other.key >/dev/null 2>&1
comment="sealift:1 role=prepare bundle=$id name=small-image version=1.0.0 time=2026-11-22T13:26:02Z"
minisign -S -W -s other.key -m opened/manifest.json -t "$comment" \
	-x opened/signatures/prepare.minisig >/dev/null
tar --format=gnu --owner=0 --group=0 --numeric-owner --mtime=@0 --mode=0644 -b1 -cf b.sealift -C opened \
	-T members
expect_exit 1 "$SEALIFT" verify b.sealift
"$SEALIFT" trust add other.pub --name other --role prepare
expect_exit 0 "$SEALIFT" verify b.sealift
