// SPDX-License-Identifier: Apache-2.0
// 1. row->state is the ledger's state, moved only after the ledger has it on disk.
// 2. A step may be entered again after a crash in its middle: everything it does can be done twice.
// 3. A failure is about this submission. It is written into its row and the next one gets its
//    turn (T78); only a ledger that cannot be written ends the run.
#include "uploader/commands/work.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define RENEW_SECONDS 60
#define ROUNDS	      3 // times that a builder may lose a build before we give up

void work_say(const struct work *work, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	work->watch->say(work->watch->context, work->row, text);
}

bool work_move(struct work *work, enum ledger_state state, struct sl_error *err)
{
	if (!ledger_move(work->ledger, work->row->number, state, err))
		return false;
	work->row->state = state;
	return true;
}

bool work_renew(struct work *work, struct sl_error *err)
{
	int64_t now = (int64_t)time(NULL);

	if (now - work->renewed < RENEW_SECONDS && now >= work->renewed)
		return true;
	work->renewed = now;
	return ledger_renew(work->ledger, work->row->number, err);
}

// ---- talking to the builder ----------------------------------------------------------------

bool work_connect(struct work *work, struct sl_error *err)
{
	const struct transport_ops *ops = transport_find(work->row->builder);

	if (work->transport)
		return true;
	if (!ops)
		return sl_fail(err, SL_E_USAGE, "this release cannot reach the builder '%s'",
			       work->row->builder);
	if (builder_config_load(work->row->builder_config, &work->config, err) &&
	    ops->open(&work->config, &work->transport, err))
		return true;
	work->waits = true;
	if (err->kind != SL_E_NETWORK)
		work->remedy = sl_format(
			"%s%s%s, or 'add' the bundle again with another --builder-config; it stays "
			"queued, and 'sealift-upload run' goes on from here",
			work->config.file ? "correct '" : "install it",
			work->config.file ? work->config.file : "", work->config.file ? "'" : "");
	return false;
}

void work_take_hint(struct work *work, const json_t *answer, const struct sl_error *err)
{
	const char *hint = transport_hint(answer);

	work->refused = work->refused || err->kind == SL_E_UNTRUSTED;
	if (!hint)
		return;
	free(work->remedy);
	work->remedy = sl_text_shown(hint);
}

json_t *work_request(const struct work *work, const char *op)
{
	json_t *request = json_object();

	sl_json_set_string(request, "op", op);
	sl_json_set_digest(request, "bundle", &work->row->bundle);
	return request;
}

char *work_compact(const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);

	return text ? text : sl_strdup("null");
}

bool work_effect(struct work *work, const char *kind, const json_t *request,
		 const struct transport_object *const *batch, size_t batch_len,
		 struct sl_progress *progress, json_t **answer_out, struct sl_error *err)
{
	const struct transport_ops *ops = work->transport->ops;
	sl_auto_free char *asked = work_compact(request);
	struct sl_error why = {0};
	int64_t effect;

	*answer_out = NULL;
	if (!ledger_effect_begin(work->ledger, work->row->number, kind, asked, &effect, err))
		return false;
	bool good = batch ? ops->put(work->transport, batch, batch_len, progress, answer_out, &why)
			  : ops->call(work->transport, request, answer_out, &why);
	// No answer was heard: the row keeps saying "tried", which is the truth.
	if (*answer_out) {
		sl_auto_free char *heard = work_compact(*answer_out);
		if (!ledger_effect_end(work->ledger, effect, good, heard, err))
			return false;
	}
	if (!good) {
		work_take_hint(work, *answer_out, &why);
		*err = why;
	}
	return good;
}

bool work_ask(struct work *work, const char *op, json_t **answer_out, struct sl_error *err)
{
	sl_auto_json json_t *request = work_request(work, op);
	bool good = work->transport->ops->call(work->transport, request, answer_out, err);

	if (!good)
		work_take_hint(work, *answer_out, err);
	return good;
}

bool work_built(struct work *work, const json_t *answer, struct sl_error *err)
{
	const json_t *receipt = json_object_get(answer, "receipt");
	const char *bundle = json_string_value(json_object_get(receipt, "bundle"));
	sl_auto_buf struct sl_buf text = {0};
	struct sl_digest id;

	sl_buf_init(&text, TRANSPORT_LIMIT_ANSWER);
	if (!bundle || !sl_digest_parse(bundle, &id) || !sl_digest_equal(&id, &work->row->bundle))
		return sl_fail(
			err, SL_E_FORMAT,
			"the builder says it is done, but its receipt is not for this bundle");
	if (!sl_json_canonical(receipt, &text, err) || !sl_buf_ok(&text, "the receipt", err))
		return sl_prefix(err, "the builder's receipt");
	if (!ledger_built(work->ledger, work->row->number, text.data, err))
		return false;
	work->row->state = LEDGER_BUILT;
	free(work->row->receipt);
	work->row->receipt = sl_buf_steal(&text, NULL);
	return true;
}

// ---- the whole way -------------------------------------------------------------------------

static bool take_steps(struct work *work, struct sl_error *err)
{
	for (int losses = 0; !ledger_state_is_final(work->row->state);) {
		enum ledger_state before = work->row->state;
		bool good;
		if (before == LEDGER_QUEUED || before == LEDGER_DELIVERING)
			good = work_deliver(work, err);
		else if (before == LEDGER_BUILDING)
			good = work_await(work, err);
		else
			good = work_register(work, err);
		if (!good)
			return false;
		if (work->row->state == LEDGER_DELIVERING && ++losses == ROUNDS)
			return sl_fail(err, SL_E_IO,
				       "the builder lost the build %d times: is something ending "
				       "its processes?",
				       ROUNDS);
	}
	return true;
}

// Writes the failure down. A builder that is out of reach is no fault of the bundle: it waits.
static bool conclude(struct work *work, const struct sl_error *why, struct sl_error *err)
{
	int64_t number = work->row->number;

	if (why->kind == SL_E_NETWORK || work->waits)
		return ledger_note(work->ledger, number, why,
				   work->remedy ? work->remedy
						: "the bundle stays queued, and 'sealift-upload "
						  "run' goes on from here",
				   err);
	work->row->state = work->refused ? LEDGER_REFUSED : LEDGER_FAILED;
	return ledger_end(work->ledger, number, work->row->state, why, work->remedy, err);
}

bool work_on(struct ledger *ledger, struct submission *row, const struct watch *watch,
	     struct sl_error *err)
{
	struct work work = {.ledger = ledger, .row = row, .watch = watch};
	struct sl_error why = {0};

	work.renewed = (int64_t)time(NULL);
	bool good = take_steps(&work, &why) || conclude(&work, &why, err);
	transport_close(work.transport);
	verified_bundle_free(work.bundle);
	builder_config_release(&work.config);
	free(work.remedy);
	// A submission that has come to its end has given its claim back with that step.
	return good &&
	       (ledger_state_is_final(row->state) || ledger_release(ledger, row->number, err));
}
