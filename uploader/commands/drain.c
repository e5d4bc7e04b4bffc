// SPDX-License-Identifier: Apache-2.0
// Facts:
//  1. A submission is active from its claim to its end, or until it cannot go on for now; after
//     that it is not touched again in this run.
//  2. Deliveries run ahead of builds: how many builds run at once is kept by the builder's own
//     queue (`builds` of its configuration travels with each request). Bounded are here the
//     submissions that are active, and the bundles that are open (struct work_room).
//  3. Of those that have to be delivered to a post that nobody has asked yet what it can, one is
//     active: it asks. What it hears holds for the others.
//  4. Active ones take turns; when none can go on, the posts are told that nothing more will come,
//     and whatever happens first is waited for.
#include "uploader/commands/drain.h"

#include "uploader/commands/print.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define WAIT_MS	      500
#define LOOK_MS	      1000  // between two looks at the ledger for more to do
#define PASS_MS	      15000 // after which turns wait until the posts have moved on
#define MOST_ACTIVE   2048
#define TRAVELLING    1024 // bundles that are open while their objects wait to travel
#define STALE_SECONDS 600  // a process that has not renewed its claim for so long is not waited for
#define OPEN_BUNDLES  16   // more than so many are not kept open while answers are awaited

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
	struct work_room room;
	bool later;	   // the last look left out what had no room
	bool look;	   // somebody's turn has made room
	int64_t looked_ms; // monotonic
	size_t next;	   // whose turn it is
};

// ---- becoming active -----------------------------------------------------------------------

static bool is_to_be_delivered(const struct submission *row)
{
	return row->state == LEDGER_QUEUED || row->state == LEDGER_DELIVERING;
}

static bool somebody_asks(const struct round *round, const struct post *post)
{
	sl_list_each (&round->active, work)
		if ((*work)->post == post && is_to_be_delivered(&(*work)->row))
			return true;
	return false;
}

static bool is_room(const struct round *round, const struct submission *row,
		    const struct post *post)
{
	if (round->active.len >= MOST_ACTIVE)
		return false;
	if (!is_to_be_delivered(row) || !somebody_asks(round, post))
		return true;
	// Here objects travel one bundle after the other anyhow, and the next one asks what is
	// still missing then.
	return post->ready && !post_is_local(post);
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
	work_begin(work, round->ledger, &row, round->postman, post, round->watch, &round->room);
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
		     const char *known_remedy, struct sl_error *err)
{
	auto_submission struct submission row = {0};
	struct work work;

	add_number(&round->worked, number);
	add_number(round->tried, number);
	if (!ledger_find(round->ledger, number, &row, err))
		return false;
	char *remedy = known_remedy ? sl_strdup(known_remedy)
				    : remedy_for(why, row.build_on ? row.build_on_config
								   : row.builder_config);
	work_begin(&work, round->ledger, &row, round->postman, NULL, round->watch, &round->room);
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
	// Where it is built is where there may be no room.
	bool found = row->build_on ? postman_find(round->postman, row->build_on,
						  row->build_on_config, &post, &why)
				   : postman_find(round->postman, row->builder, row->builder_config,
						  &post, &why);
	bool waits = found && post->obstacle.kind != SL_E_NONE && is_to_be_delivered(row);
	if (found && !waits && !is_room(round, row, post)) {
		round->later = true;
		return true;
	}
	if (!ledger_claim(round->ledger, row->number, &claim, err))
		return false;
	if (claim == CLAIM_HELD)
		return hold(round, row->number, err);
	if (claim == CLAIM_GONE)
		return true;
	if (waits)
		return conclude(round, row->number, &post->obstacle, post->obstacle_remedy, err);
	return found ? activate(round, row->number, post, err)
		     : conclude(round, row->number, &why, NULL, err);
}

static bool find_work(struct round *round, struct sl_error *err)
{
	auto_submissions struct submissions rows = {0};

	round->held = 0;
	round->later = round->look = false;
	round->looked_ms = work_now_ms();
	if (!ledger_list_brief(round->ledger, true, &rows, err))
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

static struct work *only_traveller(const struct round *round)
{
	struct work *found = NULL;

	sl_list_each (&round->active, at) {
		const struct work *work = *at;
		if (!work->out || work->batch_bytes == 0)
			continue;
		if (found)
			return NULL;
		found = *at;
	}
	return found;
}

// A bar for what travels, where only one thing does.
static void show_progress(struct round *round)
{
	struct work *work = only_traveller(round);

	if (round->shown && round->shown != work) {
		round->shown->progress = NULL;
		sl_progress_end(&round->progress);
		round->shown = NULL;
	}
	if (!work || round->shown)
		return;
	sl_progress_begin(&round->progress, "delivering", work->batch_bytes);
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

static bool take_turn(struct round *round, struct work *work, enum work_turn *turn_out,
		      struct sl_error *err)
{
	bool asked = work->post->ready || work->post->obstacle.kind != SL_E_NONE;
	bool delivers = is_to_be_delivered(&work->row);

	if (!work_turn(work, turn_out, err))
		return false;
	if ((!asked && (work->post->ready || work->post->obstacle.kind != SL_E_NONE)) ||
	    (delivers && !is_to_be_delivered(&work->row) && post_is_local(work->post)))
		round->look = round->later;
	if (*turn_out == WORK_OVER)
		return true;
	return notice(round, work, err) && work_renew(work, err);
}

struct pass {
	int64_t soonest; // how long nothing will happen by itself
	bool whole;	 // everybody had a turn
	bool over;	 // somebody is through
};

// One turn for each, as far as time allows: verifying many bundles takes long, and what is under
// way must go on meanwhile.
static bool turns(struct round *round, struct pass *pass, struct sl_error *err)
{
	int64_t began = work_now_ms();
	enum work_turn turn;
	size_t open = 0;

	*pass = (struct pass){.soonest = WAIT_MS};
	for (; round->next < round->active.len && work_now_ms() - began < PASS_MS;) {
		struct work *work = round->active.items[round->next];
		if (!take_turn(round, work, &turn, err))
			return false;
		if (turn == WORK_OVER) {
			pass->over = true;
			retire(round, round->next);
			continue;
		}
		int64_t rests = work->wake_ms - work_now_ms();
		if (turn == WORK_RESTS && rests < pass->soonest)
			pass->soonest = rests > 0 ? rests : 0;
		if (work->bundle && ++open > OPEN_BUNDLES)
			work_let_go(work);
		round->next++;
	}
	pass->whole = round->next >= round->active.len;
	if (pass->whole)
		round->next = 0;
	show_progress(round);
	return true;
}

static bool is_time_to_look(const struct round *round)
{
	return round->look || round->active.len == 0 ||
	       (round->later && work_now_ms() - round->looked_ms >= LOOK_MS);
}

static bool go_round(struct round *round, struct sl_error *err)
{
	struct pass pass = {.over = true};

	do {
		if (pass.over)
			round->later =
				true; // there is room, and who knows what was added meanwhile
		if (is_time_to_look(round) && !find_work(round, err))
			return false;
		if (!turns(round, &pass, err))
			return false;
		if (round->active.len == 0 && !pass.over)
			break;
		if (round->look || round->active.len == 0)
			continue; // more may be done before anything is waited for
		if (pass.whole && !pass.over)
			postman_hurry(round->postman);
		if (!postman_step(round->postman,
				  pass.whole && !pass.over ? (unsigned)pass.soonest : 0, err))
			return false;
	} while (true);
	return true;
}

// Every bundle that is open takes a descriptor. Who may have more takes them.
static size_t most_open(void)
{
	struct rlimit limit;
	rlim_t wanted = 2 * TRAVELLING;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return OPEN_BUNDLES;
	if (limit.rlim_cur < wanted) {
		limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0 && getrlimit(RLIMIT_NOFILE, &limit) != 0)
			return OPEN_BUNDLES;
	}
	return limit.rlim_cur / 2 < TRAVELLING ? (size_t)limit.rlim_cur / 2 : TRAVELLING;
}

bool drain(struct ledger *ledger, int64_t only, const struct postman_options *options,
	   const struct watch *watch, struct drained *out, struct sl_error *err)
{
	struct round round = {.ledger = ledger, .watch = watch, .only = only, .tried = &out->tried};
	round.room.most_bundles = most_open();
	sl_heap_return_large();
	struct postman_options reach = *options;
	if (out->tried.len == 0) // not again, when this is tried again
		reach.warn = print_warning;
	bool good = postman_new(ledger, &reach, &round.postman, err);

	while (good && (good = go_round(&round, err)) && round.held > 0)
		nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000L}, NULL);
	out->nobody = round.postman && postman_lacks_login(round.postman);
	postman_free(round.postman); // before the works that its errands point to
	while (round.active.len > 0)
		retire(&round, 0);
	sl_list_release(&round.active);
	sl_list_release(&round.worked);
	sl_strings_release(&round.unusual);
	return good;
}
