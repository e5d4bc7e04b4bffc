// SPDX-License-Identifier: Apache-2.0
// Bringing what the builder lacks of a verified bundle, and asking it to build.
#include "uploader/commands/delivery.h"
#include "uploader/commands/work.h"
#include "uploader/transport/answer.h"

// ---- before anything travels ---------------------------------------------------------------

// Where the builder can be told to look for its Apptainer, beside what the agent itself says.
static void add_launcher_hint(struct work *work)
{
	const char *file = work->config.file;
	sl_auto_free char *hint = work->remedy;
	sl_auto_free char *shown = file ? sl_text_shown(file) : NULL;

	work->remedy = sl_format("%s%s%s%s%s a \"launcher\" that starts where Apptainer is; the "
				 "bundle stays queued, "
				 "and 'sealift-upload run' goes on from here",
				 hint ? hint : "", hint ? "; or give " : "give ",
				 shown ? "'" : "--builder-config", shown ? shown : "",
				 shown ? "'" : " a file with");
}

// One reason for which nothing would be built there, as the agent has put it.
static bool fail_obstacle(struct work *work, const json_t *obstacle, struct sl_error *err)
{
	sl_auto_json json_t *answer = json_object();

	json_object_set(answer, "error", (json_t *)(uintptr_t)obstacle);
	if (!answer_check(answer, err))
		work_take_hint(work, answer, err);
	if (err->kind == SL_E_ANSWER || work->refused) {
		work->refused = true; // the builder's policy trusts nobody yet
		err->kind = SL_E_UNTRUSTED;
		return false;
	}
	work->waits = true;
	add_launcher_hint(work);
	return sl_prefix(err, "builder '%s' cannot build", work->row->builder);
}

static bool check_builder(struct work *work, struct sl_error *err)
{
	sl_auto_json json_t *answer = NULL;

	if (!transport_probe(work->transport, &answer, err)) {
		work->waits = true;
		work_take_hint(work, answer, err);
		return false;
	}
	const json_t *first = json_array_get(json_object_get(answer, "obstacles"), 0);
	return !first || fail_obstacle(work, first, err);
}

// ---- delivering ----------------------------------------------------------------------------

static json_t *put_summary(const struct transport_object *const *batch, size_t len)
{
	json_t *request = json_object();
	json_t *list = json_array();

	for (size_t i = 0; i < len; i++) {
		json_t *entry = json_object();
		sl_json_set_digest(entry, "sha256", &batch[i]->sha256);
		sl_json_set_uint(entry, "size", batch[i]->size);
		sl_json_append(list, entry);
	}
	sl_json_set_string(request, "op", "put");
	sl_json_set(request, "objects", list);
	return request;
}

static bool all_stored(const json_t *answer, size_t len, struct sl_error *err)
{
	const json_t *list = json_object_get(answer, "objects");
	json_t *entry;
	size_t i;

	if (json_array_size(list) != len)
		return sl_fail(err, SL_E_FORMAT, "the agent's answer to \"put\" misses objects");
	json_array_foreach (list, i, entry)
		if (!json_is_true(json_object_get(entry, "stored")))
			return sl_fail(
				err, SL_E_FORMAT,
				"the agent took an object, but does not say that it is stored");
	return true;
}

static bool put_batch(struct work *work, const struct transport_object *const *batch, size_t len,
		      struct sl_progress *progress, struct sl_error *err)
{
	sl_auto_json json_t *request = put_summary(batch, len);
	sl_auto_json json_t *answer = NULL;

	return work_renew(work, err) &&
	       work_effect(work, "put", request, batch, len, progress, &answer, err) &&
	       all_stored(answer, len, err);
}

static bool put_missing(struct work *work, const struct delivery *delivery, const bool *missing,
			struct sl_progress *progress, struct sl_error *err)
{
	const struct transport_ops *ops = work->transport->ops;
	sl_auto_free const struct transport_object **batch =
		sl_alloc_array(ops->put_objects, sizeof *batch);
	size_t len;

	for (size_t at = 0; at < delivery->objects.len;) {
		at = delivery_batch(delivery, missing, ops, at, batch, &len);
		if (len > 0 && !put_batch(work, batch, len, progress, err))
			return false;
	}
	return true;
}

static bool deliver(struct work *work, const struct delivery *delivery, struct sl_error *err)
{
	sl_auto_free bool *missing = sl_alloc_array(delivery->objects.len + 1, sizeof *missing);
	struct sl_progress progress;
	char size[16];
	size_t count;

	if (!transport_have(work->transport, delivery->objects.items, delivery->objects.len,
			    missing, err))
		return false;
	uint64_t bytes = delivery_size(delivery, missing, &count);
	sl_size_format(bytes, size);
	work_say(work, "delivering %zu of %zu objects (%s)", count, delivery->objects.len, size);
	sl_progress_begin(&progress, "delivering", bytes);
	bool good = put_missing(work, delivery, missing, &progress, err);
	sl_progress_end(&progress);
	return good;
}

// ---- asking for the build ------------------------------------------------------------------

static json_t *build_request(const struct work *work, const struct delivery *delivery)
{
	json_t *request = work_request(work, "build");
	json_t *list = json_array();
	char hex[SL_DIGEST_HEX + 1];

	sl_list_each (&delivery->signatures, signature) {
		sl_digest_hex(signature, hex);
		sl_json_append(list, json_string(hex));
	}
	sl_json_set(request, "signatures", list);
	return request;
}

// `*again_out`: an object went away between the delivery and the build.
static bool ask_for_build(struct work *work, const struct delivery *delivery, bool *again_out,
			  struct sl_error *err)
{
	sl_auto_json json_t *request = build_request(work, delivery);
	sl_auto_json json_t *answer = NULL;
	bool good = work_effect(work, "build", request, NULL, 0, NULL, &answer, err);

	*again_out = !good && json_array_size(json_object_get(answer, "missing")) > 0;
	if (!good && !*again_out && err->kind == SL_E_ANSWER) {
		// "No": nobody whom the builder trusts has signed.
		work->refused = true;
		err->kind = SL_E_UNTRUSTED;
	}
	if (!good || !work_move(work, LEDGER_BUILDING, err))
		return false;
	return !json_object_get(answer, "receipt") || work_built(work, answer, err);
}

bool work_deliver(struct work *work, struct sl_error *err)
{
	auto_delivery struct delivery delivery = {0};
	bool again;

	if (!work_verify(work, VERIFY_ALL, err) || !work_connect(work, err) ||
	    !check_builder(work, err))
		return false;
	delivery_init(&delivery, work->bundle);
	if (work->row->state == LEDGER_QUEUED && !work_move(work, LEDGER_DELIVERING, err))
		return false;
	if (!deliver(work, &delivery, err))
		return false;
	if (ask_for_build(work, &delivery, &again, err))
		return true;
	if (!again)
		return false;
	sl_error_clear(err);
	return deliver(work, &delivery, err) && ask_for_build(work, &delivery, &again, err);
}
