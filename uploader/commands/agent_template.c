// SPDX-License-Identifier: Apache-2.0
// sealift-upload agent template: for an endpoint that runs nothing but the agent, without a
// network.
#include "bundles/base/base.h"
#include "uploader/commands/commands.h"
#include "uploader/commands/print.h"
#include "uploader/registration/builder_template.h"

#include <stddef.h>
#include <stdio.h>

struct options {
	bool schema, json;
};

static const struct sl_option table[] = {
	{"schema", 0, SL_OPT_FLAG, offsetof(struct options, schema), NULL,
	 "print user_config_schema.json instead"},
	{"json", 0, SL_OPT_FLAG, offsetof(struct options, json), NULL, "print JSON with both"},
	SL_OPTION_END,
};

static int run(const void *values, int argc, char **operands)
{
	const struct options *options = values;
	struct sl_error err = {0};

	(void)argc;
	(void)operands;
	if (options->schema && options->json) {
		sl_fail(&err, SL_E_USAGE, "--schema and --json exclude each other");
		return print_failure(&err);
	}
	if (options->json) {
		sl_auto_json json_t *value = json_object();
		sl_json_set_uint(value, "sealift_agent", 1);
		sl_json_set_string(value, "release", SEALIFT_VERSION);
		sl_json_set_string(value, "template", builder_template);
		sl_json_set_string(value, "schema", builder_schema);
		print_json(value);
	} else {
		fputs(options->schema ? builder_schema : builder_template, stdout);
	}
	return sl_finish(0);
}

const struct sl_command command_agent_template = {
	.name = "agent template",
	.operands = "",
	.summary = "show a template for an endpoint that runs only the agent",
	.description =
		"For the operator of a builder endpoint with allowed_functions: a "
		"user_config_template.yaml.j2\n"
		"in which nothing that a submitter may set is run. The templates of bundles are "
		"for workers in\n"
		"images: there whoever submits names the image and what runs before the workers.",
	.options = table,
	.size = sizeof(struct options),
	.min_operands = 0,
	.max_operands = 0,
	.run = run,
};
