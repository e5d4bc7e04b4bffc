#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A pinned bundle, which fetches its wheels while it is built, at a site whose index has a CA of its
# own. The index is served here, on the loopback interface of a network namespace that has no other.
set -eu
# shellcheck source=tests/node/lib.sh
. "$SEALIFT_SOURCE_DIR/tests/node/lib.sh"
if [ "${1:-}" != inside ]; then
	exec unshare -n sh "$0" inside
fi

home=$(node_new_home)
server=
clean_up() {
	[ -z "$server" ] || kill "$server"
	node_remove_home "$home"
}
trap clean_up EXIT
inside=/share/${home##*/}
export SEALIFT_HOME="$PWD/home"
node_builder "$home" >local.json

# ---- the site: an index, its certificate by a CA that nobody knows, a pip configuration ---------

certify() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "$@" 2>>openssl.log ||
		fail "openssl: $(cat openssl.log)"
}
certify -x509 -days 2 -subj '/CN=the CA of a site' -keyout ca.key -out ca.pem
certify -subj '/CN=its index' -keyout key.pem -out index.csr
printf 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' >index.ext
openssl x509 -req -in index.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile index.ext \
	-out index.pem 2>>openssl.log || fail "openssl: $(cat openssl.log)"
python3 "$here/index_server.py" "$NODE/wheels" index.pem key.pem port >requests.log 2>&1 &
server=$!
for _ in $(seq 100); do
	[ ! -e port ] || break
	sleep 0.1
done
[ -e port ] || fail "the index did not start: $(cat requests.log)"
url=https://127.0.0.1:$(cat port)/simple/
printf '[global]\nindex-url = %s\nretries = 0\nno-deps = false\ntarget = /opt/elsewhere\n' "$url" >"$home/pip.conf"
cp ca.pem "$home/ca.pem"

site() {
	printf '%s\n' "$1" >"$home/config/site.json"
}

# ---- the bundle: two packages by their hashes, no wheels -----------------------------------------

mkdir project
ln "$NODE/base.sif" project/base.sif 2>/dev/null || cp "$NODE/base.sif" project/base.sif
for wheel in "$NODE"/wheels/click-[0-9]*.whl "$NODE"/wheels/tzdata-*.whl; do
	name=${wheel##*/}
	version=${name#*-}
	printf '%s==%s --hash=sha256:%s\n' "${name%%-*}" "${version%%-*}" "$(digest <"$wheel")"
done >project/requirements.lock
ln "$NODE/base.sif" "$home/base.sif" 2>/dev/null || cp "$NODE/base.sif" "$home/base.sif"
python=$(node_enter apptainer -s exec "$inside/base.sif" \
	python3 -c 'import platform; print(platform.python_version())')

# write_spec VERSION: a bundle of its own for each case.
write_spec() {
	cat >project/spec.yaml <<END
sealift: 1
name: pinned-image
version: $1
base: {localimage: base.sif}
target: {python: "$python", platform: linux/$(uname -m), glibc: "2.28"}
pip:
  requirements: [click, tzdata]
  lock: requirements.lock
worker: none
END
	"$SEALIFT" -q compile project/spec.yaml --allow-open -o bundle.sealift --json >made.json
	id=$(jq -r .bundle made.json)
}

push() {
	code=0
	"$SEALIFT_UPLOAD" push bundle.sealift --builder local --builder-config local.json >push.out 2>push.err || code=$?
}

"$SEALIFT" -q key new --no-password >/dev/null
node_trust "$home" "$SEALIFT_HOME/config/policy.json"

# ---- without the site's CA it fails, and what would help is said ------------------------------------

write_spec 1.0.0
[ "$(jq -r .closure made.json)" = pinned ] || fail "the closure is $(jq -r .closure made.json)"
site "{\"pip_config\": \"$inside/pip.conf\"}"
push
[ "$code" -ne 0 ] || fail "a certificate of an unknown CA was taken"
grep -q "'ca_file' in site.json" push.out || fail "no word of ca_file: $(cat push.out)"
grep -q CERTIFICATE_VERIFY_FAILED "$home/data/bundles/$id/build.log" || fail "another reason: $(tail -n 20 "$home/data/bundles/$id/build.log")"

# ---- with it, the image is built, and holds nothing of the site ---------------------------------------

site "{\"pip_config\": \"$inside/pip.conf\", \"ca_file\": \"$inside/ca.pem\"}"
push
[ "$code" -eq 0 ] || fail "$(cat push.out push.err; tail -n 40 "$home/data/bundles/$id/build.log")"
receipt=$home/data/bundles/$id/receipt.json
jq -e --arg sha "$(digest <"$home/ca.pem")" --arg config "$(digest <"$home/pip.conf")" '
	.closure == "pinned" and .network.ca_file.sha256 == $sha and .network.pip_config.sha256 == $config and
	.network.pip_config.settings == ["index-url", "retries"] and
	.network.pip_config.left_out == ["no-deps", "target"] and
	.packages.differences == [] and ([.packages.installed[].name] | contains(["click", "tzdata"]))' \
	"$receipt" >/dev/null || fail "the receipt: $(jq '.network, .packages' "$receipt")"
grep -q '^GET /wheels/click-' requests.log || fail "the index was not asked: $(cat requests.log)"
image=$inside/data/images/sha256/$id.sif
node_enter apptainer -s exec "$image" python3 -c 'import click, tzdata' || fail "the packages are not there"
node_enter apptainer -s exec "$image" sh -euc 'test ! -e /opt/elsewhere; ! env | grep -i "^PIP_\|^SSL_\|^UV_"' ||
	fail "something of the site is left in the image's environment"

# found TEXT: the files of the image that hold it, without the host's folders.
found() {
	# shellcheck disable=SC2016 # expanded inside
	node_enter apptainer -s exec --containall "$image" sh -c \
		'grep -rlsF -e "$1" --exclude-dir=proc --exclude-dir=sys --exclude-dir=dev / || :' sh "$1"
}
[ -n "$(found 'org.sealift.bundle')" ] || fail "the search finds nothing at all"
for text in "127.0.0.1:$(cat port)" "sealift-$(printf %.12s "$id")" "$(sed -n 2p ca.pem)"; do
	[ -z "$(found "$text")" ] || fail "the image holds '$text': $(found "$text")"
done

# ---- hashes hold whatever the index serves ------------------------------------------------------------

sed 's/\(click.*sha256:\)......../\100000000/' project/requirements.lock >other.lock
mv other.lock project/requirements.lock
write_spec 1.0.1
push
[ "$code" -ne 0 ] || fail "a wheel of another hash was installed"
grep -q 'DO NOT MATCH THE HASHES' "$home/data/bundles/$id/build.log" ||
	fail "another reason: $(tail -n 20 "$home/data/bundles/$id/build.log")"
