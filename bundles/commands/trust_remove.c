// SPDX-License-Identifier: Apache-2.0
// sealift trust remove: a key out of the policy.
#include "bundles/commands/commands.h"
#include "bundles/commands/policy_file.h"
#include "bundles/commands/show.h"

#include <stdio.h>

struct trust_remove_options {
	const char *policy;
};

static const struct sl_option options[] = {
	{"policy", 0, SL_OPT_STRING, offsetof(struct trust_remove_options, policy), "FILE",
	 "change FILE instead of the policy.json of the configuration folder"},
	SL_OPTION_END,
};

static bool remove_key(struct policy *policy, const char *word, const char *path,
		       struct sl_error *err)
{
	const struct policy_key *found = policy_find_name(policy, word);
	if (found) {
		policy_remove(policy, found);
		return true;
	}
	sl_auto_free char *shown = sl_text_shown(word), *file = sl_text_shown(path);
	return sl_fail(err, SL_E_INPUT,
		       "no key of '%s' has the name or fingerprint '%s' (see `sealift trust list`)",
		       file, shown);
}

static int run(const void *values, int argc, char **operands)
{
	(void)argc;
	const struct trust_remove_options *chosen = values;
	struct sl_error err = {0};
	auto_policy struct policy policy = {0};
	sl_auto_free char *path = NULL;
	bool found = false;
	if (policy_file_load(chosen->policy, &path, &policy, &found, &err) &&
	    remove_key(&policy, operands[0], path, &err) &&
	    policy_file_store(path, &policy, SL_OUTPUT_REPLACE, &err)) {
		sl_auto_free char *shown = show_escaped(operands[0]);
		printf("%s is no longer trusted\n", shown);
		return sl_finish(0);
	}
	sl_complain(&err);
	return sl_exit_code(err.kind);
}

const struct sl_command command_trust_remove = {
	.name = "trust remove",
	.operands = "N",
	.summary = "stop trusting a key, by its name or fingerprint",
	.options = options,
	.size = sizeof(struct trust_remove_options),
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
