// SPDX-License-Identifier: Apache-2.0
// The three steps of reading a requirements file, for this room only:
// bytes -> UTF-8 text -> logical lines -> one struct requirements_line each.
#ifndef SL_PACKAGING_REQUIREMENTS_PARTS_H
#define SL_PACKAGING_REQUIREMENTS_PARTS_H

#include "bundles/packaging/requirements_txt.h"

// Appends `len` bytes of any accepted encoding to `out` as UTF-8.
bool requirements_decode(const char *bytes, size_t len, struct sl_buf *out,
			 struct sl_error *err) SL_MUST_USE;

// Walks the logical lines: physical lines joined where one ends in a backslash, without comments,
// trimmed, never empty.
struct requirements_reader {
	const char *at, *end;
	unsigned next_line;
	unsigned line;	    // of the current logical line: its first physical one
	struct sl_buf text; // the current logical line
};

void requirements_reader_init(struct requirements_reader *reader, const char *text, size_t len);
void requirements_reader_release(struct requirements_reader *reader);
// False at the end, or with an error record when a line is too long.
bool requirements_next(struct requirements_reader *reader, struct sl_error *err);

// Splits a logical line into requirement and options and reads the options into `out` (zeroed, but
// for file and line). What -r or -c name comes out in `include_out`, owned, else NULL.
bool requirements_read_line(const char *text, struct requirements_line *out, char **include_out,
			    bool *include_is_constraint_out, struct sl_error *err) SL_MUST_USE;

struct requirements_words {
	char *text; // all of them, each with its NUL
	SL_LIST(const char *) words;
};

// Words as a POSIX shell splits them, quotes and backslashes included. `out` is zeroed before, and
// released by the caller whatever comes back.
bool requirements_split(const char *text, struct requirements_words *out,
			struct sl_error *err) SL_MUST_USE;
void requirements_words_release(struct requirements_words *words);

void requirements_line_release(struct requirements_line *line);

#endif
