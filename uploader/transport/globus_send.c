// SPDX-License-Identifier: Apache-2.0
// Loads on their way: written down, sent, and what the service says to that.
#include "uploader/transport/globus.h"

#include <string.h>

#define RESEND_MS 1000

// ---- parcels that end ----------------------------------------------------------------------

static void free_parcel(struct parcel *parcel)
{
	sl_list_release(&parcel->calls);
	sl_list_release(&parcel->pieces);
	free(parcel->id);
	free(parcel->status);
	free(parcel);
}

void globus_load_free(struct load *load)
{
	for (size_t i = 0; i < load->parcels.len; i++)
		free_parcel(load->parcels.items[i]);
	sl_list_release(&load->parcels);
	ledger_submit_release(&load->row);
	free(load);
}

void globus_parcel_over(struct parcel *parcel)
{
	if (parcel->over)
		return;
	parcel->over = true;
	parcel->load->waiting--;
}

// Takes everything out of a parcel that is still in it.
static void take_back(struct parcel *parcel)
{
	sl_list_each (&parcel->pieces, piece) {
		piece->goods->moving--;
		spans_remove(&piece->goods->taken, piece->offset, piece->size);
	}
}

void globus_requeue(struct globus *globus, struct parcel *parcel, const struct sl_error *why,
		    const char *remedy)
{
	take_back(parcel);
	sl_list_each (&parcel->pieces, piece)
		if (++piece->goods->tries >= GLOBUS_TRIES)
			globus_goods_failed(globus, piece->goods, why, remedy);
	sl_list_each (&parcel->calls, call) {
		struct letter *letter = call->letter;
		if (!letter)
			continue;
		letter->parcel = NULL;
		call->letter = NULL;
		if (++letter->tries >= GLOBUS_TRIES)
			globus_conclude(globus, letter, NULL, why, remedy);
	}
	parcel->pieces.len = parcel->calls.len = 0;
}

void globus_abandon(struct globus *globus, struct parcel *parcel, const struct sl_error *why,
		    const char *remedy)
{
	take_back(parcel);
	sl_list_each (&parcel->pieces, piece)
		globus_goods_failed(globus, piece->goods, why, remedy);
	sl_list_each (&parcel->calls, call)
		if (call->letter)
			globus_conclude(globus, call->letter, NULL, why, remedy);
	parcel->pieces.len = parcel->calls.len = 0;
}

// ---- the service's answer to a submit ------------------------------------------------------

static void end_load(struct load *load)
{
	for (size_t i = 0; i < load->parcels.len; i++)
		globus_parcel_over(load->parcels.items[i]);
}

static const char **read_ids(const struct load *load, const json_t *answer)
{
	const json_t *list = json_object_get(json_object_get(answer, "tasks"), load->row.function);
	size_t count = load->parcels.len;

	if (json_array_size(list) != count)
		return NULL;
	const char **ids = sl_alloc_array(count, sizeof *ids);
	for (size_t i = 0; i < count; i++) {
		ids[i] = json_string_value(json_array_get(list, i));
		if (!ids[i]) {
			free(ids);
			return NULL;
		}
	}
	return ids;
}

static void accept(struct load *load, const json_t *answer)
{
	struct globus *globus = load->globus;
	const char *group = json_string_value(json_object_get(answer, "task_group_id"));
	sl_auto_free const char **ids = read_ids(load, answer);
	int64_t now = globus_clock_ms();

	if (!ids || !group) {
		load->state = LOAD_LOST; // it was taken; which tasks it made, we must find out
		return;
	}
	load->state = LOAD_ACCEPTED;
	load->news = globus->news = now;
	globus->poll_ms = GLOBUS_POLL_MS;
	globus->next_poll = now + GLOBUS_POLL_MS;
	globus->refusals = 0;
	globus->fresh = false;
	if (!globus->group)
		globus->group = sl_strdup(group);
	for (size_t i = 0; i < load->parcels.len; i++)
		load->parcels.items[i]->id = sl_strdup(ids[i]);
	if (!ledger_submit_accepted(globus->ledger, load->row.number, group, ids, load->parcels.len,
				    &globus->trouble))
		return;
}

// Everything waits again. `why` is for those who have waited too often.
static void requeue_all(struct load *load, const struct compute_failure *failure)
{
	for (size_t i = 0; i < load->parcels.len; i++)
		globus_requeue(load->globus, load->parcels.items[i], &failure->error,
			       failure->remedy);
}

// 413: half of it may be small enough. False when it cannot be made smaller.
static bool shrink(struct load *load)
{
	struct globus *globus = load->globus;
	size_t most = load->size / 2;

	if (load->size <= GLOBUS_LEAST_SUBMIT)
		return false;
	globus->most = most > GLOBUS_LEAST_SUBMIT ? most : GLOBUS_LEAST_SUBMIT;
	for (size_t i = 0; i < load->parcels.len; i++) {
		struct parcel *parcel = load->parcels.items[i];
		sl_list_each (&parcel->pieces, piece)
			piece->goods->tries = 0; // it gets smaller each time
		sl_list_each (&parcel->calls, call)
			if (call->letter)
				call->letter->tries = 0;
	}
	return true;
}

// 403, 404: the task group may be another login's, or too old; the function may have been deleted.
// Once, both are made anew.
static bool make_anew(struct load *load, const struct compute_failure *failure)
{
	struct globus *globus = load->globus;

	if (globus->fresh || (failure->status != 403 && failure->status != 404))
		return false;
	globus->fresh = true;
	free(sl_take(globus->group));
	if (failure->status == 404 && !globus->given_function && !globus->restricted) {
		if (!ledger_function_drop(globus->ledger, globus->service, load->row.function,
					  &globus->trouble))
			return true;
		free(sl_take(globus->function));
		globus_name_function(globus);
	}
	return true;
}

// Not sent at all, as long as the network is away: later, less and less often.
static bool wait_and_retry(struct load *load, const struct compute_failure *failure)
{
	struct globus *globus = load->globus;

	if (failure->status != 0 || failure->error.kind != SL_E_NETWORK ||
	    ++globus->refusals >= GLOBUS_TRIES)
		return false;
	globus->next_send = globus_clock_ms() + (RESEND_MS << globus->refusals);
	return true;
}

static void refuse(struct load *load, const struct compute_failure *failure)
{
	struct globus *globus = load->globus;
	const char *remedy = failure->remedy;

	if (!remedy && failure->status == 422)
		remedy = "look at 'user_endpoint_config' of the builder configuration; whoever "
			 "runs the endpoint finds more in its log";
	bool all = failure->status != 413;
	load->state = LOAD_REFUSED;
	end_load(load);
	if (!ledger_submit_refused(globus->ledger, load->row.number, &globus->trouble))
		return;
	if ((failure->status == 413 && shrink(load)) || make_anew(load, failure) ||
	    wait_and_retry(load, failure)) {
		requeue_all(load, failure);
		return;
	}
	for (size_t i = 0; i < load->parcels.len; i++)
		globus_abandon(globus, load->parcels.items[i], &failure->error, remedy);
	globus->refusals = 0;
	// It was not about this load: the others would hear the same.
	if (all)
		globus_conclude_all(globus, &failure->error, remedy);
}

static void submit_done(void *context, const json_t *answer, const struct compute_failure *failure)
{
	struct load *load = context;

	if (answer)
		accept(load, answer);
	else if (failure->unknown)
		load->state = LOAD_LOST;
	else
		refuse(load, failure);
}

// ---- sending -------------------------------------------------------------------------------

static bool may_send(const struct globus *globus, int64_t now)
{
	size_t sending = 0, live = 0;

	for (size_t i = 0; i < globus->loads.len; i++) {
		const struct load *load = globus->loads.items[i];
		sending += load->state == LOAD_SENDING;
		live += !load->left && load->waiting > 0;
	}
	return globus->stage == GLOBUS_READY && globus->function && now >= globus->next_send &&
	       sending < (globus->group ? GLOBUS_BODIES : 1) && live < GLOBUS_LOADS &&
	       (globus->group || live == 0);
}

static bool write_down(struct globus *globus, struct load *load, struct sl_error *err)
{
	for (size_t i = 0; i < load->parcels.len; i++)
		memcpy(sl_list_add(&load->row.tasks)->ref, load->parcels.items[i]->ref,
		       GLOBUS_REF + 1);
	return ledger_submit_begin(globus->ledger, &load->row, err);
}

static void send_load(struct globus *globus, struct load *load, struct sl_buf *payloads)
{
	struct compute_submit submit = {
		.endpoint = globus->endpoint,
		.function = load->row.function,
		.user_endpoint_config = globus->endpoint_config,
		.task_group = load->row.task_group,
		.json_results = load->set == WIRE_MODERN,
	};

	load->state = LOAD_SENDING;
	*sl_list_add(&globus->loads) = load;
	compute_submit(globus->compute, &submit, payloads, load->parcels.len, submit_done, load);
}

static void free_payloads(struct sl_buf *payloads, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sl_buf_release(&payloads[i]);
	free(payloads);
}

bool globus_send(struct globus *globus, int64_t now, bool *any_out, struct sl_error *err)
{
	*any_out = false;
	while (may_send(globus, now) && !globus_is_blocked(globus, now)) {
		struct sl_buf *payloads;
		struct load *load = globus_pack(globus, now, &payloads);
		if (!load)
			break;
		size_t count = load->parcels.len;
		*any_out = true;
		load->news = load->sent = now;
		bool good = write_down(globus, load, err);
		if (good)
			send_load(globus, load, payloads);
		free_payloads(payloads, count);
		if (!good) {
			globus_load_free(load);
			return false;
		}
	}
	return true;
}
