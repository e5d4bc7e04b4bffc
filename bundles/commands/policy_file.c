// SPDX-License-Identifier: Apache-2.0
#include "bundles/commands/policy_file.h"

#include <errno.h>

static bool choose_path(const char *file, char **path_out, struct sl_error *err)
{
	if (!file)
		return policy_default_path(path_out, err);
	*path_out = sl_strdup(file);
	return true;
}

static bool is_absent(const char *path)
{
	return access(path, F_OK) != 0 && errno == ENOENT;
}

bool policy_file_load(const char *file, char **path_out, struct policy *policy_out, bool *found_out,
		      struct sl_error *err)
{
	*policy_out = (struct policy){0};
	if (!choose_path(file, path_out, err))
		return false;
	*found_out = file || !is_absent(*path_out);
	return !*found_out || policy_load(*path_out, policy_out, err);
}

bool policy_file_load_or_new(const char *file, char **path_out, struct policy *policy_out,
			     struct sl_error *err)
{
	*policy_out = (struct policy){0};
	return choose_path(file, path_out, err) &&
	       (is_absent(*path_out) || policy_load(*path_out, policy_out, err));
}

bool policy_file_store(const char *path, const struct policy *policy, unsigned flags,
		       struct sl_error *err)
{
	sl_auto_buf struct sl_buf text = {0};
	sl_auto_free char *folder = sl_path_dir(path);
	sl_buf_init(&text, SL_LIMIT_POLICY);
	return policy_format(policy, &text, err) && sl_make_dirs(folder, 0700, err) &&
	       sl_store_file(path, text.data, text.len, 0644, flags, err);
}
