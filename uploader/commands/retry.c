// SPDX-License-Identifier: Apache-2.0
// sealift-upload retry: back to the queue.
#include "bundles/base/base.h"
#include "uploader/commands/commands.h"
#include "uploader/commands/pick.h"
#include "uploader/commands/print.h"
#include "uploader/commands/queue.h"

#include <stddef.h>

struct options {
	const char *state_dir;
};

static const struct sl_option table[] = {
	{"state-dir", 0, SL_OPT_STRING, offsetof(struct options, state_dir), "DIR",
	 "the folder of the ledger"},
	SL_OPTION_END,
};

static int run(const void *values, int argc, char **operands)
{
	const struct options *options = values;
	auto_ledger struct ledger *ledger = NULL;
	struct sl_error err = {0};
	size_t count;

	if (!queue_open_ledger(options->state_dir, &ledger, &err))
		return print_failure(&err);
	int code = argc > 0 ? pick_each(ledger, argc, operands, ledger_retry, &count)
			    : pick_state(ledger, LEDGER_FAILED, ledger_retry, &count);
	if (code == 0)
		sl_note("%zu queued again", count);
	return sl_finish(code);
}

const struct sl_command command_retry = {
	.name = "retry",
	.operands = "[NUMBER...]",
	.summary = "queue failed bundles again",
	.description =
		"Without a number: all that failed. What was cancelled is only tried again when "
		"its\n"
		"number is given, and so is what was refused, because it will be refused again\n"
		"unless the policy, the signatures or the file have changed.",
	.options = table,
	.size = sizeof(struct options),
	.min_operands = 0,
	.max_operands = -1,
	.run = run,
};
