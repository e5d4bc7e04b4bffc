# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What the scripts of the node and its tests share. Scripts set `here` (this folder, absolute) and
# source it; tests source "$SEALIFT_SOURCE_DIR/tests/node/lib.sh".
#
# The node is a folder, $NODE:
#   root/             Debian sid with Apptainer, a user `node` and the endpoint's venv
#   base/             Debian 12 with a Python: what images are made from
#   base.sif          the same as a SIF; base-docker.tar and base-oci.tar as image archives
#   wheels/           the locked wheels of specs/examples/pandas with pip and uv
#   cloud/            Debian 12 with the broker and the SDK: what is not the cluster's, for globus.py
#   share/            seen as /share by whoever enters; share/sealift is SEALIFT_HOME there
# Each part has a file PART.key with the digest of its recipe; no key, or another: it is made anew.

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

# A number that is free on ordinary hosts: files of the node's user keep it outside the root.
node_uid=20001
here=${here:-${SEALIFT_SOURCE_DIR:?the repository}/tests/node}
node_source=$(cd "$here/../.." && pwd -P)

node_folder() {
	if [ -n "${SEALIFT_NODE:-}" ]; then
		echo "$SEALIFT_NODE"
	elif [ -n "${XDG_CACHE_HOME:-}" ]; then
		echo "$XDG_CACHE_HOME/sealift/node"
	else
		echo "$node_source/.cache/node"
	fi
}

NODE=$(node_folder)
case $NODE in
/*) ;;
*) NODE=$PWD/$NODE ;;
esac

say() {
	printf '%s\n' "$*" >&2
}

fail() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# What a machine lacks that cannot be installed is said in one sentence.
need_root() {
	[ "$(id -u)" -eq 0 ] || fail "needs root for mounts and packages: run 'sudo sh $0'"
	unshare -m true 2>/dev/null ||
		fail "this machine does not let root make mount namespaces (CAP_SYS_ADMIN is missing)"
}

digest() {
	sha256sum | cut -d ' ' -f 1
}

node_enter() {
	sh "$here/enter" "$@"
}

# ---- for tests ------------------------------------------------------------------------------

# node_example FOLDER: the pandas example with the base and the wheels that a preparer would carry in.
# Links where the file system allows; nobody may write into them.
node_example() {
	mkdir -p "$1"
	cp "$node_source"/specs/examples/pandas/pandas.yaml \
		"$node_source"/specs/examples/pandas/requirements.lock "$1/"
	rm -rf "$1/wheels" "$1/base.sif"
	if ! cp -al "$NODE/wheels" "$1/wheels" 2>/dev/null; then
		rm -rf "$1/wheels" # an empty one may be there: links do not reach other file systems
		cp -a "$NODE/wheels" "$1/wheels"
	fi
	ln "$NODE/base.sif" "$1/base.sif" 2>/dev/null || cp "$NODE/base.sif" "$1/base.sif"
}

# Makes an empty SEALIFT_HOME for the agent of one test and prints its folder, which inside is
# /share/NAME. Remove it with node_remove_home.
node_new_home() {
	node_home=$(mktemp -d "$NODE/share/home.XXXXXXXX")
	mkdir "$node_home/config" "$node_home/data" "$node_home/state"
	chown -R "$node_uid:$node_uid" "$node_home"
	chmod 755 "$node_home"
	echo "$node_home"
}

node_remove_home() {
	case $1 in
	"$NODE"/share/home.*) rm -rf --one-file-system "$1" ;;
	*) fail "'$1' is not a home of a test" ;;
	esac
}

# node_builder HOME: the text of a builder configuration whose agent runs inside with that home.
node_builder() {
	printf '{"launcher":["%s/enter","--env","SEALIFT_HOME=/share/%s","python3"]}\n' \
		"$here" "${1##*/}"
}

# The operator's step: node_trust HOME POLICY-FILE.
node_trust() {
	cp "$2" "$1/config/policy.json"
	chmod 644 "$1/config/policy.json"
}

# The operator's step where a policy may be there that people have worked on: one key more, if it is
# not among them. node_trust_key SEALIFT POLICY-FILE PUBLIC-KEY-FILE, with the name for the key to take.
node_trust_key() {
	key_line=$(sed -n 2p "$3")
	if [ -e "$2" ]; then
		trusted=$("$1" trust list --json --policy "$2") || return
		if [ "$(echo "$trusted" | jq --arg key "$key_line" 'any(.keys[]; .public_key == $key)')" = true ]; then
			echo "$2 trusts that key already"
			return
		fi
	fi
	# A name of its own: another key of an earlier run may be there.
	"$1" trust add "$3" --role prepare --policy "$2" \
		--name "quickstart-$(echo "$key_line" | digest | cut -c1-8)" || return
	chmod 644 "$2"
}

# A cluster whose accounts have no subordinate ids: node_subids off, and on again at the end. It
# holds for everybody who enters; node tests run one at a time.
node_subids() {
	case $1 in
	on) node_range=node:200000:65536 ;;
	*) node_range= ;;
	esac
	printf '%s' "${node_range:+$node_range
}" | tee "$NODE/root/etc/subuid" >"$NODE/root/etc/subgid"
}
