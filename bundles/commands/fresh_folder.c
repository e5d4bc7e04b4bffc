// SPDX-License-Identifier: Apache-2.0
#include "bundles/commands/fresh_folder.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static void forget(struct fresh_folder *folder)
{
	if (folder->fd >= 0)
		close(folder->fd);
	if (folder->parent >= 0)
		close(folder->parent);
	free(folder->shown);
	free(folder->leaf);
	free(folder->temp);
	bool held = folder->held;
	*folder = (struct fresh_folder){.parent = -1, .fd = -1};
	if (held)
		sl_interrupt_release();
}

// ---- opening --------------------------------------------------------------------------------

static char *without_slashes(const char *path)
{
	size_t len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	return sl_strndup(path, len);
}

static bool make_temp(struct fresh_folder *folder, struct sl_error *err)
{
	uint64_t number;
	struct stat st;
	if (fstatat(folder->parent, folder->leaf, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return sl_fail(err, SL_E_IO, "cannot make folder '%s': it exists already",
			       folder->shown);
	if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
		return sl_fail_errno(err, "cannot get random bytes");
	sl_auto_free char *temp = sl_format(".sealift-%016jx.tmp", (uintmax_t)number);
	sl_interrupt_hold();
	folder->held = true;
	if (mkdirat(folder->parent, temp, 0700) != 0)
		return sl_fail_errno(err, "cannot make folder '%s'", folder->shown);
	folder->temp = sl_take(temp);
	folder->fd = openat(folder->parent, folder->temp, OPEN_FOLDER);
	if (folder->fd < 0 || fchmod(folder->fd, 0700) != 0)
		return sl_fail_errno(err, "cannot make folder '%s'", folder->shown);
	return true;
}

bool fresh_folder_open(struct fresh_folder *folder, const char *path, struct sl_error *err)
{
	*folder = (struct fresh_folder){.parent = -1, .fd = -1};
	sl_auto_free char *plain = without_slashes(path);
	sl_auto_free char *parent = sl_path_dir(plain);
	const char *leaf = sl_path_leaf(plain);
	folder->shown = sl_text_shown(path);
	folder->leaf = sl_strdup(leaf);
	bool named = leaf[0] && strcmp(leaf, ".") != 0 && strcmp(leaf, "..") != 0;
	if ((named || sl_fail(err, SL_E_USAGE, "'%s' does not name a new folder", folder->shown)) &&
	    sl_open_dir(parent, &folder->parent, err) && make_temp(folder, err))
		return true;
	fresh_folder_discard(folder);
	return false;
}

// ---- filling --------------------------------------------------------------------------------

static bool step_into(int *dirfd, const char *name, struct sl_error *err)
{
	bool made = mkdirat(*dirfd, name, 0755) == 0;
	if (!made && errno != EEXIST)
		return sl_fail_errno(err, "cannot make folder '%s'", name);
	int next = openat(*dirfd, name, OPEN_FOLDER);
	if (next < 0)
		return sl_fail_errno(err, "cannot make folder '%s'", name);
	close(*dirfd);
	*dirfd = next;
	if (made && fchmod(next, 0755) != 0)
		return sl_fail_errno(err, "cannot make folder '%s'", name);
	return true;
}

bool fresh_folder_place(const struct fresh_folder *folder, const char *name, int *dirfd_out,
			const char **leaf_out, struct sl_error *err)
{
	sl_auto_fd int dirfd = fcntl(folder->fd, F_DUPFD_CLOEXEC, 0);
	if (dirfd < 0)
		return sl_fail_errno(err, "cannot write '%s'", folder->shown);
	if (!sl_path_is_plain(name)) // checked when the manifest was read, and again here (T08)
		return sl_fail(err, SL_E_FORMAT, "a member has a name that leads elsewhere");
	sl_auto_free char *copy = sl_strdup(name);
	char *part = copy;
	for (char *slash; (slash = strchr(part, '/')); part = slash + 1) {
		*slash = '\0';
		if (!step_into(&dirfd, part, err))
			return false;
	}
	*leaf_out = name + (part - copy);
	*dirfd_out = sl_take_fd(&dirfd);
	return true;
}

// ---- ending ---------------------------------------------------------------------------------

static bool rename_fresh(const struct fresh_folder *folder)
{
	struct stat st;
	if (renameat2(folder->parent, folder->temp, folder->parent, folder->leaf,
		      RENAME_NOREPLACE) == 0)
		return true;
	if (errno != EINVAL && errno != ENOSYS) // not every file system knows RENAME_NOREPLACE
		return false;
	if (fstatat(folder->parent, folder->leaf, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return false;
	}
	return renameat(folder->parent, folder->temp, folder->parent, folder->leaf) == 0;
}

bool fresh_folder_commit(struct fresh_folder *folder, struct sl_error *err)
{
	assert(folder->fd >= 0);
	bool ok = syncfs(folder->fd) == 0 ||
		  sl_fail_errno(err, "cannot make folder '%s'", folder->shown);
	ok = ok && sl_interrupt_check(err);
	ok = ok &&
	     (rename_fresh(folder) || sl_fail_errno(err, "cannot make folder '%s'", folder->shown));
	if (!ok) {
		fresh_folder_discard(folder);
		return false;
	}
	if (fsync(folder->parent) == 0) {
		forget(folder);
		return true;
	}
	sl_fail_errno(err, "cannot write the folder of '%s'", folder->shown);
	if (renameat(folder->parent, folder->leaf, folder->parent, folder->temp) == 0)
		fresh_folder_discard(folder);
	else
		forget(folder);
	return false;
}

// Takes over `dirfd`. Nothing is followed; what cannot be removed stays.
static void remove_below(int dirfd)
{
	DIR *dir = fdopendir(dirfd);
	if (!dir) {
		close(dirfd);
		return;
	}
	for (struct dirent *entry; (entry = readdir(dir));) {
		const char *name = entry->d_name;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		if (unlinkat(dirfd, name, 0) == 0)
			continue;
		int below = openat(dirfd, name, OPEN_FOLDER);
		if (below >= 0)
			remove_below(below);
		unlinkat(dirfd, name, AT_REMOVEDIR);
	}
	closedir(dir);
}

void fresh_folder_discard(struct fresh_folder *folder)
{
	if (!folder->shown)
		return;
	if (folder->temp) {
		int below = openat(folder->parent, folder->temp, OPEN_FOLDER);
		if (below >= 0)
			remove_below(below);
		unlinkat(folder->parent, folder->temp, AT_REMOVEDIR);
	}
	forget(folder);
}
