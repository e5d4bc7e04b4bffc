// SPDX-License-Identifier: Apache-2.0
// What commands say on stderr. Rooms below the commands never print.
#ifndef SL_BASE_LOG_H
#define SL_BASE_LOG_H

#include "bundles/base/error.h"

enum sl_log_level { SL_LOG_QUIET, SL_LOG_NORMAL, SL_LOG_VERBOSE };

void sl_log_set(const char *program, enum sl_log_level level);

void sl_note(const char *fmt, ...) SL_PRINTF(1, 2);  // "text"; not when quiet
void sl_debug(const char *fmt, ...) SL_PRINTF(1, 2); // only when verbose
void sl_warn(const char *fmt, ...) SL_PRINTF(1, 2);  // "program: warning: text"
void sl_complain(const struct sl_error *err); // "program: text"; returns nothing, always prints

#endif
