// SPDX-License-Identifier: Apache-2.0
// What was handed to a compute service, and what became of it.
//
// 1. A submit has its row, and each of its payloads one, before anything of it is sent.
// 2. A task's answer stands in its row before anyone acts on it: the service deletes what it has
//    handed out. Once all is done that it asks for, the text goes and the row stays.
// 3. Only the process whose name stands in a submit moves it. One that has ended has left it to
//    whoever opens the endpoint next.
#include "uploader/ledger/private.h"

#include <string.h>
#include <time.h>

#define KEEP_SECONDS 86400 // rows of submits that are over

static int64_t now_seconds(void)
{
	return (int64_t)time(NULL);
}

void ledger_submit_release(struct ledger_submit *submit)
{
	sl_list_each (&submit->tasks, task)
		free(task->id);
	sl_list_release(&submit->tasks);
	free(submit->service);
	free(submit->endpoint);
	free(submit->function);
	free(submit->task_group);
	memset(submit, 0, sizeof *submit);
}

void ledger_submits_release(struct ledger_submits *list)
{
	sl_list_each (list, submit)
		ledger_submit_release(submit);
	sl_list_release(list);
}

// ---- sending -------------------------------------------------------------------------------

static bool insert_submit(struct ledger *ledger, struct ledger_submit *submit, struct sl_error *err)
{
	const struct holder *self = &ledger->self;

	submit->tried = now_seconds();
	if (!db_run(ledger, err,
		    "INSERT INTO submit (service, endpoint, function, task_group, outcome, tried,"
		    " host, boot, space, pid, start, renewed)"
		    " VALUES (?1, ?2, ?3, ?4, 'tried', ?5, ?6, ?7, ?8, ?9, ?10, ?5)",
		    "ttttitttii", submit->service, submit->endpoint, submit->function,
		    submit->task_group, submit->tried, self->host, self->boot, self->space,
		    self->pid, self->start))
		return false;
	submit->number = sqlite3_last_insert_rowid(ledger->db);
	return true;
}

static bool insert_tasks(struct ledger *ledger, const struct ledger_submit *submit,
			 struct sl_error *err)
{
	for (size_t i = 0; i < submit->tasks.len; i++)
		if (!db_run(ledger, err,
			    "INSERT INTO task (submit, position, ref, outcome)"
			    " VALUES (?1, ?2, ?3, 'waiting')",
			    "iit", submit->number, (int64_t)i, submit->tasks.items[i].ref))
			return false;
	return true;
}

bool ledger_submit_begin(struct ledger *ledger, struct ledger_submit *submit, struct sl_error *err)
{
	return db_begin(ledger, err) &&
	       db_end(ledger,
		      insert_submit(ledger, submit, err) && insert_tasks(ledger, submit, err), err);
}

static bool accepted(struct ledger *ledger, int64_t submit, const char *group,
		     const char *const *ids, size_t count, struct sl_error *err)
{
	if (!db_run(ledger, err,
		    "UPDATE submit SET outcome = 'accepted', task_group = ?2 WHERE number = ?1",
		    "it", submit, group))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!db_run(ledger, err,
			    "UPDATE task SET id = ?3 WHERE submit = ?1 AND position = ?2", "iit",
			    submit, (int64_t)i, ids[i]))
			return false;
	return true;
}

bool ledger_submit_accepted(struct ledger *ledger, int64_t submit, const char *group,
			    const char *const *ids, size_t count, struct sl_error *err)
{
	return db_begin(ledger, err) &&
	       db_end(ledger, accepted(ledger, submit, group, ids, count, err), err);
}

static bool end_submit(struct ledger *ledger, int64_t submit, const char *outcome,
		       struct sl_error *err)
{
	return db_run(ledger, err,
		      "UPDATE task SET outcome = 'lost', answer = NULL"
		      " WHERE submit = ?1 AND outcome <> 'told'",
		      "i", submit) &&
	       db_run(ledger, err, "UPDATE submit SET outcome = ?2 WHERE number = ?1", "it", submit,
		      outcome);
}

bool ledger_submit_refused(struct ledger *ledger, int64_t submit, struct sl_error *err)
{
	return db_begin(ledger, err) &&
	       db_end(ledger, end_submit(ledger, submit, "refused", err), err);
}

bool ledger_submit_over(struct ledger *ledger, int64_t submit, struct sl_error *err)
{
	return db_begin(ledger, err) &&
	       db_end(ledger, end_submit(ledger, submit, "over", err), err);
}

// ---- answers -------------------------------------------------------------------------------

static bool write_answers(struct ledger *ledger, const struct ledger_answer *answers, size_t count,
			  struct sl_error *err)
{
	for (size_t i = 0; i < count; i++)
		if (!db_run(ledger, err,
			    "UPDATE task SET id = ?3, outcome = 'answered', answer = ?4"
			    " WHERE submit = ?1 AND position = ?2",
			    "iitt", answers[i].submit, (int64_t)answers[i].position, answers[i].id,
			    answers[i].text))
			return false;
	return true;
}

bool ledger_tasks_answered(struct ledger *ledger, const struct ledger_answer *answers, size_t count,
			   struct sl_error *err)
{
	return db_begin(ledger, err) &&
	       db_end(ledger, write_answers(ledger, answers, count, err), err);
}

static bool write_told(struct ledger *ledger, const struct ledger_answer *answers, size_t count,
		       struct sl_error *err)
{
	for (size_t i = 0; i < count; i++)
		if (!db_run(ledger, err,
			    "UPDATE task SET outcome = 'told', answer = NULL"
			    " WHERE submit = ?1 AND position = ?2",
			    "ii", answers[i].submit, (int64_t)answers[i].position) ||
		    !db_run(ledger, err,
			    "UPDATE submit SET outcome = 'over' WHERE number = ?1 AND NOT EXISTS"
			    " (SELECT 1 FROM task WHERE submit = ?1"
			    "  AND outcome IN ('waiting', 'answered'))",
			    "i", answers[i].submit))
			return false;
	return true;
}

bool ledger_tasks_told(struct ledger *ledger, const struct ledger_answer *answers, size_t count,
		       struct sl_error *err)
{
	return db_begin(ledger, err) &&
	       db_end(ledger, write_told(ledger, answers, count, err), err);
}

// ---- what others have left -----------------------------------------------------------------

static bool read_tasks(struct ledger *ledger, struct ledger_submit *submit, struct sl_error *err)
{
	auto_statement sqlite3_stmt *statement =
		db_prepare(ledger, err,
			   "SELECT ref, id, outcome FROM task WHERE submit = ?1 ORDER BY position",
			   "i", submit->number);
	bool row = false;

	if (!statement)
		return false;
	while (db_step(ledger, statement, &row, err) && row) {
		struct ledger_task *task = sl_list_add(&submit->tasks);
		sl_auto_free char *ref = db_text(statement, 0);
		sl_auto_free char *outcome = db_text(statement, 2);
		snprintf(task->ref, sizeof task->ref, "%s", ref ? ref : "");
		task->id = db_text(statement, 1);
		task->waiting = outcome && strcmp(outcome, "waiting") == 0;
	}
	return err->kind == SL_E_NONE;
}

static bool read_left(struct ledger *ledger, const char *service, const char *endpoint,
		      struct ledger_submits *out, struct sl_error *err)
{
	auto_statement sqlite3_stmt *statement =
		db_prepare(ledger, err,
			   "SELECT number, function, task_group, tried,"
			   " host, boot, space, pid, start, renewed FROM submit"
			   " WHERE endpoint = ?1 AND service = ?2"
			   " AND outcome IN ('tried', 'accepted') ORDER BY number",
			   "tt", endpoint, service);
	bool row = false;
	int64_t renewed;

	if (!statement)
		return false;
	while (db_step(ledger, statement, &row, err) && row) {
		if (claim_worker(ledger, statement, 4, &renewed) != 0)
			continue;
		*sl_list_add(out) = (struct ledger_submit){
			.number = sqlite3_column_int64(statement, 0),
			.service = sl_strdup(service),
			.endpoint = sl_strdup(endpoint),
			.function = db_text(statement, 1),
			.task_group = db_text(statement, 2),
			.tried = sqlite3_column_int64(statement, 3),
		};
	}
	return err->kind == SL_E_NONE;
}

static bool write_holder(struct ledger *ledger, int64_t submit, struct sl_error *err)
{
	const struct holder *self = &ledger->self;

	return db_run(ledger, err,
		      "UPDATE submit SET host = ?2, boot = ?3, space = ?4, pid = ?5, start = ?6,"
		      " renewed = ?7 WHERE number = ?1",
		      "itttiii", submit, self->host, self->boot, self->space, self->pid,
		      self->start, now_seconds());
}

static bool take_left(struct ledger *ledger, const char *service, const char *endpoint,
		      struct ledger_submits *out, struct sl_error *err)
{
	if (!db_run(ledger, err,
		    "DELETE FROM submit WHERE outcome IN ('refused', 'over') AND tried < ?1", "i",
		    now_seconds() - KEEP_SECONDS) ||
	    !read_left(ledger, service, endpoint, out, err))
		return false;
	sl_list_each (out, submit)
		if (!read_tasks(ledger, submit, err) || !write_holder(ledger, submit->number, err))
			return false;
	return true;
}

bool ledger_submits_left(struct ledger *ledger, const char *service, const char *endpoint,
			 struct ledger_submits *out, struct sl_error *err)
{
	*out = (struct ledger_submits){0};
	return db_begin(ledger, err) &&
	       db_end(ledger, take_left(ledger, service, endpoint, out, err), err);
}

bool ledger_submits_renew(struct ledger *ledger, struct sl_error *err)
{
	const struct holder *self = &ledger->self;

	return db_run(ledger, err,
		      "UPDATE submit SET renewed = ?5 WHERE outcome IN ('tried', 'accepted')"
		      " AND boot = ?1 AND space = ?2 AND pid = ?3 AND start = ?4",
		      "ttiii", self->boot, self->space, self->pid, self->start, now_seconds());
}

bool ledger_submit_leave(struct ledger *ledger, int64_t submit, struct sl_error *err)
{
	return db_run(ledger, err, "UPDATE submit SET pid = 0 WHERE number = ?1", "i", submit);
}

bool ledger_group_ids(struct ledger *ledger, const char *group, struct sl_strings *out,
		      struct sl_error *err)
{
	auto_statement sqlite3_stmt *statement =
		db_prepare(ledger, err,
			   "SELECT task.id FROM task JOIN submit ON submit.number = task.submit"
			   " WHERE submit.task_group = ?1 AND task.id IS NOT NULL",
			   "t", group);
	bool row = false;

	if (!statement)
		return false;
	while (db_step(ledger, statement, &row, err) && row) {
		sl_auto_free char *id = db_text(statement, 0);
		sl_strings_add(out, id);
	}
	return err->kind == SL_E_NONE;
}
