// SPDX-License-Identifier: Apache-2.0
#include "bundles/packaging/metadata.h"
#include "tests/cmocka_all.h"

#include <string.h>
#include <time.h>

static bool parse(const char *text, size_t len, struct metadata *out, struct sl_error *err)
{
	return metadata_parse(text, len, "x.whl", out, err);
}

static struct metadata must_parse(const char *text)
{
	struct sl_error err = {0};
	struct metadata metadata;
	if (!parse(text, strlen(text), &metadata, &err))
		fail_msg("%s", err.text);
	return metadata;
}

static enum sl_kind kind_of(const char *text, size_t len)
{
	struct sl_error err = {0};
	struct metadata metadata;
	bool good = parse(text, len, &metadata, &err);
	assert_int_equal(good, err.kind == SL_E_NONE);
	metadata_release(&metadata);
	return err.kind;
}

#define KIND(text) kind_of(text, sizeof text - 1)

static void fields_are_read(void **state)
{
	(void)state;
	struct metadata metadata = must_parse("Metadata-Version: 2.4\n"
					      "Name: Foo.Bar\n"
					      "VERSION:  1.0 \n"
					      "Summary: text: with colons\n"
					      "Requires-Dist: a>=1\n"
					      "requires-dist: b; extra == 'x'\n"
					      "Requires-Dist: c (>=2,\n"
					      "        <3)\n"
					      "Requires-Python: >=3.8\n"
					      "Provides-Extra: Dev_Tools\n"
					      "License-Expression: MIT OR Apache-2.0\n"
					      "\n"
					      "Requires-Dist: not-a-header\n");
	assert_string_equal(metadata.name, "Foo.Bar");
	assert_string_equal(metadata.version, "1.0");
	assert_string_equal(metadata.requires_python, ">=3.8");
	assert_string_equal(metadata.license_expression, "MIT OR Apache-2.0");
	assert_int_equal(metadata.requires_dist.len, 3);
	assert_string_equal(metadata.requires_dist.items[0], "a>=1");
	assert_string_equal(metadata.requires_dist.items[1], "b; extra == 'x'");
	assert_string_equal(metadata.requires_dist.items[2], "c (>=2, <3)");
	assert_int_equal(metadata.provides_extra.len, 1);
	assert_string_equal(metadata.provides_extra.items[0], "dev-tools");
	metadata_release(&metadata);
}

static void absent_fields_are_null(void **state)
{
	(void)state;
	struct metadata metadata = must_parse("Name: a\nVersion: 1");
	assert_null(metadata.requires_python);
	assert_null(metadata.license_expression);
	assert_int_equal(metadata.requires_dist.len, 0);
	metadata_release(&metadata);
}

static void the_first_of_a_repeated_field_counts(void **state)
{
	(void)state;
	struct metadata metadata = must_parse("Name: a\nVersion: 1\nName: b\nVersion: 2\n"
					      "Requires-Python: >=3\nRequires-Python: >=4\n");
	assert_string_equal(metadata.name, "a");
	assert_string_equal(metadata.version, "1");
	assert_string_equal(metadata.requires_python, ">=3");
	metadata_release(&metadata);
}

// What ends a line for the installer ends it here: a dependency cannot hide behind a lone "\r".
static void t66_every_line_end_counts(void **state)
{
	(void)state;
	struct metadata metadata =
		must_parse("Name: a\r\nVersion: 1\r\nSummary: x\rRequires-Dist: b\n"
			   "Requires-Dist: c\r\r\nRequires-Dist: d\n");
	assert_int_equal(metadata.requires_dist.len, 2);
	assert_string_equal(metadata.requires_dist.items[0], "b");
	assert_string_equal(metadata.requires_dist.items[1], "c");
	metadata_release(&metadata);
}

static void t66_a_line_that_is_no_header_ends_the_headers(void **state)
{
	(void)state;
	struct metadata metadata = must_parse("Name: a\nVersion: 1\nLicense: MIT\n"
					      "Permission is granted to all: of you\n"
					      "Requires-Dist: b\n");
	assert_int_equal(metadata.requires_dist.len, 0);
	metadata_release(&metadata);
}

static void unusable_metadata_is_refused(void **state)
{
	(void)state;
	assert_int_equal(KIND(""), SL_E_FORMAT);
	assert_int_equal(KIND("\nName: a\nVersion: 1\n"), SL_E_FORMAT);
	assert_int_equal(KIND("Name: a\n"), SL_E_FORMAT);
	assert_int_equal(KIND("Version: 1\n"), SL_E_FORMAT);
	assert_int_equal(KIND("Name: a b\nVersion: 1\n"), SL_E_FORMAT);
	assert_int_equal(KIND("Name: ../a\nVersion: 1\n"), SL_E_FORMAT);
	assert_int_equal(KIND("Name: a\nVersion: \n"), SL_E_FORMAT);
	assert_int_equal(KIND("Name: a\nVersion: 1\nSummary: \xff\n"), SL_E_FORMAT);
	assert_int_equal(KIND("Name: a\nVersion: 1\nSummary: \0\n"), SL_E_FORMAT);
	assert_int_equal(KIND("Metadata-Version: 3.0\nName: a\nVersion: 1\n"), SL_E_FORMAT);
	assert_int_equal(KIND("Metadata-Version: 20.1\nName: a\nVersion: 1\n"), SL_E_FORMAT);
	assert_int_equal(KIND("Metadata-Version: two\nName: a\nVersion: 1\n"), SL_E_FORMAT);
	assert_int_equal(KIND("Metadata-Version: 2.9\nName: a\nVersion: 1\n"), SL_E_NONE);
}

static enum sl_kind repeated(const char *head, const char *piece, size_t times)
{
	struct sl_buf text;
	sl_buf_init(&text, 64 * SL_MIB);
	sl_buf_adds(&text, head);
	for (size_t i = 0; i < times; i++)
		sl_buf_adds(&text, piece);
	sl_buf_addc(&text, '\n');
	enum sl_kind kind = kind_of(text.data, text.len);
	sl_buf_release(&text);
	return kind;
}

#define HEAD "Name: a\nVersion: 1\n"

static void t19_sizes_are_limited(void **state)
{
	(void)state;
	assert_int_equal(repeated(HEAD, "Requires-Dist: b\n", SL_LIMIT_REQUIRES), SL_E_NONE);
	assert_int_equal(repeated(HEAD, "Requires-Dist: b\n", SL_LIMIT_REQUIRES + 1), SL_E_LIMIT);
	assert_int_equal(repeated(HEAD, "Provides-Extra: b\n", SL_LIMIT_REQUIRES), SL_E_NONE);
	assert_int_equal(repeated(HEAD, "Provides-Extra: b\n", SL_LIMIT_REQUIRES + 1), SL_E_LIMIT);
	size_t line = SL_LIMIT_REQUIRE_LINE;
	assert_int_equal(repeated(HEAD "Requires-Dist: ", "b", line), SL_E_NONE);
	assert_int_equal(repeated(HEAD "Requires-Dist: ", "b", line + 1), SL_E_LIMIT);
	assert_int_equal(repeated(HEAD "Requires-Dist: bb", "\n b", line / 2 - 1), SL_E_NONE);
	assert_int_equal(repeated(HEAD "Requires-Dist: b", "\n b", line / 2), SL_E_LIMIT);
	// Fields that nobody reads may be long, and so may the description.
	assert_int_equal(repeated(HEAD "License: ", "b", 2 * line), SL_E_NONE);
	size_t most = SL_LIMIT_METADATA - strlen(HEAD "\n\n");
	assert_int_equal(repeated(HEAD "\n", "b", most), SL_E_NONE);
	assert_int_equal(repeated(HEAD "\n", "b", most + 1), SL_E_LIMIT);
}

static void t21_hostile_text_costs_linear_time(void **state)
{
	(void)state;
	clock_t start = clock();
	assert_int_equal(repeated(HEAD, "X:\n", 2000000), SL_E_NONE);
	assert_int_equal(repeated(HEAD "X:\n", " \n", 4000000), SL_E_NONE);
	assert_int_equal(repeated(HEAD "Name: a\n", "\t\r", 4000000), SL_E_NONE);
	assert_true(clock() - start < 10 * CLOCKS_PER_SEC);
}

static bool agrees(const char *leaf, const char *name, const char *version)
{
	struct sl_error err = {0};
	auto_wheel_name struct wheel_name wheel;
	assert_true(wheel_name_parse(leaf, &wheel, &err));
	sl_auto_free char *own_name = sl_strdup(name);
	sl_auto_free char *own_version = sl_strdup(version);
	struct metadata metadata = {.name = own_name, .version = own_version};
	return metadata_agrees(&metadata, &wheel, leaf, &err);
}

static void t66_name_and_version_are_compared_by_value(void **state)
{
	(void)state;
	assert_true(agrees("foo_bar-1.0-py3-none-any.whl", "Foo.Bar", "1.0"));
	assert_true(agrees("foo_bar-1.0-py3-none-any.whl", "foo-bar", "1"));
	assert_true(agrees("foo-1.0+l_1-py3-none-any.whl", "foo", "1.0+l.1"));
	assert_false(agrees("foo-1.0-py3-none-any.whl", "foo2", "1.0"));
	assert_false(agrees("foo-1.0-py3-none-any.whl", "foo", "1.0.post1"));
	assert_false(agrees("foo-1.0-py3-none-any.whl", "foo", "1.0+x"));
	assert_false(agrees("foo-1.0-py3-none-any.whl", "foo", "one"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_read),
		cmocka_unit_test(absent_fields_are_null),
		cmocka_unit_test(the_first_of_a_repeated_field_counts),
		cmocka_unit_test(t66_every_line_end_counts),
		cmocka_unit_test(t66_a_line_that_is_no_header_ends_the_headers),
		cmocka_unit_test(unusable_metadata_is_refused),
		cmocka_unit_test(t19_sizes_are_limited),
		cmocka_unit_test(t21_hostile_text_costs_linear_time),
		cmocka_unit_test(t66_name_and_version_are_compared_by_value),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
