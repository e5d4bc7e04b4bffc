// SPDX-License-Identifier: Apache-2.0
// Reading lock.json: its shape here, what its values may be in lock_values.c.
#include "bundles/recipe/lock.h"

static bool read_blob(json_t *json, struct lock_blob *blob, struct sl_error *err, const char *shown)
{
	struct sl_obj obj;
	sl_obj_init(&obj, json, SL_E_FORMAT, err, "%s", shown);
	blob->sha256 = sl_obj_digest(&obj, "sha256");
	blob->size = sl_obj_uint(&obj, "size", SL_LIMIT_BLOB);
	return sl_obj_done(&obj);
}

static void read_hashes(struct sl_obj *obj, struct lock_package *package)
{
	json_t *array = sl_obj_array(obj, "hashes", SL_LIMIT_HASHES);
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *hex = json_string_value(json_array_get(array, i));
		if (!hex || !sl_digest_parse(hex, sl_list_add(&package->hashes)))
			sl_obj_fail(obj, "hashes", "entry %zu is not a sha256", i + 1);
	}
}

static void read_requires(struct sl_obj *obj, struct lock_package *package)
{
	json_t *array = sl_obj_array(obj, "requires", SL_LIMIT_REQUIRES);
	for (size_t i = 0; i < json_array_size(array) && !obj->failed; i++) {
		const char *name = json_string_value(json_array_get(array, i));
		if (name)
			sl_strings_add(&package->requires, name);
		else
			sl_obj_fail(obj, "requires", "entry %zu is not a package name", i + 1);
	}
}

static bool read_carried(struct sl_obj *obj, const char *shown, struct lock_package *package)
{
	char inner[64];
	snprintf(inner, sizeof inner, "%s.wheel", shown);
	package->carried = true;
	package->file = sl_strdup(sl_obj_string(obj, "file"));
	return read_blob(sl_obj_object(obj, "wheel"), &package->wheel, obj->err, inner);
}

static bool read_package(json_t *json, size_t i, struct lock *lock, struct sl_error *err)
{
	struct sl_obj obj;
	char shown[40];
	snprintf(shown, sizeof shown, "packages[%zu]", i);
	sl_obj_init(&obj, json, SL_E_FORMAT, err, "%s", shown);
	struct lock_package *package = sl_list_add(&lock->packages);
	package->name = sl_strdup(sl_obj_string(&obj, "name"));
	package->version = sl_strdup(sl_obj_string(&obj, "version"));
	read_hashes(&obj, package);
	if (sl_obj_has(&obj, "wheel") && !read_carried(&obj, shown, package))
		return false;
	if (lock->dependencies_checked)
		read_requires(&obj, package);
	return sl_obj_done(&obj);
}

static bool read_packages(json_t *array, struct lock *lock, struct sl_error *err)
{
	for (size_t i = 0; i < json_array_size(array); i++)
		if (!read_package(json_array_get(array, i), i, lock, err))
			return false;
	return true;
}

static bool read_files(json_t *array, struct lock *lock, struct sl_error *err)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		char shown[40];
		snprintf(shown, sizeof shown, "files[%zu]", i);
		if (!read_blob(json_array_get(array, i), sl_list_add(&lock->files), err, shown))
			return false;
	}
	return true;
}

static bool read_installer(json_t *json, struct lock_installer *installer, struct sl_error *err)
{
	struct sl_obj obj;
	sl_obj_init(&obj, json, SL_E_FORMAT, err, "installer");
	installer->name = sl_strdup(sl_obj_string(&obj, "name"));
	installer->version = sl_strdup(sl_obj_string(&obj, "version"));
	installer->file = sl_strdup(sl_obj_string(&obj, "file"));
	return read_blob(sl_obj_object(&obj, "wheel"), &installer->wheel, err, "installer.wheel") &&
	       sl_obj_done(&obj);
}

static bool read_members(struct sl_obj *obj, struct lock *lock, struct sl_error *err)
{
	if (sl_obj_uint(obj, "sealift_lock", SL_JSON_MAX_INT - 1) != LOCK_FORMAT)
		sl_obj_fail(obj, "sealift_lock", "this program reads locks of format %d only",
			    LOCK_FORMAT);
	lock->dependencies_checked = sl_obj_bool(obj, "dependencies_checked");
	lock->has_base_blob = sl_obj_has(obj, "base");
	lock->has_installer = sl_obj_has(obj, "installer");
	return (!lock->has_base_blob ||
		read_blob(sl_obj_object(obj, "base"), &lock->base, err, "base")) &&
	       (!lock->has_installer ||
		read_installer(sl_obj_object(obj, "installer"), &lock->installer, err)) &&
	       read_files(sl_obj_array(obj, "files", SL_LIMIT_FILES), lock, err) &&
	       read_packages(sl_obj_array(obj, "packages", SL_LIMIT_PACKAGES), lock, err);
}

struct lock *lock_from_json(json_t *json, struct sl_error *err)
{
	auto_lock struct lock *lock = lock_new();
	struct sl_obj obj;
	sl_obj_init(&obj, json, SL_E_FORMAT, err, "lock.json");
	if (read_members(&obj, lock, err) && sl_obj_done(&obj))
		return lock_check_values(lock, err) ? sl_take(lock) : NULL;
	if (!obj.failed)
		sl_prefix(err, "lock.json");
	return NULL;
}
