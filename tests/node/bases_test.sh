#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Images from the other carried bases: a docker-archive and an oci-archive, without any packages.
set -eu
# shellcheck source=tests/node/lib.sh
. "$SEALIFT_SOURCE_DIR/tests/node/lib.sh"

home=$(node_new_home)
trap 'node_remove_home "$home"' EXIT
export SEALIFT_HOME="$PWD/home"
node_builder "$home" >local.json
"$SEALIFT" -q key new --no-password >/dev/null
node_trust "$home" "$SEALIFT_HOME/config/policy.json"

for kind in docker oci; do
	mkdir "$kind"
	ln "$NODE/base-$kind.tar" "$kind/base.tar" 2>/dev/null || cp "$NODE/base-$kind.tar" "$kind/base.tar"
	echo 'from a file' >"$kind/greeting"
	cat >"$kind/spec.yaml" <<-END
		sealift: 1
		name: on-$kind
		version: 1.0.0
		base: {$kind-archive: base.tar}
		target: {python: "3.11.2", platform: linux/x86_64, glibc: "2.36"}
		worker: none
		files: [{from: greeting, to: /usr/share/greeting, mode: "0444"}]
		post: [{run: "cat /usr/share/greeting >/usr/share/copied", network: none}]
		test: {run: "test -s /usr/share/copied", network: none}
	END
	"$SEALIFT" compile "$kind/spec.yaml" -o "$kind.sealift" --json >made.json
	[ "$(jq -r .closure made.json)" = sealed ] || fail "an $kind-archive that is carried is not sealed"
	"$SEALIFT_UPLOAD" push "$kind.sealift" --builder local --builder-config local.json
	image=/share/${home##*/}/data/images/sha256/$(jq -r .bundle made.json).sif
	said=$(node_enter apptainer -s exec "$image" cat /usr/share/copied)
	[ "$said" = 'from a file' ] || fail "the image on a $kind-archive says '$said'"
	mode=$(node_enter apptainer -s exec "$image" stat -c %a /usr/share/greeting)
	[ "$mode" = 444 ] || fail "the file's mode is $mode"
done
