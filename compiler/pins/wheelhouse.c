// SPDX-License-Identifier: Apache-2.0
#include "compiler/pins/wheelhouse.h"

#include <string.h>

static void release_wheel(struct wheel_file *wheel)
{
	free(wheel->leaf);
	free(wheel->path);
	wheel_name_release(&wheel->name);
}

void wheelhouse_release(struct wheelhouse *house)
{
	sl_list_each (&house->wheels, wheel)
		release_wheel(wheel);
	sl_list_release(&house->wheels);
	sl_strings_release(&house->folders);
}

static bool ends_in_whl(const char *leaf)
{
	size_t len = strlen(leaf);
	return leaf[0] != '.' && len > 4 && strcmp(leaf + len - 4, ".whl") == 0;
}

static void add_file(struct wheelhouse *house, const char *folder, const char *leaf,
		     const struct tag_set *tags)
{
	struct sl_error ignored = {0};
	struct wheel_name name = {0};
	if (!ends_in_whl(leaf) || !wheel_name_parse(leaf, &name, &ignored)) {
		house->passed_over++;
		return;
	}
	*sl_list_add(&house->wheels) = (struct wheel_file){
		.leaf = sl_strdup(leaf),
		.path = sl_path_join(folder, leaf),
		.name = name,
		.rank = wheel_rank(&name, tags),
		.folder = house->folders.len,
	};
}

static bool scan_folder(struct wheelhouse *house, int dirfd, const char *path,
			const struct tag_set *tags, struct sl_error *err)
{
	sl_auto_free char *shown = sl_text_shown(path);
	struct sl_strings names;
	if (!sl_list_dir(dirfd, shown, SL_LIMIT_WHEELS, &names, err))
		return false;
	for (size_t i = 0; i < names.len; i++)
		add_file(house, path, names.items[i], tags);
	sl_strings_release(&names);
	sl_strings_add(&house->folders, shown[0] ? shown : ".");
	return true;
}

// Best first: newer version, then the better file of one version, then the earlier folder.
static int compare_wheels(const void *first, const void *second)
{
	const struct wheel_file *a = first, *b = second;
	int order = strcmp(a->name.name, b->name.name);
	if (order == 0)
		order = -version_compare(a->name.version, b->name.version);
	if (order == 0 && (a->rank < 0) != (b->rank < 0))
		order = a->rank < 0 ? 1 : -1;
	if (order == 0)
		order = wheel_prefer(&a->name, a->rank, a->leaf, &b->name, b->rank, b->leaf);
	if (order == 0)
		order = a->folder < b->folder ? -1 : a->folder > b->folder;
	return order;
}

// A folder that the plan names: "." is the spec's own, any other lies below it.
static bool scan_named(struct wheelhouse *house, const char *name,
		       const struct pin_sources *sources, const struct tag_set *tags,
		       struct sl_error *err)
{
	sl_auto_free char *path = sl_path_join(sources->spec_shown, name);
	sl_auto_free char *shown = sl_text_shown(path);
	if (strcmp(name, ".") == 0)
		return scan_folder(house, sources->spec_dir, sources->spec_shown, tags, err);
	sl_auto_fd int fd = -1;
	return sl_open_dir_beneath(sources->spec_dir, name, shown, &fd, err) &&
	       scan_folder(house, fd, path, tags, err);
}

bool wheelhouse_scan(struct wheelhouse *house, const struct plan *plan,
		     const struct pin_sources *sources, const struct tag_set *tags,
		     struct sl_error *err)
{
	*house = (struct wheelhouse){0};
	for (size_t i = 0; i < plan->wheelhouses.len; i++)
		if (!scan_named(house, plan->wheelhouses.items[i], sources, tags, err))
			return false;
	for (size_t i = 0; i < sources->wheelhouses.len; i++) {
		sl_auto_fd int fd = -1;
		if (!sl_open_dir(sources->wheelhouses.items[i], &fd, err) ||
		    !scan_folder(house, fd, sources->wheelhouses.items[i], tags, err))
			return false;
	}
	if (house->wheels.len > 1)
		qsort(house->wheels.items, house->wheels.len, sizeof *house->wheels.items,
		      compare_wheels);
	return true;
}

const struct wheel_file *wheelhouse_find(const struct wheelhouse *house, const char *name,
					 size_t *len_out)
{
	size_t low = 0, high = house->wheels.len;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(house->wheels.items[middle].name.name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	size_t end = low;
	while (end < house->wheels.len && strcmp(house->wheels.items[end].name.name, name) == 0)
		end++;
	*len_out = end - low;
	return end > low ? &house->wheels.items[low] : NULL;
}
