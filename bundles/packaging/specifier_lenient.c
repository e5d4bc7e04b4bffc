// SPDX-License-Identifier: Apache-2.0
// Specifiers that old tools wrote into METADATA although no standard ever allowed them. Each
// rewrite mends one known mistake; they are tried in a fixed order and add up, until the text is a
// set.
#include "bundles/packaging/specifier_parts.h"

#include "bundles/packaging/scan.h"

#include <string.h>

// Copies `in` to `out` with its mistakes mended; nothing to mend leaves both equal.
typedef void rewrite(const char *in, struct sl_buf *out);

// ">=7.2.0<8.0.0": a comma is missing between a digit and the next operator.
static void add_missing_comma(const char *in, struct sl_buf *out)
{
	for (size_t i = 0; in[i]; i++) {
		sl_buf_addc(out, in[i]);
		char next = in[i + 1];
		bool joins = next && (strchr("<>=~", next) || (next == '!' && in[i + 2] == '='));
		if (scan_is_digit(in[i]) && joins)
			sl_buf_addc(out, ',');
	}
}

// "!=~5.0": meant "!=5.0.*".
static void mend_not_compatible(const char *in, struct sl_buf *out)
{
	while (*in) {
		if (strncmp(in, "!=~", 3) != 0) {
			sl_buf_addc(out, *in++);
			continue;
		}
		size_t len = strspn(in + 3, "0123456789.");
		sl_buf_adds(out, "!=");
		sl_buf_add(out, in + 3, len);
		sl_buf_adds(out, ".*");
		in += 3 + len;
	}
}

// ">=1.9.*": the star says nothing after an ordering operator.
static void drop_ordered_star(const char *in, struct sl_buf *out)
{
	bool ordered = false;
	for (size_t i = 0; in[i]; i++) {
		if (strchr("<>", in[i]))
			ordered = true;
		else if (in[i] == ',')
			ordered = false;
		if (ordered && in[i] == '.' && in[i + 1] == '*')
			i++;
		else
			sl_buf_addc(out, in[i]);
	}
}

// "!=3.0*": meant "!=3.0.*".
static void add_missing_dot(const char *in, struct sl_buf *out)
{
	for (size_t i = 0; in[i]; i++) {
		sl_buf_addc(out, in[i]);
		if (scan_is_digit(in[i]) && in[i + 1] == '*')
			sl_buf_addc(out, '.');
	}
}

// ">dev": meant ">0.0.0dev".
static void mend_bare_dev(const char *in, struct sl_buf *out)
{
	for (size_t i = 0; in[i]; i++) {
		if (strncmp(in + i, "dev", 3) == 0 && (i == 0 || strchr("<>= ", in[i - 1])))
			sl_buf_adds(out, "0.0.0");
		sl_buf_addc(out, in[i]);
	}
}

// "9.0.0a1.0": a pre-release has no parts after its number.
static void drop_part_after_pre(const char *in, struct sl_buf *out)
{
	bool after_letter = false;
	for (size_t i = 0; in[i]; i++) {
		if (i && scan_is_digit(in[i - 1]) && strchr("abc", in[i]))
			after_letter = true;
		else if (i && in[i] == 'c' && in[i - 1] == 'r')
			after_letter = true;
		else if (!scan_is_digit(in[i]) && in[i] != '.' && in[i] != 'r')
			after_letter = false;
		if (after_letter && strncmp(in + i, ".0", 2) == 0 && !scan_is_digit(in[i + 2]))
			i++;
		else
			sl_buf_addc(out, in[i]);
	}
}

// ">=3.6'": quotes left over.
static void drop_quotes(const char *in, struct sl_buf *out)
{
	for (; *in; in++) {
		if (*in != '\'' && *in != '"')
			sl_buf_addc(out, *in);
	}
}

bool specifier_parse_slice_lenient(const char *text, size_t len, struct specifier_set **out,
				   bool *repaired_out, struct sl_error *err)
{
	// A comma at the end, another known mistake, is part of the strict grammar already.
	static rewrite *const rewrites[] = {
		add_missing_comma, mend_not_compatible, drop_ordered_star, add_missing_dot,
		mend_bare_dev,	   drop_part_after_pre, drop_quotes,
	};
	*repaired_out = false;
	*out = specifier_try(text, len, false);
	if (*out)
		return true;
	sl_auto_free char *current = sl_strndup(text, len);
	for (size_t i = 0; i < sizeof rewrites / sizeof *rewrites; i++) {
		size_t current_len = strlen(current);
		struct sl_buf mended;
		sl_buf_init(&mended, 6 * current_len + 16);
		rewrites[i](current, &mended);
		free(current);
		current = mended.data;
		if (mended.len == current_len)
			continue;
		*out = specifier_try(current, mended.len, false);
		if (*out) {
			*repaired_out = true;
			return true;
		}
	}
	return specifier_parse_slice(text, len, false, out, err); // for its message
}

bool specifier_parse_lenient(const char *text, struct specifier_set **out, bool *repaired_out,
			     struct sl_error *err)
{
	return specifier_parse_slice_lenient(text, strlen(text), out, repaired_out, err);
}
