// SPDX-License-Identifier: Apache-2.0
#include "uploader/ledger/ledger.h"

#include "tests/uploader/scratch.h"
#include "uploader/ledger/private.h"

#include <signal.h>
#include <sys/wait.h>

static const char hex_a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

static struct ledger *open_in(const char *folder)
{
	struct sl_error err = {0};
	struct ledger *ledger = NULL;
	assert_true(ledger_open(folder, &ledger, &err));
	return ledger;
}

static struct submission wanted(char first)
{
	char hex[SL_DIGEST_HEX + 1];
	struct submission row = {.builder = (char *)"local",
				 .runner = (char *)"local",
				 .path = (char *)"/media/a.sealift"};
	memcpy(hex, hex_a, sizeof hex);
	hex[0] = first;
	assert_true(sl_digest_parse(hex, &row.bundle));
	return row;
}

static int64_t queue(struct ledger *ledger, char first)
{
	struct sl_error err = {0};
	struct submission row = wanted(first);
	enum ledger_added added;
	int64_t number = 0;
	assert_true(ledger_add(ledger, &row, &number, &added, &err));
	assert_int_equal(added, LEDGER_ADDED);
	return number;
}

static void take(struct ledger *ledger, int64_t number)
{
	struct sl_error err = {0};
	enum ledger_claim claim;
	assert_true(ledger_claim(ledger, number, &claim, &err));
	assert_int_equal(claim, CLAIM_MINE);
}

static void step(struct ledger *ledger, int64_t number, enum ledger_state state)
{
	struct sl_error err = {0};
	if (!ledger_move(ledger, number, state, &err))
		fail_msg("%s", err.text);
}

static struct submission row_of(struct ledger *ledger, int64_t number)
{
	struct sl_error err = {0};
	struct submission row = {0};
	assert_true(ledger_find(ledger, number, &row, &err));
	return row;
}

// ---- the file ------------------------------------------------------------------------------

static void makes_folder_and_file_for_the_owner_alone(void **state)
{
	sl_auto_free char *folder = sl_path_join(*state, "new/state");
	sl_auto_free char *file = sl_path_join(folder, "ledger.sqlite");
	struct stat st;
	mode_t old = umask(0);
	ledger_close(open_in(folder));
	umask(old);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static int64_t pragma(struct ledger *ledger, const char *sql)
{
	struct sl_error err = {0};
	auto_statement sqlite3_stmt *statement = db_prepare(ledger, &err, sql, "");
	bool row = false;
	assert_true(db_step(ledger, statement, &row, &err));
	assert_true(row);
	return sqlite3_column_int64(statement, 0);
}

static void is_durable_and_says_which_schema(void **state)
{
	auto_ledger struct ledger *ledger = open_in(*state);
	assert_int_equal(pragma(ledger, "PRAGMA user_version"), LEDGER_SCHEMA);
	assert_int_equal(pragma(ledger, "PRAGMA synchronous"), 2);
	assert_int_equal(pragma(ledger, "SELECT count(*) FROM pragma_table_list"
					" WHERE schema = 'main' AND name IN"
					" ('submission', 'claim', 'effect') AND strict"),
			 3);
	assert_int_equal(pragma(ledger, "SELECT count(*) FROM pragma_journal_mode"
					" WHERE journal_mode = 'wal'"),
			 ledger->disk == DISK_LOCAL);
}

static void keeps_what_it_was_told(void **state)
{
	auto_ledger struct ledger *ledger = open_in(*state);
	struct submission row = wanted('b');
	struct sl_error err = {0};
	enum ledger_added added;
	int64_t number;
	row.policy = (char *)"/etc/p.json";
	row.builder_config = (char *)"/etc/b.json";
	row.out = (char *)"/srv/out";
	assert_true(ledger_add(ledger, &row, &number, &added, &err));
	ledger_close(sl_take(ledger));
	ledger = open_in(*state);
	auto_submission struct submission found = row_of(ledger, number);
	assert_true(sl_digest_equal(&found.bundle, &row.bundle));
	assert_string_equal(found.path, row.path);
	assert_string_equal(found.policy, row.policy);
	assert_string_equal(found.builder_config, row.builder_config);
	assert_string_equal(found.out, row.out);
	assert_int_equal(found.state, LEDGER_QUEUED);
	assert_null(found.name);
	assert_null(found.receipt);
	assert_true(found.added > 1700000000);
}

static void refuse_open(const char *folder, enum sl_kind kind, const char *words)
{
	struct sl_error err = {0};
	struct ledger *ledger = NULL;
	assert_false(ledger_open(folder, &ledger, &err));
	assert_null(ledger);
	assert_int_equal(err.kind, kind);
	if (!strstr(err.text, words))
		fail_msg("'%s' is not in '%s'", words, err.text);
}

static void another_database_or_a_newer_one_or_rubbish_is_refused(void **state)
{
	auto_ledger struct ledger *ledger = open_in(*state);
	struct sl_error err = {0};
	sl_auto_free char *file = sl_path_join(*state, "ledger.sqlite");
	assert_true(db_run(ledger, &err, "PRAGMA user_version = 6", ""));
	ledger_close(sl_take(ledger));
	refuse_open(*state, SL_E_FORMAT, "newer sealift-upload");
	sqlite3 *db;
	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA application_id = 7", NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	refuse_open(*state, SL_E_FORMAT, "not a ledger");
	char rubbish[8192];
	memset(rubbish, 'x', sizeof rubbish);
	assert_true(sl_store_file(file, rubbish, sizeof rubbish, 0600, SL_OUTPUT_REPLACE, &err));
	refuse_open(*state, SL_E_FORMAT, "move the file away");
}

static void t72_an_emptied_ledger_is_not_a_new_one(void **state)
{
	sl_auto_free char *file = sl_path_join(*state, "ledger.sqlite");
	sl_auto_free char *journal = sl_path_join(*state, "ledger.sqlite-wal");
	struct ledger *ledger = open_in(*state);
	struct sl_error err = {0};
	struct stat st;
	queue(ledger, 'b');
	ledger_close(ledger);
	assert_int_equal(truncate(file, 0), 0);
	refuse_open(*state, SL_E_FORMAT, "is empty");
	refuse_open(*state, SL_E_FORMAT, "move it away");
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_size, 0);
	// The advice works; but not while a journal with committed rows waits for its ledger.
	assert_int_equal(remove(file), 0);
	assert_true(sl_store_file(journal, "rows", 4, 0600, SL_OUTPUT_NEW, &err));
	refuse_open(*state, SL_E_FORMAT, "the ledger it belongs to is not");
	assert_int_equal(stat(journal, &st), 0);
	assert_int_equal(remove(journal), 0);
	ledger_close(open_in(*state));
}

static void t39_what_others_can_write_to_is_refused(void **state)
{
	sl_auto_free char *folder = sl_path_join(*state, "state");
	sl_auto_free char *file = sl_path_join(folder, "ledger.sqlite");
	ledger_close(open_in(folder));
	assert_int_equal(chmod(file, 0620), 0);
	refuse_open(folder, SL_E_IO, "others can write");
	assert_int_equal(chmod(file, 0644), 0);
	for (mode_t mode = 0777; mode >= 0770; mode -= 7) {
		assert_int_equal(chmod(folder, mode), 0);
		refuse_open(folder, SL_E_IO, "others can write");
		refuse_open(folder, SL_E_IO, "--state-dir");
	}
	assert_int_equal(chmod(folder, 0755), 0);
	ledger_close(open_in(folder));
	if (geteuid() != 0) // only root can give a folder away
		return;
	assert_int_equal(chown(file, 65534, 65534), 0);
	refuse_open(folder, SL_E_IO, "another account");
	assert_int_equal(chown(file, 0, 0), 0);
	assert_int_equal(chown(folder, 65534, 65534), 0);
	refuse_open(folder, SL_E_IO, "another account");
}

static void a_link_or_a_folder_is_no_ledger(void **state)
{
	sl_auto_free char *file = sl_path_join(*state, "ledger.sqlite");
	assert_int_equal(symlink("/nonexistent", file), 0);
	refuse_open(*state, SL_E_IO, "ledger.sqlite");
	assert_int_equal(remove(file), 0);
	assert_int_equal(mkdir(file, 0700), 0);
	refuse_open(*state, SL_E_IO, "ledger.sqlite");
}

static void network_file_systems_are_known(void **state)
{
	const char *name;
	(void)state;
	assert_int_equal(ledger_disk_of(0x6969, &name), DISK_NETWORK);
	assert_string_equal(name, "NFS");
	assert_int_equal(ledger_disk_of(0x0bd00bd0, &name), DISK_NETWORK);
	assert_int_equal(ledger_disk_of(0x47504653, &name), DISK_NETWORK);
	assert_int_equal(ledger_disk_of(0x19830326, &name), DISK_NETWORK);
	assert_int_equal(ledger_disk_of((unsigned long)(long)(int)0xff534d42, &name), DISK_NETWORK);
	assert_int_equal(ledger_disk_of(0x65735546, &name), DISK_SHARED);
	assert_int_equal(ledger_disk_of(0xef53, &name), DISK_LOCAL);
	assert_int_equal(ledger_disk_of((unsigned long)(long)(int)0x9123683e, &name), DISK_LOCAL);
	assert_null(name);
	assert_int_equal(ledger_disk_of(0x12345678, &name), DISK_SHARED); // nobody knows
	assert_null(name);
}

// ---- submissions ---------------------------------------------------------------------------

static void the_same_bundle_is_one_submission(void **state)
{
	auto_ledger struct ledger *ledger = open_in(*state);
	struct sl_error err = {0};
	int64_t first = queue(ledger, 'b'), again;
	enum ledger_added added;
	struct submission row = wanted('b');
	row.path = (char *)"/elsewhere/a.sealift";
	assert_true(ledger_add(ledger, &row, &again, &added, &err));
	assert_int_equal(added, LEDGER_WAS_THERE);
	assert_int_equal(again, first);
	auto_submission struct submission found = row_of(ledger, first);
	assert_string_equal(found.path, "/elsewhere/a.sealift");
	assert_int_not_equal(queue(ledger, 'c'), first);
	auto_submissions struct submissions all = {0};
	assert_true(ledger_list(ledger, &all, &err));
	assert_int_equal(all.len, 2);
	assert_int_equal(all.items[0].number, first);
}

static void end_registered(struct ledger *ledger, int64_t number)
{
	struct sl_error err = {0};
	int64_t effect;

	assert_true(ledger_effect_begin(ledger, number, "register", "{}", &effect, &err));
	assert_true(ledger_done(ledger, number, "/srv/r", effect, "{\"path\":\"/srv/r\"}", &err));
}

static void what_has_ended_is_queued_again_for_who_wants_it_now(void **state)
{
	static const enum ledger_state way[] = {LEDGER_DELIVERING, LEDGER_BUILDING};
	auto_ledger struct ledger *ledger = open_in(*state);
	struct sl_error err = {0};
	int64_t number = queue(ledger, 'b'), again;
	struct submission row = wanted('b');
	row.builder_config = (char *)"/etc/b.json";
	assert_true(ledger_add_again(ledger, &row, &again, &err));
	row.builder_config = NULL;
	take(ledger, number);
	for (size_t i = 0; i < 2; i++)
		step(ledger, number, way[i]);
	row.builder_config = (char *)"/etc/b.json";
	assert_true(ledger_add_again(ledger, &row, &again, &err)); // moves: its state is left alone
	row.builder_config = NULL;
	auto_submission struct submission moving = row_of(ledger, number);
	assert_int_equal(moving.state, LEDGER_BUILDING);
	assert_true(ledger_built(ledger, number, "{}\n", &err));
	step(ledger, number, LEDGER_REGISTERING);
	end_registered(ledger, number);
	row.path = (char *)"/elsewhere/a.sealift";
	assert_true(ledger_add_again(ledger, &row, &again, &err));
	assert_int_equal(again, number);
	auto_submission struct submission found = row_of(ledger, number);
	assert_int_equal(found.state, LEDGER_QUEUED);
	assert_string_equal(found.path, row.path);
	assert_string_equal(found.builder_config, "/etc/b.json");
	struct submission other = wanted('c');
	assert_true(ledger_add_again(ledger, &other, &again, &err));
	assert_int_not_equal(again, number);
}

static void goes_from_state_to_state_and_no_other_way(void **state)
{
	auto_ledger struct ledger *ledger = open_in(*state);
	struct sl_error err = {0};
	int64_t number = queue(ledger, 'b');
	take(ledger, number);
	assert_false(ledger_move(ledger, number, LEDGER_BUILDING, &err));
	assert_int_equal(err.kind, SL_E_INTERNAL);
	sl_error_clear(&err);
	step(ledger, number, LEDGER_DELIVERING);
	step(ledger, number, LEDGER_BUILDING);
	step(ledger, number, LEDGER_DELIVERING);
	step(ledger, number, LEDGER_BUILDING);
	assert_true(ledger_identify(ledger, number, "pandas", "1.0", &err));
	assert_true(ledger_built(ledger, number, "{\"image\":1}\n", &err));
	assert_false(ledger_move(ledger, number, LEDGER_DELIVERING, &err));
	sl_error_clear(&err);
	step(ledger, number, LEDGER_REGISTERING);
	end_registered(ledger, number);
	assert_false(ledger_move(ledger, number, LEDGER_QUEUED, &err));
	sl_error_clear(&err);
	assert_false(ledger_retry(ledger, number, &err));
	assert_int_equal(err.kind, SL_E_USAGE);
	auto_submission struct submission row = row_of(ledger, number);
	assert_int_equal(row.state, LEDGER_DONE);
	assert_int_equal(pragma(ledger, "SELECT count(*) FROM claim"), 0);
	assert_string_equal(row.name, "pandas");
	assert_string_equal(row.version, "1.0");
	assert_string_equal(row.receipt, "{\"image\":1}\n");
	assert_string_equal(row.registration, "/srv/r");
}

static void a_brief_list_has_no_receipts(void **state)
{
	auto_ledger struct ledger *ledger = open_in(*state);
	auto_submissions struct submissions all = {0}, left = {0};
	struct sl_error err = {0};
	int64_t done = queue(ledger, 'b'), built = queue(ledger, 'c');
	take(ledger, done);
	take(ledger, built);
	for (int64_t number = done; number <= built; number++) {
		step(ledger, number, LEDGER_DELIVERING);
		step(ledger, number, LEDGER_BUILDING);
		assert_true(ledger_built(ledger, number, "{\"image\":1}\n", &err));
	}
	step(ledger, done, LEDGER_REGISTERING);
	end_registered(ledger, done);
	assert_true(ledger_list_brief(ledger, false, &all, &err));
	assert_int_equal(all.len, 2);
	assert_string_equal(all.items[0].registration, "/srv/r");
	assert_int_equal(all.items[0].state, LEDGER_DONE);
	assert_null(all.items[0].receipt);
	assert_true(ledger_list_brief(ledger, true, &left, &err));
	assert_int_equal(left.len, 1);
	assert_int_equal(left.items[0].number, built);
	assert_int_equal(left.items[0].worker, getpid());
	assert_null(left.items[0].receipt);
	auto_submission struct submission row = row_of(ledger, built);
	assert_non_null(row.receipt);
}

static void a_failure_keeps_its_reason_until_it_is_retried(void **state)
{
	auto_ledger struct ledger *ledger = open_in(*state);
	struct sl_error err = {0}, why = {0};
	int64_t number = queue(ledger, 'b');
	take(ledger, number);
	sl_fail(&why, SL_E_IO, "the disk is full");
	assert_true(ledger_end(ledger, number, LEDGER_FAILED, &why, "make room", &err));
	struct submission row = row_of(ledger, number);
	assert_int_equal(row.state, LEDGER_FAILED);
	assert_int_equal(row.kind, SL_E_IO);
	assert_string_equal(row.reason, "the disk is full");
	assert_string_equal(row.remedy, "make room");
	submission_release(&row);
	assert_true(ledger_retry(ledger, number, &err));
	row = row_of(ledger, number);
	assert_int_equal(row.state, LEDGER_QUEUED);
	assert_int_equal(row.kind, SL_E_NONE);
	assert_null(row.reason);
	assert_null(row.remedy);
	submission_release(&row);
}

static void a_note_says_why_nothing_moves_and_the_next_step_wipes_it(void **state)
{
	auto_ledger struct ledger *ledger = open_in(*state);
	struct sl_error err = {0}, why = {0};
	int64_t number = queue(ledger, 'b');
	take(ledger, number);
	sl_fail(&why, SL_E_NETWORK, "no route");
	assert_true(ledger_note(ledger, number, &why, NULL, &err));
	struct submission row = row_of(ledger, number);
	assert_int_equal(row.state, LEDGER_QUEUED);
	assert_int_equal(row.kind, SL_E_NETWORK);
	submission_release(&row);
	step(ledger, number, LEDGER_DELIVERING);
	row = row_of(ledger, number);
	assert_int_equal(row.kind, SL_E_NONE);
	assert_null(row.reason);
	submission_release(&row);
}

static void what_is_not_there_is_said(void **state)
{
	auto_ledger struct ledger *ledger = open_in(*state);
	struct sl_error err = {0};
	struct submission row;
	assert_false(ledger_find(ledger, 9, &row, &err));
	assert_int_equal(err.kind, SL_E_USAGE);
	assert_string_equal(err.text, "there is no submission 9; 'status' lists them");
	sl_error_clear(&err);
	assert_false(ledger_retry(ledger, 9, &err));
	sl_error_clear(&err);
	assert_false(ledger_forget(ledger, 9, &err));
}

// ---- claims --------------------------------------------------------------------------------

// Runs `body` in another process, which then ends without giving anything back.
static void in_another_process(const char *folder, void (*body)(struct ledger *, int64_t),
			       int64_t number)
{
	pid_t pid = fork();
	if (pid == 0) {
		struct sl_error err = {0};
		struct ledger *ledger;
		if (!ledger_open(folder, &ledger, &err))
			_exit(1);
		body(ledger, number);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void claim_and_try(struct ledger *ledger, int64_t number)
{
	struct sl_error err = {0};
	enum ledger_claim claim;
	int64_t effect;
	if (!ledger_claim(ledger, number, &claim, &err) || claim != CLAIM_MINE ||
	    !ledger_effect_begin(ledger, number, "put", "{}", &effect, &err))
		_exit(2);
}

static void must_be_held(struct ledger *ledger, int64_t number)
{
	struct sl_error err = {0};
	enum ledger_claim claim;
	if (!ledger_claim(ledger, number, &claim, &err) || claim != CLAIM_HELD)
		_exit(3);
	if (ledger_move(ledger, number, LEDGER_DELIVERING, &err) || err.kind != SL_E_INTERNAL)
		_exit(4);
	sl_error_clear(&err);
	if (ledger_forget(ledger, number, &err) || err.kind != SL_E_USAGE)
		_exit(5);
}

static void a_living_process_keeps_its_claim(void **state)
{
	auto_ledger struct ledger *ledger = open_in(*state);
	struct sl_error err = {0};
	int64_t number = queue(ledger, 'b');
	take(ledger, number);
	in_another_process(*state, must_be_held, number);
	auto_submission struct submission row = row_of(ledger, number);
	assert_int_equal(row.worker, getpid());
	assert_true(ledger_renew(ledger, number, &err));
	assert_true(ledger_release(ledger, number, &err));
	in_another_process(*state, claim_and_try, number);
}

static char *outcome_of(struct ledger *ledger, int64_t effect)
{
	struct sl_error err = {0};
	auto_statement sqlite3_stmt *statement = db_prepare(
		ledger, &err, "SELECT outcome FROM effect WHERE number = ?1", "i", effect);
	bool row;
	assert_true(db_step(ledger, statement, &row, &err));
	assert_true(row);
	return db_text(statement, 0);
}

static void t72_a_dead_process_loses_its_claim_and_its_unheard_effects(void **state)
{
	auto_ledger struct ledger *ledger = open_in(*state);
	int64_t number = queue(ledger, 'b');
	in_another_process(*state, claim_and_try, number);
	auto_submission struct submission row = row_of(ledger, number);
	assert_int_equal(row.worker, 0);
	sl_auto_free char *before = outcome_of(ledger, 1);
	assert_string_equal(before, "tried");
	take(ledger, number);
	sl_auto_free char *after = outcome_of(ledger, 1);
	assert_string_equal(after, "lost");
}

static void a_zombie_is_dead(void **state)
{
	auto_ledger struct ledger *ledger = open_in(*state);
	int64_t number = queue(ledger, 'b');
	siginfo_t info;
	pid_t pid = fork();
	if (pid == 0) {
		struct sl_error err = {0};
		struct ledger *own;
		if (ledger_open(*state, &own, &err))
			claim_and_try(own, number);
		_exit(0);
	}
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(info.si_status, 0);
	take(ledger, number);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_process_that_cannot_be_seen_is_judged_by_the_clock(void **state)
{
	auto_ledger struct ledger *ledger = open_in(*state);
	struct sl_error err = {0};
	enum ledger_claim claim;
	int64_t number = queue(ledger, 'b');
	take(ledger, number);
	assert_true(db_run(ledger, &err, "UPDATE claim SET space = 'pid:[1]', pid = 1", ""));
	assert_true(ledger_claim(ledger, number, &claim, &err));
	assert_int_equal(claim, CLAIM_HELD);
	assert_true(db_run(ledger, &err, "UPDATE claim SET renewed = renewed - 601", ""));
	assert_true(ledger_claim(ledger, number, &claim, &err));
	assert_int_equal(claim, CLAIM_MINE);
}

static void another_boot_is_over(void **state)
{
	struct holder self, other;
	struct sl_error err = {0};
	(void)state;
	assert_true(holder_self(&self, &err));
	assert_int_equal(holder_look(&self, &self, false), HOLDER_ALIVE);
	other = self;
	other.start -= 1;
	assert_int_equal(holder_look(&other, &self, false), HOLDER_DEAD);
	other = self;
	other.boot[0] = 'x';
	assert_int_equal(holder_look(&other, &self, false), HOLDER_DEAD);
	assert_int_equal(holder_look(&other, &self, true), HOLDER_UNKNOWN);
}

static void what_is_final_is_not_claimed(void **state)
{
	auto_ledger struct ledger *ledger = open_in(*state);
	struct sl_error err = {0}, why = {0};
	enum ledger_claim claim;
	int64_t number = queue(ledger, 'b');
	take(ledger, number);
	sl_fail(&why, SL_E_UNTRUSTED, "no");
	assert_true(ledger_end(ledger, number, LEDGER_REFUSED, &why, NULL, &err));
	assert_true(ledger_claim(ledger, number, &claim, &err));
	assert_int_equal(claim, CLAIM_GONE);
	assert_true(ledger_claim(ledger, 77, &claim, &err));
	assert_int_equal(claim, CLAIM_GONE);
}

// ---- effects -------------------------------------------------------------------------------

static void an_effect_is_there_before_its_answer(void **state)
{
	auto_ledger struct ledger *ledger = open_in(*state);
	struct sl_error err = {0};
	int64_t number = queue(ledger, 'b'), effect;
	assert_false(ledger_effect_begin(ledger, number, "put", "{}", &effect, &err));
	assert_int_equal(err.kind, SL_E_INTERNAL);
	sl_error_clear(&err);
	take(ledger, number);
	assert_true(ledger_effect_begin(ledger, number, "put", "{\"op\":\"put\"}", &effect, &err));
	sl_auto_free char *before = outcome_of(ledger, effect);
	assert_string_equal(before, "tried");
	assert_true(ledger_effect_end(ledger, effect, false, "{\"ok\":false}", &err));
	sl_auto_free char *after = outcome_of(ledger, effect);
	assert_string_equal(after, "bad");
	assert_false(ledger_effect_end(ledger, effect, true, "{}", &err));
	assert_int_equal(err.kind, SL_E_INTERNAL);
}

static void exports_all_of_it_and_forgets_all_of_it(void **state)
{
	auto_ledger struct ledger *ledger = open_in(*state);
	struct sl_error err = {0};
	int64_t number = queue(ledger, 'b'), effect;
	take(ledger, number);
	assert_true(ledger_effect_begin(ledger, number, "put", "{\"op\":\"put\"}", &effect, &err));
	assert_true(ledger_effect_end(ledger, effect, true, "not JSON", &err));
	sl_auto_json json_t *value = NULL;
	assert_true(ledger_export(ledger, &value, &err));
	json_t *row = json_array_get(json_object_get(value, "submissions"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "state")), "queued");
	json_t *first = json_array_get(json_object_get(row, "effects"), 0);
	assert_string_equal(json_string_value(json_object_get(first, "outcome")), "good");
	assert_string_equal(json_string_value(json_object_get(first, "answer")), "not JSON");
	assert_true(json_is_object(json_object_get(first, "request")));
	assert_true(ledger_release(ledger, number, &err));
	assert_true(ledger_forget(ledger, number, &err));
	assert_int_equal(pragma(ledger, "SELECT (SELECT count(*) FROM effect) +"
					" (SELECT count(*) FROM submission)"),
			 0);
}

static void t72_registered_and_done_are_one_commit(void **state)
{
	auto_ledger struct ledger *ledger = open_in(*state);
	struct sl_error err = {0};
	int64_t number = queue(ledger, 'b'), effect;

	take(ledger, number);
	step(ledger, number, LEDGER_DELIVERING);
	assert_true(ledger_effect_begin(ledger, number, "register", "{}", &effect, &err));
	// Not from here: the effect is not over either.
	assert_false(ledger_done(ledger, number, "/srv/r", effect, "{}", &err));
	assert_int_equal(err.kind, SL_E_INTERNAL);
	sl_error_clear(&err);
	assert_int_equal(pragma(ledger, "SELECT count(*) FROM effect WHERE outcome = 'tried'"), 1);
	step(ledger, number, LEDGER_BUILDING);
	assert_true(ledger_built(ledger, number, "{}", &err));
	step(ledger, number, LEDGER_REGISTERING);
	assert_true(ledger_done(ledger, number, "/srv/r", effect, "{}", &err));
	assert_int_equal(pragma(ledger, "SELECT count(*) FROM effect WHERE outcome = 'good'"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(makes_folder_and_file_for_the_owner_alone),
		scratch_test(is_durable_and_says_which_schema),
		scratch_test(keeps_what_it_was_told),
		scratch_test(another_database_or_a_newer_one_or_rubbish_is_refused),
		scratch_test(t72_an_emptied_ledger_is_not_a_new_one),
		scratch_test(t39_what_others_can_write_to_is_refused),
		scratch_test(a_link_or_a_folder_is_no_ledger),
		cmocka_unit_test(network_file_systems_are_known),
		scratch_test(the_same_bundle_is_one_submission),
		scratch_test(what_has_ended_is_queued_again_for_who_wants_it_now),
		scratch_test(goes_from_state_to_state_and_no_other_way),
		scratch_test(t72_registered_and_done_are_one_commit),
		scratch_test(a_brief_list_has_no_receipts),
		scratch_test(a_failure_keeps_its_reason_until_it_is_retried),
		scratch_test(a_note_says_why_nothing_moves_and_the_next_step_wipes_it),
		scratch_test(what_is_not_there_is_said),
		scratch_test(a_living_process_keeps_its_claim),
		scratch_test(t72_a_dead_process_loses_its_claim_and_its_unheard_effects),
		scratch_test(a_zombie_is_dead),
		scratch_test(a_process_that_cannot_be_seen_is_judged_by_the_clock),
		cmocka_unit_test(another_boot_is_over),
		scratch_test(what_is_final_is_not_claimed),
		scratch_test(an_effect_is_there_before_its_answer),
		scratch_test(exports_all_of_it_and_forgets_all_of_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
