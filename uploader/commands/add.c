// SPDX-License-Identifier: Apache-2.0
// sealift-upload add: writes down what is to be built where. Needs no network and no builder.
#include "bundles/base/base.h"
#include "uploader/commands/commands.h"
#include "uploader/commands/print.h"
#include "uploader/commands/queue.h"

#include <stdio.h>

// `run` will decide; but a person who is told now can still do something about it.
static void warn_if_doubtful(struct ledger *ledger, int64_t number)
{
	auto_submission struct submission row = {0};
	auto_judging struct judging judging = {0};
	auto_verdict struct verdict verdict = {0};
	auto_verified_bundle struct verified_bundle *bundle = NULL;
	struct sl_error why = {0};

	if (!ledger_find(ledger, number, &row, &why) ||
	    !queue_judging(row.policy, row.signatures, &judging, &why)) {
		sl_warn("%s", why.text);
		return;
	}
	struct verify_request request = judging_request(&judging, row.path, VERIFY_HEAD);
	if (!bundle_verify(&request, &verdict, &bundle, &why))
		sl_warn("queued, but as things are 'run' will refuse it: %s", why.text);
}

// A bundle that failed or was refused keeps that state: `run` passes it by.
static void warn_if_ended(struct ledger *ledger, const char *path, int64_t number)
{
	auto_submission struct submission row = {0};
	struct sl_error err = {0};
	sl_auto_free char *shown = sl_text_shown(path);

	if (!ledger_find(ledger, number, &row, &err))
		sl_warn("%s", err.text);
	else if (row.state == LEDGER_FAILED || row.state == LEDGER_REFUSED)
		sl_warn("%s: %s before; 'sealift-upload retry %lld' queues it again", shown,
			row.state == LEDGER_FAILED ? "failed" : "was refused", (long long)number);
}

static void report(const struct queue_options *options, const char *path, int64_t number,
		   enum ledger_added added, json_t *list)
{
	static const char *const words[] = {
		[LEDGER_ADDED] = "queued",
		[LEDGER_WAS_THERE] = "was there already; goes on with these options",
		[LEDGER_WAS_DONE] = "is done already",
	};
	sl_auto_free char *shown = sl_text_shown(path);

	if (!options->json) {
		printf("%lld  %s  %s\n", (long long)number, shown, words[added]);
		return;
	}
	json_t *object = json_object();
	sl_json_set_uint(object, "number", (uint64_t)number);
	sl_json_set_string(object, "file", shown);
	sl_json_set_bool(object, "added", added == LEDGER_ADDED);
	sl_json_set_bool(object, "done", added == LEDGER_WAS_DONE);
	sl_json_append(list, object);
}

static bool add_one(struct ledger *ledger, const struct queue_options *options, const char *path,
		    json_t *list, struct sl_error *err)
{
	enum ledger_added added;
	int64_t number;

	if (!queue_bundle(ledger, options, path, &number, &added, err))
		return false;
	if (added != LEDGER_WAS_DONE)
		warn_if_doubtful(ledger, number);
	report(options, path, number, added, list);
	if (added == LEDGER_WAS_THERE)
		warn_if_ended(ledger, path, number);
	return true;
}

static void print_added(json_t *list)
{
	sl_auto_json json_t *value = json_object();

	sl_json_set_uint(value, "sealift_added", 1);
	sl_json_set(value, "bundles", json_incref(list));
	print_json(value);
}

static int run(const void *values, int argc, char **operands)
{
	const struct queue_options *options = values;
	auto_ledger struct ledger *ledger = NULL;
	sl_auto_json json_t *list = json_array();
	struct sl_error err = {0};
	int code = 0;

	if (!queue_check(options, &err) || !queue_open_ledger(options->state_dir, &ledger, &err))
		return print_failure(&err);
	for (int i = 0; i < argc; i++) {
		sl_error_clear(&err);
		if (add_one(ledger, options, operands[i], list, &err))
			continue;
		sl_complain(&err);
		if (sl_exit_code(err.kind) > code)
			code = sl_exit_code(err.kind);
	}
	if (options->json)
		print_added(list);
	return sl_finish(code);
}

const struct sl_command command_add = {
	.name = "add",
	.operands = "BUNDLE...",
	.summary = "queue bundles for a builder",
	.description =
		"Writes into the ledger that each bundle is to be verified, delivered, built and\n"
		"registered, which 'run' then does, now or when the network is back. A bundle "
		"that\n"
		"is in the ledger for the same builder and runner is not queued twice.",
	.options = queue_option_table,
	.size = sizeof(struct queue_options),
	.min_operands = 1,
	.max_operands = -1,
	.run = run,
};
