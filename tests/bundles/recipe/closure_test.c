// SPDX-License-Identifier: Apache-2.0
// The table of specs/closure.md, row by row.
#include "support.h"

static enum closure closure_of(const struct plan *plan, const struct lock *lock)
{
	struct closure_report report;
	closure_compute(plan, lock, &report);
	enum closure closure = report.closure, least = CLOSURE_SEALED;
	sl_list_each (&report.inputs, input) {
		assert_true(*input->what && *input->why);
		if (input->closure < least)
			least = input->closure;
	}
	assert_int_equal(closure, least);
	closure_report_release(&report);
	return closure;
}

static const struct closure_input *find_input(const struct closure_report *report, const char *what,
					      enum closure closure)
{
	sl_list_each (&report->inputs, input) {
		if (strcmp(input->what, what) == 0 && input->closure == closure)
			return input;
	}
	fail_msg("no input '%s' that is %s", what, closure_name(closure));
	return NULL;
}

static void test_all_carried_is_sealed(void **state)
{
	(void)state;
	auto_plan struct plan *plan = load_plan("pandas-uv");
	auto_lock struct lock *lock = load_lock("pandas-uv");
	assert_int_equal(closure_of(plan, lock), CLOSURE_SEALED);
	struct closure_report report;
	closure_compute(plan, lock, &report);
	find_input(&report, "base image", CLOSURE_SEALED);
	sl_auto_free char *carried = sl_format("%zu carried", lock->packages.len);
	assert_string_equal(find_input(&report, "python packages", CLOSURE_SEALED)->why, carried);
	find_input(&report, "installer", CLOSURE_SEALED);
	closure_report_release(&report);
}

static void test_fetched_by_digest_is_pinned(void **state)
{
	(void)state;
	auto_plan struct plan *plan = load_plan("pinned");
	auto_lock struct lock *lock = load_lock("pinned");
	assert_int_equal(closure_of(plan, lock), CLOSURE_PINNED);
	struct closure_report report;
	closure_compute(plan, lock, &report);
	find_input(&report, "base image", CLOSURE_PINNED);
	find_input(&report, "python packages", CLOSURE_PINNED);
	closure_report_release(&report);
}

static void test_one_wheel_that_is_not_carried_counts(void **state)
{
	(void)state;
	auto_plan struct plan *plan = load_plan("pandas-uv");
	auto_lock struct lock *lock = load_lock("pandas-uv");
	lock->packages.items[3].carried = false;
	assert_int_equal(closure_of(plan, lock), CLOSURE_PINNED);
	struct closure_report report;
	closure_compute(plan, lock, &report);
	assert_string_equal(find_input(&report, "python packages", CLOSURE_PINNED)->why,
			    "1 fetched by sha256");
	closure_report_release(&report);
}

static void test_scripts_are_open_unless_without_network(void **state)
{
	(void)state;
	auto_plan struct plan *plan = load_plan("pandas-uv");
	auto_lock struct lock *lock = load_lock("pandas-uv");
	struct plan_script *post = sl_list_add(&plan->post), *test = sl_list_add(&plan->test);
	*post = (struct plan_script){sl_strdup("true\n"), SCRIPT_NETWORK_NONE};
	*test = (struct plan_script){sl_strdup("true\n"), SCRIPT_NETWORK_NONE};
	assert_int_equal(closure_of(plan, lock), CLOSURE_SEALED);
	post->network = SCRIPT_NETWORK_ANY;
	assert_int_equal(closure_of(plan, lock), CLOSURE_OPEN);
	post->network = SCRIPT_NETWORK_NONE;
	test->network = SCRIPT_NETWORK_ANY;
	assert_int_equal(closure_of(plan, lock), CLOSURE_OPEN);
}

// What runs in the finished image is no input of its build.
static void test_runscript_does_not_count(void **state)
{
	(void)state;
	auto_plan struct plan *plan = load_plan("pandas-uv");
	auto_lock struct lock *lock = load_lock("pandas-uv");
	plan->runscript = sl_strdup("curl https://example.org\n");
	assert_int_equal(closure_of(plan, lock), CLOSURE_SEALED);
}

static void test_words(void **state)
{
	(void)state;
	static const enum closure all[] = {CLOSURE_OPEN, CLOSURE_PINNED, CLOSURE_SEALED};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		enum closure read = CLOSURE_OPEN;
		assert_true(closure_parse(closure_name(all[i]), &read));
		assert_int_equal(read, all[i]);
	}
	enum closure untouched = CLOSURE_PINNED;
	assert_false(closure_parse("Sealed", &untouched));
	assert_false(closure_parse("", &untouched));
	assert_int_equal(untouched, CLOSURE_PINNED);
}

static void test_content_stays_sorted(void **state)
{
	(void)state;
	struct content content = {0};
	static const char *const names[] = {"spec", "image.def", "a", "plan.json", "endpoint/x"};
	for (size_t i = 0; i < 5; i++)
		content_add(&content, names[i], names[i], strlen(names[i]));
	for (size_t i = 1; i < content.files.len; i++)
		assert_true(strcmp(content.files.items[i - 1].name, content.files.items[i].name) <
			    0);
	for (size_t i = 0; i < 5; i++) {
		const struct content_file *file = content_find(&content, names[i]);
		assert_string_equal(file->data, names[i]);
		assert_int_equal(file->size, strlen(names[i]));
	}
	assert_null(content_find(&content, "b"));
	assert_null(content_find(&content, "zz"));
	content_release(&content);
	assert_null(content_find(&content, "spec"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_carried_is_sealed),
		cmocka_unit_test(test_fetched_by_digest_is_pinned),
		cmocka_unit_test(test_one_wheel_that_is_not_carried_counts),
		cmocka_unit_test(test_scripts_are_open_unless_without_network),
		cmocka_unit_test(test_runscript_does_not_count),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_content_stays_sorted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
