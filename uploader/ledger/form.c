// SPDX-License-Identifier: Apache-2.0
// Endpoints whose workers read another form than their version promises: found out by a task that
// failed, so that it need not fail again in the next process.
#include "uploader/ledger/private.h"

#include <string.h>
#include <time.h>

static bool forget(struct ledger *ledger, const struct ledger_form *form, struct sl_error *err)
{
	return db_run(ledger, err, "DELETE FROM form WHERE service = ?1 AND endpoint = ?2", "tt",
		      form->service, form->endpoint);
}

// What is there, of whichever version. Both owned, NULL without a row.
static bool read_form(struct ledger *ledger, const struct ledger_form *form, char **version_out,
		      char **wire_out, struct sl_error *err)
{
	auto_statement sqlite3_stmt *statement =
		db_prepare(ledger, err,
			   "SELECT endpoint_version, wire FROM form WHERE service = ?1"
			   " AND endpoint = ?2",
			   "tt", form->service, form->endpoint);
	bool row;

	*version_out = *wire_out = NULL;
	if (!statement || !db_step(ledger, statement, &row, err))
		return false;
	if (row) {
		*version_out = db_text(statement, 0);
		*wire_out = db_text(statement, 1);
	}
	return true;
}

bool ledger_form_find(struct ledger *ledger, const struct ledger_form *form, char **wire_out,
		      struct sl_error *err)
{
	sl_auto_free char *version = NULL;

	if (!read_form(ledger, form, &version, wire_out, err))
		return false;
	if (!version || strcmp(version, form->version) == 0)
		return true;
	free(sl_take(*wire_out));
	return forget(ledger, form, err);
}

bool ledger_form_keep(struct ledger *ledger, const struct ledger_form *form, const char *wire,
		      struct sl_error *err)
{
	if (!wire)
		return forget(ledger, form, err);
	return db_run(ledger, err,
		      "INSERT OR REPLACE INTO form (service, endpoint, endpoint_version, wire,"
		      " learnt) VALUES (?1, ?2, ?3, ?4, ?5)",
		      "tttti", form->service, form->endpoint, form->version, wire,
		      (int64_t)time(NULL));
}
