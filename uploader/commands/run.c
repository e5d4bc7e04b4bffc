// SPDX-License-Identifier: Apache-2.0
// sealift-upload run: empties the queue and says what became of every bundle.
#include "bundles/base/base.h"
#include "uploader/commands/commands.h"
#include "uploader/commands/drain.h"
#include "uploader/commands/print.h"
#include "uploader/commands/queue.h"

#include <stddef.h>
#include <time.h>

#define FIRST_PAUSE 5 // seconds before what is out of reach is tried again
#define MOST_PAUSE  300

struct options {
	const char *state_dir;
	struct postman_options reach;
	bool wait_online, json;
};

static const struct sl_option table[] = {
	{"state-dir", 0, SL_OPT_STRING, offsetof(struct options, state_dir), "DIR",
	 "the folder of the ledger"},
	{"wait-online", 0, SL_OPT_FLAG, offsetof(struct options, wait_online), NULL,
	 "stay until the network is back for all that waits for it"},
	REACH_OPTIONS(struct options, reach),
	{"json", 0, SL_OPT_FLAG, offsetof(struct options, json), NULL, "print JSON"},
	SL_OPTION_END,
};

static int report(const struct submissions *all, const struct numbers *tried, bool json)
{
	sl_auto_free const struct submission **rows = sl_alloc_array(all->len + 1, sizeof *rows);
	size_t len = 0;
	int code = 0;

	sl_list_each (all, row) {
		if (row->state == LEDGER_DONE && !numbers_have(tried, row->number))
			continue;
		rows[len++] = row;
		if (drain_exit_code(row) > code)
			code = drain_exit_code(row);
	}
	print_rows(rows, len, json);
	if (len == 0)
		sl_note("nothing to do: %zu bundle%s in the ledger, all done", all->len,
			all->len == 1 ? "" : "s");
	return code;
}

// The first of what may go on once the network is back, or NULL: a file that is not there, or a
// policy that refuses, is not cured by waiting.
static const struct submission *out_of_reach(const struct submissions *all)
{
	sl_list_each (all, row)
		if (!ledger_state_is_final(row->state) && row->kind == SL_E_NETWORK)
			return row;
	return NULL;
}

static void pause_for(const struct submission *row, unsigned *seconds)
{
	sl_note("%lld: %s; trying again in %u seconds", (long long)row->number,
		row->reason ? row->reason : "out of reach", *seconds);
	nanosleep(&(struct timespec){.tv_sec = *seconds}, NULL);
	*seconds = *seconds * 2 < MOST_PAUSE ? *seconds * 2 : MOST_PAUSE;
}

// Only JSON has their receipts in it.
static bool list_all(struct ledger *ledger, bool json, struct submissions *all,
		     struct sl_error *err)
{
	return json ? ledger_list(ledger, all, err) : ledger_list_brief(ledger, false, all, err);
}

// Once, or again and again until nothing is left that only waits.
static bool drain_all(struct ledger *ledger, const struct options *options, struct drained *drained,
		      struct submissions *all, struct sl_error *err)
{
	for (unsigned pause = FIRST_PAUSE;;) {
		if (!drain(ledger, 0, &options->reach, &print_watch, drained, err) ||
		    !list_all(ledger, options->json, all, err))
			return false;
		const struct submission *row = out_of_reach(all);
		if (!options->wait_online || !row || drained->nobody)
			return true;
		pause_for(row, &pause);
		submissions_release(all);
		*all = (struct submissions){0};
	}
}

static int run(const void *values, int argc, char **operands)
{
	const struct options *options = values;
	auto_ledger struct ledger *ledger = NULL;
	auto_submissions struct submissions all = {0};
	struct drained drained = {0};
	struct sl_error err = {0};

	(void)argc;
	(void)operands;
	bool good = queue_open_ledger(options->state_dir, &ledger, &err) &&
		    drain_all(ledger, options, &drained, &all, &err);
	int code = good ? report(&all, &drained.tried, options->json) : 0;
	sl_list_release(&drained.tried);
	return good ? sl_finish(code) : print_failure(&err);
}

const struct sl_command command_run = {
	.name = "run",
	.operands = "",
	.summary = "verify, deliver, build and register all that is queued",
	.description =
		"Every bundle is attempted. What is not done at the end is listed with the reason\n"
		"and with what would help, and decides the exit code: that of the worst.\n"
		"It may be ended at any time and started again: nothing is lost, and no finished\n"
		"build is repeated.",
	.options = table,
	.size = sizeof(struct options),
	.min_operands = 0,
	.max_operands = 0,
	.run = run,
};
