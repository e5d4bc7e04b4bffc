// SPDX-License-Identifier: Apache-2.0
// sealift: everything that needs no network, and therefore has none.
#include "bundles/base/base.h"
#include "bundles/commands/commands.h"
#include "compiler/commands/commands.h"

static const struct sl_command *const commands[] = {
	&command_check,
	&command_compile,
	&command_verify,
	&command_inspect,
	&command_cat,
	&command_extract,
	&command_approve,
	&command_attach,
	&command_revoke,
	&command_key_new,
	&command_key_show,
	&command_trust_add,
	&command_trust_list,
	&command_trust_remove,
	&command_policy_init,
	&command_policy_check,
	&command_policy_explain,
	NULL,
};

// What judging reads of the configuration folder. A secret key lies there as well.
static const char *const config[] = {"policy.json", "signatures", NULL};

static bool confine(const struct sl_reach *reach, struct sl_error *err)
{
	bool done = false;
	if (!sl_sandbox_paths(reach, &done, err) || !sl_sandbox_calls(err))
		return false;
	if (reach->confined && !done)
		sl_debug("this kernel cannot confine a program to the files that it was given");
	return true;
}

static const struct sl_program program = {
	.name = "sealift",
	.version = SEALIFT_VERSION,
	.summary = "Makes, checks and opens signed container bundles, without a network.",
	.commands = commands,
	.config = config,
	.confine = confine,
};

int main(int argc, char **argv)
{
	return sl_program_main(&program, argc, argv);
}
