// SPDX-License-Identifier: Apache-2.0
// Facts:
//  1. A submission is active from its claim to its end, or until it cannot go on for now; after
//  that
//     it is not touched again in this run.
//  2. At most `builds` submissions are active for one post: a builder is not asked for more builds
//  at
//     once than its configuration says.
//  3. Active ones take turns; when none can go on, the posts are told that nothing more will come,
//     and whatever happens first is waited for.
#include "uploader/commands/drain.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define WAIT_MS	      500
#define STALE_SECONDS 600 // a process that has not renewed its claim for so long is not waited for
#define OPEN_BUNDLES  16  // more than so many are not kept open while answers are awaited

bool numbers_have(const struct numbers *numbers, int64_t number)
{
	sl_list_each (numbers, item)
		if (*item == number)
			return true;
	return false;
}

static void add_number(struct numbers *numbers, int64_t number)
{
	if (!numbers_have(numbers, number))
		*sl_list_add(numbers) = number;
}

int drain_exit_code(const struct submission *row)
{
	if (row->state == LEDGER_DONE)
		return 0;
	return sl_exit_code(row->kind != SL_E_NONE ? row->kind : SL_E_ANSWER);
}

struct round {
	struct ledger *ledger;
	struct postman *postman;
	const struct watch *watch;
	int64_t only;
	struct numbers *tried;
	struct numbers worked;	       // had their turn in this process
	SL_LIST(struct work *) active; // each allocated alone: errands point to them
	size_t held;		       // another process works on them, and moves on
	struct sl_progress progress;   // of the only active work
	struct work *shown;	       // whose progress that is
	struct sl_strings unusual;     // what the person has been told of posts
};

// ---- becoming active -----------------------------------------------------------------------

static size_t active_at(const struct round *round, const struct post *post)
{
	size_t count = 0;
	sl_list_each (&round->active, work)
		count += (*work)->post == post;
	return count;
}

// The row is read again once the claim is ours: another process may have moved it meanwhile.
static bool activate(struct round *round, int64_t number, struct post *post, struct sl_error *err)
{
	auto_submission struct submission row = {0};

	add_number(&round->worked, number);
	add_number(round->tried, number);
	if (!ledger_find(round->ledger, number, &row, err))
		return false;
	struct work *work = sl_alloc(sizeof *work);
	work_begin(work, round->ledger, &row, round->postman, post, round->watch);
	*sl_list_add(&round->active) = work;
	return true;
}

static char *remedy_for(const struct sl_error *why, const char *file)
{
	if (why->kind == SL_E_NETWORK)
		return sl_strdup("'sealift-upload login', or set GLOBUS_COMPUTE_CLIENT_ID and "
				 "GLOBUS_COMPUTE_CLIENT_SECRET; the bundle stays queued, and "
				 "'sealift-upload run' goes on from here");
	return sl_format("%s%s%s'add' the bundle again with another --builder-config; it stays "
			 "queued, and 'sealift-upload run' goes on from here",
			 file ? "correct '" : "", file ? file : "", file ? "', or " : "");
}

// A builder that cannot even be named or configured, or nobody is logged in: the bundle waits for
// somebody to correct that.
static bool conclude(struct round *round, int64_t number, const struct sl_error *why,
		     struct sl_error *err)
{
	auto_submission struct submission row = {0};
	struct work work;

	add_number(&round->worked, number);
	add_number(round->tried, number);
	if (!ledger_find(round->ledger, number, &row, err))
		return false;
	char *remedy = remedy_for(why, row.builder_config);
	work_begin(&work, round->ledger, &row, round->postman, NULL, round->watch);
	work.waits = true;
	work.remedy = remedy;
	bool good = work_conclude(&work, why, err);
	work_release(&work);
	return good;
}

// Looked up afresh: the claim may be younger than the list that `number` was found in.
static bool hold(struct round *round, int64_t number, struct sl_error *err)
{
	auto_submission struct submission row = {0};
	char text[80];

	if (!ledger_find(round->ledger, number, &row, err))
		return false;
	if (row.worker != 0 && (int64_t)time(NULL) - row.renewed > STALE_SECONDS)
		return true;
	round->held++;
	if (numbers_have(round->tried, number))
		return true;
	add_number(round->tried, number);
	snprintf(text, sizeof text, "waiting for process %lld, which works on it",
		 (long long)row.worker);
	round->watch->say(round->watch->context, &row, text);
	return true;
}

static bool visit(struct round *round, const struct submission *row, struct sl_error *err)
{
	struct sl_error why = {0};
	struct post *post = NULL;
	enum ledger_claim claim;

	if (ledger_state_is_final(row->state) || numbers_have(&round->worked, row->number))
		return true;
	bool found = postman_find(round->postman, row->builder, row->builder_config, &post, &why);
	if (found && active_at(round, post) >= post_config(post)->builds)
		return true; // later
	if (!ledger_claim(round->ledger, row->number, &claim, err))
		return false;
	if (claim == CLAIM_HELD)
		return hold(round, row->number, err);
	if (claim == CLAIM_GONE)
		return true;
	return found ? activate(round, row->number, post, err)
		     : conclude(round, row->number, &why, err);
}

static bool find_work(struct round *round, struct sl_error *err)
{
	auto_submissions struct submissions rows = {0};

	round->held = 0;
	if (!ledger_list(round->ledger, &rows, err))
		return false;
	sl_list_each (&rows, row) {
		if (round->only != 0 && row->number != round->only)
			continue;
		if (!visit(round, row, err))
			return false;
	}
	return true;
}

// ---- turns ---------------------------------------------------------------------------------

static void retire(struct round *round, size_t at)
{
	struct work *work = round->active.items[at];

	if (round->shown == work) {
		sl_progress_end(&round->progress);
		round->shown = NULL;
	}
	work_release(work);
	free(work);
	round->active.items[at] = round->active.items[--round->active.len];
}

// A bar for what travels, where only one thing does.
static void show_progress(struct round *round)
{
	struct work *work = round->active.len == 1 ? round->active.items[0] : NULL;
	uint64_t bytes = 0;

	if (round->shown && (round->shown != work || !work->out)) {
		round->shown->progress = NULL;
		sl_progress_end(&round->progress);
		round->shown = NULL;
	}
	if (!work || round->shown || !work->out || !work->batch)
		return;
	for (size_t i = 0; work->batch[i]; i++)
		bytes += work->batch[i]->size;
	sl_progress_begin(&round->progress, "delivering", bytes);
	work->progress = &round->progress;
	round->shown = work;
}

static bool forget(struct sl_strings *list, const char *text)
{
	for (size_t i = 0; i < list->len; i++) {
		if (strcmp(list->items[i], text) != 0)
			continue;
		free(list->items[i]);
		list->items[i] = list->items[--list->len];
		return true;
	}
	return false;
}

// What many bundles wait for is told once.
static bool notice(struct round *round, struct work *work, struct sl_error *err)
{
	sl_auto_free char *old = work->noticed ? sl_strdup(work->noticed) : NULL;
	const char *news;

	if (!work_notice(work, &news, err))
		return false;
	if (!news)
		return true;
	if (old && forget(&round->unusual, old) && !news[0])
		work_say(work, "it is back: going on");
	if (!news[0])
		return true;
	if (!forget(&round->unusual, news))
		work_say(work, "%s", news);
	sl_strings_add(&round->unusual, news);
	return true;
}

// One turn for each. `*soonest_out` is how long nothing will happen by itself.
static bool turns(struct round *round, int64_t *soonest_out, bool *over_out, struct sl_error *err)
{
	enum work_turn turn;
	size_t open = 0;

	*soonest_out = WAIT_MS;
	*over_out = false;
	for (size_t i = 0; i < round->active.len;) {
		struct work *work = round->active.items[i];
		if (!work_turn(work, &turn, err))
			return false;
		if (turn == WORK_OVER) {
			*over_out = true;
			retire(round, i);
			continue;
		}
		int64_t rests = work->wake_ms - work_now_ms();
		if (turn == WORK_RESTS && rests < *soonest_out)
			*soonest_out = rests > 0 ? rests : 0;
		if (work->bundle && ++open > OPEN_BUNDLES)
			work_let_go(work);
		if (!notice(round, work, err) || !work_renew(work, err))
			return false;
		i++;
	}
	show_progress(round);
	return true;
}

static bool go_round(struct round *round, struct sl_error *err)
{
	int64_t soonest;
	bool over = true;

	do {
		if (over && !find_work(round, err))
			return false;
		if (!turns(round, &soonest, &over, err))
			return false;
		if (round->active.len == 0 && over)
			continue; // there may be room for others now
		if (round->active.len == 0)
			break;
		postman_hurry(round->postman);
		if (!over && !postman_step(round->postman, (unsigned)soonest, err))
			return false;
	} while (true);
	return true;
}

bool drain(struct ledger *ledger, int64_t only, const struct postman_options *options,
	   const struct watch *watch, struct numbers *tried_out, struct sl_error *err)
{
	struct round round = {.ledger = ledger, .watch = watch, .only = only, .tried = tried_out};
	bool good = postman_new(ledger, options, &round.postman, err);

	while (good && (good = go_round(&round, err)) && round.held > 0)
		nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000L}, NULL);
	postman_free(round.postman); // before the works that its errands point to
	while (round.active.len > 0)
		retire(&round, 0);
	sl_list_release(&round.active);
	sl_list_release(&round.worked);
	sl_strings_release(&round.unusual);
	return good;
}
