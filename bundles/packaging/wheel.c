// SPDX-License-Identifier: Apache-2.0
#include "bundles/packaging/wheel.h"

#include "bundles/packaging/scan.h"

#include <string.h>

struct part {
	const char *text;
	size_t len;
};

static bool refuse(struct sl_error *err, const char *leaf, const char *why)
{
	sl_auto_free char *shown = sl_text_shown(leaf);
	return sl_fail(err, SL_E_INPUT, "'%s' is not the name of a wheel: %s", shown, why);
}

static bool is_word_char(char c)
{
	return scan_is_alnum(c) || c == '_';
}

static bool all_word_chars(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!is_word_char(text[i]))
			return false;
	}
	return len > 0;
}

// Letters of any script, digits, "." and "_", but no "__".
static bool is_escaped_name(const char *text, size_t len)
{
	if (len == 0 || memmem(text, len, "__", 2))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_word_char(text[i]) && text[i] != '.' && (unsigned char)text[i] < 0x80)
			return false;
	}
	sl_auto_free char *copy = sl_strndup(text, len);
	sl_auto_free char *shown = sl_text_shown(copy);
	return sl_text_is_utf8(text, len) &&
	       strcmp(copy, shown) == 0; // nothing that needs escaping
}

// Splits at "-"; returns the number of parts, `max` + 1 if there are more.
static size_t split_parts(const char *text, size_t len, struct part *parts, size_t max)
{
	size_t count = 0;
	const char *end = text + len;
	for (;;) {
		const char *dash = memchr(text, '-', (size_t)(end - text));
		if (count == max)
			return max + 1;
		parts[count++] = (struct part){text, (size_t)((dash ? dash : end) - text)};
		if (!dash)
			return count;
		text = dash + 1;
	}
}

// A ".-joined" set of tags in lower case; false when one is empty or has another character.
static bool read_set(struct part part, struct sl_strings *out)
{
	const char *at = part.text, *end = part.text + part.len;
	for (;;) {
		const char *dot = memchr(at, '.', (size_t)(end - at));
		size_t len = (size_t)((dot ? dot : end) - at);
		if (!all_word_chars(at, len))
			return false;
		char *tag = sl_strndup(at, len);
		for (size_t i = 0; i < len; i++)
			tag[i] = scan_lower(tag[i]);
		*sl_list_add(out) = tag;
		if (!dot)
			return true;
		at = dot + 1;
	}
}

static bool read_pythons(struct part part, struct wheel_name *out)
{
	if (!read_set(part, &out->pythons))
		return false;
	sl_list_each (&out->pythons, python) {
		if (scan_is_digit(**python)) // an identifier does not begin with a digit
			return false;
	}
	return true;
}

static bool read_build(struct part part, struct wheel_name *out)
{
	size_t digits = 0;
	while (digits < part.len && scan_is_digit(part.text[digits]))
		digits++;
	if (digits == 0)
		return false;
	size_t zeros = 0;
	while (zeros + 1 < digits && part.text[zeros] == '0')
		zeros++;
	for (size_t i = digits; i < part.len; i++) {
		if (!is_word_char(part.text[i]) && part.text[i] != '.')
			return false;
	}
	out->has_build = true;
	out->build_number = sl_strndup(part.text + zeros, digits - zeros);
	out->build_rest = sl_strndup(part.text + digits, part.len - digits);
	return true;
}

static const char *read_parts(const struct part *parts, size_t count, struct wheel_name *out)
{
	if (count < 5 || count > 6)
		return "it has not the form NAME-VERSION(-BUILD)-PYTHON-ABI-PLATFORM.whl";
	if (!is_escaped_name(parts[0].text, parts[0].len))
		return "the part before the version is no escaped project name";
	out->name = name_normalise(parts[0].text, parts[0].len);
	out->version = version_try(parts[1].text, parts[1].len);
	if (!out->version || scan_is_space(parts[1].text[0]) ||
	    scan_is_space(parts[1].text[parts[1].len - 1]))
		return "the second part is not a version (PEP 440)";
	if (count == 6 && !read_build(parts[2], out))
		return "the build tag does not begin with a digit";
	if (count == 5) {
		out->build_number = sl_strdup("");
		out->build_rest = sl_strdup("");
	}
	if (!read_pythons(parts[count - 3], out))
		return "the Python tag is not like py3 or cp311";
	if (!read_set(parts[count - 2], &out->abis) || !read_set(parts[count - 1], &out->platforms))
		return "the ABI or platform tag is empty or has an unknown character";
	if (out->pythons.len * out->abis.len * out->platforms.len > SL_LIMIT_WHEEL_TAGS)
		return "it claims more than 1024 tags";
	return NULL;
}

bool wheel_name_parse(const char *leaf, struct wheel_name *out, struct sl_error *err)
{
	*out = (struct wheel_name){0};
	size_t len = strlen(leaf);
	if (len > SL_LIMIT_WHEEL_NAME)
		return refuse(err, leaf, "it is longer than 255 bytes");
	if (len < 4 || strcmp(leaf + len - 4, ".whl") != 0)
		return refuse(err, leaf, "it does not end in .whl");
	struct part parts[6];
	size_t count = split_parts(leaf, len - 4, parts, 6);
	const char *wrong = read_parts(parts, count, out);
	if (!wrong)
		return true;
	wheel_name_release(out);
	return refuse(err, leaf, wrong);
}

void wheel_name_release(struct wheel_name *wheel)
{
	free(wheel->name);
	version_free(wheel->version);
	free(wheel->build_number);
	free(wheel->build_rest);
	sl_strings_release(&wheel->pythons);
	sl_strings_release(&wheel->abis);
	sl_strings_release(&wheel->platforms);
	*wheel = (struct wheel_name){0};
}

static bool ends_with(const char *text, size_t len, const char *end)
{
	size_t end_len = strlen(end);
	return len >= end_len && memcmp(text + len - end_len, end, end_len) == 0;
}

static bool refuse_sdist(struct sl_error *err, const char *leaf, const char *why)
{
	sl_auto_free char *shown = sl_text_shown(leaf);
	return sl_fail(err, SL_E_INPUT, "'%s' is not the name of a source archive: %s", shown, why);
}

bool sdist_name_parse(const char *leaf, char **name_out, struct version **version_out,
		      struct sl_error *err)
{
	*name_out = NULL;
	*version_out = NULL;
	size_t len = strlen(leaf);
	if (len > SL_LIMIT_WHEEL_NAME || strchr(leaf, '/'))
		return refuse_sdist(err, leaf, "it is no file name");
	if (ends_with(leaf, len, ".tar.gz"))
		len -= 7;
	else if (ends_with(leaf, len, ".zip"))
		len -= 4;
	else
		return refuse_sdist(err, leaf, "it ends neither in .tar.gz nor in .zip");
	const char *dash = memrchr(leaf, '-', len);
	if (!dash || dash == leaf)
		return refuse_sdist(err, leaf, "it has not the form NAME-VERSION.tar.gz");
	*version_out = version_try(dash + 1, (size_t)(leaf + len - dash - 1));
	if (!*version_out)
		return refuse_sdist(err, leaf, "what follows the last '-' is not a version");
	*name_out = name_normalise(leaf, (size_t)(dash - leaf));
	return true;
}
