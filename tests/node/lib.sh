# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What the scripts of the node and its tests share. Sourced after `here=` (this folder, absolute).
#
# The node is a folder, $NODE:
#   root/             Debian sid with Apptainer, a user `node` and the endpoint's venv
#   base/             Debian 12 with a Python: what images are made from
#   base.sif          the same as a SIF; base-docker.tar and base-oci.tar as image archives
#   wheels/           the locked wheels of specs/examples/pandas with pip and uv
#   share/            seen as /share by whoever enters; share/sealift is SEALIFT_HOME there
# Each part has a file PART.key with the digest of its recipe; no key, or another: it is made anew.

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

# A number that is free on ordinary hosts: files of the node's user keep it outside the root.
node_uid=20001
node_source=$(cd "${here:?}/../.." && pwd -P)

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

# A node test of a cluster without subordinate ids wraps its commands in these two.
node_without_subids() {
	: >"$NODE/root/etc/subuid"
	: >"$NODE/root/etc/subgid"
}

node_with_subids() {
	echo node:200000:65536 >"$NODE/root/etc/subuid"
	echo node:200000:65536 >"$NODE/root/etc/subgid"
}

# Makes an empty SEALIFT_HOME for the agent of one test below the shared folder and prints its name
# as seen from inside. The operator's policy goes to its config/policy.json.
node_new_home() {
	node_home=$(mktemp -d "$NODE/share/home.XXXXXXXX")
	mkdir "$node_home/config" "$node_home/data" "$node_home/state"
	chown -R "$node_uid:$node_uid" "$node_home"
	chmod 755 "$node_home"
	echo "/share/${node_home##*/}"
}
