#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# key new, key show, trust add, list, remove: what is written, what is refused, and what it exits with.
# shellcheck source=tests/cli/lib.sh
. "$SEALIFT_SOURCE_DIR/tests/cli/lib.sh"

config=$SEALIFT_HOME/config

# ---- key new ---------------------------------------------------------------------------------
umask 000
expect_exit 0 "$SEALIFT" key new --no-password
[ "$(stat -c %a "$config" "$config/sealift.key" "$config/sealift.pub" | tr '\n' ' ')" = '700 600 644 ' ] ||
	fail "modes are $(stat -c '%a %n' "$config" "$config"/*)"
jq -e '.keys == [{name: "sealift", public_key: .keys[0].public_key, roles: ["prepare"]}] and
	.sealift_policy == 1' "$config/policy.json" >/dev/null || fail "not the policy of a first key"
umask 022

cp -p "$config/sealift.key" before.key
cp -p "$config/policy.json" before.json
expect_exit 5 "$SEALIFT" key new --no-password # never overwrites
expect_text err 'exists already'
expect_same before.key "$config/sealift.key"
expect_exit 0 "$SEALIFT" key new --no-password -o second --json
jq -e '.sealift_key == 1 and .policy_made == false' out >/dev/null || fail "report of the second key"
expect_same before.json "$config/policy.json"

rm second.key
expect_exit 5 "$SEALIFT" key new --no-password -o second # the public half alone is in the way, too
[ ! -e second.key ] || fail "half a pair was written"
expect_exit 2 "$SEALIFT" key new --no-password --password-file before.key -o third
expect_exit 5 "$SEALIFT" key new --password-file nowhere -o third
: >empty
expect_exit 3 "$SEALIFT" key new --password-file empty -o third
expect_exit 5 "$SEALIFT" key new --no-password -o nowhere/third
expect_exit 2 "$SEALIFT" key new --no-password -o here/
mkdir open
chmod 777 open
expect_exit 3 "$SEALIFT" key new --no-password -o open/third # T39
expect_exit 2 setsid -w "$SEALIFT" key new -o third             # nobody to ask
expect_text err '--password-file'
[ -z "$(find . -name 'third*' -o -name '.sealift-*')" ] || fail "something was left: $(find . -name 'third*')"

# ---- key show --------------------------------------------------------------------------------
expect_exit 0 "$SEALIFT" key show "$config/sealift.pub" --json
jq -S 'del(.secret)' out >public.json
expect_exit 0 "$SEALIFT" key show "$config/sealift.key" --json
jq -e .secret out >/dev/null
jq -S 'del(.secret)' out | cmp - public.json || fail "the two halves differ"
chmod 644 "$config/sealift.key" # T39
expect_exit 0 "$SEALIFT" key show "$config/sealift.key"
expect_text err 'other people can read'
chmod 600 "$config/sealift.key"
expect_exit 3 "$SEALIFT" key show before.json
expect_exit 5 "$SEALIFT" key show nowhere.pub

# ---- trust -----------------------------------------------------------------------------------
"$SEALIFT" key new --no-password -o ada >/dev/null 2>&1
"$SEALIFT" key new --no-password -o bob >/dev/null 2>&1
expect_exit 0 "$SEALIFT" trust add ada.pub --role prepare --role approve
expect_exit 0 "$SEALIFT" trust add bob.pub --name robert --role approve
expect_exit 0 "$SEALIFT" trust list --json
jq -e '[.keys[] | {(.name): .roles}] | add == {sealift: ["prepare"], ada: ["prepare", "approve"],
	robert: ["approve"]}' out >/dev/null || fail "trust list: $(cat out)"
expect_exit 0 "$SEALIFT" trust add bob.pub # a key that is there gets the role that it lacks
expect_exit 0 "$SEALIFT" trust list
grep -q ' prepare+approve  robert$' out || fail "$(cat out)"
expect_exit 3 "$SEALIFT" trust add bob.pub --name bob # T31: one key, one name
expect_exit 3 "$SEALIFT" trust add second.pub --name ada
printf 'x\033[2J' >name
expect_exit 3 "$SEALIFT" trust add second.pub --name "$(cat name)"
expect_exit 2 "$SEALIFT" trust add second.pub --role release
expect_exit 3 "$SEALIFT" trust add ada.key
expect_text err 'this is a secret key'
expect_exit 0 "$SEALIFT" trust remove robert
expect_exit 0 "$SEALIFT" trust remove "$(sed -n 's/^fingerprint: //p' <<-END
	$("$SEALIFT" key show ada.pub)
	END
)"
expect_exit 3 "$SEALIFT" trust remove ada
expect_same before.json "$config/policy.json"
expect_exit 0 "$SEALIFT" trust add ada.pub --policy other.json
expect_exit 5 "$SEALIFT" trust list --policy nowhere.json
expect_same before.json "$config/policy.json"
echo '{' >other.json
expect_exit 3 "$SEALIFT" trust add bob.pub --policy other.json
[ "$(cat other.json)" = '{' ] || fail "a policy that could not be read was overwritten"
