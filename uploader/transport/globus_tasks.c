// SPDX-License-Identifier: Apache-2.0
// Asking how tasks are: one question for many, less and less often while nothing moves. What comes
// back is written down before it is used, since the service deletes it then.
#include "uploader/transport/globus.h"

#include <string.h>
#include <strings.h>

#define MISSES 5 // polls in a row that do not name a task

static bool is_awaited(const struct parcel *parcel)
{
	return !parcel->over && parcel->id;
}

// ---- asking --------------------------------------------------------------------------------

struct asking {
	const char *ids[COMPUTE_BATCH];
	uint64_t *marks[COMPUTE_BATCH];
	size_t len, weight;
};

// An answer that is too long for one poll would be lost: it is fetched once.
static void add_one(struct asking *asking, const char *id, size_t weight, uint64_t *mark,
		    uint64_t from, uint64_t to)
{
	if (*mark < from || *mark > to || asking->len == COMPUTE_BATCH ||
	    (asking->len > 0 && asking->weight + weight > GLOBUS_POLLED))
		return;
	asking->weight += weight;
	asking->ids[asking->len] = id;
	asking->marks[asking->len++] = mark;
}

// Those that were asked for last in a poll from `from` to `to`.
static void add_asked(struct globus *globus, struct asking *asking, uint64_t from, uint64_t to)
{
	if (globus->search)
		sl_list_each (&globus->search->strays, stray)
			if (!stray->over)
				add_one(asking, stray->id, GLOBUS_ANSWERS, &stray->asked, from, to);
	for (size_t i = 0; i < globus->loads.len; i++)
		for (size_t j = 0; j < globus->loads.items[i]->parcels.len; j++) {
			struct parcel *parcel = globus->loads.items[i]->parcels.items[j];
			if (is_awaited(parcel))
				add_one(asking, parcel->id, parcel->weight, &parcel->asked, from,
					to);
		}
}

// The poll in which those were asked for who have waited longest.
static uint64_t oldest(const struct globus *globus)
{
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < globus->loads.len; i++)
		for (size_t j = 0; j < globus->loads.items[i]->parcels.len; j++) {
			const struct parcel *parcel = globus->loads.items[i]->parcels.items[j];
			if (is_awaited(parcel) && parcel->asked < least)
				least = parcel->asked;
		}
	if (globus->search)
		sl_list_each (&globus->search->strays, stray)
			if (!stray->over && stray->asked < least)
				least = stray->asked;
	return least;
}

static void collect(struct globus *globus, struct asking *asking)
{
	uint64_t first = oldest(globus);

	if (first == UINT64_MAX)
		return;
	add_asked(globus, asking, 0, first);
	add_asked(globus, asking, first + 1, UINT64_MAX);
	for (size_t i = 0; i < asking->len; i++)
		*asking->marks[i] = globus->polls;
}

// ---- news ----------------------------------------------------------------------------------

static bool is_final(const char *status)
{
	return status && (strcasecmp(status, "success") == 0 || strcasecmp(status, "failed") == 0);
}

static bool has_changed(char **old, const char *status)
{
	if (!status || (*old && strcmp(*old, status) == 0))
		return false;
	bool first = *old == NULL;
	free(*old);
	*old = sl_strdup(status);
	return !first;
}

// A load that was sent later and moves is no sign of life of one that was sent before it, but the
// other way round it is: they wait in one line.
static void note_news(struct globus *globus, const struct load *load)
{
	int64_t now = globus_clock_ms();

	globus->news = now;
	globus->online = true; // whatever was said before
	globus->poll_ms = GLOBUS_POLL_MS;
	if (load->left)
		globus->left_news = now;
	for (size_t i = 0; i < globus->loads.len; i++)
		if (globus->loads.items[i]->row.number >= load->row.number)
			globus->loads.items[i]->news = now;
}

// The service does not know a task any more: somebody has fetched its answer, or it came too late.
static json_t *made_up_failure(void)
{
	json_t *task = json_object();

	sl_json_set_string(task, "status", "failed");
	sl_json_set_string(task, "reason", "the service no longer knows the task");
	return task;
}

// What the service says of one task, NULL while it has not ended. Owned.
static json_t *look_at(const json_t *results, const char *id, bool asked, char **status,
		       unsigned *missed, bool *news_out)
{
	json_t *task = json_object_get(results, id);
	const char *word = json_string_value(json_object_get(task, "status"));

	*news_out = false;
	if (!asked)
		return NULL;
	if (!json_is_object(task))
		return ++*missed < MISSES ? NULL : made_up_failure();
	*missed = 0;
	*news_out = has_changed(status, word) || is_final(word);
	return is_final(word) ? json_incref(task) : NULL;
}

// ---- answers -------------------------------------------------------------------------------

struct finished {
	struct parcel *parcel;
	json_t *task;
	char *text;
};

struct finds {
	SL_LIST(struct finished) parcels;
};

static void find_parcels(struct globus *globus, const json_t *results, struct finds *finds)
{
	for (size_t i = 0; i < globus->loads.len; i++)
		for (size_t j = 0; j < globus->loads.items[i]->parcels.len; j++) {
			struct parcel *parcel = globus->loads.items[i]->parcels.items[j];
			bool news;
			if (!is_awaited(parcel))
				continue;
			json_t *task = look_at(results, parcel->id, parcel->asked == globus->polls,
					       &parcel->status, &parcel->missed, &news);
			if (news)
				note_news(globus, parcel->load);
			if (task)
				*sl_list_add(&finds->parcels) = (struct finished){
					parcel, task, json_dumps(task, JSON_COMPACT)};
		}
}

static bool write_answers(struct globus *globus, const struct finds *finds)
{
	size_t len = finds->parcels.len;
	sl_auto_free struct ledger_answer *answers = sl_alloc_array(len + 1, sizeof *answers);

	for (size_t i = 0; i < len; i++) {
		const struct finished *one = &finds->parcels.items[i];
		answers[i] =
			(struct ledger_answer){one->parcel->load->row.number, one->parcel->position,
					       one->parcel->id, one->text};
	}
	return len == 0 || ledger_tasks_answered(globus->ledger, answers, len, &globus->trouble);
}

static void hear_parcels(struct globus *globus, const struct finds *finds)
{
	bool written = write_answers(globus, finds);

	sl_list_each (&finds->parcels, one) {
		if (written) {
			struct parcel *parcel = one->parcel;
			*sl_list_add(&globus->heard) = (struct ledger_answer){
				.submit = parcel->load->row.number, .position = parcel->position};
			globus_parcel_over(parcel);
			globus_hear(globus, parcel, one->task);
		}
		json_decref(one->task);
		free(one->text);
	}
}

static void hear_strays(struct globus *globus, const json_t *results)
{
	struct search *search = globus->search;

	for (size_t i = 0; search && i < search->strays.len; i++) {
		struct stray *stray = &search->strays.items[i];
		bool news;
		if (stray->over)
			continue;
		sl_auto_json json_t *task =
			look_at(results, stray->id, stray->asked == globus->polls, &stray->status,
				&stray->missed, &news);
		if (news)
			search->news = globus_clock_ms();
		if (task)
			globus_stray_heard(globus, stray, task);
	}
}

static void poll_failed(struct globus *globus, const struct compute_failure *failure)
{
	globus->unreachable = failure->error;
	if (failure->status != 401 && failure->status != 403)
		return; // another poll may go through; the deadline decides
	for (size_t i = 0; i < globus->loads.len; i++) {
		struct load *load = globus->loads.items[i];
		for (size_t j = 0; j < load->parcels.len; j++)
			globus_abandon(globus, load->parcels.items[j], &failure->error,
				       failure->remedy);
		load->left = true;
	}
	globus->left_news = globus_clock_ms();
	globus_conclude_all(globus, &failure->error, failure->remedy);
}

static void poll_done(void *context, const json_t *answer, const struct compute_failure *failure)
{
	struct globus *globus = context;
	const json_t *results = json_object_get(answer, "results");
	struct finds finds = {0};

	globus->polling = false;
	globus->poll_ms = globus->poll_ms * 3 / 2 < GLOBUS_POLL_MOST_MS ? globus->poll_ms * 3 / 2
									: GLOBUS_POLL_MOST_MS;
	if (failure) {
		poll_failed(globus, failure);
	} else {
		sl_error_clear(&globus->unreachable);
		globus->answered = globus_clock_ms();
		find_parcels(globus, results, &finds);
		hear_parcels(globus, &finds);
		hear_strays(globus, results);
	}
	sl_list_release(&finds.parcels);
	globus->next_poll = globus_clock_ms() + globus->poll_ms;
}

void globus_poll(struct globus *globus, int64_t now)
{
	struct asking asking = {.len = 0, .weight = 0};

	if (globus->polling || now < globus->next_poll)
		return;
	globus->polls++;
	collect(globus, &asking);
	if (asking.len == 0)
		return;
	globus->polling = true;
	globus->poll_sent = now;
	compute_batch_status(globus->compute, asking.ids, asking.len, poll_done, globus);
	if (now - globus->news > globus_stalled_ms(globus) &&
	    now - globus->status_asked > globus_stalled_ms(globus))
		globus_ask_status(globus, now);
}

// ---- deadlines -----------------------------------------------------------------------------

static void give_up_load(struct globus *globus, struct load *load, int64_t now)
{
	struct sl_error why = {0};
	const char *remedy = globus_explain_silence(globus, now, &why);

	for (size_t i = 0; i < load->parcels.len; i++)
		if (!load->parcels.items[i]->over)
			globus_abandon(globus, load->parcels.items[i], &why, remedy);
	load->left = true;
	globus->left_news = now;
}

void globus_deadlines(struct globus *globus, int64_t now)
{
	for (size_t i = 0; i < globus->loads.len; i++) {
		struct load *load = globus->loads.items[i];
		if (load->state == LOAD_ACCEPTED && !load->left && load->waiting > 0 &&
		    now - load->news > (int64_t)globus->timeout * 1000)
			give_up_load(globus, load, now);
	}
}
