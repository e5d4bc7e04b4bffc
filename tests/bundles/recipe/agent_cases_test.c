// SPDX-License-Identifier: Apache-2.0
// The endpoint agent writes image.def and requirements.txt again in Python and refuses what
// differs. The cases of tests/data/agent hold both writers to the same bytes; definition_test.py is
// the other half of this test.
#include "bundles/recipe/recipe.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define CASES SEALIFT_SOURCE_DIR "/tests/data/agent"

static void read_case(const char *name, const char *leaf, struct sl_buf *out)
{
	struct sl_error err = {0};
	sl_auto_free char *path = sl_format("%s/%s/%s", CASES, name, leaf);
	sl_buf_init(out, SL_MIB);
	if (!sl_read_file(path, out, &err))
		fail_msg("%s", err.text);
}

static json_t *read_json(const char *name, const char *leaf)
{
	struct sl_error err = {0};
	sl_auto_buf struct sl_buf text;
	read_case(name, leaf, &text);
	json_t *json = sl_json_load_canonical(text.data, text.len, leaf, &err);
	if (!json)
		fail_msg("%s: %s", name, err.text);
	return json;
}

static void compare(const char *name, const char *leaf, const struct content *content)
{
	sl_auto_buf struct sl_buf expected;
	read_case(name, leaf, &expected);
	const struct content_file *file = content_find(content, leaf);
	assert_non_null(file);
	if (file->size != expected.len || memcmp(file->data, expected.data, expected.len) != 0)
		fail_msg("%s/%s: recipe 1 writes something else", name, leaf);
}

static void check_case(const char *name)
{
	struct sl_error err = {0};
	struct content content = {0};
	sl_auto_json json_t *plan_json = read_json(name, "plan.json");
	sl_auto_json json_t *lock_json = read_json(name, "lock.json");
	auto_plan struct plan *plan = plan_from_json(plan_json, &err);
	auto_lock struct lock *lock = plan ? lock_from_json(lock_json, &err) : NULL;
	if (!lock || !recipe_render(plan, lock, &content, &err))
		fail_msg("%s: %s", name, err.text);
	compare(name, "image.def", &content);
	compare(name, "requirements.txt", &content);
	content_release(&content);
}

static void recipe_1_writes_what_the_agent_expects(void **state)
{
	(void)state;
	unsigned count = 0;
	DIR *folder = opendir(CASES);
	assert_non_null(folder);
	for (struct dirent *entry; (entry = readdir(folder));)
		if (entry->d_name[0] != '.') {
			check_case(entry->d_name);
			count++;
		}
	closedir(folder);
	assert_true(count >= 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recipe_1_writes_what_the_agent_expects),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
