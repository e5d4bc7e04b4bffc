// SPDX-License-Identifier: Apache-2.0
// From a wheel file to its METADATA.
#include "bundles/packaging/metadata.h"

#include "bundles/packaging/zip_error.h"

#include <string.h>

static const char suffix[] = ".dist-info/";

// Length of the "NAME.dist-info" that begins the entry's name at the root of the wheel, else 0.
static size_t dist_info_length(const struct zip_entry *entry)
{
	const char *slash = memchr(entry->name, '/', entry->name_len);
	size_t len = slash ? (size_t)(slash - entry->name) : 0;
	size_t suffix_len = sizeof suffix - 2; // without the slash
	if (len <= suffix_len || memcmp(slash - suffix_len, suffix, suffix_len) != 0)
		return 0;
	return len;
}

// The one METADATA at the root. A second dist-info folder is refused as well: installers pick one
// of them, and not all the same.
static const struct zip_entry *find_metadata(const struct zip *zip, struct sl_error *err)
{
	const struct zip_entry *found = NULL, *first = NULL;
	for (size_t i = 0; i < zip->entries.len; i++) {
		const struct zip_entry *entry = &zip->entries.items[i];
		size_t folder = dist_info_length(entry);
		if (!folder)
			continue;
		if (first && (dist_info_length(first) != folder ||
			      memcmp(first->name, entry->name, folder) != 0)) {
			sl_fail(err, SL_E_FORMAT, "%s: not a wheel: it has two dist-info folders",
				zip->shown);
			return NULL;
		}
		first = entry;
		if (entry->name_len == folder + 9 &&
		    memcmp(entry->name + folder, "/METADATA", 9) == 0)
			found = entry;
	}
	if (!found)
		sl_fail(err, SL_E_FORMAT, "%s: not a wheel: it has no NAME.dist-info/METADATA",
			zip->shown);
	return found;
}

// `*folder_out` is "NAME-VERSION" of the dist-info folder, owned; NULL when nobody asks.
static bool read_metadata(int fd, uint64_t size, const char *shown, struct sl_buf *out,
			  char **folder_out, struct sl_error *err)
{
	auto_zip struct zip zip;
	if (!zip_open(&zip, fd, size, shown, err))
		return false;
	const struct zip_entry *entry = find_metadata(&zip, err);
	if (!entry)
		return false;
	if (entry->unpacked > SL_LIMIT_METADATA)
		return zip_too_large(&zip, "METADATA", SL_LIMIT_METADATA, err);
	if (folder_out)
		*folder_out =
			sl_strndup(entry->name, dist_info_length(entry) - (sizeof suffix - 2));
	return zip_read(&zip, entry, out, err);
}

bool wheel_read_metadata(int fd, uint64_t size, const char *shown, struct sl_buf *out,
			 struct sl_error *err)
{
	return read_metadata(fd, size, shown, out, NULL, err);
}

static bool disagrees(const char *leaf, const char *where, const char *name, const char *version,
		      struct sl_error *err)
{
	sl_auto_free char *shown_name = sl_text_shown(name);
	sl_auto_free char *shown_version = sl_text_shown(version);
	return sl_fail(err, SL_E_FORMAT,
		       "%s: the file name and its %s ('%s', '%s') name different packages", leaf,
		       where, shown_name, shown_version);
}

static bool is_same(const struct wheel_name *wheel, const char *name, const char *version)
{
	sl_auto_free char *normal = name_normalise(name, strlen(name));
	auto_version struct version *parsed = version_try(version, strlen(version));
	return parsed && strcmp(normal, wheel->name) == 0 &&
	       version_compare(parsed, wheel->version) == 0;
}

bool metadata_agrees(const struct metadata *metadata, const struct wheel_name *wheel,
		     const char *leaf, struct sl_error *err)
{
	if (is_same(wheel, metadata->name, metadata->version))
		return true;
	return disagrees(leaf, "METADATA", metadata->name, metadata->version, err);
}

static bool folder_agrees(const char *folder, const struct wheel_name *wheel, const char *leaf,
			  struct sl_error *err)
{
	const char *dash = strrchr(folder, '-');
	if (!dash)
		return disagrees(leaf, "dist-info folder", folder, "", err);
	sl_auto_free char *name = sl_strndup(folder, (size_t)(dash - folder));
	if (is_same(wheel, name, dash + 1))
		return true;
	return disagrees(leaf, "dist-info folder", name, dash + 1, err);
}

static bool load(int fd, uint64_t size, const char *leaf, const struct wheel_name *wheel,
		 struct metadata *out, struct sl_error *err)
{
	sl_auto_buf struct sl_buf text = {0};
	sl_auto_free char *folder = NULL;
	sl_buf_init(&text, SL_LIMIT_METADATA);
	return read_metadata(fd, size, leaf, &text, &folder, err) &&
	       folder_agrees(folder, wheel, leaf, err) &&
	       metadata_parse(text.data, text.len, leaf, out, err) &&
	       metadata_agrees(out, wheel, leaf, err);
}

bool wheel_load_metadata(int fd, uint64_t size, const char *leaf, struct wheel_name *wheel_out,
			 struct metadata *out, struct sl_error *err)
{
	*out = (struct metadata){0};
	if (!wheel_name_parse(leaf, wheel_out, err))
		return false;
	if (load(fd, size, leaf, wheel_out, out, err))
		return true;
	wheel_name_release(wheel_out);
	metadata_release(out);
	return false;
}
