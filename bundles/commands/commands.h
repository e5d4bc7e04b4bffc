// SPDX-License-Identifier: Apache-2.0
// The commands on bundles, keys and trust, for the table in a program's main.c.
#ifndef COMMANDS_H
#define COMMANDS_H

#include "bundles/base/options.h"

extern const struct sl_command command_key_new;
extern const struct sl_command command_key_show;
extern const struct sl_command command_trust_add;
extern const struct sl_command command_trust_list;
extern const struct sl_command command_trust_remove;
extern const struct sl_command command_verify;
extern const struct sl_command command_inspect;
extern const struct sl_command command_cat;
extern const struct sl_command command_extract;
extern const struct sl_command command_approve;
extern const struct sl_command command_attach;
extern const struct sl_command command_revoke;
extern const struct sl_command command_policy_init;
extern const struct sl_command command_policy_check;
extern const struct sl_command command_policy_explain;

#endif
