// SPDX-License-Identifier: Apache-2.0
// sealift check: is this spec good, and is all that it names there? Every problem at once.
#include "compiler/commands/commands.h"
#include "compiler/commands/spec_file.h"

#include <stdio.h>

struct check_options {
	bool json;
};

static const struct sl_option options[] = {
	{"json", 0, SL_OPT_FLAG, offsetof(struct check_options, json), NULL,
	 "report as JSON on stdout"},
	SL_OPTION_END,
};

static json_t *problem_to_json(const struct spec_problem *problem)
{
	json_t *json = json_object();
	sl_json_set_uint(json, "line", problem->line);
	sl_json_set_uint(json, "column", problem->column);
	sl_json_set_uint(json, "width", problem->width);
	sl_json_set_string(json, "path", problem->path);
	sl_json_set_string(json, "message", problem->message);
	sl_json_set_string(json, "hint", problem->hint ? problem->hint : "");
	return json;
}

// `name` and `version` are "" when the spec is too broken to have them.
static void print_json(const struct spec_file *run)
{
	sl_auto_json json_t *json = json_object();
	sl_json_set_bool(json, "ok", run->plan && run->report.problems.len == 0);
	sl_json_set_string(json, "name", run->plan ? run->plan->name : "");
	sl_json_set_string(json, "version", run->plan ? run->plan->version : "");
	json_t *problems = json_array();
	sl_list_each (&run->report.problems, problem)
		sl_json_append(problems, problem_to_json(problem));
	sl_json_set(json, "problems", problems);
	json_dumpf(json, stdout, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	putchar('\n');
}

static int run_check(const void *chosen, int argc, char **operands)
{
	(void)argc;
	const struct check_options *opts = chosen;
	struct spec_file run;
	struct sl_error err = {0};
	bool good = spec_file_read(&run, operands[0], &err);
	bool judged = good || run.report.problems.len > 0;
	if (!judged)
		sl_complain(&err);
	else if (opts->json)
		print_json(&run);
	else if (good)
		printf("%s %s ok\n", run.plan->name, run.plan->version);
	if (judged && !good && !opts->json) {
		spec_file_print_problems(&run);
		sl_complain(&err);
	}
	spec_file_release(&run);
	return sl_finish(good ? 0 : sl_exit_code(err.kind));
}

const struct sl_command command_check = {
	.name = "check",
	.operands = "SPEC",
	.summary = "say whether a spec is good",
	.description =
		"Reads a spec (YAML or JSON) and reports every problem it has, with its place and "
		"what would be right. Looks whether the files that the spec names stand beside it, "
		"and "
		"whether a base image is one; does not read them to their end.",
	.options = options,
	.size = sizeof(struct check_options),
	.min_operands = 1,
	.max_operands = 1,
	.reach = SL_REACH_NAMED | SL_REACH_BESIDE,
	.path_operands = 1,
	.run = run_check,
};
