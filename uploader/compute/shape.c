// SPDX-License-Identifier: Apache-2.0
#include "uploader/compute/shape.h"

#include <string.h>

// ---- reading -------------------------------------------------------------------------------

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// The code unit of "\uXXXX" at `text`, or -1.
static long code_unit(const char *text, size_t len)
{
	long unit = 0;

	if (len < 6 || text[0] != '\\' || text[1] != 'u')
		return -1;
	for (size_t i = 2; i < 6; i++) {
		int digit = hex_value(text[i]);
		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

static bool is_high(long unit)
{
	return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_low(long unit)
{
	return unit >= 0xDC00 && unit <= 0xDFFF;
}

// The length of the escape at `text`, mended if need be.
static size_t mend_one(char *text, size_t len)
{
	long unit = code_unit(text, len);

	if (unit < 0)
		return len < 2 ? len : 2;
	if (is_high(unit) && is_low(code_unit(text + 6, len - 6)))
		return 12;
	if (unit == 0 || is_high(unit) || is_low(unit))
		memcpy(text + 2, "fffd", 4);
	return 6;
}

void shape_mend(char *text, size_t len)
{
	for (char *at = text; (at = memchr(at, '\\', len - (size_t)(at - text)));)
		at += mend_one(at, len - (size_t)(at - text));
}

json_t *shape_read(const char *text, size_t len, struct sl_error *err)
{
	sl_auto_free char *copy = sl_alloc(len + 1);

	memcpy(copy, text, len);
	shape_mend(copy, len);
	sl_auto_json json_t *answer = sl_json_load(copy, len, "the service's answer", err);
	if (!answer)
		return NULL;
	if (!json_is_object(answer)) {
		sl_fail(err, SL_E_FORMAT, "the service's answer is not an object");
		return NULL;
	}
	return sl_take(answer);
}

// ---- holding against a shape ---------------------------------------------------------------

void shape_drop_nulls(json_t *object)
{
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe(object, next, key, value) if (json_is_null(value))
		json_object_del(object, key);
}

static bool wrong(const char *key, const char *needed, struct sl_error *err)
{
	return sl_fail(err, SL_E_FORMAT, "the service's answer is not what it should be: %s: %s",
		       key, needed);
}

bool compute_is_uuid(const char *text)
{
	if (strlen(text) != 36)
		return false;
	for (size_t i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		bool digit =
			(text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
		if (dash ? text[i] != '-' : !digit)
			return false;
	}
	return true;
}

static bool is_uuid(const json_t *value)
{
	return json_is_string(value) && compute_is_uuid(json_string_value(value));
}

bool shape_uuid(const json_t *answer, const char *key, const char **out, struct sl_error *err)
{
	const json_t *value = json_object_get(answer, key);

	if (!is_uuid(value))
		return wrong(key, "a UUID is needed here", err);
	if (out)
		*out = json_string_value(value);
	return true;
}

bool shape_text(const json_t *answer, const char *key, struct sl_error *err)
{
	return json_is_string(json_object_get(answer, key)) ||
	       wrong(key, "a text is needed here", err);
}

bool shape_text_opt(const json_t *answer, const char *key, struct sl_error *err)
{
	return !json_object_get(answer, key) || shape_text(answer, key, err);
}

bool shape_object_opt(const json_t *answer, const char *key, struct sl_error *err)
{
	const json_t *value = json_object_get(answer, key);

	return !value || json_is_object(value) || wrong(key, "an object is needed here", err);
}

bool shape_uuids(const json_t *array, const char *what, struct sl_error *err)
{
	sl_auto_json json_t *seen = json_object();
	const json_t *value;
	size_t i;

	if (!json_is_array(array))
		return wrong(what, "an array is needed here", err);
	json_array_foreach (array, i, value) {
		if (!is_uuid(value))
			return wrong(what, "every element must be a UUID", err);
		if (json_object_get(seen, json_string_value(value)))
			return wrong(what, "an id stands there twice", err);
		sl_json_set_bool(seen, json_string_value(value), true);
	}
	return true;
}
