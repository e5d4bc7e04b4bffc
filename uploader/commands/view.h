// SPDX-License-Identifier: Apache-2.0
// Submissions as text for people. Nothing here prints.
#ifndef SL_UPLOADER_COMMANDS_VIEW_H
#define SL_UPLOADER_COMMANDS_VIEW_H

#include "uploader/ledger/ledger.h"

// "my-pandas-image 1.0.0", or the file's name before the bundle has been verified. Owned, escaped.
char *view_name(const struct submission *row);

// A line for each submission, and below it why it is not done and what would help.
void view_table(struct sl_buf *out, const struct submission *const *rows, size_t len);

// What a person wants to know of a finished build.
void view_receipt(struct sl_buf *out, const struct submission *row);

// {"sealift_submissions": 1, "submissions": […]}. Owned.
json_t *view_json(const struct submission *const *rows, size_t len);

// Sorted keys, indented, for --json. Owned.
char *view_json_text(const json_t *value);

#endif
