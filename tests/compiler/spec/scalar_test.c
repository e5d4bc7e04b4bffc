// SPDX-License-Identifier: Apache-2.0
#include "compiler/spec/scalar.h"
#include "tests/cmocka_all.h"

#include <string.h>

static void assert_class(enum scalar_class class, const char *const *words)
{
	for (; *words; words++) {
		if (scalar_classify(*words) != class)
			fail_msg("'%s' is %s", *words,
				 scalar_class_phrase(scalar_classify(*words)));
	}
}

static void text_that_every_reader_takes_for_text(void **state)
{
	(void)state;
	static const char *const words[] = {
		"pandas",      "1.0.0",
		"3.11.2",      "linux/x86_64",
		"a:b",	       "1.0rc1",
		"sha256:12",   "0x",
		"0xg",	       "0b2",
		"12:60",       "1:",
		"12:345",      "-",
		"+",	       ".",
		"_1",	       "1e",
		"e3",	       "nul",
		"nope",	       "oN",
		"yES",	       "<",
		"2026-1",      "v1.10",
		"2026-11-22x", ".infinity",
		"._",	       "1.2.3.",
		"none",	       "127.0.0.1",
		"1 2",	       "2026-11-22 day",
		NULL,
	};
	assert_class(SCALAR_TEXT, words);
}

static void numbers_that_come_back_as_written(void **state)
{
	(void)state;
	static const char *const words[] = {
		"0",	 "1",	   "17",     "3600", "-1", "999999999999999", "2.36", "0.5",
		"-2.25", "100.01", "0.0001", "3.11", NULL,
	};
	assert_class(SCALAR_EXACT, words);
}

static void numbers_that_do_not(void **state)
{
	(void)state;
	static const char *const words[] = {
		"1.10",
		"1.0",
		"010",
		"0644",
		"00",
		"-0",
		"+1",
		"1_000",
		"1e3",
		"1E+3",
		".5",
		"1.",
		"0x1F",
		"0o17",
		"0b11",
		"12:30",
		"-0x1",
		"1:2:3",
		".inf",
		"-.INF",
		".nan",
		"0.0",
		"1.5_0",
		"190:20:30.15",
		"007",
		"08",
		"0.00001",
		"1234567890123456",
		"1.234567890123456",
		NULL,
	};
	assert_class(SCALAR_NUMBER, words);
}

static void words_of_other_types(void **state)
{
	(void)state;
	static const char *const bools[] = {"y",   "N",	   "yes",   "No", "on",
					    "OFF", "true", "False", NULL};
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const dates[] = {"2026-11-22", "2026-1-2", "2026-11-22T10:00:00Z",
					    "2026-11-22 1:02:03", NULL};
	static const char *const others[] = {"=", "<<", NULL};
	assert_class(SCALAR_BOOL, bools);
	assert_class(SCALAR_NULL, nulls);
	assert_class(SCALAR_DATE, dates);
	assert_class(SCALAR_SPECIAL, others);
}

static void whole_numbers_have_one_spelling(void **state)
{
	(void)state;
	assert_true(scalar_is_whole("0") && scalar_is_whole("604800"));
	static const char *const others[] = {
		"", "00", "-1", "1.0", "1 ", "0x1", "9999999999999999"};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_false(scalar_is_whole(others[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_that_every_reader_takes_for_text),
		cmocka_unit_test(numbers_that_come_back_as_written),
		cmocka_unit_test(numbers_that_do_not),
		cmocka_unit_test(words_of_other_types),
		cmocka_unit_test(whole_numbers_have_one_spelling),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
