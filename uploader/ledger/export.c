// SPDX-License-Identifier: Apache-2.0
// The whole ledger as one JSON value, for archives and other programs.
#include "uploader/ledger/private.h"

#include <string.h>

static void set_text(json_t *object, const char *key, const char *text)
{
	if (text)
		sl_json_set_string(object, key, text);
}

static void set_time(json_t *object, const char *key, int64_t seconds)
{
	char text[21];

	if (seconds <= 0)
		return;
	sl_time_format(seconds, text);
	sl_json_set_string(object, key, text);
}

// What other machines said is JSON; were it not, it is shown as the text that it is.
static void set_json(json_t *object, const char *key, const char *text)
{
	struct sl_error ignored = {0};

	if (!text)
		return;
	json_t *value = sl_json_load(text, strlen(text), key, &ignored);
	sl_json_set(object, key, value ? value : json_string(text));
}

static json_t *effect_to_json(sqlite3_stmt *row)
{
	json_t *object = json_object();
	sl_auto_free char *kind = db_text(row, 1);
	sl_auto_free char *request = db_text(row, 2);
	sl_auto_free char *outcome = db_text(row, 3);
	sl_auto_free char *answer = db_text(row, 4);

	sl_json_set_uint(object, "number", (uint64_t)sqlite3_column_int64(row, 0));
	set_text(object, "kind", kind);
	set_json(object, "request", request);
	set_text(object, "outcome", outcome);
	set_json(object, "answer", answer);
	set_time(object, "tried", sqlite3_column_int64(row, 5));
	set_time(object, "answered", sqlite3_column_int64(row, 6));
	return object;
}

#define SELECT_EFFECTS "SELECT number, kind, request, outcome, answer, tried, answered FROM effect"

static bool list_effects(struct ledger *ledger, const char *sql, int64_t number, json_t *list,
			 struct sl_error *err)
{
	auto_statement sqlite3_stmt *statement = db_prepare(ledger, err, sql, "i", number);
	bool row = false;

	if (!statement)
		return false;
	while (db_step(ledger, statement, &row, err) && row)
		sl_json_append(list, effect_to_json(statement));
	return err->kind == SL_E_NONE;
}

bool ledger_effects_of_bundle(struct ledger *ledger, int64_t number, json_t **out,
			      struct sl_error *err)
{
	sl_auto_json json_t *list = json_array();

	if (!list_effects(ledger,
			  SELECT_EFFECTS
			  " WHERE submission IN (SELECT number FROM submission WHERE bundle ="
			  " (SELECT bundle FROM submission WHERE number = ?1)) ORDER BY number",
			  number, list, err))
		return false;
	*out = sl_take(list);
	return true;
}

json_t *submission_to_json(const struct submission *submission)
{
	json_t *object = json_object();

	sl_json_set_uint(object, "number", (uint64_t)submission->number);
	sl_json_set_digest(object, "bundle", &submission->bundle);
	set_text(object, "builder", submission->builder);
	set_text(object, "runner", submission->runner);
	set_text(object, "path", submission->path);
	set_text(object, "policy", submission->policy);
	set_json(object, "signatures", submission->signatures);
	set_text(object, "builder_config", submission->builder_config);
	set_text(object, "out", submission->out);
	set_text(object, "runner_config", submission->runner_config);
	set_text(object, "build_on", submission->build_on);
	set_text(object, "build_on_config", submission->build_on_config);
	if (submission->container_service)
		sl_json_set_bool(object, "container_service", true);
	if (submission->container_service == 2)
		sl_json_set_bool(object, "again", true);
	if (submission->force_tasks)
		sl_json_set_bool(object, "force_tasks", true);
	set_text(object, "name", submission->name);
	set_text(object, "version", submission->version);
	set_text(object, "state", ledger_state_name(submission->state));
	if (submission->kind != SL_E_NONE)
		set_text(object, "kind", sl_kind_name(submission->kind));
	set_text(object, "reason", submission->reason);
	set_text(object, "remedy", submission->remedy);
	set_json(object, "receipt", submission->receipt);
	set_json(object, "built", submission->built);
	set_text(object, "runner_sees", submission->runner_sees);
	set_json(object, "runner_findings", submission->runner_findings);
	set_text(object, "container", submission->container);
	set_text(object, "registration", submission->registration);
	set_time(object, "added", submission->added);
	set_time(object, "changed", submission->changed);
	if (submission->worker > 0)
		sl_json_set_uint(object, "worker", (uint64_t)submission->worker);
	return object;
}

static bool export_all(struct ledger *ledger, json_t *list, struct sl_error *err)
{
	struct submissions all;
	bool good = ledger_list(ledger, &all, err);

	sl_list_each (&all, submission) {
		json_t *effects = json_array();
		json_t *object = submission_to_json(submission);
		good = good &&
		       list_effects(ledger, SELECT_EFFECTS " WHERE submission = ?1 ORDER BY number",
				    submission->number, effects, err);
		sl_json_set(object, "effects", effects);
		sl_json_append(list, object);
	}
	submissions_release(&all);
	return good;
}

bool ledger_export(struct ledger *ledger, json_t **out, struct sl_error *err)
{
	sl_auto_json json_t *value = json_object();
	json_t *list = json_array();

	sl_json_set_uint(value, "sealift_ledger", LEDGER_SCHEMA);
	sl_json_set(value, "submissions", list);
	// One transaction, so that submissions and effects are of one moment.
	if (!db_run(ledger, err, "BEGIN", "") ||
	    !db_end(ledger, export_all(ledger, list, err), err))
		return false;
	*out = sl_take(value);
	return true;
}
