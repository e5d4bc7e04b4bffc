// SPDX-License-Identifier: Apache-2.0
// What the values of a lock may be, wherever they come from: a reader checks what it read, the
// renderer what it is about to write.
#include "bundles/packaging/packaging.h"
#include "bundles/recipe/lock.h"
#include "bundles/recipe/rules.h"

#include <stdio.h>
#include <string.h>

// One thing with a name, and where it stands: "packages[7]", "installer".
struct place {
	char path[40];
	struct sl_error *err;
};

static bool refuse(const struct place *place, const char *key, const char *fmt, ...)
	SL_PRINTF(3, 4);

static bool refuse(const struct place *place, const char *key, const char *fmt, ...)
{
	char why[256];
	va_list args;
	va_start(args, fmt);
	vsnprintf(why, sizeof why, fmt, args);
	va_end(args);
	return sl_fail(place->err, SL_E_FORMAT, "lock.json: %s.%s: %s", place->path, key, why);
}

static bool is_normal_name(const char *text)
{
	size_t len = strlen(text);
	return len <= SL_LIMIT_PACKAGE_NAME && name_is_normal(text, len);
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

static bool check_name(const struct place *place, const char *name, const char *version)
{
	if (!is_normal_name(name))
		return refuse(place, "name", "must be a package name in its normal form (PEP 503)");
	if (!rules_is_version(version) || !version_is_normal(version))
		return refuse(place, "version", "must be a version in its normal form (PEP 440)");
	return true;
}

// The file name must be that of a wheel of this very package and version (T08, T66).
static bool check_file(const struct place *place, const char *file, const char *name,
		       const char *version)
{
	return is_wheel_of(file, name, version) ||
	       refuse(place, "file", "must be the file name of a wheel of %s %s", name, version);
}

static bool check_hashes(const struct place *place, const struct lock_package *package)
{
	if (package->hashes.len == 0)
		return refuse(place, "hashes", "must not be empty");
	if (package->hashes.len > SL_LIMIT_HASHES)
		return refuse(place, "hashes", "more than %d entries", SL_LIMIT_HASHES);
	for (size_t i = 1; i < package->hashes.len; i++)
		if (sl_digest_compare(&package->hashes.items[i - 1], &package->hashes.items[i]) >=
		    0)
			return refuse(place, "hashes", "must be sorted, each only once");
	return true;
}

static bool has_hash(const struct lock_package *package, const struct sl_digest *wanted)
{
	sl_list_each (&package->hashes, hash) {
		if (sl_digest_equal(hash, wanted))
			return true;
	}
	return false;
}

static bool check_requires(const struct place *place, const struct lock_package *package)
{
	const struct sl_strings *requires = &package->requires;
	if (requires->len > SL_LIMIT_REQUIRES)
		return refuse(place, "requires", "more than %d entries", SL_LIMIT_REQUIRES);
	for (size_t i = 0; i < requires->len; i++) {
		if (!is_normal_name(requires->items[i]))
			return refuse(place, "requires", "entry %zu is not a package name", i + 1);
		if (i > 0 && strcmp(requires->items[i - 1], requires->items[i]) >= 0)
			return refuse(place, "requires", "must be sorted, each only once");
	}
	return true;
}

static bool check_package(const struct lock *lock, size_t i, struct sl_error *err)
{
	const struct lock_package *package = &lock->packages.items[i];
	struct place place = {.err = err};
	snprintf(place.path, sizeof place.path, "packages[%zu]", i);
	if (!check_name(&place, package->name, package->version))
		return false;
	if (i > 0 && strcmp(package[-1].name, package->name) >= 0)
		return refuse(&place, "name", "packages must be sorted by name, each only once");
	if (!check_hashes(&place, package))
		return false;
	if (package->carried && !check_file(&place, package->file, package->name, package->version))
		return false;
	if (package->carried && !has_hash(package, &package->wheel.sha256))
		return refuse(&place, "wheel", "its sha256 is not among the hashes");
	return check_requires(&place, package);
}

static bool check_installer(const struct lock_installer *installer, struct sl_error *err)
{
	struct place place = {"installer", err};
	if (!check_name(&place, installer->name, installer->version))
		return false;
	if (strcmp(installer->name, "pip") != 0 && strcmp(installer->name, "uv") != 0)
		return refuse(&place, "name", "must be pip or uv");
	return check_file(&place, installer->file, installer->name, installer->version);
}

// What a package requires must be locked, too: the SBOM and the worker's closure walk these names.
static bool check_closed(const struct lock *lock, struct sl_error *err)
{
	sl_list_each (&lock->packages, package) {
		for (size_t i = 0; i < package->requires.len; i++)
			if (!lock_find(lock, package->requires.items[i]))
				return sl_fail(err, SL_E_FORMAT,
					       "lock.json: packages: '%s' requires '%s', which is "
					       "not locked",
					       package->name, package->requires.items[i]);
	}
	return true;
}

bool lock_check_values(const struct lock *lock, struct sl_error *err)
{
	if (lock->packages.len > SL_LIMIT_PACKAGES)
		return sl_fail(err, SL_E_LIMIT, "lock.json: packages: more than %d entries",
			       SL_LIMIT_PACKAGES);
	if (lock->has_installer && !check_installer(&lock->installer, err))
		return false;
	for (size_t i = 0; i < lock->packages.len; i++)
		if (!check_package(lock, i, err))
			return false;
	return check_closed(lock, err);
}
