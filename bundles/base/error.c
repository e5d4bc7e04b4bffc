// SPDX-License-Identifier: Apache-2.0
#include "bundles/base/error.h"

#include "bundles/base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

// Only the analyzer's builds have these as macros.
#undef sl_fail
#undef sl_fail_errno
#undef sl_prefix

// One row per kind: the law is specs/exit-codes.md.
static const struct {
	const char *name;
	int exit_code;
} kinds[] = {
	[SL_E_NONE] = {"none", 0},     [SL_E_ANSWER] = {"answer", 1},
	[SL_E_USAGE] = {"usage", 2},   [SL_E_INPUT] = {"input", 3},
	[SL_E_FORMAT] = {"format", 3}, [SL_E_UNTRUSTED] = {"untrusted", 4},
	[SL_E_IO] = {"io", 5},	       [SL_E_NETWORK] = {"network", 6},
	[SL_E_LIMIT] = {"limit", 7},   [SL_E_INTERNAL] = {"internal", 70},
};

// A text that was cut ends in "…", so that nobody takes it for the whole.
static void mark_cut(char *text, size_t size)
{
	static const char ellipsis[] = "…";
	size_t cut = size - sizeof ellipsis;
	while (cut && ((unsigned char)text[cut] & 0xC0) == 0x80)
		cut--;
	memcpy(text + cut, ellipsis, sizeof ellipsis);
}

// Callers escape what they quote. What one of them forgot is escaped here: no message steers a
// terminal or looks like two (T63).
static void store(struct sl_error *err, const char *text, bool cut)
{
	sl_auto_buf struct sl_buf line;
	sl_buf_init(&line, 10 * strlen(text) + 1);
	sl_text_tame(&line, text);
	cut = cut || line.len >= sizeof err->text;
	snprintf(err->text, sizeof err->text, "%s", line.data);
	if (cut)
		mark_cut(err->text, sizeof err->text);
}

SL_PRINTF(3, 0)
static void record(struct sl_error *err, enum sl_kind kind, const char *fmt, va_list args)
{
	char text[sizeof err->text];
	err->kind = kind;
	int len = vsnprintf(text, sizeof text, fmt, args);
	store(err, text, len >= (int)sizeof text);
}

bool sl_fail(struct sl_error *err, enum sl_kind kind, const char *fmt, ...)
{
	if (err->kind != SL_E_NONE)
		return false;
	va_list args;
	va_start(args, fmt);
	record(err, kind, fmt, args);
	va_end(args);
	return false;
}

bool sl_fail_errno(struct sl_error *err, const char *fmt, ...)
{
	int saved = errno;
	if (err->kind != SL_E_NONE)
		return false;
	char what[sizeof err->text];
	va_list args;
	va_start(args, fmt);
	vsnprintf(what, sizeof what, fmt, args);
	va_end(args);
	char cause[128];
	return sl_fail(err, SL_E_IO, "%s: %s", what, strerror_r(saved, cause, sizeof cause));
}

bool sl_prefix(struct sl_error *err, const char *fmt, ...)
{
	char context[sizeof err->text];
	va_list args;
	va_start(args, fmt);
	vsnprintf(context, sizeof context, fmt, args);
	va_end(args);
	char whole[2 * sizeof err->text + 2];
	snprintf(whole, sizeof whole, "%s: %s", context, err->text);
	store(err, whole, false);
	return false;
}

void sl_error_clear(struct sl_error *err)
{
	err->kind = SL_E_NONE;
	err->text[0] = '\0';
}

int sl_exit_code(enum sl_kind kind)
{
	return kinds[kind].exit_code;
}

const char *sl_kind_name(enum sl_kind kind)
{
	return kinds[kind].name;
}
