// SPDX-License-Identifier: Apache-2.0
// Which plans are good: the table of tests/data/plan, which the agent's Python reader is held to as
// well (tests/uploader/agent/plan_cases_test.py). A rule that only one of them has shows here.
#include "bundles/recipe/plan.h"
#include "tests/cmocka_all.h"

#include <ctype.h>
#include <string.h>

#define TABLE SEALIFT_SOURCE_DIR "/tests/data/plan/cases.json"

static json_t *child_of(json_t *value, const json_t *step)
{
	return json_is_string(step) ? json_object_get(value, json_string_value(step))
				    : json_array_get(value, (size_t)json_integer_value(step));
}

// The container of the last step of a path.
static json_t *container_of(json_t *document, const json_t *path)
{
	json_t *at = document;
	for (size_t i = 0; at && i + 1 < json_array_size(path); i++)
		at = child_of(at, json_array_get(path, i));
	assert_non_null(at);
	return at;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static json_t *repeated_text(const json_t *repeat)
{
	sl_auto_buf struct sl_buf text;
	sl_buf_init(&text, SL_MIB);
	sl_buf_adds(&text, text_of(repeat, "before"));
	for (json_int_t i = 0; i < json_integer_value(json_object_get(repeat, "count")); i++)
		sl_buf_adds(&text, text_of(repeat, "text"));
	sl_buf_adds(&text, text_of(repeat, "after"));
	return json_stringn(text.data, text.len);
}

static json_t *filled_list(const json_t *fill)
{
	json_t *list = json_array();
	for (json_int_t i = 0; i < json_integer_value(json_object_get(fill, "count")); i++)
		json_array_append_new(list, json_deep_copy(json_object_get(fill, "item")));
	return list;
}

static json_t *new_value(const json_t *change)
{
	if (json_object_get(change, "repeat"))
		return repeated_text(json_object_get(change, "repeat"));
	if (json_object_get(change, "fill"))
		return filled_list(json_object_get(change, "fill"));
	return json_deep_copy(json_object_get(change, "value"));
}

static void apply(json_t *document, const json_t *change)
{
	const json_t *path = json_object_get(change, "path");
	json_t *container = container_of(document, path);
	json_t *last = json_array_get(path, json_array_size(path) - 1);
	if (json_object_get(change, "remove"))
		assert_int_equal(json_object_del(container, json_string_value(last)), 0);
	else if (json_is_string(last))
		assert_int_equal(
			json_object_set_new(container, json_string_value(last), new_value(change)),
			0);
	else
		assert_int_equal(json_array_set_new(container, (size_t)json_integer_value(last),
						    new_value(change)),
				 0);
}

// As a bundle would bring it: canonical text, read again.
static bool is_accepted(const json_t *document, struct sl_error *err)
{
	sl_auto_free char *text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
	sl_auto_json json_t *json = sl_json_load(text, strlen(text), "plan.json", err);
	auto_plan struct plan *plan = json ? plan_from_json(json, err) : NULL;
	return plan != NULL;
}

// Messages are "plan.json: files[0].to: …", those on its own members "plan.json.name: …". A text
// that no JSON reader of ours takes (NUL) is refused before it has a place.
static bool is_at(const char *text, const char *at)
{
	if (strncmp(text, "plan.json", 9) != 0)
		return false;
	if (isdigit((unsigned char)text[10]))
		return strncmp(text + 9, ":1:", 3) == 0;
	text += text[9] == '.' ? 10 : 11;
	size_t len = strlen(at);
	return strncmp(text, at, len) == 0 && (len == 0 || !isalnum((unsigned char)text[len]));
}

static bool check_case(const json_t *document, const json_t *one)
{
	const char *name = text_of(one, "name");
	const json_t *at = json_object_get(one, "refused_at");
	sl_auto_json json_t *changed = json_deep_copy(document);
	struct sl_error err = {0};
	json_t *change;
	size_t i;
	json_array_foreach (json_object_get(one, "changes"), i, change)
		apply(changed, change);
	if (is_accepted(changed, &err) != !at) {
		print_error("%s: %s %s\n", name, at ? "accepted" : "refused:", err.text);
		return false;
	}
	if (!at || is_at(err.text, json_string_value(at)))
		return true;
	print_error("%s: not at '%s': %s\n", name, json_string_value(at), err.text);
	return false;
}

static void plans_are_judged_as_the_table_says(void **state)
{
	sl_auto_buf struct sl_buf text;
	struct sl_error err = {0};
	size_t i, accepted = 0, wrong = 0;
	json_t *one;
	(void)state;
	sl_buf_init(&text, SL_MIB);
	assert_true(sl_read_file(TABLE, &text, &err));
	// Some texts of the table are those that our own reader refuses.
	sl_auto_json json_t *table = json_loadb(text.data, text.len, JSON_ALLOW_NUL, NULL);
	assert_non_null(table);
	json_array_foreach (json_object_get(table, "cases"), i, one) {
		wrong += !check_case(json_object_get(table, "document"), one);
		accepted += !json_object_get(one, "refused_at");
	}
	assert_int_equal(wrong, 0);
	assert_in_range(accepted, 60, i - 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans_are_judged_as_the_table_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
