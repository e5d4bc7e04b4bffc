// SPDX-License-Identifier: Apache-2.0
// What the ledger knows of submits and tasks, and how an older ledger learns of them.
#include "uploader/ledger/ledger.h"

#include "tests/uploader/scratch.h"
#include "uploader/ledger/private.h"

#include <sys/wait.h>

#define SERVICE	 "https://compute.example"
#define ENDPOINT "11111111-1111-4111-8111-111111111111"
#define FUNCTION "22222222-2222-4222-8222-222222222222"
#define GROUP	 "33333333-3333-4333-8333-333333333333"

static struct ledger *open_in(const char *folder)
{
	struct sl_error err = {0};
	struct ledger *ledger = NULL;
	if (!ledger_open(folder, &ledger, &err))
		fail_msg("%s", err.text);
	return ledger;
}

static char *text_of(struct ledger *ledger, const char *sql)
{
	struct sl_error err = {0};
	bool row = false;
	auto_statement sqlite3_stmt *statement = db_prepare(ledger, &err, sql, "");
	assert_non_null(statement);
	assert_true(db_step(ledger, statement, &row, &err));
	return row ? db_text(statement, 0) : NULL;
}

static void assert_text(struct ledger *ledger, const char *sql, const char *wanted)
{
	sl_auto_free char *text = text_of(ledger, sql);
	if (wanted)
		assert_string_equal(text ? text : "(null)", wanted);
	else
		assert_null(text);
}

static int64_t begin(struct ledger *ledger, size_t tasks, const char *group)
{
	struct sl_error err = {0};
	auto_ledger_submit struct ledger_submit submit = {
		.service = sl_strdup(SERVICE),
		.endpoint = sl_strdup(ENDPOINT),
		.function = sl_strdup(FUNCTION),
		.task_group = group ? sl_strdup(group) : NULL,
	};
	for (size_t i = 0; i < tasks; i++)
		snprintf(sl_list_add(&submit.tasks)->ref, 33, "%032zx", i + 1);
	if (!ledger_submit_begin(ledger, &submit, &err))
		fail_msg("%s", err.text);
	assert_true(submit.number > 0);
	return submit.number;
}

static size_t left(struct ledger *ledger, struct ledger_submits *out)
{
	struct sl_error err = {0};
	if (!ledger_submits_left(ledger, SERVICE, ENDPOINT, out, &err))
		fail_msg("%s", err.text);
	return out->len;
}

static void leave(struct ledger *ledger, int64_t submit)
{
	struct sl_error err = {0};
	assert_true(ledger_submit_leave(ledger, submit, &err));
}

// ---- the schema ----------------------------------------------------------------------------

// Takes a ledger of today back to schema 3, and from there to 2, with one submission in it.
#define UNDO_4                                                \
	"ALTER TABLE submission DROP COLUMN signatures;"      \
	"DROP TABLE form;"                                    \
	"ALTER TABLE submission DROP COLUMN runner_findings;" \
	"PRAGMA user_version = 3;"
static const char undo_3[] =
	UNDO_4 "INSERT INTO submission (bundle, builder, runner, path, state, added, changed)"
	       " VALUES (printf('%064d', 7), 'local', 'local', '/a', 'queued', 1, 1);"
	       "DROP TABLE dropped;"
	       "ALTER TABLE submission DROP COLUMN build_on;"
	       "ALTER TABLE submission DROP COLUMN build_on_config;"
	       "ALTER TABLE submission DROP COLUMN built;"
	       "PRAGMA writable_schema = ON;"
	       "UPDATE sqlite_schema SET sql = replace(sql, ' ''shipping'',', '');"
	       "PRAGMA writable_schema = RESET;"
	       "PRAGMA user_version = 2;";

// And to what the first release wrote.
static void make_old(const char *folder)
{
	struct ledger *ledger = open_in(folder);
	assert_int_equal(sqlite3_exec(ledger->db, undo_3, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(ledger->db,
				      "DROP TABLE task; DROP TABLE submit; DROP TABLE function;"
				      "ALTER TABLE submission DROP COLUMN force_tasks;"
				      "ALTER TABLE submission DROP COLUMN cancel;"
				      "ALTER TABLE submission DROP COLUMN runner_config;"
				      "ALTER TABLE submission DROP COLUMN container_service;"
				      "ALTER TABLE submission DROP COLUMN container;"
				      "ALTER TABLE submission DROP COLUMN runner_sees;"
				      "PRAGMA user_version = 1",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(ledger->db); // ledger_close() knows the tables of today
	ledger->db = NULL;
	ledger_close(ledger);
}

static char *schema_of(const char *folder)
{
	struct ledger *ledger = open_in(folder);
	char *text = text_of(ledger, "SELECT group_concat(sql, ';') FROM (SELECT sql FROM"
				     " sqlite_schema WHERE tbl_name <> 'submission' AND sql NOT"
				     " NULL ORDER BY name)");
	ledger_close(ledger);
	return text;
}

static void a_ledger_of_the_first_schema_is_brought_up_to_date(void **state)
{
	sl_auto_free char *old = sl_path_join(*state, "old");
	sl_auto_free char *new = sl_path_join(*state, "new");
	struct submissions rows = {0};
	struct sl_error err = {0};
	make_old(old);
	struct ledger *ledger = open_in(old);
	assert_text(ledger, "PRAGMA user_version", "5");
	assert_true(ledger_list(ledger, &rows, &err));
	assert_int_equal(rows.len, 1);
	assert_false(rows.items[0].force_tasks);
	submissions_release(&rows);
	assert_int_equal(begin(ledger, 1, NULL), 1);
	ledger_close(ledger);
	sl_auto_free char *migrated = schema_of(old);
	sl_auto_free char *made = schema_of(new);
	assert_string_equal(migrated, made);
}

static void a_ledger_of_schema_2_learns_to_ship(void **state)
{
	struct ledger *ledger = open_in(*state);
	struct submission row = {0};
	struct sl_error err = {0};
	enum ledger_claim claim;
	assert_int_equal(sqlite3_exec(ledger->db, undo_3, NULL, NULL, NULL), SQLITE_OK);
	assert_int_not_equal(sqlite3_exec(ledger->db, "UPDATE submission SET state = 'shipping'",
					  NULL, NULL, NULL),
			     SQLITE_OK);
	sqlite3_close(ledger->db);
	ledger->db = NULL;
	ledger_close(ledger);
	ledger = open_in(*state);
	assert_true(ledger_claim(ledger, 1, &claim, &err));
	assert_true(ledger_move(ledger, 1, LEDGER_DELIVERING, &err));
	assert_true(ledger_move(ledger, 1, LEDGER_BUILDING, &err));
	assert_true(ledger_shipping(ledger, 1, "{\"host\":\"a\"}\n", &err));
	assert_true(ledger_find(ledger, 1, &row, &err));
	assert_int_equal(row.state, LEDGER_SHIPPING);
	assert_string_equal(row.built, "{\"host\":\"a\"}\n");
	assert_null(row.receipt);
	submission_release(&row);
	assert_true(ledger_built(ledger, 1, "{}\n", &err));
	assert_text(ledger, "PRAGMA integrity_check", "ok");
	ledger_close(ledger);
}

static void a_ledger_of_schema_3_learns_forms(void **state)
{
	struct ledger *ledger = open_in(*state);
	struct ledger_form form = {SERVICE, ENDPOINT, "4.19.0"};
	struct sl_error err = {0};
	sl_auto_free char *wire = NULL;
	sl_auto_free char *made = schema_of(*state);
	assert_int_equal(begin(ledger, 1, GROUP), 1);
	assert_int_equal(sqlite3_exec(ledger->db, UNDO_4, NULL, NULL, NULL), SQLITE_OK);
	assert_false(ledger_form_find(ledger, &form, &wire, &err));
	sl_error_clear(&err);
	ledger_close(ledger);
	ledger = open_in(*state);
	assert_text(ledger, "PRAGMA user_version", "5");
	assert_text(ledger, "SELECT count(*) FROM task", "1"); // what was there stays
	assert_true(ledger_form_find(ledger, &form, &wire, &err));
	assert_null(wire);
	assert_true(ledger_form_keep(ledger, &form, "04", &err));
	assert_text(ledger,
		    "SELECT count(*) FROM pragma_table_info('submission')"
		    " WHERE name = 'runner_findings'",
		    "1");
	ledger_close(ledger);
	sl_auto_free char *migrated = schema_of(*state);
	assert_string_equal(migrated, made);
}

static void t72_a_migration_that_fails_leaves_the_old_ledger(void **state)
{
	struct sl_error err = {0};
	struct ledger *ledger = NULL;
	make_old(*state);
	sl_auto_free char *path = sl_path_join(*state, "ledger.sqlite");
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE task (other)", NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	assert_false(ledger_open(*state, &ledger, &err));
	assert_non_null(strstr(err.text, "bring up to date"));
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "DROP TABLE task; SELECT number FROM submission", NULL,
				      NULL, NULL),
			 SQLITE_OK);
	assert_int_not_equal(sqlite3_exec(db, "SELECT number FROM submit", NULL, NULL, NULL),
			     SQLITE_OK);
	sqlite3_close(db);
	ledger_close(open_in(*state));
}

// ---- forms ---------------------------------------------------------------------------------

static void assert_form(struct ledger *ledger, const char *endpoint, const char *version,
			const char *expected)
{
	struct ledger_form form = {SERVICE, endpoint, version};
	struct sl_error err = {0};
	sl_auto_free char *wire = NULL;
	assert_true(ledger_form_find(ledger, &form, &wire, &err));
	if (!expected)
		assert_null(wire);
	else
		assert_string_equal(wire, expected);
}

static void a_form_is_kept_for_one_endpoint_in_one_version(void **state)
{
	struct ledger *ledger = open_in(*state);
	struct ledger_form form = {SERVICE, ENDPOINT, "4.19.0"}, other = {SERVICE, GROUP, ""};
	struct sl_error err = {0};
	assert_form(ledger, ENDPOINT, "4.19.0", NULL);
	assert_true(ledger_form_keep(ledger, &form, "04", &err));
	assert_true(ledger_form_keep(ledger, &other, "st", &err));
	ledger_close(ledger);
	ledger = open_in(*state);
	assert_form(ledger, ENDPOINT, "4.19.0", "04");
	assert_form(ledger, GROUP, "", "st");
	assert_form(ledger, ENDPOINT, "4.19.1", NULL);
	assert_form(ledger, ENDPOINT, "4.19.0", NULL); // forgotten by the question before
	assert_form(ledger, GROUP, "", "st");
	assert_true(ledger_form_keep(ledger, &form, "st", &err));
	assert_true(ledger_form_keep(ledger, &form, "04", &err)); // the last word counts
	assert_form(ledger, ENDPOINT, "4.19.0", "04");
	assert_true(ledger_form_keep(ledger, &form, NULL, &err));
	assert_form(ledger, ENDPOINT, "4.19.0", NULL);
	assert_false(ledger_form_keep(ledger, &form, "01", &err)); // no form that is ever sent
	ledger_close(ledger);
}

static void whether_large_objects_may_travel_is_kept(void **state)
{
	struct ledger *ledger = open_in(*state);
	struct sl_error err = {0};
	struct submission wanted = {.builder = (char *)"local",
				    .runner = (char *)"local",
				    .path = (char *)"/a",
				    .force_tasks = true};
	auto_submission struct submission row = {0};
	enum ledger_added added;
	int64_t number;
	assert_true(ledger_add(ledger, &wanted, &number, &added, &err));
	assert_true(ledger_find(ledger, number, &row, &err));
	assert_true(row.force_tasks);
	sl_auto_json json_t *shown = submission_to_json(&row);
	assert_true(json_is_true(json_object_get(shown, "force_tasks")));
	submission_release(&row);
	wanted.force_tasks = false;
	assert_true(ledger_add(ledger, &wanted, &number, &added, &err));
	assert_true(ledger_find(ledger, number, &row, &err));
	assert_false(row.force_tasks);
	ledger_close(ledger);
}

// ---- submits and tasks ---------------------------------------------------------------------

static void t82_a_submit_is_there_before_its_answer_and_an_answer_before_its_use(void **state)
{
	struct ledger *ledger = open_in(*state);
	struct sl_error err = {0};
	int64_t submit = begin(ledger, 2, NULL);
	assert_text(ledger, "SELECT outcome FROM submit", "tried");
	assert_true(ledger_submit_accepted(ledger, submit, GROUP, (const char *[]){"one", "two"}, 2,
					   &err));
	assert_text(ledger, "SELECT outcome || task_group FROM submit", "accepted" GROUP);
	assert_text(ledger, "SELECT id FROM task WHERE position = 1", "two");
	struct ledger_answer answers[] = {{submit, 0, "one", "{\"a\":1}"},
					  {submit, 1, "two", "{\"b\":1}"}};
	assert_true(ledger_tasks_answered(ledger, answers, 2, &err));
	assert_text(ledger, "SELECT answer FROM task WHERE outcome = 'answered' AND id = 'two'",
		    "{\"b\":1}");
	assert_true(ledger_tasks_told(ledger, answers, 1, &err));
	assert_text(ledger, "SELECT outcome FROM submit", "accepted");
	assert_text(ledger, "SELECT count(*) FROM task WHERE answer IS NULL", "1");
	assert_true(ledger_tasks_told(ledger, answers + 1, 1, &err));
	assert_text(ledger, "SELECT outcome FROM submit", "over");
	assert_text(ledger, "SELECT count(*) FROM task WHERE answer IS NULL", "2");
	ledger_close(ledger);
}

static void what_was_refused_or_is_over_is_not_awaited(void **state)
{
	struct ledger *ledger = open_in(*state);
	struct ledger_submits found;
	struct sl_error err = {0};
	int64_t refused = begin(ledger, 1, GROUP), over = begin(ledger, 1, GROUP);
	assert_true(ledger_submit_refused(ledger, refused, &err));
	assert_true(ledger_submit_over(ledger, over, &err));
	leave(ledger, refused);
	leave(ledger, over);
	assert_int_equal(left(ledger, &found), 0);
	ledger_submits_release(&found);
	ledger_close(ledger);
}

static void t81_what_a_living_process_awaits_is_not_taken_over(void **state)
{
	struct ledger *ledger = open_in(*state), *other = open_in(*state);
	struct ledger_submits found;
	int64_t submit = begin(ledger, 2, GROUP);
	assert_int_equal(left(other, &found), 0);
	ledger_submits_release(&found);
	leave(ledger, submit);
	assert_int_equal(left(other, &found), 1);
	assert_int_equal(found.items[0].number, submit);
	assert_string_equal(found.items[0].task_group, GROUP);
	assert_string_equal(found.items[0].function, FUNCTION);
	assert_int_equal(found.items[0].tasks.len, 2);
	assert_string_equal(found.items[0].tasks.items[1].ref, "00000000000000000000000000000002");
	assert_null(found.items[0].tasks.items[1].id);
	assert_true(found.items[0].tasks.items[1].waiting);
	ledger_submits_release(&found);
	assert_int_equal(left(ledger, &found), 0); // it has an owner again
	ledger_submits_release(&found);
	ledger_close(other);
	ledger_close(ledger);
}

static void t72_what_a_killed_process_awaited_is_taken_over_once(void **state)
{
	struct ledger_submits found;
	int status;
	ledger_close(open_in(*state));
	pid_t child = fork();
	if (child == 0) {
		struct sl_error err = {0};
		struct ledger *ledger = open_in(*state);
		int64_t submit = begin(ledger, 2, NULL);
		bool good = ledger_submit_accepted(ledger, submit, GROUP,
						   (const char *[]){"one", "two"}, 2, &err);
		struct ledger_answer answer = {submit, 0, "one", "{}"};
		good = good && ledger_tasks_answered(ledger, &answer, 1, &err);
		_exit(good ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	struct ledger *ledger = open_in(*state), *other = open_in(*state);
	assert_int_equal(left(ledger, &found), 1);
	assert_string_equal(found.items[0].tasks.items[1].id, "two");
	assert_false(found.items[0].tasks.items[0].waiting);
	assert_true(found.items[0].tasks.items[1].waiting);
	ledger_submits_release(&found);
	assert_int_equal(left(other, &found), 0);
	ledger_submits_release(&found);
	ledger_close(other);
	ledger_close(ledger);
}

static void closing_leaves_to_the_next_what_is_unfinished(void **state)
{
	struct ledger *ledger = open_in(*state);
	struct ledger_submits found;
	begin(ledger, 1, GROUP);
	ledger_close(ledger);
	ledger = open_in(*state);
	assert_int_equal(left(ledger, &found), 1);
	ledger_submits_release(&found);
	ledger_close(ledger);
}

static void the_ids_of_a_group_are_those_of_its_submits_alone(void **state)
{
	struct ledger *ledger = open_in(*state);
	struct sl_error err = {0};
	struct sl_strings ids = {0};
	int64_t mine = begin(ledger, 2, NULL), others = begin(ledger, 1, NULL);
	assert_true(ledger_submit_accepted(ledger, mine, GROUP, (const char *[]){"one", "two"}, 2,
					   &err));
	assert_true(ledger_submit_accepted(ledger, others, ENDPOINT, (const char *[]){"three"}, 1,
					   &err));
	begin(ledger, 3, GROUP); // not answered: no ids
	assert_true(ledger_group_ids(ledger, GROUP, &ids, &err));
	sl_strings_sort(&ids);
	assert_int_equal(ids.len, 2);
	assert_string_equal(ids.items[0], "one");
	assert_string_equal(ids.items[1], "two");
	sl_strings_release(&ids);
	ledger_close(ledger);
}

static void old_rows_go_once_they_are_over(void **state)
{
	struct ledger *ledger = open_in(*state);
	struct ledger_submits found;
	struct sl_error err = {0};
	int64_t over = begin(ledger, 1, GROUP);
	begin(ledger, 1, GROUP);
	assert_true(ledger_submit_over(ledger, over, &err));
	assert_true(db_run(ledger, &err, "UPDATE submit SET tried = tried - 100000", ""));
	assert_int_equal(left(ledger, &found), 0);
	ledger_submits_release(&found);
	assert_text(ledger, "SELECT group_concat(number) FROM submit", "2");
	assert_text(ledger, "SELECT group_concat(submit) FROM task", "2");
	ledger_close(ledger);
}

// ---- functions -----------------------------------------------------------------------------

static void a_function_is_known_by_service_agent_and_form(void **state)
{
	struct ledger *ledger = open_in(*state);
	struct sl_error err = {0};
	struct ledger_function function = {.service = SERVICE, .wire = "st", .release = "1.2"};
	sl_auto_free char *id = NULL, *release = NULL;
	assert_true(ledger_function_find(ledger, &function, &id, &err));
	assert_null(id);
	assert_true(ledger_function_add(ledger, &function, FUNCTION, &err));
	assert_true(ledger_function_find(ledger, &function, &id, &err));
	assert_string_equal(id, FUNCTION);
	assert_true(ledger_function_release(ledger, SERVICE, FUNCTION, &release, &err));
	assert_string_equal(release, "1.2");
	free(sl_take(id));
	struct ledger_function others[] = {function, function, function};
	others[0].service = "https://other.example";
	others[1].wire = "04";
	others[2].agent.bytes[0] = 1;
	for (size_t i = 0; i < 3; i++) {
		assert_true(ledger_function_find(ledger, &others[i], &id, &err));
		assert_null(id);
	}
	assert_true(ledger_function_drop(ledger, SERVICE, FUNCTION, &err));
	assert_true(ledger_function_find(ledger, &function, &id, &err));
	assert_null(id);
	ledger_close(ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(a_ledger_of_the_first_schema_is_brought_up_to_date),
		scratch_test(a_ledger_of_schema_2_learns_to_ship),
		scratch_test(a_ledger_of_schema_3_learns_forms),
		scratch_test(t72_a_migration_that_fails_leaves_the_old_ledger),
		scratch_test(a_form_is_kept_for_one_endpoint_in_one_version),
		scratch_test(whether_large_objects_may_travel_is_kept),
		scratch_test(t82_a_submit_is_there_before_its_answer_and_an_answer_before_its_use),
		scratch_test(what_was_refused_or_is_over_is_not_awaited),
		scratch_test(t81_what_a_living_process_awaits_is_not_taken_over),
		scratch_test(t72_what_a_killed_process_awaited_is_taken_over_once),
		scratch_test(closing_leaves_to_the_next_what_is_unfinished),
		scratch_test(the_ids_of_a_group_are_those_of_its_submits_alone),
		scratch_test(old_rows_go_once_they_are_over),
		scratch_test(a_function_is_known_by_service_agent_and_form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
