// SPDX-License-Identifier: Apache-2.0
// Characters as the packaging grammar sees them: ASCII, whatever the locale. For this room only.
#ifndef SL_PACKAGING_SCAN_H
#define SL_PACKAGING_SCAN_H

#include <stdbool.h>
#include <stddef.h>

static inline bool scan_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline char scan_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static inline bool scan_is_alnum(char c)
{
	c = scan_lower(c);
	return scan_is_digit(c) || (c >= 'a' && c <= 'z');
}

// A blank of the requirement grammar.
static inline bool scan_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static inline bool scan_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f);
}

static inline void scan_trim(const char **text, size_t *len)
{
	for (; *len && scan_is_space(**text); (*len)--)
		(*text)++;
	while (*len && scan_is_space((*text)[*len - 1]))
		(*len)--;
}

#endif
