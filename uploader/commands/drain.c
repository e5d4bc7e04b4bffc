// SPDX-License-Identifier: Apache-2.0
#include "uploader/commands/drain.h"

#include <time.h>

#define WAIT_MS	      500
#define STALE_SECONDS 600 // a process that has not renewed its claim for so long is not waited for

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
	const struct watch *watch;
	struct numbers *tried;
	struct numbers worked; // had their turn in this process
	size_t held;	       // another process works on them, and moves on
};

// The row is read again once the claim is ours: another process may have moved it meanwhile.
static bool take_turn(struct round *round, int64_t number, struct sl_error *err)
{
	auto_submission struct submission row = {0};

	add_number(&round->worked, number);
	add_number(round->tried, number);
	return ledger_find(round->ledger, number, &row, err) &&
	       work_on(round->ledger, &row, round->watch, err);
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
	enum ledger_claim claim;

	if (ledger_state_is_final(row->state) || numbers_have(&round->worked, row->number))
		return true;
	if (!ledger_claim(round->ledger, row->number, &claim, err))
		return false;
	if (claim == CLAIM_HELD)
		return hold(round, row->number, err);
	return claim == CLAIM_GONE || take_turn(round, row->number, err);
}

static bool go_round(struct round *round, int64_t only, struct sl_error *err)
{
	auto_submissions struct submissions rows = {0};

	round->held = 0;
	if (!ledger_list(round->ledger, &rows, err))
		return false;
	sl_list_each (&rows, row) {
		if (only != 0 && row->number != only)
			continue;
		if (!visit(round, row, err))
			return false;
	}
	return true;
}

bool drain(struct ledger *ledger, int64_t only, const struct watch *watch,
	   struct numbers *tried_out, struct sl_error *err)
{
	struct round round = {.ledger = ledger, .watch = watch, .tried = tried_out};
	bool good;

	while ((good = go_round(&round, only, err)) && round.held > 0)
		nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000L}, NULL);
	sl_list_release(&round.worked);
	return good;
}
