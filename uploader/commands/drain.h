// SPDX-License-Identifier: Apache-2.0
// Emptying the queue: every submission gets its turn, whatever became of the one before.
#ifndef SL_UPLOADER_COMMANDS_DRAIN_H
#define SL_UPLOADER_COMMANDS_DRAIN_H

#include "uploader/commands/work.h"

struct numbers {
	int64_t *items;
	size_t len, cap;
};

struct drained {
	struct numbers tried; // had their turn here, or were waited for (to be released)
	bool nobody;	      // somebody would have to log in first
};

// Works on all that is unfinished, or on `only` when that is not 0. What another living process
// works on is waited for as long as that process moves on. `out` is zeroed by the caller before the
// first time. False when the ledger fails.
bool drain(struct ledger *ledger, int64_t only, const struct postman_options *options,
	   const struct watch *watch, struct drained *out, struct sl_error *err) SL_MUST_USE;

bool numbers_have(const struct numbers *numbers, int64_t number);

// The exit code of one submission as it stands: 0 when it is done.
int drain_exit_code(const struct submission *row);

#endif
