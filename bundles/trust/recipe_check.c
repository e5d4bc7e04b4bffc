// SPDX-License-Identifier: Apache-2.0
// Facts, in order:
//  1. plan.json and lock.json are canonical, each good in itself, and belong together.
//  2. The manifest's recipe number, name, version, target and closure are the plan's and the
//  lock's.
//  3. Every file that plan and lock determine is in the content, byte for byte.
//  4. Everything else in the content is `spec` or a user file that the lock names.
//  5. The blobs are those that the lock names: all of them, once, and nothing else (T28).
#include "bundles/trust/recipe_check.h"

#include <stdio.h>
#include <string.h>

#define FILES_PREFIX "files/"

// ---- plan and lock --------------------------------------------------------------------------

static json_t *load_member(const struct content *content, const char *name, struct sl_error *err)
{
	const struct content_file *file = content_find(content, name);
	if (file)
		return sl_json_load_canonical(file->data, file->size, name, err);
	sl_fail(err, SL_E_FORMAT, "%s is missing", name);
	return NULL;
}

static bool load_plan_and_lock(const struct content *content, struct plan **plan_out,
			       struct lock **lock_out, struct sl_error *err)
{
	sl_auto_json json_t *plan = load_member(content, "plan.json", err);
	if (!plan || !(*plan_out = plan_from_json(plan, err)))
		return false;
	sl_auto_json json_t *lock = load_member(content, "lock.json", err);
	if (!lock || !(*lock_out = lock_from_json(lock, err)))
		return false;
	return lock_check(*lock_out, *plan_out, err);
}

// ---- the manifest ---------------------------------------------------------------------------

static bool same_text(const char *what, const char *manifest, const char *plan,
		      struct sl_error *err)
{
	return strcmp(manifest, plan) == 0 ||
	       sl_fail(err, SL_E_FORMAT, "manifest.json says %s '%s', but plan.json '%s'", what,
		       manifest, plan);
}

static bool check_manifest(const struct manifest *manifest, const struct plan *plan,
			   const struct lock *lock, struct sl_error *err)
{
	if (!same_text("name", manifest->name, plan->name, err) ||
	    !same_text("version", manifest->version, plan->version, err) ||
	    !same_text("Python", manifest->python, plan->target.python, err) ||
	    !same_text("platform", manifest->platform, plan->target.platform, err) ||
	    !same_text("glibc", manifest->glibc, plan->target.glibc, err))
		return false;
	struct closure_report report = {0};
	closure_compute(plan, lock, &report);
	enum closure closure = report.closure;
	closure_report_release(&report);
	return closure == manifest->closure ||
	       sl_fail(err, SL_E_FORMAT,
		       "manifest.json says the bundle is %s, but by plan and lock it is %s",
		       closure_name(manifest->closure), closure_name(closure));
}

// ---- rendered files -------------------------------------------------------------------------

// The line around `at`, without its line feed, shortened.
static char *line_around(const struct content_file *file, size_t at)
{
	enum { MOST = 80 };
	size_t from = at < file->size ? at : file->size, to = from;
	while (from > 0 && file->data[from - 1] != '\n')
		from--;
	while (to < file->size && file->data[to] != '\n')
		to++;
	if (from == file->size)
		return sl_strdup("(end of file)");
	sl_auto_buf struct sl_buf shown = {0};
	sl_buf_init(&shown, 16 * MOST);
	sl_text_escape(&shown, file->data + from, to - from < MOST ? to - from : MOST);
	return sl_format("'%s%s'", shown.data, to - from > MOST ? "…" : "");
}

static bool compare_file(const struct content_file *is, const struct content_file *should,
			 struct sl_error *err)
{
	size_t shorter = is->size < should->size ? is->size : should->size, at = 0, line = 1;
	while (at < shorter && is->data[at] == should->data[at])
		line += is->data[at++] == '\n';
	if (at == is->size && at == should->size)
		return true;
	sl_auto_free char *found = line_around(is, at);
	sl_auto_free char *expected = line_around(should, at);
	return sl_fail(err, SL_E_FORMAT,
		       "%s:%zu is not what plan.json and lock.json say: %s instead of %s", is->name,
		       line, found, expected);
}

static bool check_rendered(const struct content *content, const struct content *rendered,
			   struct sl_error *err)
{
	sl_list_each (&rendered->files, should) {
		const struct content_file *is = content_find(content, should->name);
		if (!is)
			return sl_fail(err, SL_E_FORMAT,
				       "%s is missing: plan.json and lock.json determine it",
				       should->name);
		if (!compare_file(is, should, err))
			return false;
	}
	return true;
}

// ---- user files -----------------------------------------------------------------------------

static void list_inline_files(const struct lock *lock, struct content *named_out)
{
	sl_list_each (&lock->files, file) {
		char hex[SL_DIGEST_HEX + 1], name[sizeof FILES_PREFIX + SL_DIGEST_HEX];
		if (file->size > SL_INLINE_FILE)
			continue;
		sl_digest_hex(&file->sha256, hex);
		snprintf(name, sizeof name, FILES_PREFIX "%s", hex);
		if (!content_find(named_out, name))
			content_add(named_out, name, "", 0);
	}
}

static bool check_inline_files(const struct lock *lock, const struct content *content,
			       struct sl_error *err)
{
	for (size_t i = 0; i < lock->files.len; i++) {
		const struct lock_blob *file = &lock->files.items[i];
		char hex[SL_DIGEST_HEX + 1];
		if (file->size > SL_INLINE_FILE)
			continue;
		sl_digest_hex(&file->sha256, hex);
		sl_auto_free char *name = sl_format(FILES_PREFIX "%s", hex);
		const struct content_file *found = content_find(content, name);
		if (!found)
			return sl_fail(err, SL_E_FORMAT, "%s is missing: lock.json names it", name);
		struct sl_digest sha256 = sl_sha256_bytes(found->data, found->size);
		if (found->size != file->size || !sl_digest_equal(&sha256, &file->sha256))
			return sl_fail(err, SL_E_FORMAT,
				       "%s is not the file that lock.json means by it", name);
	}
	return true;
}

static bool check_nothing_else(const struct content *content, const struct content *rendered,
			       const struct lock *lock, struct sl_error *err)
{
	struct content named = {0};
	const struct content_file *foreign = NULL;
	list_inline_files(lock, &named);
	sl_list_each (&content->files, file)
		if (!foreign && strcmp(file->name, "spec") != 0 &&
		    !content_find(rendered, file->name) && !content_find(&named, file->name))
			foreign = file;
	content_release(&named);
	return !foreign || sl_fail(err, SL_E_FORMAT,
				   "%s is in the content, but neither plan.json nor lock.json "
				   "asks for it",
				   foreign->name);
}

// ---- blobs ----------------------------------------------------------------------------------

struct wanted {
	struct lock_blob blob;
	const char *what; // borrowed
};

struct wanted_list {
	SL_LIST(struct wanted) items;
};

static void want(struct wanted_list *list, const struct lock_blob *blob, const char *what)
{
	*sl_list_add(&list->items) = (struct wanted){*blob, what};
}

static int compare_wanted(const void *a, const void *b)
{
	const struct wanted *first = a, *second = b;
	return sl_digest_compare(&first->blob.sha256, &second->blob.sha256);
}

static void list_wanted(const struct lock *lock, struct wanted_list *out)
{
	if (lock->has_base_blob)
		want(out, &lock->base, "the base image");
	sl_list_each (&lock->files, file)
		if (file->size > SL_INLINE_FILE)
			want(out, file, "a user file");
	sl_list_each (&lock->packages, package)
		if (package->carried)
			want(out, &package->wheel, package->file);
	if (lock->has_installer)
		want(out, &lock->installer.wheel, lock->installer.file);
	if (out->items.len > 1)
		qsort(out->items.items, out->items.len, sizeof *out->items.items, compare_wanted);
}

static bool fail_blob(const struct sl_digest *digest, const char *what, const char *problem,
		      struct sl_error *err)
{
	char hex[SL_DIGEST_HEX + 1];
	sl_digest_hex(digest, hex);
	return sl_fail(err, SL_E_FORMAT, "blobs/sha256/%s%s%s%s %s", hex, what ? " (" : "",
		       what ? what : "", what ? ")" : "", problem);
}

// Both lists are sorted by digest; the wanted one may name a blob several times.
static bool match_blobs(const struct manifest *manifest, const struct wanted_list *wanted,
			struct sl_error *err)
{
	const struct wanted *next = wanted->items.items, *end = next + wanted->items.len;
	sl_list_each (&manifest->blobs, blob) {
		if (next == end || sl_digest_compare(&blob->sha256, &next->blob.sha256) < 0)
			return fail_blob(&blob->sha256, NULL,
					 "is in the bundle, but lock.json does not name it", err);
		if (sl_digest_compare(&blob->sha256, &next->blob.sha256) > 0)
			break;
		for (; next < end && sl_digest_equal(&blob->sha256, &next->blob.sha256); next++)
			if (next->blob.size != blob->size)
				return fail_blob(&blob->sha256, next->what,
						 "has another size in lock.json", err);
	}
	return next == end || fail_blob(&next->blob.sha256, next->what,
					"is named by lock.json, but not in the bundle", err);
}

static bool check_blobs(const struct manifest *manifest, const struct lock *lock,
			struct sl_error *err)
{
	struct wanted_list wanted = {0};
	list_wanted(lock, &wanted);
	bool ok = match_blobs(manifest, &wanted, err);
	sl_list_release(&wanted.items);
	return ok;
}

// ---- all of it ------------------------------------------------------------------------------

static bool check_content(const struct content *content, const struct plan *plan,
			  const struct lock *lock, struct sl_error *err)
{
	struct content rendered = {0};
	bool ok = recipe_render(plan, lock, &rendered, err) &&
		  check_rendered(content, &rendered, err) &&
		  check_inline_files(lock, content, err) &&
		  check_nothing_else(content, &rendered, lock, err);
	content_release(&rendered);
	return ok &&
	       (content_find(content, "spec") || sl_fail(err, SL_E_FORMAT, "spec is missing"));
}

bool recipe_check(const struct manifest *manifest, const struct content *content,
		  struct plan **plan_out, struct lock **lock_out, struct sl_error *err)
{
	*plan_out = NULL;
	*lock_out = NULL;
	if (manifest->recipe != RECIPE_NUMBER)
		return sl_fail(err, SL_E_FORMAT,
			       "made by recipe %u; this program knows recipe %d only",
			       manifest->recipe, RECIPE_NUMBER);
	return load_plan_and_lock(content, plan_out, lock_out, err) &&
	       check_manifest(manifest, *plan_out, *lock_out, err) &&
	       check_content(content, *plan_out, *lock_out, err) &&
	       check_blobs(manifest, *lock_out, err);
}
