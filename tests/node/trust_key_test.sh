#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The quickstart adds its key to the builder's policy, and leaves alone what people have put there.
set -eu
# shellcheck source=tests/node/lib.sh
. "$SEALIFT_SOURCE_DIR/tests/node/lib.sh"
export SEALIFT_HOME="$PWD/home"

names() {
	jq -r '.keys[].name' policy.json | tr '\n' ' '
}

grep -q '^node_trust_key sealift ' "$SEALIFT_SOURCE_DIR/tests/quickstart.sh" || fail "the quickstart does otherwise"
! grep -n '\(cp\|>\|mv\).*policy\.json' "$SEALIFT_SOURCE_DIR/tests/quickstart.sh" || fail "the quickstart writes a policy"
for key in ours theirs later; do
	mkdir "$key"
	"$SEALIFT" -q key new --no-password -o "$key/key" >/dev/null
done

# No policy yet.
(umask 077 && node_trust_key "$SEALIFT" policy.json ours/key.pub)
[ "$(stat -c %a policy.json)" = 644 ] || fail "the builder's account cannot read it"
[ "$(names | wc -w)" = 1 ] || fail "keys: $(names)"

# Somebody else's key stays, and a second time changes not a byte.
"$SEALIFT" -q trust add theirs/key.pub --name them --role approve --policy policy.json >/dev/null
cp policy.json before.json
node_trust_key "$SEALIFT" policy.json ours/key.pub
cmp policy.json before.json

# A key that people have renamed, or given other roles, is left as it is.
sed 's/quickstart-[0-9a-f]*/mine/' before.json >policy.json
cp policy.json before.json
node_trust_key "$SEALIFT" policy.json ours/key.pub
cmp policy.json before.json

# Another key of ours is one more.
node_trust_key "$SEALIFT" policy.json later/key.pub
[ "$(names | wc -w)" = 3 ] || fail "keys: $(names)"
jq -e 'any(.keys[]; .name == "them") and any(.keys[]; .name == "mine")' policy.json >/dev/null || fail "keys: $(names)"

# A policy that cannot be read is not replaced.
echo '{"sealift_policy":1,"keys":[],"more":1}' >policy.json
cp policy.json before.json
! node_trust_key "$SEALIFT" policy.json ours/key.pub 2>said || fail "taken"
cmp policy.json before.json
