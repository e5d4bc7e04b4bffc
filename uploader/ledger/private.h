// SPDX-License-Identifier: Apache-2.0
// What the files of this room share: the open database, short ways to run SQL, and who we are.
#ifndef SL_UPLOADER_LEDGER_PRIVATE_H
#define SL_UPLOADER_LEDGER_PRIVATE_H

#include "uploader/ledger/ledger.h"

#include <sqlite3.h>

#define LEDGER_SCHEMA	   5
#define LEDGER_APPLICATION 0x5345414c // "SEAL"
#define LEDGER_LEASE	   600	      // seconds after which a claim that we cannot check is stale

// ---- where a ledger may live (disk.c) ------------------------------------------------------

enum ledger_disk {
	DISK_LOCAL,   // write-ahead log
	DISK_SHARED,  // no shared memory between machines: rollback journal
	DISK_NETWORK, // no dependable locks: refused
};

// By the f_type of statfs(2); `*name_out` is what people call it, or NULL.
enum ledger_disk ledger_disk_of(unsigned long magic, const char **name_out);

// ---- the file before SQLite sees it (create.c) ----------------------------------------------

// SL_E_IO unless the open folder belongs to this account alone.
bool ledger_check_folder(const char *folder, int fd, struct sl_error *err) SL_MUST_USE;
// Makes the file with the tables in it where there is none. SL_E_FORMAT when it is empty, or when
// only its journal is left; SL_E_IO unless it is a regular file of this account alone.
bool ledger_check_file(const char *path, struct sl_error *err) SL_MUST_USE;

// ---- which process has a claim (holder.c) --------------------------------------------------

struct holder {
	char host[65];	// for people
	char boot[40];	// id of this boot of this kernel
	char space[40]; // process id namespace
	int64_t pid, start;
};

bool holder_self(struct holder *out, struct sl_error *err) SL_MUST_USE;

enum holder_state { HOLDER_ALIVE, HOLDER_DEAD, HOLDER_UNKNOWN };

// `shared`: the disk may be mounted by two kernels at once, so another boot id proves nothing.
enum holder_state holder_look(const struct holder *holder, const struct holder *self, bool shared);

// ---- the database (database.c) -------------------------------------------------------------

struct ledger {
	sqlite3 *db;
	char *path;
	enum ledger_disk disk;
	struct holder self;
};

#define auto_statement __attribute__((cleanup(statement_cleanup)))
static inline void statement_cleanup(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}

// Records the database's own last error. Always false.
bool db_fail(struct ledger *ledger, const char *doing, struct sl_error *err);

// Prepares `sql` and binds what follows by the letters of `types`: i int64_t, t const char * (or
// NULL). The statement is owned by the caller, NULL on failure.
sqlite3_stmt *db_prepare(struct ledger *ledger, struct sl_error *err, const char *sql,
			 const char *types, ...) SL_MUST_USE;
// Runs a statement that yields no rows.
bool db_run(struct ledger *ledger, struct sl_error *err, const char *sql, const char *types,
	    ...) SL_MUST_USE;
// Steps; `*row_out` false at the end.
bool db_step(struct ledger *ledger, sqlite3_stmt *statement, bool *row_out,
	     struct sl_error *err) SL_MUST_USE;
// The number that a question for one number yields; 0 without a row.
bool db_number(struct ledger *ledger, const char *sql, int64_t *out,
	       struct sl_error *err) SL_MUST_USE;
// The text of a column, owned; NULL for SQL's NULL.
char *db_text(sqlite3_stmt *statement, int column);

// BEGIN IMMEDIATE, and COMMIT when `good`, else ROLLBACK. db_end returns false unless all is good.
bool db_begin(struct ledger *ledger, struct sl_error *err) SL_MUST_USE;
bool db_end(struct ledger *ledger, bool good, struct sl_error *err) SL_MUST_USE;

// ---- the tables (schema.c) -----------------------------------------------------------------

extern const char ledger_schema[]; // all of them, in a new file
// From an older schema to ours, in one transaction.
bool ledger_migrate(struct ledger *ledger, struct sl_error *err) SL_MUST_USE;

// ---- shared by submission.c, claim.c and effect.c
// ----------------------------------------------------

// Inside a transaction: false with SL_E_INTERNAL unless this process has the claim.
bool claim_check(struct ledger *ledger, int64_t number, struct sl_error *err) SL_MUST_USE;
// The pid of the living process whose claim stands in a row's columns host, boot, space, pid,
// start, renewed from `first` on, or 0.
int64_t claim_worker(struct ledger *ledger, sqlite3_stmt *row, int first, int64_t *renewed_out);
// Inside a transaction: whether a living process (this one included) has it.
bool claim_look(struct ledger *ledger, int64_t number, bool *held_out,
		struct sl_error *err) SL_MUST_USE;

// Inside a transaction: as ledger_effect_end().
bool effect_end(struct ledger *ledger, int64_t effect, bool good, const char *answer,
		struct sl_error *err) SL_MUST_USE;

enum sl_kind ledger_kind_parse(const char *word); // SL_E_NONE for NULL
bool ledger_state_parse(const char *word, enum ledger_state *out) SL_MUST_USE;
bool ledger_step_is_legal(enum ledger_state from, enum ledger_state to);

#endif
