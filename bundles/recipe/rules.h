// SPDX-License-Identifier: Apache-2.0
// Private to the recipe: what may stand in text that ends up in a definition file.
#ifndef SL_RECIPE_RULES_H
#define SL_RECIPE_RULES_H

#include "bundles/base/base.h"

// Every byte valid UTF-8, and no control character (C0, DEL, C1), line separator or byte order mark
// except those of `allowed` ("\n\t").
bool rules_is_clean(const char *text, const char *allowed);

// Bytes of the blank that `text` begins with, 0 if it begins with none. These are the blanks that
// Apptainer skips before it looks for the `%` of a section, Unicode's included.
size_t rules_blank(const char *text, size_t len);

bool rules_has_outer_blank(const char *text); // at its beginning or end

// True if some line of `text` would be taken for a section: its first non-blank is `%` (T52).
bool rules_has_section_line(const char *text);

// True if `text` holds what Apptainer takes for a build argument: {{ word }} (T54).
bool rules_has_template(const char *text);

// True if `text` is not empty and each byte is a letter, a digit or one of `more`.
bool rules_is_of(const char *text, const char *more);

// "3.11.2" with exactly `parts` numbers of at most four digits, without leading zeros.
bool rules_is_numbers(const char *text, unsigned parts);

// Length of an environment value once it is quoted for %environment, without the outer quotes.
size_t rules_quoted_length(const char *value);
void rules_quote(struct sl_buf *out, const char *value);

// A version as it may stand in a requirements line, and a wheel's file name. Alphabets only: the
// grammar proper is the packaging room's.
bool rules_is_version(const char *text);
bool rules_is_wheel_file(const char *text);

#endif
