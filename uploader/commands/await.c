// SPDX-License-Identifier: Apache-2.0
// Waiting for a build that runs without us: asking how it is, less and less often, until it ends.
#include "uploader/commands/work.h"

#include <string.h>
#include <time.h>

#define MOST_PAUSE_MS	10000
#define DEFAULT_SECONDS 604800 // when the builder does not say how long a build may take

struct waiting {
	int64_t since;	   // monotonic seconds
	unsigned pause_ms; // before the next question
	char step[32];	   // as the builder called it last
};

static int64_t now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec;
}

static void pause_for(struct waiting *waiting)
{
	unsigned ms = waiting->pause_ms;
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&time, NULL);
	waiting->pause_ms = ms + ms / 8 + 1;
	if (waiting->pause_ms > MOST_PAUSE_MS && ms <= MOST_PAUSE_MS)
		waiting->pause_ms = MOST_PAUSE_MS;
}

static void tell_step(const struct work *work, struct waiting *waiting, const json_t *answer)
{
	const char *step = json_string_value(json_object_get(answer, "step"));

	if (!step || strncmp(step, waiting->step, sizeof waiting->step - 1) == 0)
		return;
	snprintf(waiting->step, sizeof waiting->step, "%s", step);
	sl_auto_free char *shown = sl_text_shown(waiting->step);
	work_say(work, "building: %s", shown);
}

// The builder ends a build that takes too long; this is for a builder that does not.
static bool check_deadline(const struct work *work, const struct waiting *waiting,
			   const json_t *answer, struct sl_error *err)
{
	json_int_t limit = json_integer_value(json_object_get(answer, "timeout"));
	int64_t waited = now_seconds() - waiting->since;

	if (limit <= 0 || limit > DEFAULT_SECONDS)
		limit = DEFAULT_SECONDS;
	if (waited <= limit + work->config.timeout)
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
	work_take_hint(work, answer, err);
	if (path)
		name_log(work, path);
	return false;
}

static bool fetch_receipt(struct work *work, const json_t *state, struct sl_error *err)
{
	sl_auto_json json_t *answer = NULL;

	if (json_object_get(state, "receipt"))
		return work_built(work, state, err);
	return work_ask(work, "receipt", &answer, err) && work_built(work, answer, err);
}

// One question. `*over_out`: there is nothing more to wait for.
static bool look(struct work *work, struct waiting *waiting, bool *over_out, struct sl_error *err)
{
	sl_auto_json json_t *answer = NULL;

	*over_out = true;
	if (!work_renew(work, err) || !work_ask(work, "state", &answer, err))
		return false;
	const char *state = json_string_value(json_object_get(answer, "state"));
	if (!state)
		return sl_fail(err, SL_E_FORMAT, "the agent's answer to \"state\" has no state");
	if (strcmp(state, "done") == 0)
		return fetch_receipt(work, answer, err);
	if (strcmp(state, "failed") == 0)
		return fail_build(work, answer, err);
	if (strcmp(state, "none") == 0 || strcmp(state, "interrupted") == 0)
		return work_move(work, LEDGER_DELIVERING, err);
	*over_out = false;
	tell_step(work, waiting, answer);
	return check_deadline(work, waiting, answer, err);
}

bool work_await(struct work *work, struct sl_error *err)
{
	struct waiting waiting = {.since = now_seconds()};
	bool over = false;

	if (!work_connect(work, err))
		return false;
	waiting.pause_ms = work->config.poll_ms;
	work_say(work, "building");
	for (;;) {
		if (!look(work, &waiting, &over, err))
			return false;
		if (over)
			return true;
		pause_for(&waiting);
	}
}
