// SPDX-License-Identifier: Apache-2.0
// The commands of the compiler: one file each, named after it.
#ifndef SL_COMPILER_COMMANDS_H
#define SL_COMPILER_COMMANDS_H

#include "bundles/base/options.h"

extern const struct sl_command command_check;
extern const struct sl_command command_compile;

#endif
