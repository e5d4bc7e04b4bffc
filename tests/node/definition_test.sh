#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What Apptainer makes of emitted definitions. First its parser alone, over all golden cases: with an
# agent that it does not know it stops right after parsing. Then real builds: values with quotes,
# braces and dollars arrive unchanged, labels, help, runscript and test are there, a wrong target is
# refused in one sentence.
# shellcheck disable=SC2016 # expanded inside
set -eu
. "$SEALIFT_SOURCE_DIR/tests/node/lib.sh"
cases=$SEALIFT_SOURCE_DIR/tests/data/recipe

wrong() {
	echo "FAILED: $*" >&2
	exit 1
}

home=$(node_new_home)
trap 'node_remove_home "$home"' EXIT
inside=/share/${home##*/}

# parses FILE: the whole text is a definition for Apptainer.
parses() {
	sed '1s/^Bootstrap: .*/Bootstrap: sealiftlint/' "$1" >"$home/lint.def"
	if node_enter apptainer build --force "$inside/lint.sif" "$inside/lint.def" \
		>lint.log 2>&1 </dev/null; then
		wrong "an unknown agent was built"
	fi
	grep -q 'invalid build source sealiftlint' lint.log
}

count=0
for case in "$cases"/*/expected/image.def; do
	parses "$case" || {
		cat lint.log >&2
		wrong "Apptainer does not parse $case"
	}
	count=$((count + 1))
done
[ "$count" -ge 5 ] || wrong "only $count golden definitions"
# The check can say no: a word between braces, and a section that is none.
printf 'Bootstrap: x\n\n%%help\n    {{ word }}\n' >bad.def
! parses bad.def || wrong "a build argument was accepted"
printf 'Bootstrap: x\n\n%%post\n    %%setup\n' >bad.def
! parses bad.def || wrong "an indented section line was accepted"

# ---- small builds, as a person makes them by hand ---------------------------------------------

# write_spec PYTHON GLIBC MACHINE BASE: the texts are those of the golden case with every field.
write_spec() {
	mkdir -p project
	ln -f "$4" project/base.sif 2>/dev/null || cp "$4" project/base.sif
	printf '[app]\n' >project/app.ini
	dd if=/dev/zero of=project/big.bin bs=1048577 count=1 2>/dev/null
	python3 - "$cases/every-field/plan.json" "$@" <<'END'
import json, sys
plan = json.load(open(sys.argv[1]))
python, glibc, machine = sys.argv[2:5]
json.dump({
    "sealift": 1, "name": "every.field_1", "version": plan["version"],
    "description": plan["description"], "base": {"localimage": "base.sif"}, "worker": "none",
    "target": {"python": python, "platform": "linux/" + machine, "glibc": glibc},
    "env": {each["name"]: each["value"] for each in plan["env"]},
    "labels": {each["name"]: each["value"] for each in plan["labels"]},
    "help": plan["help"], "runscript": plan["runscript"],
    "files": [{"from": "app.ini", "to": "/etc/app/app.ini"},
              {"from": "app.ini", "to": "/usr/local/bin/tool@2", "mode": "0755"},
              {"from": "app.ini", "to": "/etc/app/d/again.ini", "mode": "0600"},
              {"from": "big.bin", "to": "/app.bin"}],
    "post": ["echo '{{ not a template }}' >/etc/made-by-post\numask >>/etc/made-by-post\n"
             "cat <<EOF >>/etc/made-by-post\n%post\nBootstrap: docker\nEOF\n",
             {"run": "tail -n +3 /proc/net/dev | cut -d : -f 1 | tr -d ' ' >/etc/interfaces\n",
              "network": "none"}],
    "test": {"run": "grep -q '^Bootstrap: docker$' /etc/made-by-post\n", "network": "none"},
}, open("project/spec.json", "w"))
END
}

# build: spec -> bundle -> folder -> image, by the two commands of BUILD-BY-HAND.md.
build() {
	rm -rf "$home/build"
	"$SEALIFT" -q compile project/spec.json --allow-open -o bundle.sealift >/dev/null
	"$SEALIFT" -q extract bundle.sealift -C "$home/build" >/dev/null
	chown -R "$node_uid:$node_uid" "$home/build"
	node_enter sh -c 'cd "$1" && exec apptainer build --force --fakeroot \
		"--mksquashfs-args=-comp zstd -Xcompression-level 3" image.sif image.def' \
		sh "$inside/build" >build.log 2>&1 </dev/null
}

SEALIFT_HOME=$PWD/sealift-home
export SEALIFT_HOME
"$SEALIFT" -q key new --no-password >/dev/null
machine=$(uname -m)
ln "$NODE/base.sif" "$home/base.sif" 2>/dev/null || cp "$NODE/base.sif" "$home/base.sif"
python=$(node_enter apptainer -q exec "$inside/base.sif" \
	python3 -c 'import platform; print(platform.python_version())')

# A target that the base is not: one sentence, no image.
other=aarch64
[ "$machine" != aarch64 ] || other=x86_64
for target in "3.1.4 2.28 $machine:has cpython $python, the target is cpython 3.1.4" \
	"$python 2.99 $machine:has libc glibc [0-9.]*, the target needs glibc 2.99 or newer" \
	"$python 2.28 $other:this machine is $machine, the target is $other"; do
	# shellcheck disable=SC2086 # three words
	write_spec ${target%%:*} "$NODE/base.sif"
	! build || wrong "the base was accepted for ${target%%:*}"
	grep -q "^sealift: .*${target#*:}\$" build.log || {
		cat build.log >&2
		wrong "the reason was not said: ${target#*:}"
	}
	[ ! -e "$home/build/image.sif" ] || wrong "an image of the wrong target"
done

image() {
	node_enter apptainer -q "$@"
}

check_image() {
	image run "$inside/build/image.sif" \
		python3 -c 'import json, os; print(json.dumps(dict(os.environ)))' >said
	head -n 1 said | grep -q '^3 arguments$' || wrong "the runscript did not see the arguments"
	python3 - "$cases/every-field/plan.json" <<'END' || wrong "the environment"
import json, sys
found = json.loads(open("said").read().split("\n", 1)[1])
for pair in json.load(open(sys.argv[1]))["env"]:
    if found.get(pair["name"]) != pair["value"]:
        sys.exit("%s: %r instead of %r" % (pair["name"], found.get(pair["name"]), pair["value"]))
if found["PYTHONNOUSERSITE"] != "1":
    sys.exit("PYTHONNOUSERSITE")
END
	image inspect --json "$inside/build/image.sif" >inspect.json
	python3 - "$cases/every-field/plan.json" "$home/build/manifest.json" <<'END' || wrong "the labels"
import hashlib, json, sys
plan = json.load(open(sys.argv[1]))
labels = json.load(open("inspect.json"))["data"]["attributes"]["labels"]
wanted = {each["name"]: each["value"] for each in plan["labels"]}
wanted["org.sealift.name"] = plan["name"]
wanted["org.sealift.version"] = plan["version"]
wanted["org.sealift.description"] = plan["description"]
wanted["org.sealift.bundle"] = hashlib.sha256(open(sys.argv[2], "rb").read()).hexdigest()
for name, value in wanted.items():
    if labels.get(name) != value:
        sys.exit("%s: %r instead of %r" % (name, labels.get(name), value))
END
	image inspect --helpfile "$inside/build/image.sif" >help
	grep -q 'bootstrap: is only text here' help || wrong "the help"
	grep -q 'Use {{.Name}} freely' help || wrong "the help's braces"
	image test "$inside/build/image.sif" || wrong "the test of the finished image"
	image exec "$inside/build/image.sif" cat /etc/made-by-post >made
	printf '{{ not a template }}\n0022\n%%post\nBootstrap: docker\n' | cmp - made ||
		wrong "what the post script wrote"
	image exec "$inside/build/image.sif" sh -euc '
		test ! -e /opt/sealift
		test "$(cat /etc/app/app.ini)" = "[app]"
		test "$(stat -c %a /etc/app/app.ini)" = 644
		test "$(stat -c %a /usr/local/bin/tool@2)" = 755
		test "$(stat -c %a /etc/app/d/again.ini)" = 600
		test "$(stat -c %s /app.bin)" = 1048577
		test "$(cat /etc/interfaces)" = lo
		test -s /.sealift/signatures/prepare.minisig
		test -r /.sealift/scripts/post-02.sh
		test "$(cat /.sealift/installed.json)" = "[]"
		test ! -e /root/.cache' || wrong "the files of the image"
}

write_spec "$python" 2.28 "$machine" "$NODE/base.sif"
build || {
	cat build.log >&2
	wrong "the build"
}
check_image

# On top of that image, for an account without subordinate ids: nothing is left of the old /.sealift.
mv "$home/build/image.sif" "$home/first.sif"
write_spec "$python" 2.28 "$machine" "$home/first.sif"
node_subids off
trap 'node_subids on; node_remove_home "$home"' EXIT
build || {
	cat build.log >&2
	wrong "the build on top of an image of ours"
}
check_image
