#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A reviewer's and an operator's day: policy init, check, explain; approve, attach, revoke; what
# verify says at each step, what is written, and what it exits with.
# shellcheck disable=SC2016 # signers are written as text
# shellcheck source=tests/cli/lib.sh
. "$SEALIFT_SOURCE_DIR/tests/cli/lib.sh"

cp "$SEALIFT_SOURCE_DIR/specs/examples/minimal/minimal.yaml" .
for key in ada bob eve; do
	expect_exit 0 "$SEALIFT" key new --no-password -o "$key"
done
expect_exit 0 "$SEALIFT" compile minimal.yaml --key ada.key -o a.sealift --signing-time 2026-01-02T03:04:05Z
id=$(tar -xOf a.sealift manifest.json | sha256sum | cut -c1-64)

fingerprint() {
	"$SEALIFT" key show "$1" --json | jq -r .fingerprint
}
bob=$(fingerprint bob.pub)
eve=$(fingerprint eve.pub)

# finding RULE: the verdict of the last `verify --json`, and whether the whole passed.
finding() {
	jq -r --arg rule "$1" '.bundles[0] | "\(.verified) \(.findings[] | select(.rule == $rule).verdict)"' out
}
# expect_finding CODE RULE "VERIFIED VERDICT" [ARGUMENT...]
expect_finding() {
	code=$1 rule=$2 expected=$3
	shift 3
	expect_exit "$code" "$SEALIFT" verify --json "$@"
	[ "$(finding "$rule")" = "$expected" ] || {
		cat out >&2
		fail "$rule: $(finding "$rule") instead of $expected"
	}
}

# ---- the policy ------------------------------------------------------------------------------
expect_exit 2 "$SEALIFT" policy init --approve bob.pub                       # whose bundles?
expect_exit 2 "$SEALIFT" policy init --prepare ada.pub --approvals 1         # nobody could pass
expect_exit 2 "$SEALIFT" policy init --prepare ada.pub --base 'docker.io/A'
expect_exit 2 "$SEALIFT" policy init --prepare ada.pub --deny 'numpy <2'
expect_exit 2 "$SEALIFT" policy init --prepare ada.pub --closure tight
expect_exit 2 "$SEALIFT" policy init --prepare ada.pub --signed-since yesterday
expect_exit 3 "$SEALIFT" policy init --prepare ada.pub --deny numpy --deny numpy # once each
expect_exit 3 "$SEALIFT" policy init --prepare minimal.yaml
expect_exit 5 "$SEALIFT" policy init --prepare nowhere.pub
[ ! -e policy.json ] || fail "a refused policy was written"
expect_exit 0 "$SEALIFT" policy init --prepare ada.pub --approve bob.pub --approve eve.pub --approvals 2 \
	--closure pinned --base docker.io/library --deny 'numpy<2' --largest 1000000
expect_text out 'older than the newest'
cp policy.json before.json
expect_exit 5 "$SEALIFT" policy init --prepare ada.pub # never overwrites
expect_same before.json policy.json
expect_exit 0 "$SEALIFT" policy check policy.json
expect_text out 'good, 3 keys'
expect_exit 0 "$SEALIFT" policy explain policy.json --json
jq -e '[.sentences[].rule] | contains(["approvals", "closure", "base", "packages", "size"])' out >/dev/null ||
	fail "not every demand is explained"
echo '{"keys":[],"sealift_policy":1,"approvls":1}' >bad.json
expect_exit 3 "$SEALIFT" policy check bad.json
expect_text err "did you mean 'approvals'"
expect_exit 5 "$SEALIFT" policy check nowhere.json
if command -v python3 >/dev/null && python3 -c 'import jsonschema' 2>/dev/null; then
	python3 - "$SEALIFT_SOURCE_DIR/specs/policy.schema.json" <<-'END' || fail "the schema and the judge differ"
		import json, sys, jsonschema
		schema = json.load(open(sys.argv[1]))
		jsonschema.Draft202012Validator.check_schema(schema)
		jsonschema.validate(json.load(open("policy.json")), schema)
		assert not jsonschema.Draft202012Validator(schema).is_valid(json.load(open("bad.json")))
	END
fi

# ---- approving -------------------------------------------------------------------------------
expect_finding 4 approvals 'false fail' --policy policy.json a.sealift
expect_exit 3 "$SEALIFT" approve a.sealift --key ada.key # it would not count (T31)
expect_exit 0 "$SEALIFT" approve a.sealift --key bob.key --policy policy.json
[ -f "$id.$bob.minisig" ] || fail "not named after bundle and key: $(ls)"
[ "$(wc -c <"$id.$bob.minisig")" -lt 512 ] || fail "larger than half a KiB"
tar -xf a.sealift manifest.json
minisign -Vq -p bob.pub -m manifest.json -x "$id.$bob.minisig" || fail "minisign does not accept it"
cp "$id.$bob.minisig" before.minisig
expect_exit 5 "$SEALIFT" approve a.sealift --key bob.key # never overwrites
expect_same before.minisig "$id.$bob.minisig"
expect_finding 4 approvals 'false fail' --policy policy.json --signatures . a.sealift

# with minisign alone
comment=$("$SEALIFT" approve --print-comment a.sealift --signing-time 2026-01-03T00:00:00Z)
[ "$comment" = "sealift:1 role=approve bundle=$id name=minimal version=1.0.0 time=2026-01-03T00:00:00Z" ] ||
	fail "the comment is $comment"
minisign -S -s eve.key -m manifest.json -x by-hand.minisig -t "$comment" >/dev/null || fail "minisign"
mkdir more
cp by-hand.minisig "more/$id.$eve.minisig"
expect_finding 0 approvals 'true pass' --policy policy.json --signatures . --signatures more a.sealift
mkdir twice # one key, attached and detached, counts once (T31)
cp "$id.$bob.minisig" twice/

# beside the policy they are found without being named
mkdir signatures
cp "$id.$bob.minisig" "more/$id.$eve.minisig" signatures/
expect_finding 0 approvals 'true pass' --policy policy.json a.sealift
expect_exit 5 "$SEALIFT" verify --policy policy.json --signatures nowhere a.sealift

# a tampered bundle is not approved
head -c 3000 a.sealift >cut.sealift
expect_exit 3 "$SEALIFT" approve cut.sealift --key bob.key -C twice

# ---- attaching -------------------------------------------------------------------------------
rm -r signatures
expect_exit 2 "$SEALIFT" attach a.sealift "$id.$bob.minisig" # where to?
expect_exit 0 "$SEALIFT" attach a.sealift "$id.$bob.minisig" by-hand.minisig -o b.sealift --policy policy.json
[ "$(tar -xOf b.sealift manifest.json | sha256sum | cut -c1-64)" = "$id" ] || fail "another id"
expect_finding 0 approvals 'true pass' --policy policy.json b.sealift
# whose key nobody knows it is not known what it is worth, and it would take the true one's place
expect_exit 4 "$SEALIFT" attach a.sealift "$id.$bob.minisig" -o c.sealift
cp by-hand.minisig "twice/$id.$bob.minisig"
expect_exit 4 "$SEALIFT" attach a.sealift "twice/$id.$bob.minisig" -o c.sealift --key eve.pub
expect_exit 4 "$SEALIFT" attach a.sealift "twice/$id.$bob.minisig" -o c.sealift --key bob.pub
[ ! -e c.sealift ] || fail "a refused bundle was written"
cp "$id.$bob.minisig" twice/
expect_exit 0 "$SEALIFT" attach a.sealift "$id.$bob.minisig" -o c.sealift --key bob.pub --key eve.pub
grep -q 'does not count by this policy' err || fail "no warning: $(cat err)"
expect_finding 4 approvals 'false fail' --policy policy.json --signatures twice c.sealift
jq -e '[.bundles[0].signatures[] | select(.counts)] | length == 2' out >/dev/null || fail "counted twice"
expect_exit 3 "$SEALIFT" attach b.sealift "$id.$bob.minisig" -o d.sealift --key bob.pub # it is there already
[ ! -e d.sealift ] || fail "a refused bundle was written"
sed 's/ver/Ver/' "$id.$bob.minisig" >"twice/$id.$bob.minisig"
expect_exit 4 "$SEALIFT" attach a.sealift "twice/$id.$bob.minisig" -o d.sealift --policy policy.json
expect_finding 4 approvals 'false fail' --policy policy.json --signatures twice a.sealift
expect_exit 3 "$SEALIFT" attach a.sealift minimal.yaml -o d.sealift
cp a.sealift e.sealift
expect_exit 0 "$SEALIFT" attach e.sealift "$id.$bob.minisig" -o e.sealift --key bob.pub # in place
expect_same c.sealift e.sealift

# ---- another program signs ---------------------------------------------------------------------
sign_with() { # NAME COMMAND...: a signer that runs it, with the comment as "$1"
	name=$1
	shift
	printf '#!/bin/sh\n%s\n' "$*" >"$name"
	chmod +x "$name"
}
sign_with token 'exec minisign -S -s bob.key -m /dev/stdin -t "$1" -x /dev/stdout'
mkdir token-made
expect_exit 0 "$SEALIFT" approve a.sealift --signer ./token --public-key bob.pub -C token-made
minisign -Vq -p bob.pub -m manifest.json -x "token-made/$id.$bob.minisig" || fail "the signer's file"
expect_exit 0 "$SEALIFT" compile minimal.yaml --signer ./token --public-key bob.pub -o g.sealift
[ "$(tar -xOf g.sealift manifest.json | sha256sum | cut -c1-64)" = "$id" ] || fail "another id by a signer"
expect_exit 0 "$SEALIFT" revoke a.sealift --signer ./token --public-key bob.pub -C token-made
expect_exit 2 "$SEALIFT" approve a.sealift --signer ./token --key bob.key
expect_exit 2 "$SEALIFT" approve a.sealift --public-key bob.pub
mkdir refused
expect_exit 5 "$SEALIFT" approve a.sealift --signer ./nowhere --public-key bob.pub -C refused
expect_text err 'cannot start the signer'
expect_exit 4 "$SEALIFT" approve a.sealift --signer ./token --public-key eve.pub -C refused # not her key
sign_with broken 'exit 3'
expect_exit 5 "$SEALIFT" approve a.sealift --signer ./broken --public-key bob.pub -C refused
expect_text err 'exit status 3'
sign_with silent 'cat >/dev/null'
expect_exit 4 "$SEALIFT" approve a.sealift --signer ./silent --public-key bob.pub -C refused
sign_with loud 'yes'
expect_exit 5 "$SEALIFT" approve a.sealift --signer ./loud --public-key bob.pub -C refused
expect_text err 'more than 1024 bytes'
sign_with killed 'kill -9 $$'
expect_exit 5 "$SEALIFT" approve a.sealift --signer ./killed --public-key bob.pub -C refused
expect_text err 'signal 9'
sign_with other 'exec minisign -S -s bob.key -m /dev/stdin -t "$1 and more" -x /dev/stdout'
expect_exit 4 "$SEALIFT" approve a.sealift --signer ./other --public-key bob.pub -C refused # T35
# it is not held to the system calls that are left here
sign_with free 'python3 -c "import socket; socket.socket()" && exec ./token "$1"'
mkdir free-made
expect_exit 0 "$SEALIFT" approve a.sealift --signer ./free --public-key bob.pub -C free-made
[ -z "$(ls refused)" ] || fail "half an approval: $(ls refused)"

# ---- evidence, and what has been seen ----------------------------------------------------------
expect_exit 0 "$SEALIFT" verify --policy policy.json --evidence evidence.json b.sealift
jq -e '.exit_code == 0 and .bundles[0].verified and (.bundles[0].findings | length == 14)' evidence.json >/dev/null ||
	fail "the evidence lacks something"
expect_exit 5 "$SEALIFT" verify --policy policy.json --evidence nowhere/evidence.json b.sealift
sed 's/^version:.*/version: 0.9.0/' minimal.yaml >old.yaml
expect_exit 0 "$SEALIFT" compile old.yaml --key ada.key -o old.sealift
jq '.approvals = 0' policy.json >relaxed.json
expect_finding 4 version 'false fail' --policy relaxed.json old.sealift # T40
expect_exit 0 "$SEALIFT" inspect --policy relaxed.json old.sealift      # looking is no mistake
jq '.versions = [{name: "minimal", highest: "0.9.9"}]' relaxed.json >back.json # T42
expect_finding 0 version 'true pass' --policy back.json old.sealift
expect_finding 4 version 'false fail' --policy back.json b.sealift
jq 'del(.older)' relaxed.json >older.json
expect_finding 0 version 'true pass' --policy older.json old.sealift
seen=$SEALIFT_HOME/state/seen.json
jq '.latest = "2999-01-01T00:00:00Z"' "$seen" >future.json # T43: the clock has gone back
cp "$seen" kept.json
cp future.json "$seen"
expect_finding 4 time 'false fail' --policy older.json b.sealift
expect_exit 0 "$SEALIFT" inspect --policy older.json b.sealift
echo broken >"$seen"
expect_exit 3 "$SEALIFT" verify --policy older.json b.sealift
cp kept.json "$seen"
jq '.signed_within_days = 30' older.json >fresh.json # T41
expect_finding 4 time 'false fail' --policy fresh.json b.sealift
expect_finding 0 time 'true pass' --policy fresh.json old.sealift
expect_exit 4 "$SEALIFT" inspect --policy fresh.json b.sealift

# ---- names of a key ----------------------------------------------------------------------------
jq '.keys[0].bundles = ["other-*"]' older.json >names.json
expect_finding 4 signatures 'false fail' --policy names.json b.sealift
expect_exit 0 "$SEALIFT" trust add ada.pub --policy names.json --bundles 'minimal' --bundles 'x-*'
expect_finding 0 signatures 'true pass' --policy names.json b.sealift
expect_exit 2 "$SEALIFT" trust add ada.pub --policy names.json --bundles 'X'
expect_exit 0 "$SEALIFT" trust list --policy names.json
expect_text out 'ada  minimal x-*'
jq '.keys[0].bundles = ["other-*", "min*"]' older.json >names.json
expect_finding 0 signatures 'true pass' --policy names.json b.sealift

# ---- revoking --------------------------------------------------------------------------------
mkdir signatures
expect_exit 0 "$SEALIFT" revoke b.sealift --key eve.key -C signatures
[ -f "signatures/$id.$eve.revoke.minisig" ] || fail "$(ls signatures)"
expect_finding 4 revocation 'false fail' --policy policy.json b.sealift
expect_exit 4 "$SEALIFT" inspect --policy policy.json b.sealift
expect_exit 4 "$SEALIFT" extract --policy policy.json b.sealift -C folder
[ ! -e folder ] || fail "a revoked bundle was extracted"
expect_exit 3 "$SEALIFT" attach a.sealift "signatures/$id.$eve.revoke.minisig" -o f.sealift
jq 'del(.keys[2]) | .approvals = 1' policy.json >stranger.json # nobody knows eve: it does not hurt
expect_finding 0 revocation 'true pass' --policy stranger.json b.sealift

# ---- a report never replaces what it was made from ----------------------------------------------
# keeps FILE COMMAND...: exit status 2, and FILE is as it was.
keeps() {
	file=$1
	shift
	cp "$file" before
	expect_exit 2 "$@"
	cmp -s before "$file" || fail "$file was replaced"
	expect_text err 'would replace what is read'
}
approval=$(find . -name "$id.$bob.minisig" | head -n 1)
[ -n "$approval" ] || fail "no approval is here"
ln -s b.sealift link.sealift
ln "$approval" hard.minisig
keeps b.sealift "$SEALIFT" verify --policy relaxed.json b.sealift --evidence b.sealift
keeps b.sealift "$SEALIFT" verify --policy relaxed.json b.sealift --evidence link.sealift
keeps relaxed.json "$SEALIFT" verify --policy relaxed.json b.sealift --evidence ./relaxed.json
keeps "$approval" "$SEALIFT" verify --signatures "$(dirname "$approval")" --policy relaxed.json b.sealift --evidence "$approval"
keeps "$approval" "$SEALIFT" attach a.sealift "$approval" -o "$approval"
keeps bob.pub "$SEALIFT" attach --key bob.pub a.sealift "$approval" -o bob.pub
keeps hard.minisig "$SEALIFT" attach a.sealift "$approval" -o hard.minisig
keeps relaxed.json "$SEALIFT" attach --policy relaxed.json a.sealift "$approval" -o relaxed.json
echo "fine"
