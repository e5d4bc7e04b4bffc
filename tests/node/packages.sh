# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# Where packages come from: this machine's own configuration of apt and pip decides, and what of it
# is carried into a new root is printed. Sourced by `up` and `fresh`.

node_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The mirror is the archive from which this machine takes its own release.
debian_mirror() {
	if [ -n "${SEALIFT_MIRROR:-}" ]; then
		echo "$SEALIFT_MIRROR"
		return
	fi
	for suite in bookworm trixie stable testing unstable sid; do
		found=$(apt-get update --print-uris 2>/dev/null |
			sed -n "s|^'\(.*\)/dists/$suite/InRelease'.*|\1|p" | head -n 1)
		if [ -n "$found" ]; then
			echo "$found"
			return
		fi
	done
	fail "no Debian mirror in this machine's apt sources: set SEALIFT_MIRROR"
}

# The lines of apt's Acquire settings that this machine has and a machine without configuration
# has not. mmdebstrap looks at none of /etc/apt.
apt_own_settings() {
	mkdir -p "$1/apt.none"
	printf 'Dir::Etc::main "%s/none";\nDir::Etc::parts "%s/apt.none/";\n' "$1" "$1" >"$1/apt.conf"
	APT_CONFIG=$1/apt.conf apt-config dump Acquire | sort >"$1/apt.default"
	apt-config dump Acquire | sort >"$1/apt.machine"
	comm -13 "$1/apt.default" "$1/apt.machine" |
		grep -v -e '::IndexTargets::' -e '::Languages' -e '::GzipIndexes' -e '""' || :
}

# Those of them that a new root gets: all but the ones that would give up signatures.
apt_carried() {
	apt_own_settings "$1" | grep -v -e '::Allow' || :
}

apt_print_carried() {
	apt_own_settings "$1" | while read -r line; do
		case $line in
		*::Allow*) say "node: NOT carried over from this machine's apt: $line" ;;
		*Check-Valid-Until* | *Check-Date* | *Max-FutureTime* | *Verify-*)
			say "node: relaxation carried over from this machine's apt: $line"
			;;
		# A proxy may hold a password.
		*) say "node: carried over from this machine's apt: ${line%% *}" ;;
		esac
	done
}

# debootstrap_into FOLDER SUITE PACKAGES [OPTION...]: signatures are checked with the distribution's
# keyring.
debootstrap_into() {
	new_root=$1 suite=$2 packages=$3
	shift 3
	[ -r "$node_keyring" ] || fail "'$node_keyring' is missing: run 'sh tests/setup node'"
	mirror=$(debian_mirror)
	apt_carried "$work" >"$work/apt.carried"
	while read -r line; do
		set -- "$@" "--aptopt=$line"
	done <"$work/apt.carried"
	mmdebstrap --mode=root --variant=minbase "--include=$packages" \
		--aptopt='APT::Install-Recommends "false"' "$@" "$suite" "$new_root" \
		"deb [signed-by=$node_keyring] $mirror $suite main" >>"$log" 2>&1
}

# The certificates with which this machine trusts its package registry.
ca_bundle() {
	for bundle in "${PIP_CERT:-}" "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt; do
		if [ -n "$bundle" ] && [ -r "$bundle" ]; then
			echo "$bundle"
			return
		fi
	done
	fail "no certificates found: install ca-certificates"
}

# enter_with_network ROOT PROGRAM ARGUMENT...: enters as root with this machine's names,
# certificates and pip configuration, which stay outside.
enter_with_network() {
	into=$1
	shift
	set -- --env PIP_CERT=/etc/ssl/certs/ca-certificates.crt "$@"
	for variable in $(env | sed -n 's/^\(PIP_[A-Z_]*\)=.*/\1/p'); do
		case $variable in
		PIP_CERT | PIP_CONFIG_FILE | PIP_CACHE_DIR | PIP_TARGET | PIP_PREFIX | PIP_USER) continue ;;
		esac
		eval "value=\$$variable"
		# shellcheck disable=SC2154 # eval sets it
		set -- --env "$variable=$value" "$@"
	done
	for file in "${PIP_CONFIG_FILE:-/etc/pip.conf}:/etc/pip.conf" \
		"${XDG_CONFIG_HOME:-$HOME/.config}/pip/pip.conf:/root/.config/pip/pip.conf" \
		"$HOME/.pip/pip.conf:/root/.pip/pip.conf" "$HOME/.netrc:/root/.netrc" \
		"/etc/resolv.conf:/etc/resolv.conf" "/etc/hosts:/etc/hosts"; do
		[ ! -s "${file%%:*}" ] || set -- --bind "${file%%:*}" "${file#*:}" "$@"
	done
	bundle=$(ca_bundle)
	sh "$here/enter" --in "$into" --as-root \
		--bind "$bundle" /etc/ssl/certs/ca-certificates.crt "$@" >>"$log" 2>&1
}

# pip of this machine, with its own configuration. Debian's own python is preferred to one in a
# home folder.
host_pip() {
	for python in /usr/bin/python3 python3; do
		if "$python" -m pip --version >/dev/null 2>&1; then
			"$python" -m pip --disable-pip-version-check "$@" >>"$log" 2>&1
			return
		fi
	done
	fail "no pip for python3: run 'sh tests/setup node'"
}
