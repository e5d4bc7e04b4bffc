// SPDX-License-Identifier: Apache-2.0
#include "bundles/base/options.h"
#include "tests/cmocka_all.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct values {
	bool flag;
	const char *output;
	struct sl_words list;
	int64_t threads, limit;
};

static const struct sl_option options[] = {
	{"flag", 'f', SL_OPT_FLAG, offsetof(struct values, flag), NULL, "a flag"},
	{"output", 'o', SL_OPT_STRING, offsetof(struct values, output), "FILE", "where"},
	{"list", 0, SL_OPT_LIST, offsetof(struct values, list), "DIR", "some"},
	{"threads", 0, SL_OPT_NUMBER, offsetof(struct values, threads), "N", "how many"},
	{"limit", 0, SL_OPT_NUMBER, offsetof(struct values, limit), "N", "how much"},
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

// What came in which order; the last command refuses before it is confined.
static char steps[100];

static bool before(void *options_given, int argc, char **operands, struct sl_error *err)
{
	struct values *values = options_given;
	(void)argc, (void)operands;
	values->limit = 7; // what `before` leaves there, `run` finds
	strcat(steps, "before ");
	return !values->flag || sl_fail(err, SL_E_IO, "no helper");
}

static bool confine(const struct sl_reach *reach, struct sl_error *err)
{
	(void)err;
	strcat(steps, reach->confined ? "confined " : "confine ");
	return true;
}

static int run_late(const void *options_given, int argc, char **operands)
{
	const struct values *values = options_given;
	(void)argc, (void)operands;
	strcat(steps, "run");
	return (int)values->limit;
}

static const struct sl_command one = {
	.name = "do",
	.operands = "FILE...",
	.summary = "does",
	.options = options,
	.size = sizeof(struct values),
	.min_operands = 1,
	.max_operands = 2,
	.run = run,
};

#define PLAIN(words, what)                                                                     \
	{                                                                                      \
		.name = words, .operands = "", .summary = what, .size = sizeof(struct values), \
		.run = run,                                                                    \
	}

static const struct sl_command two = PLAIN("key new", "makes");
static const struct sl_command show = PLAIN("key show", "shows");
static const struct sl_command compile = PLAIN("compile", "compiles");
static const struct sl_command sign = {
	.name = "sign",
	.operands = "",
	.summary = "signs",
	.options = options,
	.size = sizeof(struct values),
	.before = before,
	.reach = SL_REACH_NAMED,
	.run = run_late,
};
static const struct sl_command *const commands[] = {&one, &two, &show, &compile, &sign, NULL};
static const struct sl_program program = {
	.name = "prog",
	.version = "1",
	.summary = "a program",
	.commands = commands,
	.confine = confine,
};

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

// What the last call said on stderr.
#define said(...) said_words((char *[]){"prog", __VA_ARGS__, NULL})

static const char *said_words(char **argv)
{
	static char text[1000];
	FILE *file = tmpfile();
	assert_non_null(file);
	fflush(stderr);
	int before = dup(STDERR_FILENO);
	assert_true(before >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
	int code = call_words(argv);
	fflush(stderr);
	assert_true(dup2(before, STDERR_FILENO) >= 0);
	close(before);
	rewind(file);
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	assert_int_equal(code, 2);
	return text;
}

static void assert_says(const char *text, const char *line)
{
	size_t len = strcspn(text, "\n");
	sl_auto_free char *first = sl_strndup(text, len);
	assert_string_equal(first, line);
}

static void misspelt_options_are_told_the_near_one(void **state)
{
	(void)state;
	assert_says(said("do", "--outptu", "x"),
		    "prog: unknown option '--outptu'; did you mean '--output'?");
	assert_says(said("do", "in", "--thread=x", "--flga"),
		    "prog: option --threads needs a whole number, not 'x'");
	assert_says(said("do", "in", "--flga=3"),
		    "prog: unknown option '--flga'; did you mean '--flag'?");
	assert_says(said("do", "in", "--hepl"),
		    "prog: unknown option '--hepl'; did you mean '--help'?");
	assert_says(said("do", "in", "--nothing-like-it"),
		    "prog: unknown option '--nothing-like-it'");
	assert_says(said("do", "in", "--o\033[2J"), "prog: unknown option '--o\\x1b[2J'");
	assert_says(said("do", "in", "--li"), "prog: option '--li' may be --list, --limit");
	assert_says(said("do", "in", "--flag=yes"), "prog: option --flag takes no value");
	assert_says(said("do", "in", "--output"), "prog: option --output needs FILE");
	assert_says(said("do", "in", "--help=me"), "prog: option --help takes no value");
	assert_says(said("do", "in", "-x"), "prog: unknown option -x");
	assert_says(said("do", "in", "-\xff"), "prog: unknown option -\\xff");
}

static void misspelt_commands_are_told_the_near_one(void **state)
{
	(void)state;
	assert_says(said("compil"), "prog: unknown command 'compil'; did you mean 'compile'?");
	assert_says(said("compil", "spec"),
		    "prog: unknown command 'compil'; did you mean 'compile'?");
	assert_says(said("kye", "new"), "prog: unknown command 'kye'; did you mean 'key new'?");
	assert_says(said("key"), "prog: 'key' needs a second word: new, show");
	assert_says(said("key", "--json"), "prog: 'key' needs a second word: new, show");
	assert_says(said("key", "make"), "prog: 'key' has no 'make', only: new, show");
	assert_says(said("key", "nwe"),
		    "prog: 'key' has no 'nwe', only: new, show; did you mean 'key new'?");
	assert_says(said("entirely"), "prog: unknown command 'entirely'");
	assert_says(
		said("--verison"),
		"prog: unknown option '--verison' before the command; did you mean '--version'?");
	assert_says(said("--flag", "do"), "prog: unknown option '--flag' before the command: a "
					  "command's own options follow it");
}

static void commands_of_two_words(void **state)
{
	(void)state;
	assert_int_equal(call("key", "new"), 42);
	assert_int_equal(call("key", "new", "x"), 2);
	assert_int_equal(call("key", "new", "--help"), 0);
}

static void a_helper_is_started_before_the_command_is_confined(void **state)
{
	(void)state;
	steps[0] = '\0';
	assert_int_equal(call("sign"), 7);
	assert_string_equal(steps, "before confined run");
	steps[0] = '\0';
	assert_int_equal(call("sign", "-f"), 5);
	assert_string_equal(steps, "before ");
	steps[0] = '\0';
	assert_int_equal(call("compile"), 42);
	assert_string_equal(steps, "confine ");
	steps[0] = '\0';
	assert_int_equal(call("sign", "--help"), 0);
	assert_int_equal(call("sign", "--nothing"), 2);
	assert_string_equal(steps, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_helper_is_started_before_the_command_is_confined),
		cmocka_unit_test(options_reach_the_command),
		cmocka_unit_test(mistakes_are_usage_errors),
		cmocka_unit_test(misspelt_options_are_told_the_near_one),
		cmocka_unit_test(misspelt_commands_are_told_the_near_one),
		cmocka_unit_test(commands_of_two_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
