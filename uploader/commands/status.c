// SPDX-License-Identifier: Apache-2.0
// sealift-upload status: what the ledger holds.
#include "bundles/base/base.h"
#include "uploader/commands/commands.h"
#include "uploader/commands/print.h"
#include "uploader/commands/queue.h"
#include "uploader/commands/view.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 500

struct options {
	const char *state_dir;
	bool watch, json;
};

static const struct sl_option table[] = {
	{"state-dir", 0, SL_OPT_STRING, offsetof(struct options, state_dir), "DIR",
	 "the folder of the ledger"},
	{"watch", 'w', SL_OPT_FLAG, offsetof(struct options, watch), NULL,
	 "print it again whenever it changes, until nothing is unfinished"},
	{"json", 0, SL_OPT_FLAG, offsetof(struct options, json), NULL,
	 "print JSON (with --watch: one object per line)"},
	SL_OPTION_END,
};

// The rows as `--json` or people want them. Owned.
static char *view_all(const struct submissions *all, const struct options *options)
{
	sl_auto_free const struct submission **rows = sl_alloc_array(all->len + 1, sizeof *rows);
	sl_auto_buf struct sl_buf text;

	for (size_t i = 0; i < all->len; i++)
		rows[i] = &all->items[i];
	sl_buf_init(&text, 64 * SL_MIB);
	if (!options->json) {
		if (all->len > 0)
			view_table(&text, rows, all->len);
		return sl_buf_steal(&text, NULL);
	}
	sl_auto_json json_t *value = view_json(rows, all->len);
	sl_auto_free char *json =
		options->watch
			? json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII)
			: view_json_text(value);
	return sl_format("%s\n", json ? json : "null");
}

static bool all_ended(const struct submissions *all)
{
	sl_list_each (all, row)
		if (!ledger_state_is_final(row->state))
			return false;
	return true;
}

// On a terminal the new table takes the place of the old one.
static void show(const char *text, const struct options *options)
{
	if (options->watch && !options->json && isatty(STDOUT_FILENO))
		fputs("\033[H\033[J", stdout);
	fputs(text, stdout);
	fflush(stdout);
}

static bool look(struct ledger *ledger, const struct options *options, char **shown, bool *over_out,
		 struct sl_error *err)
{
	auto_submissions struct submissions all = {0};

	if (!(options->json ? ledger_list(ledger, &all, err)
			    : ledger_list_brief(ledger, false, &all, err)))
		return false;
	sl_auto_free char *text = view_all(&all, options);
	if (!*shown || strcmp(*shown, text) != 0)
		show(text, options);
	if (all.len == 0 && !*shown)
		sl_note("the ledger is empty: 'sealift-upload add' queues bundles");
	free(*shown);
	*shown = sl_take(text);
	*over_out = !options->watch || all_ended(&all) || ferror(stdout);
	return true;
}

static int run(const void *values, int argc, char **operands)
{
	const struct options *options = values;
	auto_ledger struct ledger *ledger = NULL;
	sl_auto_free char *shown = NULL;
	struct sl_error err = {0};
	bool over = false;

	(void)argc;
	(void)operands;
	if (!queue_open_ledger(options->state_dir, &ledger, &err))
		return print_failure(&err);
	for (;;) {
		if (!look(ledger, options, &shown, &over, &err))
			return print_failure(&err);
		if (over)
			return sl_finish(0);
		nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
	}
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
