// SPDX-License-Identifier: Apache-2.0
// Each case of tests/data/recipe holds a plan, a lock and every file that they render to. Called
// with
// --write, the program writes what it renders instead: look at the difference before committing it.
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const cases[] = {"every-field", "no-python", "pandas-pip", "pandas-uv",
				    "pinned"};

static void render(const char *name, struct content *content)
{
	struct sl_error err = {0};
	auto_plan struct plan *plan = load_plan(name);
	auto_lock struct lock *lock = load_lock(name);
	if (!recipe_render(plan, lock, content, &err))
		fail_msg("%s: %s", name, err.text);
}

static char *expected_path(const char *name, const char *file)
{
	return sl_format(CASES "/%s/expected/%s", name, file);
}

static bool is_input(const char *name)
{
	return strcmp(name, "plan.json") == 0 || strcmp(name, "lock.json") == 0;
}

static void compare_file(const char *name, const struct content_file *file)
{
	struct sl_error err = {0};
	sl_auto_free char *path = is_input(file->name) ? sl_format(CASES "/%s/%s", name, file->name)
						       : expected_path(name, file->name);
	sl_auto_buf struct sl_buf text;
	sl_buf_init(&text, 16 * SL_MIB);
	if (!sl_read_file(path, &text, &err))
		fail_msg("%s", err.text);
	if (text.len != file->size || memcmp(text.data, file->data, text.len) != 0)
		fail_msg("%s differs from what is rendered", path);
}

// Files below expected/, so that one that is rendered no longer does not stay unnoticed.
static size_t count_files(const char *path)
{
	struct sl_error err = {0};
	sl_auto_fd int fd = -1;
	struct sl_strings names = {0};
	if (!sl_open_dir(path, &fd, &err))
		return 0;
	if (!sl_list_dir(fd, path, 1000, &names, &err))
		fail_msg("%s", err.text);
	size_t count = 0;
	for (size_t i = 0; i < names.len; i++) {
		sl_auto_free char *inner = sl_path_join(path, names.items[i]);
		size_t below = count_files(inner);
		count += below > 0 ? below : 1;
	}
	sl_strings_release(&names);
	return count;
}

static void test_every_case_renders_as_expected(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct content content = {0};
		render(cases[i], &content);
		sl_list_each (&content.files, file) {
			compare_file(cases[i], file);
		}
		sl_auto_free char *folder = expected_path(cases[i], "");
		assert_int_equal(count_files(folder), content.files.len - 2);
		content_release(&content);
	}
}

static void t69_rendering_twice_gives_the_same_bytes(void **state)
{
	(void)state;
	struct content first = {0}, second = {0};
	render("every-field", &first);
	render("every-field", &second);
	assert_int_equal(first.files.len, second.files.len);
	for (size_t i = 0; i < first.files.len; i++) {
		assert_string_equal(first.files.items[i].name, second.files.items[i].name);
		assert_int_equal(first.files.items[i].size, second.files.items[i].size);
		assert_memory_equal(first.files.items[i].data, second.files.items[i].data,
				    first.files.items[i].size);
	}
	content_release(&first);
	content_release(&second);
}

// Any change of plan or lock changes the label that the image carries.
static void test_recipe_digest_covers_plan_and_lock(void **state)
{
	(void)state;
	struct sl_error err = {0};
	struct sl_digest before, changed_plan, changed_lock;
	auto_plan struct plan *plan = load_plan("every-field");
	auto_lock struct lock *lock = load_lock("every-field");
	assert_true(recipe_digest(plan, lock, &before, &err));
	plan->timeout++;
	assert_true(recipe_digest(plan, lock, &changed_plan, &err));
	plan->timeout--;
	lock->base.size++;
	assert_true(recipe_digest(plan, lock, &changed_lock, &err));
	assert_false(sl_digest_equal(&before, &changed_plan));
	assert_false(sl_digest_equal(&before, &changed_lock));
	assert_false(sl_digest_equal(&changed_plan, &changed_lock));
}

static void write_case(const char *name)
{
	struct sl_error err = {0};
	struct content content = {0};
	render(name, &content);
	sl_list_each (&content.files, file) {
		sl_auto_free char *path = expected_path(name, file->name);
		sl_auto_free char *folder = sl_path_dir(path);
		if (!is_input(file->name) &&
		    (!sl_make_dirs(folder, 0755, &err) ||
		     !sl_store_file(path, file->data, file->size, 0644,
				    SL_OUTPUT_REPLACE | SL_OUTPUT_NO_SYNC, &err))) {
			fprintf(stderr, "%s\n", err.text);
			exit(1);
		}
	}
	content_release(&content);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--write") == 0) {
		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
			write_case(cases[i]);
		return 0;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_case_renders_as_expected),
		cmocka_unit_test(t69_rendering_twice_gives_the_same_bytes),
		cmocka_unit_test(test_recipe_digest_covers_plan_and_lock),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
