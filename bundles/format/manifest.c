// SPDX-License-Identifier: Apache-2.0
// One set of rules (check_*) for manifests that we write and manifests that we read: what
// manifest_format() lets out is what manifest_parse() lets in.
#include "bundles/format/manifest.h"

#include "bundles/format/content.h"
#include "bundles/format/tar.h"
#include "bundles/packaging/version.h"

#include <string.h>

void manifest_release(struct manifest *manifest)
{
	sl_list_each (&manifest->files, file)
		free(file->name);
	sl_list_release(&manifest->files);
	sl_list_release(&manifest->blobs);
	free(manifest->name);
	free(manifest->version);
	free(manifest->python);
	free(manifest->platform);
	free(manifest->glibc);
	free(manifest->zstd_version);
	*manifest = (struct manifest){0};
}

// ---- rules ---------------------------------------------------------------------------------

static bool refuse(struct sl_error *err, const char *where, const char *why)
{
	return sl_fail(err, SL_E_FORMAT, "manifest.%s: %s", where, why);
}

static bool within(uint64_t value, uint64_t limit, const char *where, struct sl_error *err)
{
	if (value <= limit)
		return true;
	return sl_fail(err, SL_E_LIMIT, "manifest.%s: %ju is more than the limit of %ju", where,
		       (uintmax_t)value, (uintmax_t)limit);
}

// Three numbers with dots, as the library reports itself.
static bool is_zstd_version(const char *text)
{
	for (int part = 0; part < 3; part++) {
		size_t digits = strspn(text, "0123456789");
		if (digits == 0 || digits > 5 || (digits > 1 && text[0] == '0'))
			return false;
		text += digits;
		if (*text != (part < 2 ? '.' : '\0'))
			return false;
		text++;
	}
	return true;
}

static bool check_target(const struct manifest *m, struct sl_error *err)
{
	const struct {
		const char *where, *why;
	} values[] = {
		{"target.python", plan_check_python(m->python)},
		{"target.platform", plan_check_platform(m->platform)},
		{"target.glibc", plan_check_glibc(m->glibc)},
	};
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
		if (values[i].why)
			return refuse(err, values[i].where, values[i].why);
	return true;
}

static bool check_values(const struct manifest *m, struct sl_error *err)
{
	if (!sl_text_is_name(m->name))
		return refuse(err, "name", "not a bundle name");
	if (strlen(m->version) > SL_LIMIT_VERSION || !version_is_normal(m->version))
		return refuse(err, "version", "not a version in normal form");
	if (m->recipe == 0)
		return refuse(err, "recipe", "recipes are numbered from 1");
	if (!is_zstd_version(m->zstd_version))
		return refuse(err, "content.zstd_version", "not three numbers with dots");
	if (m->zstd_level == 0 || m->zstd_level > 19)
		return refuse(err, "content.zstd_level", "not from 1 to 19");
	return check_target(m, err);
}

static bool check_file(const struct manifest *m, size_t i, struct sl_error *err)
{
	const struct manifest_file *file = &m->files.items[i];
	if (!content_name_is_plain(file->name)) {
		sl_auto_free char *shown = sl_text_shown(file->name);
		return sl_fail(err, SL_E_FORMAT,
			       "manifest.files[%zu].name: '%s' is not a name for a content file", i,
			       shown);
	}
	if (i > 0 && strcmp(m->files.items[i - 1].name, file->name) >= 0)
		return sl_fail(err, SL_E_FORMAT,
			       "manifest.files[%zu].name: '%s' stands after '%s': not sorted, or "
			       "twice",
			       i, file->name, m->files.items[i - 1].name);
	return within(file->size, SL_LIMIT_CONTENT_FILE, "files[].size", err);
}

static bool check_files(const struct manifest *m, struct sl_error *err)
{
	if (!within(m->files.len, SL_LIMIT_CONTENT_FILES, "files: number of files", err))
		return false;
	uint64_t total = TAR_END;
	for (size_t i = 0; i < m->files.len; i++) {
		if (!check_file(m, i, err))
			return false;
		total += tar_member_bytes(m->files.items[i].size);
	}
	if (!within(m->content_tar_size, SL_LIMIT_CONTENT_TAR, "content.tar_size", err))
		return false;
	if (m->content_tar_size != total)
		return sl_fail(
			err, SL_E_FORMAT,
			"manifest.content.tar_size: %ju, but the files make a tar of %ju bytes",
			(uintmax_t)m->content_tar_size, (uintmax_t)total);
	if (m->content_size == 0)
		return refuse(err, "content.size", "zero");
	return within(m->content_size, SL_LIMIT_CONTENT_ZST, "content.size", err);
}

static bool check_blobs(const struct manifest *m, struct sl_error *err)
{
	if (!within(m->blobs.len, SL_LIMIT_BLOBS, "blobs: number of blobs", err))
		return false;
	for (size_t i = 0; i < m->blobs.len; i++) {
		const struct manifest_blob *blob = &m->blobs.items[i];
		if (i > 0 && sl_digest_compare(&blob[-1].sha256, &blob->sha256) >= 0)
			return sl_fail(err, SL_E_FORMAT,
				       "manifest.blobs[%zu].sha256: not sorted, or twice", i);
		if (!within(blob->size, SL_LIMIT_BLOB, "blobs[].size", err))
			return false;
	}
	return true;
}

// Folded to lower case, and with a slash that sorts before every other character, so that a name
// and the names below it as a folder become neighbours.
static char *folded(const char *name)
{
	char *key = sl_strdup(name);
	for (char *c = key; *c; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
		else if (*c == '/')
			*c = '\x01';
	}
	return key;
}

struct folded_name {
	char *key;
	const char *name;
};

static int compare_folded(const void *a, const void *b)
{
	return strcmp(((const struct folded_name *)a)->key, ((const struct folded_name *)b)->key);
}

static bool keys_collide(const char *a, const char *b)
{
	size_t len = strlen(a);
	return strncmp(a, b, len) == 0 && (b[len] == '\0' || b[len] == '\x01');
}

// The files are laid out on disks that may not tell upper from lower case, where a file cannot be
// a folder at the same time (T07, T10).
static bool check_collisions(const struct manifest *m, struct sl_error *err)
{
	size_t len = m->files.len;
	sl_auto_free struct folded_name *names = sl_alloc_array(len, sizeof *names);
	for (size_t i = 0; i < len; i++)
		names[i] = (struct folded_name){folded(m->files.items[i].name),
						m->files.items[i].name};
	if (len > 1)
		qsort(names, len, sizeof *names, compare_folded);
	bool ok = true;
	for (size_t i = 1; i < len && ok; i++)
		if (keys_collide(names[i - 1].key, names[i].key))
			ok = sl_fail(err, SL_E_FORMAT,
				     "manifest.files: '%s' and '%s' would be in each other's place "
				     "on a disk",
				     names[i - 1].name, names[i].name);
	for (size_t i = 0; i < len; i++)
		free(names[i].key);
	return ok;
}

static bool check(const struct manifest *m, struct sl_error *err)
{
	return check_values(m, err) && check_files(m, err) && check_collisions(m, err) &&
	       check_blobs(m, err);
}

// ---- writing -------------------------------------------------------------------------------

static json_t *files_json(const struct manifest *m)
{
	json_t *files = json_array();
	sl_list_each (&m->files, file) {
		json_t *one = json_object();
		sl_json_set_string(one, "name", file->name);
		sl_json_set_digest(one, "sha256", &file->sha256);
		sl_json_set_uint(one, "size", file->size);
		sl_json_append(files, one);
	}
	return files;
}

static json_t *blobs_json(const struct manifest *m)
{
	json_t *blobs = json_array();
	sl_list_each (&m->blobs, blob) {
		json_t *one = json_object();
		sl_json_set_digest(one, "sha256", &blob->sha256);
		sl_json_set_uint(one, "size", blob->size);
		sl_json_append(blobs, one);
	}
	return blobs;
}

static json_t *content_json(const struct manifest *m)
{
	json_t *content = json_object();
	sl_json_set_digest(content, "sha256", &m->content_sha256);
	sl_json_set_uint(content, "size", m->content_size);
	sl_json_set_digest(content, "tar_sha256", &m->content_tar_sha256);
	sl_json_set_uint(content, "tar_size", m->content_tar_size);
	sl_json_set_uint(content, "zstd_level", m->zstd_level);
	sl_json_set_string(content, "zstd_version", m->zstd_version);
	return content;
}

static json_t *target_json(const struct manifest *m)
{
	json_t *target = json_object();
	sl_json_set_string(target, "glibc", m->glibc);
	sl_json_set_string(target, "platform", m->platform);
	sl_json_set_string(target, "python", m->python);
	return target;
}

bool manifest_format(const struct manifest *manifest, struct sl_buf *out, struct sl_error *err)
{
	if (!check(manifest, err))
		return false;
	sl_auto_json json_t *json = json_object();
	sl_json_set(json, "blobs", blobs_json(manifest));
	sl_json_set_string(json, "closure", closure_name(manifest->closure));
	sl_json_set(json, "content", content_json(manifest));
	sl_json_set(json, "files", files_json(manifest));
	sl_json_set_uint(json, "format", FORMAT_NUMBER);
	sl_json_set_string(json, "name", manifest->name);
	sl_json_set_uint(json, "recipe", manifest->recipe);
	sl_json_set(json, "target", target_json(manifest));
	sl_json_set_string(json, "version", manifest->version);
	return sl_json_canonical(json, out, err) && sl_buf_ok(out, "manifest.json", err);
}

// ---- reading -------------------------------------------------------------------------------

#define ANY (SL_JSON_MAX_INT - 1) // sizes meet their limits in check()

static bool parse_files(json_t *array, struct manifest *m, struct sl_error *err)
{
	size_t i;
	json_t *value;
	json_array_foreach (array, i, value) {
		struct sl_obj obj;
		sl_obj_init(&obj, value, SL_E_FORMAT, err, "manifest.files[%zu]", i);
		struct manifest_file *file = sl_list_add(&m->files);
		file->name = sl_strdup(sl_obj_string(&obj, "name"));
		file->sha256 = sl_obj_digest(&obj, "sha256");
		file->size = sl_obj_uint(&obj, "size", ANY);
		if (!sl_obj_done(&obj))
			return false;
	}
	return true;
}

static bool parse_blobs(json_t *array, struct manifest *m, struct sl_error *err)
{
	size_t i;
	json_t *value;
	json_array_foreach (array, i, value) {
		struct sl_obj obj;
		sl_obj_init(&obj, value, SL_E_FORMAT, err, "manifest.blobs[%zu]", i);
		struct manifest_blob *blob = sl_list_add(&m->blobs);
		blob->sha256 = sl_obj_digest(&obj, "sha256");
		blob->size = sl_obj_uint(&obj, "size", ANY);
		if (!sl_obj_done(&obj))
			return false;
	}
	return true;
}

static bool parse_content(json_t *value, struct manifest *m, struct sl_error *err)
{
	struct sl_obj obj;
	sl_obj_init(&obj, value, SL_E_FORMAT, err, "manifest.content");
	m->content_sha256 = sl_obj_digest(&obj, "sha256");
	m->content_size = sl_obj_uint(&obj, "size", ANY);
	m->content_tar_sha256 = sl_obj_digest(&obj, "tar_sha256");
	m->content_tar_size = sl_obj_uint(&obj, "tar_size", ANY);
	m->zstd_level = (unsigned)sl_obj_uint(&obj, "zstd_level", 255);
	m->zstd_version = sl_strdup(sl_obj_string(&obj, "zstd_version"));
	return sl_obj_done(&obj);
}

static bool parse_target(json_t *value, struct manifest *m, struct sl_error *err)
{
	struct sl_obj obj;
	sl_obj_init(&obj, value, SL_E_FORMAT, err, "manifest.target");
	m->glibc = sl_strdup(sl_obj_string(&obj, "glibc"));
	m->platform = sl_strdup(sl_obj_string(&obj, "platform"));
	m->python = sl_strdup(sl_obj_string(&obj, "python"));
	return sl_obj_done(&obj);
}

static bool parse_json(json_t *json, struct manifest *m, struct sl_error *err)
{
	struct sl_obj obj;
	sl_obj_init(&obj, json, SL_E_FORMAT, err, "manifest");
	// First, so that a bundle of a later format is told from a broken one.
	uint64_t format = sl_obj_uint(&obj, "format", ANY);
	if (!obj.failed && format != FORMAT_NUMBER)
		sl_obj_fail(&obj, "format", "this bundle is of format %ju; format %d is read here",
			    (uintmax_t)format, FORMAT_NUMBER);
	json_t *blobs = sl_obj_array(&obj, "blobs", SIZE_MAX);
	const char *closure = sl_obj_string(&obj, "closure");
	json_t *content = sl_obj_object(&obj, "content");
	json_t *files = sl_obj_array(&obj, "files", SIZE_MAX);
	m->name = sl_strdup(sl_obj_string(&obj, "name"));
	m->recipe = (unsigned)sl_obj_uint(&obj, "recipe", 65535);
	json_t *target = sl_obj_object(&obj, "target");
	m->version = sl_strdup(sl_obj_string(&obj, "version"));
	if (!obj.failed && !closure_parse(closure, &m->closure))
		sl_obj_fail(&obj, "closure", "not one of open, pinned, sealed");
	return sl_obj_done(&obj) && parse_target(target, m, err) &&
	       parse_content(content, m, err) && parse_files(files, m, err) &&
	       parse_blobs(blobs, m, err);
}

bool manifest_parse(const char *text, size_t len, struct manifest *out, struct sl_error *err)
{
	*out = (struct manifest){0};
	if (len > SL_LIMIT_MANIFEST)
		return sl_fail(err, SL_E_LIMIT,
			       "manifest.json: %zu bytes are more than the limit of %llu", len,
			       SL_LIMIT_MANIFEST);
	sl_auto_json json_t *json = sl_json_load_canonical(text, len, "manifest.json", err);
	if (json && parse_json(json, out, err) && check(out, err))
		return true;
	manifest_release(out);
	return false;
}
