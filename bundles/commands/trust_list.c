// SPDX-License-Identifier: Apache-2.0
// sealift trust list: whom the policy trusts, and for what.
#include "bundles/commands/commands.h"
#include "bundles/commands/policy_file.h"
#include "bundles/commands/show.h"

#include <stdio.h>

struct trust_list_options {
	const char *policy;
	bool json;
};

static const struct sl_option options[] = {
	{"policy", 0, SL_OPT_POLICY_IN, offsetof(struct trust_list_options, policy), "FILE",
	 "list FILE instead of the policy.json of the configuration folder"},
	{"json", 0, SL_OPT_FLAG, offsetof(struct trust_list_options, json), NULL,
	 "report as JSON on stdout"},
	SL_OPTION_END,
};

static json_t *entry_json(const struct policy_key *key)
{
	json_t *json = show_key_json(&key->key), *roles = json_array();
	if (key->may_prepare)
		sl_json_append(roles, json_string(role_name(ROLE_PREPARE)));
	if (key->may_approve)
		sl_json_append(roles, json_string(role_name(ROLE_APPROVE)));
	sl_json_set_string(json, "name", key->name);
	sl_json_set(json, "roles", roles);
	json_t *bundles = json_array();
	for (size_t i = 0; i < key->bundles.len; i++)
		sl_json_append(bundles, json_string(key->bundles.items[i]));
	sl_json_set(json, "bundles", bundles);
	return json;
}

static int report_json(const struct policy *policy, const char *path, bool found)
{
	json_t *json = json_object(), *keys = json_array();
	sl_list_each (&policy->keys, key)
		sl_json_append(keys, entry_json(key));
	sl_json_set(json, "keys", keys);
	sl_json_set(json, "policy_file", show_json_string(path));
	sl_json_set_bool(json, "policy_exists", found);
	sl_json_set_uint(json, "sealift_trust", 1);
	return show_json(json, 0);
}

static int report(const struct policy *policy, const char *path)
{
	sl_list_each (&policy->keys, key) {
		char fingerprint[65];
		public_key_fingerprint(&key->key, fingerprint);
		printf("%s  %s%s%s  %s", fingerprint, key->may_prepare ? "prepare" : "",
		       key->may_prepare && key->may_approve ? "+" : "",
		       key->may_approve ? "approve" : "", key->name);
		for (size_t i = 0; i < key->bundles.len; i++)
			printf("%s%s", i ? " " : "  ", key->bundles.items[i]);
		putchar('\n');
	}
	if (policy->keys.len == 0) {
		sl_auto_free char *shown = show_escaped(path);
		sl_note("nobody is trusted by '%s': `sealift trust add KEY.pub` changes that",
			shown);
	}
	return sl_finish(0);
}

static int run(const void *values, int argc, char **operands)
{
	(void)argc;
	(void)operands;
	const struct trust_list_options *chosen = values;
	struct sl_error err = {0};
	auto_policy struct policy policy = {0};
	sl_auto_free char *path = NULL;
	bool found = false;
	if (policy_file_load(chosen->policy, &path, &policy, &found, &err))
		return chosen->json ? report_json(&policy, path, found) : report(&policy, path);
	sl_complain(&err);
	return sl_exit_code(err.kind);
}

const struct sl_command command_trust_list = {
	.name = "trust list",
	.operands = "",
	.summary = "list the keys that the policy trusts",
	.description =
		"One line for each key: fingerprint (sha256 of the 32 key bytes), roles, name.",
	.options = options,
	.size = sizeof(struct trust_list_options),
	.max_operands = 0,
	.reach = SL_REACH_NAMED | SL_REACH_CONFIG,
	.run = run,
};
