// SPDX-License-Identifier: Apache-2.0
// Files that hold secrets: whose they are is asked of the descriptor that is read.
#include "uploader/auth/private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static bool is_ours(const struct stat *st, enum secret_file kind)
{
	return st->st_uid == geteuid() || (kind == SECRET_FILE_CALLER && st->st_uid == 0);
}

static void warn(struct sl_strings *warnings, const char *shown, mode_t mode)
{
	sl_auto_free char *text =
		sl_format("'%s' holds a login and can be read by others (mode %03o): chmod 600",
			  shown, mode & 0777);

	for (size_t i = 0; i < warnings->len; i++)
		if (strcmp(warnings->items[i], text) == 0)
			return;
	sl_strings_add(warnings, text);
}

static bool judge(const struct stat *st, const char *shown, enum secret_file kind,
		  struct sl_strings *warnings, struct sl_error *err)
{
	if (!S_ISREG(st->st_mode))
		return sl_fail(err, SL_E_INPUT, "'%s' is no regular file: no login there", shown);
	if (!is_ours(st, kind))
		return sl_fail(err, SL_E_INPUT,
			       "'%s' belongs to another account (%lu): will not use the login "
			       "there",
			       shown, (unsigned long)st->st_uid);
	if (st->st_mode & 022)
		return sl_fail(err, SL_E_INPUT,
			       "'%s' can be written by others (mode %03o), so the login there may "
			       "be anybody's: chmod 600 once you know that it is yours",
			       shown, st->st_mode & 0777);
	if (st->st_mode & 044)
		warn(warnings, shown, st->st_mode);
	return true;
}

static bool refuse(enum secret_file kind, const char *shown, struct sl_error *err)
{
	if (errno == ELOOP && kind == SECRET_FILE_OURS)
		return sl_fail(err, SL_E_INPUT,
			       "'%s' is a symbolic link: will not follow it to a login", shown);
	return sl_fail_errno(err, "cannot read '%s'", shown);
}

// -1 with found_out false when there is nothing. O_NONBLOCK: a FIFO must not hold us up.
static bool open_file(const char *path, enum secret_file kind, bool *found_out, int *fd_out,
		      struct sl_strings *warnings, struct sl_error *err)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (kind == SECRET_FILE_OURS ? O_NOFOLLOW : 0);
	sl_auto_free char *shown = sl_text_shown(path);
	sl_auto_fd int fd = open(path, flags);
	struct stat st;

	*found_out = fd >= 0;
	if (fd < 0 && kind == SECRET_FILE_OURS && (errno == ENOENT || errno == ENOTDIR))
		return true;
	if (fd < 0)
		return refuse(kind, shown, err);
	if (fstat(fd, &st) != 0)
		return sl_fail_errno(err, "cannot read '%s'", shown);
	*fd_out = sl_take_fd(&fd);
	return judge(&st, shown, kind, warnings, err);
}

bool secret_file_check(const char *path, enum secret_file kind, bool *found_out,
		       struct sl_strings *warnings, struct sl_error *err)
{
	sl_auto_fd int fd = -1;

	return open_file(path, kind, found_out, &fd, warnings, err);
}

static bool read_all(int fd, const char *path, struct secret *out, struct sl_error *err)
{
	sl_auto_free char *shown = sl_text_shown(path);
	auto_secret struct secret page = {0};
	char zeros[4096] = {0};

	secret_add(&page, zeros, sizeof zeros);
	for (;;) {
		ssize_t got = read(fd, page.text, sizeof zeros);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return sl_fail_errno(err, "cannot read '%s'", shown);
		if (got == 0)
			return true;
		secret_add(out, page.text, (size_t)got);
		if (out->len > SECRET_FILE_MAX)
			return sl_fail(err, SL_E_LIMIT, "'%s' is larger than %llu bytes: no login",
				       shown, SECRET_FILE_MAX);
	}
}

bool secret_file_read(const char *path, enum secret_file kind, bool *found_out, struct secret *out,
		      struct sl_strings *warnings, struct sl_error *err)
{
	sl_auto_fd int fd = -1;

	if (!open_file(path, kind, found_out, &fd, warnings, err))
		return false;
	return !*found_out || read_all(fd, path, out, err);
}
