// SPDX-License-Identifier: Apache-2.0
// The bytes of a requirements file as UTF-8: a byte order mark decides, then a "coding:" comment in
// the first two lines, then UTF-8. The locale of whoever runs us decides nothing.
#include "bundles/packaging/requirements_parts.h"

#include "bundles/packaging/scan.h"

#include <string.h>
#include <strings.h>

static void add_utf8(struct sl_buf *out, uint32_t code)
{
	if (code < 0x80) {
		sl_buf_addc(out, (char)code);
		return;
	}
	if (code >= 0x10000) {
		sl_buf_addc(out, (char)(0xf0 | code >> 18));
		sl_buf_addc(out, (char)(0x80 | (code >> 12 & 0x3f)));
	} else if (code >= 0x800) {
		sl_buf_addc(out, (char)(0xe0 | code >> 12));
	}
	if (code >= 0x800)
		sl_buf_addc(out, (char)(0x80 | (code >> 6 & 0x3f)));
	else
		sl_buf_addc(out, (char)(0xc0 | code >> 6));
	sl_buf_addc(out, (char)(0x80 | (code & 0x3f)));
}

static uint32_t unit_at(const char *bytes, size_t width, bool big)
{
	const unsigned char *at = (const unsigned char *)bytes;
	uint32_t unit = 0;
	for (size_t i = 0; i < width; i++)
		unit |= (uint32_t)at[i] << 8 * (big ? width - 1 - i : i);
	return unit;
}

// UTF-16 (width 2) or UTF-32 (width 4).
static bool decode_wide(const char *bytes, size_t len, size_t width, bool big, struct sl_buf *out)
{
	if (len % width)
		return false;
	for (size_t i = 0; i < len; i += width) {
		uint32_t code = unit_at(bytes + i, width, big);
		if (width == 2 && code >= 0xd800 && code < 0xdc00) {
			i += width;
			uint32_t low = i < len ? unit_at(bytes + i, width, big) : 0;
			if (low < 0xdc00 || low > 0xdfff)
				return false;
			code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
		} else if ((code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) {
			return false;
		}
		add_utf8(out, code);
	}
	return true;
}

// The name after "coding:" or "coding=" in a comment of one of the first two lines; its length, or
// 0.
static size_t find_coding(const char *text, size_t len, const char **name_out)
{
	const char *end = text + len;
	for (int line = 0; line < 2 && text < end; line++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;
		const char *found =
			*text == '#' ? memmem(text, (size_t)(stop - text), "coding", 6) : NULL;
		if (found && found + 6 < stop && (found[6] == ':' || found[6] == '=')) {
			const char *name = found + 7;
			while (name < stop && scan_is_blank(*name))
				name++;
			size_t name_len = 0;
			while (name + name_len < stop &&
			       (scan_is_alnum(name[name_len]) || strchr("-_.", name[name_len])))
				name_len++;
			*name_out = name;
			return name_len;
		}
		text = newline ? newline + 1 : end;
	}
	return 0;
}

static bool is_one_of(const char *name, size_t len, const char *const *known)
{
	for (; *known; known++) {
		if (strlen(*known) == len && strncasecmp(*known, name, len) == 0)
			return true;
	}
	return false;
}

static bool decode_utf8(const char *text, size_t len, struct sl_buf *out, struct sl_error *err)
{
	if (!sl_text_is_utf8(text, len))
		return sl_fail(err, SL_E_INPUT, "the text is not UTF-8: save it as UTF-8");
	sl_buf_add(out, text, len);
	return true;
}

static bool decode_declared(const char *text, size_t len, struct sl_buf *out, struct sl_error *err)
{
	static const char *const utf8[] = {"utf-8", "utf8", "ascii", "us-ascii", "utf-8-sig", NULL};
	static const char *const latin1[] = {"latin-1",	   "latin1", "iso-8859-1", "iso8859-1",
					     "iso_8859_1", "l1",     NULL};
	const char *name;
	size_t name_len = find_coding(text, len, &name);
	if (name_len == 0 || is_one_of(name, name_len, utf8))
		return decode_utf8(text, len, out, err);
	if (!is_one_of(name, name_len, latin1)) {
		sl_auto_free char *coding = sl_strndup(name, name_len);
		return sl_fail(err, SL_E_INPUT, "the encoding '%s' is not known: save it as UTF-8",
			       coding);
	}
	for (size_t i = 0; i < len; i++)
		add_utf8(out, (unsigned char)text[i]);
	return true;
}

bool requirements_decode(const char *bytes, size_t len, struct sl_buf *out, struct sl_error *err)
{
	static const struct {
		const char *mark;
		size_t len, width;
		bool big;
	} marks[] = {
		// The marks of UTF-32 begin with those of UTF-16.
		{"\xff\xfe\0\0", 4, 4, false}, {"\0\0\xfe\xff", 4, 4, true},
		{"\xff\xfe", 2, 2, false},     {"\xfe\xff", 2, 2, true},
		{"\xef\xbb\xbf", 3, 1, false},
	};
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
		if (len < marks[i].len || memcmp(bytes, marks[i].mark, marks[i].len) != 0)
			continue;
		bytes += marks[i].len;
		len -= marks[i].len;
		if (marks[i].width == 1)
			return decode_utf8(bytes, len, out, err);
		if (decode_wide(bytes, len, marks[i].width, marks[i].big, out))
			return true;
		return sl_fail(err, SL_E_INPUT, "the text is not UTF-%zu as its first bytes say",
			       8 * marks[i].width);
	}
	return decode_declared(bytes, len, out, err);
}
