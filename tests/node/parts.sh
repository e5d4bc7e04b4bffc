# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2154
# The parts of the node. A recipe is the text of whatever decides what a part is: change it and the
# part is made again. Sourced by `up`.

root_packages=apptainer,ca-certificates,procps,python3,python3-venv,squashfuse
base_packages=python3,python3-venv
cloud_packages=python3,python3-pika,python3-venv,rabbitmq-server
endpoint_version=4.19.0
base_python=3.11

recipes() {
	recipe_root="1 sid $root_packages $node_uid"
	recipe_endpoint="1 $endpoint_version $recipe_root"
	recipe_base="1 bookworm $base_packages"
	recipe_images="1 $(digest <"$here/image_archive.py") $recipe_base"
	recipe_cloud="1 bookworm $cloud_packages $node_uid"
	recipe_sdk="1 $endpoint_version $recipe_cloud"
	recipe_wheels="1 $base_python $(uname -m) $(wheel_lists | digest)"
}

wheel_lists() {
	cat "$here/installers.lock" "$node_source/specs/examples/pandas/requirements.lock"
}

# replace NEW OLD: a folder never stands half made under its own name.
replace() {
	if [ -e "$2" ]; then
		mv "$2" "$work/old"
	fi
	mv "$1" "$2"
	rm -rf --one-file-system "$work/old"
}

make_root() {
	apt_print_carried "$work"
	debootstrap_into "$work/root" sid "$root_packages"
	echo '127.0.0.1 localhost' >"$work/root/etc/hosts"
	chroot "$work/root" useradd -m -s /bin/sh -u "$node_uid" node >>"$log" 2>&1
	rm -f "$NODE/endpoint.key"
	replace "$work/root" "$NODE/root"
	node_subids on
}

make_endpoint() {
	make_venv "$NODE/root" "globus-compute-endpoint==$endpoint_version"
}

# make_venv ROOT REQUIREMENT: the venv of the user node there, from wheels alone.
make_venv() {
	rm -rf "$1/home/node/venv"
	# shellcheck disable=SC2016 # expanded inside
	enter_with_network "$1" sh -euc '
		python3 -m venv /home/node/venv
		/home/node/venv/bin/pip install --root-user-action=ignore --no-cache-dir --only-binary :all: \
			--progress-bar off "$1"
		chown -R node: /home/node
	' sh "$2"
}

make_base() {
	make_debian bookworm "$base_packages" "$work/base"
	rm -f "$NODE/images.key"
	replace "$work/base" "$NODE/base"
}

# make_debian SUITE PACKAGES FOLDER: one without papers and devices.
make_debian() {
	debootstrap_into "$3" "$1" "$2" \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*'
	find "$3/dev" -mindepth 1 -delete
	rm -f "$3/etc/resolv.conf" "$3/etc/hostname"
}

# What is not the cluster's: the broker, the libraries of the stand-in for the web service, and the
# Globus Compute SDK of somebody who sends tasks. Nothing of it is installed or started on this machine.
make_cloud() {
	make_debian bookworm "$cloud_packages" "$work/cloud"
	echo '127.0.0.1 localhost' >"$work/cloud/etc/hosts"
	chroot "$work/cloud" useradd -m -s /bin/sh -u "$node_uid" node >>"$log" 2>&1
	rm -f "$NODE/sdk.key"
	replace "$work/cloud" "$NODE/cloud"
}

make_sdk() {
	make_venv "$NODE/cloud" "globus-compute-sdk==$endpoint_version"
}

make_images() {
	mkdir -p "$NODE/share"
	make_sif "$NODE/base" "$work"
	python3 "$here/image_archive.py" "$NODE/base" --docker "$work/base-docker.tar" \
		--oci "$work/base-oci.tar" >>"$log" 2>&1
	mv "$work/base.sif" "$work/base-docker.tar" "$work/base-oci.tar" "$NODE/"
}

# make_sif ROOT FOLDER: base.sif in the folder. -all-root: without it a user without subordinate ids
# cannot unpack the base.
make_sif() {
	sh "$here/enter" --as-root --bind "$1" /mnt/base --bind "$2" /mnt/out \
		apptainer build --mksquashfs-args='-comp zstd -Xcompression-level 3 -all-root' \
		/mnt/out/base.sif /mnt/base </dev/null >>"$log" 2>&1
	chmod 644 "$2/base.sif"
}

# pip does not infer the older platform names from a newer one: all of them are listed.
make_wheels() {
	machine=$(uname -m)
	set --
	for platform in manylinux_2_5 manylinux_2_12 manylinux_2_17 manylinux_2_24 manylinux_2_26 \
		manylinux_2_27 manylinux_2_28 manylinux_2_31 manylinux_2_34 manylinux_2_35 \
		manylinux_2_36 manylinux1 manylinux2010 manylinux2014; do
		set -- "$@" --platform "${platform}_$machine"
	done
	for abi in "cp${base_python%.*}${base_python#*.}" abi3 none; do
		set -- "$@" --abi "$abi"
	done
	mkdir "$work/wheels"
	host_pip download --dest "$work/wheels" --progress-bar off --no-deps --require-hashes \
		--only-binary :all: --python-version "$base_python" --implementation cp "$@" \
		-r "$here/installers.lock" \
		-r "$node_source/specs/examples/pandas/requirements.lock"
	replace "$work/wheels" "$NODE/wheels"
}

make_share() {
	mkdir -p "$NODE/share/sealift/config" "$NODE/share/sealift/data" "$NODE/share/sealift/state"
	chmod 755 "$NODE/share" "$NODE/share/sealift"
	chown "$node_uid:$node_uid" "$NODE/share/sealift" "$NODE/share/sealift/data" \
		"$NODE/share/sealift/state"
}
