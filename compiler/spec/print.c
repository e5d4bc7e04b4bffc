// SPDX-License-Identifier: Apache-2.0
// A problem as people read it: where, what, the line itself with a caret, and what would be right.
#include "compiler/spec/report.h"

#include <string.h>

#define WINDOW 96 // characters of the line that are shown
#define BEFORE 60 // at most so many of them before the marked text

struct line {
	const char *text;
	size_t len;
};

static bool find_line(const char *text, size_t len, unsigned number, struct line *out)
{
	const char *end = text + len;
	for (unsigned i = 1; i < number; i++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		if (!newline)
			return false;
		text = newline + 1;
	}
	const char *newline = memchr(text, '\n', (size_t)(end - text));
	size_t size = (size_t)((newline ? newline : end) - text);
	if (size > 0 && text[size - 1] == '\r')
		size--;
	*out = (struct line){text, size};
	return true;
}

// Bytes of the first `count` characters, or of all there are.
static size_t bytes_of(struct line line, size_t count)
{
	size_t at = 0;
	for (; count > 0 && at < line.len; count--) {
		uint32_t code;
		size_t step = sl_text_decode(line.text + at, line.len - at, &code);
		at += step ? step : 1;
	}
	return at;
}

static struct line skip(struct line line, size_t count)
{
	size_t bytes = bytes_of(line, count);
	return (struct line){line.text + bytes, line.len - bytes};
}

// How many columns `text` takes once it is escaped; one a character. Backslashes stay single, since
// this is the line as the person wrote it, and a tab is one blank, so that the caret fits.
static size_t add_escaped(struct sl_buf *out, const char *text, size_t len)
{
	size_t before = out->len;
	for (size_t at = 0; at < len; at++) {
		size_t stretch = at;
		while (stretch < len && text[stretch] != '\\' && text[stretch] != '\t')
			stretch++;
		sl_text_escape(out, text + at, stretch - at);
		if (stretch < len)
			sl_buf_addc(out, text[stretch] == '\t' ? ' ' : '\\');
		at = stretch;
	}
	size_t columns = 0;
	for (size_t i = before; i < out->len; i++)
		columns += ((unsigned char)out->data[i] & 0xc0) != 0x80;
	return columns;
}

static void add_repeated(struct sl_buf *out, char c, size_t count)
{
	while (count-- > 0)
		sl_buf_addc(out, c);
}

static void print_source(struct line line, const struct spec_problem *problem, struct sl_buf *out)
{
	size_t column = problem->column ? problem->column - 1 : 0, skipped = 0;
	if (column > BEFORE) {
		skipped = column - BEFORE;
		line = skip(line, skipped);
	}
	size_t shown = bytes_of(line, WINDOW);
	size_t prefix = bytes_of(line, column - skipped);
	size_t marked = bytes_of((struct line){line.text + prefix, shown - prefix}, problem->width);
	sl_buf_adds(out, skipped ? "    ..." : "    ");
	size_t caret = add_escaped(out, line.text, prefix) + (skipped ? 3 : 0);
	size_t width = add_escaped(out, line.text + prefix, marked);
	add_escaped(out, line.text + prefix + marked, shown - prefix - marked);
	sl_buf_adds(out, shown < line.len ? "...\n    " : "\n    ");
	add_repeated(out, ' ', caret);
	add_repeated(out, '^', width ? width : 1);
	sl_buf_addc(out, '\n');
}

void spec_problem_print(const struct spec_problem *problem, const char *text, size_t len,
			const char *shown, struct sl_buf *out)
{
	struct line line;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { // columns begin after the mark
		text += 3;
		len -= 3;
	}
	if (problem->line == 0)
		sl_buf_addf(out, "%s: ", shown);
	else
		sl_buf_addf(out, "%s:%u:%u: ", shown, problem->line, problem->column);
	if (*problem->path)
		sl_buf_addf(out, "%s: ", problem->path);
	sl_buf_addf(out, "%s\n", problem->message);
	if (problem->line && find_line(text, len, problem->line, &line))
		print_source(line, problem, out);
	if (problem->hint)
		sl_buf_addf(out, "    hint: %s\n", problem->hint);
}
