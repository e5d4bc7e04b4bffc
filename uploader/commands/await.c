// SPDX-License-Identifier: Apache-2.0
// Waiting for a build that runs without us: asking how it is, less and less often, until it ends.
#include "uploader/commands/work.h"

#include <stdio.h>
#include <string.h>

#define MOST_PAUSE_MS	10000
#define DEFAULT_SECONDS 604800 // when the builder does not say how long a build may take

// Less and less often.
static void rest(struct work *work)
{
	unsigned ms = work->pause_ms;

	work_rest(work, ms);
	work->pause_ms = ms + ms / 8 + 1;
	if (work->pause_ms > MOST_PAUSE_MS && ms <= MOST_PAUSE_MS)
		work->pause_ms = MOST_PAUSE_MS;
}

static void tell_step(struct work *work, const json_t *answer)
{
	const char *step = json_string_value(json_object_get(answer, "step"));

	if (!step || strncmp(step, work->step, sizeof work->step - 1) == 0)
		return;
	snprintf(work->step, sizeof work->step, "%s", step);
	sl_auto_free char *shown = sl_text_shown(work->step);
	work_say(work, "building: %s", shown);
}

// The builder ends a build that takes too long; this is for a builder that does not.
static bool check_deadline(const struct work *work, const json_t *answer, struct sl_error *err)
{
	json_int_t limit = json_integer_value(json_object_get(answer, "timeout"));
	int64_t waited = (work_now_ms() - work->since_ms) / 1000;

	if (limit <= 0 || limit > DEFAULT_SECONDS)
		limit = DEFAULT_SECONDS;
	if (waited <= limit + post_config(work->post)->timeout)
		return true;
	return sl_fail(
		err, SL_E_NETWORK,
		"the builder still says that it builds after %lld seconds, though a build may "
		"take %lld",
		(long long)waited, (long long)limit);
}

// Adds to what would help where the log of the build lies.
static void name_log(struct work *work, const char *path)
{
	sl_auto_free char *log = sl_text_shown(path);
	sl_auto_free char *hint = work->remedy;

	work->remedy = sl_format("%s%sthe build's log is '%s' on the builder", hint ? hint : "",
				 hint ? "; " : "", log);
}

static bool fail_build(struct work *work, const json_t *answer, struct sl_error *err)
{
	const json_t *error = json_object_get(answer, "error");
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *kind = json_string_value(json_object_get(error, "kind"));
	const char *path =
		json_string_value(json_object_get(json_object_get(answer, "log"), "path"));
	sl_auto_free char *shown = sl_text_shown(message ? message : "the build failed");
	bool untrusted = kind && strcmp(kind, sl_kind_name(SL_E_UNTRUSTED)) == 0;

	sl_fail(err, untrusted ? SL_E_UNTRUSTED : SL_E_IO, "%s", shown);
	work->refused = work->refused || untrusted;
	work_take_hint(work, answer);
	if (path)
		name_log(work, path);
	return false;
}

static bool then_receipt(struct work *work, const json_t *answer, const struct sl_error *why,
			 struct sl_error *err)
{
	return why ? work_fail(work, why, err) : work_built(work, answer, err);
}

static bool fetch_receipt(struct work *work, const json_t *state, struct sl_error *err)
{
	if (json_object_get(state, "receipt"))
		return work_built(work, state, err);
	sl_auto_json json_t *request = work_request(work, "receipt");
	return work_ask(work, request, NULL, NULL, 0, then_receipt, err);
}

static bool then_state(struct work *work, const json_t *answer, const struct sl_error *why,
		       struct sl_error *err)
{
	if (why)
		return work_fail(work, why, err);
	const char *state = json_string_value(json_object_get(answer, "state"));
	if (!state)
		return sl_fail(err, SL_E_FORMAT, "the agent's answer to \"state\" has no state");
	if (strcmp(state, "done") == 0)
		return fetch_receipt(work, answer, err);
	if (strcmp(state, "failed") == 0)
		return fail_build(work, answer, err);
	if (strcmp(state, "none") == 0 || strcmp(state, "interrupted") == 0)
		return work_move(work, LEDGER_DELIVERING, err);
	tell_step(work, answer);
	rest(work);
	return check_deadline(work, answer, err);
}

bool work_await(struct work *work, struct sl_error *err)
{
	if (work->pause_ms == 0) {
		work->pause_ms = post_config(work->post)->poll_ms;
		work->since_ms = work_now_ms();
		work->step[0] = '\0';
		work_say(work, "building");
	}
	sl_auto_json json_t *request = work_request(work, "state");
	return work_ask(work, request, NULL, NULL, 0, then_state, err);
}
