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
	for (size_t i = 0; i < count; i++) {
		if (choices[i].problem)
			pins_problem(pins, "%s", choices[i].problem);
		free(choices[i].problem);
	}
	return ok;
}
