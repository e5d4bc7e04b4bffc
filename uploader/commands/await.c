// SPDX-License-Identifier: Apache-2.0
// Waiting for a build that runs without us: asking how it is, less and less often, until it ends.
#include "uploader/commands/work.h"

#include <stdio.h>
#include <string.h>

#define MOST_PAUSE_MS	10000
#define DEFAULT_SECONDS 604800 // when the builder does not say how long a build may take
#define MOST_LOOK_MS	300000 // between two questions about many builds
#define LOOK_MS_OF_ONE	250
#define ANSWERS_MS	1000
#define FIRST_MS_OF_ONE 50
#define MOST_FIRST_MS	60000

// Less and less often.
static void rest(struct work *work)
{
	unsigned ms = work->pause_ms;

	work_rest(work, ms);
	work->pause_ms = ms + ms / 8 + 1;
	if (work->pause_ms > MOST_PAUSE_MS && ms <= MOST_PAUSE_MS)
		work->pause_ms = MOST_PAUSE_MS;
}

// ---- many builds at once -------------------------------------------------------------------

static void join_builds(struct work *work)
{
	struct post_builds *builds = &work->post->builds;

	if (work->counted)
		return;
	if (builds->waiting == 0)
		*builds =
			(struct post_builds){.since_ms = work_now_ms(), .reviver = builds->reviver};
	builds->waiting++;
	work->counted = true;
}

static void stop_asking(struct work *work)
{
	if (!work->asks)
		return;
	work->asks = false;
	work->post->builds.asking--;
}

void work_leave_builds(struct work *work)
{
	if (work->post && work->post->builds.reviver == work &&
	    work->row.state != LEDGER_DELIVERING)
		work->post->builds.reviver = NULL;
	stop_asking(work);
	if (!work->counted)
		return;
	work->counted = false;
	work->post->builds.waiting--;
	work->post->builds.done +=
		work->row.state != LEDGER_BUILDING && work->row.state != LEDGER_DELIVERING;
}

static int64_t between(int64_t least, int64_t value, int64_t most)
{
	value = value < most ? value : most;
	return value > least ? value : least;
}

// Half of the time that all of them take, as far as that can be told from those that have ended,
// and not much longer than the rest will take.
static int64_t pause_of(const struct post *post, int64_t now)
{
	const struct post_builds *builds = &post->builds;
	int64_t elapsed = now - builds->since_ms, open = (int64_t)builds->waiting;
	int64_t done = (int64_t)builds->done, pause;
	int64_t most = MOST_PAUSE_MS + (open - 1) * LOOK_MS_OF_ONE;

	if (done > 0) {
		int64_t left = elapsed * open / done;
		int64_t half = (elapsed + left) / 2;
		pause = left + left / 4 < half ? left + left / 4 : half;
	} else {
		pause = open > 1 ? elapsed / 2 : elapsed / 8;
	}
	return between(post->config.poll_ms, pause, most < MOST_LOOK_MS ? most : MOST_LOOK_MS);
}

// All are asked about at the same time: that is one submit. Who comes meanwhile joins them.
static void rest_with_others(struct work *work)
{
	struct post_builds *builds = &work->post->builds;
	int64_t now = work_now_ms();

	if (builds->next_ms <= now && builds->asking > 0) {
		work_rest(work, ANSWERS_MS); // whoever is answered last knows best
		return;
	}
	if (builds->next_ms <= now)
		builds->next_ms = now + pause_of(work->post, now);
	work->wake_ms = builds->next_ms;
}

// The more there are, the longer the first look can wait: little of it can be done yet.
static void put_off_first_look(struct post_builds *builds)
{
	int64_t first = (int64_t)builds->waiting * FIRST_MS_OF_ONE;

	if (builds->waiting == 1 || builds->looked)
		return;
	first = builds->since_ms + (first < MOST_FIRST_MS ? first : MOST_FIRST_MS);
	builds->next_ms = first > builds->next_ms ? first : builds->next_ms;
}

static void rest_until_next_look(struct work *work)
{
	if (post_is_local(work->post))
		rest(work);
	else
		rest_with_others(work);
}

// ---- what the builder says of one ----------------------------------------------------------

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

void work_wait_for_turn(struct work *work)
{
	work->since_ms = work_now_ms(); // its own time has not begun
	if (strcmp(work->step, "waiting") == 0)
		return;
	snprintf(work->step, sizeof work->step, "waiting");
	work_say(work, "waiting for its turn at the builder");
}

// Whoever built there has died, and with it the queue stands still: one of those who wait asks to
// be built once more, and it goes on for all. That is no loss of this build, unless the queue stood
// at the same place before.
static bool revive(struct work *work, const json_t *answer, struct sl_error *err)
{
	struct post_builds *builds = &work->post->builds;
	json_int_t ahead = json_integer_value(json_object_get(answer, "ahead"));

	work_wait_for_turn(work);
	bool before = work->stalled;
	work->stalled = true;
	// Seen once it may be the moment in which one build hands over to the next.
	if (builds->reviver || !before) {
		rest_until_next_look(work);
		return true;
	}
	work->stalled = false;
	builds->reviver = work;
	work->blameless = ahead != work->ahead;
	work->ahead = ahead;
	return work_move(work, LEDGER_DELIVERING, err);
}

static bool then_state(struct work *work, const json_t *answer, const struct sl_error *why,
		       struct sl_error *err)
{
	stop_asking(work);
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
	if (strcmp(state, "stalled") == 0)
		return revive(work, answer, err);
	work->stalled = false;
	if (strcmp(state, "waiting") == 0)
		work_wait_for_turn(work);
	else
		tell_step(work, answer);
	rest_until_next_look(work);
	return check_deadline(work, answer, err);
}

bool work_await(struct work *work, struct sl_error *err)
{
	if (work->pause_ms == 0) {
		work->pause_ms = post_config(work->post)->poll_ms;
		work->since_ms = work_now_ms();
		join_builds(work);
		if (!post_is_local(work->post)) {
			rest_with_others(work);
			put_off_first_look(&work->post->builds);
			return true;
		}
	}
	struct post_builds *builds = &work->post->builds;
	if (!post_is_local(work->post) &&
	    (builds->next_ms > work_now_ms() || work->wake_ms != builds->next_ms)) {
		rest_with_others(
			work); // it was put off, or the others have been asked about before
		return true;
	}
	builds->looked = true;
	builds->asking++;
	work->asks = true;
	sl_auto_json json_t *request = work_request(work, "state");
	sl_json_set(request, "receipt", json_true());
	return work_ask(work, request, NULL, NULL, 0, then_state, err);
}
