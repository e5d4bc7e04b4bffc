// SPDX-License-Identifier: Apache-2.0
// The commands of sealift-upload, one file each.
#ifndef SL_UPLOADER_COMMANDS_H
#define SL_UPLOADER_COMMANDS_H

#include "bundles/base/options.h"

extern const struct sl_command command_add;
extern const struct sl_command command_run;
extern const struct sl_command command_push;
extern const struct sl_command command_status;
extern const struct sl_command command_retry;
extern const struct sl_command command_cancel;
extern const struct sl_command command_forget;
extern const struct sl_command command_export;
extern const struct sl_command command_probe;
extern const struct sl_command command_sweep;
extern const struct sl_command command_agent_register;
extern const struct sl_command command_agent_show;
extern const struct sl_command command_agent_template;
extern const struct sl_command command_login;
extern const struct sl_command command_logout;
extern const struct sl_command command_whoami;

#endif
