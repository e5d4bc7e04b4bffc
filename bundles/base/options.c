// SPDX-License-Identifier: Apache-2.0
#include "bundles/base/options.h"
#include "bundles/base/buf.h"

#include "bundles/base/log.h"
#include "bundles/base/reach.h"
#include "bundles/base/text.h"
#include "bundles/limits.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OPTIONS_MAX 32
#define HELP_CODE   1000 // long options are numbered from 1001 on, so that no letter collides

static const struct sl_option no_options[] = {SL_OPTION_END};

static const struct sl_option *table_of(const struct sl_command *command)
{
	return command->options ? command->options : no_options;
}

static bool is_list(const struct sl_option *option)
{
	return option->type == SL_OPT_LIST || option->type == SL_OPT_PATHS_IN;
}

// ---- help -----------------------------------------------------------------------------------

static void print_option(const struct sl_option *option)
{
	char left[64], letter[8] = "    ";
	if (option->letter)
		snprintf(letter, sizeof letter, "-%c, ", option->letter);
	snprintf(left, sizeof left, "%s--%s%s%s", letter, option->name, option->arg ? "=" : "",
		 option->arg ? option->arg : "");
	printf("  %-30s %s%s\n", left, option->help, is_list(option) ? " (may be repeated)" : "");
}

static void print_command_help(const struct sl_program *program, const struct sl_command *command)
{
	printf("usage: %s %s [options]%s%s\n\n%s\n", program->name, command->name,
	       command->operands[0] ? " " : "", command->operands, command->summary);
	if (command->description)
		printf("\n%s\n", command->description);
	printf("\noptions:\n");
	for (const struct sl_option *option = table_of(command); option->name; option++)
		print_option(option);
	printf("  %-30s %s\n", "-h, --help", "show this text");
}

static void print_program_help(const struct sl_program *program)
{
	printf("usage: %s [-q | -v] COMMAND [options] [operands]\n\n%s\n\ncommands:\n",
	       program->name, program->summary);
	for (size_t i = 0; program->commands[i]; i++)
		printf("  %-15s %s\n", program->commands[i]->name, program->commands[i]->summary);
	printf("\n'%s COMMAND --help' says more about one of them.\n", program->name);
}

// ---- values ---------------------------------------------------------------------------------

static bool parse_number(const char *text, int64_t *out)
{
	if (!*text || text[strspn(text, "0123456789")] != '\0')
		return false;
	errno = 0;
	long long value = strtoll(text, NULL, 10);
	*out = value;
	return errno == 0;
}

static void add_word(struct sl_words *words, const char *word)
{
	*sl_list_add(words) = word;
}

static bool set_value(const struct sl_option *option, void *values, const char *text, bool seen,
		      struct sl_error *err)
{
	void *slot = (char *)values + option->offset;
	if (seen && !is_list(option))
		return sl_fail(err, SL_E_USAGE, "option --%s is given twice", option->name);
	switch (option->type) {
	case SL_OPT_FLAG:
		*(bool *)slot = true;
		return true;
	case SL_OPT_STRING:
	case SL_OPT_PATH_IN:
	case SL_OPT_POLICY_IN:
	case SL_OPT_PATH_OUT:
		*(const char **)slot = text;
		return true;
	case SL_OPT_LIST:
	case SL_OPT_PATHS_IN:
		add_word(slot, text);
		return true;
	case SL_OPT_NUMBER:
		if (parse_number(text, slot))
			return true;
		return sl_fail(err, SL_E_USAGE, "option --%s needs a whole number, not '%s'",
			       option->name, text);
	}
	return sl_fail(err, SL_E_INTERNAL, "option --%s has no type", option->name);
}

// ---- parsing --------------------------------------------------------------------------------

struct getopt_tables {
	struct option names[OPTIONS_MAX + 2];
	char letters[2 * OPTIONS_MAX + 4];
	size_t count;
};

static void make_tables(const struct sl_option *table, struct getopt_tables *out)
{
	*out = (struct getopt_tables){0};
	char *letter = out->letters;
	*letter++ = ':'; // tell a missing argument from an unknown option
	for (; table[out->count].name; out->count++) {
		assert(out->count < OPTIONS_MAX);
		const struct sl_option *option = &table[out->count];
		out->names[out->count] =
			(struct option){option->name, option->arg ? required_argument : no_argument,
					NULL, HELP_CODE + 1 + (int)out->count};
		if (option->letter) {
			*letter++ = option->letter;
			if (option->arg)
				*letter++ = ':';
		}
	}
	out->names[out->count] = (struct option){"help", no_argument, NULL, HELP_CODE};
	*letter = 'h';
}

// Index of the option that getopt_long returned; -1 for none.
static int index_of(const struct sl_option *table, size_t count, int code)
{
	if (code > HELP_CODE)
		return code - HELP_CODE - 1;
	for (size_t i = 0; i < count; i++)
		if (table[i].letter && table[i].letter == code)
			return (int)i;
	return -1;
}

// Adds "; did you mean '<dashes><word>'?" when one of the known words is near.
static void add_suggestion(struct sl_buf *out, const char *word, const char *const *known,
			   const char *dashes)
{
	const char *near = sl_text_nearest(word, known);
	if (near)
		sl_buf_addf(out, "; did you mean '%s%s'?", dashes, near);
}

// `word` is "--name" or "--name=value" as it was typed, and no option, or several, begin so.
static bool fail_long(const struct sl_option *table, const char *word, struct sl_error *err)
{
	const char *known[OPTIONS_MAX + 2] = {NULL};
	sl_auto_free char *name = sl_strndup(word + 2, strcspn(word + 2, "="));
	sl_auto_free char *shown = sl_text_shown(name);
	sl_auto_buf struct sl_buf text, fitting;
	size_t count = 0, fit = 0;

	sl_buf_init(&text, SL_LIMIT_PATH);
	sl_buf_init(&fitting, SL_LIMIT_PATH);
	for (; table[count].name; count++) {
		known[count] = table[count].name;
		if (strncmp(known[count], name, strlen(name)) == 0)
			sl_buf_addf(&fitting, "%s--%s", fit++ ? ", " : "", known[count]);
	}
	known[count] = "help";
	if (fit > 1) {
		sl_buf_addf(&text, "option '--%s' may be %s", shown, fitting.data);
	} else {
		sl_buf_addf(&text, "unknown option '--%s'", shown);
		add_suggestion(&text, name, known, "--");
	}
	return sl_fail(err, SL_E_USAGE, "%s", text.data);
}

// After getopt_long returned '?' or ':'. It tells a letter, or the number of a long option that is
// known and was given a value too many or too few, in optopt.
static bool fail_option(const struct sl_option *table, int code, char **argv, struct sl_error *err)
{
	if (optopt > HELP_CODE) {
		const struct sl_option *option = &table[optopt - HELP_CODE - 1];
		return code == ':' ? sl_fail(err, SL_E_USAGE, "option --%s needs %s", option->name,
					     option->arg)
				   : sl_fail(err, SL_E_USAGE, "option --%s takes no value",
					     option->name);
	}
	if (optopt == HELP_CODE)
		return sl_fail(err, SL_E_USAGE, "option --help takes no value");
	if (!optopt)
		return fail_long(table, argv[optind - 1], err);
	char letter[] = {(char)optopt, '\0'};
	sl_auto_free char *shown = sl_text_shown(letter);
	return sl_fail(err, SL_E_USAGE, "%s -%s",
		       code == ':' ? "no argument for option" : "unknown option", shown);
}

enum parsed { PARSED_RUN, PARSED_HELP, PARSED_BAD };

static enum parsed parse_options(const struct sl_command *command, void *values, int argc,
				 char **argv, struct sl_error *err)
{
	struct getopt_tables tables;
	make_tables(table_of(command), &tables);
	bool seen[OPTIONS_MAX] = {false};
	opterr = 0;
	optind = 0; // glibc: start anew
	for (int code;
	     (code = getopt_long(argc, argv, tables.letters, tables.names, NULL)) != -1;) {
		if (code == HELP_CODE || code == 'h')
			return PARSED_HELP;
		int index = index_of(table_of(command), tables.count, code);
		if (index < 0 || code == '?' || code == ':')
			return fail_option(table_of(command), code, argv, err) ? PARSED_RUN
									       : PARSED_BAD;
		if (!set_value(&table_of(command)[index], values, optarg, seen[index], err))
			return PARSED_BAD;
		seen[index] = true;
	}
	return PARSED_RUN;
}

static bool check_operands(const struct sl_command *command, int count, struct sl_error *err)
{
	if (count < command->min_operands)
		return sl_fail(err, SL_E_USAGE, "%s: operands are missing: %s", command->name,
			       command->operands);
	if (command->max_operands >= 0 && count > command->max_operands)
		return sl_fail(err, SL_E_USAGE, "%s: too many operands (expected: %s)",
			       command->name, command->operands[0] ? command->operands : "none");
	return true;
}

static void release_lists(const struct sl_command *command, void *values)
{
	for (const struct sl_option *option = table_of(command); option->name; option++)
		if (is_list(option))
			sl_list_release((struct sl_words *)((char *)values + option->offset));
}

static int complain_usage(const struct sl_program *program, const struct sl_command *command,
			  const struct sl_error *err)
{
	sl_complain(err);
	fprintf(stderr, "try '%s%s%s --help'\n", program->name, command ? " " : "",
		command ? command->name : "");
	return sl_exit_code(err->kind);
}

// In the order that sandbox.h promises.
static int run_confined(const struct sl_program *program, const struct sl_command *command,
			void *values, int argc, char **operands)
{
	struct sl_error err = {0};
	sl_auto_reach struct sl_reach reach = {0};
	bool ok = !command->before || command->before(values, argc, operands, &err);
	if (ok && program->confine) {
		sl_reach_of(program, command, values, argc, operands, &reach);
		ok = program->confine(&reach, &err);
	}
	if (ok)
		return command->run(values, argc, operands);
	sl_complain(&err);
	return sl_exit_code(err.kind);
}

// argv[0] is the last word of the command's name.
static int run_command(const struct sl_program *program, const struct sl_command *command, int argc,
		       char **argv)
{
	struct sl_error err = {0};
	sl_auto_free void *values = sl_alloc(command->size);
	enum parsed parsed = parse_options(command, values, argc, argv, &err);
	int code = 0;
	if (parsed == PARSED_HELP) {
		print_command_help(program, command);
		code = sl_finish(0);
	} else if (parsed == PARSED_BAD || !check_operands(command, argc - optind, &err)) {
		code = complain_usage(program, command, &err);
	} else {
		code = run_confined(program, command, values, argc - optind, argv + optind);
	}
	release_lists(command, values);
	return code;
}

// ---- finding the command --------------------------------------------------------------------

// Number of words of `name` that stand at argv[0…], 0 if it does not match whole.
static int matches(const char *name, int argc, char **argv)
{
	int words = 0;
	while (words < argc) {
		size_t len = strcspn(name, " ");
		if (strlen(argv[words]) != len || memcmp(argv[words], name, len) != 0)
			return 0;
		words++;
		if (name[len] == '\0')
			return words;
		name += len + 1;
	}
	return 0;
}

static bool begins_group(const struct sl_program *program, const char *word)
{
	size_t len = strlen(word);
	for (size_t i = 0; program->commands[i]; i++)
		if (strncmp(program->commands[i]->name, word, len) == 0 &&
		    program->commands[i]->name[len] == ' ')
			return true;
	return false;
}

#define NAMES_MAX 64

// The names that begin with the words `group` and a blank, without these, or all of them for "".
static size_t list_names(const struct sl_program *program, const char *group, const char **names)
{
	size_t len = strlen(group), count = 0;
	for (size_t i = 0; program->commands[i] && count < NAMES_MAX; i++) {
		const char *name = program->commands[i]->name;
		if (len == 0)
			names[count++] = name;
		else if (strncmp(name, group, len) == 0 && name[len] == ' ')
			names[count++] = name + len + 1;
	}
	names[count] = NULL;
	return count;
}

// "'key' needs a second word: new, show", "'key' has no 'make', only: new, show"
static void fail_group(const struct sl_program *program, const char *word, const char *second,
		       struct sl_error *err)
{
	const char *seconds[NAMES_MAX + 1];
	sl_auto_buf struct sl_buf text = {0};
	size_t count = list_names(program, word, seconds);

	sl_buf_init(&text, SL_LIMIT_PATH);
	if (second) {
		sl_auto_free char *shown = sl_text_shown(second);
		sl_buf_addf(&text, "'%s' has no '%s', only: ", word, shown);
	} else {
		sl_buf_addf(&text, "'%s' needs a second word: ", word);
	}
	for (size_t i = 0; i < count; i++)
		sl_buf_addf(&text, "%s%s", i ? ", " : "", seconds[i]);
	if (second) {
		sl_auto_free char *before = sl_format("%s ", word);
		add_suggestion(&text, second, seconds, before);
	}
	sl_fail(err, SL_E_USAGE, "%s", text.data);
}

// A word of two may be the wrong one, so both are compared with whole names first: "kye new".
static void fail_word(const struct sl_program *program, int argc, char **argv, struct sl_error *err)
{
	const char *names[NAMES_MAX + 1];
	sl_auto_buf struct sl_buf text = {0};
	sl_auto_free char *shown = sl_text_shown(argv[0]);
	sl_auto_free char *two = sl_format("%s %s", argv[0], argc > 1 ? argv[1] : "");

	list_names(program, "", names);
	sl_buf_init(&text, SL_LIMIT_PATH);
	sl_buf_addf(&text, "unknown command '%s'", shown);
	add_suggestion(&text, argc > 1 && sl_text_nearest(two, names) ? two : argv[0], names, "");
	sl_fail(err, SL_E_USAGE, "%s", text.data);
}

static void fail_early_option(const char *word, struct sl_error *err)
{
	static const char *const early[] = {"--help", "--version", "--quiet", "--verbose", NULL};
	sl_auto_buf struct sl_buf text = {0};
	sl_auto_free char *shown = sl_text_shown(word);

	sl_buf_init(&text, SL_LIMIT_PATH);
	sl_buf_addf(&text, "unknown option '%s' before the command", shown);
	add_suggestion(&text, word, early, "");
	sl_fail(err, SL_E_USAGE, "%s%s", text.data,
		sl_text_nearest(word, early) ? "" : ": a command's own options follow it");
}

static int no_command(const struct sl_program *program, int argc, char **argv)
{
	struct sl_error err = {0};
	if (argc == 0)
		sl_fail(&err, SL_E_USAGE, "no command given");
	else if (argv[0][0] == '-')
		fail_early_option(argv[0], &err);
	else if (begins_group(program, argv[0]))
		fail_group(program, argv[0], argc > 1 && argv[1][0] != '-' ? argv[1] : NULL, &err);
	else
		fail_word(program, argc, argv, &err);
	return complain_usage(program, NULL, &err);
}

static bool is_word(const char *word, const char *a, const char *b)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

// A file that is opened must never get the number of a closed standard stream, and with it what is
// printed there. The stand-in cannot be written, so that a result that nobody gets is told as such.
static bool hold_standard_streams(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDONLY) != fd)
			return false;
	return true;
}

int sl_program_main(const struct sl_program *program, int argc, char **argv)
{
	int at = 1;
	if (!hold_standard_streams())
		return sl_exit_code(SL_E_IO); // and nowhere to say so
	signal(SIGXFSZ, SIG_IGN); // a file size limit is a failed write, told like a full disk
	sl_log_set(program->name, SL_LOG_NORMAL);
	for (; at < argc && argv[at][0] == '-'; at++) {
		if (is_word(argv[at], "-h", "--help")) {
			print_program_help(program);
			return sl_finish(0);
		}
		if (is_word(argv[at], "-V", "--version")) {
			printf("%s %s\n", program->name, program->version);
			return sl_finish(0);
		}
		if (is_word(argv[at], "-q", "--quiet"))
			sl_log_set(program->name, SL_LOG_QUIET);
		else if (is_word(argv[at], "-v", "--verbose"))
			sl_log_set(program->name, SL_LOG_VERBOSE);
		else
			break;
	}
	for (size_t i = 0; program->commands[i]; i++) {
		int words = matches(program->commands[i]->name, argc - at, argv + at);
		if (words > 0)
			return run_command(program, program->commands[i], argc - at - words + 1,
					   argv + at + words - 1);
	}
	if (at < argc && strcmp(argv[at], "help") == 0) {
		print_program_help(program);
		return sl_finish(0);
	}
	return no_command(program, argc - at, argv + at);
}

int sl_finish(int code)
{
	bool failed = fflush(stdout) != 0 || ferror(stdout);
	if (failed) {
		struct sl_error err = {0};
		sl_fail_errno(&err, "cannot write to stdout");
		sl_complain(&err);
		return sl_exit_code(SL_E_IO);
	}
	return code;
}
