// SPDX-License-Identifier: Apache-2.0
// 1. row.state is the ledger's state, moved only after the ledger has it on disk.
// 2. A step may be entered again after a crash in its middle: everything it does can be done twice.
// 3. A failure is about this submission. It is written into its row and the others go on (T78);
//    only a ledger that cannot be written ends the run.
// 4. An effect is written down before it is tried, its answer before it is used.
#include "uploader/commands/work.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define RENEW_SECONDS 60
#define ROUNDS	      3 // times that a builder may lose a build before we give up

int64_t work_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void work_say(const struct work *work, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	work->watch->say(work->watch->context, &work->row, text);
}

bool work_move(struct work *work, enum ledger_state state, struct sl_error *err)
{
	if (!ledger_move(work->ledger, work->row.number, state, err))
		return false;
	work->row.state = state;
	return true;
}

void work_rest(struct work *work, unsigned ms)
{
	work->wake_ms = work_now_ms() + ms;
}

bool work_renew(struct work *work, struct sl_error *err)
{
	int64_t now = (int64_t)time(NULL);

	if (now - work->renewed < RENEW_SECONDS && now >= work->renewed)
		return true;
	work->renewed = now;
	return ledger_renew(work->ledger, work->row.number, err);
}

void work_begin(struct work *work, struct ledger *ledger, struct submission *row,
		struct postman *postman, struct post *post, const struct watch *watch,
		struct work_room *room)
{
	*work = (struct work){.ledger = ledger,
			      .postman = postman,
			      .post = post,
			      .watch = watch,
			      .room = room,
			      .ahead = -1};
	work->row = *row;
	*row = (struct submission){0};
	work->renewed = (int64_t)time(NULL);
}

static void close_bundle(struct work *work)
{
	delivery_release(&work->delivery);
	verified_bundle_free(work->bundle);
	work->delivery = (struct delivery){0};
	work->bundle = NULL;
}

static void give_room_back(struct work *work)
{
	if (!work->travels)
		return;
	work->room->bundles--;
	work->room->bytes -= work->content;
	work->travels = false;
}

void work_take_room(struct work *work)
{
	if (work->travels)
		return;
	work->room->bundles++;
	work->room->bytes += work->content;
	work->travels = true;
}

// The driver has read what it wants of the objects.
static void close_while_out(void *context)
{
	struct work *work = context;

	close_bundle(work);
	give_room_back(work);
}

void work_release(struct work *work)
{
	give_room_back(work);
	work_leave_builds(work);
	close_bundle(work);
	submission_release(&work->row);
	json_decref(work->answer);
	json_decref(work->lacks);
	free(work->missing);
	free(work->batch);
	free(work->remedy);
	free(work->noticed);
	*work = (struct work){0};
}

void work_let_go(struct work *work)
{
	if (!work->out || !work->batch)
		close_bundle(work);
}

// ---- errands -------------------------------------------------------------------------------

static void hear(void *context, const json_t *answer, const struct sl_error *why,
		 const char *remedy)
{
	struct work *work = context;

	work->back = true;
	work->answer = json_incref((json_t *)(uintptr_t)answer);
	work->why = why ? *why : (struct sl_error){0};
	work->waits = work->waits || (why && !answer); // nobody was there who could say no
	if (!remedy)
		return;
	free(work->remedy);
	work->remedy = sl_text_shown(remedy);
}

static void move(void *context, uint64_t bytes)
{
	struct work *work = context;

	if (work->progress)
		sl_progress_add(work->progress, bytes);
}

json_t *work_request(const struct work *work, const char *op)
{
	json_t *request = json_object();

	sl_json_set_string(request, "op", op);
	sl_json_set_digest(request, "bundle", &work->row.bundle);
	return request;
}

json_t *work_list_signatures(const struct work *work)
{
	json_t *list = json_array();

	sl_list_each (&work->delivery.signatures, signature) {
		json_t *entry = json_object();
		sl_json_set_string(entry, "name", signature->name);
		sl_json_set_digest(entry, "sha256", &signature->sha256);
		sl_json_append(list, entry);
	}
	return list;
}

json_t *work_record(const struct work *work, const json_t *request, size_t len)
{
	json_t *record = json_copy((json_t *)(uintptr_t)request);

	sl_json_set(record, "objects", transport_list(work->batch, len));
	return record;
}

char *work_compact(const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);

	return text ? text : sl_strdup("null");
}

bool work_ask(struct work *work, const json_t *request, const char *effect, const json_t *recorded,
	      size_t batch_len, work_then *then, struct sl_error *err)
{
	struct errand errand = {.request = request,
				.objects = work->batch,
				.len = batch_len,
				.heard = hear,
				.moved = move,
				.reopen = work->reopen,
				.close = work->reopen ? close_while_out : NULL,
				.context = work};

	work->effect = 0;
	work->reopen = NULL;
	work->batch_bytes = 0;
	for (size_t i = 0; i < batch_len; i++)
		work->batch_bytes += work->batch[i]->size;
	if (effect) {
		sl_auto_free char *text = work_compact(recorded ? recorded : request);
		if (!ledger_effect_begin(work->ledger, work->row.number, effect, text,
					 &work->effect, err))
			return false;
	}
	work->at = work->to ? work->to : work->post;
	if (!post_start(work->at, &errand, err))
		return false;
	work->to = NULL;
	work->out = true;
	work->back = false;
	work->then = then;
	return true;
}

// No answer was heard: the row of the effect keeps saying "tried", which is the truth.
static bool record_answer(struct work *work, struct sl_error *err)
{
	if (!work->effect || !work->answer)
		return true;
	sl_auto_free char *heard = work_compact(work->answer);
	return ledger_effect_end(work->ledger, work->effect, work->why.kind == SL_E_NONE, heard,
				 err);
}

static bool take_answer(struct work *work, struct sl_error *err)
{
	sl_auto_json json_t *answer = work->answer;
	bool recorded = record_answer(work, err);

	work->out = work->back = false;
	work->answer = NULL;
	free(work->batch);
	work->batch = NULL;
	give_room_back(work);
	const struct sl_error *why = work->why.kind == SL_E_NONE ? NULL : &work->why;
	return recorded && work->then(work, answer, why, err);
}

void work_take_hint(struct work *work, const json_t *answer)
{
	const char *hint = transport_hint(answer);

	if (!hint)
		return;
	free(work->remedy);
	work->remedy = sl_text_shown(hint);
}

bool work_fail(struct work *work, const struct sl_error *why, struct sl_error *err)
{
	work->refused = work->refused || why->kind == SL_E_UNTRUSTED;
	*err = *why;
	return false;
}

// The receipt of a build elsewhere is not yet the builder's.
static bool keep_receipt(struct work *work, struct sl_buf *text, struct sl_error *err)
{
	struct submission *row = &work->row;
	bool elsewhere = row->build_on && row->state == LEDGER_BUILDING;
	char **slot = elsewhere ? &row->built : &row->receipt;

	if (!(elsewhere ? ledger_shipping : ledger_built)(work->ledger, row->number, text->data,
							  err))
		return false;
	row->state = elsewhere ? LEDGER_SHIPPING : LEDGER_BUILT;
	free(*slot);
	*slot = sl_buf_steal(text, NULL);
	return true;
}

bool work_built(struct work *work, const json_t *answer, struct sl_error *err)
{
	const json_t *receipt = json_object_get(answer, "receipt");
	const char *bundle = json_string_value(json_object_get(receipt, "bundle"));
	sl_auto_buf struct sl_buf text = {0};
	struct sl_digest id;

	sl_buf_init(&text, TRANSPORT_LIMIT_ANSWER);
	if (!bundle || !sl_digest_parse(bundle, &id) || !sl_digest_equal(&id, &work->row.bundle))
		return sl_fail(
			err, SL_E_FORMAT,
			"the builder says it is done, but its receipt is not for this bundle");
	if (!sl_json_canonical(receipt, &text, err) || !sl_buf_ok(&text, "the receipt", err))
		return sl_prefix(err, "the builder's receipt");
	return keep_receipt(work, &text, err);
}

// ---- the whole way -------------------------------------------------------------------------

static bool next_step(struct work *work, struct sl_error *err)
{
	enum ledger_state before = work->row.state;

	if (before == LEDGER_BUILT || before == LEDGER_REGISTERING)
		return work_register(work, err);
	if (before == LEDGER_SHIPPING)
		return work_ship(work, err);
	return before == LEDGER_BUILDING ? work_await(work, err) : work_deliver(work, err);
}

// A builder that loses every build would otherwise be asked for ever.
static bool count_losses(struct work *work, enum ledger_state before, struct sl_error *err)
{
	bool built = before == LEDGER_BUILDING || before == LEDGER_SHIPPING;

	if (!built || work->row.state != LEDGER_DELIVERING || work->blameless ||
	    ++work->losses < ROUNDS) {
		work->blameless = false;
		return true;
	}
	return sl_fail(err, SL_E_IO,
		       "the builder lost the build %d times: is something ending its processes?",
		       ROUNDS);
}

// What would help, and what to give then. Owned.
static char *remedy_of_waiting(const char *remedy)
{
	bool told = remedy && strstr(remedy, "'sealift-upload run'");

	return sl_format(
		"%s%s%s", remedy ? remedy : "", remedy && !told ? "; " : "",
		told ? "" : "the bundle stays queued, and 'sealift-upload run' goes on from here");
}

// Writes the failure down. A builder that is out of reach is no fault of the bundle: it waits.
static bool write_down(struct work *work, const struct sl_error *why, struct sl_error *err)
{
	int64_t number = work->row.number;

	if ((why->kind == SL_E_NETWORK && !work->stuck) || work->waits) {
		sl_auto_free char *remedy = remedy_of_waiting(work->remedy);
		return ledger_note(work->ledger, number, why, remedy, err) &&
		       ledger_release(work->ledger, number, err);
	}
	work->row.state = work->refused ? LEDGER_REFUSED : LEDGER_FAILED;
	return ledger_end(work->ledger, number, work->row.state, why, work->remedy, err);
}

bool work_conclude(struct work *work, const struct sl_error *why, struct sl_error *err)
{
	close_bundle(work);
	return write_down(work, why, err);
}

// A person changed their mind. A build that runs there goes on: nobody else may be robbed of it.
static bool check_cancelled(struct work *work, struct sl_error *err)
{
	bool cancelled;

	if (!ledger_is_cancelled(work->ledger, work->row.number, &cancelled, err))
		return false;
	return !cancelled || sl_fail(err, SL_E_ANSWER, LEDGER_CANCELLED);
}

static bool go_on(struct work *work, struct sl_error *err)
{
	enum ledger_state before = work->row.state;
	if (!check_cancelled(work, err))
		return false;
	bool good = work->out ? take_answer(work, err) : next_step(work, err);
	if (work->row.state != LEDGER_BUILDING)
		work_leave_builds(work);

	// The claim has gone with the step to the end.
	return good && count_losses(work, before, err) &&
	       (ledger_state_is_final(work->row.state) || work_renew(work, err));
}

bool work_turn(struct work *work, enum work_turn *turn_out, struct sl_error *err)
{
	struct sl_error why = {0};

	for (;;) {
		*turn_out = WORK_OVER;
		// A submission that has come to its end has given its claim back with that step.
		if (ledger_state_is_final(work->row.state))
			return true;
		*turn_out = work->out ? WORK_WAITS : WORK_RESTS;
		if (work->out ? !work->back : work->wake_ms > work_now_ms())
			return true;
		*turn_out = WORK_OVER;
		if (!go_on(work, &why))
			return work_conclude(work, &why, err);
	}
}
