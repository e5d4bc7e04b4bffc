// SPDX-License-Identifier: Apache-2.0
#include "bundles/trust/judging.h"

#include <errno.h>

static bool load_policy(struct judging *out, const char *file, struct sl_error *err)
{
	if (file)
		out->policy_path = sl_strdup(file);
	else if (!policy_default_path(&out->policy_path, err))
		return false;
	out->has_policy = file || access(out->policy_path, F_OK) == 0 || errno != ENOENT;
	return !out->has_policy || policy_load(out->policy_path, &out->policy, err);
}

static void find_signatures(struct judging *judging, const char *const *folders, size_t len)
{
	sl_auto_free char *folder = sl_path_dir(judging->policy_path);
	sl_auto_free char *beside = sl_path_join(folder, "signatures");
	if (judging->has_policy && (access(beside, F_OK) == 0 || errno != ENOENT))
		sl_strings_add(&judging->signatures, beside);
	for (size_t i = 0; i < len; i++)
		sl_strings_add(&judging->signatures, folders[i]);
}

bool judging_load(struct judging *out, const char *policy, const char *const *folders, size_t len,
		  bool asks_seen, struct sl_error *err)
{
	*out = (struct judging){0};
	if (!load_policy(out, policy, err))
		return false;
	find_signatures(out, folders, len);
	out->asks_seen = asks_seen && out->has_policy;
	return !out->asks_seen || seen_load(&out->seen, err);
}

void judging_release(struct judging *judging)
{
	free(judging->policy_path);
	policy_release(&judging->policy);
	sl_strings_release(&judging->signatures);
	seen_release(&judging->seen);
}

struct verify_request judging_request(const struct judging *judging, const char *path,
				      enum verify_depth depth)
{
	return (struct verify_request){
		.path = path,
		.policy = judging->has_policy ? &judging->policy : NULL,
		.signatures = judging->signatures,
		.seen = judging->asks_seen ? &judging->seen : NULL,
		.depth = depth,
	};
}
