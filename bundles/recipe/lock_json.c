// SPDX-License-Identifier: Apache-2.0
// lock.json: writing it, and reading it as strictly as if a stranger had written it.
#include "bundles/packaging/packaging.h"
#include "bundles/recipe/lock.h"
#include "bundles/recipe/rules.h"

#include <string.h>

#define LOCK_FORMAT 1
#define HASHES_MAX  4096 // of one package

// ---- writing -------------------------------------------------------------------------------

static json_t *blob_to_json(const struct lock_blob *blob)
{
	json_t *object = json_object();
	sl_json_set_digest(object, "sha256", &blob->sha256);
	sl_json_set_uint(object, "size", blob->size);
	return object;
}

static json_t *hashes_to_json(const struct lock_package *package)
{
	json_t *array = json_array();
	sl_list_each (&package->hashes, hash) {
		char hex[SL_DIGEST_HEX + 1];
		sl_digest_hex(hash, hex);
		sl_json_append(array, json_string(hex));
	}
	return array;
}

static json_t *package_to_json(const struct lock_package *package, bool with_requires)
{
	json_t *object = json_object();
	sl_json_set(object, "hashes", hashes_to_json(package));
	sl_json_set_string(object, "name", package->name);
	sl_json_set_string(object, "version", package->version);
	if (package->carried) {
		sl_json_set_string(object, "file", package->file);
		sl_json_set(object, "wheel", blob_to_json(&package->wheel));
	}
	if (with_requires) {
		json_t *requires = json_array();
		for (size_t i = 0; i < package->requires.len; i++)
			sl_json_append(requires, json_string(package->requires.items[i]));
		sl_json_set(object, "requires", requires);
	}
	return object;
}

static json_t *installer_to_json(const struct lock_installer *installer)
{
	json_t *object = json_object();
	sl_json_set_string(object, "file", installer->file);
	sl_json_set_string(object, "name", installer->name);
	sl_json_set_string(object, "version", installer->version);
	sl_json_set(object, "wheel", blob_to_json(&installer->wheel));
	return object;
}

json_t *lock_to_json(const struct lock *lock)
{
	json_t *object = json_object(), *files = json_array(), *packages = json_array();
	if (lock->has_base_blob)
		sl_json_set(object, "base", blob_to_json(&lock->base));
	sl_json_set_bool(object, "dependencies_checked", lock->dependencies_checked);
	sl_list_each (&lock->files, file) {
		sl_json_append(files, blob_to_json(file));
	}
	sl_json_set(object, "files", files);
	if (lock->has_installer)
		sl_json_set(object, "installer", installer_to_json(&lock->installer));
	sl_list_each (&lock->packages, package) {
		sl_json_append(packages, package_to_json(package, lock->dependencies_checked));
	}
	sl_json_set(object, "packages", packages);
	sl_json_set_uint(object, "sealift_lock", LOCK_FORMAT);
	return object;
}

// ---- reading -------------------------------------------------------------------------------

static bool read_blob(json_t *json, struct lock_blob *blob, struct sl_error *err, const char *shown)
{
	struct sl_obj obj;
	sl_obj_init(&obj, json, SL_E_FORMAT, err, "%s", shown);
	blob->sha256 = sl_obj_digest(&obj, "sha256");
	blob->size = sl_obj_uint(&obj, "size", SL_LIMIT_BLOB);
	return sl_obj_done(&obj);
}

static bool is_normal_name(const char *text)
{
	size_t len = strlen(text);
	if (len > 128 || !name_is_valid(text, len))
		return false;
	sl_auto_free char *normal = name_normalise(text, len);
	return strcmp(normal, text) == 0;
}

static char *read_name(struct sl_obj *obj)
{
	const char *name = sl_obj_string(obj, "name");
	if (!obj->failed && !is_normal_name(name))
		sl_obj_fail(obj, "name", "must be a package name in its normal form (PEP 503)");
	return sl_strdup(name);
}

static char *read_version(struct sl_obj *obj)
{
	const char *version = sl_obj_string(obj, "version");
	if (!obj->failed && !(rules_is_version(version) && version_is_normal(version)))
		sl_obj_fail(obj, "version", "must be a version in its normal form (PEP 440)");
	return sl_strdup(version);
}

static bool is_wheel_of(const char *file, const char *name, const char *version)
{
	struct sl_error why = {0};
	struct wheel_name wheel = {0};
	if (!rules_is_wheel_file(file) || !wheel_name_parse(file, &wheel, &why))
		return false;
	sl_auto_free char *spelled = version_format(wheel.version);
	bool same = strcmp(wheel.name, name) == 0 && strcmp(spelled, version) == 0;
	wheel_name_release(&wheel);
	return same;
}

// The file name must be that of a wheel of this very package and version (T08, T66).
static char *read_wheel_file(struct sl_obj *obj, const char *name, const char *version)
{
	const char *file = sl_obj_string(obj, "file");
	if (!obj->failed && !is_wheel_of(file, name, version))
		sl_obj_fail(obj, "file", "must be the file name of a wheel of %s %s", name,
			    version);
	return sl_strdup(file);
}

static bool read_hashes(struct sl_obj *obj, struct lock_package *package)
{
	json_t *array = sl_obj_array(obj, "hashes", HASHES_MAX);
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *hex = json_string_value(json_array_get(array, i));
		struct sl_digest *hash = sl_list_add(&package->hashes);
		if (!hex || !sl_digest_parse(hex, hash))
			sl_obj_fail(obj, "hashes", "entry %zu is not a sha256", i + 1);
		else if (i > 0 && sl_digest_compare(hash - 1, hash) >= 0)
			sl_obj_fail(obj, "hashes", "must be sorted, each only once");
	}
	if (array && package->hashes.len == 0)
		sl_obj_fail(obj, "hashes", "must not be empty");
	return !obj->failed;
}

static void read_requires(struct sl_obj *obj, struct lock_package *package)
{
	json_t *array = sl_obj_array(obj, "requires", SL_LIMIT_REQUIRES);
	for (size_t i = 0; i < json_array_size(array) && !obj->failed; i++) {
		const char *name = json_string_value(json_array_get(array, i));
		if (!name || !is_normal_name(name)) {
			sl_obj_fail(obj, "requires", "entry %zu is not a package name", i + 1);
			return;
		}
		if (i > 0 && strcmp(package->requires.items[i - 1], name) >= 0)
			sl_obj_fail(obj, "requires", "must be sorted, each only once");
		sl_strings_add(&package->requires, name);
	}
}

static bool has_hash(const struct lock_package *package, const struct sl_digest *wanted)
{
	sl_list_each (&package->hashes, hash) {
		if (sl_digest_equal(hash, wanted))
			return true;
	}
	return false;
}

static bool read_carried(struct sl_obj *obj, const char *shown, struct lock_package *package)
{
	package->carried = true;
	package->file = read_wheel_file(obj, package->name, package->version);
	char inner[64];
	snprintf(inner, sizeof inner, "%s.wheel", shown);
	if (!read_blob(sl_obj_object(obj, "wheel"), &package->wheel, obj->err, inner))
		return false;
	if (!has_hash(package, &package->wheel.sha256))
		sl_obj_fail(obj, "wheel", "its sha256 is not among the hashes");
	return !obj->failed;
}

static bool read_package(json_t *json, size_t i, struct lock *lock, struct sl_error *err)
{
	struct sl_obj obj;
	char shown[40];
	snprintf(shown, sizeof shown, "packages[%zu]", i);
	sl_obj_init(&obj, json, SL_E_FORMAT, err, "%s", shown);
	struct lock_package *package = sl_list_add(&lock->packages);
	package->name = read_name(&obj);
	package->version = read_version(&obj);
	if (i > 0 && strcmp(package[-1].name, package->name) >= 0)
		sl_obj_fail(&obj, "name", "packages must be sorted by name, each only once");
	if (!read_hashes(&obj, package))
		return false;
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
	installer->name = read_name(&obj);
	installer->version = read_version(&obj);
	if (!obj.failed && strcmp(installer->name, "pip") != 0 &&
	    strcmp(installer->name, "uv") != 0)
		sl_obj_fail(&obj, "name", "must be pip or uv");
	installer->file = read_wheel_file(&obj, installer->name, installer->version);
	return read_blob(sl_obj_object(&obj, "wheel"), &installer->wheel, err, "installer.wheel") &&
	       sl_obj_done(&obj);
}

// What a package requires must be locked, too: the SBOM and the worker's closure walk these names.
static bool check_requires(const struct lock *lock, struct sl_error *err)
{
	sl_list_each (&lock->packages, package) {
		for (size_t i = 0; i < package->requires.len; i++)
			if (!lock_find(lock, package->requires.items[i]))
				return sl_fail(err, SL_E_FORMAT,
					       "packages: '%s' requires '%s', which is not locked",
					       package->name, package->requires.items[i]);
	}
	return true;
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
	if (read_members(&obj, lock, err) && sl_obj_done(&obj) && check_requires(lock, err))
		return sl_take(lock);
	if (!obj.failed)
		sl_prefix(err, "lock.json");
	return NULL;
}
