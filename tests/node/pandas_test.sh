#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The whole line on the real Apptainer: the pandas example is compiled where there is no network
# interface, pushed, built, and run; the image says which bundle it is; what pip really installed
# stands in the receipt; and a bundle with one thing changed never reaches Apptainer.
set -eu
# shellcheck source=tests/node/lib.sh
. "$SEALIFT_SOURCE_DIR/tests/node/lib.sh"

equal() {
	[ "$1" = "$2" ] || fail "$3: '$1' is not '$2'"
}

home=$(node_new_home)
trap 'node_remove_home "$home"' EXIT
inside=/share/${home##*/}
export SEALIFT_HOME="$PWD/home"
node_builder "$home" >local.json
node_example example

"$SEALIFT" -q key new --no-password >/dev/null
node_trust "$home" "$SEALIFT_HOME/config/policy.json"
unshare -n "$SEALIFT" compile example/pandas.yaml -o a.sealift --json >made.json
id=$(jq -r .bundle made.json)
equal "$(jq -r .closure made.json)" sealed "the closure"
"$SEALIFT" verify a.sealift

"$SEALIFT_UPLOAD" push a.sealift --builder local --builder-config local.json
receipt=$home/data/bundles/$id/receipt.json
image=$(jq -r .image.path "$receipt")
equal "$image" "$inside/data/images/sha256/$id.sif" "the image's path"
equal "$(sha256sum <"$home/data/images/sha256/$id.sif" | cut -c1-64)" "$(jq -r .image.sha256 "$receipt")" \
	"the image's digest"

# The label, the manifest inside, the image's own test.
label=$(node_enter apptainer -s inspect --json "$image" |
	jq -r '.data.attributes.labels["org.sealift.bundle"]')
equal "$label" "$id" "the label of the image"
equal "$(node_enter apptainer -s exec "$image" sha256sum /.sealift/manifest.json | cut -c1-64)" "$id" \
	"the digest of the manifest inside"
node_enter apptainer -s test "$image"
"$SEALIFT" cat a.sealift manifest.json >own.json
node_enter apptainer -s exec "$image" cat /.sealift/manifest.json | cmp - own.json
node_enter apptainer -s exec "$image" sh -c '! test -e /opt/sealift' || fail "something was left in /opt/sealift"

# transform() by the runscript, as a worker is started.
node_enter apptainer -s run "$image" python3 - <"$SEALIFT_SOURCE_DIR/specs/examples/pandas/transform.py" >out
grep -qx 'Successfully created df' out || fail "transform() said: $(cat out)"

# The receipt lists what pip reports inside the image.
node_enter apptainer -s exec "$image" cat /.sealift/installed.json |
	jq -S 'map({name: (.name | ascii_downcase | gsub("[-_.]+"; "-")), version}) | sort_by(.name)' >inside.json
jq -S '.packages.installed | map({name: (.name | ascii_downcase | gsub("[-_.]+"; "-")), version}) | sort_by(.name)' \
	"$receipt" >receipted.json
cmp inside.json receipted.json || fail "the receipt does not list what is installed"
[ "$(jq length inside.json)" -ge 60 ] || fail "only $(jq length inside.json) packages are installed"

# A second push comes back with the first receipt.
cp "$receipt" first.json
"$SEALIFT_UPLOAD" push a.sealift --builder local --builder-config local.json >/dev/null
cmp "$receipt" first.json || fail "a second push built again"

# One line of the definition, one byte of a wheel, one hash of the lock; sealed again by minisign.
starts() {
	find "$home/data/bundles" -name build.log | wc -l
}
before=$(starts)
for what in line byte hash; do
	python3 "$SEALIFT_SOURCE_DIR/tests/node/tamper.py" "$what" a.sealift "$SEALIFT_HOME/config/sealift.key" "$what.sealift"
	code=0
	"$SEALIFT" verify "$what.sealift" >verify.out 2>&1 || code=$?
	[ "$code" = 3 ] || fail "verify of '$what' ended with $code: $(cat verify.out)"
	code=0
	"$SEALIFT_UPLOAD" push "$what.sealift" --builder local --builder-config local.json >push.out 2>&1 || code=$?
	[ "$code" != 0 ] || fail "a bundle with another $what was built"
	echo "refused ($what): $(grep -m 1 fail verify.out)"
done
equal "$(starts)" "$before" "the number of builds that were started"
