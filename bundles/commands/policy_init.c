// SPDX-License-Identifier: Apache-2.0
// sealift policy init: an operator's policy from keys and demands.
#include "bundles/commands/commands.h"
#include "bundles/commands/policy_file.h"
#include "bundles/commands/show.h"

#include <stdio.h>
#include <string.h>

struct policy_init_options {
	struct sl_words preparers, approvers, bases, indexes, denied;
	const char *output, *closure, *signed_since;
	int64_t approvals, signed_within_days, largest;
	bool allow_older;
};

static const struct sl_option options[] = {
	{"prepare", 0, SL_OPT_LIST, offsetof(struct policy_init_options, preparers), "PUB",
	 "this public key may prepare bundles"},
	{"approve", 0, SL_OPT_LIST, offsetof(struct policy_init_options, approvers), "PUB",
	 "this public key may approve bundles"},
	{"approvals", 0, SL_OPT_NUMBER, offsetof(struct policy_init_options, approvals), "N",
	 "demand N approvals by different keys"},
	{"closure", 0, SL_OPT_STRING, offsetof(struct policy_init_options, closure), "WORD",
	 "demand at least pinned, or sealed"},
	{"base", 0, SL_OPT_LIST, offsetof(struct policy_init_options, bases), "BASE",
	 "allow this base image: REGISTRY/PATH and below, or sha256:HEX"},
	{"index", 0, SL_OPT_LIST, offsetof(struct policy_init_options, indexes), "URL",
	 "allow packages from below this index"},
	{"deny", 0, SL_OPT_LIST, offsetof(struct policy_init_options, denied), "PACKAGE",
	 "refuse this package: NAME, or NAME<VERSION and the like"},
	{"signed-since", 0, SL_OPT_STRING, offsetof(struct policy_init_options, signed_since),
	 "TIME", "refuse what was prepared before TIME"},
	{"signed-within-days", 0, SL_OPT_NUMBER,
	 offsetof(struct policy_init_options, signed_within_days), "N",
	 "refuse what was prepared more than N days ago"},
	{"largest", 0, SL_OPT_NUMBER, offsetof(struct policy_init_options, largest), "BYTES",
	 "refuse larger bundles"},
	{"allow-older", 0, SL_OPT_FLAG, offsetof(struct policy_init_options, allow_older), NULL,
	 "take versions older than the newest one that has passed"},
	{"output", 'o', SL_OPT_STRING, offsetof(struct policy_init_options, output), "FILE",
	 "write FILE, which must not exist (default: policy.json)"},
	SL_OPTION_END,
};

static char *name_of(const char *path)
{
	const char *leaf = sl_path_leaf(path);
	size_t len = strlen(leaf);
	return sl_strndup(leaf, len > 4 && strcmp(leaf + len - 4, ".pub") == 0 ? len - 4 : len);
}

// A key that is named for both roles is one key.
static bool add_keys(struct policy *policy, const struct sl_words *paths, enum role role,
		     struct sl_error *err)
{
	sl_list_each (paths, path) {
		sl_auto_free char *name = name_of(*path);
		struct policy_key entry = {.name = name};
		if (!public_key_load(*path, &entry.key, err))
			return false;
		const struct policy_key *found = policy_find(policy, &entry.key);
		if (!found && (!policy_add(policy, &entry, err)))
			return false;
		struct policy_key *own = found ? &policy->keys.items[found - policy->keys.items]
					       : &policy->keys.items[policy->keys.len - 1];
		own->may_prepare |= role == ROLE_PREPARE;
		own->may_approve |= role == ROLE_APPROVE;
	}
	return true;
}

static bool add_texts(struct sl_strings *out, const struct sl_words *words, const char *option,
		      const char *(*check)(const char *text), struct sl_error *err)
{
	sl_list_each (words, word) {
		const char *wrong = check(*word);
		sl_auto_free char *shown = sl_text_shown(*word);
		if (wrong)
			return sl_fail(err, SL_E_USAGE, "--%s '%s': %s", option, shown, wrong);
		sl_strings_add(out, *word);
	}
	return true;
}

static bool set_numbers(struct policy *policy, const struct policy_init_options *chosen,
			struct sl_error *err)
{
	if (chosen->approvals > SL_LIMIT_SIGNATURES)
		return sl_fail(err, SL_E_USAGE, "--approvals is at most %d", SL_LIMIT_SIGNATURES);
	if (chosen->signed_within_days > SL_LIMIT_SIGNED_WITHIN)
		return sl_fail(err, SL_E_USAGE, "--signed-within-days is at most %d",
			       SL_LIMIT_SIGNED_WITHIN);
	if ((uint64_t)chosen->largest > SL_LIMIT_BUNDLE)
		return sl_fail(err, SL_E_USAGE, "--largest is at most %llu", SL_LIMIT_BUNDLE);
	policy->approvals = (unsigned)chosen->approvals;
	policy->signed_within_days = (unsigned)chosen->signed_within_days;
	policy->largest = (uint64_t)chosen->largest;
	policy->refuse_older = !chosen->allow_older;
	return true;
}

static bool set_words(struct policy *policy, const struct policy_init_options *chosen,
		      struct sl_error *err)
{
	policy->has_closure = chosen->closure != NULL;
	policy->has_signed_since = chosen->signed_since != NULL;
	if (chosen->closure && !closure_parse(chosen->closure, &policy->closure))
		return sl_fail(err, SL_E_USAGE, "--closure is open, pinned or sealed");
	if (chosen->signed_since && !sl_time_parse(chosen->signed_since, &policy->signed_since))
		return sl_fail(err, SL_E_USAGE,
			       "--signed-since needs a time like 2026-01-31T00:00:00Z");
	return add_texts(&policy->bases, &chosen->bases, "base", policy_check_base, err) &&
	       add_texts(&policy->indexes, &chosen->indexes, "index", policy_check_index, err) &&
	       add_texts(&policy->denied, &chosen->denied, "deny", policy_check_denied, err);
}

// What nobody could ever pass is a slip.
static bool check_sense(const struct policy *policy, struct sl_error *err)
{
	size_t approvers = 0, preparers = 0;
	sl_list_each (&policy->keys, key) {
		approvers += key->may_approve;
		preparers += key->may_prepare;
	}
	if (preparers == 0)
		return sl_fail(err, SL_E_USAGE,
			       "--prepare PUB is missing: whose bundles are to be taken?");
	if (policy->approvals > approvers)
		return sl_fail(err, SL_E_USAGE,
			       "--approvals %u, but only %zu keys may approve: no bundle could "
			       "pass",
			       policy->approvals, approvers);
	return true;
}

// Written, and read again as strictly as a judge does: a value given twice is found there.
static bool write_policy(const char *path, const struct policy *policy, struct sl_error *err)
{
	sl_auto_buf struct sl_buf text = {0};
	auto_policy struct policy again = {0};
	sl_buf_init(&text, SL_LIMIT_POLICY);
	return policy_format(policy, &text, err) &&
	       policy_parse(text.data, text.len, "the new policy", &again, err) &&
	       policy_file_store(path, policy, SL_OUTPUT_NEW, err);
}

static int run(const void *values, int argc, char **operands)
{
	(void)argc;
	(void)operands;
	const struct policy_init_options *chosen = values;
	const char *path = chosen->output ? chosen->output : "policy.json";
	struct sl_error err = {0};
	auto_policy struct policy policy = {0};
	if (add_keys(&policy, &chosen->preparers, ROLE_PREPARE, &err) &&
	    add_keys(&policy, &chosen->approvers, ROLE_APPROVE, &err) &&
	    set_numbers(&policy, chosen, &err) && set_words(&policy, chosen, &err) &&
	    check_sense(&policy, &err) && write_policy(path, &policy, &err)) {
		sl_auto_free char *shown = show_escaped(path);
		printf("%s\n", shown);
		show_policy(&policy);
		return sl_finish(0);
	}
	sl_complain(&err);
	return sl_exit_code(err.kind);
}

const struct sl_command command_policy_init = {
	.name = "policy init",
	.operands = "",
	.summary = "write a policy for those who operate an endpoint",
	.description =
		"Writes a policy with the given keys and demands, and shows it in sentences. It "
		"refuses versions that are\nolder than the newest one that has passed, unless "
		"--allow-older is given. An operator puts it at\n/etc/sealift/policy.json.",
	.options = options,
	.size = sizeof(struct policy_init_options),
	.max_operands = 0,
	.run = run,
};
