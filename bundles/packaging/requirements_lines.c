// SPDX-License-Identifier: Apache-2.0
// Physical lines, joined and stripped. A logical line never grows past SL_LIMIT_LINE.
#include "bundles/packaging/requirements_parts.h"

#include "bundles/packaging/scan.h"

#include <string.h>

void requirements_reader_init(struct requirements_reader *reader, const char *text, size_t len)
{
	*reader = (struct requirements_reader){.at = text, .end = text + len, .next_line = 1};
	sl_buf_init(&reader->text, SL_LIMIT_LINE);
}

void requirements_reader_release(struct requirements_reader *reader)
{
	sl_buf_release(&reader->text);
}

// Length of the line end at `at`, 0 if there is none: every line boundary of Unicode counts.
static size_t line_end(const char *at, const char *end)
{
	unsigned char c = (unsigned char)*at;
	if (c == '\r')
		return at + 1 < end && at[1] == '\n' ? 2 : 1;
	if ((c >= '\n' && c <= '\f') || (c >= 0x1c && c <= 0x1e))
		return 1;
	if (c == 0xc2)
		return end - at >= 2 && memcmp(at, "\xc2\x85", 2) == 0 ? 2 : 0;
	if (c == 0xe2 && end - at >= 3 &&
	    (memcmp(at, "\xe2\x80\xa8", 3) == 0 || memcmp(at, "\xe2\x80\xa9", 3) == 0))
		return 3;
	return 0;
}

// Whether a line end may begin with this byte.
static bool may_end(char c)
{
	static const bool first[256] = {
		['\n'] = true, ['\v'] = true, ['\f'] = true, ['\r'] = true, [0x1c] = true,
		[0x1d] = true, [0x1e] = true, [0xc2] = true, [0xe2] = true,
	};
	return first[(unsigned char)c];
}

static void next_physical(struct requirements_reader *reader, const char **line, size_t *len)
{
	const char *at = reader->at;
	size_t end_len = 0;
	while (at < reader->end && (!may_end(*at) || (end_len = line_end(at, reader->end)) == 0))
		at++;
	*line = reader->at;
	*len = (size_t)(at - reader->at);
	reader->at = at < reader->end ? at + end_len : at;
	reader->next_line++;
}

static bool is_comment(const char *line, size_t len)
{
	scan_trim(&line, &len);
	return len && *line == '#';
}

// Joins physical lines into `text`. A comment line ends what a backslash began, and stays a
// comment: the blank before it keeps its "#" from sticking to the word in front.
static void join(struct requirements_reader *reader)
{
	sl_buf_clear(&reader->text);
	reader->line = reader->next_line;
	bool more = true;
	while (more && reader->at < reader->end) {
		const char *line;
		size_t len;
		next_physical(reader, &line, &len);
		bool comment = is_comment(line, len);
		more = len && line[len - 1] == '\\' && !comment;
		if (comment)
			sl_buf_addc(&reader->text, ' ');
		if (more) {
			for (; len && line[len - 1] == '\\'; len--)
				continue;
			for (; len && *line == '\\'; len--)
				line++;
		}
		sl_buf_add(&reader->text, line, len);
	}
}

// Cuts the text at the first "#" that begins it or follows white space, and trims it.
static void strip(struct sl_buf *text)
{
	const char *start = text->data;
	size_t len = text->len;
	for (const char *hash = memchr(start, '#', len); hash;
	     hash = memchr(hash + 1, '#', len - (size_t)(hash + 1 - start))) {
		if (hash == start || scan_is_space(hash[-1])) {
			len = (size_t)(hash - start);
			break;
		}
	}
	scan_trim(&start, &len);
	memmove(text->data, start, len);
	text->data[len] = '\0';
	text->len = len;
}

bool requirements_next(struct requirements_reader *reader, struct sl_error *err)
{
	while (reader->at < reader->end) {
		join(reader);
		if (reader->text.overflow)
			return sl_fail(err, SL_E_LIMIT, "a line of more than %llu bytes",
				       SL_LIMIT_LINE);
		strip(&reader->text);
		if (reader->text.len)
			return true;
	}
	return false;
}
