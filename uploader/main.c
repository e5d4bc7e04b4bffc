// SPDX-License-Identifier: Apache-2.0
// sealift-upload: the part of sealift that talks to other machines.
#include "uploader/commands/commands.h"

static const struct sl_command *const commands[] = {
	&command_add,
	&command_run,
	&command_push,
	&command_status,
	&command_retry,
	&command_cancel,
	&command_forget,
	&command_export,
	&command_probe,
	&command_sweep,
	&command_agent_register,
	&command_agent_show,
	&command_agent_template,
	&command_login,
	&command_logout,
	&command_whoami,
	NULL,
};

static const struct sl_program program = {
	.name = "sealift-upload",
	.version = SEALIFT_VERSION,
	.summary = "Brings signed bundles to a builder and makes the built images known.",
	.commands = commands,
};

int main(int argc, char **argv)
{
	return sl_program_main(&program, argc, argv);
}
