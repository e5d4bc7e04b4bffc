// SPDX-License-Identifier: Apache-2.0
// Effects: what was tried elsewhere. A row is written before the attempt, its answer before anyone
// acts on it, so that after a crash the ledger says exactly what may have happened.
#include "uploader/ledger/private.h"

#include <time.h>

static bool begin(struct ledger *ledger, int64_t number, const char *kind, const char *request,
		  int64_t *effect_out, struct sl_error *err)
{
	if (!claim_check(ledger, number, err) ||
	    !db_run(ledger, err,
		    "INSERT INTO effect (submission, kind, request, outcome, tried)"
		    " VALUES (?1, ?2, ?3, 'tried', ?4)",
		    "itti", number, kind, request, (int64_t)time(NULL)))
		return false;
	*effect_out = sqlite3_last_insert_rowid(ledger->db);
	return true;
}

bool ledger_effect_begin(struct ledger *ledger, int64_t number, const char *kind,
			 const char *request, int64_t *effect_out, struct sl_error *err)
{
	return db_begin(ledger, err) &&
	       db_end(ledger, begin(ledger, number, kind, request, effect_out, err), err);
}

bool effect_end(struct ledger *ledger, int64_t effect, bool good, const char *answer,
		struct sl_error *err)
{
	if (!db_run(ledger, err,
		    "UPDATE effect SET outcome = ?2, answer = ?3, answered = ?4"
		    " WHERE number = ?1 AND outcome = 'tried'",
		    "itti", effect, good ? "good" : "bad", answer, (int64_t)time(NULL)))
		return false;
	// Another process took over and has marked it lost: its word counts, not ours.
	return sqlite3_changes(ledger->db) == 1 ||
	       sl_fail(err, SL_E_INTERNAL, "effect %lld is no longer waiting for an answer",
		       (long long)effect);
}

bool ledger_effect_end(struct ledger *ledger, int64_t effect, bool good, const char *answer,
		       struct sl_error *err)
{
	return db_begin(ledger, err) &&
	       db_end(ledger, effect_end(ledger, effect, good, answer, err), err);
}
