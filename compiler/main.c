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

static const struct sl_program program = {
	.name = "sealift",
	.version = SEALIFT_VERSION,
	.summary = "Makes, checks and opens signed container bundles, without a network.",
	.commands = commands,
};

int main(int argc, char **argv)
{
	struct sl_error err = {0};
	sl_log_set(program.name, SL_LOG_NORMAL);
	if (!sl_sandbox_no_network(&err)) { // before any input is read and any thread starts
		sl_complain(&err);
		return sl_exit_code(err.kind);
	}
	return sl_program_main(&program, argc, argv);
}
