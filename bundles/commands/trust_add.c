// SPDX-License-Identifier: Apache-2.0
// sealift trust add: a public key into the policy.
#include "bundles/commands/commands.h"
#include "bundles/commands/policy_file.h"
#include "bundles/commands/show.h"

#include <stdio.h>
#include <string.h>

struct trust_add_options {
	const char *name, *policy;
	struct sl_words roles, bundles;
};

static const struct sl_option options[] = {
	{"name", 'n', SL_OPT_STRING, offsetof(struct trust_add_options, name), "N",
	 "what to call the key (default: the file's name without .pub)"},
	{"role", 'r', SL_OPT_LIST, offsetof(struct trust_add_options, roles), "ROLE",
	 "what it may do: prepare (the default) or approve"},
	{"bundles", 0, SL_OPT_LIST, offsetof(struct trust_add_options, bundles), "PATTERN",
	 "only for bundles of these names, in which '*' stands for anything"},
	{"policy", 0, SL_OPT_STRING, offsetof(struct trust_add_options, policy), "FILE",
	 "change FILE instead of the policy.json of the configuration folder"},
	SL_OPTION_END,
};

static bool read_roles(const struct sl_words *words, struct policy_key *entry, struct sl_error *err)
{
	entry->may_prepare = words->len == 0;
	sl_list_each (words, word) {
		enum role role;
		sl_auto_free char *shown = sl_text_shown(*word);
		if (!role_parse(*word, &role) || role == ROLE_REVOKE)
			return sl_fail(err, SL_E_USAGE, "--role is prepare or approve, not '%s'",
				       shown);
		if (role == ROLE_PREPARE)
			entry->may_prepare = true;
		else
			entry->may_approve = true;
	}
	return true;
}

static bool read_bundles(const struct sl_words *words, struct policy_key *entry,
			 struct sl_error *err)
{
	sl_list_each (words, word) {
		const char *wrong = policy_check_pattern(*word);
		sl_auto_free char *shown = sl_text_shown(*word);
		if (wrong)
			return sl_fail(err, SL_E_USAGE, "--bundles '%s': %s", shown, wrong);
		sl_strings_add(&entry->bundles, *word);
	}
	return true;
}

static char *default_name(const char *path)
{
	const char *leaf = sl_path_leaf(path);
	size_t len = strlen(leaf);
	if (len > 4 && strcmp(leaf + len - 4, ".pub") == 0)
		len -= 4;
	return sl_strndup(leaf, len);
}

// A key that is there already gets the roles that it lacks, and the new names instead of the old
// ones.
static bool add_or_extend(struct policy *policy, const struct policy_key *entry, bool named,
			  const struct policy_key **kept_out, struct sl_error *err)
{
	const struct policy_key *found = policy_find(policy, &entry->key);
	if (!found) {
		if (!policy_add(policy, entry, err))
			return false;
		*kept_out = policy_find(policy, &entry->key);
		return true;
	}
	if (named && strcmp(found->name, entry->name) != 0)
		return sl_fail(
			err, SL_E_INPUT,
			"this key is listed already, as '%s': `sealift trust remove %s` first",
			found->name, found->name);
	struct policy_key *own = &policy->keys.items[found - policy->keys.items];
	own->may_prepare |= entry->may_prepare;
	own->may_approve |= entry->may_approve;
	if (entry->bundles.len > 0) {
		sl_strings_release(&own->bundles);
		for (size_t i = 0; i < entry->bundles.len; i++)
			sl_strings_add(&own->bundles, entry->bundles.items[i]);
	}
	*kept_out = own;
	return true;
}

static int report(const struct policy_key *kept, const char *path)
{
	char fingerprint[65];
	sl_auto_free char *shown = show_escaped(path);
	public_key_fingerprint(&kept->key, fingerprint);
	printf("%s may %s%s%s (%s) by %s\n", kept->name, kept->may_prepare ? "prepare" : "",
	       kept->may_prepare && kept->may_approve ? " and " : "",
	       kept->may_approve ? "approve" : "", fingerprint, shown);
	return sl_finish(0);
}

static int run(const void *values, int argc, char **operands)
{
	(void)argc;
	const struct trust_add_options *chosen = values;
	struct sl_error err = {0};
	auto_policy struct policy policy = {0};
	struct policy_key entry = {0};
	const struct policy_key *kept = NULL;
	sl_auto_free char *path = NULL;
	sl_auto_free char *name =
		chosen->name ? sl_strdup(chosen->name) : default_name(operands[0]);
	entry.name = name;
	bool good = read_roles(&chosen->roles, &entry, &err) &&
		    read_bundles(&chosen->bundles, &entry, &err) &&
		    public_key_load(operands[0], &entry.key, &err) &&
		    policy_file_load_or_new(chosen->policy, &path, &policy, &err) &&
		    add_or_extend(&policy, &entry, chosen->name != NULL, &kept, &err) &&
		    policy_file_store(path, &policy, SL_OUTPUT_REPLACE, &err);
	sl_strings_release(&entry.bundles);
	if (good)
		return report(kept, path);
	sl_complain(&err);
	return sl_exit_code(err.kind);
}

const struct sl_command command_trust_add = {
	.name = "trust add",
	.operands = "PUB",
	.summary = "trust a public key to prepare or approve bundles",
	.description =
		"Adds the key to policy.json, which is made if it is not there. A key that is "
		"listed already gets\nthe roles that it lacks; --bundles takes the place of the "
		"names that it had.",
	.options = options,
	.size = sizeof(struct trust_add_options),
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
