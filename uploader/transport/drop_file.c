// SPDX-License-Identifier: Apache-2.0
// The files of a drop folder. Others may write into it: below the folder itself no link is
// followed, and a name is only ever taken by a file that is whole.
#include "uploader/transport/drop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLICE	    ((size_t)(4 * SL_MIB))
#define FOLDER_MODE 0755
#define FILE_MODE   0644

// One object's place.
struct spot {
	int dirfd;
	char hex[SL_DIGEST_HEX + 1];
	char *shown;
};

static void leave(struct spot *spot)
{
	if (spot->dirfd >= 0)
		close(spot->dirfd);
	free(spot->shown);
}
#define auto_spot __attribute__((cleanup(leave)))

// ---- the way there -------------------------------------------------------------------------

// A folder inside; `*there_out` false when it is not there and is not to be made.
static bool go_down(int *fd, const char *name, bool make, const char *shown, bool *there_out,
		    struct sl_error *err)
{
	bool made = make && mkdirat(*fd, name, 0700) == 0;
	int below = openat(*fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	*there_out = below >= 0;
	if (below < 0 && errno == ENOENT && !make)
		return true;
	if (below < 0 || (made && fchmod(below, FOLDER_MODE) != 0)) {
		sl_fail_errno(err, "cannot use the folder '%s' on the way to '%s'", name, shown);
		if (below >= 0)
			close(below);
		return false;
	}
	close(*fd);
	*fd = below;
	return true;
}

static bool go_to(const char *folder, const struct sl_digest *sha256, bool make, struct spot *out,
		  bool *there_out, struct sl_error *err)
{
	char first[3];

	*out = (struct spot){.dirfd = -1};
	*there_out = false;
	sl_digest_hex(sha256, out->hex);
	snprintf(first, sizeof first, "%.2s", out->hex);
	out->shown = sl_format("%s/objects/sha256/%s/%s", folder, first, out->hex);
	if (!sl_open_dir(folder, &out->dirfd, err))
		return sl_prefix(err, "cannot use the drop folder (is it mounted?)");
	const char *const names[] = {"objects", "sha256", first};
	for (size_t i = 0; i < 3; i++)
		if (!go_down(&out->dirfd, names[i], make, out->shown, there_out, err))
			return false;
		else if (!*there_out)
			return true;
	return true;
}

// ---- what is there -------------------------------------------------------------------------

enum found { FOUND_NOTHING, FOUND_IT, FOUND_OTHER };

static bool look(const struct spot *spot, const struct transport_object *object, enum found *out,
		 struct sl_error *err)
{
	sl_auto_fd int fd =
		openat(spot->dirfd, spot->hex, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct sl_digest sha256;
	struct stat st;

	*out = fd < 0 && errno == ENOENT ? FOUND_NOTHING : FOUND_OTHER;
	if (fd < 0)
		return true;
	if (fstat(fd, &st) != 0)
		return sl_fail_errno(err, "cannot look at '%s'", spot->shown);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != object->size)
		return true;
	if (!sl_digest_fd(fd, 0, object->size, spot->shown, &sha256, err))
		return false;
	if (sl_digest_equal(&sha256, &object->sha256))
		*out = FOUND_IT;
	return true;
}

// ---- writing -------------------------------------------------------------------------------

struct writing {
	int fd;
	const char *shown;
	struct sl_sha256 sha;
	uint64_t size;
};

static bool add(void *context, const void *data, size_t len, struct sl_error *err)
{
	struct writing *writing = context;

	if (!sl_pwrite_all(writing->fd, data, len, writing->size, writing->shown, err))
		return false;
	sl_sha256_add(&writing->sha, data, len);
	writing->size += len;
	return true;
}

static bool add_by_reading(struct writing *writing, const struct transport_object *object,
			   struct sl_error *err)
{
	sl_auto_free char *slice = sl_alloc(SLICE);

	for (uint64_t at = 0; at < object->size;) {
		size_t len = object->size - at < SLICE ? (size_t)(object->size - at) : SLICE;
		if (!object->read(object->context, object->index, at, slice, len, err) ||
		    !add(writing, slice, len, err))
			return false;
		at += len;
	}
	return true;
}

static bool add_all(struct writing *writing, const struct transport_object *object,
		    struct sl_error *err)
{
	if (object->data)
		return add(writing, object->data, (size_t)object->size, err);
	if (object->read)
		return add_by_reading(writing, object, err);
	return object->feed(object->context, object->index, add, writing, err);
}

static bool fill(int fd, const char *shown, const struct transport_object *object,
		 struct sl_error *err)
{
	struct writing writing = {.fd = fd, .shown = shown};

	sl_sha256_init(&writing.sha);
	if (!add_all(&writing, object, err))
		return false;
	struct sl_digest sha256 = sl_sha256_final(&writing.sha);
	if (writing.size != object->size || !sl_digest_equal(&sha256, &object->sha256))
		return sl_fail(err, SL_E_FORMAT,
			       "cannot write '%s': its source has other bytes than it had", shown);
	if (fchmod(fd, FILE_MODE) != 0 || fsync(fd) != 0)
		return sl_fail_errno(err, "cannot write '%s'", shown);
	return true;
}

// Gives the file its name unless somebody was quicker. Where the file system can neither refuse to
// replace nor link, what is replaced has the same name and so the same bytes.
static int take_name(const struct spot *spot, const char *temp)
{
	if (renameat2(spot->dirfd, temp, spot->dirfd, spot->hex, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	return renameat(spot->dirfd, temp, spot->dirfd, spot->hex);
}

static bool write_file(const struct spot *spot, const struct transport_object *object,
		       struct sl_error *err)
{
	uint64_t number;

	if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
		return sl_fail_errno(err, "cannot get random bytes");
	sl_auto_free char *temp = sl_format(".%s.%016llx", spot->hex, (unsigned long long)number);
	sl_auto_fd int fd = openat(spot->dirfd, temp,
				   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return sl_fail_errno(err, "cannot write '%s'", spot->shown);
	if (fill(fd, spot->shown, object, err)) {
		if (take_name(spot, temp) == 0)
			return fsync(spot->dirfd) == 0 ||
			       sl_fail_errno(err, "cannot write '%s'", spot->shown);
		sl_fail_errno(err, "cannot write '%s'", spot->shown);
	}
	unlinkat(spot->dirfd, temp, 0);
	return false;
}

static bool replace_other(const struct spot *spot, struct sl_error *err)
{
	if (unlinkat(spot->dirfd, spot->hex, 0) == 0 || errno == ENOENT)
		return true;
	return sl_fail_errno(err,
			     "'%s' is not the object that its name says, and cannot be removed",
			     spot->shown);
}

bool drop_store(const char *folder, const struct transport_object *object, drop_written *written,
		void *context, struct sl_error *err)
{
	auto_spot struct spot spot = {.dirfd = -1};
	enum found found = FOUND_NOTHING;
	bool there;

	if (!go_to(folder, &object->sha256, true, &spot, &there, err) ||
	    !look(&spot, object, &found, err))
		return false;
	if (found == FOUND_IT)
		return true;
	if ((found == FOUND_OTHER && !replace_other(&spot, err)) ||
	    !written(context, &object->sha256, err))
		return false;
	if (write_file(&spot, object, err))
		return true;
	// Another uploader may have brought the same bytes meanwhile.
	struct sl_error ignored = {0};
	if (!look(&spot, object, &found, &ignored) || found != FOUND_IT)
		return false;
	sl_error_clear(err);
	return true;
}

// ---- removing ------------------------------------------------------------------------------

// What a process that was killed has begun: ".<hex>.<random>".
static void remove_attempts(const struct spot *spot)
{
	sl_auto_free char *start = sl_format(".%s.", spot->hex);
	int fd = fcntl(spot->dirfd, F_DUPFD_CLOEXEC, 0);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (strncmp(entry->d_name, start, strlen(start)) == 0)
			unlinkat(spot->dirfd, entry->d_name, 0);
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
}

bool drop_remove(const char *folder, const struct sl_digest *sha256, struct sl_error *err)
{
	auto_spot struct spot spot = {.dirfd = -1};
	bool there;

	if (!go_to(folder, sha256, false, &spot, &there, err) || !there)
		return err->kind == SL_E_NONE;
	remove_attempts(&spot);
	if (unlinkat(spot.dirfd, spot.hex, 0) == 0 || errno == ENOENT)
		return true;
	return sl_fail_errno(err, "cannot remove '%s'", spot.shown);
}
