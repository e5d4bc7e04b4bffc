// SPDX-License-Identifier: Apache-2.0
#include "bundles/base/json.h"

#include "bundles/base/text.h"
#include "bundles/limits.h"

#include <assert.h>
#include <string.h>

// jansson's own recursion is bounded by its JSON_PARSER_MAX_DEPTH (2048); ours is stricter, and is
// checked on the text before jansson builds anything.
static bool check_depth(const char *text, size_t len, const char *name, struct sl_error *err)
{
	unsigned depth = 0;
	bool in_string = false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > SL_LIMIT_DEPTH)
				return sl_fail(err, SL_E_LIMIT, "%s: nested deeper than %d levels",
					       name, SL_LIMIT_DEPTH);
		} else if ((c == '}' || c == ']') && depth) {
			depth--;
		}
	}
	return true;
}

json_t *sl_json_load(const char *text, size_t len, const char *name, struct sl_error *err)
{
	if (!check_depth(text, len, name, err))
		return NULL;
	json_error_t why;
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (!json) {
		sl_auto_free char *shown = sl_text_shown(why.text);
		sl_fail(err, SL_E_FORMAT, "%s:%d:%d: %s", name, why.line, why.column, shown);
	}
	return json;
}

static bool write_value(const json_t *value, struct sl_buf *out, struct sl_error *err);

// RFC 8785's choice of escapes: the two-character ones where they exist, \u00xx for the other
// controls, everything else as it is.
static void write_escape(unsigned char c, struct sl_buf *out)
{
	static const char named[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";
	const char *at = c ? strchr(named, c) : NULL;
	if (at)
		sl_buf_addf(out, "\\%c", letters[at - named]);
	else
		sl_buf_addf(out, "\\u%04x", c);
}

static void write_string(const char *text, size_t len, struct sl_buf *out)
{
	size_t run = 0; // where the bytes that stand for themselves begin
	sl_buf_addc(out, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		sl_buf_add(out, text + run, i - run);
		write_escape(c, out);
		run = i + 1;
	}
	sl_buf_add(out, text + run, len - run);
	sl_buf_addc(out, '"');
}

static bool key_is_canonical(const char *key)
{
	return key[0] && key[strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool write_object(const json_t *object, struct sl_buf *out, struct sl_error *err)
{
	size_t count = json_object_size(object), n = 0;
	sl_auto_free const char **keys = sl_alloc_array(count, sizeof *keys);
	const char *key;
	json_t *value;
	json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
		if (!key_is_canonical(key))
			return sl_fail(err, SL_E_INTERNAL, "a key has no canonical form");
		keys[n++] = key;
	}
	if (n > 1)
		qsort(keys, n, sizeof *keys, compare_keys);
	sl_buf_addc(out, '{');
	for (size_t i = 0; i < n; i++) {
		sl_buf_adds(out, i ? ",\"" : "\"");
		sl_buf_adds(out, keys[i]);
		sl_buf_adds(out, "\":");
		if (!write_value(json_object_get(object, keys[i]), out, err))
			return false;
	}
	sl_buf_addc(out, '}');
	return true;
}

static bool write_array(const json_t *array, struct sl_buf *out, struct sl_error *err)
{
	sl_buf_addc(out, '[');
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (i)
			sl_buf_addc(out, ',');
		if (!write_value(json_array_get(array, i), out, err))
			return false;
	}
	sl_buf_addc(out, ']');
	return true;
}

static bool write_integer(json_int_t number, struct sl_buf *out, struct sl_error *err)
{
	if (number < 0 || (uint64_t)number >= SL_JSON_MAX_INT)
		return sl_fail(err, SL_E_INTERNAL, "a number has no canonical form");
	sl_buf_addf(out, "%" JSON_INTEGER_FORMAT, number);
	return true;
}

static bool write_value(const json_t *value, struct sl_buf *out, struct sl_error *err)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return write_object(value, out, err);
	case JSON_ARRAY:
		return write_array(value, out, err);
	case JSON_STRING:
		write_string(json_string_value(value), json_string_length(value), out);
		return true;
	case JSON_INTEGER:
		return write_integer(json_integer_value(value), out, err);
	case JSON_TRUE:
		sl_buf_adds(out, "true");
		return true;
	case JSON_FALSE:
		sl_buf_adds(out, "false");
		return true;
	default:
		return sl_fail(err, SL_E_INTERNAL, "null and fractions have no canonical form");
	}
}

void sl_json_add_string(const char *text, struct sl_buf *out)
{
	write_string(text, strlen(text), out);
}

bool sl_json_canonical(const json_t *value, struct sl_buf *out, struct sl_error *err)
{
	if (!write_value(value, out, err))
		return false;
	sl_buf_addc(out, '\n');
	return true;
}

json_t *sl_json_load_canonical(const char *text, size_t len, const char *name, struct sl_error *err)
{
	sl_auto_json json_t *json = sl_json_load(text, len, name, err);
	if (!json)
		return NULL;
	sl_auto_buf struct sl_buf again;
	sl_buf_init(&again, len + 1);
	struct sl_error why = {0};
	bool ok = sl_json_canonical(json, &again, &why) && !again.overflow && again.len == len &&
		  memcmp(again.data, text, len) == 0;
	if (!ok) {
		sl_fail(err, SL_E_FORMAT, "%s: not canonical JSON%s%s", name,
			why.kind ? ": " : " (specs/bundle-format.md)", why.text);
		return NULL;
	}
	return sl_take(json);
}

void sl_json_set(json_t *object, const char *key, json_t *value)
{
	int failed = !value || json_object_set_new(object, key, value);
	assert(!failed); // only misuse or memory
}

void sl_json_set_string(json_t *object, const char *key, const char *text)
{
	sl_json_set(object, key, json_string(text));
}

void sl_json_set_uint(json_t *object, const char *key, uint64_t value)
{
	assert(value < SL_JSON_MAX_INT);
	sl_json_set(object, key, json_integer((json_int_t)value));
}

void sl_json_set_bool(json_t *object, const char *key, bool value)
{
	sl_json_set(object, key, json_boolean(value));
}

void sl_json_set_digest(json_t *object, const char *key, const struct sl_digest *digest)
{
	char hex[SL_DIGEST_HEX + 1];
	sl_digest_hex(digest, hex);
	sl_json_set(object, key, json_stringn_nocheck(hex, SL_DIGEST_HEX));
}

void sl_json_append(json_t *array, json_t *value)
{
	int failed = !value || json_array_append_new(array, value);
	assert(!failed);
}
