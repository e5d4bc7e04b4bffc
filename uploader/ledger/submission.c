// SPDX-License-Identifier: Apache-2.0
// Reading submissions and moving them from state to state.
#include "uploader/ledger/private.h"

#include <string.h>
#include <time.h>

#define COLUMNS(receipt, built)                                                                  \
	"SELECT s.number, s.bundle, s.builder, s.runner, s.path, s.policy, s.builder_config, "   \
	"s.out,"                                                                                 \
	" s.name, s.version, s.state, s.kind, s.reason, s.remedy, " receipt ", s.registration,"  \
	" s.added, s.changed, s.force_tasks, s.runner_config, s.container_service, s.container," \
	" s.runner_sees, s.build_on, s.build_on_config, " built                                  \
	", s.runner_findings, s.signatures,"                                                     \
	" c.host, c.boot, c.space, c.pid, c.start, c.renewed"                                    \
	" FROM submission s LEFT JOIN claim c ON c.submission = s.number"

static const char columns[] = COLUMNS("s.receipt", "s.built");
static const char brief_columns[] = COLUMNS("NULL", "NULL");

void submission_release(struct submission *submission)
{
	free(submission->builder);
	free(submission->runner);
	free(submission->path);
	free(submission->policy);
	free(submission->builder_config);
	free(submission->out);
	free(submission->name);
	free(submission->version);
	free(submission->reason);
	free(submission->remedy);
	free(submission->receipt);
	free(submission->registration);
	free(submission->runner_config);
	free(submission->runner_sees);
	free(submission->runner_findings);
	free(submission->container);
	free(submission->build_on);
	free(submission->build_on_config);
	free(submission->built);
	free(submission->signatures);
	memset(submission, 0, sizeof *submission);
}

void submissions_release(struct submissions *list)
{
	sl_list_each (list, submission)
		submission_release(submission);
	sl_list_release(list);
}

static bool read_row(struct ledger *ledger, sqlite3_stmt *row, struct submission *out,
		     struct sl_error *err)
{
	sl_auto_free char *bundle = db_text(row, 1);
	sl_auto_free char *state = db_text(row, 10);
	sl_auto_free char *kind = db_text(row, 11);

	*out = (struct submission){
		.number = sqlite3_column_int64(row, 0),
		.builder = db_text(row, 2),
		.runner = db_text(row, 3),
		.path = db_text(row, 4),
		.policy = db_text(row, 5),
		.builder_config = db_text(row, 6),
		.out = db_text(row, 7),
		.name = db_text(row, 8),
		.version = db_text(row, 9),
		.kind = ledger_kind_parse(kind),
		.reason = db_text(row, 12),
		.remedy = db_text(row, 13),
		.receipt = db_text(row, 14),
		.registration = db_text(row, 15),
		.added = sqlite3_column_int64(row, 16),
		.changed = sqlite3_column_int64(row, 17),
		.force_tasks = sqlite3_column_int64(row, 18) != 0,
		.runner_config = db_text(row, 19),
		.container_service = (unsigned)sqlite3_column_int64(row, 20),
		.container = db_text(row, 21),
		.runner_sees = db_text(row, 22),
		.build_on = db_text(row, 23),
		.build_on_config = db_text(row, 24),
		.built = db_text(row, 25),
		.runner_findings = db_text(row, 26),
		.signatures = db_text(row, 27),
	};
	out->worker = claim_worker(ledger, row, 28, &out->renewed);
	if (bundle && sl_digest_parse(bundle, &out->bundle) &&
	    ledger_state_parse(state, &out->state))
		return true;
	return sl_fail(err, SL_E_FORMAT,
		       "the ledger '%s' is damaged: submission %lld makes no sense", ledger->path,
		       (long long)out->number);
}

static bool list(struct ledger *ledger, const char *what, const char *which,
		 struct submissions *out, struct sl_error *err)
{
	sl_auto_free char *sql = sl_format("%s%s ORDER BY s.number", what, which);
	auto_statement sqlite3_stmt *statement = db_prepare(ledger, err, sql, "");
	bool row = false;

	*out = (struct submissions){0};
	if (!statement)
		return false;
	while (db_step(ledger, statement, &row, err) && row)
		if (!read_row(ledger, statement, sl_list_add(out), err))
			return false;
	return err->kind == SL_E_NONE;
}

bool ledger_list(struct ledger *ledger, struct submissions *out, struct sl_error *err)
{
	return list(ledger, columns, "", out, err);
}

bool ledger_list_brief(struct ledger *ledger, bool unfinished, struct submissions *out,
		       struct sl_error *err)
{
	return list(ledger, brief_columns,
		    unfinished ? " WHERE s.state NOT IN ('done', 'failed', 'refused')" : "", out,
		    err);
}

static bool no_such(int64_t number, struct sl_error *err)
{
	return sl_fail(err, SL_E_USAGE, "there is no submission %lld; 'status' lists them",
		       (long long)number);
}

bool ledger_find(struct ledger *ledger, int64_t number, struct submission *out,
		 struct sl_error *err)
{
	sl_auto_free char *sql = sl_format("%s WHERE s.number = ?1", columns);
	auto_statement sqlite3_stmt *statement = db_prepare(ledger, err, sql, "i", number);
	bool row;

	memset(out, 0, sizeof *out);
	if (!statement || !db_step(ledger, statement, &row, err))
		return false;
	if (!row)
		return no_such(number, err);
	return read_row(ledger, statement, out, err);
}

// ---- queueing ------------------------------------------------------------------------------

static bool find_same(struct ledger *ledger, const char *bundle, const struct submission *wanted,
		      int64_t *number_out, enum ledger_state *state_out, struct sl_error *err)
{
	auto_statement sqlite3_stmt *statement =
		db_prepare(ledger, err,
			   "SELECT number, state FROM submission"
			   " WHERE bundle = ?1 AND builder = ?2 AND runner = ?3",
			   "ttt", bundle, wanted->builder, wanted->runner);
	bool row;

	*number_out = 0;
	if (!statement || !db_step(ledger, statement, &row, err))
		return false;
	if (!row)
		return true;
	*number_out = sqlite3_column_int64(statement, 0);
	sl_auto_free char *state = db_text(statement, 1);
	return ledger_state_parse(state, state_out) ||
	       sl_fail(err, SL_E_FORMAT, "the ledger '%s' is damaged: no state '%s'", ledger->path,
		       state);
}

static bool insert(struct ledger *ledger, const char *bundle, const struct submission *wanted,
		   int64_t *number_out, struct sl_error *err)
{
	if (!db_run(ledger, err,
		    "INSERT INTO submission (bundle, builder, runner, path, policy, builder_config,"
		    " out, name, version, state, added, changed, force_tasks, runner_config,"
		    " container_service, build_on, build_on_config, signatures)"
		    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'queued', ?10, ?10, ?11, ?12,"
		    " ?13, ?14, ?15, ?16)",
		    "tttttttttiitittt", bundle, wanted->builder, wanted->runner, wanted->path,
		    wanted->policy, wanted->builder_config, wanted->out, wanted->name,
		    wanted->version, (int64_t)time(NULL), (int64_t)wanted->force_tasks,
		    wanted->runner_config, (int64_t)wanted->container_service, wanted->build_on,
		    wanted->build_on_config, wanted->signatures))
		return false;
	*number_out = sqlite3_last_insert_rowid(ledger->db);
	return true;
}

// Where the bundle lies now, and how this person wants it built now.
static bool update_paths(struct ledger *ledger, int64_t number, const struct submission *wanted,
			 struct sl_error *err)
{
	return db_run(ledger, err,
		      "UPDATE submission SET path = ?2, policy = ?3, builder_config = ?4, out = ?5,"
		      " force_tasks = ?6, runner_config = ?7, container_service = ?8,"
		      " build_on = ?9, build_on_config = ?10, signatures = ?11 WHERE number = ?1",
		      "ittttitittt", number, wanted->path, wanted->policy, wanted->builder_config,
		      wanted->out, (int64_t)wanted->force_tasks, wanted->runner_config,
		      (int64_t)wanted->container_service, wanted->build_on, wanted->build_on_config,
		      wanted->signatures);
}

static bool add(struct ledger *ledger, const struct submission *wanted, int64_t *number_out,
		enum ledger_added *added_out, struct sl_error *err)
{
	char bundle[SL_DIGEST_HEX + 1];
	enum ledger_state state;

	sl_digest_hex(&wanted->bundle, bundle);
	if (!find_same(ledger, bundle, wanted, number_out, &state, err))
		return false;
	if (*number_out == 0) {
		*added_out = LEDGER_ADDED;
		return insert(ledger, bundle, wanted, number_out, err);
	}
	*added_out = state == LEDGER_DONE ? LEDGER_WAS_DONE : LEDGER_WAS_THERE;
	return state == LEDGER_DONE || update_paths(ledger, *number_out, wanted, err);
}

bool ledger_add(struct ledger *ledger, const struct submission *wanted, int64_t *number_out,
		enum ledger_added *added_out, struct sl_error *err)
{
	return db_begin(ledger, err) &&
	       db_end(ledger, add(ledger, wanted, number_out, added_out, err), err);
}

// ---- moving on -----------------------------------------------------------------------------

static bool state_of(struct ledger *ledger, int64_t number, enum ledger_state *out,
		     struct sl_error *err)
{
	auto_statement sqlite3_stmt *statement = db_prepare(
		ledger, err, "SELECT state FROM submission WHERE number = ?1", "i", number);
	bool row;

	if (!statement || !db_step(ledger, statement, &row, err))
		return false;
	if (!row)
		return no_such(number, err);
	sl_auto_free char *state = db_text(statement, 0);
	return ledger_state_parse(state, out) ||
	       sl_fail(err, SL_E_FORMAT, "the ledger '%s' is damaged: no state '%s'", ledger->path,
		       state);
}

// What a step writes beside the state itself.
struct step {
	enum ledger_state to;
	const char *column, *value; // receipt or registration; NULL = none
	const struct sl_error *why;
	const char *remedy;
};

static bool write_why(struct ledger *ledger, int64_t number, const struct sl_error *why,
		      const char *remedy, struct sl_error *err)
{
	return db_run(ledger, err,
		      "UPDATE submission SET kind = ?2, reason = ?3, remedy = ?4, changed = ?5"
		      " WHERE number = ?1",
		      "ittti", number, why ? sl_kind_name(why->kind) : NULL, why ? why->text : NULL,
		      remedy, (int64_t)time(NULL));
}

static bool write_step(struct ledger *ledger, int64_t number, const struct step *step,
		       struct sl_error *err)
{
	if (!write_why(ledger, number, step->why, step->remedy, err) ||
	    !db_run(ledger, err, "UPDATE submission SET state = ?2 WHERE number = ?1", "it", number,
		    ledger_state_name(step->to)))
		return false;
	if (step->to == LEDGER_QUEUED && !db_run(ledger, err,
						 "UPDATE submission SET cancel = 0, runner_sees = "
						 "NULL, runner_findings = NULL WHERE number = ?1",
						 "i", number))
		return false;
	// Nobody works on what has come to its end; the same transaction, so that no crash comes
	// between.
	if (ledger_state_is_final(step->to) &&
	    !db_run(ledger, err, "DELETE FROM claim WHERE submission = ?1", "i", number))
		return false;
	if (!step->column)
		return true;
	sl_auto_free char *sql =
		sl_format("UPDATE submission SET %s = ?2 WHERE number = ?1", step->column);
	return db_run(ledger, err, sql, "it", number, step->value);
}

static bool take_step(struct ledger *ledger, int64_t number, const struct step *step,
		      struct sl_error *err)
{
	enum ledger_state from;

	if (!claim_check(ledger, number, err) || !state_of(ledger, number, &from, err))
		return false;
	if (!ledger_step_is_legal(from, step->to))
		return sl_fail(err, SL_E_INTERNAL, "submission %lld cannot go from %s to %s",
			       (long long)number, ledger_state_name(from),
			       ledger_state_name(step->to));
	return write_step(ledger, number, step, err);
}

static bool move(struct ledger *ledger, int64_t number, const struct step *step,
		 struct sl_error *err)
{
	return db_begin(ledger, err) && db_end(ledger, take_step(ledger, number, step, err), err);
}

bool ledger_move(struct ledger *ledger, int64_t number, enum ledger_state state,
		 struct sl_error *err)
{
	return move(ledger, number, &(struct step){.to = state}, err);
}

bool ledger_built(struct ledger *ledger, int64_t number, const char *receipt, struct sl_error *err)
{
	return move(ledger, number,
		    &(struct step){.to = LEDGER_BUILT, .column = "receipt", .value = receipt}, err);
}

bool ledger_shipping(struct ledger *ledger, int64_t number, const char *receipt,
		     struct sl_error *err)
{
	return move(ledger, number,
		    &(struct step){.to = LEDGER_SHIPPING, .column = "built", .value = receipt},
		    err);
}

bool ledger_done(struct ledger *ledger, int64_t number, const char *registration, int64_t effect,
		 const char *answer, struct sl_error *err)
{
	struct step step = {.to = LEDGER_DONE, .column = "registration", .value = registration};

	return db_begin(ledger, err) && db_end(ledger,
					       effect_end(ledger, effect, true, answer, err) &&
						       take_step(ledger, number, &step, err),
					       err);
}

bool ledger_end(struct ledger *ledger, int64_t number, enum ledger_state state,
		const struct sl_error *why, const char *remedy, struct sl_error *err)
{
	return move(ledger, number, &(struct step){.to = state, .why = why, .remedy = remedy}, err);
}

static bool note(struct ledger *ledger, int64_t number, const struct sl_error *why,
		 const char *remedy, struct sl_error *err)
{
	return claim_check(ledger, number, err) && write_why(ledger, number, why, remedy, err);
}

bool ledger_note(struct ledger *ledger, int64_t number, const struct sl_error *why,
		 const char *remedy, struct sl_error *err)
{
	return db_begin(ledger, err) && db_end(ledger, note(ledger, number, why, remedy, err), err);
}

static bool keep(struct ledger *ledger, int64_t number, enum ledger_fact fact, const char *text,
		 struct sl_error *err)
{
	static const char *const sql[] = {
		[LEDGER_RUNNER_FINDINGS] =
			"UPDATE submission SET runner_findings = ?2 WHERE number = ?1",
		[LEDGER_RUNNER_SEES] = "UPDATE submission SET runner_sees = ?2 WHERE number = ?1",
		[LEDGER_CONTAINER] = "UPDATE submission SET container = ?2 WHERE number = ?1",
	};

	return claim_check(ledger, number, err) &&
	       db_run(ledger, err, sql[fact], "it", number, text);
}

static bool allow_again(struct ledger *ledger, int64_t number, bool allowed, struct sl_error *err)
{
	return claim_check(ledger, number, err) &&
	       db_run(ledger, err,
		      "UPDATE submission SET container_service = ?2"
		      " WHERE number = ?1 AND container_service <> 0",
		      "ii", number, (int64_t)(allowed ? 2 : 1));
}

bool ledger_allow_again(struct ledger *ledger, int64_t number, bool allowed, struct sl_error *err)
{
	return db_begin(ledger, err) &&
	       db_end(ledger, allow_again(ledger, number, allowed, err), err);
}

bool ledger_keep(struct ledger *ledger, int64_t number, enum ledger_fact fact, const char *text,
		 struct sl_error *err)
{
	return db_begin(ledger, err) && db_end(ledger, keep(ledger, number, fact, text, err), err);
}

static bool identify(struct ledger *ledger, int64_t number, const char *name, const char *version,
		     struct sl_error *err)
{
	return claim_check(ledger, number, err) &&
	       db_run(ledger, err,
		      "UPDATE submission SET name = ?2, version = ?3 WHERE number = ?1", "itt",
		      number, name, version);
}

bool ledger_identify(struct ledger *ledger, int64_t number, const char *name, const char *version,
		     struct sl_error *err)
{
	return db_begin(ledger, err) &&
	       db_end(ledger, identify(ledger, number, name, version, err), err);
}

static bool add_again(struct ledger *ledger, const struct submission *wanted, int64_t *number_out,
		      struct sl_error *err)
{
	enum ledger_added added;
	enum ledger_state state;

	if (!add(ledger, wanted, number_out, &added, err) ||
	    !state_of(ledger, *number_out, &state, err))
		return false;
	if (!ledger_state_is_final(state))
		return true;
	// What is done is asked about where it was built, unless another way there is named.
	struct submission now = *wanted;
	auto_submission struct submission then = {0};
	if (!ledger_find(ledger, *number_out, &then, err))
		return false;
	if (state == LEDGER_DONE && !now.builder_config)
		now.builder_config = then.builder_config;
	return update_paths(ledger, *number_out, &now, err) &&
	       write_step(ledger, *number_out, &(struct step){.to = LEDGER_QUEUED}, err);
}

bool ledger_add_again(struct ledger *ledger, const struct submission *wanted, int64_t *number_out,
		      struct sl_error *err)
{
	return db_begin(ledger, err) &&
	       db_end(ledger, add_again(ledger, wanted, number_out, err), err);
}

// ---- for people ----------------------------------------------------------------------------

static bool retry(struct ledger *ledger, int64_t number, struct sl_error *err)
{
	enum ledger_state state;

	if (!state_of(ledger, number, &state, err))
		return false;
	if (!ledger_step_is_legal(state, LEDGER_QUEUED))
		return sl_fail(err, SL_E_USAGE,
			       "submission %lld is %s: only failed and refused ones can be retried",
			       (long long)number, ledger_state_name(state));
	return write_step(ledger, number, &(struct step){.to = LEDGER_QUEUED}, err);
}

bool ledger_retry(struct ledger *ledger, int64_t number, struct sl_error *err)
{
	return db_begin(ledger, err) && db_end(ledger, retry(ledger, number, err), err);
}

static bool cancel(struct ledger *ledger, int64_t number, bool *later_out, struct sl_error *err)
{
	struct sl_error why = {.kind = SL_E_ANSWER, .text = LEDGER_CANCELLED};
	enum ledger_state state;

	if (!state_of(ledger, number, &state, err) || !claim_look(ledger, number, later_out, err))
		return false;
	if (ledger_state_is_final(state))
		return sl_fail(err, SL_E_USAGE, "submission %lld is %s: there is nothing to cancel",
			       (long long)number, ledger_state_name(state));
	if (*later_out)
		return db_run(ledger, err, "UPDATE submission SET cancel = 1 WHERE number = ?1",
			      "i", number);
	return write_step(ledger, number, &(struct step){.to = LEDGER_FAILED, .why = &why}, err);
}

bool submission_is_cancelled(const struct submission *row)
{
	return row->state == LEDGER_FAILED && row->reason &&
	       strcmp(row->reason, LEDGER_CANCELLED) == 0;
}

bool ledger_cancel(struct ledger *ledger, int64_t number, bool *later_out, struct sl_error *err)
{
	return db_begin(ledger, err) && db_end(ledger, cancel(ledger, number, later_out, err), err);
}

bool ledger_is_cancelled(struct ledger *ledger, int64_t number, bool *out, struct sl_error *err)
{
	auto_statement sqlite3_stmt *statement = db_prepare(
		ledger, err, "SELECT cancel FROM submission WHERE number = ?1", "i", number);
	bool row;

	if (!statement || !db_step(ledger, statement, &row, err))
		return false;
	*out = row && sqlite3_column_int64(statement, 0) != 0;
	return true;
}

static bool forget(struct ledger *ledger, int64_t number, struct sl_error *err)
{
	enum ledger_state state;
	bool held;

	if (!state_of(ledger, number, &state, err) || !claim_look(ledger, number, &held, err))
		return false;
	if (held)
		return sl_fail(err, SL_E_USAGE,
			       "cannot forget submission %lld: a process is working on it",
			       (long long)number);
	return db_run(ledger, err, "DELETE FROM submission WHERE number = ?1", "i", number);
}

bool ledger_forget(struct ledger *ledger, int64_t number, struct sl_error *err)
{
	return db_begin(ledger, err) && db_end(ledger, forget(ledger, number, err), err);
}
