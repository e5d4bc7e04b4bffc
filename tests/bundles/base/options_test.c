// SPDX-License-Identifier: Apache-2.0
#include "bundles/base/options.h"
#include "tests/cmocka_all.h"

#include <stdio.h>
#include <string.h>

struct values {
	bool flag;
	const char *output;
	struct sl_words list;
	int64_t threads;
};

static const struct sl_option options[] = {
	{"flag", 'f', SL_OPT_FLAG, offsetof(struct values, flag), NULL, "a flag"},
	{"output", 'o', SL_OPT_STRING, offsetof(struct values, output), "FILE", "where"},
	{"list", 0, SL_OPT_LIST, offsetof(struct values, list), "DIR", "some"},
	{"threads", 0, SL_OPT_NUMBER, offsetof(struct values, threads), "N", "how many"},
	SL_OPTION_END,
};

static char got[200];

static int run(const void *options_given, int argc, char **operands)
{
	const struct values *values = options_given;
	snprintf(got, sizeof got, "%d %s %zu %s %jd %d %s", values->flag,
		 values->output ? values->output : "-", values->list.len,
		 values->list.len ? values->list.items[values->list.len - 1] : "-",
		 (intmax_t)values->threads, argc, argc ? operands[argc - 1] : "-");
	return 42;
}

static const struct sl_command one = {"do", "FILE...", "does", NULL, options, sizeof(struct values),
				      1,    2,	       run};
static const struct sl_command two = {"key new", "", "makes", NULL, NULL, sizeof(struct values),
				      0,	 0,  run};
static const struct sl_command *const commands[] = {&one, &two, NULL};
static const struct sl_program program = {"prog", "1", "a program", commands};

#define call(...) call_words((char *[]){"prog", __VA_ARGS__, NULL})

static int call_words(char **argv)
{
	int argc = 0;
	while (argv[argc])
		argc++;
	got[0] = '\0';
	return sl_program_main(&program, argc, argv);
}

static void options_reach_the_command(void **state)
{
	(void)state;
	assert_int_equal(
		call("do", "-f", "-o", "x", "--list=a", "--list", "b", "--threads=3", "in"), 42);
	assert_string_equal(got, "1 x 2 b 3 1 in");
	assert_int_equal(call("do", "in", "--", "-o"), 42);
	assert_string_equal(got, "0 - 0 - 0 2 -o");
	assert_int_equal(call("do", "in", "--out=y"),
			 42); // a unique beginning, as getopt_long has it
	assert_string_equal(got, "0 y 0 - 0 1 in");
}

static void mistakes_are_usage_errors(void **state)
{
	(void)state;
	assert_int_equal(call("do", "-o", "x", "--output", "y", "in"), 2); // given twice
	assert_int_equal(call("do", "-f", "-f", "in"), 2);
	assert_int_equal(call("do", "--nope", "in"), 2);
	assert_int_equal(call("do", "-z", "in"), 2);
	assert_int_equal(call("do", "in", "-o"), 2);
	assert_int_equal(call("do", "--threads=many", "in"), 2);
	assert_int_equal(call("do", "--threads=-1", "in"), 2);
	assert_int_equal(call("do", "--threads=99999999999999999999", "in"), 2);
	assert_int_equal(call("do"), 2);
	assert_int_equal(call("do", "a", "b", "c"), 2);
	assert_int_equal(call("dont"), 2);
	assert_int_equal(call("key"), 2);
	assert_int_equal(call("key", "old"), 2);
	assert_string_equal(got, "");
}

static void commands_of_two_words(void **state)
{
	(void)state;
	assert_int_equal(call("key", "new"), 42);
	assert_int_equal(call("key", "new", "x"), 2);
	assert_int_equal(call("key", "new", "--help"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_reach_the_command),
		cmocka_unit_test(mistakes_are_usage_errors),
		cmocka_unit_test(commands_of_two_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
