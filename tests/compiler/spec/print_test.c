// SPDX-License-Identifier: Apache-2.0
#include "tests/compiler/spec/helper.h"

static void assert_printed(const char *text, struct spec_problem problem, const char *expected)
{
	sl_auto_buf struct sl_buf out = {0};
	sl_buf_init(&out, 64 * SL_KIB);
	spec_problem_print(&problem, text, strlen(text), "a.yaml", &out);
	assert_string_equal(out.data, expected);
}

static struct spec_problem problem_at(unsigned line, unsigned column, unsigned width)
{
	static char path[] = "a.b", message[] = "is wrong", hint[] = "mend it";
	return (struct spec_problem){line, column, width, path, message, hint};
}

static void the_place_is_marked(void **state)
{
	(void)state;
	assert_printed(
		"one\r\ntwo: three\r\n", problem_at(2, 6, 5),
		"a.yaml:2:6: a.b: is wrong\n    two: three\n         ^^^^^\n    hint: mend it\n");
	assert_printed("x: y", problem_at(1, 4, 9),
		       "a.yaml:1:4: a.b: is wrong\n    x: y\n       ^\n    hint: mend it\n");
	assert_printed("\xef\xbb\xbfx: y", problem_at(1, 1, 1),
		       "a.yaml:1:1: a.b: is wrong\n    x: y\n    ^\n    hint: mend it\n");
}

static void a_problem_of_the_whole_file_has_no_line(void **state)
{
	(void)state;
	struct spec_problem problem = problem_at(0, 0, 1);
	problem.path = (char[]){""};
	problem.hint = NULL;
	assert_printed("x: y", problem, "a.yaml: is wrong\n");
}

static void a_place_past_the_text_is_harmless(void **state)
{
	(void)state;
	assert_printed("x\n", problem_at(2, 1, 1),
		       "a.yaml:2:1: a.b: is wrong\n    \n    ^\n    hint: mend it\n");
	assert_printed("x\n", problem_at(9, 9, 1),
		       "a.yaml:9:9: a.b: is wrong\n    hint: mend it\n");
	assert_printed("xy\n", problem_at(1, 30, 4),
		       "a.yaml:1:30: a.b: is wrong\n    xy\n      ^\n    hint: mend it\n");
}

// What is shown takes more columns than what stands there; the caret follows.
static void t36_the_line_is_shown_escaped(void **state)
{
	(void)state;
	assert_printed("a\x1b[2J: b\n", problem_at(1, 8, 1),
		       "a.yaml:1:8: a.b: is wrong\n    a\\x1b[2J: b\n              ^\n    hint: "
		       "mend it\n");
	assert_printed("\tk: \"\\n\"\n", problem_at(1, 5, 4),
		       "a.yaml:1:5: a.b: is wrong\n     k: \"\\n\"\n        ^^^^\n    hint: mend "
		       "it\n");
	assert_printed("\xc3\xa9: \xe6\xbd\xae\n", problem_at(1, 4, 1),
		       "a.yaml:1:4: a.b: is wrong\n    \xc3\xa9: \xe6\xbd\xae\n       ^\n    hint: "
		       "mend it\n");
}

static void long_lines_are_cut_around_the_place(void **state)
{
	(void)state;
	char text[401], expected[512];
	memset(text, 'a', 400);
	text[400] = '\0';
	text[199] = 'X';
	char line[97];
	memset(line, 'a', 96);
	line[96] = '\0';
	line[60] = 'X';
	snprintf(expected, sizeof expected,
		 "a.yaml:1:200: a.b: is wrong\n    ...%s...\n       %60s^\n    hint: mend it\n",
		 line, "");
	assert_printed(text, problem_at(1, 200, 1), expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_place_is_marked),
		cmocka_unit_test(a_problem_of_the_whole_file_has_no_line),
		cmocka_unit_test(a_place_past_the_text_is_harmless),
		cmocka_unit_test(t36_the_line_is_shown_escaped),
		cmocka_unit_test(long_lines_are_cut_around_the_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
