// SPDX-License-Identifier: Apache-2.0
#include "bundles/packaging/version_parts.h"
#include "tests/bundles/packaging/vectors.h"

#include <inttypes.h>
#include <time.h>

static bool number_is(const struct version_number *number, const json_t *expected)
{
	sl_auto_free char *want = vectors_number(expected);
	return strlen(want) == number->len && memcmp(want, number->digits, number->len) == 0;
}

static bool optional_is(bool has, const struct version_number *number, const json_t *expected)
{
	return has ? number_is(number, expected) : json_is_null(expected);
}

static bool release_is(const struct version *version, const json_t *expected)
{
	if (json_array_size(expected) != version->release_len)
		return false;
	for (size_t i = 0; i < version->release_len; i++) {
		if (!number_is(&version->release[i], json_array_get(expected, i)))
			return false;
	}
	return true;
}

static bool pre_is(const struct version *version, const json_t *expected)
{
	static const char *const labels[] = {NULL, "a", "b", "rc"};
	if (version->pre == VERSION_PRE_NONE)
		return json_is_null(expected);
	return same_text(labels[version->pre], json_string_value(json_array_get(expected, 0))) &&
	       number_is(&version->pre_number, json_array_get(expected, 1));
}

static bool form_is(const struct version *version, enum version_form form, const char *expected)
{
	sl_auto_free char *text = version_format_as(version, form);
	return same_text(text, expected);
}

static bool local_is(const struct version *version, const char *expected)
{
	sl_auto_free char *text = version_format(version);
	const char *plus = strchr(text, '+');
	return same_text(plus ? plus + 1 : NULL, expected);
}

static bool version_is_as(const json_t *entry)
{
	struct sl_error err = {0};
	auto_version struct version *version = NULL;
	if (!version_parse(vectors_text(entry, "in"), &version, &err))
		return false;
	return number_is(&version->epoch, json_object_get(entry, "epoch")) &&
	       release_is(version, json_object_get(entry, "release")) &&
	       pre_is(version, json_object_get(entry, "pre")) &&
	       optional_is(version->has_post, &version->post, json_object_get(entry, "post")) &&
	       optional_is(version->has_dev, &version->dev, json_object_get(entry, "dev")) &&
	       local_is(version, vectors_text(entry, "local")) &&
	       form_is(version, VERSION_WHOLE, vectors_text(entry, "norm")) &&
	       form_is(version, VERSION_PUBLIC, vectors_text(entry, "public")) &&
	       form_is(version, VERSION_BASE, vectors_text(entry, "base")) &&
	       form_is(version, VERSION_TRIMMED, vectors_text(entry, "trimmed")) &&
	       version_is_prerelease(version) == vectors_bool(entry, "pre_release") &&
	       version_is_postrelease(version) == vectors_bool(entry, "post_release") &&
	       version->has_dev == vectors_bool(entry, "dev_release") &&
	       version_is_normal(vectors_text(entry, "norm")) &&
	       version_is_normal(vectors_text(entry, "in")) ==
		       same_text(vectors_text(entry, "in"), vectors_text(entry, "norm"));
}

static void valid_versions_have_these_parts(void **state)
{
	const json_t *list = vectors_list(*state, "valid", "valid");
	size_t index, wrong = 0;
	json_t *entry;
	json_array_foreach (list, index, entry) {
		if (!version_is_as(entry)) {
			print_error("differs: %s\n", vectors_text(entry, "in"));
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void invalid_versions_are_refused(void **state)
{
	const json_t *list = vectors_list(*state, "invalid", "invalid");
	size_t index, wrong = 0;
	json_t *entry;
	json_array_foreach (list, index, entry) {
		struct sl_error err = {0};
		auto_version struct version *version = NULL;
		const char *text = json_string_value(entry);
		if (version_parse(text, &version, &err) || version || err.kind != SL_E_INPUT ||
		    version_is_normal(text)) {
			print_error("accepted: %s\n", text);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static struct version *must_parse(const char *text)
{
	struct version *version = version_try(text, strlen(text));
	if (!version)
		fail_msg("%s is not a version", text);
	return version;
}

static int sign(int order)
{
	return (order > 0) - (order < 0);
}

static int order_of(const char *left, const char *right)
{
	auto_version struct version *a = must_parse(left), *b = must_parse(right);
	int order = sign(version_compare(a, b));
	assert_int_equal(sign(version_compare(b, a)), -order);
	return order;
}

static void pairs_compare_as_the_reference_says(void **state)
{
	const json_t *list = vectors_list(*state, "pairs", "pairs");
	size_t index, wrong = 0;
	json_t *entry;
	json_array_foreach (list, index, entry) {
		const char *left = json_string_value(json_array_get(entry, 0));
		const char *relation = json_string_value(json_array_get(entry, 1));
		const char *right = json_string_value(json_array_get(entry, 2));
		int want = *relation == '<' ? -1 : *relation == '>';
		if (order_of(left, right) != want) {
			print_error("not %s %s %s\n", left, relation, right);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

// Every version of every class against every other: the order is total and the reference's.
static void the_whole_order_is_ascending(void **state)
{
	const json_t *classes = vectors_list(*state, "ascending", "order_classes");
	SL_LIST(struct version *) all = {0};
	SL_LIST(size_t) class_of = {0};
	size_t index, inner, wrong = 0;
	json_t *members, *text;
	json_array_foreach (classes, index, members) {
		json_array_foreach (members, inner, text) {
			*sl_list_add(&all) = must_parse(json_string_value(text));
			*sl_list_add(&class_of) = index;
		}
	}
	for (size_t i = 0; i < all.len; i++) {
		for (size_t j = 0; j < all.len; j++) {
			int want = (class_of.items[i] > class_of.items[j]) -
				   (class_of.items[i] < class_of.items[j]);
			wrong += sign(version_compare(all.items[i], all.items[j])) != want;
		}
	}
	assert_int_equal(wrong, 0);
	for (size_t i = 0; i < all.len; i++)
		version_free(all.items[i]);
	sl_list_release(&all);
	sl_list_release(&class_of);
}

static void t20_numbers_of_any_length_are_exact(void **state)
{
	(void)state;
	assert_int_equal(order_of("18446744073709551615", "18446744073709551616"), -1);
	assert_int_equal(order_of("1.99999999999999999999", "1.100000000000000000000"), -1);
	assert_int_equal(order_of("1.0+99999999999999999999", "1.0+100000000000000000000"), -1);
	assert_int_equal(order_of("2147483647", "2147483648"), -1);
	assert_int_equal(order_of("4294967296.1", "4294967295.2"), 1);
	assert_int_equal(order_of("9223372036854775807", "9223372036854775808"), -1);
	assert_int_equal(order_of("1.000000000000000000000000000001", "1.1"), 0);
	assert_int_equal(order_of("1.00000000000000000000000000000", "1"), 0);
}

static void the_message_shows_the_text_escaped(void **state)
{
	(void)state;
	struct sl_error err = {0};
	struct version *version;
	assert_false(version_parse("1.0\x1b[31m", &version, &err));
	assert_int_equal(err.kind, SL_E_INPUT);
	assert_non_null(strstr(err.text, "\\x1b[31m"));
	assert_null(strchr(err.text, '\x1b'));
}

// A text of 400 KB is read in one pass, not in one pass per part.
static void t21_long_versions_cost_linear_time(void **state)
{
	(void)state;
	size_t parts = 200000;
	sl_auto_free char *text = sl_alloc(2 * parts + 1);
	for (size_t i = 0; i < parts; i++)
		memcpy(text + 2 * i, i + 1 < parts ? "1." : "1", 2);
	clock_t start = clock();
	auto_version struct version *version = must_parse(text);
	assert_int_equal(version_compare(version, version), 0);
	assert_true(clock() - start < CLOCKS_PER_SEC);
}

static int load(void **state)
{
	*state = vectors_load("pep440-versions");
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
		cmocka_unit_test(valid_versions_have_these_parts),
		cmocka_unit_test(invalid_versions_are_refused),
		cmocka_unit_test(pairs_compare_as_the_reference_says),
		cmocka_unit_test(the_whole_order_is_ascending),
		cmocka_unit_test(t20_numbers_of_any_length_are_exact),
		cmocka_unit_test(the_message_shows_the_text_escaped),
		cmocka_unit_test(t21_long_versions_cost_linear_time),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
