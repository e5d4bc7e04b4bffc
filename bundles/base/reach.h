// SPDX-License-Identifier: Apache-2.0
// From a parsed command line to the paths that the command may open.
#ifndef SL_BASE_REACH_H
#define SL_BASE_REACH_H

#include "bundles/base/options.h"

// `values` is the command's options struct. `out` is released by the caller. Makes the state folder
// for a command that writes there: later it would be too late.
void sl_reach_of(const struct sl_program *program, const struct sl_command *command,
		 const void *values, int argc, char **operands, struct sl_reach *out);

#endif
