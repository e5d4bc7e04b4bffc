// SPDX-License-Identifier: Apache-2.0
#include "bundles/commands/output_check.h"

#include "bundles/base/base.h"

#include <string.h>
#include <sys/stat.h>

static bool is_same(const struct stat *output, const char *path)
{
	struct stat found;
	return stat(path, &found) == 0 && found.st_dev == output->st_dev &&
	       found.st_ino == output->st_ino;
}

static bool lies_in(const struct stat *output, const char *path, const char *folder)
{
	const char *slash = strrchr(path, '/');
	sl_auto_free char *there = sl_format("%s/%s", folder, slash ? slash + 1 : path);
	return is_same(output, there);
}

static bool refuse(const char *output, const char *input, struct sl_error *err)
{
	sl_auto_free char *shown = sl_text_shown(output), *other = sl_text_shown(input);
	return sl_fail(err, SL_E_USAGE,
		       "'%s' would replace what is read from '%s': name another file", shown,
		       other);
}

bool output_is_no_input(const char *output, char *const *inputs, int len,
			const struct judging_options *judging, struct sl_error *err)
{
	struct stat found;
	if (!output || stat(output, &found) != 0)
		return true;
	for (int i = 0; i < len; i++)
		if (is_same(&found, inputs[i]))
			return refuse(output, inputs[i], err);
	if (judging->policy && is_same(&found, judging->policy))
		return refuse(output, judging->policy, err);
	for (size_t i = 0; i < judging->signatures.len; i++)
		if (lies_in(&found, output, judging->signatures.items[i]))
			return refuse(output, judging->signatures.items[i], err);
	return true;
}

bool output_is_none_of(const char *output, const struct sl_words *inputs, struct sl_error *err)
{
	struct stat found;
	if (!output || stat(output, &found) != 0)
		return true;
	sl_list_each (inputs, input)
		if (is_same(&found, *input))
			return refuse(output, *input, err);
	return true;
}
