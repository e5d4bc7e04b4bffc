// SPDX-License-Identifier: Apache-2.0
// Picking submissions by the numbers on a command line.
#ifndef SL_UPLOADER_COMMANDS_PICK_H
#define SL_UPLOADER_COMMANDS_PICK_H

#include "uploader/ledger/ledger.h"

// "3" or "#3".
bool pick_number(const char *word, int64_t *number_out, struct sl_error *err) SL_MUST_USE;

typedef bool pick_action(struct ledger *ledger, int64_t number, struct sl_error *err);

// Does `action` to each number; all are attempted. Returns the exit code of the worst; complains.
int pick_each(struct ledger *ledger, int argc, char **operands, pick_action *action,
	      size_t *count_out);
// The same to all in `state`, but for those that somebody has cancelled.
int pick_state(struct ledger *ledger, enum ledger_state state, pick_action *action,
	       size_t *count_out);

#endif
