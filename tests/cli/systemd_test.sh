#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The user units: installed below whatever prefix is asked for, naming the program that lies there, and
# such that the local builder works under them and a broken ledger is noticed.
# shellcheck source=tests/cli/lib.sh
. "$SEALIFT_SOURCE_DIR/tests/cli/lib.sh"

: "${SEALIFT_BUILD_DIR:?}"
here=$PWD
# systemd-analyze wants one, whether somebody is logged in or not.
mkdir -m 700 runtime
export XDG_RUNTIME_DIR="$here/runtime"

# install_into FOLDER [VARIABLE=VALUE...] -- OPTION...: nothing but FOLDER and the build's own notes is
# written to.
install_into()
{
	folder=$1
	shift
	strace -f -qq -y -o trace -e trace=openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat \
		env "$@" >installed 2>&1 || {
		cat installed >&2
		fail "cannot install: $*"
	}
	# Of the calls that succeeded: those that make something, or open it to write.
	grep -v ' = -1 ' trace | grep -v 'O_RDONLY' | grep -v '/dev/\(null\|tty\)' |
		grep '"' | grep -vF "\"$folder" | grep -vF "\"$SEALIFT_BUILD_DIR/" >elsewhere || :
	grep -qF "\"$folder" trace || fail "nothing was written into $folder"
	if [ -s elsewhere ]; then
		cat elsewhere >&2
		fail "the installation wrote outside of $folder"
	fi
}

# The words of a unit's line, without quotes and doubled signs.
program_of()
{
	sed -n 's/^ExecStart="\([^"]*\)" --quiet run$/\1/p' "$1" | sed 's/%%/%/g'
}

# A prefix, also one with a space and a sign that units give a meaning.
for name in prefix 'a 100% prefix'; do
	prefix=$here/$name
	install_into "$prefix" cmake --install "$SEALIFT_BUILD_DIR" --prefix "$prefix"
	units=$prefix/lib/systemd/user
	[ "$(program_of "$units/sealift-upload.service")" = "$prefix/bin/sealift-upload" ] ||
		fail "the service starts another program than that of $prefix"
	expect_exit 0 "$(program_of "$units/sealift-upload.service")" --version
	expect_text out sealift-upload
	expect_exit 0 systemd-analyze verify --user --man=no \
		"$units/sealift-upload.service" "$units/sealift-upload.timer"
	[ ! -s err ] || fail "systemd-analyze has something to say: $(cat err)"
done
service=$here/prefix/lib/systemd/user/sealift-upload.service
expect_text "$here/prefix/lib/systemd/user/sealift-upload.timer" Unit=sealift-upload.service

# systemd-analyze does find mistakes: without the program there is one.
mkdir broken
sed "s|/prefix/bin/|/no-such-prefix/bin/|" "$service" >broken/sealift-upload.service
expect_exit 1 systemd-analyze verify --user --man=no "$here/broken/sealift-upload.service"
expect_text err no-such-prefix

# A staging folder is in front of everything that is written, and in nothing that is said.
install_into "$here/stage" DESTDIR="$here/stage" cmake --install "$SEALIFT_BUILD_DIR" --prefix /usr
staged=$here/stage/usr/lib/systemd/user/sealift-upload.service
[ "$(program_of "$staged")" = /usr/bin/sealift-upload ] || fail "DESTDIR is part of ExecStart"
expect_exit 0 "$here/stage$(program_of "$staged")" --version
! grep -rqF "$here" "$here/stage/usr/lib/systemd" || fail "a unit names the staging folder"

# The prefix that the build was configured for.
configured=$(sed -n 's/^CMAKE_INSTALL_PREFIX:PATH=//p' "$SEALIFT_BUILD_DIR/CMakeCache.txt")
install_into "$here/other" DESTDIR="$here/other" cmake --install "$SEALIFT_BUILD_DIR"
[ "$(program_of "$here/other$configured/lib/systemd/user/sealift-upload.service")" = \
	"$configured/bin/sealift-upload" ] || fail "the service of $configured starts another program"

# A path that a unit could not say is refused before there is a unit.
expect_exit 1 cmake --install "$SEALIFT_BUILD_DIR" --prefix "$here/a\$b"
expect_text err 'use another prefix'
[ ! -e "$here/a\$b/lib/systemd" ] || fail "a unit was installed that names no program"

# newuidmap, newgidmap and a setuid Apptainer need their privilege, a build that was begun its life.
if grep -E '^(NoNewPrivileges|SystemCall|Restrict|Private|Protect|Lock|Memory|DynamicUser)' "$service"; then
	fail "the local builder cannot build under this"
fi
grep -qx KillMode=process "$service" || fail "a build would end with the service"

# What the service asks before it runs, as systemd would start it.
pre=$(sed -n "s/^ExecStartPre=\/bin\/sh -c '\(.*\)' \".*\"$/\1/p" "$service" | sed 's/\$\$/$/g')
[ -n "$pre" ] || fail "no ExecStartPre"
ask()
{
	sh -c "$pre" "$(program_of "$service")"
}
expect_exit 0 ask
ledger=$SEALIFT_HOME/state/ledger.sqlite
[ -f "$ledger" ] || fail "no ledger at $ledger"
listed=$(sed -n 's/^SuccessExitStatus=//p' "$service")
refused()
{
	expect_exit 74 ask
	case " $listed " in *' 74 '*) fail "the code of a broken queue counts as success" ;; esac
	expect_text err "$1"
}
head -c 8192 /dev/zero | tr '\0' x >"$ledger"
rm -f "$ledger-wal" "$ledger-shm"
refused 'cannot open the ledger'
: >"$ledger"
refused ledger
rm "$ledger"
mkdir "$ledger"
refused 'not a regular file'
# What single bundles end with.
for code in 1 3 4 5 6 7; do
	case " $listed " in *" $code "*) ;; *) fail "$code of a single bundle is an alarm" ;; esac
done
echo "units in a prefix, in a staging folder and for the configured prefix; a broken ledger is noticed"
