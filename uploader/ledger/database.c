// SPDX-License-Identifier: Apache-2.0
// Opening the ledger's database and running SQL in it.
#include "uploader/ledger/private.h"

#include <stdarg.h>
#include <sys/vfs.h>

#define BUSY_MS 20000

bool db_fail(struct ledger *ledger, const char *doing, struct sl_error *err)
{
	const char *why = sqlite3_errmsg(ledger->db);

	switch (sqlite3_errcode(ledger->db) & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return sl_fail(
			err, SL_E_FORMAT,
			"cannot %s the ledger '%s': %s; move the file away to start a new one",
			doing, ledger->path, why);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return sl_fail(err, SL_E_IO,
			       "cannot %s the ledger '%s': another process keeps it locked", doing,
			       ledger->path);
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return sl_fail(err, SL_E_IO, "cannot %s the ledger '%s': %s", doing, ledger->path,
			       why);
	default:
		return sl_fail(err, SL_E_INTERNAL, "cannot %s the ledger '%s': %s", doing,
			       ledger->path, why);
	}
}

static bool db_bind(sqlite3_stmt *statement, const char *types, va_list args)
{
	for (int i = 1; types[i - 1]; i++) {
		int status;

		if (types[i - 1] == 'i')
			status = sqlite3_bind_int64(statement, i, va_arg(args, int64_t));
		else
			status = sqlite3_bind_text(statement, i, va_arg(args, const char *), -1,
						   SQLITE_TRANSIENT);
		if (status != SQLITE_OK)
			return false;
	}
	return true;
}

static sqlite3_stmt *db_vprepare(struct ledger *ledger, struct sl_error *err, const char *sql,
				 const char *types, va_list args)
{
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(ledger->db, sql, -1, &statement, NULL) == SQLITE_OK &&
	    db_bind(statement, types, args))
		return statement;
	db_fail(ledger, "ask", err);
	sqlite3_finalize(statement);
	return NULL;
}

sqlite3_stmt *db_prepare(struct ledger *ledger, struct sl_error *err, const char *sql,
			 const char *types, ...)
{
	va_list args;
	sqlite3_stmt *statement;

	va_start(args, types);
	statement = db_vprepare(ledger, err, sql, types, args);
	va_end(args);
	return statement;
}

bool db_step(struct ledger *ledger, sqlite3_stmt *statement, bool *row_out, struct sl_error *err)
{
	int status = sqlite3_step(statement);

	*row_out = status == SQLITE_ROW;
	return status == SQLITE_ROW || status == SQLITE_DONE || db_fail(ledger, "use", err);
}

bool db_run(struct ledger *ledger, struct sl_error *err, const char *sql, const char *types, ...)
{
	va_list args;
	bool row;

	va_start(args, types);
	auto_statement sqlite3_stmt *statement = db_vprepare(ledger, err, sql, types, args);
	va_end(args);
	return statement && db_step(ledger, statement, &row, err);
}

char *db_text(sqlite3_stmt *statement, int column)
{
	const unsigned char *text = sqlite3_column_text(statement, column);

	return text ? sl_strdup((const char *)text) : NULL;
}

bool db_begin(struct ledger *ledger, struct sl_error *err)
{
	return db_run(ledger, err, "BEGIN IMMEDIATE", "");
}

bool db_end(struct ledger *ledger, bool good, struct sl_error *err)
{
	struct sl_error ignored = {0};

	if (good && db_run(ledger, err, "COMMIT", ""))
		return true;
	if (!sqlite3_get_autocommit(ledger->db) && !db_run(ledger, &ignored, "ROLLBACK", ""))
		sl_prefix(err, "and could not undo it");
	return false;
}

bool db_number(struct ledger *ledger, const char *sql, int64_t *out, struct sl_error *err)
{
	auto_statement sqlite3_stmt *statement = db_prepare(ledger, err, sql, "");
	bool row;

	if (!statement || !db_step(ledger, statement, &row, err))
		return false;
	*out = row ? sqlite3_column_int64(statement, 0) : 0;
	return true;
}

// Reads the two numbers in the file's head.
static bool check_schema(struct ledger *ledger, struct sl_error *err)
{
	int64_t application, version;

	if (!db_number(ledger, "PRAGMA application_id", &application, err) ||
	    !db_number(ledger, "PRAGMA user_version", &version, err))
		return false;
	if (application != LEDGER_APPLICATION)
		return sl_fail(err, SL_E_FORMAT, "'%s' is a database, but not a ledger of sealift",
			       ledger->path);
	if (version > LEDGER_SCHEMA || version < 1)
		return sl_fail(err, SL_E_FORMAT,
			       "the ledger '%s' was made by a newer sealift-upload (its schema is "
			       "%lld, this program knows %d); use that program, or another "
			       "--state-dir",
			       ledger->path, (long long)version, LEDGER_SCHEMA);
	return version == LEDGER_SCHEMA || ledger_migrate(ledger, err);
}

static bool set_up(struct ledger *ledger, struct sl_error *err)
{
	if (sqlite3_exec(ledger->db,
			 "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
			 "PRAGMA trusted_schema = OFF;",
			 NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(ledger->db,
			 ledger->disk == DISK_LOCAL ? "PRAGMA journal_mode = WAL"
						    : "PRAGMA journal_mode = DELETE",
			 NULL, NULL, NULL) != SQLITE_OK)
		return db_fail(ledger, "open", err);
	return check_schema(ledger, err);
}

static bool check_disk(const char *folder, enum ledger_disk *disk_out, struct sl_error *err)
{
	sl_auto_fd int fd = -1;
	struct statfs stat;
	const char *name;

	if (!sl_open_dir(folder, &fd, err) || !ledger_check_folder(folder, fd, err))
		return false;
	if (fstatfs(fd, &stat) != 0)
		return sl_fail_errno(err, "cannot look at the file system of '%s'", folder);
	*disk_out = ledger_disk_of((unsigned long)stat.f_type, &name);
	if (*disk_out == DISK_NETWORK)
		return sl_fail(err, SL_E_IO,
			       "cannot keep the ledger in '%s': it lies on %s, whose locks a "
			       "database cannot rely on; name a folder on a disk of this machine "
			       "with --state-dir",
			       folder, name);
	return true;
}

static bool open_database(struct ledger *ledger, struct sl_error *err)
{
	int status = sqlite3_open_v2(
		ledger->path, &ledger->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE, NULL);

	if (status != SQLITE_OK)
		return ledger->db
			       ? db_fail(ledger, "open", err)
			       : sl_fail(err, SL_E_IO, "cannot open the ledger '%s'", ledger->path);
	sqlite3_extended_result_codes(ledger->db, 1);
	sqlite3_busy_timeout(ledger->db, BUSY_MS);
	return set_up(ledger, err);
}

bool ledger_open(const char *folder, struct ledger **ledger_out, struct sl_error *err)
{
	auto_ledger struct ledger *ledger = NULL;
	sl_auto_free char *real = NULL;

	if (!sl_make_dirs(folder, 0700, err))
		return false;
	// SQLITE_OPEN_NOFOLLOW refuses links anywhere in the path; a person's folders may have
	// some.
	real = realpath(folder, NULL);
	if (!real)
		return sl_fail_errno(err, "cannot open '%s'", folder);
	ledger = sl_alloc(sizeof *ledger);
	ledger->path = sl_path_join(real, "ledger.sqlite");
	if (!check_disk(real, &ledger->disk, err) || !holder_self(&ledger->self, err) ||
	    !ledger_check_file(ledger->path, err) || !open_database(ledger, err))
		return false;
	*ledger_out = sl_take(ledger);
	return true;
}

// Claims, and submits whose answers others may fetch now.
static bool give_back(struct ledger *ledger, struct sl_error *err)
{
	const struct holder *self = &ledger->self;

	return db_run(ledger, err,
		      "DELETE FROM claim WHERE boot = ?1 AND space = ?2 AND pid = ?3"
		      " AND start = ?4",
		      "ttii", self->boot, self->space, self->pid, self->start) &&
	       db_run(ledger, err,
		      "UPDATE submit SET pid = 0 WHERE outcome IN ('tried', 'accepted')"
		      " AND boot = ?1 AND space = ?2 AND pid = ?3 AND start = ?4",
		      "ttii", self->boot, self->space, self->pid, self->start);
}

void ledger_close(struct ledger *ledger)
{
	struct sl_error ignored = {0};

	if (!ledger)
		return;
	if (ledger->db && !give_back(ledger, &ignored))
		sl_error_clear(&ignored); // the process ends: its claims are stale at once
	sqlite3_close(ledger->db);
	free(ledger->path);
	free(ledger);
}
