// SPDX-License-Identifier: Apache-2.0
#include "uploader/registration/template_runs.h"

#include "uploader/registration/jinja_scan.h"

#include <string.h>

static bool is_one_of(const char *name, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(name, *words) == 0)
			return true;
	return false;
}

bool template_name_is_given(const char *name)
{
	static const char *const names[] = {"parent_config", "user_runtime", "mapped_identity",
					    "_GC", NULL};

	return is_one_of(name, names);
}

static bool is_own(const struct jinja_names *names, const char *name)
{
	sl_list_each (names, one)
		if (strcmp(one->name, name) == 0)
			return one->own;
	return false;
}

static void add_once(struct sl_strings *out, const char *name)
{
	for (size_t i = 0; i < out->len; i++)
		if (strcmp(out->items[i], name) == 0)
			return;
	sl_strings_add(out, name);
}

void template_runs(const char *template, struct sl_strings *out)
{
	// Keys of Parsl's providers and of the engine; users' names for them are the same as a
	// rule.
	static const char *const keys[] = {"worker_init",   "scheduler_options",
					   "container_uri", "container_cmd_options",
					   "launch_cmd",    NULL};
	static const char *const usual[] = {"image", "options", NULL};
	auto_jinja_names struct jinja_names all = {0};

	jinja_scan(template, &all);
	for (size_t i = 0; keys[i]; i++) {
		auto_jinja_names struct jinja_names here = {0};
		sl_auto_free char *value = jinja_value(template, keys[i]);
		if (value)
			jinja_scan(value, &here);
		sl_list_each (&here, one)
			if (!is_own(&all, one->name) && !template_name_is_given(one->name))
				add_once(out, one->name);
	}
	// A value of several lines is not seen behind its key.
	sl_list_each (&all, one)
		if (!one->own && (is_one_of(one->name, keys) || is_one_of(one->name, usual)))
			add_once(out, one->name);
}
