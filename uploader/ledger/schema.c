// SPDX-License-Identifier: Apache-2.0
// The tables, and how the ledger of an older program gets those that it lacks (specs/ledger.md).
#include "uploader/ledger/private.h"

#define VERSION_1                                                                            \
	"CREATE TABLE submission ("                                                          \
	" number INTEGER PRIMARY KEY AUTOINCREMENT,"                                         \
	" bundle TEXT NOT NULL CHECK (length(bundle) = 64),"                                 \
	" builder TEXT NOT NULL, runner TEXT NOT NULL,"                                      \
	" path TEXT NOT NULL, policy TEXT, builder_config TEXT, out TEXT,"                   \
	" name TEXT, version TEXT,"                                                          \
	" state TEXT NOT NULL CHECK (state IN ('queued', 'delivering', 'building', 'built'," \
	"  'registering', 'done', 'failed', 'refused')),"                                    \
	" kind TEXT, reason TEXT, remedy TEXT,"                                              \
	" receipt TEXT, registration TEXT,"                                                  \
	" added INTEGER NOT NULL, changed INTEGER NOT NULL,"                                 \
	" UNIQUE (bundle, builder, runner)) STRICT;"                                         \
	"CREATE TABLE claim ("                                                               \
	" submission INTEGER PRIMARY KEY REFERENCES submission(number) ON DELETE CASCADE,"   \
	" host TEXT NOT NULL, boot TEXT NOT NULL, space TEXT NOT NULL,"                      \
	" pid INTEGER NOT NULL, start INTEGER NOT NULL, renewed INTEGER NOT NULL) STRICT;"   \
	"CREATE TABLE effect ("                                                              \
	" number INTEGER PRIMARY KEY AUTOINCREMENT,"                                         \
	" submission INTEGER NOT NULL REFERENCES submission(number) ON DELETE CASCADE,"      \
	" kind TEXT NOT NULL, request TEXT NOT NULL,"                                        \
	" outcome TEXT NOT NULL CHECK (outcome IN ('tried', 'good', 'bad', 'lost')),"        \
	" answer TEXT, tried INTEGER NOT NULL, answered INTEGER) STRICT;"                    \
	"CREATE INDEX effect_submission ON effect (submission);"                             \
	"PRAGMA application_id = 1397047628;"

#define VERSION_2                                                                             \
	"ALTER TABLE submission ADD COLUMN force_tasks INTEGER NOT NULL DEFAULT 0"            \
	" CHECK (force_tasks IN (0, 1));"                                                     \
	"ALTER TABLE submission ADD COLUMN runner_config TEXT;"                               \
	"ALTER TABLE submission ADD COLUMN container_service INTEGER NOT NULL DEFAULT 0"      \
	" CHECK (container_service IN (0, 1, 2));"                                            \
	"ALTER TABLE submission ADD COLUMN container TEXT;"                                   \
	"ALTER TABLE submission ADD COLUMN runner_sees TEXT;"                                 \
	"ALTER TABLE submission ADD COLUMN cancel INTEGER NOT NULL DEFAULT 0"                 \
	" CHECK (cancel IN (0, 1));"                                                          \
	"CREATE TABLE submit ("                                                               \
	" number INTEGER PRIMARY KEY AUTOINCREMENT,"                                          \
	" service TEXT NOT NULL, endpoint TEXT NOT NULL, function TEXT NOT NULL,"             \
	" task_group TEXT,"                                                                   \
	" outcome TEXT NOT NULL CHECK (outcome IN ('tried', 'accepted', 'refused', 'over'))," \
	" tried INTEGER NOT NULL,"                                                            \
	" host TEXT NOT NULL, boot TEXT NOT NULL, space TEXT NOT NULL,"                       \
	" pid INTEGER NOT NULL, start INTEGER NOT NULL, renewed INTEGER NOT NULL) STRICT;"    \
	"CREATE INDEX submit_endpoint ON submit (endpoint, outcome);"                         \
	"CREATE INDEX submit_group ON submit (task_group);"                                   \
	"CREATE TABLE task ("                                                                 \
	" submit INTEGER NOT NULL REFERENCES submit(number) ON DELETE CASCADE,"               \
	" position INTEGER NOT NULL,"                                                         \
	" ref TEXT NOT NULL CHECK (length(ref) = 32),"                                        \
	" id TEXT,"                                                                           \
	" outcome TEXT NOT NULL CHECK (outcome IN ('waiting', 'answered', 'told', 'lost')),"  \
	" answer TEXT,"                                                                       \
	" PRIMARY KEY (submit, position)) STRICT;"                                            \
	"CREATE TABLE function ("                                                             \
	" service TEXT NOT NULL, agent TEXT NOT NULL CHECK (length(agent) = 64),"             \
	" wire TEXT NOT NULL, id TEXT NOT NULL, release TEXT NOT NULL,"                       \
	" registered INTEGER NOT NULL,"                                                       \
	" PRIMARY KEY (service, agent, wire)) STRICT;"                                        \
	"PRAGMA user_version = 2;"

// The states are in the text of the table. Changing a CHECK there changes nothing that is stored;
// the columns are added before, since SQLite finds the place for them by the text that it has read.
#define VERSION_3                                                                  \
	"ALTER TABLE submission ADD COLUMN build_on TEXT;"                         \
	"ALTER TABLE submission ADD COLUMN build_on_config TEXT;"                  \
	"ALTER TABLE submission ADD COLUMN built TEXT;"                            \
	"CREATE TABLE dropped ("                                                   \
	" folder TEXT NOT NULL, sha256 TEXT NOT NULL CHECK (length(sha256) = 64)," \
	" host TEXT NOT NULL, boot TEXT NOT NULL, space TEXT NOT NULL,"            \
	" pid INTEGER NOT NULL, start INTEGER NOT NULL, renewed INTEGER NOT NULL," \
	" PRIMARY KEY (folder, sha256)) STRICT;"                                   \
	"PRAGMA writable_schema = ON;"                                             \
	"UPDATE sqlite_schema SET sql = replace(sql, '''building'', ''built''',"   \
	" '''building'', ''shipping'', ''built''') WHERE name = 'submission';"     \
	"PRAGMA writable_schema = RESET;"                                          \
	"PRAGMA user_version = 3;"

#define VERSION_4                                                 \
	"ALTER TABLE submission ADD COLUMN runner_findings TEXT;" \
	"CREATE TABLE form ("                                     \
	" service TEXT NOT NULL, endpoint TEXT NOT NULL,"         \
	" endpoint_version TEXT NOT NULL,"                        \
	" wire TEXT NOT NULL CHECK (wire IN ('04', 'st')),"       \
	" learnt INTEGER NOT NULL,"                               \
	" PRIMARY KEY (service, endpoint)) STRICT;"               \
	"PRAGMA user_version = 4;"

#define VERSION_5                                            \
	"ALTER TABLE submission ADD COLUMN signatures TEXT;" \
	"PRAGMA user_version = 5;"

_Static_assert(LEDGER_APPLICATION == 1397047628 && LEDGER_SCHEMA == 5, "schema texts above");

const char ledger_schema[] = VERSION_1 VERSION_2 VERSION_3 VERSION_4 VERSION_5;

// What a ledger of each older schema lacks.
static const char *const lacks[LEDGER_SCHEMA + 1] = {
	[1] = VERSION_2 VERSION_3 VERSION_4 VERSION_5,
	[2] = VERSION_3 VERSION_4 VERSION_5,
	[3] = VERSION_4 VERSION_5,
	[4] = VERSION_5,
	[LEDGER_SCHEMA] = "",
};

// Inside a transaction: another process may have done it while this one waited for the lock.
static bool add_tables(struct ledger *ledger, struct sl_error *err)
{
	int64_t version;

	if (!db_number(ledger, "PRAGMA user_version", &version, err))
		return false;
	if (version < 1 || version > LEDGER_SCHEMA)
		return sl_fail(err, SL_E_FORMAT,
			       "the ledger '%s' has just been changed by a newer sealift-upload; "
			       "use that program, or another --state-dir",
			       ledger->path);
	return sqlite3_exec(ledger->db, lacks[version], NULL, NULL, NULL) == SQLITE_OK ||
	       db_fail(ledger, "bring up to date", err);
}

bool ledger_migrate(struct ledger *ledger, struct sl_error *err)
{
	return db_begin(ledger, err) && db_end(ledger, add_tables(ledger, err), err);
}
