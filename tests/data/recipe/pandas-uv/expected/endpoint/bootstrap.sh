#!/bin/sh
# Sets up a Globus Compute endpoint for workers in the image my-pandas-image 1.0.0.
set -eu

usage() {
	cat <<'END'
usage: sh bootstrap.sh [options]

Makes a virtual environment with the packages that are locked in requirements.txt,
writes the configuration of an endpoint, and can start it. Run it again at any time:
what is right already stays as it is.

  --name NAME      name of the endpoint (default: my-pandas-image)
  --venv DIR       the virtual environment (default: beside the configuration)
  --python PYTHON  an interpreter of Python 3.11 (default: python3.11, else python3)
  --wheels DIR     install from the wheels in this folder, without a network (default:
                   those of the bundle, where it was laid out whole, else from the index)
  --force          replace configuration files that differ
  --start          start the endpoint afterwards, in the foreground
  --help           this text

The configuration goes to $GLOBUS_COMPUTE_USER_DIR/NAME, else ~/.globus_compute/NAME.
END
}

fail() {
	echo "bootstrap.sh: $*" >&2
	exit 1
}

misused() {
	echo "bootstrap.sh: $*; see --help" >&2
	exit 2
}

name='my-pandas-image'
venv=
python=
wheels=
force=no
start=no
while [ "$#" -gt 0 ]; do
	case $1 in
	--name | --venv | --python | --wheels)
		if [ "$#" -lt 2 ] || [ -z "$2" ]; then
			misused "$1 needs a value"
		fi
		;;
	esac
	case $1 in
	--name) name=$2 && shift ;;
	--venv) venv=$2 && shift ;;
	--python) python=$2 && shift ;;
	--wheels) wheels=$2 && shift ;;
	--force) force=yes ;;
	--start) start=yes ;;
	-h | --help) usage && exit 0 ;;
	*) misused "unknown argument '$1'" ;;
	esac
	shift
done
case $name in
*[!A-Za-z0-9._-]* | .* | -*) misused "'$name' is not a name for an endpoint" ;;
esac

# The endpoint does not stay in this folder.
absolute() {
	case $1 in
	/*) printf '%s\n' "$1" ;;
	*) printf '%s\n' "$PWD/$1" ;;
	esac
}

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
folder=$(absolute "${GLOBUS_COMPUTE_USER_DIR:-$HOME/.globus_compute}/$name")
venv=$(absolute "${venv:-$folder/venv}")
files='config.yaml user_config_template.yaml.j2 user_config_schema.json'
umask 077
# What modules of clusters set: packages would come from elsewhere, or go there.
unset PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX PIP_CONSTRAINT

# Before anything is made.
check_files() {
	for file in requirements.txt $files; do
		[ -f "$here/$file" ] ||
			fail "'$here/$file' is missing; take the bundle's whole folder endpoint ('sealift extract')"
	done
	if [ -n "$wheels" ] && [ ! -d "$wheels" ]; then
		fail "--wheels: '$wheels' is not a folder"
	fi
}

minor_of() {
	"$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'
}

# The lock was made for one Python: another one would need other packages.
find_python() {
	if [ -z "$python" ]; then
		python=python3
		if command -v python3.11 >/dev/null; then
			python=python3.11
		fi
	fi
	command -v "$python" >/dev/null || fail "'$python' was not found; name one with --python"
	minor=$(minor_of "$python") || fail "'$python' does not run"
	[ "$minor" = '3.11' ] ||
		fail "'$python' is Python $minor, the packages are locked for 3.11; name one with --python"
}

# The requirements that were installed lie in the environment: the same once more means no work.
installed() {
	cmp -s "$here/requirements.txt" "$venv/sealift-requirements.txt"
}

# One without pip is what an interrupted run has left: it is made anew in its place.
make_venv() {
	if [ -x "$venv/bin/python" ]; then
		minor=$(minor_of "$venv/bin/python") || fail "'$venv' is broken; remove it"
		[ "$minor" = '3.11' ] || fail "'$venv' is of Python $minor, not 3.11; remove it"
		if installed || "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
			return
		fi
	fi
	find_python
	echo "making '$venv'"
	mkdir -p "$venv"
	"$python" -m venv "$venv" ||
		fail "cannot make '$venv' with '$python'; it needs the modules venv and ensurepip"
}

# The bundle's wheels lie under their digests: links give them their names.
link_wheels() {
	rm -rf "$links"
	mkdir "$links"
	"$venv/bin/python" -I - "$here/.." "$links" <<'END'
import json, os, sys

bundle, links = sys.argv[1:]
with open(os.path.join(bundle, "lock.json"), encoding="utf-8") as file:
    packages = json.load(file)["packages"]
for package in packages:
    wheel = os.path.join(bundle, "blobs/sha256", package.get("wheel", {}).get("sha256", "none"))
    if os.path.isfile(wheel):
        os.symlink(os.path.abspath(wheel), os.path.join(links, package["file"]))
END
}

pip_install() {
	"$venv/bin/python" -m pip install --disable-pip-version-check --no-deps \
		--only-binary :all: --require-hashes "$@" -r "$here/requirements.txt"
}

# This machine may be another than the image's: what the bundle carries need not fit.
install_carried() {
	if [ ! -f "$here/../lock.json" ] || [ ! -d "$here/../blobs/sha256" ]; then
		return 1
	fi
	links=$venv/sealift-wheels
	link_wheels || return 1
	status=0
	pip_install --no-index --find-links "$links" || status=$?
	rm -rf "$links"
	[ "$status" -eq 0 ] || echo "the bundle's wheels are not enough: asking the package index"
	return "$status"
}

install_packages() {
	if installed; then
		return
	fi
	echo "installing the locked packages"
	rm -f "$venv/sealift-requirements.txt"
	if [ -n "$wheels" ]; then
		pip_install --no-index --find-links "$wheels" ||
			fail "the locked packages could not be installed from '$wheels'"
	else
		install_carried || pip_install ||
			fail 'the locked packages could not be installed; without a network: --wheels DIR'
	fi
	cp "$here/requirements.txt" "$venv/sealift-requirements.txt"
}

# A file that a person has changed is theirs, unless --force was given.
put_file() {
	if cmp -s "$here/$1" "$folder/$1"; then
		return
	fi
	if [ -e "$folder/$1" ] && [ "$force" = no ]; then
		echo "bootstrap.sh: '$folder/$1' differs and stays; --force replaces it" >&2
		return
	fi
	echo "writing '$folder/$1'"
	cp "$here/$1" "$folder/.$1.new"
	mv -f "$folder/.$1.new" "$folder/$1"
}

check_files
make_venv
mkdir -p "$folder"
install_packages
for file in $files; do
	put_file "$file"
done
command -v apptainer >/dev/null || command -v singularity >/dev/null ||
	echo "bootstrap.sh: neither apptainer nor singularity is on PATH; images need one of them" >&2

# The endpoint finds its own program, and the one of its children, on PATH.
PATH=$venv/bin:$PATH
export PATH
if [ "$start" = yes ]; then
	exec globus-compute-endpoint start "$name"
fi
place=${GLOBUS_COMPUTE_USER_DIR:+" GLOBUS_COMPUTE_USER_DIR='${folder%/*}'"}
echo "ready; to start it: PATH='$venv/bin':\$PATH$place globus-compute-endpoint start '$name'"
