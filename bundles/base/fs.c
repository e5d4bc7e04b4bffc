// SPDX-License-Identifier: Apache-2.0
#include "bundles/base/fs.h"

#include "bundles/base/text.h"
#include "bundles/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

// O_NONBLOCK so that a FIFO under an input's name is refused by its type, not waited for.
#define OPEN_INPUT (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

// `kind` is whose fault another kind of file is. The descriptor is owned by the caller in every
// case.
static bool check_regular(int fd, enum sl_kind kind, const char *shown, uint64_t *size_out,
			  struct sl_error *err)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return sl_fail_errno(err, "cannot read '%s'", shown);
	if (S_ISDIR(st.st_mode))
		return sl_fail(err, kind, "cannot read '%s': it is a folder", shown);
	if (!S_ISREG(st.st_mode))
		return sl_fail(err, kind, "cannot read '%s': not a regular file", shown);
	if (size_out)
		*size_out = (uint64_t)st.st_size;
	return true;
}

bool sl_open_input(const char *path, int *fd_out, uint64_t *size_out, struct sl_error *err)
{
	sl_auto_free char *shown = sl_text_shown(path);
	sl_auto_fd int fd = open(path, OPEN_INPUT);
	if (fd < 0)
		return sl_fail_errno(err, "cannot open '%s'", shown);
	if (!check_regular(fd, SL_E_IO, shown, size_out, err))
		return false;
	*fd_out = sl_take_fd(&fd);
	return true;
}

bool sl_open_dir(const char *path, int *fd_out, struct sl_error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		sl_auto_free char *shown = sl_text_shown(path);
		return sl_fail_errno(err, "cannot open folder '%s'", shown);
	}
	*fd_out = fd;
	return true;
}

static bool component_is_plain(const char *part, size_t len)
{
	if (len == 0 || (len == 1 && part[0] == '.') || (len == 2 && memcmp(part, "..", 2) == 0))
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)part[i];
		if (c < 0x20 || c == 0x7f || c == '\\')
			return false;
	}
	return true;
}

bool sl_path_is_plain(const char *path)
{
	if (strlen(path) > SL_LIMIT_PATH)
		return false;
	for (;;) {
		size_t len = strcspn(path, "/");
		if (!component_is_plain(path, len))
			return false;
		if (path[len] == '\0')
			return true;
		path += len + 1;
	}
}

static bool fail_file(const char *shown, struct sl_error *err)
{
	if (errno == ELOOP || errno == ENOTDIR)
		return sl_fail(err, SL_E_INPUT,
			       "cannot open '%s': a symbolic link or a file stands in its path",
			       shown);
	return sl_fail_errno(err, "cannot open '%s'", shown);
}

static bool fail_folder(const char *shown, struct sl_error *err)
{
	if (errno == ELOOP || errno == ENOTDIR)
		return sl_fail(err, SL_E_INPUT, "'%s' is not a folder, or is a symbolic link",
			       shown);
	return sl_fail_errno(err, "cannot open folder '%s'", shown);
}

static bool fail_beneath(int flags, const char *shown, struct sl_error *err)
{
	return flags & O_DIRECTORY ? fail_folder(shown, err) : fail_file(shown, err);
}

// Walks component by component with O_NOFOLLOW: needs no openat2, and decides nothing by strings.
// The last component is opened with `flags`.
static bool walk(int dirfd, const char *path, const char *shown, int flags, int *fd_out,
		 struct sl_error *err)
{
	if (!sl_path_is_plain(path)) {
		sl_auto_free char *escaped = sl_text_shown(path);
		return sl_fail(err, SL_E_INPUT, "'%s' is not a plain relative path", escaped);
	}
	sl_auto_free char *copy = sl_strdup(path);
	sl_auto_fd int folder = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	if (folder < 0)
		return sl_fail_errno(err, "cannot open '%s'", shown);
	char *part = copy;
	for (char *slash; (slash = strchr(part, '/')); part = slash + 1) {
		*slash = '\0';
		int next = openat(folder, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return fail_beneath(flags, shown, err);
		close(folder);
		folder = next;
	}
	*fd_out = openat(folder, part, flags | O_NOFOLLOW | O_CLOEXEC);
	return *fd_out >= 0 || fail_beneath(flags, shown, err);
}

bool sl_open_beneath(int dirfd, const char *path, const char *shown, int *fd_out,
		     uint64_t *size_out, struct sl_error *err)
{
	sl_auto_fd int fd = -1;
	if (!walk(dirfd, path, shown, OPEN_INPUT, &fd, err) ||
	    !check_regular(fd, SL_E_INPUT, shown, size_out, err))
		return false;
	*fd_out = sl_take_fd(&fd);
	return true;
}

bool sl_open_dir_beneath(int dirfd, const char *path, const char *shown, int *fd_out,
			 struct sl_error *err)
{
	return walk(dirfd, path, shown, O_RDONLY | O_DIRECTORY, fd_out, err);
}

bool sl_read_fd(int fd, const char *shown, struct sl_buf *out, struct sl_error *err)
{
	char piece[64 * 1024];
	for (;;) {
		ssize_t got = read(fd, piece, sizeof piece);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return sl_fail_errno(err, "cannot read '%s'", shown);
		if (got == 0)
			return true;
		sl_buf_add(out, piece, (size_t)got);
		if (!sl_buf_ok(out, shown, err))
			return false;
	}
}

bool sl_read_file(const char *path, struct sl_buf *out, struct sl_error *err)
{
	sl_auto_fd int fd = -1;
	if (!sl_open_input(path, &fd, NULL, err))
		return false;
	sl_auto_free char *shown = sl_text_shown(path);
	return sl_read_fd(fd, shown, out, err);
}

bool sl_pread_all(int fd, void *data, size_t len, uint64_t offset, const char *shown,
		  struct sl_error *err)
{
	char *at = data;
	while (len > 0) {
		ssize_t got = pread(fd, at, len, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return sl_fail_errno(err, "cannot read '%s'", shown);
		if (got == 0)
			return sl_fail(err, SL_E_FORMAT,
				       "'%s' ends at byte %ju: it was cut short or changed while "
				       "it was read",
				       shown, (uintmax_t)offset);
		at += got;
		offset += (uint64_t)got;
		len -= (size_t)got;
	}
	return true;
}

bool sl_pwrite_all(int fd, const void *data, size_t len, uint64_t offset, const char *shown,
		   struct sl_error *err)
{
	const char *at = data;
	while (len > 0) {
		ssize_t put = pwrite(fd, at, len, (off_t)offset);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return sl_fail_errno(err, "cannot write '%s'", shown);
		if (put == 0)
			return sl_fail(err, SL_E_IO, "cannot write '%s': nothing was taken", shown);
		at += put;
		offset += (uint64_t)put;
		len -= (size_t)put;
	}
	return true;
}

static bool add_names(DIR *folder, const char *shown, size_t max, struct sl_strings *names,
		      struct sl_error *err)
{
	for (;;) {
		errno = 0;
		struct dirent *entry = readdir(folder);
		if (!entry && errno)
			return sl_fail_errno(err, "cannot read folder '%s'", shown);
		if (!entry)
			return true;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (names->len == max)
			return sl_fail(err, SL_E_LIMIT, "folder '%s' has more than %zu entries",
				       shown, max);
		sl_strings_add(names, entry->d_name);
	}
}

bool sl_list_dir(int dirfd, const char *shown, size_t max, struct sl_strings *names_out,
		 struct sl_error *err)
{
	*names_out = (struct sl_strings){0};
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	if (!folder) {
		sl_fail_errno(err, "cannot read folder '%s'", shown);
		if (fd >= 0)
			close(fd);
		return false;
	}
	bool ok = add_names(folder, shown, max, names_out, err);
	closedir(folder);
	if (!ok) {
		sl_strings_release(names_out);
		return false;
	}
	sl_strings_sort(names_out);
	return true;
}
