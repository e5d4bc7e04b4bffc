// SPDX-License-Identifier: Apache-2.0
// sealift-upload cancel: an end to what is not finished.
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

static bool cancel(struct ledger *ledger, int64_t number, struct sl_error *err)
{
	bool later;

	if (!ledger_cancel(ledger, number, &later, err))
		return false;
	sl_note(later ? "%lld: the process that works on it ends it at its next step"
		      : "%lld: cancelled",
		(long long)number);
	return true;
}

static int run(const void *values, int argc, char **operands)
{
	const struct options *options = values;
	auto_ledger struct ledger *ledger = NULL;
	struct sl_error err = {0};
	size_t count;

	if (!queue_open_ledger(options->state_dir, &ledger, &err))
		return print_failure(&err);
	return sl_finish(pick_each(ledger, argc, operands, cancel, &count));
}

const struct sl_command command_cancel = {
	.name = "cancel",
	.operands = "NUMBER...",
	.summary = "end what is not finished",
	.description =
		"A submission that nobody works on ends at once, another one at the next "
		"step of the\n"
		"process that does. A build that runs on the builder, or waits there for its "
		"turn, goes on there; 'retry'\n"
		"finds it.",
	.options = table,
	.size = sizeof(struct options),
	.min_operands = 1,
	.max_operands = -1,
	.run = run,
};
