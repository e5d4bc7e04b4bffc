// SPDX-License-Identifier: Apache-2.0
// A registration folder that appears whole or not at all.
//
// The files are written into a hidden folder beside the target, whose name says which bundle it is
// for; it is synced and takes the target's name in one rename. A hidden folder that a killed
// process left behind is emptied and made again. An older registration of the same bundle is
// exchanged with the new one and then removed, so that at every instant one of them is there; on a
// file system that cannot exchange (NFS), it is renamed out of the way first. Signals are held
// while a hidden folder is there, and heard between two files.
#include "uploader/registration/endpoint_config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LIMIT_FILE (32 * SL_MIB)

struct place {
	int parent;				 // descriptor, borrowed
	const char *leaf, *part, *older, *shown; // part and older are hidden
};

static bool open_leaf(int parent, const char *leaf, int *fd_out)
{
	*fd_out = openat(parent, leaf, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *fd_out >= 0;
}

// ---- what is there -------------------------------------------------------------------------

static bool read_leaf(int folder, const char *name, struct sl_buf *out)
{
	struct sl_error ignored = {0};
	sl_auto_fd int fd = -1;

	return sl_open_beneath(folder, name, name, &fd, NULL, &ignored) &&
	       sl_read_fd(fd, name, out, &ignored);
}

static bool file_is(int folder, const struct registration_file *file)
{
	sl_auto_buf struct sl_buf text;

	sl_buf_init(&text, LIMIT_FILE);
	return read_leaf(folder, file->name, &text) && text.len == strlen(file->text) &&
	       memcmp(text.data, file->text, text.len) == 0;
}

// Whether the receipt in the folder is for this bundle.
static bool is_for(int folder, const struct sl_digest *bundle)
{
	sl_auto_buf struct sl_buf text;
	struct sl_error ignored = {0};
	struct sl_digest found;

	sl_buf_init(&text, LIMIT_FILE);
	if (!read_leaf(folder, "receipt.json", &text))
		return false;
	sl_auto_json json_t *receipt = sl_json_load(text.data, text.len, "receipt.json", &ignored);
	const char *id = json_string_value(json_object_get(receipt, "bundle"));
	return id && sl_digest_parse(id, &found) && sl_digest_equal(&found, bundle);
}

enum present { PRESENT_NOT, PRESENT_SAME, PRESENT_OLDER, PRESENT_FOREIGN };

static enum present look(const struct place *place, const struct registration_files *files,
			 const struct sl_digest *bundle)
{
	sl_auto_fd int folder = -1;
	bool same = true;

	if (!open_leaf(place->parent, place->leaf, &folder))
		return errno == ENOENT ? PRESENT_NOT : PRESENT_FOREIGN;
	sl_list_each (files, file)
		same = same && file_is(folder, file);
	if (same)
		return PRESENT_SAME;
	return is_for(folder, bundle) ? PRESENT_OLDER : PRESENT_FOREIGN;
}

// ---- writing -------------------------------------------------------------------------------

// Removes a folder of ours: only files with the names that we write. Anything else in it stays, and
// so does the folder.
static bool remove_folder(const struct place *place, const char *name,
			  const struct registration_files *files, struct sl_error *err)
{
	sl_auto_fd int folder = -1;

	if (!open_leaf(place->parent, name, &folder))
		return errno == ENOENT ||
		       sl_fail_errno(err, "cannot open '%s' beside '%s'", name, place->shown);
	sl_list_each (files, file)
		if (unlinkat(folder, file->name, 0) != 0 && errno != ENOENT)
			return sl_fail_errno(err, "cannot remove '%s' in '%s'", file->name, name);
	return unlinkat(place->parent, name, AT_REMOVEDIR) == 0 ||
	       sl_fail_errno(err, "cannot remove '%s' beside '%s'", name, place->shown);
}

static bool remove_hidden(const struct place *place, const struct registration_files *files,
			  struct sl_error *err)
{
	return remove_folder(place, place->part, files, err) &&
	       remove_folder(place, place->older, files, err);
}

// Straight to its name: the folder is the unit that appears, and a killed process must leave
// nothing here but these names.
static bool write_one(int folder, const struct registration_file *file, struct sl_error *err)
{
	int fd = openat(folder, file->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			0600);

	if (fd < 0)
		return sl_fail_errno(err, "cannot make '%s'", file->name);
	bool good = sl_pwrite_all(fd, file->text, strlen(file->text), 0, file->name, err);
	if (good && (fchmod(fd, 0644) != 0 || fsync(fd) != 0))
		good = sl_fail_errno(err, "cannot write '%s'", file->name);
	if (close(fd) != 0)
		good = sl_fail_errno(err, "cannot write '%s'", file->name);
	return good;
}

static bool write_part(const struct place *place, const struct registration_files *files,
		       struct sl_error *err)
{
	sl_auto_fd int folder = -1;

	if (!remove_hidden(place, files, err))
		return false;
	if (mkdirat(place->parent, place->part, 0700) != 0 ||
	    !open_leaf(place->parent, place->part, &folder))
		return sl_fail_errno(err, "cannot make '%s' beside '%s'", place->part,
				     place->shown);
	sl_list_each (files, file)
		if (!sl_interrupt_check(err) || !write_one(folder, file, err))
			return false;
	if (!sl_interrupt_check(err))
		return false;
	if (fchmod(folder, 0755) != 0 || fsync(folder) != 0)
		return sl_fail_errno(err, "cannot finish '%s'", place->shown);
	return true;
}

static bool rename_here(const struct place *place, const char *from, const char *to)
{
	return renameat(place->parent, from, place->parent, to) == 0;
}

// A folder's plain rename replaces nothing but an empty folder.
static bool take_name(const struct place *place, bool exchange)
{
	unsigned flags = exchange ? RENAME_EXCHANGE : RENAME_NOREPLACE;

	if (renameat2(place->parent, place->part, place->parent, place->leaf, flags) == 0)
		return true;
	if (errno != EINVAL && errno != ENOSYS)
		return false;
	return (!exchange || rename_here(place, place->leaf, place->older)) &&
	       rename_here(place, place->part, place->leaf);
}

static bool put_in_place(const struct place *place, enum present present, struct sl_error *err)
{
	if (!take_name(place, present == PRESENT_OLDER) || fsync(place->parent) != 0)
		return sl_fail_errno(err, "cannot put '%s' in place", place->shown);
	return true;
}

// What is left under a hidden name afterwards is the older registration, or a killed process's.
// After a failure only the part is ours to remove: the older one may be all that there is.
static bool replace_folder(const struct place *place, const struct registration_files *files,
			   enum present present, struct sl_error *err)
{
	struct sl_error ignored = {0};

	sl_interrupt_hold();
	bool good = present == PRESENT_SAME ||
		    (write_part(place, files, err) && put_in_place(place, present, err));
	good = good && remove_hidden(place, files, err);
	if (!good && !remove_folder(place, place->part, files, &ignored))
		sl_error_clear(&ignored); // the next registration tries again
	sl_interrupt_release();
	return good;
}

static bool write_folder(const struct place *place, const struct registration_files *files,
			 const struct sl_digest *bundle, struct sl_error *err)
{
	enum present present = look(place, files, bundle);

	if (present == PRESENT_FOREIGN)
		return sl_fail(
			err, SL_E_INPUT,
			"'%s' is there and is not a registration of this bundle; move it away, "
			"or name another folder with --out",
			place->shown);
	return replace_folder(place, files, present, err);
}

bool registration_write(const struct registration *registration, char **path_out,
			struct sl_error *err)
{
	auto_registration_files struct registration_files files = {0};
	char bundle[SL_DIGEST_HEX + 1];
	sl_auto_fd int parent = -1;

	if (!endpoint_config_render(registration, &files, err) ||
	    !sl_make_dirs(registration->folder, 0755, err) ||
	    !sl_open_dir(registration->folder, &parent, err))
		return sl_prefix(err, "cannot register %s %s", registration->name,
				 registration->version);
	sl_digest_hex(&registration->bundle, bundle);
	sl_auto_free char *leaf = sl_format("%s-%s", registration->name, registration->version);
	sl_auto_free char *part = sl_format(".%s.%.16s.part", leaf, bundle);
	sl_auto_free char *older = sl_format(".%s.%.16s.older", leaf, bundle);
	sl_auto_free char *path = sl_path_join(registration->folder, leaf);
	struct place place = {parent, leaf, part, older, path};
	if (!write_folder(&place, &files, &registration->bundle, err))
		return sl_prefix(err, "cannot register %s %s", registration->name,
				 registration->version);
	*path_out = sl_take(path);
	return true;
}

bool registration_default_folder(char **path_out, struct sl_error *err)
{
	sl_auto_free char *data = NULL;

	if (!sl_place(SL_PLACE_DATA, &data, err))
		return false;
	*path_out = sl_path_join(data, "registrations");
	return true;
}
