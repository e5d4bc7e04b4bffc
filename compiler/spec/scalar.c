// SPDX-License-Identifier: Apache-2.0
#include "compiler/spec/scalar.h"

#include <stddef.h>
#include <string.h>

#define DIGITS	     "0123456789"
#define DIGITS_BAR   DIGITS "_"
#define EXACT_DIGITS 15 // a double holds any decimal number of so many

static bool is_one_of(const char *text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(text, words[i]) == 0)
			return true;
	}
	return false;
}

static bool is_null(const char *text)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};
	return is_one_of(text, words, sizeof words / sizeof *words);
}

static bool is_bool(const char *text)
{
	static const char *const words[] = {
		"y",	"Y",	"yes",	 "Yes",	  "YES",   "n",	 "N",  "no", "No",  "NO",  "true",
		"True", "TRUE", "false", "False", "FALSE", "on", "On", "ON", "off", "Off", "OFF",
	};
	return is_one_of(text, words, sizeof words / sizeof *words);
}

static const char *skip_sign(const char *text)
{
	return *text == '-' || *text == '+' ? text + 1 : text;
}

static bool is_point_word(const char *text)
{
	static const char *const words[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"};
	return is_one_of(text, words, sizeof words / sizeof *words);
}

// 0x1F, 0o17, 0b11
static bool is_based(const char *text)
{
	if (text[0] != '0' || text[1] == '\0' || text[2] == '\0')
		return false;
	const char *digits = text[1] == 'x'   ? "0123456789abcdefABCDEF_"
			     : text[1] == 'o' ? "01234567_"
			     : text[1] == 'b' ? "01_"
					      : "";
	return strspn(text + 2, digits) == strlen(text + 2);
}

// 1, 1_000, 010, 1.5, .5, 1., 1e3, 1.5E-3
static bool is_decimal(const char *text)
{
	size_t whole = *text == '_' ? 0 : strspn(text, DIGITS_BAR);
	text += whole;
	size_t fraction = 0;
	if (*text == '.') {
		fraction = strspn(++text, DIGITS_BAR);
		if (fraction == strspn(text, "_"))
			fraction = 0;
		text += strspn(text, DIGITS_BAR);
	}
	if (whole == 0 && fraction == 0)
		return false;
	if (*text == 'e' || *text == 'E') {
		text = skip_sign(text + 1);
		if (strspn(text, DIGITS) == 0)
			return false;
		text += strspn(text, DIGITS);
	}
	return *text == '\0';
}

// 12:30, 1:30:00, 190:20:30.15: numbers to the base of sixty
static bool is_sexagesimal(const char *text)
{
	if (*text == '_' || strspn(text, DIGITS_BAR) == 0)
		return false;
	text += strspn(text, DIGITS_BAR);
	size_t parts = 0;
	for (; *text == ':'; parts++) {
		size_t len = strspn(++text, DIGITS);
		if (len == 0 || len > 2 || (len == 2 && *text > '5'))
			return false;
		text += len;
	}
	if (parts > 0 && *text == '.')
		text += 1 + strspn(text + 1, DIGITS_BAR);
	return parts > 0 && *text == '\0';
}

static bool is_number(const char *text)
{
	text = skip_sign(text);
	return is_decimal(text) || is_based(text) || is_sexagesimal(text) || is_point_word(text);
}

// `*text` moves past "-7" or "-07".
static bool skip_date_part(const char **text)
{
	size_t len = **text == '-' ? strspn(*text + 1, DIGITS) : 0;
	*text += len + 1;
	return len == 1 || len == 2;
}

// 2026-11-22, and with a time after it
static bool is_date(const char *text)
{
	if (strspn(text, DIGITS) != 4)
		return false;
	text += 4;
	if (!skip_date_part(&text) || !skip_date_part(&text))
		return false;
	if (*text == '\0')
		return true;
	size_t gap = *text == 'T' || *text == 't' ? 1 : strspn(text, " \t");
	size_t hour = gap ? strspn(text + gap, DIGITS) : 0;
	return (hour == 1 || hour == 2) && text[gap + hour] == ':';
}

bool scalar_is_whole(const char *text)
{
	size_t digits = strspn(text, DIGITS);
	return digits > 0 && digits <= EXACT_DIGITS && text[digits] == '\0' &&
	       (digits == 1 || text[0] != '0');
}

// No sign but a minus, no needless zero, few digits, and not so small that programs write it with
// an exponent.
static bool is_exact(const char *text)
{
	bool negative = *text == '-';
	text += negative;
	if (scalar_is_whole(text))
		return !(negative && strcmp(text, "0") == 0);
	size_t whole = strspn(text, DIGITS);
	if (whole == 0 || (whole > 1 && text[0] == '0') || text[whole] != '.')
		return false;
	const char *fraction = text + whole + 1;
	size_t len = strspn(fraction, DIGITS);
	if (len == 0 || fraction[len] != '\0' || fraction[len - 1] == '0')
		return false;
	return whole + len <= EXACT_DIGITS && (text[0] != '0' || strspn(fraction, "0") <= 3);
}

enum scalar_class scalar_classify(const char *text)
{
	if (is_null(text))
		return SCALAR_NULL;
	if (is_bool(text))
		return SCALAR_BOOL;
	if (is_number(text))
		return is_exact(text) ? SCALAR_EXACT : SCALAR_NUMBER;
	if (is_date(text))
		return SCALAR_DATE;
	if (strcmp(text, "=") == 0 || strcmp(text, "<<") == 0)
		return SCALAR_SPECIAL;
	return SCALAR_TEXT;
}

const char *scalar_class_phrase(enum scalar_class class)
{
	switch (class) {
	case SCALAR_TEXT:
		break;
	case SCALAR_NULL:
		return "nothing";
	case SCALAR_BOOL:
		return "true or false to some readers";
	case SCALAR_NUMBER:
		return "a number that readers write differently";
	case SCALAR_EXACT:
		return "a number";
	case SCALAR_DATE:
		return "a date to some readers";
	case SCALAR_SPECIAL:
		return "special to some readers";
	}
	return "text";
}
