// SPDX-License-Identifier: Apache-2.0
// sealift-upload probe: what a preparer has to know of builder and runner.
#include "uploader/site/probe.h"
#include "bundles/base/base.h"
#include "uploader/commands/commands.h"
#include "uploader/commands/print.h"
#include "uploader/commands/queue.h"
#include "uploader/commands/reach.h"

#include <stdio.h>

struct options {
	const char *builder, *runner, *builder_config, *runner_config, *out, *state_dir;
	struct postman_options reach;
	bool json;
};

static const struct sl_option table[] = {
	{"builder", 'b', SL_OPT_STRING, offsetof(struct options, builder), "ID",
	 "where images are built: local, or the id of an endpoint"},
	{"runner", 'r', SL_OPT_STRING, offsetof(struct options, runner), "ID",
	 "where they are used"},
	{"builder-config", 0, SL_OPT_STRING, offsetof(struct options, builder_config), "FILE",
	 "how to reach the builder (JSON)"},
	{"runner-config", 0, SL_OPT_STRING, offsetof(struct options, runner_config), "FILE",
	 "how to reach the runner (JSON)"},
	{"out", 'o', SL_OPT_STRING, offsetof(struct options, out), "FILE",
	 "write the site file, NAME.site.json"},
	{"state-dir", 0, SL_OPT_STRING, offsetof(struct options, state_dir), "DIR",
	 "the folder of the ledger"},
	REACH_OPTIONS(struct options, reach),
	{"json", 0, SL_OPT_FLAG, offsetof(struct options, json), NULL, "print JSON"},
	SL_OPTION_END,
};

static bool check(const struct options *options, struct sl_error *err)
{
	const char *const ids[] = {options->builder, options->runner};

	if (!options->builder && !options->runner)
		return sl_fail(err, SL_E_USAGE, "whom? name --builder ID, --runner ID, or both");
	if ((options->builder_config && !options->builder) ||
	    (options->runner_config && !options->runner))
		return sl_fail(err, SL_E_USAGE, "--%s-config needs --%s",
			       options->builder ? "runner" : "builder",
			       options->builder ? "runner" : "builder");
	for (size_t i = 0; i < 2; i++) {
		if (!ids[i] || post_is_known(ids[i]))
			continue;
		sl_auto_free char *shown = sl_text_shown(ids[i]);
		return sl_fail(err, SL_E_USAGE, "'%s' is neither 'local' nor the id of an endpoint",
			       shown);
	}
	return true;
}

static bool ask(const struct options *options, struct probe *out, struct sl_error *err)
{
	struct probe_place builder = {options->builder, options->builder_config};
	struct probe_place runner = {options->runner, options->runner_config};
	auto_ledger struct ledger *ledger = NULL;
	struct postman_options reach = options->reach;
	struct postman *postman = NULL;

	reach.warn = print_warning;
	bool good = queue_open_ledger(options->state_dir, &ledger, err) &&
		    postman_new(ledger, &reach, &postman, err) &&
		    probe_ask(postman, &builder, &runner, out, err);
	postman_free(postman);
	return good && (!options->out || site_save(&out->site, options->out, err));
}

// ---- for people ----------------------------------------------------------------------------

static void print_field(const char *label, const char *text)
{
	if (!text[0])
		return;
	sl_auto_free char *shown = sl_text_shown(text);
	printf("  %-16s%s\n", label, shown);
}

static void print_list(const char *label, const struct sl_strings *list)
{
	sl_auto_buf struct sl_buf text = {0};

	sl_buf_init(&text, SL_MIB);
	for (size_t i = 0; i < list->len; i++)
		sl_buf_addf(&text, "%s%s", i ? " " : "", list->items[i]);
	print_field(label, text.data);
}

static void print_endpoint(const struct site_endpoint *endpoint)
{
	static const char *const templates[] = {
		[SITE_TEMPLATE_UNKNOWN] = "",
		[SITE_TEMPLATE_NONE] = "none",
		[SITE_TEMPLATE_THERE] = "there",
	};

	print_field("name", endpoint->name);
	print_field("endpoint", endpoint->version);
	print_field("its Python", endpoint->python);
	print_field("template", templates[endpoint->template]);
}

static void print_host(const struct site_host *host)
{
	print_field("host", host->name);
	print_field("machine", host->machine);
	print_field("glibc", host->glibc);
	print_field("Python", host->python);
	print_field("worker", host->worker);
	print_field("Parsl", host->parsl);
	print_field("Apptainer", host->apptainer_version);
	print_field("user namespaces", host->user_namespaces ? "yes" : "no");
	print_list("zstd readers", &host->zstd_readers);
	print_field("store", host->store);
	print_field("policy", host->policy);
	print_field("enforcement", host->enforced ? "enforced" : "advisory");
	print_list("modules", &host->modules);
	print_list("proxies", &host->proxies);
}

static void print_part(const char *word, const struct site_part *part)
{
	if (!part->id)
		return;
	printf("%s %s\n", word, part->id);
	if (part->endpoint_known)
		print_endpoint(&part->endpoint);
	if (part->host_known)
		print_host(&part->host);
}

static void print_text(const struct probe *probe)
{
	sl_auto_buf struct sl_buf text = {0};

	print_part("builder", &probe->site.builder);
	print_part("runner", &probe->site.runner);
	if (probe->site.builder.id && probe->site.runner.id)
		printf("store: %s\n", site_store_name(probe->site.store));
	if (probe->drop != PROBE_DROP_NONE)
		printf("drop folder: %s\n", probe_drop_name(probe->drop));
	sl_buf_init(&text, 4 * SL_MIB);
	for (size_t i = 0; i < probe->gaps.len; i++) {
		sl_buf_adds(&text, "- ");
		sl_text_tame(&text, probe->gaps.items[i]);
		sl_buf_addc(&text, '\n');
	}
	if (probe->gaps.len > 0)
		printf("missing:\n%s", text.data);
}

static void print_report(const struct options *options, const struct probe *probe)
{
	sl_auto_json json_t *value = json_object();
	json_t *gaps = json_array();

	for (size_t i = 0; i < probe->gaps.len; i++)
		sl_json_append(gaps, json_string(probe->gaps.items[i]));
	sl_json_set_uint(value, "sealift_probe", 1);
	sl_json_set(value, "site", site_to_json(&probe->site));
	sl_json_set(value, "missing", gaps);
	if (probe->drop != PROBE_DROP_NONE)
		sl_json_set_string(value, "drop", probe_drop_name(probe->drop));
	if (options->out) {
		sl_auto_free char *shown = sl_text_shown(options->out);
		sl_json_set_string(value, "file", shown);
	}
	print_json(value);
}

static int run(const void *values, int argc, char **operands)
{
	const struct options *options = values;
	auto_probe struct probe probe = {0};
	struct sl_error err = {0};

	(void)argc;
	(void)operands;
	if (!check(options, &err) || !ask(options, &probe, &err))
		return print_failure(&err);
	if (options->json)
		print_report(options, &probe);
	else
		print_text(&probe);
	if (options->out) {
		sl_auto_free char *shown = sl_text_shown(options->out);
		sl_note("wrote %s", shown);
	}
	return sl_finish(0);
}

const struct sl_command command_probe = {
	.name = "probe",
	.operands = "",
	.summary = "ask builder and runner what a preparer has to know",
	.description =
		"Asks the agent on each host, and the service for each endpoint, and prints what "
		"they\n"
		"say and what is missing; with --out it also goes into a site file, which is "
		"carried to\n"
		"the preparer. With both, it is found out whether they have the same store.",
	.options = table,
	.size = sizeof(struct options),
	.min_operands = 0,
	.max_operands = 0,
	.run = run,
};
