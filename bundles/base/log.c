// SPDX-License-Identifier: Apache-2.0
#include "bundles/base/log.h"

#include "bundles/base/text.h"

#include <stdio.h>

// Set once by main before anything else runs; the only state of the base layer.
static const char *log_program = "sealift";
static enum sl_log_level log_level = SL_LOG_NORMAL;

void sl_log_set(const char *program, enum sl_log_level level)
{
	log_program = program;
	log_level = level;
}

// One write per line, so that the lines of several threads do not mix.
SL_PRINTF(2, 0)
static void say(const char *prefix, const char *fmt, va_list args)
{
	char text[4096];
	sl_auto_buf struct sl_buf line;
	vsnprintf(text, sizeof text, fmt, args);
	sl_buf_init(&line, 10 * sizeof text);
	sl_text_tame(&line, text);
	fprintf(stderr, "%s%s\n", prefix, line.data);
}

void sl_note(const char *fmt, ...)
{
	if (log_level < SL_LOG_NORMAL)
		return;
	va_list args;
	va_start(args, fmt);
	say("", fmt, args);
	va_end(args);
}

void sl_debug(const char *fmt, ...)
{
	if (log_level < SL_LOG_VERBOSE)
		return;
	va_list args;
	va_start(args, fmt);
	say("", fmt, args);
	va_end(args);
}

void sl_warn(const char *fmt, ...)
{
	char prefix[128];
	snprintf(prefix, sizeof prefix, "%s: warning: ", log_program);
	va_list args;
	va_start(args, fmt);
	say(prefix, fmt, args);
	va_end(args);
}

void sl_complain(const struct sl_error *err)
{
	fprintf(stderr, "%s: %s\n", log_program, err->text);
}
