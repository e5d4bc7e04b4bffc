// SPDX-License-Identifier: Apache-2.0
// sealift-upload status: what the ledger holds.
#include "bundles/base/base.h"
#include "uploader/commands/commands.h"
#include "uploader/commands/print.h"
#include "uploader/commands/queue.h"

#include <stddef.h>

struct options {
	const char *state_dir;
	bool json;
};

static const struct sl_option table[] = {
	{"state-dir", 0, SL_OPT_STRING, offsetof(struct options, state_dir), "DIR",
	 "the folder of the ledger"},
	{"json", 0, SL_OPT_FLAG, offsetof(struct options, json), NULL, "print JSON"},
	SL_OPTION_END,
};

static void report(const struct submissions *all, bool json)
{
	sl_auto_free const struct submission **rows = sl_alloc_array(all->len + 1, sizeof *rows);

	for (size_t i = 0; i < all->len; i++)
		rows[i] = &all->items[i];
	print_rows(rows, all->len, json);
	if (all->len == 0)
		sl_note("the ledger is empty: 'sealift-upload add' queues bundles");
}

static int run(const void *values, int argc, char **operands)
{
	const struct options *options = values;
	auto_ledger struct ledger *ledger = NULL;
	auto_submissions struct submissions all = {0};
	struct sl_error err = {0};

	(void)argc;
	(void)operands;
	if (!queue_open_ledger(options->state_dir, &ledger, &err) ||
	    !ledger_list(ledger, &all, &err))
		return print_failure(&err);
	report(&all, options->json);
	return sl_finish(0);
}

const struct sl_command command_status = {
	.name = "status",
	.operands = "",
	.summary = "list what is queued, under way and done",
	.options = table,
	.size = sizeof(struct options),
	.min_operands = 0,
	.max_operands = 0,
	.run = run,
};
