// SPDX-License-Identifier: Apache-2.0
#include "uploader/commands/queue.h"

#include "uploader/transport/transport.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

// clang-format off
#define QUEUE_OPTIONS                                                                              \
	{"builder", 'b', SL_OPT_STRING, offsetof(struct queue_options, builder), "ID",             \
	 "where to build: local, or the id of an endpoint"},                                       \
	{"runner", 0, SL_OPT_STRING, offsetof(struct queue_options, runner), "ID",                 \
	 "where the image will be used (default: the builder)"},                                   \
	{"builder-config", 0, SL_OPT_STRING, offsetof(struct queue_options, builder_config),       \
	 "FILE", "how the builder is reached (JSON)"},                                             \
	{"runner-config", 0, SL_OPT_STRING, offsetof(struct queue_options, runner_config),         \
	 "FILE", "how the runner is reached (JSON)"},                                              \
	{"build-on", 0, SL_OPT_STRING, offsetof(struct queue_options, build_on), "local",          \
	 "build here, for a builder that cannot; with --ship-sif"},                                \
	{"build-on-config", 0, SL_OPT_STRING, offsetof(struct queue_options, build_on_config),     \
	 "FILE", "how the agent of --build-on is started (JSON)"},                                 \
	{"ship-sif", 0, SL_OPT_FLAG, offsetof(struct queue_options, ship_sif), NULL,               \
	 "send the image that --build-on has built to the builder"},                               \
	{"force-tasks", 0, SL_OPT_FLAG, offsetof(struct queue_options, force_tasks), NULL,         \
	 "send more than 200 MB of a bundle through tasks, too"},                                  \
	{"container-service", 0, SL_OPT_FLAG, offsetof(struct queue_options, container_service),   \
	 NULL, "register with the (legacy) container service, too"},                               \
	{"again", 0, SL_OPT_FLAG, offsetof(struct queue_options, again), NULL,                     \
	 "... even if the answer to an earlier registration was lost"},                            \
	{"policy", 0, SL_OPT_STRING, offsetof(struct queue_options, policy), "FILE",               \
	 "the keys to trust (default: your own policy.json)"},                                     \
	{"signatures", 0, SL_OPT_LIST, offsetof(struct queue_options, signatures), "DIR",          \
	 "take approvals and revocations from DIR, too"},                                          \
	{"out", 'o', SL_OPT_STRING, offsetof(struct queue_options, out), "DIR",                    \
	 "make the registration's folder in DIR"},                                                 \
	{"state-dir", 0, SL_OPT_STRING, offsetof(struct queue_options, state_dir), "DIR",          \
	 "the folder of the ledger"},                                                              \
	{"json", 0, SL_OPT_FLAG, offsetof(struct queue_options, json), NULL, "print JSON"}
// clang-format on

const struct sl_option queue_option_table[] = {QUEUE_OPTIONS, SL_OPTION_END};
const struct sl_option queue_push_table[] = {
	QUEUE_OPTIONS, REACH_OPTIONS(struct queue_options, reach), SL_OPTION_END};

bool queue_open_ledger(const char *state_dir, struct ledger **out, struct sl_error *err)
{
	sl_auto_free char *own = NULL;

	if (!state_dir && !sl_place(SL_PLACE_STATE, &own, err))
		return false;
	if (state_dir && !state_dir[0])
		return sl_fail(err, SL_E_USAGE, "--state-dir names no folder");
	return ledger_open(state_dir ? state_dir : own, out, err);
}

static bool check_place(const char *option, const char *word, struct sl_error *err)
{
	if (post_is_known(word))
		return true;
	sl_auto_free char *shown = sl_text_shown(word);
	return sl_fail(err, SL_E_USAGE,
		       "--%s '%s' is neither 'local' (the Apptainer of this machine, or of a "
		       "launcher in --builder-config) nor the id of a Globus Compute endpoint, "
		       "like 4b116d3c-1703-4f8f-9f6f-39921e5864df",
		       option, shown);
}

// Who builds elsewhere says so twice, so that nobody ships images by accident.
static bool check_build_on(const struct queue_options *options, struct sl_error *err)
{
	if (!options->build_on && !options->ship_sif && !options->build_on_config)
		return true;
	if (!options->build_on || !options->ship_sif)
		return sl_fail(
			err, SL_E_USAGE,
			"an image that is built elsewhere has to travel: --build-on local and "
			"--ship-sif belong together");
	if (strcmp(options->build_on, "local") == 0)
		return true;
	sl_auto_free char *shown = sl_text_shown(options->build_on);
	return sl_fail(err, SL_E_USAGE, "--build-on '%s': images can be shipped from 'local' alone",
		       shown);
}

bool queue_check(const struct queue_options *options, struct sl_error *err)
{
	struct builder_config config = {0};
	auto_policy struct policy policy = {0};

	if (!options->builder)
		return sl_fail(err, SL_E_USAGE, "which builder? name it with --builder local");
	if (!check_place("builder", options->builder, err) ||
	    (options->runner && !check_place("runner", options->runner, err)))
		return false;
	if (!check_build_on(options, err))
		return false;
	if (options->again && !options->container_service)
		return sl_fail(err, SL_E_USAGE, "--again is about --container-service");
	bool good = builder_config_load(options->runner_config, &config, err);
	builder_config_release(&config);
	good = good && builder_config_load(options->build_on_config, &config, err);
	builder_config_release(&config);
	good = good && builder_config_load(options->builder_config, &config, err) &&
	       (!options->policy || policy_load(options->policy, &policy, err));
	builder_config_release(&config);
	return good;
}

// Runs start anywhere, later: the ledger holds absolute paths, and those as text.
static bool make_absolute(const char *path, char **out, struct sl_error *err)
{
	sl_auto_free char *shown = path ? sl_text_shown(path) : NULL;

	if (!path)
		return true;
	if (!sl_text_is_utf8(path, strlen(path)))
		return sl_fail(err, SL_E_USAGE,
			       "the ledger cannot hold the path '%s': it is not UTF-8", shown);
	if (path[0] == '/') {
		*out = sl_strdup(path);
		return true;
	}
	sl_auto_free char *folder = getcwd(NULL, 0);
	if (!folder)
		return sl_fail_errno(err, "cannot tell where '%s' is", shown);
	*out = sl_path_join(folder, path);
	return true;
}

static bool make_folders(const struct sl_words *words, char **out, struct sl_error *err)
{
	sl_auto_json json_t *list = json_array();

	sl_list_each (words, word) {
		sl_auto_fd int fd = -1;
		sl_auto_free char *path = NULL;
		if (!sl_open_dir(*word, &fd, err) || !make_absolute(*word, &path, err))
			return false;
		sl_json_append(list, json_string(path));
	}
	if (words->len > 0)
		*out = json_dumps(list, JSON_COMPACT);
	return true;
}

static bool read_id(const char *path, struct sl_digest *id_out, struct sl_error *err)
{
	struct bundle_reader *reader = NULL;

	if (!bundle_open(path, &reader, err))
		return false;
	*id_out = bundle_id(reader);
	bundle_close(reader);
	return true;
}

static bool make_row(const struct queue_options *options, const char *path, struct submission *out,
		     struct sl_error *err)
{
	out->builder = sl_strdup(options->builder);
	out->runner = sl_strdup(options->runner ? options->runner : options->builder);
	out->build_on = options->build_on ? sl_strdup(options->build_on) : NULL;
	out->force_tasks = options->force_tasks;
	out->container_service = options->again ? 2 : options->container_service;
	return read_id(path, &out->bundle, err) && make_absolute(path, &out->path, err) &&
	       make_absolute(options->policy, &out->policy, err) &&
	       make_absolute(options->builder_config, &out->builder_config, err) &&
	       make_absolute(options->runner_config, &out->runner_config, err) &&
	       make_absolute(options->build_on_config, &out->build_on_config, err) &&
	       make_absolute(options->out, &out->out, err) &&
	       make_folders(&options->signatures, &out->signatures, err);
}

bool queue_bundle(struct ledger *ledger, const struct queue_options *options, const char *path,
		  int64_t *number_out, enum ledger_added *added_out, struct sl_error *err)
{
	auto_submission struct submission wanted = {0};

	return make_row(options, path, &wanted, err) &&
	       ledger_add(ledger, &wanted, number_out, added_out, err);
}

bool queue_bundle_again(struct ledger *ledger, const struct queue_options *options,
			const char *path, int64_t *number_out, struct sl_error *err)
{
	auto_submission struct submission wanted = {0};

	return make_row(options, path, &wanted, err) &&
	       ledger_add_again(ledger, &wanted, number_out, err);
}

bool queue_judging(const char *policy, const char *signatures, struct judging *out,
		   struct sl_error *err)
{
	const char *text = signatures ? signatures : "[]";
	sl_auto_json json_t *list = sl_json_load(text, strlen(text), "the ledger", err);
	size_t len = json_array_size(list), i;
	sl_auto_free const char **folders = sl_alloc_array(len + 1, sizeof *folders);
	json_t *folder;

	*out = (struct judging){0};
	json_array_foreach (list, i, folder) {
		folders[i] = json_string_value(folder);
		if (!folders[i])
			return sl_fail(err, SL_E_FORMAT,
				       "the ledger is damaged: a folder of signatures is no text");
	}
	return list && judging_load(out, policy, folders, len, true, err);
}
