// SPDX-License-Identifier: Apache-2.0
#include "uploader/commands/pick.h"

#include <errno.h>
#include <string.h>

bool pick_number(const char *word, int64_t *number_out, struct sl_error *err)
{
	const char *digits = word[0] == '#' ? word + 1 : word;
	size_t len = strlen(digits);

	if (len > 0 && len <= 18 && digits[strspn(digits, "0123456789")] == '\0') {
		*number_out = strtoll(digits, NULL, 10);
		return true;
	}
	sl_auto_free char *shown = sl_text_shown(word);
	return sl_fail(err, SL_E_USAGE, "'%s' is no number of a submission; 'status' lists them",
		       shown);
}

static void note_failure(const struct sl_error *err, int *code)
{
	sl_complain(err);
	if (sl_exit_code(err->kind) > *code)
		*code = sl_exit_code(err->kind);
}

int pick_each(struct ledger *ledger, int argc, char **operands, pick_action *action,
	      size_t *count_out)
{
	int code = 0;

	*count_out = 0;
	for (int i = 0; i < argc; i++) {
		struct sl_error err = {0};
		int64_t number;
		if (pick_number(operands[i], &number, &err) && action(ledger, number, &err))
			*count_out += 1;
		else
			note_failure(&err, &code);
	}
	return code;
}

int pick_state(struct ledger *ledger, enum ledger_state state, pick_action *action,
	       size_t *count_out)
{
	auto_submissions struct submissions all = {0};
	struct sl_error err = {0};
	int code = 0;

	*count_out = 0;
	if (!ledger_list_brief(ledger, false, &all, &err))
		note_failure(&err, &code);
	sl_list_each (&all, row) {
		if (row->state != state || submission_is_cancelled(row))
			continue;
		sl_error_clear(&err);
		if (action(ledger, row->number, &err))
			*count_out += 1;
		else
			note_failure(&err, &code);
	}
	return code;
}
