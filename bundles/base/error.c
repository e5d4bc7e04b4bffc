// SPDX-License-Identifier: Apache-2.0
#include "bundles/base/error.h"

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

SL_PRINTF(3, 0)
static void record(struct sl_error *err, enum sl_kind kind, const char *fmt, va_list args)
{
	err->kind = kind;
	int len = vsnprintf(err->text, sizeof err->text, fmt, args);
	if (len >= (int)sizeof err->text)
		mark_cut(err->text, sizeof err->text);
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
	size_t len = strlen(whole);
	bool cut = len >= sizeof err->text;
	memcpy(err->text, whole, cut ? sizeof err->text : len + 1);
	if (cut)
		mark_cut(err->text, sizeof err->text);
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
