// SPDX-License-Identifier: Apache-2.0
// What several commands print in the same way.
#ifndef SL_UPLOADER_COMMANDS_PRINT_H
#define SL_UPLOADER_COMMANDS_PRINT_H

#include "uploader/commands/work.h"

// Notes on stderr of what is being done.
extern const struct watch print_watch;

void print_json(const json_t *value);

// A table, or JSON. Nothing for no rows, unless it is JSON.
void print_rows(const struct submission *const *rows, size_t len, bool json);

// For struct postman_options.
void print_warning(const char *text);

// Complains and returns the exit code, for a command that ends here.
int print_failure(const struct sl_error *err);

#endif
