// SPDX-License-Identifier: Apache-2.0
// sealift-upload export: the whole ledger as JSON.
#include "bundles/base/base.h"
#include "uploader/commands/commands.h"
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
	sl_auto_json json_t *value = NULL;
	struct sl_error err = {0};

	(void)argc;
	(void)operands;
	if (!queue_open_ledger(options->state_dir, &ledger, &err) ||
	    !ledger_export(ledger, &value, &err))
		return print_failure(&err);
	print_json(value);
	return sl_finish(0);
}

const struct sl_command command_export = {
	.name = "export",
	.operands = "",
	.summary = "print the whole ledger as JSON",
	.description =
		"Every submission with its state, its receipt, and everything that was tried on\n"
		"the builder with the answer to it.",
	.options = table,
	.size = sizeof(struct options),
	.min_operands = 0,
	.max_operands = 0,
	.run = run,
};
