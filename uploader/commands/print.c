// SPDX-License-Identifier: Apache-2.0
#include "uploader/commands/print.h"

#include "uploader/commands/view.h"

#include <stdio.h>

static void say(void *context, const struct submission *row, const char *doing)
{
	sl_auto_free char *name = view_name(row);

	(void)context;
	sl_note("%s: %s", name, doing);
}

const struct watch print_watch = {say, NULL};

void print_json(const json_t *value)
{
	sl_auto_free char *text = view_json_text(value);

	puts(text);
}

void print_rows(const struct submission *const *rows, size_t len, bool json)
{
	sl_auto_json json_t *value = json ? view_json(rows, len) : NULL;
	sl_auto_buf struct sl_buf text;

	sl_buf_init(&text, 64 * SL_MIB);
	if (json)
		print_json(value);
	else if (len > 0)
		view_table(&text, rows, len);
	fputs(text.data, stdout);
}

void print_warning(const char *text)
{
	sl_warn("%s", text);
}

int print_failure(const struct sl_error *err)
{
	sl_complain(err);
	return sl_finish(sl_exit_code(err->kind));
}
