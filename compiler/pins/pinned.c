// SPDX-License-Identifier: Apache-2.0
// Reading the requirements file into pins.
#include "compiler/pins/pinned.h"

#include "compiler/pins/problems.h"

#include <string.h>

static void release_one(struct pinned *pin)
{
	free(pin->name);
	free(pin->shown);
	free(pin->where);
	version_free(pin->version);
	sl_list_release(&pin->hashes);
	sl_strings_release(&pin->extras);
	sl_strings_release(&pin->requires);
	metadata_release(&pin->metadata);
}

void pinned_release(struct pinned_list *list)
{
	sl_list_each (&list->items, pin)
		release_one(pin);
	sl_list_release(&list->items);
}

static int compare_name(const void *name, const void *pin)
{
	return strcmp(name, ((const struct pinned *)pin)->name);
}

struct pinned *pinned_find(struct pinned_list *list, const char *name)
{
	if (list->items.len == 0)
		return NULL;
	return bsearch(name, list->items.items, list->items.len, sizeof *list->items.items,
		       compare_name);
}

// ---- one line -------------------------------------------------------------------------------

static int compare_digests(const void *a, const void *b)
{
	return sl_digest_compare(a, b);
}

static void take_hashes(struct pinned *pin, const struct requirements_line *line)
{
	for (size_t i = 0; i < line->hashes.len; i++) {
		struct sl_digest digest;
		if (strcmp(line->hashes.items[i].algorithm, "sha256") == 0 &&
		    sl_digest_parse(line->hashes.items[i].hex, &digest))
			*sl_list_add(&pin->hashes) = digest;
	}
	if (pin->hashes.len == 0)
		return;
	qsort(pin->hashes.items, pin->hashes.len, sizeof *pin->hashes.items, compare_digests);
	size_t kept = 1;
	for (size_t i = 1; i < pin->hashes.len; i++)
		if (!sl_digest_equal(&pin->hashes.items[i], &pin->hashes.items[kept - 1]))
			pin->hashes.items[kept++] = pin->hashes.items[i];
	pin->hashes.len = kept;
}

// What keeps a requirement from being a pin; NULL when nothing does.
static const char *why_not_pinned(const struct requirement *requirement,
				  const struct requirements_line *line, const char **version_out)
{
	if (requirement->url)
		return "a URL cannot be locked: give NAME==VERSION with a hash, and the wheel in "
		       "the wheelhouse";
	if (!specifier_is_pin(requirement->specifier, version_out))
		return "not pinned: exactly one '==' with a whole version is needed (make the file "
		       "with `uv pip compile --generate-hashes` or `pip-compile "
		       "--generate-hashes`)";
	if (line->hashes.len == 0)
		return "no hash: at least one --hash=sha256:… is needed (make the file with "
		       "--generate-hashes)";
	return NULL;
}

static bool add_pin(struct pinned_list *list, const struct requirements_line *line,
		    struct requirement *requirement, const char *where, const char *version,
		    struct pins *pins, struct sl_error *err)
{
	struct pinned pin = {.where = sl_strdup(where)};
	take_hashes(&pin, line);
	if (pin.hashes.len == 0)
		pins_problem(pins, "%s: %s has no sha256 hash; other kinds are not enough here",
			     where, requirement->name);
	if (!version_parse(version, &pin.version, err)) {
		sl_prefix(err, "%s", where);
		release_one(&pin);
		return pins_absorb(pins, err);
	}
	pin.name = sl_strdup(requirement->normalised);
	pin.shown = sl_strdup(requirement->name);
	pin.extras = requirement->extras;
	requirement->extras = (struct sl_strings){0};
	*sl_list_add(&list->items) = pin;
	return true;
}

static bool read_requirement(struct pinned_list *list, const struct requirements_line *line,
			     const char *where, const struct pin_target *target, struct pins *pins,
			     struct sl_error *err)
{
	struct requirement requirement;
	if (!requirement_parse(line->requirement, false, &requirement, err)) {
		sl_prefix(err, "%s", where);
		return pins_absorb(pins, err);
	}
	static const struct sl_strings none = {0};
	const char *version = NULL;
	bool wanted = true;
	bool ok = requirement_is_active(&requirement, &target->environment, &none, &wanted, err);
	if (!ok) {
		sl_prefix(err, "%s", where);
		ok = pins_absorb(pins, err);
		wanted = false;
	}
	if (ok && wanted) {
		const char *why = why_not_pinned(&requirement, line, &version);
		if (why)
			pins_problem(pins, "%s: %s: %s", where, requirement.name, why);
		else
			ok = add_pin(list, line, &requirement, where, version, pins, err);
	}
	requirement_release(&requirement);
	return ok;
}

// Lines with options alone: an index is only noted (nothing is fetched here), a switch that weakens
// hash checking is refused.
static void read_options(const struct requirements_line *line, const char *where, struct pins *pins)
{
	if (line->no_require_hashes)
		pins_problem(pins, "%s: --no-require-hashes has no place in a lock", where);
	if (line->index_url || line->extra_index_urls.len || line->find_links.len)
		pins_note(pins,
			  "%s: index and find-links options are ignored: wheels come from "
			  "the wheelhouse",
			  where);
}

static bool read_line(struct pinned_list *list, const struct requirements_line *line,
		      const struct pin_target *target, struct pins *pins, struct sl_error *err)
{
	sl_auto_free char *file = sl_text_shown(line->file);
	sl_auto_free char *where = sl_format("%s:%u", file, line->line);
	if (!line->requirement) {
		read_options(line, where, pins);
		return true;
	}
	if (line->constraint) {
		pins_problem(pins, "%s: constraints have no place in a lock: it pins everything",
			     where);
		return true;
	}
	if (line->editable) {
		sl_auto_free char *shown = sl_text_shown(line->requirement);
		pins_problem(pins,
			     "%s: '%s' is editable and cannot be locked: give its wheel and hash",
			     where, shown);
		return true;
	}
	return read_requirement(list, line, where, target, pins, err);
}

// ---- the file -------------------------------------------------------------------------------

struct opener {
	const struct pin_sources *sources;
};

static bool open_requirements(void *context, const char *path, struct sl_buf *text_out,
			      struct sl_error *err)
{
	const struct opener *opener = context;
	sl_auto_free char *joined = sl_path_join(opener->sources->spec_shown, path);
	sl_auto_free char *shown = sl_text_shown(joined);
	sl_auto_fd int fd = -1;
	return sl_open_beneath(opener->sources->spec_dir, path, shown, &fd, NULL, err) &&
	       sl_read_fd(fd, shown, text_out, err);
}

static int compare_pins(const void *a, const void *b)
{
	return strcmp(((const struct pinned *)a)->name, ((const struct pinned *)b)->name);
}

static void sort_and_refuse_twins(struct pinned_list *list, struct pins *pins)
{
	if (list->items.len < 2)
		return;
	qsort(list->items.items, list->items.len, sizeof *list->items.items, compare_pins);
	for (size_t i = 1; i < list->items.len; i++) {
		const struct pinned *a = &list->items.items[i - 1], *b = &list->items.items[i];
		if (strcmp(a->name, b->name) == 0)
			pins_problem(pins, "%s: %s is pinned a second time (first at %s)", b->where,
				     b->shown, a->where);
	}
}

bool pinned_read(struct pinned_list *list, const struct plan *plan,
		 const struct pin_sources *sources, const struct pin_target *target,
		 struct pins *pins, struct sl_error *err)
{
	*list = (struct pinned_list){0};
	struct opener opener = {sources};
	struct requirements_file file = {0};
	if (!requirements_parse(plan->pip_lock, open_requirements, NULL, &opener, &file, err))
		return pins_absorb(pins, err);
	bool ok = true;
	for (size_t i = 0; ok && i < file.lines.len; i++)
		ok = read_line(list, &file.lines.items[i], target, pins, err);
	requirements_release(&file);
	if (ok && list->items.len > SL_LIMIT_PACKAGES)
		return sl_fail(err, SL_E_LIMIT, "'%s': more than %d packages", plan->pip_lock,
			       SL_LIMIT_PACKAGES);
	sort_and_refuse_twins(list, pins);
	return ok;
}
