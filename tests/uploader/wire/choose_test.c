// SPDX-License-Identifier: Apache-2.0
#include "tests/uploader/wire/vectors.h"

static void the_version_of_the_endpoint_decides(void **state)
{
	static const char *const universal[] = {
		NULL,	       "",
		"2.2.0",       "2.28.0",
		"3.2.1",       "3.3.0",
		"3.5.0",       "3.6.0a3",
		"3.16.0",      "3.16.0a1",
		"3.16.0.dev0", "3.16.0+site",
		"unknown",     "4.19.0 or so",
		"v4.x",
	};
	static const char *const modern[] = {"3.6.0",  "3.15.0",   "3.16.1", "3.17.0", "4.0.0a1",
					     "4.19.0", "4.19.0a0", "10.0.0", "3.6",    "v4.19.0"};
	(void)state;
	for (size_t i = 0; i < sizeof universal / sizeof *universal; i++)
		if (wire_choose(universal[i]) != WIRE_UNIVERSAL)
			fail_msg("modern: %s", universal[i]);
	for (size_t i = 0; i < sizeof modern / sizeof *modern; i++)
		if (wire_choose(modern[i]) != WIRE_MODERN)
			fail_msg("universal: %s", modern[i]);
}

static void there_are_two_sets(void **state)
{
	(void)state;
	assert_int_equal(wire_other(WIRE_MODERN), WIRE_UNIVERSAL);
	assert_int_equal(wire_other(WIRE_UNIVERSAL), WIRE_MODERN);
	assert_string_equal(wire_serde_identifier(WIRE_UNIVERSAL), "04");
	assert_string_equal(wire_serde_identifier(WIRE_MODERN), "st");
}

static void a_refusal_is_known_by_the_words_of_the_sdk(void **state)
{
	(void)state;
	for (size_t i = 0; vectors_of_sdks[i]; i++) {
		sl_auto_json json_t *sdk = vectors_load(vectors_of_sdks[i]);
		const json_t *refusals = json_object_get(sdk, "refusals");
		size_t index;
		json_t *text;
		assert_true(json_array_size(refusals) >= 12);
		json_array_foreach (refusals, index, text) {
			sl_auto_free char *traceback =
				sl_format("Traceback (most recent call last):\n  File "
					  "\"helper.py\", line 1\n%s",
					  json_string_value(text));
			if (!wire_was_refused(traceback))
				fail_msg("not taken for a refusal: %s", traceback);
		}
	}
}

static void other_failures_are_not_refusals(void **state)
{
	static const char *const others[] = {
		NULL,
		"",
		"Traceback …\nValueError: x",
		"Invalid header: ",
		"Invalid header: st",
		"Invalid header: a whole sentence in data payload",
		"Invalid header: st of a file in data payload",
		"disabled by current configuration",
		"Allowed serializers: JSONData",
		"MaxResultSizeExceeded(11534341, 10485760)",
		"ModuleNotFoundError: No module named 'sealift'",
	};
	(void)state;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (wire_was_refused(others[i]))
			fail_msg("taken for a refusal: %s", others[i]);
	assert_true(wire_was_refused("Invalid header: x Invalid header: 11\\n in data payload"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_version_of_the_endpoint_decides),
		cmocka_unit_test(there_are_two_sets),
		cmocka_unit_test(a_refusal_is_known_by_the_words_of_the_sdk),
		cmocka_unit_test(other_failures_are_not_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
