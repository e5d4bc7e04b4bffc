// SPDX-License-Identifier: Apache-2.0
#include "bundles/packaging/requirement.h"
#include "tests/bundles/packaging/vectors.h"

static bool extras_are(const struct requirement *requirement, const json_t *expected)
{
	if (json_array_size(expected) != requirement->extras.len)
		return false;
	for (size_t i = 0; i < requirement->extras.len; i++) {
		if (!same_text(requirement->extras.items[i],
			       json_string_value(json_array_get(expected, i))))
			return false;
	}
	return true;
}

static bool has_clause(const struct specifier_set *set, const json_t *clause)
{
	for (size_t i = 0; i < specifier_count(set); i++) {
		if (same_text(specifier_operator(set, i),
			      json_string_value(json_array_get(clause, 0))) &&
		    same_text(specifier_text(set, i), json_string_value(json_array_get(clause, 1))))
			return true;
	}
	return false;
}

static bool clauses_are(const struct requirement *requirement, const json_t *expected)
{
	if (json_array_size(expected) != specifier_count(requirement->specifier))
		return false;
	for (size_t i = 0; i < json_array_size(expected); i++) {
		if (!has_clause(requirement->specifier, json_array_get(expected, i)))
			return false;
	}
	return true;
}

static bool marker_is(const struct requirement *requirement, const char *expected)
{
	if (!requirement->marker)
		return expected == NULL;
	sl_auto_free char *text = marker_format(requirement->marker);
	return same_text(text, expected);
}

static bool requirement_is_as(const struct requirement *requirement, const json_t *entry)
{
	return same_text(requirement->name, vectors_text(entry, "name")) &&
	       same_text(requirement->normalised, vectors_text(entry, "normalized")) &&
	       same_text(requirement->url, vectors_text(entry, "url")) &&
	       extras_are(requirement, json_object_get(entry, "extras")) &&
	       clauses_are(requirement, json_object_get(entry, "specifier")) &&
	       marker_is(requirement, vectors_text(entry, "marker"));
}

// As a user's and as METADATA; a backslash in a URL is no escape, so both readers take all of them.
static bool valid_in_both_modes(const json_t *entry)
{
	bool same = true;
	for (int lenient = 0; lenient < 2; lenient++) {
		struct sl_error err = {0};
		struct requirement requirement;
		if (!requirement_parse(vectors_text(entry, "in"), lenient, &requirement, &err))
			return false;
		same = same && requirement_is_as(&requirement, entry);
		requirement_release(&requirement);
	}
	return same;
}

static void valid_requirements_have_these_parts(void **state)
{
	const json_t *list = vectors_list(*state, "valid", "valid");
	size_t index, wrong = 0;
	json_t *entry;
	json_array_foreach (list, index, entry) {
		if (!valid_in_both_modes(entry)) {
			print_error("differs: %s\n", vectors_text(entry, "in"));
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void invalid_requirements_are_refused(void **state)
{
	const json_t *list = vectors_list(*state, "invalid", "invalid");
	size_t index, wrong = 0;
	json_t *entry;
	json_array_foreach (list, index, entry) {
		struct sl_error err = {0};
		struct requirement requirement;
		if (requirement_parse(json_string_value(entry), false, &requirement, &err) ||
		    requirement.name || err.kind != SL_E_INPUT) {
			print_error("accepted: %s\n", json_string_value(entry));
			requirement_release(&requirement);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void names_are_judged_and_normalised(void **state)
{
	const json_t *list = vectors_list(*state, "names", "names");
	size_t index, wrong = 0;
	json_t *entry;
	json_array_foreach (list, index, entry) {
		const char *text = vectors_text(entry, "in");
		sl_auto_free char *normal = name_normalise(text, strlen(text));
		bool valid = name_is_valid(text, strlen(text));
		if (valid != vectors_bool(entry, "valid") ||
		    !same_text(normal, vectors_text(entry, "normalized")) ||
		    (valid && same_text(normal, text)) != vectors_bool(entry, "is_normalized")) {
			print_error("differs: %s\n", text);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void metadata_mistakes_are_mended_only_there(void **state)
{
	(void)state;
	static const struct {
		const char *text, *clauses;
	} cases[] = {
		{"foo (>=20.*) ; extra == 'format'", ">=20"},
		{"foo >=7.2.0<8.0.0", "<8.0.0,>=7.2.0"},
		{"foo>=3.6'; python_version >= '3'", ">=3.6"},
		{"foo (!=3.0*,)", "!=3.0.*"},
		{"foo (>=1.0, )", ">=1.0"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sl_error err = {0};
		struct requirement requirement;
		assert_true(requirement_parse(cases[i].text, true, &requirement, &err));
		sl_auto_free char *text = specifier_format(requirement.specifier);
		assert_string_equal(text, cases[i].clauses);
		requirement_release(&requirement);
	}
	struct sl_error err = {0};
	struct requirement requirement;
	assert_false(requirement_parse(cases[0].text, false, &requirement, &err));
}

static bool active(const char *text, const char *const *extras)
{
	struct sl_error err = {0};
	auto_requirement struct requirement requirement;
	assert_true(requirement_parse(text, true, &requirement, &err));
	struct sl_strings list = {0};
	for (; *extras; extras++)
		sl_strings_add(&list, *extras);
	struct marker_environment environment = {.os_name = "posix", .extra = "ignored"};
	bool result;
	assert_true(requirement_is_active(&requirement, &environment, &list, &result, &err));
	sl_strings_release(&list);
	return result;
}

static void extras_switch_dependencies_on(void **state)
{
	(void)state;
	const char *const none[] = {NULL}, *const two[] = {"a", "dev-tools", NULL};
	assert_true(active("x", none));
	assert_false(active("x; extra == 'a'", none));
	assert_true(active("x; extra == 'a'", two));
	assert_true(active("x; extra == 'Dev_Tools'", two));
	assert_false(active("x; extra == 'a' and os_name == 'nt'", two));
	assert_true(active("x; extra != 'a'", none));
	assert_true(active("x; extra != 'a'", two));
	assert_false(active("x; extra == 'ignored'", none));
}

static void t56_options_are_not_requirements(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"-e .",		"--index-url https://x",    "a --hash=sha256:00",
		"-r other.txt", "a\n--index-url=https://x", "a>=1\n",
		"a>=\n1",	"a;os_name=='x'\n",	    "a @ x\ny",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct sl_error err = {0};
		struct requirement requirement;
		assert_false(requirement_parse(bad[i], false, &requirement, &err));
		assert_int_equal(err.kind, SL_E_INPUT);
	}
}

static void t19_long_requirements_are_refused(void **state)
{
	(void)state;
	size_t len = SL_LIMIT_REQUIRE_LINE + 1;
	sl_auto_free char *text = sl_alloc(len + 1);
	memset(text, 'a', len);
	struct sl_error err = {0};
	struct requirement requirement;
	assert_false(requirement_parse(text, true, &requirement, &err));
	assert_int_equal(err.kind, SL_E_LIMIT);
	text[len - 1] = '\0';
	assert_true(requirement_parse(text, true, &requirement, &err));
	requirement_release(&requirement);
}

static int load(void **state)
{
	*state = vectors_load("pep508-requirements");
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
		cmocka_unit_test(valid_requirements_have_these_parts),
		cmocka_unit_test(invalid_requirements_are_refused),
		cmocka_unit_test(names_are_judged_and_normalised),
		cmocka_unit_test(metadata_mistakes_are_mended_only_there),
		cmocka_unit_test(extras_switch_dependencies_on),
		cmocka_unit_test(t56_options_are_not_requirements),
		cmocka_unit_test(t19_long_requirements_are_refused),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
