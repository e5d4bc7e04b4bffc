// SPDX-License-Identifier: Apache-2.0
// seen.json: {"latest": TIME, "sealift_seen": 1, "versions": [{"name", "time", "version"}]}, sorted
// by name.
#include "bundles/trust/seen.h"

#include "bundles/packaging/version.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#define HOUR 3600

void seen_release(struct seen *seen)
{
	sl_list_each (&seen->versions, entry) {
		free(entry->name);
		free(entry->version);
	}
	sl_list_release(&seen->versions);
	*seen = (struct seen){0};
}

// ---- reading -------------------------------------------------------------------------------

static int64_t read_time(struct sl_obj *obj, const char *key)
{
	const char *text = sl_obj_string(obj, key);
	int64_t time = 0;
	if (!obj->failed && !sl_time_parse(text, &time))
		sl_obj_fail(obj, key, "a time like 2026-01-31T00:00:00Z is needed here");
	return time;
}

static bool read_entry(json_t *json, const char *shown, size_t index, struct seen *out,
		       struct sl_error *err)
{
	struct sl_obj obj;
	sl_obj_init(&obj, json, SL_E_INPUT, err, "%s: versions[%zu]", shown, index);
	const char *name = sl_obj_string(&obj, "name"), *version = sl_obj_string(&obj, "version");
	int64_t time = read_time(&obj, "time");
	if (!obj.failed && !sl_text_is_name(name))
		sl_obj_fail(&obj, "name", "a bundle's name is needed here");
	if (!obj.failed && index > 0 && strcmp(out->versions.items[index - 1].name, name) >= 0)
		sl_obj_fail(&obj, "name", "not in order, or there twice");
	if (!obj.failed && !version_is_normal(version))
		sl_obj_fail(&obj, "version", "a version in normal form (PEP 440) is needed here");
	if (!sl_obj_done(&obj))
		return false;
	*sl_list_add(&out->versions) =
		(struct seen_version){sl_strdup(name), sl_strdup(version), time};
	return true;
}

static bool read_all(json_t *json, const char *shown, struct seen *out, struct sl_error *err)
{
	struct sl_obj obj;
	json_t *entry;
	size_t i;
	sl_obj_init(&obj, json, SL_E_INPUT, err, "%s", shown);
	uint64_t number = sl_obj_uint(&obj, "sealift_seen", SL_JSON_MAX_INT);
	json_t *versions = sl_obj_array(&obj, "versions", SL_LIMIT_SEEN_NAMES);
	out->latest = read_time(&obj, "latest");
	if (!obj.failed && number != SEEN_NUMBER)
		sl_obj_fail(&obj, "sealift_seen", "this program reads number %d only", SEEN_NUMBER);
	if (!sl_obj_done(&obj))
		return false;
	json_array_foreach (versions, i, entry) {
		if (!read_entry(entry, shown, i, out, err))
			return false;
	}
	return true;
}

bool seen_parse(const char *text, size_t len, const char *shown, struct seen *out,
		struct sl_error *err)
{
	struct sl_error why = {0};
	*out = (struct seen){0};
	sl_auto_json json_t *json = sl_json_load(text, len, shown, &why);
	if (!json)
		return sl_fail(err, why.kind == SL_E_LIMIT ? SL_E_LIMIT : SL_E_INPUT, "%s",
			       why.text);
	if (read_all(json, shown, out, err))
		return true;
	seen_release(out);
	return false;
}

// ---- writing -------------------------------------------------------------------------------

bool seen_format(const struct seen *seen, struct sl_buf *out, struct sl_error *err)
{
	char time[21];
	sl_auto_json json_t *json = json_object();
	json_t *versions = json_array();
	sl_list_each (&seen->versions, entry) {
		json_t *one = json_object();
		sl_time_format(entry->time, time);
		sl_json_set_string(one, "name", entry->name);
		sl_json_set_string(one, "time", time);
		sl_json_set_string(one, "version", entry->version);
		sl_json_append(versions, one);
	}
	sl_time_format(seen->latest, time);
	sl_json_set_string(json, "latest", time);
	sl_json_set_uint(json, "sealift_seen", SEEN_NUMBER);
	sl_json_set(json, "versions", versions);
	sl_auto_free char *text = json_dumps(json, JSON_INDENT(2) | JSON_SORT_KEYS);
	if (!text)
		return sl_fail(err, SL_E_INTERNAL, "cannot write seen.json");
	sl_buf_adds(out, text);
	sl_buf_addc(out, '\n');
	return sl_buf_ok(out, "seen.json", err);
}

// ---- as a value ----------------------------------------------------------------------------

static size_t place_of(const struct seen *seen, const char *name)
{
	size_t at = 0;
	while (at < seen->versions.len && strcmp(seen->versions.items[at].name, name) < 0)
		at++;
	return at;
}

const struct seen_version *seen_find(const struct seen *seen, const char *name)
{
	size_t at = place_of(seen, name);
	bool there = at < seen->versions.len && strcmp(seen->versions.items[at].name, name) == 0;
	return there ? &seen->versions.items[at] : NULL;
}

static bool is_newer(const char *version, const char *than)
{
	auto_version struct version *left = version_try(version, strlen(version));
	auto_version struct version *right = version_try(than, strlen(than));
	return left && right && version_compare(left, right) > 0;
}

static bool insert(struct seen *seen, const char *name, const char *version, int64_t now,
		   struct sl_error *err)
{
	size_t at = place_of(seen, name);
	if (seen->versions.len == SL_LIMIT_SEEN_NAMES)
		return sl_fail(err, SL_E_LIMIT, "seen.json: more than %d names",
			       SL_LIMIT_SEEN_NAMES);
	sl_list_add(&seen->versions);
	struct seen_version *entry = &seen->versions.items[at];
	memmove(entry + 1, entry, (seen->versions.len - 1 - at) * sizeof *entry);
	*entry = (struct seen_version){sl_strdup(name), sl_strdup(version), now};
	return true;
}

// Whether `version` takes the place of what is known.
static bool takes_over(const struct seen_version *known, const char *version, const char *highest)
{
	return is_newer(version, known->version) ||
	       (highest && is_newer(known->version, highest) && !is_newer(version, highest));
}

static bool note(struct seen *seen, const char *name, const char *version, const char *highest,
		 int64_t now, struct sl_error *err)
{
	struct seen_version *known = (struct seen_version *)seen_find(seen, name);
	seen->latest = now > seen->latest ? now : seen->latest;
	if (!known)
		return insert(seen, name, version, now, err);
	if (takes_over(known, version, highest)) {
		free(known->version);
		known->version = sl_strdup(version);
		known->time = now;
	}
	return true;
}

// ---- on disk -------------------------------------------------------------------------------

static bool find_path(char **path_out, struct sl_error *err)
{
	sl_auto_free char *folder = NULL;
	if (!sl_place(SL_PLACE_STATE, &folder, err))
		return false;
	*path_out = sl_path_join(folder, "seen.json");
	return true;
}

static bool load_from(const char *path, struct seen *out, struct sl_error *err)
{
	sl_auto_free char *shown = sl_text_shown(path);
	sl_auto_buf struct sl_buf text = {0};
	*out = (struct seen){0};
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return true;
	sl_buf_init(&text, SL_LIMIT_SEEN);
	return sl_read_file(path, &text, err) && seen_parse(text.data, text.len, shown, out, err);
}

bool seen_load(struct seen *out, struct sl_error *err)
{
	sl_auto_free char *path = NULL;
	*out = (struct seen){0};
	return find_path(&path, err) && load_from(path, out, err);
}

// Held until the descriptor is closed. Where the file system knows no locks, two processes at the
// same moment may lose the note of one of them.
static bool lock(const char *path, int *fd_out, struct sl_error *err)
{
	sl_auto_free char *beside = sl_format("%s.lock", path);
	sl_auto_free char *shown = sl_text_shown(beside);
	*fd_out = open(beside, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd_out < 0)
		return sl_fail_errno(err, "cannot open '%s'", shown);
	while (flock(*fd_out, LOCK_EX) != 0) {
		if (errno != EINTR)
			break;
	}
	return true;
}

// A file that says as much already is left alone: times to the hour are enough for what they are
// compared with.
static bool is_known(const struct seen *seen, const char *name, const char *version,
		     const char *highest, int64_t now)
{
	const struct seen_version *known = seen_find(seen, name);
	return known && !takes_over(known, version, highest) && now < seen->latest + HOUR;
}

bool seen_note(const char *name, const char *version, const char *highest, int64_t now,
	       struct sl_error *err)
{
	sl_auto_free char *path = NULL;
	sl_auto_fd int held = -1;
	auto_seen struct seen seen = {0};
	sl_auto_buf struct sl_buf text = {0};
	sl_buf_init(&text, SL_LIMIT_SEEN);
	if (!find_path(&path, err))
		return false;
	sl_auto_free char *folder = sl_path_dir(path);
	if (!sl_make_dirs(folder, 0700, err) || !lock(path, &held, err) ||
	    !load_from(path, &seen, err))
		return false;
	if (is_known(&seen, name, version, highest, now))
		return true;
	return note(&seen, name, version, highest, now, err) && seen_format(&seen, &text, err) &&
	       sl_store_file(path, text.data, text.len, 0600, SL_OUTPUT_REPLACE, err);
}
