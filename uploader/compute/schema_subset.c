// SPDX-License-Identifier: Apache-2.0
// All keywords of a schema must hold, so one that is violated decides, whatever the others say. Two
// keywords change what others mean: "$ref" may take the place of its neighbours, and
// "patternProperties" takes properties out of the reach of "additionalProperties".
#include "uploader/compute/schema_subset.h"

#include <string.h>

struct check {
	char *refused; // the first clause
	struct sl_strings unchecked;
};

static void check_value(struct check *check, const json_t *schema, const json_t *value,
			const char *path, unsigned depth);

static bool is_one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

static void refuse(struct check *check, char *clause)
{
	if (check->refused)
		free(clause);
	else
		check->refused = clause;
}

static void skip(struct check *check, const char *keyword)
{
	for (size_t i = 0; i < check->unchecked.len; i++)
		if (strcmp(check->unchecked.items[i], keyword) == 0)
			return;
	if (check->unchecked.len < 16)
		sl_strings_add(&check->unchecked, keyword);
}

// ---- type and enum -------------------------------------------------------------------------

// 2.0 is an integer to a schema.
static bool is_whole(const json_t *value)
{
	double real = json_real_value(value);

	return json_is_real(value) && real > -9e15 && real < 9e15 &&
	       (double)(long long)real == real;
}

static bool has_type(const json_t *value, const char *type)
{
	if (strcmp(type, "integer") == 0)
		return json_is_integer(value) || is_whole(value);
	const struct {
		const char *name;
		bool is;
	} types[] = {
		{"object", json_is_object(value)},   {"array", json_is_array(value)},
		{"string", json_is_string(value)},   {"number", json_is_number(value)},
		{"boolean", json_is_boolean(value)}, {"null", json_is_null(value)},
	};
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (strcmp(types[i].name, type) == 0)
			return types[i].is;
	return false;
}

static void check_type(struct check *check, const json_t *type, const json_t *value,
		       const char *path)
{
	const json_t *one;
	size_t i;

	if (json_is_string(type)) {
		if (!has_type(value, json_string_value(type)))
			refuse(check,
			       sl_format("%s must be of type %s", path, json_string_value(type)));
		return;
	}
	json_array_foreach (type, i, one)
		if (json_is_string(one) && has_type(value, json_string_value(one)))
			return;
	if (json_is_array(type))
		refuse(check, sl_format("%s is of none of the types that are allowed", path));
	else
		skip(check, "type");
}

static bool same_value(const json_t *a, const json_t *b)
{
	if (json_is_number(a) && json_is_number(b))
		return json_number_value(a) == json_number_value(b);
	return json_equal(a, b);
}

static void check_enum(struct check *check, const json_t *list, const json_t *value,
		       const char *path)
{
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (same_value(one, value))
			return;
	if (json_is_array(list))
		refuse(check, sl_format("%s is none of the values that are allowed", path));
	else
		skip(check, "enum");
}

// ---- objects -------------------------------------------------------------------------------

static void check_required(struct check *check, const json_t *required, const json_t *value,
			   const char *path)
{
	const json_t *key;
	size_t i;

	if (!json_is_array(required))
		skip(check, "required");
	json_array_foreach (required, i, key)
		if (json_is_string(key) && !json_object_get(value, json_string_value(key)))
			refuse(check, sl_format("%s lacks '%s'", path, json_string_value(key)));
}

static void check_additional(struct check *check, const json_t *schema, const json_t *rule,
			     const char *path, const char *key)
{
	if (json_is_true(rule))
		return;
	if (json_is_false(rule) && !json_object_get(schema, "patternProperties"))
		refuse(check, sl_format("%s may not have '%s'", path, key));
	else
		skip(check, "additionalProperties");
}

static void check_object(struct check *check, const json_t *schema, const json_t *value,
			 const char *path, unsigned depth)
{
	const json_t *known = json_object_get(schema, "properties");
	const json_t *rest = json_object_get(schema, "additionalProperties");
	const json_t *required = json_object_get(schema, "required");
	const char *key;
	json_t *inner;

	if (required)
		check_required(check, required, value, path);
	json_object_foreach ((json_t *)(uintptr_t)value, key, inner) {
		const json_t *rule = json_object_get(known, key);
		sl_auto_free char *at = sl_format("'%s'", key);
		if (rule)
			check_value(check, rule, inner, at, depth + 1);
		else if (rest)
			check_additional(check, schema, rest, path, key);
	}
}

// ---- a schema ------------------------------------------------------------------------------

static void skip_foreign(struct check *check, const json_t *schema)
{
	static const char *const known[] = {"type",	"properties", "additionalProperties",
					    "required", "enum",	      "$schema",
					    "$id",	"$comment",   "$anchor",
					    "$defs",	"title",      "description",
					    "default",	"examples",   "definitions",
					    "readOnly", "writeOnly",  "deprecated",
					    NULL};
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)schema, key, value)
		if (!is_one_of(key, known))
			skip(check, key);
}

static void check_value(struct check *check, const json_t *schema, const json_t *value,
			const char *path, unsigned depth)
{
	const json_t *type = json_object_get(schema, "type");
	const json_t *list = json_object_get(schema, "enum");

	if (json_is_true(schema))
		return;
	if (json_is_false(schema)) {
		refuse(check, sl_format("%s is not allowed at all", path));
		return;
	}
	if (!json_is_object(schema) || depth > SL_LIMIT_DEPTH || json_object_get(schema, "$ref")) {
		skip(check, "$ref");
		return;
	}
	skip_foreign(check, schema);
	if (type)
		check_type(check, type, value, path);
	if (list)
		check_enum(check, list, value, path);
	if (json_is_object(value))
		check_object(check, schema, value, path, depth);
}

static char *name_unchecked(const struct check *check)
{
	sl_auto_buf struct sl_buf text;

	sl_buf_init(&text, 64 * SL_KIB);
	for (size_t i = 0; i < check->unchecked.len && text.len < 1024; i++)
		sl_buf_addf(&text, "%s%s", i ? ", " : "", check->unchecked.items[i]);
	return sl_buf_steal(&text, NULL);
}

enum schema_verdict schema_check(const json_t *schema, const json_t *value, char **why_out)
{
	struct check check = {0};
	enum schema_verdict verdict = SCHEMA_ACCEPTS;

	*why_out = NULL;
	check_value(&check, schema, value, "user_endpoint_config", 0);
	if (check.refused) {
		verdict = SCHEMA_REFUSES;
		*why_out = check.refused;
	} else if (check.unchecked.len > 0) {
		verdict = SCHEMA_NOT_CHECKED;
		*why_out = name_unchecked(&check);
	}
	sl_strings_release(&check.unchecked);
	return verdict;
}
