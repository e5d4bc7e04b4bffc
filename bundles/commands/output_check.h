// SPDX-License-Identifier: Apache-2.0
// A report must not replace what it reports on.
#ifndef COMMANDS_OUTPUT_CHECK_H
#define COMMANDS_OUTPUT_CHECK_H

#include "bundles/commands/judging_options.h"

// For a command's `before`. SL_E_USAGE when `output` (NULL: none) is there already and is one of
// the `len` files in `inputs`, the policy of the options or in one of their folders of signatures.
bool output_is_no_input(const char *output, char *const *inputs, int len,
			const struct judging_options *judging, struct sl_error *err) SL_MUST_USE;

// The same for files that options name.
bool output_is_none_of(const char *output, const struct sl_words *inputs,
		       struct sl_error *err) SL_MUST_USE;

#endif
