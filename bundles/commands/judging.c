// SPDX-License-Identifier: Apache-2.0
#include "bundles/commands/judging.h"

#include "bundles/commands/policy_file.h"

#include <errno.h>

static void find_signatures(struct judging *judging, const struct sl_words *given)
{
	sl_auto_free char *folder = sl_path_dir(judging->policy_path);
	sl_auto_free char *beside = sl_path_join(folder, "signatures");
	if (judging->has_policy && (access(beside, F_OK) == 0 || errno != ENOENT))
		sl_strings_add(&judging->signatures, beside);
	sl_list_each (given, path)
		sl_strings_add(&judging->signatures, *path);
}

bool judging_load(struct judging *out, const struct judging_options *options, bool asks_seen,
		  struct sl_error *err)
{
	*out = (struct judging){0};
	if (!policy_file_load(options->policy, &out->policy_path, &out->policy, &out->has_policy,
			      err))
		return false;
	find_signatures(out, &options->signatures);
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
