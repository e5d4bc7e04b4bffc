// SPDX-License-Identifier: Apache-2.0
// sealift-upload sweep: makes room in a builder's store.
#include "bundles/base/base.h"
#include "uploader/commands/commands.h"
#include "uploader/commands/print.h"
#include "uploader/commands/queue.h"
#include "uploader/commands/reach.h"

#include <inttypes.h>
#include <stdio.h>

#define STEP_MS	  100
#define DAYS_MOST 36500 // what the agent takes (specs/agent.md, "sweep")

struct options {
	const char *builder, *builder_config, *state_dir;
	int64_t older_than;
	struct postman_options reach;
	bool dry_run, json;
};

static const struct sl_option table[] = {
	{"builder", 'b', SL_OPT_STRING, offsetof(struct options, builder), "ID",
	 "whose store: local, or the id of an endpoint"},
	{"builder-config", 0, SL_OPT_STRING, offsetof(struct options, builder_config), "FILE",
	 "how to reach it (JSON)"},
	{"older-than", 0, SL_OPT_NUMBER, offsetof(struct options, older_than), "DAYS",
	 "what nobody has asked for in so many days"},
	{"dry-run", 'n', SL_OPT_FLAG, offsetof(struct options, dry_run), NULL,
	 "remove nothing, only say what would be"},
	{"state-dir", 0, SL_OPT_STRING, offsetof(struct options, state_dir), "DIR",
	 "the folder of the ledger"},
	REACH_OPTIONS(struct options, reach),
	{"json", 0, SL_OPT_FLAG, offsetof(struct options, json), NULL, "print JSON"},
	SL_OPTION_END,
};

struct pile {
	uint64_t count, bytes;
};

struct sweep {
	bool waits;
	struct pile removed, kept;
	uint64_t arrivals, halves, scratch; // how many
	struct sl_error why;
	char *remedy;
};

static void sweep_release(struct sweep *sweep)
{
	free(sweep->remedy);
}
#define auto_sweep __attribute__((cleanup(sweep_release)))

static bool check(const struct options *options, struct sl_error *err)
{
	if (!options->builder)
		return sl_fail(err, SL_E_USAGE, "whose store? name --builder ID");
	if (options->older_than < 1 || options->older_than > DAYS_MOST)
		return sl_fail(err, SL_E_USAGE, "how old? name --older-than DAYS, 1 to %d",
			       DAYS_MOST);
	if (post_is_known(options->builder))
		return true;
	sl_auto_free char *shown = sl_text_shown(options->builder);
	return sl_fail(err, SL_E_USAGE, "'%s' is neither 'local' nor the id of an endpoint", shown);
}

// ---- the answer ----------------------------------------------------------------------------

static bool read_count(const json_t *answer, const char *key, uint64_t *out)
{
	const json_t *value = json_object_get(answer, key);
	json_int_t number = json_integer_value(value);

	*out = number > 0 ? (uint64_t)number : 0;
	return json_is_integer(value) && number >= 0;
}

static bool read_pile(const json_t *answer, const char *key, struct pile *out)
{
	const json_t *pile = json_object_get(answer, key);

	return read_count(pile, "count", &out->count) && read_count(pile, "bytes", &out->bytes);
}

static void hear(void *context, const json_t *answer, const struct sl_error *why,
		 const char *remedy)
{
	struct sweep *sweep = context;

	sweep->waits = false;
	sweep->remedy = remedy ? sl_strdup(remedy) : NULL;
	if (why)
		sweep->why = *why;
	else if (!read_pile(answer, "objects", &sweep->removed) ||
		 !read_pile(answer, "kept", &sweep->kept) ||
		 !read_count(answer, "arrivals", &sweep->arrivals) ||
		 !read_count(answer, "halves", &sweep->halves) ||
		 !read_count(answer, "scratch", &sweep->scratch))
		sl_fail(&sweep->why, SL_E_FORMAT,
			"the agent's answer to \"sweep\" is not as it should be");
}

static bool ask_agent(struct postman *postman, const struct options *options, struct sweep *out,
		      struct sl_error *err)
{
	struct post *post;
	sl_auto_json json_t *request = json_object();
	struct errand errand = {.request = request, .heard = hear, .context = out};

	sl_json_set_string(request, "op", "sweep");
	sl_json_set_uint(request, "older_than_days", (uint64_t)options->older_than);
	sl_json_set(request, "dry_run", json_boolean(options->dry_run));
	if (!postman_find(postman, options->builder, options->builder_config, &post, err))
		return false;
	out->waits = true;
	if (!post_start(post, &errand, err))
		return false;
	postman_hurry(postman);
	while (out->waits)
		if (!postman_step(postman, STEP_MS, err))
			return false;
	if (out->why.kind == SL_E_NONE)
		return true;
	return sl_fail(err, out->why.kind, "%s%s%s", out->why.text, out->remedy ? "; " : "",
		       out->remedy ? out->remedy : "");
}

static bool ask(const struct options *options, struct sweep *out, struct sl_error *err)
{
	auto_ledger struct ledger *ledger = NULL;
	struct postman_options reach = options->reach;
	struct postman *postman = NULL;

	reach.warn = print_warning;
	bool good = queue_open_ledger(options->state_dir, &ledger, err) &&
		    postman_new(ledger, &reach, &postman, err) &&
		    ask_agent(postman, options, out, err);
	postman_free(postman);
	return good;
}

// ---- what is printed -----------------------------------------------------------------------

static void print_pile(const char *label, const struct pile *pile)
{
	char size[16];

	sl_size_format(pile->bytes, size);
	printf("  %-11s%" PRIu64 " objects, %s\n", label, pile->count, size);
}

static void print_text(const struct options *options, const struct sweep *sweep)
{
	bool dry = options->dry_run;

	printf("store of %s\n", options->builder);
	print_pile(dry ? "to remove" : "removed", &sweep->removed);
	print_pile(dry ? "to keep" : "kept", &sweep->kept);
	printf("  %-11s%" PRIu64 " of arrivals, %" PRIu64 " of dead processes, %" PRIu64
	       " of dead builds\n",
	       "remains", sweep->arrivals, sweep->halves, sweep->scratch);
	if (dry)
		puts("nothing was removed (--dry-run)");
}

static json_t *pile_json(const struct pile *pile)
{
	json_t *value = json_object();

	sl_json_set_uint(value, "count", pile->count);
	sl_json_set_uint(value, "bytes", pile->bytes);
	return value;
}

static void print_report(const struct options *options, const struct sweep *sweep)
{
	sl_auto_json json_t *value = json_object();

	sl_json_set_uint(value, "sealift_sweep", 1);
	sl_json_set_string(value, "builder", options->builder);
	sl_json_set(value, "dry_run", json_boolean(options->dry_run));
	sl_json_set(value, "objects", pile_json(&sweep->removed));
	sl_json_set(value, "kept", pile_json(&sweep->kept));
	sl_json_set_uint(value, "arrivals", sweep->arrivals);
	sl_json_set_uint(value, "halves", sweep->halves);
	sl_json_set_uint(value, "scratch", sweep->scratch);
	print_json(value);
}

static int run(const void *values, int argc, char **operands)
{
	const struct options *options = values;
	auto_sweep struct sweep sweep = {0};
	struct sl_error err = {0};

	(void)argc;
	(void)operands;
	if (!check(options, &err) || !ask(options, &sweep, &err))
		return print_failure(&err);
	if (options->json)
		print_report(options, &sweep);
	else
		print_text(options, &sweep);
	return sl_finish(0);
}

const struct sl_command command_sweep = {
	.name = "sweep",
	.operands = "",
	.summary = "make room in a builder's store",
	.description =
		"Removes what nobody has asked for lately from the store of a builder: objects "
		"that no\n"
		"bundle at work needs, pieces that never became whole, what dead builds have "
		"left. Never\n"
		"an image, a receipt or a log. What is missing later is delivered again.",
	.options = table,
	.size = sizeof(struct options),
	.min_operands = 0,
	.max_operands = 0,
	.run = run,
};
