// SPDX-License-Identifier: Apache-2.0
// Text for people and from people: escaping, UTF-8, times, the nearest known word.
#ifndef SL_BASE_TEXT_H
#define SL_BASE_TEXT_H

#include "bundles/base/buf.h"

#include <stdint.h>

// Appends `text` so that a terminal shows exactly what is there: everything that is not printable
// ASCII or a plain letter of another script (controls, escapes, bidi and zero-width characters,
// invalid bytes) becomes \n, \t, \xNN or \u{NNNN} (T36, T63).
void sl_text_escape(struct sl_buf *out, const char *text, size_t len);
// The same as an owned string, for use in error messages.
char *sl_text_shown(const char *text);
// Appends a whole message, parts of which are escaped already: as above, but backslashes stay.
void sl_text_tame(struct sl_buf *out, const char *text);

bool sl_text_is_utf8(const char *text, size_t len);
// Decodes one code point at `text`; returns its length in bytes, 0 if invalid.
size_t sl_text_decode(const char *text, size_t len, uint32_t *code_out);
bool sl_text_is_ascii_printable(const char *text);

// True if `text` is a bundle or image name: [a-z0-9][a-z0-9._-]{0,62}.
bool sl_text_is_name(const char *text);

// The entry of `known` (NULL-terminated) closest to `word` within edit distance 2, else NULL.
const char *sl_text_nearest(const char *word, const char *const *known);

// "2026-11-22T13:26:02Z" from and to seconds since 1970 (RFC 3339, UTC, years 1970 to 9999).
void sl_time_format(int64_t seconds, char out[21]);
bool sl_time_parse(const char *text, int64_t *seconds_out) SL_MUST_USE; // no error record

// "1.5 GiB", "812 B"
void sl_size_format(uint64_t bytes, char out[16]);

#endif
