// SPDX-License-Identifier: Apache-2.0
// The definition format has no escape character, so text is either harmless as it stands or
// refused.
#include "bundles/recipe/rules.h"

#include <string.h>

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_hidden(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x2028 || code == 0x2029 ||
	       code == 0xfeff;
}

bool rules_is_clean(const char *text, const char *allowed)
{
	size_t len = strlen(text);
	for (size_t at = 0, step; at < len; at += step) {
		uint32_t code;
		step = sl_text_decode(text + at, len - at, &code);
		if (step == 0)
			return false;
		if (is_hidden(code) && (code > 0x7f || !strchr(allowed, (int)code)))
			return false;
	}
	return true;
}

static bool is_blank(uint32_t code)
{
	return (code >= 0x09 && code <= 0x0d) || code == 0x20 || code == 0x85 || code == 0xa0 ||
	       code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
	       code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

size_t rules_blank(const char *text, size_t len)
{
	uint32_t code;
	size_t step = len > 0 ? sl_text_decode(text, len, &code) : 0;
	return step > 0 && is_blank(code) ? step : 0;
}

bool rules_has_outer_blank(const char *text)
{
	size_t len = strlen(text), last = 0;
	for (size_t at = 0; at < len;) {
		uint32_t code;
		size_t step = sl_text_decode(text + at, len - at, &code);
		last = at;
		at += step > 0 ? step : 1;
	}
	return rules_blank(text, len) > 0 || rules_blank(text + last, len - last) > 0;
}

bool rules_has_section_line(const char *text)
{
	size_t len = strlen(text);
	bool at_start = true;
	for (size_t at = 0; at < len;) {
		size_t blank = rules_blank(text + at, len - at);
		if (at_start && text[at] == '%')
			return true;
		at_start = text[at] == '\n' || (at_start && blank > 0);
		at += blank > 0 ? blank : 1;
	}
	return false;
}

static size_t span_blank(const char *text)
{
	return strspn(text, " \t\n\v\f\r");
}

static size_t span_word(const char *text)
{
	size_t len = 0;
	while (is_alnum(text[len]) || text[len] == '_')
		len++;
	return len;
}

bool rules_has_template(const char *text)
{
	for (const char *open = strstr(text, "{{"); open; open = strstr(open + 1, "{{")) {
		const char *word = open + 2 + span_blank(open + 2);
		size_t len = span_word(word);
		const char *close = word + len + span_blank(word + len);
		if (len > 0 && close[0] == '}' && close[1] == '}')
			return true;
	}
	return false;
}

bool rules_is_of(const char *text, const char *more)
{
	if (!*text)
		return false;
	for (; *text; text++)
		if (!is_alnum(*text) && !strchr(more, *text))
			return false;
	return true;
}

bool rules_is_numbers(const char *text, unsigned parts)
{
	for (unsigned i = 0; i < parts; i++) {
		size_t digits = strspn(text, "0123456789");
		if (digits == 0 || digits > 4 || (digits > 1 && *text == '0'))
			return false;
		text += digits;
		if (i + 1 < parts && *text++ != '.')
			return false;
	}
	return *text == '\0';
}

// Backslash, quote, dollar and back-tick keep their meaning inside double quotes and are escaped.
// Two braces never touch: the quotes are closed and opened again between them, so that no template
// can arise.
static size_t quote_one(const char *at, char out[4])
{
	size_t len = 0;
	if (strchr("\\\"$`", *at))
		out[len++] = '\\';
	out[len++] = *at;
	if (at[0] == '{' && at[1] == '{') {
		out[len++] = '"';
		out[len++] = '"';
	}
	return len;
}

size_t rules_quoted_length(const char *value)
{
	size_t len = 0;
	char piece[4];
	for (; *value; value++)
		len += quote_one(value, piece);
	return len;
}

void rules_quote(struct sl_buf *out, const char *value)
{
	char piece[4];
	for (; *value; value++)
		sl_buf_add(out, piece, quote_one(value, piece));
}

bool rules_is_version(const char *text)
{
	return strlen(text) <= SL_LIMIT_VERSION && *text >= '0' && *text <= '9' &&
	       rules_is_of(text, ".!+");
}

bool rules_is_wheel_file(const char *text)
{
	size_t len = strlen(text);
	return len > 4 && len <= SL_LIMIT_WHEEL_NAME && is_alnum(*text) &&
	       rules_is_of(text, "._+!-") && strcmp(text + len - 4, ".whl") == 0;
}
