// SPDX-License-Identifier: Apache-2.0
#include "bundles/packaging/marker.h"
#include "tests/bundles/packaging/vectors.h"

static struct marker_environment environment_of(const json_t *entry)
{
	return (struct marker_environment){
		.implementation_name = vectors_text(entry, "implementation_name"),
		.implementation_version = vectors_text(entry, "implementation_version"),
		.os_name = vectors_text(entry, "os_name"),
		.platform_machine = vectors_text(entry, "platform_machine"),
		.platform_release = vectors_text(entry, "platform_release"),
		.platform_system = vectors_text(entry, "platform_system"),
		.platform_version = vectors_text(entry, "platform_version"),
		.python_full_version = vectors_text(entry, "python_full_version"),
		.platform_python_implementation =
			vectors_text(entry, "platform_python_implementation"),
		.python_version = vectors_text(entry, "python_version"),
		.sys_platform = vectors_text(entry, "sys_platform"),
	};
}

// A text in the vectors is the kind of error that the reference gives.
static bool answer_is(const struct marker *marker, const struct marker_environment *environment,
		      const json_t *expected)
{
	struct sl_error err = {0};
	bool result = false;
	bool good = marker_evaluate(marker, environment, &result, &err);
	if (json_is_string(expected)) {
		bool comparison = same_text(json_string_value(expected), "undefined-comparison");
		return !good && err.kind == SL_E_INPUT &&
		       (strstr(err.text, "not defined for it") != NULL) == comparison;
	}
	return good && result == json_is_true(expected);
}

static size_t count_wrong(const struct marker *marker, const char *text, const json_t *environments,
			  const json_t *results, size_t *answers)
{
	size_t wrong = 0;
	const char *name, *extra;
	json_t *expected, *by_extra;
	json_object_foreach ((json_t *)(uintptr_t)results, name, expected) {
		struct marker_environment environment =
			environment_of(json_object_get(environments, name));
		bool right = true;
		if (!json_is_object(expected)) {
			right = answer_is(marker, &environment, expected);
			(*answers)++;
		}
		json_object_foreach (expected, extra, by_extra) {
			environment.extra = extra;
			right = right && answer_is(marker, &environment, by_extra);
			(*answers)++;
		}
		if (!right) {
			print_error("differs for %s: %s\n", name, text);
			wrong++;
		}
	}
	return wrong;
}

static struct marker *must_parse(const char *text)
{
	struct sl_error err = {0};
	struct marker *marker;
	if (!marker_parse(text, true, &marker, &err))
		fail_msg("%s", err.text);
	return marker;
}

static bool format_is(const struct marker *marker, const char *canonical)
{
	sl_auto_free char *text = marker_format(marker);
	auto_marker struct marker *again = must_parse(text);
	sl_auto_free char *second = marker_format(again);
	return same_text(text, canonical) && same_text(second, canonical);
}

static void markers_evaluate_as_the_reference_says(void **state)
{
	const json_t *list = vectors_list(*state, "cases", "markers");
	const json_t *environments = json_object_get(*state, "environments");
	const json_t *counts = json_object_get(json_object_get(*state, "meta"), "counts");
	size_t index, wrong = 0, answers = 0;
	json_t *entry;
	json_array_foreach (list, index, entry) {
		const char *text = vectors_text(entry, "marker");
		auto_marker struct marker *marker = must_parse(text);
		wrong += count_wrong(marker, text, environments, json_object_get(entry, "results"),
				     &answers);
		if (!format_is(marker, vectors_text(entry, "canonical"))) {
			print_error("written differently: %s\n", text);
			wrong++;
		}
		assert_int_equal(marker_mentions(marker, "extra"),
				 vectors_bool(entry, "uses_extra"));
	}
	assert_int_equal(wrong, 0);
	// The rest of the evaluations are those of the lock-file markers below.
	const json_t *sets = json_object_get(*state, "set_cases");
	json_array_foreach (sets, index, entry)
		answers += json_array_size(json_object_get(entry, "results"));
	assert_int_equal(answers, json_integer_value(json_object_get(counts, "evaluations")));
}

static const char **names_of(const json_t *list)
{
	const char **names = sl_alloc_array(json_array_size(list) + 1, sizeof *names);
	for (size_t i = 0; i < json_array_size(list); i++)
		names[i] = json_string_value(json_array_get(list, i));
	return names;
}

static bool set_answer_is(const struct marker *marker, const json_t *environment_entry,
			  const json_t *entry)
{
	sl_auto_free const char **extras = names_of(json_object_get(entry, "extras"));
	sl_auto_free const char **groups = names_of(json_object_get(entry, "dependency_groups"));
	struct marker_environment environment = environment_of(environment_entry);
	environment.extras = extras;
	environment.dependency_groups = groups;
	return answer_is(marker, &environment, json_object_get(entry, "result"));
}

static void lock_file_sets_evaluate_as_the_reference_says(void **state)
{
	const json_t *list = vectors_list(*state, "set_cases", "set_markers");
	const json_t *environment =
		json_object_get(json_object_get(*state, "environments"), "linux-x86_64-cp311");
	size_t index, inner, wrong = 0;
	json_t *entry, *result;
	json_array_foreach (list, index, entry) {
		auto_marker struct marker *marker = must_parse(vectors_text(entry, "marker"));
		bool right = format_is(marker, vectors_text(entry, "canonical"));
		json_array_foreach (json_object_get(entry, "results"), inner, result)
			right = right && set_answer_is(marker, environment, result);
		if (!right) {
			print_error("differs: %s\n", vectors_text(entry, "marker"));
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void invalid_markers_are_refused(void **state)
{
	const json_t *list = vectors_list(*state, "invalid", "invalid");
	size_t index, wrong = 0;
	json_t *entry;
	json_array_foreach (list, index, entry) {
		struct sl_error err = {0};
		struct marker *marker;
		if (marker_parse(json_string_value(entry), true, &marker, &err) || marker ||
		    err.kind != SL_E_INPUT) {
			print_error("accepted: %s\n", json_string_value(entry));
			marker_free(marker);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void sets_are_undefined_outside_of_lock_files(void **state)
{
	(void)state;
	auto_marker struct marker *marker = must_parse("'x' in extras");
	struct marker_environment environment = {.python_version = "3.11"};
	struct sl_error err = {0};
	bool result;
	assert_false(marker_evaluate(marker, &environment, &result, &err));
	assert_int_equal(err.kind, SL_E_INPUT);
}

static void backslashes_are_literal_only_in_metadata(void **state)
{
	(void)state;
	struct sl_error err = {0};
	auto_marker struct marker *strict = NULL, *lenient = NULL;
	const char *text = "platform_version == 'a\\x62'";
	assert_false(marker_parse(text, true, &strict, &err));
	assert_int_equal(err.kind, SL_E_INPUT);
	sl_error_clear(&err);
	assert_true(marker_parse(text, false, &lenient, &err));
	struct marker_environment environment = {.platform_version = "a\\x62"};
	bool result;
	assert_true(marker_evaluate(lenient, &environment, &result, &err));
	assert_true(result);
}

static enum sl_kind nested(size_t depth)
{
	struct sl_buf text;
	sl_buf_init(&text, 4 * SL_MIB);
	for (size_t i = 0; i < depth; i++)
		sl_buf_addc(&text, '(');
	sl_buf_adds(&text, "os_name == 'posix' or python_version > '3'");
	for (size_t i = 0; i < depth; i++)
		sl_buf_addc(&text, ')');
	struct sl_error err = {0};
	auto_marker struct marker *marker = NULL;
	bool good = marker_parse(text.data, true, &marker, &err);
	assert_int_equal(good, err.kind == SL_E_NONE);
	sl_buf_release(&text);
	return err.kind;
}

static void t62_nesting_is_limited(void **state)
{
	(void)state;
	assert_int_equal(nested(SL_LIMIT_MARKER_DEPTH), SL_E_NONE);
	assert_int_equal(nested(SL_LIMIT_MARKER_DEPTH + 1), SL_E_LIMIT);
	assert_int_equal(nested(1000000), SL_E_LIMIT);
}

static void long_chains_need_no_stack(void **state)
{
	(void)state;
	struct sl_buf text;
	sl_buf_init(&text, 16 * SL_MIB);
	sl_buf_adds(&text, "os_name == 'nt'");
	for (size_t i = 0; i < 100000; i++)
		sl_buf_adds(&text, " or os_name == 'nt'");
	sl_buf_adds(&text, " or os_name == 'posix'");
	auto_marker struct marker *marker = must_parse(text.data);
	struct marker_environment environment = {.os_name = "posix"};
	struct sl_error err = {0};
	bool result;
	assert_true(marker_evaluate(marker, &environment, &result, &err));
	assert_true(result);
	sl_buf_release(&text);
}

static int load(void **state)
{
	*state = vectors_load("pep508-markers");
	return 0;
}

static int unload(void **state)
{
	json_decref(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(markers_evaluate_as_the_reference_says),
		cmocka_unit_test(lock_file_sets_evaluate_as_the_reference_says),
		cmocka_unit_test(invalid_markers_are_refused),
		cmocka_unit_test(sets_are_undefined_outside_of_lock_files),
		cmocka_unit_test(backslashes_are_literal_only_in_metadata),
		cmocka_unit_test(t62_nesting_is_limited),
		cmocka_unit_test(long_chains_need_no_stack),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
