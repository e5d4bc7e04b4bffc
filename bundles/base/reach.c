// SPDX-License-Identifier: Apache-2.0
#include "bundles/base/reach.h"

#include "bundles/base/fs.h"

#include <string.h>
#include <unistd.h>

// Relative paths stay relative: no command changes its folder.
static void add_folder_of(struct sl_strings *paths, const char *path)
{
	size_t len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	sl_auto_free char *plain = sl_strndup(path, len);
	sl_auto_free char *folder = sl_path_dir(plain);
	sl_strings_add(paths, folder);
}

static void add_policy(struct sl_reach *reach, const char *path)
{
	sl_auto_free char *folder = sl_path_dir(path);
	sl_auto_free char *beside = sl_path_join(folder, "signatures");
	sl_strings_add(&reach->read, path);
	sl_strings_add(&reach->read, beside);
}

static void add_option(struct sl_reach *reach, const struct sl_option *option, const void *values)
{
	const void *slot = (const char *)values + option->offset;
	const char *path = NULL;
	if (option->type == SL_OPT_PATHS_IN)
		sl_list_each ((const struct sl_words *)slot, word)
			sl_strings_add(&reach->read, *word);
	if (option->type == SL_OPT_PATH_IN || option->type == SL_OPT_POLICY_IN ||
	    option->type == SL_OPT_PATH_OUT)
		path = *(const char *const *)slot;
	if (!path)
		return;
	if (option->type == SL_OPT_PATH_IN)
		sl_strings_add(&reach->read, path);
	else if (option->type == SL_OPT_POLICY_IN)
		add_policy(reach, path);
	else
		add_folder_of(&reach->write, path);
}

// Without a place the command itself says what is missing.
static void add_config(struct sl_reach *reach, const char *const *names)
{
	struct sl_error ignored = {0};
	sl_auto_free char *folder = NULL;
	if (!sl_place(SL_PLACE_CONFIG, &folder, &ignored))
		return;
	for (; names && *names; names++) {
		sl_auto_free char *path = sl_path_join(folder, *names);
		sl_strings_add(&reach->read, path);
	}
}

// What cannot be made now is tried again by the command, which then tells why: so it must still be
// allowed to try.
static void add_state(struct sl_reach *reach)
{
	struct sl_error ignored = {0};
	sl_auto_free char *folder = NULL;
	if (!sl_place(SL_PLACE_STATE, &folder, &ignored))
		return;
	bool made = sl_make_dirs(folder, 0700, &ignored);
	sl_strings_add(&reach->write, folder);
	if (made)
		return;
	for (char *slash = strrchr(folder, '/'); slash && access(folder, F_OK) != 0;
	     slash = strrchr(folder, '/'))
		*slash = '\0';
	sl_strings_add(&reach->make, folder[0] ? folder : "/");
}

static void add_flags(struct sl_reach *reach, const struct sl_program *program, unsigned flags,
		      int argc, char **operands)
{
	if (flags & SL_REACH_CONFIG)
		add_config(reach, program->config);
	if (flags & SL_REACH_STATE)
		add_state(reach);
	if (flags & SL_REACH_BESIDE && argc > 0)
		add_folder_of(&reach->read, operands[0]);
	if (flags & SL_REACH_TERMINAL)
		sl_strings_add(&reach->device, "/dev/tty");
	if (SL_SANITIZED)
		sl_strings_add(&reach->read, "/proc");
}

void sl_reach_of(const struct sl_program *program, const struct sl_command *command,
		 const void *values, int argc, char **operands, struct sl_reach *out)
{
	*out = (struct sl_reach){.confined = command->reach != 0};
	if (!out->confined)
		return;
	for (const struct sl_option *option = command->options; option && option->name; option++)
		add_option(out, option, values);
	int paths = command->path_operands < 0 || command->path_operands > argc
			    ? argc
			    : command->path_operands;
	for (int i = 0; i < paths; i++)
		sl_strings_add(&out->read, operands[i]);
	add_flags(out, program, command->reach, argc, operands);
}
