// SPDX-License-Identifier: Apache-2.0
// sealift-upload agent register: the operator's half of an endpoint that runs nothing but the
// agent.
#include "bundles/base/base.h"
#include "uploader/commands/commands.h"
#include "uploader/commands/print.h"
#include "uploader/commands/reach.h"
#include "uploader/registration/agent_function.h"

#include <stdio.h>

struct options {
	struct postman_options reach;
	bool json;
};

static const struct sl_option table[] = {
	REACH_OPTIONS(struct options, reach),
	{"json", 0, SL_OPT_FLAG, offsetof(struct options, json), NULL, "print JSON"},
	SL_OPTION_END,
};

static bool register_agent(const struct options *options, struct agent_functions *out,
			   struct sl_error *err)
{
	struct postman *postman = NULL;
	struct compute *compute = NULL;
	struct postman_options reach = options->reach;

	// No errands are run, so no ledger is needed.
	reach.warn = print_warning;
	bool good = postman_new(NULL, &reach, &postman, err) &&
		    postman_compute(postman, &compute, err) &&
		    agent_functions_register(compute, out, err);
	postman_free(postman);
	return good;
}

static void report(const struct agent_functions *functions, bool json)
{
	sl_auto_buf struct sl_buf text = {0};

	if (json) {
		sl_auto_json json_t *value = agent_functions_json(functions);
		sl_json_set_uint(value, "sealift_agent", 1);
		print_json(value);
		return;
	}
	sl_buf_init(&text, SL_MIB);
	agent_functions_yaml(functions, &text);
	fputs(text.data, stdout);
}

static int run(const void *values, int argc, char **operands)
{
	const struct options *options = values;
	auto_agent_functions struct agent_functions functions = {0};
	struct sl_error err = {0};

	(void)argc;
	(void)operands;
	if (!register_agent(options, &functions, &err))
		return print_failure(&err);
	report(&functions, options->json);
	sl_note("put these lines into config.yaml of the endpoint, give it the template and schema "
		"of "
		"`sealift-upload agent template`, and restart it; who submits with "
		"this release needs to say nothing, or names an id as \"function\" in the "
		"--builder-config");
	return sl_finish(0);
}

const struct sl_command command_agent_register = {
	.name = "agent register",
	.operands = "",
	.summary = "register this release's agent, for allowed_functions",
	.description =
		"For the operator of a builder endpoint: registers the agent in both forms of its "
		"code\n"
		"and prints lines for the endpoint's config.yaml. An endpoint with these lines "
		"runs\n"
		"nothing but the agent; with a policy in /etc/sealift it builds by the operator's "
		"rules.\n"
		"Its template has to be one like that of `agent template`, which runs nothing that "
		"a "
		"submitter sets.\n"
		"Each call registers anew; ids of before stay good.",
	.options = table,
	.size = sizeof(struct options),
	.min_operands = 0,
	.max_operands = 0,
	.run = run,
};
