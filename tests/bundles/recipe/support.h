// SPDX-License-Identifier: Apache-2.0
// Shared by the tests of the recipe: the cases of tests/data/recipe as values, and plans with one
// member changed.
#ifndef SL_TEST_RECIPE_SUPPORT_H
#define SL_TEST_RECIPE_SUPPORT_H

#include "bundles/recipe/definition.h"
#include "bundles/recipe/recipe.h"

#include "tests/cmocka_all.h"

#include <string.h>

#define CASES SEALIFT_SOURCE_DIR "/tests/data/recipe"

static inline json_t *load_json(const char *name, const char *file)
{
	struct sl_error err = {0};
	sl_auto_free char *path = sl_format(CASES "/%s/%s", name, file);
	sl_auto_buf struct sl_buf text;
	sl_buf_init(&text, 16 * SL_MIB);
	if (!sl_read_file(path, &text, &err))
		fail_msg("%s", err.text);
	json_t *json = sl_json_load_canonical(text.data, text.len, file, &err);
	if (!json)
		fail_msg("%s: %s", path, err.text);
	return json;
}

static inline struct plan *load_plan(const char *name)
{
	struct sl_error err = {0};
	sl_auto_json json_t *json = load_json(name, "plan.json");
	struct plan *plan = plan_from_json(json, &err);
	if (!plan)
		fail_msg("%s", err.text);
	return plan;
}

static inline struct lock *load_lock(const char *name)
{
	struct sl_error err = {0};
	sl_auto_json json_t *json = load_json(name, "lock.json");
	struct lock *lock = lock_from_json(json, &err);
	if (!lock)
		fail_msg("%s", err.text);
	return lock;
}

// The value at "a/b/0/c" inside `json`; the test fails when it is not there.
static inline json_t *at_path(json_t *json, const char *path)
{
	sl_auto_free char *copy = sl_strdup(path);
	char *rest = NULL;
	for (char *key = strtok_r(copy, "/", &rest); key && json; key = strtok_r(NULL, "/", &rest))
		json = json_is_array(json) ? json_array_get(json, strtoul(key, NULL, 10))
					   : json_object_get(json, key);
	if (!json)
		fail_msg("no value at %s", path);
	return json;
}

// Puts `value` (taken over; NULL removes) at a path whose parent exists.
static inline void put_path(json_t *json, const char *path, json_t *value)
{
	const char *slash = strrchr(path, '/');
	sl_auto_free char *parent =
		slash ? sl_strndup(path, (size_t)(slash - path)) : sl_strdup("");
	const char *key = slash ? slash + 1 : path;
	json_t *owner = at_path(json, parent);
	if (json_is_array(owner) && value) {
		size_t index = strtoul(key, NULL, 10);
		assert_int_equal(index < json_array_size(owner)
					 ? json_array_set_new(owner, index, value)
					 : json_array_append_new(owner, value),
				 0);
	} else if (json_is_array(owner)) {
		assert_int_equal(json_array_remove(owner, strtoul(key, NULL, 10)), 0);
	} else if (value) {
		assert_int_equal(json_object_set_new(owner, key, value), 0);
	} else {
		assert_int_equal(json_object_del(owner, key), 0);
	}
}

static inline json_t *json_of(const char *text)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	if (!json)
		fail_msg("not JSON: %s", text);
	return json;
}

#endif
