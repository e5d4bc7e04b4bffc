// SPDX-License-Identifier: Apache-2.0
#include "compiler/pins/problems.h"

#include <stdio.h>

SL_PRINTF(1, 0) static char *format(const char *fmt, va_list args)
{
	char text[2048];
	sl_auto_buf struct sl_buf line;
	vsnprintf(text, sizeof text, fmt, args);
	sl_buf_init(&line, 10 * sizeof text);
	sl_text_tame(&line, text);
	return sl_buf_steal(&line, NULL);
}

void pins_problem(struct pins *pins, const char *fmt, ...)
{
	if (pins->problems.len == SL_LIMIT_PROBLEMS)
		return;
	va_list args;
	va_start(args, fmt);
	*sl_list_add(&pins->problems) = format(fmt, args);
	va_end(args);
}

void pins_note(struct pins *pins, const char *fmt, ...)
{
	if (pins->notes.len == SL_LIMIT_PROBLEMS)
		return;
	va_list args;
	va_start(args, fmt);
	*sl_list_add(&pins->notes) = format(fmt, args);
	va_end(args);
}

bool pins_absorb(struct pins *pins, struct sl_error *err)
{
	if (err->kind != SL_E_INPUT && err->kind != SL_E_FORMAT && err->kind != SL_E_LIMIT)
		return false;
	pins_problem(pins, "%s", err->text);
	sl_error_clear(err);
	return true;
}
