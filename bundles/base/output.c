// SPDX-License-Identifier: Apache-2.0
// Facts, in order:
//  1. open made a temporary in the target's own folder; the target was not touched. Where the file
//     system can, it has no name until commit, so that it ends with a process that is interrupted
//     or killed, whatever its size; elsewhere it has a random name, made with O_EXCL, and ending
//     signals are held back until the name is gone.
//  2. While `fd` is open the object owns the temporary; discard (also by scope) removes it.
//  3. The first failure sticks in `first`; writes after it do nothing.
//  4. commit: mode, fsync, then one step that gives the name: a link where nothing has it yet, else
//     close and a rename (for SL_OUTPUT_NEW a link, or a rename that must not replace: they fail on
//     an existing target), then fsync of the folder.
//  5. After a failed commit the temporary is gone and the target is what it was; with one
//     exception: when the folder cannot be synced after a rename, what was replaced stays replaced.
#include "bundles/base/output.h"

#include "bundles/base/fs.h"
#include "bundles/base/interrupt.h"
#include "bundles/base/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

static void forget(struct sl_output *out)
{
	free(out->shown);
	free(out->leaf);
	free(out->temp);
	out->shown = out->leaf = out->temp = NULL;
	if (out->dirfd >= 0)
		close(out->dirfd);
	out->dirfd = out->fd = -1;
	if (out->held)
		sl_interrupt_release();
	out->held = false;
}

// A signal that comes from here on waits for forget().
static bool random_name(struct sl_output *out, char **name_out, struct sl_error *err)
{
	uint64_t number;
	if (!out->held)
		sl_interrupt_hold();
	out->held = true;
	if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
		return sl_fail_errno(err, "cannot get random bytes");
	*name_out = sl_format(".sealift-%016jx.tmp", (uintmax_t)number);
	return true;
}

// A target that cannot be replaced is refused now, not after all the work.
static bool check_target(const struct sl_output *out, struct sl_error *err)
{
	struct stat st;
	if (fstatat(out->dirfd, out->leaf, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno == ENOENT)
			return true;
		return sl_fail_errno(err, "cannot write '%s'", out->shown);
	}
	if (out->flags & SL_OUTPUT_NEW)
		return sl_fail(err, SL_E_IO, "cannot write '%s': it exists already", out->shown);
	if (!S_ISREG(st.st_mode))
		return sl_fail(err, SL_E_IO, "cannot write '%s': not a regular file", out->shown);
	return true;
}

static void link_of(int fd, char path_out[32])
{
	snprintf(path_out, 32, "/proc/self/fd/%d", fd);
}

// Not where many small files are made: they lie in a temporary folder, and two names cost time.
static bool open_nameless(struct sl_output *out)
{
	char path[32];
	if (out->flags & SL_OUTPUT_NO_SYNC)
		return false;
	out->fd = openat(out->dirfd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	link_of(out->fd, path);
	if (out->fd >= 0 && access(path, F_OK) != 0) // without /proc it could never get a name
		close(sl_take_fd(&out->fd));
	return out->fd >= 0;
}

static int link_as(const struct sl_output *out, const char *name)
{
	char path[32];
	link_of(out->fd, path);
	return linkat(AT_FDCWD, path, out->dirfd, name, AT_SYMLINK_FOLLOW);
}

static bool name_temp(struct sl_output *out, struct sl_error *err)
{
	sl_auto_free char *temp = NULL;
	if (!random_name(out, &temp, err))
		return false;
	if (link_as(out, temp) != 0)
		return sl_fail_errno(err, "cannot write '%s'", out->shown);
	out->temp = sl_take(temp);
	return true;
}

static bool open_temp(struct sl_output *out, struct sl_error *err)
{
	if (open_nameless(out))
		return true;
	if (!random_name(out, &out->temp, err))
		return false;
	out->fd = openat(out->dirfd, out->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out->fd < 0)
		return sl_fail_errno(err, "cannot write '%s'", out->shown);
	return true;
}

bool sl_output_open_at(struct sl_output *out, int dirfd, const char *leaf, const char *shown,
		       mode_t mode, unsigned flags, struct sl_error *err)
{
	assert(((flags & SL_OUTPUT_NEW) != 0) != ((flags & SL_OUTPUT_REPLACE) != 0));
	assert(leaf[0] && !strchr(leaf, '/'));
	*out = (struct sl_output){.dirfd = -1, .fd = -1, .mode = mode, .flags = flags};
	out->shown = sl_text_shown(shown);
	out->leaf = sl_strdup(leaf);
	out->dirfd = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	bool ok = out->dirfd >= 0 || sl_fail_errno(err, "cannot write '%s'", out->shown);
	ok = ok && check_target(out, err) && open_temp(out, err);
	if (!ok)
		forget(out);
	return ok;
}

bool sl_output_open(struct sl_output *out, const char *path, mode_t mode, unsigned flags,
		    struct sl_error *err)
{
	*out = (struct sl_output){.dirfd = -1, .fd = -1};
	sl_auto_free char *shown = sl_text_shown(path);
	const char *leaf = sl_path_leaf(path);
	if (!leaf[0] || strcmp(leaf, ".") == 0 || strcmp(leaf, "..") == 0)
		return sl_fail(err, SL_E_USAGE, "cannot write '%s': it names no file", shown);
	sl_auto_free char *folder = sl_path_dir(path);
	sl_auto_fd int dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return sl_fail_errno(err, "cannot write '%s'", shown);
	return sl_output_open_at(out, dirfd, leaf, path, mode, flags, err);
}

void sl_output_write(struct sl_output *out, const void *data, size_t len)
{
	if (out->first.kind != SL_E_NONE)
		return;
	if (sl_pwrite_all(out->fd, data, len, out->written, out->shown, &out->first))
		out->written += len;
}

void sl_output_fail(struct sl_output *out, const struct sl_error *why)
{
	if (out->first.kind == SL_E_NONE)
		out->first = *why;
}

static bool finish_file(struct sl_output *out, struct sl_error *err)
{
	if (fchmod(out->fd, out->mode) != 0)
		return sl_fail_errno(err, "cannot set the mode of '%s'", out->shown);
	if (!(out->flags & SL_OUTPUT_NO_SYNC) && fsync(out->fd) != 0)
		return sl_fail_errno(err, "cannot write '%s'", out->shown);
	return true;
}

static bool close_file(struct sl_output *out, struct sl_error *err)
{
	return close(sl_take_fd(&out->fd)) == 0 ||
	       sl_fail_errno(err, "cannot write '%s'", out->shown);
}

// Media carried from one machine to another often know no links (FAT says EPERM): there only the
// kernel can refuse to replace.
static int take_new_name(const struct sl_output *out)
{
	if (linkat(out->dirfd, out->temp, out->dirfd, out->leaf, 0) == 0)
		return unlinkat(out->dirfd, out->temp, 0);
	if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
		return -1;
	return renameat2(out->dirfd, out->temp, out->dirfd, out->leaf, RENAME_NOREPLACE);
}

// `*made_out`: nothing had the name before.
static bool take_name(struct sl_output *out, bool *made_out, struct sl_error *err)
{
	*made_out = true;
	if (!out->temp && link_as(out, out->leaf) == 0)
		return true;
	*made_out = out->flags & SL_OUTPUT_NEW;
	if ((!out->temp && !name_temp(out, err)) || !close_file(out, err))
		return false;
	int failed = out->flags & SL_OUTPUT_NEW
			     ? take_new_name(out)
			     : renameat(out->dirfd, out->temp, out->dirfd, out->leaf);
	return !failed || sl_fail_errno(err, "cannot write '%s'", out->shown);
}

static bool settle(struct sl_output *out, bool made, struct sl_error *err)
{
	if (out->fd >= 0)
		close(sl_take_fd(&out->fd)); // linked after its fsync: nothing is left to be lost
	if (out->flags & SL_OUTPUT_NO_SYNC || fsync(out->dirfd) == 0)
		return true;
	sl_fail_errno(err, "cannot write the folder of '%s'", out->shown);
	if (made)
		unlinkat(out->dirfd, out->leaf, 0);
	return false;
}

bool sl_output_commit(struct sl_output *out, struct sl_error *err)
{
	assert(out->fd >= 0);
	bool made = false;
	bool ok = out->first.kind == SL_E_NONE ||
		  sl_fail(err, out->first.kind, "%s", out->first.text);
	ok = ok && finish_file(out, err) && sl_interrupt_check(err) && take_name(out, &made, err) &&
	     settle(out, made, err);
	if (!ok) {
		sl_output_discard(out);
		return false;
	}
	forget(out);
	return true;
}

void sl_output_discard(struct sl_output *out)
{
	if (!out->shown)
		return;
	if (out->fd >= 0)
		close(out->fd); // its bytes are thrown away: nothing to check
	if (out->temp)
		unlinkat(out->dirfd, out->temp, 0);
	forget(out);
}

bool sl_store_file(const char *path, const void *data, size_t len, mode_t mode, unsigned flags,
		   struct sl_error *err)
{
	sl_auto_output struct sl_output out = {0};
	if (!sl_output_open(&out, path, mode, flags, err))
		return false;
	sl_output_write(&out, data, len);
	return sl_output_commit(&out, err);
}
