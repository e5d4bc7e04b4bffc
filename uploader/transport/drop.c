// SPDX-License-Identifier: Apache-2.0
// Errands whose objects go through a folder: as many as one "take" is asked for are written, the
// agent takes them, they are removed; at the end the errand itself goes to its driver, without
// objects.
#include "uploader/transport/drop.h"

#include <string.h>

#define TAKE_OBJECTS 4096	     // the agent's own limit
#define TAKE_BYTES   (4096 * SL_MIB) // unless one object is larger
#define TRIES	     3		     // times that the same objects are asked to be taken

enum stage { STAGE_WRITING, STAGE_TAKING, STAGE_TAKEN };

struct bearer {
	struct post *post; // not at the end, when the posts are closed
	char *here, *there;
	struct errand errand;
	enum stage stage;
	size_t taken, written, end; // objects before these; of the batch at hand
	size_t told;		    // of how many progress has been told
	unsigned tries;
	// What the agent said to "take".
	json_t *answer;
	bool good;
	struct sl_error why;
	char *remedy;
};

struct kept {
	char *folder;
	struct sl_digest sha256;
};

struct drops {
	struct ledger *ledger;
	SL_LIST(struct bearer *) bearers; // each allocated alone: drivers point to them
	SL_LIST(struct kept) kept;	  // what an errand that waits for better days needs
	bool begun;
};

struct drops *drops_new(struct ledger *ledger)
{
	struct drops *drops = sl_alloc(sizeof *drops);

	drops->ledger = ledger;
	return drops;
}

size_t drops_pending(const struct drops *drops)
{
	size_t count = 0;

	for (size_t i = 0; i < drops->bearers.len; i++)
		count += drops->bearers.items[i]->stage != STAGE_TAKING;
	return count;
}

// ---- the request ---------------------------------------------------------------------------

json_t *drop_request(const char *folder, const struct transport_object *const *objects, size_t len,
		     bool keep)
{
	json_t *request = json_object();

	sl_json_set_string(request, "op", "take");
	sl_json_set_string(request, "folder", folder);
	sl_json_set(request, "objects", transport_list(objects, len));
	if (!keep)
		sl_json_set_bool(request, "keep", false);
	return request;
}

static size_t batch_end(const struct bearer *bearer)
{
	const struct errand *errand = &bearer->errand;
	uint64_t room = TAKE_BYTES;
	size_t end = bearer->taken;

	while (end < errand->len && end - bearer->taken < TAKE_OBJECTS) {
		uint64_t size = errand->objects[end]->size;
		if (end > bearer->taken && size > room)
			break;
		room -= size < room ? size : room;
		end++;
	}
	return end;
}

static void begin_batch(struct bearer *bearer)
{
	bearer->stage = STAGE_WRITING;
	bearer->written = bearer->taken;
	bearer->end = batch_end(bearer);
}

bool drops_start(struct drops *drops, struct post *post, const struct errand *errand,
		 struct sl_error *err)
{
	struct ledger_drops left;

	if (!drops->ledger)
		return sl_fail(err, SL_E_INTERNAL, "without a ledger nothing can be left in '%s'",
			       post->config.drop_here);
	// What others have left becomes ours, and goes when nobody needs it.
	if (!drops->begun) {
		bool good = ledger_drops_left(drops->ledger, &left, err);
		ledger_drops_release(&left);
		if (!good)
			return false;
		drops->begun = true;
	}
	struct bearer *bearer = sl_alloc(sizeof *bearer);
	bearer->post = post;
	bearer->here = sl_strdup(post->config.drop_here);
	bearer->there = sl_strdup(post->config.drop_there);
	bearer->errand = *errand;
	bearer->errand.request = json_incref((json_t *)(uintptr_t)errand->request);
	begin_batch(bearer);
	*sl_list_add(&drops->bearers) = bearer;
	return true;
}

// ---- the end of an errand here -------------------------------------------------------------

static void forget_answer(struct bearer *bearer)
{
	json_decref(bearer->answer);
	free(bearer->remedy);
	bearer->answer = NULL;
	bearer->remedy = NULL;
	sl_error_clear(&bearer->why);
}

static void bearer_free(struct bearer *bearer)
{
	json_decref((json_t *)(uintptr_t)bearer->errand.request);
	forget_answer(bearer);
	free(bearer->here);
	free(bearer->there);
	free(bearer);
}

static bool wants(const struct bearer *bearer, const char *folder, const struct sl_digest *sha256)
{
	if (strcmp(bearer->here, folder) != 0)
		return false;
	for (size_t i = bearer->taken; i < bearer->errand.len; i++)
		if (sl_digest_equal(&bearer->errand.objects[i]->sha256, sha256))
			return true;
	return false;
}

static bool is_wanted(const struct drops *drops, const char *folder, const struct sl_digest *sha256)
{
	for (size_t i = 0; i < drops->bearers.len; i++)
		if (wants(drops->bearers.items[i], folder, sha256))
			return true;
	sl_list_each (&drops->kept, kept)
		if (sl_digest_equal(&kept->sha256, sha256) && strcmp(kept->folder, folder) == 0)
			return true;
	return false;
}

// A file that cannot be removed now stays in the ledger, and is tried again at the next run.
static bool remove_one(struct drops *drops, const char *folder, const struct sl_digest *sha256,
		       struct sl_error *err)
{
	struct sl_error ignored = {0};

	return !drop_remove(folder, sha256, &ignored) ||
	       ledger_drop_end(drops->ledger, folder, sha256, err);
}

static bool release(struct drops *drops, const struct bearer *bearer, size_t from, size_t to,
		    struct sl_error *err)
{
	const char *folder = bearer->here;

	for (size_t i = from; i < to; i++) {
		const struct sl_digest *sha256 = &bearer->errand.objects[i]->sha256;
		bool ours;
		if (is_wanted(drops, folder, sha256))
			continue;
		if (!ledger_drop_is_ours(drops->ledger, folder, sha256, &ours, err) ||
		    (ours && !remove_one(drops, folder, sha256, err)))
			return false;
	}
	return true;
}

static void keep(struct drops *drops, const struct bearer *bearer)
{
	for (size_t i = bearer->taken; i < bearer->errand.len; i++)
		*sl_list_add(&drops->kept) =
			(struct kept){sl_strdup(bearer->here), bearer->errand.objects[i]->sha256};
}

static void take_out(struct drops *drops, size_t at)
{
	drops->bearers.items[at] = drops->bearers.items[--drops->bearers.len];
}

// The errand hears why its objects did not arrive.
static bool give_up(struct drops *drops, size_t at, struct sl_error *err)
{
	struct bearer *bearer = drops->bearers.items[at];
	size_t from = bearer->taken;
	bool good = true;

	take_out(drops, at);
	if (bearer->why.kind == SL_E_NETWORK)
		keep(drops, bearer);
	else
		good = release(drops, bearer, from, bearer->end, err);
	bearer->errand.heard(bearer->errand.context, bearer->answer, &bearer->why, bearer->remedy);
	bearer_free(bearer);
	return good;
}

// All objects are with the agent: what remains is an errand like any other.
static bool hand_over(struct drops *drops, size_t at, struct sl_error *err)
{
	struct bearer *bearer = drops->bearers.items[at];
	struct errand errand = bearer->errand;

	take_out(drops, at);
	errand.objects = NULL;
	errand.len = 0;
	bool good = bearer->post->driver->start(bearer->post, &errand, err);
	bearer_free(bearer);
	return good;
}

// ---- steps ---------------------------------------------------------------------------------

struct note {
	struct drops *drops;
	const char *folder;
	struct sl_error trouble; // of the ledger
};

static bool note_it(void *context, const struct sl_digest *sha256, struct sl_error *err)
{
	struct note *note = context;

	if (ledger_drop_begin(note->drops->ledger, note->folder, sha256, &note->trouble))
		return true;
	*err = note->trouble;
	return false;
}

static void tell_progress(struct bearer *bearer, const struct transport_object *object)
{
	if (bearer->told > bearer->written)
		return; // it is written again
	bearer->told = bearer->written + 1;
	if (bearer->errand.moved)
		bearer->errand.moved(bearer->errand.context, object->size);
}

static bool write_one(struct drops *drops, size_t at, struct sl_error *err)
{
	struct bearer *bearer = drops->bearers.items[at];
	const struct transport_object *object = bearer->errand.objects[bearer->written];
	struct note note = {.drops = drops, .folder = bearer->here};

	if (drop_store(note.folder, object, note_it, &note, &bearer->why)) {
		tell_progress(bearer, object);
		bearer->written++;
		return true;
	}
	if (note.trouble.kind != SL_E_NONE) {
		*err = note.trouble;
		return false;
	}
	return give_up(drops, at, err);
}

static void hear_taken(void *context, const json_t *answer, const struct sl_error *why,
		       const char *remedy)
{
	struct bearer *bearer = context;

	bearer->stage = STAGE_TAKEN;
	bearer->good = !why;
	bearer->answer = json_incref((json_t *)(uintptr_t)answer);
	if (why)
		bearer->why = *why;
	bearer->remedy = remedy ? sl_strdup(remedy) : NULL;
}

static bool ask_to_take(struct bearer *bearer, struct sl_error *err)
{
	sl_auto_json json_t *request =
		drop_request(bearer->there, bearer->errand.objects + bearer->taken,
			     bearer->end - bearer->taken, true);
	struct errand errand = {.request = request, .heard = hear_taken, .context = bearer};

	bearer->stage = STAGE_TAKING;
	return bearer->post->driver->start(bearer->post, &errand, err);
}

// Something was not there, or other than it should be: another uploader may have removed it.
static bool may_try_again(const struct bearer *bearer)
{
	return json_array_size(json_object_get(bearer->answer, "absent")) > 0 &&
	       bearer->tries + 1 < TRIES;
}

static bool go_on_taken(struct drops *drops, size_t at, struct sl_error *err)
{
	struct bearer *bearer = drops->bearers.items[at];

	if (!bearer->good && !may_try_again(bearer))
		return give_up(drops, at, err);
	bool good = bearer->good;
	forget_answer(bearer);
	if (!good) {
		bearer->tries++;
		begin_batch(bearer);
		return true;
	}
	size_t from = bearer->taken, to = bearer->end;
	bearer->taken = to;
	bearer->tries = 0;
	if (!release(drops, bearer, from, to, err))
		return false;
	begin_batch(bearer);
	return bearer->taken < bearer->errand.len || hand_over(drops, at, err);
}

static bool step_one(struct drops *drops, size_t at, struct sl_error *err)
{
	struct bearer *bearer = drops->bearers.items[at];

	if (bearer->stage == STAGE_TAKEN)
		return go_on_taken(drops, at, err);
	return bearer->written < bearer->end ? write_one(drops, at, err) : ask_to_take(bearer, err);
}

// One object at each step, so that others get their turn.
bool drops_step(struct drops *drops, bool *busy_out, struct sl_error *err)
{
	*busy_out = false;
	for (size_t i = drops->bearers.len; i-- > 0;) {
		if (drops->bearers.items[i]->stage == STAGE_TAKING)
			continue;
		*busy_out = true;
		if (!step_one(drops, i, err))
			return false;
	}
	return true;
}

// ---- the end -------------------------------------------------------------------------------

static void clean_up(struct drops *drops)
{
	struct ledger_drops left;
	struct sl_error ignored = {0};

	if (!drops->ledger) // nothing was written down, so nothing was left
		return;
	if (ledger_drops_left(drops->ledger, &left, &ignored))
		sl_list_each (&left, drop)
			if (!is_wanted(drops, drop->folder, &drop->sha256) &&
			    !remove_one(drops, drop->folder, &drop->sha256, &ignored))
				break;
	ledger_drops_release(&left);
}

void drops_free(struct drops *drops)
{
	if (!drops)
		return;
	clean_up(drops);
	for (size_t i = 0; i < drops->bearers.len; i++)
		bearer_free(drops->bearers.items[i]);
	sl_list_release(&drops->bearers);
	sl_list_each (&drops->kept, kept)
		free(kept->folder);
	sl_list_release(&drops->kept);
	free(drops);
}
