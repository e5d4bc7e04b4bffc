// SPDX-License-Identifier: Apache-2.0
// sealift-upload push: add and run of one bundle.
#include "bundles/base/base.h"
#include "uploader/commands/commands.h"
#include "uploader/commands/drain.h"
#include "uploader/commands/print.h"
#include "uploader/commands/queue.h"
#include "uploader/commands/view.h"

#include <stdio.h>

static bool push(const struct queue_options *options, const char *path, struct submission *row_out,
		 struct sl_error *err)
{
	auto_ledger struct ledger *ledger = NULL;
	struct drained drained = {0};
	int64_t number;

	if (!queue_check(options, err) || !queue_open_ledger(options->state_dir, &ledger, err) ||
	    !queue_bundle_again(ledger, options, path, &number, err))
		return false;
	bool good = drain(ledger, number, &options->reach, &print_watch, &drained, err);
	sl_list_release(&drained.tried);
	return good && ledger_find(ledger, number, row_out, err);
}

static void report_json(const struct submission *row)
{
	sl_auto_json json_t *value = submission_to_json(row);

	sl_json_set_uint(value, "sealift_submission", 1);
	print_json(value);
}

static void report(const struct submission *row)
{
	sl_auto_buf struct sl_buf text;

	sl_buf_init(&text, SL_MIB);
	if (row->state == LEDGER_DONE)
		view_receipt(&text, row);
	else
		view_table(&text, &row, 1);
	fputs(text.data, stdout);
}

static int run(const void *values, int argc, char **operands)
{
	const struct queue_options *options = values;
	auto_submission struct submission row = {0};
	struct sl_error err = {0};

	(void)argc;
	if (!push(options, operands[0], &row, &err))
		return print_failure(&err);
	if (options->json)
		report_json(&row);
	else
		report(&row);
	return sl_finish(drain_exit_code(&row));
}

const struct sl_command command_push = {
	.name = "push",
	.operands = "BUNDLE",
	.summary = "queue one bundle, build it now and print its receipt",
	.description = "The same as 'add' and 'run' for this bundle alone; what else is queued "
		       "stays queued.\n"
		       "A bundle that is done already is verified again, and the builder judges\n"
		       "its signatures again, but does not build it again: its receipt is printed.",
	.options = queue_push_table,
	.size = sizeof(struct queue_options),
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
