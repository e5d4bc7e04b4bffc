// SPDX-License-Identifier: Apache-2.0
// Reading one JSON object by consumption (json.h).
#include "bundles/base/json.h"
#include "bundles/base/text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define TAKEN_MAX (sizeof(((struct sl_obj *)0)->taken) / sizeof(const char *) - 1)

void sl_obj_init(struct sl_obj *obj, json_t *json, enum sl_kind kind, struct sl_error *err,
		 const char *path_fmt, ...)
{
	*obj = (struct sl_obj){.kind = kind, .err = err};
	va_list args;
	va_start(args, path_fmt);
	vsnprintf(obj->path, sizeof obj->path, path_fmt, args);
	va_end(args);
	if (json_is_object(json)) {
		obj->json = json;
	} else {
		obj->failed = true;
		sl_fail(err, kind, "%s%san object is needed here", obj->path,
			obj->path[0] ? ": " : "");
	}
}

void sl_obj_fail(struct sl_obj *obj, const char *key, const char *fmt, ...)
{
	char text[512];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	if (!obj->failed)
		sl_fail(obj->err, obj->kind, "%s%s%s: %s", obj->path, obj->path[0] ? "." : "", key,
			text);
	obj->failed = true;
}

// Marks the key as known, whether or not it is there.
static json_t *take(struct sl_obj *obj, const char *key)
{
	assert(obj->taken_len < TAKEN_MAX);
	obj->taken[obj->taken_len++] = key;
	return obj->json && !obj->failed ? json_object_get(obj->json, key) : NULL;
}

static json_t *take_needed(struct sl_obj *obj, const char *key)
{
	json_t *value = take(obj, key);
	if (!value)
		sl_obj_fail(obj, key, "missing");
	return value;
}

bool sl_obj_has(const struct sl_obj *obj, const char *key)
{
	return obj->json && json_object_get(obj->json, key);
}

bool sl_obj_may(struct sl_obj *obj, const char *key)
{
	return take(obj, key) != NULL;
}

static const char *string_of(struct sl_obj *obj, const char *key, json_t *value)
{
	if (!json_is_string(value)) {
		sl_obj_fail(obj, key, "a string is needed here");
		return "";
	}
	const char *text = json_string_value(value);
	if (strlen(text) != json_string_length(value)) {
		sl_obj_fail(obj, key, "the string holds a NUL character");
		return "";
	}
	return text;
}

const char *sl_obj_string(struct sl_obj *obj, const char *key)
{
	json_t *value = take_needed(obj, key);
	return value ? string_of(obj, key, value) : "";
}

const char *sl_obj_string_opt(struct sl_obj *obj, const char *key)
{
	json_t *value = take(obj, key);
	return value ? string_of(obj, key, value) : NULL;
}

uint64_t sl_obj_uint(struct sl_obj *obj, const char *key, uint64_t max)
{
	json_t *value = take_needed(obj, key);
	if (!value)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0) {
		sl_obj_fail(obj, key, "a whole number is needed here");
		return 0;
	}
	uint64_t number = (uint64_t)json_integer_value(value);
	if (number > max || number >= SL_JSON_MAX_INT) {
		sl_obj_fail(obj, key, "larger than the limit of %ju", (uintmax_t)max);
		return 0;
	}
	return number;
}

bool sl_obj_bool(struct sl_obj *obj, const char *key)
{
	json_t *value = take_needed(obj, key);
	if (value && !json_is_boolean(value))
		sl_obj_fail(obj, key, "true or false is needed here");
	return json_is_true(value);
}

struct sl_digest sl_obj_digest(struct sl_obj *obj, const char *key)
{
	struct sl_digest digest = {{0}};
	const char *hex = sl_obj_string(obj, key);
	if (!obj->failed && !sl_digest_parse(hex, &digest))
		sl_obj_fail(obj, key, "64 lower-case hexadecimal digits are needed here");
	return digest;
}

json_t *sl_obj_object(struct sl_obj *obj, const char *key)
{
	json_t *value = take_needed(obj, key);
	if (value && !json_is_object(value)) {
		sl_obj_fail(obj, key, "an object is needed here");
		return NULL;
	}
	return value;
}

json_t *sl_obj_array(struct sl_obj *obj, const char *key, size_t max)
{
	json_t *value = take_needed(obj, key);
	if (!value)
		return NULL;
	if (!json_is_array(value)) {
		sl_obj_fail(obj, key, "an array is needed here");
		return NULL;
	}
	if (json_array_size(value) > max) {
		sl_obj_fail(obj, key, "more than %zu elements", max);
		return NULL;
	}
	return value;
}

static bool is_taken(const struct sl_obj *obj, const char *key)
{
	for (size_t i = 0; i < obj->taken_len; i++)
		if (strcmp(obj->taken[i], key) == 0)
			return true;
	return false;
}

bool sl_obj_done(struct sl_obj *obj)
{
	if (obj->failed)
		return false;
	const char *key;
	json_t *value;
	json_object_foreach (obj->json, key, value) {
		if (is_taken(obj, key))
			continue;
		const char *near = sl_text_nearest(key, obj->taken);
		sl_auto_free char *shown = sl_text_shown(key);
		obj->failed = true;
		return sl_fail(obj->err, obj->kind, "%s%sunknown key '%s'%s%s%s", obj->path,
			       obj->path[0] ? ": " : "", shown, near ? " (did you mean '" : "",
			       near ? near : "", near ? "'?)" : "");
	}
	return true;
}
