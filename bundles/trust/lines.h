// SPDX-License-Identifier: Apache-2.0
// minisign's files are a few short lines: comments and base64, each ended by one line feed.
#ifndef SL_TRUST_LINES_H
#define SL_TRUST_LINES_H

#include "bundles/base/base.h"

#define UNTRUSTED_COMMENT "untrusted comment: "
#define TRUSTED_COMMENT	  "trusted comment: "

struct line {
	const char *text; // borrowed, not NUL-terminated
	size_t len;
};

// Splits `text` into lines and returns how many there are, or 0 when there is none or more than
// `max`, or a byte that is a control character (T36; a carriage return is one). The last line feed
// may be missing only where `lenient_end`.
size_t lines_split(const char *text, size_t len, bool lenient_end, struct line *lines, size_t max);

// The rest of a line that begins with `prefix`; false if it does not.
bool line_after(const struct line *line, const char *prefix, struct line *rest_out);
bool line_is(const struct line *line, const char *text);

#endif
