// SPDX-License-Identifier: Apache-2.0
// sealift-upload forget: out of the ledger.
#include "bundles/base/base.h"
#include "uploader/commands/commands.h"
#include "uploader/commands/pick.h"
#include "uploader/commands/print.h"
#include "uploader/commands/queue.h"

#include <stddef.h>

struct options {
	const char *state_dir;
	bool done;
};

static const struct sl_option table[] = {
	{"done", 0, SL_OPT_FLAG, offsetof(struct options, done), NULL, "all that are done"},
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

	if (options->done == (argc > 0))
		sl_fail(&err, SL_E_USAGE, "name the submissions by number, or give --done");
	if (err.kind != SL_E_NONE || !queue_open_ledger(options->state_dir, &ledger, &err))
		return print_failure(&err);
	int code = options->done ? pick_state(ledger, LEDGER_DONE, ledger_forget, &count)
				 : pick_each(ledger, argc, operands, ledger_forget, &count);
	if (code == 0)
		sl_note("%zu forgotten", count);
	return sl_finish(code);
}

const struct sl_command command_forget = {
	.name = "forget",
	.operands = "[NUMBER...]",
	.summary = "remove bundles from the ledger",
	.description = "Removes the record alone: bundles, images and registrations stay where "
		       "they are, and a\n"
		       "build that runs goes on. Not possible while a process works on it.",
	.options = table,
	.size = sizeof(struct options),
	.min_operands = 0,
	.max_operands = -1,
	.run = run,
};
