// SPDX-License-Identifier: Apache-2.0
#include "compiler/spec/report.h"

#include <stdio.h>
#include <string.h>

#define TRAIL_CEILING 8192
#define SHOWN_BYTES   60

void spec_report_release(struct spec_report *report)
{
	sl_list_each (&report->problems, problem) {
		free(problem->path);
		free(problem->message);
		free(problem->hint);
	}
	sl_list_each (&report->inputs, input) {
		free(input->path);
		free(input->name);
	}
	sl_list_release(&report->problems);
	sl_list_release(&report->inputs);
}

static void add(struct spec_report *report, struct spec_place place, const char *path,
		const char *hint, char *message)
{
	*sl_list_add(&report->problems) = (struct spec_problem){
		.line = place.line,
		.column = place.line ? place.column : 0,
		.width = place.width ? place.width : 1,
		.path = sl_strdup(path),
		.message = message,
		.hint = hint ? sl_strdup(hint) : NULL,
	};
}

SL_PRINTF(1, 0)
static char *format_owned(const char *fmt, va_list args)
{
	va_list again;
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	size_t size = len < 0 ? 1 : (size_t)len + 1;
	char *text = sl_alloc(size);
	if (len > 0)
		vsnprintf(text, size, fmt, args);
	return text;
}

// Messages go into JSON, too. One that quotes the text of another error may have been cut short
// within a character.
SL_PRINTF(1, 0)
static char *format_utf8(const char *fmt, va_list args)
{
	char *text = format_owned(fmt, args);
	if (sl_text_is_utf8(text, strlen(text)))
		return text;
	char *shown = sl_text_shown(text);
	free(text);
	return shown;
}

void spec_report_addv(struct spec_report *report, struct spec_place place, const char *path,
		      const char *hint, const char *fmt, va_list args)
{
	if (report->problems.len >= SL_LIMIT_PROBLEMS)
		return;
	if (report->problems.len == SL_LIMIT_PROBLEMS - 1)
		add(report, (struct spec_place){0}, "", "mend these first, then check again",
		    sl_format("more problems than the %d that are shown", SL_LIMIT_PROBLEMS - 1));
	else
		add(report, place, path, hint, format_utf8(fmt, args));
}

void spec_report_add(struct spec_report *report, struct spec_place place, const char *path,
		     const char *hint, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	spec_report_addv(report, place, path, hint, fmt, args);
	va_end(args);
}

void spec_report_input(struct spec_report *report, struct spec_place place, const char *path,
		       const char *name, enum spec_input_kind kind)
{
	*sl_list_add(&report->inputs) = (struct spec_input){
		.place = place,
		.path = sl_strdup(path),
		.name = sl_strdup(name),
		.kind = kind,
	};
}

// The file as a whole comes last: its problems are summaries and things that are missing.
static bool stands_before(const struct spec_problem *a, const struct spec_problem *b)
{
	if (a->line != b->line)
		return a->line != 0 && (b->line == 0 || a->line < b->line);
	return a->column < b->column;
}

// Insertion sort: stable, and there are at most SL_LIMIT_PROBLEMS, mostly in order already.
void spec_report_sort(struct spec_report *report)
{
	struct spec_problem *items = report->problems.items;
	for (size_t i = 1; i < report->problems.len; i++) {
		struct spec_problem one = items[i];
		size_t at = i;
		for (; at > 0 && stands_before(&one, &items[at - 1]); at--)
			items[at] = items[at - 1];
		items[at] = one;
	}
}

void trail_init(struct trail *trail)
{
	sl_buf_init(&trail->text, TRAIL_CEILING);
}

void trail_release(struct trail *trail)
{
	sl_buf_release(&trail->text);
}

size_t trail_key(struct trail *trail, const char *key)
{
	size_t mark = trail->text.len;
	sl_auto_free char *shown = spec_shown(key);
	if (mark > 0)
		sl_buf_addc(&trail->text, '.');
	sl_buf_adds(&trail->text, shown);
	return mark;
}

size_t trail_index(struct trail *trail, size_t index)
{
	size_t mark = trail->text.len;
	sl_buf_addf(&trail->text, "[%zu]", index);
	return mark;
}

void trail_cut(struct trail *trail, size_t mark)
{
	trail->text.len = mark;
	trail->text.data[mark] = '\0';
}

char *spec_shown(const char *text)
{
	size_t len = strlen(text);
	bool cut = len > SHOWN_BYTES;
	if (cut) {
		len = SHOWN_BYTES;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	sl_auto_buf struct sl_buf out = {0};
	sl_buf_init(&out, SHOWN_BYTES * 16);
	sl_text_escape(&out, text, len);
	if (cut)
		sl_buf_adds(&out, "...");
	return sl_buf_steal(&out, NULL);
}
