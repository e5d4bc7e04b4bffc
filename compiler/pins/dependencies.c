// SPDX-License-Identifier: Apache-2.0
// Everything that the plan, the worker and each wheel's METADATA ask for must be pinned. The
// metadata is read as data; nothing of a wheel is run (T64).
#include "compiler/pins/pinned.h"
#include "compiler/pins/problems.h"

#include <string.h>

#define WORKER "globus-compute-endpoint"

struct walk {
	struct pinned_list *list;
	const struct pin_target *target;
	struct pins *pins;
	bool grew;   // an extra was added: go round again
	bool silent; // problems were told in an earlier round
};

static void complain(const struct walk *walk, const char *fmt, ...) SL_PRINTF(2, 3);

static void complain(const struct walk *walk, const char *fmt, ...)
{
	if (walk->silent)
		return;
	va_list args;
	va_start(args, fmt);
	char *text = NULL;
	if (vasprintf(&text, fmt, args) < 0)
		abort();
	va_end(args);
	pins_problem(walk->pins, "%s", text);
	free(text);
}

static bool has_word(const struct sl_strings *list, const char *word)
{
	for (size_t i = 0; i < list->len; i++)
		if (strcmp(list->items[i], word) == 0)
			return true;
	return false;
}

static void add_extras(struct walk *walk, struct pinned *pin, const struct sl_strings *extras)
{
	for (size_t i = 0; i < extras->len; i++) {
		if (has_word(&pin->extras, extras->items[i]))
			continue;
		sl_strings_add(&pin->extras, extras->items[i]);
		walk->grew = true;
	}
}

// `who` asks for `requirement`: it must be pinned at a version that is admitted.
static struct pinned *follow(struct walk *walk, const char *who,
			     const struct requirement *requirement, const char *text)
{
	struct pinned *pin = pinned_find(walk->list, requirement->normalised);
	if (!pin) {
		complain(walk, "%s needs '%s', which the lock lacks", who, text);
		return NULL;
	}
	if (requirement->url) {
		complain(walk, "%s needs '%s': a URL cannot be locked", who, text);
		return NULL;
	}
	if (!specifier_contains(requirement->specifier, pin->version)) {
		sl_auto_free char *version = version_format(pin->version);
		complain(walk, "%s needs '%s', but %s pins %s %s", who, text, pin->where,
			 pin->shown, version);
		return NULL;
	}
	add_extras(walk, pin, &requirement->extras);
	return pin;
}

// ---- what the plan asks for -----------------------------------------------------------------

static bool check_root(struct walk *walk, const char *who, const char *text, struct sl_error *err)
{
	struct requirement requirement;
	static const struct sl_strings none = {0};
	bool wanted = false;
	if (!requirement_parse(text, false, &requirement, err)) {
		sl_prefix(err, "%s", who);
		return pins_absorb(walk->pins, err);
	}
	bool ok = requirement_is_active(&requirement, &walk->target->environment, &none, &wanted,
					err);
	if (ok && wanted)
		follow(walk, who, &requirement, text);
	requirement_release(&requirement);
	return ok || pins_absorb(walk->pins, err);
}

static bool check_roots(struct walk *walk, const struct plan *plan, struct sl_error *err)
{
	for (size_t i = 0; i < plan->requirements.len; i++) {
		sl_auto_free char *who = sl_format("the spec (pip.requirements[%zu])", i);
		if (!check_root(walk, who, plan->requirements.items[i], err))
			return false;
	}
	if (!plan->worker_version)
		return true;
	sl_auto_free char *worker = sl_format(WORKER "==%s", plan->worker_version);
	return check_root(walk, "the spec (worker.version)", worker, err);
}

bool pinned_check_roots(struct pinned_list *list, const struct plan *plan,
			const struct pin_target *target, struct pins *pins, struct sl_error *err)
{
	struct walk walk = {.list = list, .target = target, .pins = pins};
	return check_roots(&walk, plan, err);
}

// ---- what the wheels say --------------------------------------------------------------------

static bool read_metadata(struct pinned *pin, struct sl_error *err)
{
	sl_auto_buf struct sl_buf text;
	sl_buf_init(&text, SL_LIMIT_METADATA);
	sl_auto_fd int fd = -1;
	uint64_t size = 0;
	if (!sl_open_input(pin->wheel->path, &fd, &size, err) ||
	    !wheel_read_metadata(fd, size, pin->wheel->path, &text, err) ||
	    !metadata_parse(text.data, text.len, pin->wheel->path, &pin->metadata, err) ||
	    !metadata_agrees(&pin->metadata, &pin->wheel->name, pin->wheel->path, err))
		return false;
	pin->has_metadata = true;
	return true;
}

static void check_python(const struct walk *walk, const struct pinned *pin, const char *python)
{
	if (!pin->metadata.requires_python)
		return;
	struct sl_error why = {0};
	struct specifier_set *set = NULL;
	bool repaired = false;
	if (!specifier_parse_lenient(pin->metadata.requires_python, &set, &repaired, &why))
		complain(walk, "'%s': Requires-Python: %s", pin->wheel->path, why.text);
	else if (!specifier_contains(set, walk->target->python))
		complain(walk, "%s: %s needs Python %s, the target is %s", pin->where, pin->shown,
			 pin->metadata.requires_python, python);
	specifier_free(set);
}

static bool follow_dependency(struct walk *walk, struct pinned *pin, const char *text,
			      struct sl_error *err)
{
	struct requirement requirement;
	if (!requirement_parse(text, true, &requirement, err))
		return false;
	bool wanted = false;
	bool ok = requirement_is_active(&requirement, &walk->target->environment, &pin->extras,
					&wanted, err);
	if (ok && wanted) {
		sl_auto_free char *shown = sl_text_shown(text);
		const struct pinned *needed = follow(walk, pin->shown, &requirement, shown);
		if (needed && needed != pin && !has_word(&pin->requires, needed->name))
			sl_strings_add(&pin->requires, needed->name);
	}
	requirement_release(&requirement);
	return ok;
}

static bool follow_all(struct walk *walk, struct pinned *pin, struct sl_error *err)
{
	for (size_t i = 0; i < pin->metadata.requires_dist.len; i++) {
		struct sl_error why = {0};
		if (follow_dependency(walk, pin, pin->metadata.requires_dist.items[i], &why))
			continue;
		if (why.kind != SL_E_INPUT && why.kind != SL_E_FORMAT && why.kind != SL_E_LIMIT)
			return sl_fail(err, why.kind, "%s", why.text);
		complain(walk, "'%s': Requires-Dist: %s", pin->wheel->path, why.text);
	}
	sl_strings_sort(&pin->requires);
	return true;
}

static bool read_wheels(struct walk *walk, const struct plan *plan, struct sl_error *err)
{
	sl_list_each (&walk->list->items, pin) {
		if (!pin->wheel)
			continue; // is a problem already
		if (!read_metadata(pin, err)) {
			if (!pins_absorb(walk->pins, err))
				return false;
			continue;
		}
		check_python(walk, pin, plan->target.python);
	}
	return true;
}

bool pinned_check_dependencies(struct pinned_list *list, const struct plan *plan,
			       const struct pin_target *target, struct pins *pins,
			       struct sl_error *err)
{
	struct walk walk = {.list = list, .target = target, .pins = pins};
	if (!check_roots(&walk, plan, err) || !read_wheels(&walk, plan, err))
		return false;
	// Extras only ever grow, so this ends; a silent round first finds them all, so that the
	// telling round says each thing once.
	walk.silent = true;
	do {
		walk.grew = false;
		sl_list_each (&list->items, pin)
			if (pin->has_metadata && !follow_all(&walk, pin, err))
				return false;
	} while (walk.grew);
	walk.silent = false;
	sl_list_each (&list->items, pin)
		if (pin->has_metadata && !follow_all(&walk, pin, err))
			return false;
	return true;
}
