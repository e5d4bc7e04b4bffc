// SPDX-License-Identifier: Apache-2.0
// Which policy a command uses, and the person's own one on disk.
#ifndef COMMANDS_POLICY_FILE_H
#define COMMANDS_POLICY_FILE_H

#include "bundles/trust/trust.h"

// `file` if it is given (and then it must exist), else the person's own policy. Without one,
// `*found_out` is false and the policy is empty. `path_out` is owned by the caller.
bool policy_file_load(const char *file, char **path_out, struct policy *policy_out, bool *found_out,
		      struct sl_error *err) SL_MUST_USE;

// The same for a command that adds to the policy: one that does not exist is empty.
bool policy_file_load_or_new(const char *file, char **path_out, struct policy *policy_out,
			     struct sl_error *err) SL_MUST_USE;

// Writes it whole or not at all; makes the folder of the person's own policy (0700).
bool policy_file_store(const char *path, const struct policy *policy, unsigned flags,
		       struct sl_error *err) SL_MUST_USE;

#endif
