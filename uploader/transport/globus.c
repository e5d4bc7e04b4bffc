// SPDX-License-Identifier: Apache-2.0
// The post to an endpoint of Globus Compute: the agent runs there as a task.
#include "uploader/transport/globus.h"

#include <string.h>

#define RENEW_MS 60000

static void globus_close(struct post *post)
{
	struct globus *globus = (struct globus *)post;
	struct sl_error ignored = {0};

	globus_search_free(globus);
	compute_forget(globus->compute, globus);
	for (size_t i = 0; i < globus->loads.len; i++) {
		struct load *load = globus->loads.items[i];
		compute_forget(globus->compute, load);
		if (!ledger_submit_leave(globus->ledger, load->row.number, &ignored))
			sl_error_clear(&ignored); // it is stale once this process has ended
		globus_load_free(load);
	}
	for (size_t i = 0; i < globus->letters.len; i++)
		globus_letter_free(globus->letters.items[i]);
	globus_goods_free(globus);
	sl_list_release(&globus->loads);
	sl_list_release(&globus->letters);
	sl_list_release(&globus->heard);
	globus_forget_looked(globus);
	sl_strings_release(&globus->allowed);
	json_decref(globus->endpoint_config);
	free(globus->service);
	free(globus->endpoint);
	free(globus->given_function);
	free(globus->refused_remedy);
	free(globus->version);
	free(globus->function);
	free(globus->group);
	free(globus->base.note);
	free(globus);
}

// What is left for payloads in one submit.
static size_t body_room(const struct globus *globus)
{
	struct compute_submit submit = {
		.endpoint = globus->endpoint,
		.function = globus->endpoint, // as long as any id
		.user_endpoint_config = globus->endpoint_config,
		.task_group = globus->endpoint,
		.json_results = true,
	};
	size_t taken = compute_submit_size(&submit, NULL, 0) + GLOBUS_MARGIN;

	return taken < WIRE_LIMIT_SUBMIT ? WIRE_LIMIT_SUBMIT - taken : 0;
}

static bool globus_open(const struct post_setup *setup, struct post **out, struct sl_error *err)
{
	struct globus *globus = sl_alloc(sizeof *globus);
	const struct builder_config *config = setup->config;

	globus->ledger = setup->ledger;
	globus->compute = setup->compute;
	globus->service = sl_strdup(setup->service ? setup->service : "");
	globus->endpoint = sl_strdup(setup->builder);
	globus->timeout = config->timeout;
	globus->endpoint_config = json_incref(config->user_endpoint_config);
	globus->given_function = config->function ? sl_strdup(config->function) : NULL;
	globus->most = body_room(globus);
	globus->most_calls = GLOBUS_CALLS;
	globus->poll_ms = GLOBUS_POLL_MS;
	globus->online = true;
	globus->news = globus->renewed = globus->answered = globus_clock_ms();
	if (!globus_take_over(globus, err)) {
		globus_close(&globus->base);
		return false;
	}
	*out = &globus->base;
	return true;
}

static void globus_hurry(struct post *post)
{
	((struct globus *)post)->hurry = true;
}

static size_t globus_pending(const struct post *post)
{
	const struct globus *globus = (const struct globus *)post;

	return globus->letters.len + globus->telling;
}

// ---- a step --------------------------------------------------------------------------------

// Loads that have ended, and of which nobody holds a pointer any more.
static void sweep(struct globus *globus)
{
	size_t kept = 0;

	for (size_t i = 0; i < globus->loads.len; i++) {
		struct load *load = globus->loads.items[i];
		if (load->state == LOAD_SENDING || load->waiting > 0)
			globus->loads.items[kept++] = load;
		else
			globus_load_free(load);
	}
	globus->loads.len = kept;
}

static bool renew(struct globus *globus, int64_t now, struct sl_error *err)
{
	if (globus->loads.len == 0 || now - globus->renewed < RENEW_MS)
		return true;
	globus->renewed = now;
	return ledger_submits_renew(globus->ledger, err);
}

static bool check_trouble(struct globus *globus, struct sl_error *err)
{
	if (globus->trouble.kind == SL_E_NONE)
		return true;
	*err = globus->trouble;
	return false;
}

static bool globus_step(struct post *post, bool *busy_out, struct sl_error *err)
{
	struct globus *globus = (struct globus *)post;
	int64_t now = globus_clock_ms();
	bool sent = false, told = false;

	globus_deadlines(globus, now);
	globus_open_step(globus);
	globus_recover_step(globus, now);
	if (!check_trouble(globus, err) || !globus_send(globus, now, &sent, err))
		return false;
	globus_poll(globus, now);
	globus_note(globus, now);
	sweep(globus);
	if (!check_trouble(globus, err) || !globus_tell(globus, &told, err) ||
	    !renew(globus, now, err))
		return false;
	*busy_out = sent || told;
	return true;
}

const struct post_driver post_driver_globus = {
	.needs_compute = true,
	.open = globus_open,
	.start = globus_start,
	.step = globus_step,
	.hurry = globus_hurry,
	.pending = globus_pending,
	.close = globus_close,
};
