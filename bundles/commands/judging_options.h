// SPDX-License-Identifier: Apache-2.0
// The two options of every command that judges bundles.
#ifndef COMMANDS_JUDGING_OPTIONS_H
#define COMMANDS_JUDGING_OPTIONS_H

#include "bundles/base/options.h"
#include "bundles/trust/judging.h"

struct judging_options {
	const char *policy;	    // --policy FILE, or NULL
	struct sl_words signatures; // --signatures DIR...
};

// clang-format off
#define JUDGING_OPTIONS(type, member)                                                         \
	{"policy", 0, SL_OPT_POLICY_IN, offsetof(type, member.policy), "FILE",                   \
	 "judge by FILE instead of the policy.json of the configuration folder"},             \
	{"signatures", 0, SL_OPT_PATHS_IN, offsetof(type, member.signatures), "DIR",              \
	 "look for approvals and revocations in DIR, too"}
// clang-format on

static inline bool judging_by_options(struct judging *out, const struct judging_options *options,
				      bool asks_seen, struct sl_error *err)
{
	return judging_load(out, options->policy, options->signatures.items,
			    options->signatures.len, asks_seen, err);
}

#endif
