// SPDX-License-Identifier: Apache-2.0
#include "bundles/trust/lines.h"

#include <string.h>

static bool has_control(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return true;
	return false;
}

size_t lines_split(const char *text, size_t len, bool lenient_end, struct line *lines, size_t max)
{
	size_t count = 0;
	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		if ((!end && !lenient_end) || count == max)
			return 0;
		size_t line_len = end ? (size_t)(end - text) : len;
		if (has_control(text, line_len))
			return 0;
		lines[count++] = (struct line){text, line_len};
		size_t used = line_len + (end ? 1 : 0);
		text += used;
		len -= used;
	}
	return count;
}

bool line_after(const struct line *line, const char *prefix, struct line *rest_out)
{
	size_t len = strlen(prefix);
	if (line->len < len || memcmp(line->text, prefix, len) != 0)
		return false;
	*rest_out = (struct line){line->text + len, line->len - len};
	return true;
}

bool line_is(const struct line *line, const char *text)
{
	return line->len == strlen(text) && memcmp(line->text, text, line->len) == 0;
}
