// SPDX-License-Identifier: Apache-2.0
// sealift-upload agent show: what an operator has to compare, without a network.
#include "bundles/base/base.h"
#include "uploader/commands/commands.h"
#include "uploader/commands/print.h"
#include "uploader/transport/agent_source.h"

#include <stddef.h>
#include <stdio.h>

struct options {
	bool source, json;
};

static const struct sl_option table[] = {
	{"source", 0, SL_OPT_FLAG, offsetof(struct options, source), NULL,
	 "print the agent itself, byte for byte"},
	{"json", 0, SL_OPT_FLAG, offsetof(struct options, json), NULL, "print JSON"},
	SL_OPTION_END,
};

static void show(const struct options *options)
{
	struct sl_digest digest = sl_sha256_bytes(agent_source, agent_source_len);
	char hex[SL_DIGEST_HEX + 1];

	sl_digest_hex(&digest, hex);
	if (options->source) {
		fwrite(agent_source, 1, agent_source_len, stdout);
	} else if (options->json) {
		sl_auto_json json_t *value = json_object();
		sl_json_set_uint(value, "sealift_agent", 1);
		sl_json_set_string(value, "release", SEALIFT_VERSION);
		sl_json_set_string(value, "sha256", hex);
		sl_json_set_uint(value, "size", agent_source_len);
		print_json(value);
	} else {
		printf("agent of sealift %s\n  sha256  %s\n  size    %zu B\n", SEALIFT_VERSION, hex,
		       agent_source_len);
	}
}

static int run(const void *values, int argc, char **operands)
{
	const struct options *options = values;
	struct sl_error err = {0};

	(void)argc;
	(void)operands;
	if (options->source && options->json) {
		sl_fail(&err, SL_E_USAGE, "--source and --json exclude each other");
		return print_failure(&err);
	}
	show(options);
	return sl_finish(0);
}

const struct sl_command command_agent_show = {
	.name = "agent show",
	.operands = "",
	.summary = "show which agent this release brings along",
	.description = "The agent is the only part of sealift that runs on an endpoint. Its sha256 "
		       "is that of\n"
		       "uploader/agent/sealift_agent.py in the release.",
	.options = table,
	.size = sizeof(struct options),
	.min_operands = 0,
	.max_operands = 0,
	.run = run,
};
