#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# verify, inspect, cat and extract: what they show, what they refuse, and what they exit with.
# shellcheck source=tests/cli/lib.sh
. "$SEALIFT_SOURCE_DIR/tests/cli/lib.sh"

make_key
make_example example --blobs 3 --blob-size 200000
"$SEALIFT" -q compile example/spec.yaml --allow-open -o good.sealift >/dev/null
tar xf good.sealift manifest.json
id=$(sha256sum <manifest.json | cut -c1-64)

# ---- verify ----------------------------------------------------------------------------------
expect_exit 0 "$SEALIFT" verify good.sealift
expect_text out 'good.sealift: verified'
expect_text out "$id"
parts=$(tar tf good.sealift | wc -l)
bytes=$(tar tvf good.sealift | awk '{ sum += $3 } END { print sum }')
expect_text out "covered: all $bytes bytes of all $parts parts"
expect_exit 0 "$SEALIFT" verify good.sealift --json --threads 2
jq -e --arg id "$id" --argjson parts "$parts" --argjson bytes "$bytes" '
	.sealift_verify == 1 and .exit_code == 0 and (.bundles | length == 1) and
	(.bundles[0] | .verified and .file == "good.sealift" and .bundle == $id and
	 .covered == {bytes: $bytes, bytes_total: $bytes, parts: $parts, parts_total: $parts} and
	 [.findings[].rule] == ["format", "signatures", "approvals", "revocation", "time", "content", "recipe",
		"version", "closure", "base", "index", "packages", "size", "blobs"] and
	 [.findings[] | select(.verdict == "pass") | .rule] == ["format", "signatures", "revocation", "time",
		"content", "recipe", "version", "blobs"] and
	 ([.findings[].verdict] | unique) == ["none", "pass"] and
	 (.signatures[0] | .verdict == "good" and .counts and .statement.bundle == $id))' \
	out >/dev/null || fail "verify --json: $(cat out)"
expect_exit 2 "$SEALIFT" verify
expect_exit 2 "$SEALIFT" verify good.sealift --threads 1000
expect_exit 5 "$SEALIFT" verify good.sealift --policy nowhere.json

# damage: one byte of a blob, the end cut off, not a bundle at all
cp good.sealift blob.sealift
block=$(tar tRf good.sealift | sed -n 's/^block \([0-9]*\): blobs.*/\1/p' | tail -1)
printf '\377' | dd of=blob.sealift bs=1 seek=$((block * 512 + 512 + 100)) conv=notrunc 2>/dev/null
head -c 20000 good.sealift >cut.sealift
seq 10000 >text.sealift
for bad in blob cut; do
	expect_exit 3 "$SEALIFT" verify "$bad.sealift"
	expect_text out "$bad.sealift: NOT VERIFIED"
	expect_text err "$bad.sealift"
done

# something else: one sentence and a hint, from each command
: >empty.sealift
head -c 100 good.sealift >short.sealift
tar cf other.sealift text.sealift
for bad in text empty short other; do
	expect_exit 3 "$SEALIFT" verify "$bad.sealift"
	[ ! -s out ] || fail "verify of what is no bundle prints $(cat out)"
	[ "$(wc -l <err)" = 2 ] || fail "not one sentence and a hint: $(cat err)"
	expect_text err "sealift: '$bad.sealift' is not a bundle: it "
	expect_text err '    hint: '
	for command in inspect 'extract -C opened' 'cat'; do
		member=
		[ "$command" != cat ] || member=spec
		# shellcheck disable=SC2086
		expect_exit 3 "$SEALIFT" $command "$bad.sealift" $member
		expect_text err "sealift: '$bad.sealift' is not a bundle: it "
	done
done
expect_exit 5 "$SEALIFT" verify nowhere.sealift
if [ -s out ] || [ "$(wc -l <err)" != 1 ]; then
	fail "verify of nothing: $(cat out err)"
fi
expect_exit 3 "$SEALIFT" verify text.sealift --json
jq -e '.bundles[0] | .kind == "format" and (.findings | length == 14) and .findings[0].verdict == "fail"' \
	out >/dev/null || fail "$(cat out)"

# every bundle is attempted, the worst decides (T78)
expect_exit 5 "$SEALIFT" verify blob.sealift nowhere.sealift good.sealift --json
jq -e '[.bundles[] | .exit_code] == [3, 5, 0] and .exit_code == 5' out >/dev/null || fail "$(cat out)"

# ---- nobody trusted ---------------------------------------------------------------------------
echo '{"keys":[],"sealift_policy":1}' >nobody.json
expect_exit 1 "$SEALIFT" verify good.sealift --policy nobody.json
expect_text out 'sealift trust add'
expect_text out 'covered: nothing'
SEALIFT_HOME=$PWD/stranger expect_exit 1 "$SEALIFT" verify good.sealift
expect_text err 'sealift trust add'
expect_exit 4 "$SEALIFT" inspect good.sealift --policy nobody.json
[ ! -s out ] || fail "inspect shows what does not verify"
expect_exit 4 "$SEALIFT" cat good.sealift plan.json --policy nobody.json
[ ! -s out ] || fail "cat shows what does not verify"
expect_exit 4 "$SEALIFT" extract good.sealift -C opened --policy nobody.json
[ ! -e opened ] || fail "extract writes what does not verify"
for command in 'inspect good.sealift' 'cat good.sealift plan.json' 'extract good.sealift -C opened'; do
	# shellcheck disable=SC2086
	expect_exit 0 "$SEALIFT" $command --policy nobody.json --untrusted
	expect_text err 'NOT VERIFIED'
done
rm -r opened
expect_exit 3 "$SEALIFT" inspect cut.sealift --untrusted # digests are never optional

# ---- inspect ---------------------------------------------------------------------------------
expect_exit 0 "$SEALIFT" inspect good.sealift
head -1 out | grep -q '^closure ' || fail "the closure does not come first"
expect_text out "$id"
! grep -q 'NOT VERIFIED' out err || fail "a good bundle is called not verified"
expect_exit 0 "$SEALIFT" inspect good.sealift --json
"$SEALIFT" cat good.sealift lock.json >carried-lock.json
jq -e --arg id "$id" --slurpfile lock carried-lock.json --slurpfile manifest manifest.json '
	.sealift_inspect == 1 and .bundle == $id and .verified and .lock == $lock[0] and
	.manifest == $manifest[0] and .closure.closure == .manifest.closure' out >/dev/null ||
	fail "inspect --json: $(cat out)"
expect_exit 0 "$SEALIFT" inspect blob.sealift # reads no blob
expect_text out 'not read by this command'

# ---- cat -------------------------------------------------------------------------------------
expect_exit 0 "$SEALIFT" cat good.sealift spec
expect_same out example/spec.yaml
expect_exit 0 "$SEALIFT" cat good.sealift manifest.json
expect_same out manifest.json
tar xf good.sealift signatures
expect_exit 0 "$SEALIFT" cat good.sealift signatures/prepare.minisig
expect_same out signatures/prepare.minisig
for blob in $(jq -r '.blobs[].sha256' manifest.json); do
	expect_exit 0 "$SEALIFT" cat good.sealift "blobs/sha256/$blob"
	[ "$(sha256sum <out | cut -c1-64)" = "$blob" ] || fail "cat of blob $blob"
done
expect_exit 2 "$SEALIFT" cat good.sealift nothing
expect_exit 2 "$SEALIFT" cat good.sealift ../manifest.json
bad=$(for blob in $(jq -r '.blobs[].sha256' manifest.json); do
	"$SEALIFT" cat blob.sealift "blobs/sha256/$blob" >piece 2>/dev/null || echo "$blob $(stat -c %s piece)"
done)
[ "${bad##* }" = 0 ] || fail "bytes of a damaged blob were written: $bad"
if [ -w /dev/full ]; then
	got=0
	"$SEALIFT" cat good.sealift spec >/dev/full 2>err || got=$?
	[ "$got" = 5 ] || fail "exit $got on a full disk"
fi

# ---- extract ---------------------------------------------------------------------------------
umask 000
expect_exit 0 "$SEALIFT" extract good.sealift -C opened
umask 022
[ "$(stat -c %a opened)" = 700 ] || fail "the folder has mode $(stat -c %a opened)"
mkdir by-tar by-tar/content
tar xf good.sealift -C by-tar
zstd -q -d by-tar/content.tar.zst -o content.tar
tar xf content.tar -C by-tar
rm by-tar/content.tar.zst
rmdir by-tar/content
diff -r by-tar opened || fail "extract and tar + zstd differ"
[ -z "$(find opened -type f ! -perm 644)$(find opened/* -type d ! -perm 755)" ] || fail "modes: $(find opened -ls)"

expect_exit 5 "$SEALIFT" extract good.sealift -C opened # T06: only into a new folder
expect_text err 'exists already'
ln -s nowhere link
expect_exit 5 "$SEALIFT" extract good.sealift -C link
expect_exit 2 "$SEALIFT" extract good.sealift
expect_exit 2 "$SEALIFT" extract good.sealift -C .
expect_exit 5 "$SEALIFT" extract good.sealift -C nowhere/opened
expect_exit 3 "$SEALIFT" extract blob.sealift -C damaged
[ ! -e damaged ] || fail "a damaged bundle was extracted"
expect_exit 0 "$SEALIFT" extract good.sealift -C slash/
[ -z "$(find . -name '.sealift-*')" ] || fail "left behind: $(find . -name '.sealift-*')"
