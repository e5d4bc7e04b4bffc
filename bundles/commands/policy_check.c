// SPDX-License-Identifier: Apache-2.0
// sealift policy check and policy explain: a policy read as strictly as a judge reads it, and in
// sentences.
#include "bundles/commands/commands.h"
#include "bundles/commands/policy_file.h"
#include "bundles/commands/show.h"

#include <stdio.h>

struct policy_check_options {
	bool json;
};

static const struct sl_option options[] = {
	{"json", 0, SL_OPT_FLAG, offsetof(struct policy_check_options, json), NULL,
	 "report as JSON on stdout"},
	SL_OPTION_END,
};

static bool load(int argc, char **operands, char **path_out, struct policy *out,
		 struct sl_error *err)
{
	bool found;
	if (!policy_file_load(argc > 0 ? operands[0] : NULL, path_out, out, &found, err))
		return false;
	sl_auto_free char *shown = sl_text_shown(*path_out);
	return found || sl_fail(err, SL_E_IO,
				"there is no '%s': 'sealift key new' or 'sealift trust add' makes "
				"one, or name another file",
				shown);
}

static int run_check(const void *values, int argc, char **operands)
{
	const struct policy_check_options *chosen = values;
	struct sl_error err = {0};
	auto_policy struct policy policy = {0};
	sl_auto_free char *path = NULL;
	bool good = load(argc, operands, &path, &policy, &err);
	if (!good)
		sl_complain(&err);
	if (chosen->json) {
		json_t *json = json_object();
		sl_json_set_uint(json, "sealift_policy_check", 1);
		sl_json_set(json, "file", show_json_string(path ? path : ""));
		sl_json_set_bool(json, "good", good);
		sl_json_set_uint(json, "exit_code", (uint64_t)sl_exit_code(err.kind));
		sl_json_set_uint(json, "keys", policy.keys.len);
		if (!good)
			sl_json_set(json, "error", show_json_string(err.text));
		return show_json(json, sl_exit_code(err.kind));
	}
	if (good) {
		sl_auto_free char *shown = show_escaped(path);
		printf("%s: good, %zu keys\n", shown, policy.keys.len);
	}
	return sl_finish(sl_exit_code(err.kind));
}

static int run_explain(const void *values, int argc, char **operands)
{
	const struct policy_check_options *chosen = values;
	struct sl_error err = {0};
	auto_policy struct policy policy = {0};
	sl_auto_free char *path = NULL;
	if (!load(argc, operands, &path, &policy, &err)) {
		sl_complain(&err);
		return sl_exit_code(err.kind);
	}
	if (chosen->json) {
		json_t *json = json_object();
		sl_json_set_uint(json, "sealift_policy_explain", 1);
		sl_json_set(json, "file", show_json_string(path));
		sl_json_set(json, "sentences", show_policy_json(&policy));
		return show_json(json, 0);
	}
	sl_auto_free char *shown = show_escaped(path);
	printf("%s\n", shown);
	show_policy(&policy);
	return sl_finish(0);
}

const struct sl_command command_policy_check = {
	.name = "policy check",
	.operands = "[FILE]",
	.summary = "read a policy as strictly as a judge does",
	.description =
		"Says whether FILE (default: the policy.json of the configuration folder) is a "
		"policy, and what is wrong\nwith it if it is not. Exit code 3 for a broken one.",
	.options = options,
	.size = sizeof(struct policy_check_options),
	.max_operands = 1,
	.reach = SL_REACH_NAMED | SL_REACH_CONFIG,
	.path_operands = 1,
	.run = run_check,
};

const struct sl_command command_policy_explain = {
	.name = "policy explain",
	.operands = "[FILE]",
	.summary = "say in sentences what a policy demands",
	.description =
		"One sentence for each demand of FILE (default: the policy.json of the "
		"configuration folder), with the\nrule of 'sealift verify' that holds bundles to "
		"it.",
	.options = options,
	.size = sizeof(struct policy_check_options),
	.max_operands = 1,
	.reach = SL_REACH_NAMED | SL_REACH_CONFIG,
	.path_operands = 1,
	.run = run_explain,
};
