// SPDX-License-Identifier: Apache-2.0
// Under which ids agents are known to compute services: registered once, used ever after.
#include "uploader/ledger/private.h"

#include <time.h>

static bool one_text(struct ledger *ledger, sqlite3_stmt *statement, char **out,
		     struct sl_error *err)
{
	bool row;

	*out = NULL;
	if (!statement || !db_step(ledger, statement, &row, err))
		return false;
	if (row)
		*out = db_text(statement, 0);
	return true;
}

bool ledger_function_find(struct ledger *ledger, const struct ledger_function *function,
			  char **id_out, struct sl_error *err)
{
	char agent[SL_DIGEST_HEX + 1];

	sl_digest_hex(&function->agent, agent);
	auto_statement sqlite3_stmt *statement =
		db_prepare(ledger, err,
			   "SELECT id FROM function WHERE service = ?1 AND agent = ?2"
			   " AND wire = ?3",
			   "ttt", function->service, agent, function->wire);
	return one_text(ledger, statement, id_out, err);
}

bool ledger_function_add(struct ledger *ledger, const struct ledger_function *function,
			 const char *id, struct sl_error *err)
{
	char agent[SL_DIGEST_HEX + 1];

	sl_digest_hex(&function->agent, agent);
	return db_run(ledger, err,
		      "INSERT OR REPLACE INTO function (service, agent, wire, id, release,"
		      " registered) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		      "ttttti", function->service, agent, function->wire, id, function->release,
		      (int64_t)time(NULL));
}

bool ledger_function_drop(struct ledger *ledger, const char *service, const char *id,
			  struct sl_error *err)
{
	return db_run(ledger, err, "DELETE FROM function WHERE service = ?1 AND id = ?2", "tt",
		      service, id);
}

bool ledger_function_release(struct ledger *ledger, const char *service, const char *id,
			     char **release_out, struct sl_error *err)
{
	auto_statement sqlite3_stmt *statement = db_prepare(
		ledger, err, "SELECT release FROM function WHERE service = ?1 AND id = ?2", "tt",
		service, id);

	return one_text(ledger, statement, release_out, err);
}
