# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# The second half of `enter`, sourced by it in a mount namespace that nobody else sees: builds the
# view of the root and becomes the program in "$@". A plain chroot is not enough for Apptainer: it
# looks for the mount points of its folders, and user namespaces are refused inside a chroot.

R=${SEALIFT_ENTER_ROOT:?}
mount --bind "$R" "$R"
mkdir -p "$R/.old" "$R/share" "$NODE/share"
mount --rbind /proc "$R/proc"
mount --rbind /sys "$R/sys"

# Its own /dev: the machine's fuse device may be closed to ordinary users, and the root's terminals
# must not be the machine's.
mount -t tmpfs -o mode=755,nosuid dev "$R/dev"
for device in null zero full random urandom tty; do
	: >"$R/dev/$device"
	mount --bind "/dev/$device" "$R/dev/$device"
done
if ! mknod -m 666 "$R/dev/fuse" c 10 229 2>/dev/null; then
	# Without CAP_MKNOD the machine's device serves; without that Apptainer unpacks images instead.
	rm -f "$R/dev/fuse"
	if [ -e /dev/fuse ]; then
		: >"$R/dev/fuse"
		mount --bind /dev/fuse "$R/dev/fuse"
	fi
fi
mkdir "$R/dev/pts" "$R/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$R/dev/pts"
ln -s pts/ptmx "$R/dev/ptmx"
mount -t tmpfs -o mode=1777 shm "$R/dev/shm"
ln -s /proc/self/fd "$R/dev/fd"
ln -s /proc/self/fd/0 "$R/dev/stdin"
ln -s /proc/self/fd/1 "$R/dev/stdout"
ln -s /proc/self/fd/2 "$R/dev/stderr"

mount -t tmpfs -o mode=1777 tmp "$R/tmp"
mount --rbind "$NODE/share" "$R/share"
# Pairs of lines, from and to, read from a here-document so that the loop stays in this shell.
while read -r from && read -r to; do
	[ -n "$from" ] || continue
	if [ -d "$from" ]; then
		mkdir -p "$R$to"
	else
		mkdir -p "$(dirname "$R$to")"
		[ -e "$R$to" ] || : >"$R$to"
	fi
	mount --rbind "$from" "$R$to"
done <<END
$SEALIFT_ENTER_BINDS

END

# The caller's settings go last, so that they win.
while read -r setting; do
	[ -z "$setting" ] || set -- "$setting" "$@"
done <<END
$SEALIFT_ENTER_SET
END
case $SEALIFT_ENTER_AS in
root) home=/root path=/usr/sbin:/usr/bin:/sbin:/bin ;;
*) home=/home/node path=/home/node/venv/bin:/usr/bin:/bin ;;
esac
set -- env -i "HOME=$home" "USER=$SEALIFT_ENTER_AS" "LOGNAME=$SEALIFT_ENTER_AS" "PATH=$path" \
	LANG=C.UTF-8 SEALIFT_HOME=/share/sealift "$@"
if [ "$SEALIFT_ENTER_AS" = node ]; then
	set -- setpriv "--reuid=$node_uid" "--regid=$node_uid" --clear-groups "$@"
fi

cd "$R" || exit
pivot_root . .old || fail "pivot_root refused: is this machine itself a chroot?"
umount -l /.old
cd "$home" || exit
exec "$@"
