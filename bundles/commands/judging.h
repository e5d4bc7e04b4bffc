// SPDX-License-Identifier: Apache-2.0
// By what a command judges bundles: the policy, the folders of detached signatures, and what has
// been seen. specs/policy.md.
#ifndef COMMANDS_JUDGING_H
#define COMMANDS_JUDGING_H

#include "bundles/base/options.h"
#include "bundles/trust/trust.h"

// The two options of every command that judges.
struct judging_options {
	const char *policy;	    // --policy FILE, or NULL
	struct sl_words signatures; // --signatures DIR...
};

#define JUDGING_OPTIONS(type, member)                                                            \
	{"policy",	0,                                                                       \
	 SL_OPT_STRING, offsetof(type, member.policy),                                           \
	 "FILE",	"judge by FILE instead of the policy.json of the configuration folder"}, \
	{                                                                                        \
		"signatures", 0, SL_OPT_LIST, offsetof(type, member.signatures), "DIR",          \
			"look for approvals and revocations in DIR, too"                         \
	}

struct judging {
	char *policy_path;
	bool has_policy; // without one nothing is trusted
	struct policy policy;
	struct sl_strings
		signatures; // folders: `signatures` beside the policy, then the given ones
	bool asks_seen;
	struct seen seen;
};

// `asks_seen`: the command accepts bundles, so older ones matter.
bool judging_load(struct judging *out, const struct judging_options *options, bool asks_seen,
		  struct sl_error *err) SL_MUST_USE;
void judging_release(struct judging *judging);
#define auto_judging __attribute__((cleanup(judging_release)))

// A request to judge `path`; borrows from `judging`.
struct verify_request judging_request(const struct judging *judging, const char *path,
				      enum verify_depth depth);

#endif
