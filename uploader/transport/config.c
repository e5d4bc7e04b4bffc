// SPDX-License-Identifier: Apache-2.0
// The builder configuration file: how an agent is started and how long it may be silent.
#include "uploader/transport/transport.h"

#include <string.h>

#define LAUNCHER_WORDS	256
#define DEFAULT_TIMEOUT 600
#define MOST_TIMEOUT	604800 // a week, as for the agent's builds
#define DEFAULT_POLL_MS 200
#define MOST_POLL_MS	60000
#define MOST_BUILDS	4096

void builder_config_release(struct builder_config *config)
{
	sl_strings_release(&config->launcher);
	free(config->file);
	config->file = NULL;
	json_decref(config->user_endpoint_config);
	config->user_endpoint_config = NULL;
	free(config->function);
	config->function = NULL;
	free(config->drop_here);
	free(config->drop_there);
	config->drop_here = config->drop_there = NULL;
}

// A word of a launcher that lies beside the configuration file is found from anywhere.
static char *resolve_word(const char *word, const char *file)
{
	if (word[0] == '/' || !strchr(word, '/'))
		return sl_strdup(word);
	sl_auto_free char *folder = sl_path_dir(file);
	sl_auto_free char *path = sl_path_join(folder, word);
	// execvp would look a name without a slash up in PATH.
	char *real = realpath(path, NULL);
	return real ? real : sl_take(path);
}

static void read_launcher(struct sl_obj *obj, const char *file, struct sl_strings *out)
{
	json_t *words = sl_obj_array(obj, "launcher", LAUNCHER_WORDS);
	json_t *word;
	size_t i;

	if (words && json_array_size(words) == 0)
		sl_obj_fail(obj, "launcher", "must have at least one word, such as \"python3\"");
	json_array_foreach (words, i, word) {
		const char *text = json_string_value(word);
		if (!text || (i == 0 && !text[0])) {
			sl_obj_fail(obj, "launcher", "word %zu must be a %sstring", i + 1,
				    i == 0 ? "non-empty " : "");
			return;
		}
		sl_auto_free char *resolved = i == 0 ? resolve_word(text, file) : sl_strdup(text);
		sl_strings_add(out, resolved);
	}
}

static unsigned read_number(struct sl_obj *obj, const char *key, unsigned most)
{
	uint64_t value = sl_obj_uint(obj, key, most);

	if (value == 0)
		sl_obj_fail(obj, key, "must be at least 1");
	return (unsigned)value;
}

// sl_obj_done() knows only the keys that are there: a person may have misspelt the only one.
static bool check_keys(const json_t *json, struct sl_error *err)
{
	static const char *const known[] = {
		"launcher", "timeout", "poll_ms", "builds", "user_endpoint_config",
		"function", "path",    NULL};
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)json, key, value) {
		const char *near = sl_text_nearest(key, known);
		if (near && strcmp(near, key) == 0)
			continue;
		sl_auto_free char *shown = sl_text_shown(key);
		return sl_fail(err, SL_E_INPUT, "unknown key '%s'%s%s%s", shown,
			       near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
	}
	return true;
}

// The service keeps some names for itself.
static void read_endpoint_config(struct sl_obj *obj, json_t **out)
{
	static const char *const reserved[] = {"parent_config", "user_runtime", "mapped_identity",
					       "_GC", NULL};
	json_t *value = sl_obj_object(obj, "user_endpoint_config");

	for (size_t i = 0; value && reserved[i]; i++)
		if (json_object_get(value, reserved[i])) {
			sl_obj_fail(obj, "user_endpoint_config",
				    "must not have '%s': the service keeps that name for itself",
				    reserved[i]);
			return;
		}
	json_decref(*out);
	*out = json_incref(value);
}

static char *read_folder(struct sl_obj *obj, const char *key)
{
	const char *text = sl_obj_string(obj, key);

	if (text[0] != '/')
		sl_obj_fail(obj, key, "must be an absolute path");
	return sl_strdup(text);
}

// What a folder is called here is what it is called there, unless the file says otherwise.
static void read_drop(struct sl_obj *outer, struct builder_config *out, struct sl_error *err)
{
	json_t *value = sl_obj_object(outer, "path");
	struct sl_obj obj;

	if (!value)
		return;
	sl_obj_init(&obj, value, SL_E_INPUT, err, "path");
	out->drop_here = read_folder(&obj, "here");
	out->drop_there =
		sl_obj_has(&obj, "there") ? read_folder(&obj, "there") : sl_strdup(out->drop_here);
	if (!sl_obj_done(&obj))
		outer->failed = true;
}

static bool parse(const char *path, const struct sl_buf *text, struct builder_config *out,
		  struct sl_error *err)
{
	sl_auto_json json_t *json = sl_json_load(text->data, text->len, path, err);
	struct sl_obj obj;

	if (!json) {
		err->kind = SL_E_INPUT; // a person wrote it
		return false;
	}
	if (!check_keys(json, err))
		return sl_prefix(err, "builder configuration '%s'", path);
	sl_obj_init(&obj, json, SL_E_INPUT, err, "%s", "");
	if (sl_obj_has(&obj, "launcher")) {
		sl_strings_release(&out->launcher);
		read_launcher(&obj, path, &out->launcher);
	}
	if (sl_obj_has(&obj, "timeout"))
		out->timeout = read_number(&obj, "timeout", MOST_TIMEOUT);
	if (sl_obj_has(&obj, "builds"))
		out->builds = read_number(&obj, "builds", MOST_BUILDS);
	if (sl_obj_has(&obj, "poll_ms"))
		out->poll_ms = read_number(&obj, "poll_ms", MOST_POLL_MS);
	if (sl_obj_has(&obj, "user_endpoint_config"))
		read_endpoint_config(&obj, &out->user_endpoint_config);
	if (sl_obj_has(&obj, "function"))
		out->function = sl_strdup(sl_obj_string(&obj, "function"));
	if (sl_obj_has(&obj, "path"))
		read_drop(&obj, out, err);
	return sl_obj_done(&obj) || sl_prefix(err, "builder configuration '%s'", path);
}

bool builder_config_load(const char *path, struct builder_config *out, struct sl_error *err)
{
	sl_auto_buf struct sl_buf text = {0};

	*out = (struct builder_config){
		.timeout = DEFAULT_TIMEOUT, .poll_ms = DEFAULT_POLL_MS, .builds = 1};
	sl_strings_add(&out->launcher, "python3");
	sl_buf_init(&text, TRANSPORT_LIMIT_CONFIG);
	if (!path)
		return true;
	out->file = sl_strdup(path);
	if (!sl_read_file(path, &text, err))
		return sl_prefix(err, "builder configuration");
	return parse(path, &text, out, err);
}
