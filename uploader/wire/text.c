// SPDX-License-Identifier: Apache-2.0
#include "uploader/wire/text.h"

bool wire_text_is_ascii(const char *text, size_t len)
{
	unsigned char all = 0;
	for (size_t i = 0; i < len; i++)
		all |= (unsigned char)text[i];
	return all < 0x80;
}

// The letter of a two-character escape, 'u' for \u00XX, 0 for what stands for itself: the choice of
// Python's json module.
static char escape_of(unsigned char c)
{
	switch (c) {
	case '\b':
		return 'b';
	case '\t':
		return 't';
	case '\n':
		return 'n';
	case '\f':
		return 'f';
	case '\r':
		return 'r';
	case '"':
	case '\\':
		return (char)c;
	default:
		return c < 0x20 ? 'u' : 0;
	}
}

size_t wire_text_json_size(const char *text, size_t len)
{
	size_t size = 2;
	for (size_t i = 0; i < len; i++) {
		char escape = escape_of((unsigned char)text[i]);
		size += escape == 0 ? 1 : escape == 'u' ? 6 : 2;
	}
	return size;
}

void wire_text_json_add(struct sl_buf *out, const char *text, size_t len)
{
	size_t run = 0; // where the bytes that stand for themselves begin
	sl_buf_addc(out, '"');
	for (size_t i = 0; i < len; i++) {
		char escape = escape_of((unsigned char)text[i]);
		if (!escape)
			continue;
		sl_buf_add(out, text + run, i - run);
		run = i + 1;
		if (escape == 'u')
			sl_buf_addf(out, "\\u%04x", (unsigned char)text[i]);
		else
			sl_buf_addf(out, "\\%c", escape);
	}
	if (run < len)
		sl_buf_add(out, text + run, len - run);
	sl_buf_addc(out, '"');
}
