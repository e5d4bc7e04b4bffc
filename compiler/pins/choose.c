// SPDX-License-Identifier: Apache-2.0
// For every pin the best wheel of the wheelhouse whose bytes the pin allows.
#include "compiler/pins/pinned.h"
#include "compiler/pins/problems.h"

#include <string.h>

static bool allows(const struct pinned *pin, const struct sl_digest *digest)
{
	for (size_t i = 0; i < pin->hashes.len; i++)
		if (sl_digest_equal(&pin->hashes.items[i], digest))
			return true;
	return false;
}

static bool hash_file(const struct wheel_file *wheel, struct lock_blob *blob_out,
		      struct sl_progress *progress, struct sl_error *err)
{
	sl_auto_fd int fd = -1;
	if (!sl_open_input(wheel->path, &fd, &blob_out->size, err) ||
	    !sl_digest_fd(fd, 0, blob_out->size, wheel->path, &blob_out->sha256, err))
		return false;
	if (progress)
		sl_progress_add(progress, blob_out->size);
	return true;
}

// ---- one pin --------------------------------------------------------------------------------

struct choice {
	struct pinned *pin;
	const struct wheel_file *candidates; // of the pin's version, those that fit first
	size_t fitting, present;
	char *problem; // why nothing was chosen; owned
};

struct choosing {
	struct choice *choices;
	const struct pin_target *target;
	struct sl_progress *progress;
};

static void find_candidates(struct choice *choice, const struct wheelhouse *house)
{
	size_t len;
	const struct wheel_file *wheel = wheelhouse_find(house, choice->pin->name, &len);
	for (size_t i = 0; i < len; i++) {
		if (version_compare(wheel[i].name.version, choice->pin->version) != 0)
			continue;
		if (!choice->candidates)
			choice->candidates = &wheel[i];
		choice->present++;
		choice->fitting += wheel[i].rank >= 0;
	}
}

// Each pin without any wheel on a line of its own, as long as these are few. A folder that is empty
// or the wrong one is one mistake, and told as one.
#define MISSING_SHOWN 10

static void list_missing(const struct pins *pins, struct sl_buf *out)
{
	for (size_t i = 0; i < pins->missing.len && i < MISSING_SHOWN; i++)
		sl_buf_addf(out, "%s%s", i ? ", " : "", pins->missing.items[i]);
	if (pins->missing.len > MISSING_SHOWN)
		sl_buf_addf(out, " and %zu more", pins->missing.len - MISSING_SHOWN);
}

static void tell_missing(const struct wheelhouse *house, size_t pinned, struct pins *pins)
{
	sl_auto_buf struct sl_buf folders, names;
	sl_buf_init(&folders, SL_LIMIT_PATH);
	sl_buf_init(&names, SL_LIMIT_PATH);
	for (size_t i = 0; i < house->folders.len; i++)
		sl_buf_addf(&folders, "%s'%s'", i ? ", " : "", house->folders.items[i]);
	list_missing(pins, &names);
	pins_problem(pins,
		     "wheelhouse %s: %s%zu of the %zu wheels that the lock pins %s missing: %s "
		     "(`pip download --only-binary :all: --no-deps --require-hashes -d WHEELHOUSE "
		     "-r LOCK` brings them%s)",
		     folders.data, house->wheels.len ? "" : "no wheel is there; ",
		     pins->missing.len, pinned, pins->missing.len == 1 ? "is" : "are", names.data,
		     house->wheels.len ? "" : "; pip or uv has to be there, too");
}

static char *why_none_fits(const struct choice *choice, const struct pin_target *target)
{
	const struct pinned *pin = choice->pin;
	sl_auto_free char *version = version_format(pin->version);
	if (choice->present == 0)
		return sl_format("%s: no wheel of %s %s in the wheelhouse", pin->where, pin->shown,
				 version);
	sl_auto_free char *misfit = wheel_misfit(&choice->candidates[0].name, &target->tag);
	return sl_format("%s: no wheel of %s %s fits the target: '%s' %s%s", pin->where, pin->shown,
			 version, choice->candidates[0].leaf, misfit,
			 choice->present > 1 ? " (and others like it)" : "");
}

// With one hash and one fitting wheel the bytes are hashed once only, when they are copied.
static bool assume(struct choice *choice, struct sl_error *err)
{
	struct pinned *pin = choice->pin;
	sl_auto_fd int fd = -1;
	if (!sl_open_input(choice->candidates[0].path, &fd, &pin->blob.size, err))
		return false;
	pin->wheel = &choice->candidates[0];
	pin->blob.sha256 = pin->hashes.items[0];
	pin->digest_assumed = true;
	return true;
}

static bool choose_by_hash(struct choice *choice, struct sl_progress *progress,
			   struct sl_error *err)
{
	struct pinned *pin = choice->pin;
	char hex[SL_DIGEST_HEX + 1] = "";
	for (size_t i = 0; i < choice->fitting; i++) {
		struct lock_blob blob;
		if (!hash_file(&choice->candidates[i], &blob, progress, err))
			return false;
		if (allows(pin, &blob.sha256)) {
			pin->wheel = &choice->candidates[i];
			pin->blob = blob;
			return true;
		}
		if (i == 0)
			sl_digest_hex(&blob.sha256, hex);
	}
	choice->problem =
		sl_format("%s: the hash of '%s' does not match: sha256 %s is none of the "
			  "%zu that the lock allows for %s",
			  pin->where, choice->candidates[0].path, hex, pin->hashes.len, pin->shown);
	return true;
}

static bool choose(void *context, size_t index, struct sl_error *err)
{
	struct choosing *choosing = context;
	struct choice *choice = &choosing->choices[index];
	if (choice->pin->hashes.len == 0)
		return true; // is a problem already
	if (choice->fitting == 0) {
		choice->problem = why_none_fits(choice, choosing->target);
		return true;
	}
	if (choice->fitting == 1 && choice->pin->hashes.len == 1)
		return assume(choice, err);
	return choose_by_hash(choice, choosing->progress, err);
}

static void note_missing(const struct choice *choices, size_t count, struct pins *pins)
{
	for (size_t i = 0; i < count; i++) {
		if (!choices[i].problem || choices[i].present)
			continue;
		sl_auto_free char *version = version_format(choices[i].pin->version);
		*sl_list_add(&pins->missing) = sl_format("%s %s", choices[i].pin->shown, version);
	}
}

bool pinned_choose_wheels(struct pinned_list *list, const struct wheelhouse *house,
			  const struct pin_target *target, const struct pin_sources *sources,
			  struct pins *pins, struct sl_error *err)
{
	size_t count = list->items.len;
	sl_auto_free struct choice *choices = sl_alloc_array(count, sizeof *choices);
	for (size_t i = 0; i < count; i++) {
		choices[i].pin = &list->items.items[i];
		find_candidates(&choices[i], house);
	}
	struct choosing choosing = {choices, target, sources->progress};
	bool ok = sl_parallel(count, sources->threads, choose, &choosing, err);
	note_missing(choices, count, pins);
	bool together =
		pins->missing.len > MISSING_SHOWN || (pins->missing.len && house->wheels.len == 0);
	if (together)
		tell_missing(house, count, pins);
	for (size_t i = 0; i < count; i++) {
		if (choices[i].problem && !(together && choices[i].present == 0))
			pins_problem(pins, "%s", choices[i].problem);
		free(choices[i].problem);
	}
	return ok;
}
