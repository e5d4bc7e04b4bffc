// SPDX-License-Identifier: Apache-2.0
// Writing lock.json: the canonical text directly, each object's keys in the order of their bytes. A
// lock has a thousand digests, and a tree of JSON values for them costs more than all else here.
#include "bundles/recipe/lock.h"

#include <inttypes.h>

static void add_blob(const struct lock_blob *blob, struct sl_buf *out)
{
	sl_buf_adds(out, "{\"sha256\":\"");
	sl_digest_add_hex(&blob->sha256, out);
	sl_buf_addf(out, "\",\"size\":%" PRIu64 "}", blob->size);
}

static void add_field(const char *key, const char *value, struct sl_buf *out)
{
	sl_json_add_string(key, out);
	sl_buf_addc(out, ':');
	sl_json_add_string(value, out);
}

static void add_hashes(const struct lock_package *package, struct sl_buf *out)
{
	sl_buf_adds(out, "\"hashes\":[");
	for (size_t i = 0; i < package->hashes.len; i++) {
		sl_buf_adds(out, i ? ",\"" : "\"");
		sl_digest_add_hex(&package->hashes.items[i], out);
		sl_buf_addc(out, '"');
	}
	sl_buf_addc(out, ']');
}

static void add_requires(const struct sl_strings *requires, struct sl_buf *out)
{
	sl_buf_adds(out, ",\"requires\":[");
	for (size_t i = 0; i < requires->len; i++) {
		if (i)
			sl_buf_addc(out, ',');
		sl_json_add_string(requires->items[i], out);
	}
	sl_buf_addc(out, ']');
}

static void add_package(const struct lock_package *package, bool with_requires, struct sl_buf *out)
{
	sl_buf_addc(out, '{');
	if (package->carried) {
		add_field("file", package->file, out);
		sl_buf_addc(out, ',');
	}
	add_hashes(package, out);
	sl_buf_addc(out, ',');
	add_field("name", package->name, out);
	if (with_requires)
		add_requires(&package->requires, out);
	sl_buf_addc(out, ',');
	add_field("version", package->version, out);
	if (package->carried) {
		sl_buf_adds(out, ",\"wheel\":");
		add_blob(&package->wheel, out);
	}
	sl_buf_addc(out, '}');
}

static void add_installer(const struct lock_installer *installer, struct sl_buf *out)
{
	sl_buf_adds(out, ",\"installer\":{");
	add_field("file", installer->file, out);
	sl_buf_addc(out, ',');
	add_field("name", installer->name, out);
	sl_buf_addc(out, ',');
	add_field("version", installer->version, out);
	sl_buf_adds(out, ",\"wheel\":");
	add_blob(&installer->wheel, out);
	sl_buf_addc(out, '}');
}

static void add_files(const struct lock *lock, struct sl_buf *out)
{
	sl_buf_adds(out, ",\"files\":[");
	for (size_t i = 0; i < lock->files.len; i++) {
		if (i)
			sl_buf_addc(out, ',');
		add_blob(&lock->files.items[i], out);
	}
	sl_buf_addc(out, ']');
}

static void add_packages(const struct lock *lock, struct sl_buf *out)
{
	sl_buf_adds(out, ",\"packages\":[");
	for (size_t i = 0; i < lock->packages.len; i++) {
		if (i)
			sl_buf_addc(out, ',');
		add_package(&lock->packages.items[i], lock->dependencies_checked, out);
	}
	sl_buf_addc(out, ']');
}

void lock_format(const struct lock *lock, struct sl_buf *out)
{
	sl_buf_addc(out, '{');
	if (lock->has_base_blob) {
		sl_buf_adds(out, "\"base\":");
		add_blob(&lock->base, out);
		sl_buf_addc(out, ',');
	}
	sl_buf_addf(out, "\"dependencies_checked\":%s",
		    lock->dependencies_checked ? "true" : "false");
	add_files(lock, out);
	if (lock->has_installer)
		add_installer(&lock->installer, out);
	add_packages(lock, out);
	sl_buf_addf(out, ",\"sealift_lock\":%d}\n", LOCK_FORMAT);
}
