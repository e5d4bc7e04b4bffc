// SPDX-License-Identifier: Apache-2.0
// Which objects this uploader has left in folders for agents to take (specs/ledger.md, "dropped").
#include "uploader/ledger/private.h"

#include <time.h>

void ledger_drops_release(struct ledger_drops *list)
{
	sl_list_each (list, drop)
		free(drop->folder);
	sl_list_release(list);
}

bool ledger_drop_begin(struct ledger *ledger, const char *folder, const struct sl_digest *sha256,
		       struct sl_error *err)
{
	const struct holder *self = &ledger->self;
	char hex[SL_DIGEST_HEX + 1];

	sl_digest_hex(sha256, hex);
	return db_run(ledger, err,
		      "INSERT OR REPLACE INTO dropped"
		      " (folder, sha256, host, boot, space, pid, start, renewed)"
		      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
		      "tttttiii", folder, hex, self->host, self->boot, self->space, self->pid,
		      self->start, (int64_t)time(NULL));
}

bool ledger_drop_end(struct ledger *ledger, const char *folder, const struct sl_digest *sha256,
		     struct sl_error *err)
{
	char hex[SL_DIGEST_HEX + 1];

	sl_digest_hex(sha256, hex);
	return db_run(ledger, err, "DELETE FROM dropped WHERE folder = ?1 AND sha256 = ?2", "tt",
		      folder, hex);
}

bool ledger_drop_is_ours(struct ledger *ledger, const char *folder, const struct sl_digest *sha256,
			 bool *out, struct sl_error *err)
{
	const struct holder *self = &ledger->self;
	char hex[SL_DIGEST_HEX + 1];

	sl_digest_hex(sha256, hex);
	auto_statement sqlite3_stmt *statement =
		db_prepare(ledger, err,
			   "SELECT 1 FROM dropped WHERE folder = ?1 AND sha256 = ?2"
			   " AND boot = ?3 AND space = ?4 AND pid = ?5 AND start = ?6",
			   "ttttii", folder, hex, self->boot, self->space, self->pid, self->start);
	return statement && db_step(ledger, statement, out, err);
}

// Whether the row was left by a process that has ended, or by this one.
static bool is_left(struct ledger *ledger, sqlite3_stmt *row)
{
	int64_t renewed;
	int64_t worker = claim_worker(ledger, row, 2, &renewed);

	return worker == 0 ||
	       (worker == ledger->self.pid && sqlite3_column_int64(row, 6) == ledger->self.start);
}

static bool read_left(struct ledger *ledger, struct ledger_drops *out, struct sl_error *err)
{
	auto_statement sqlite3_stmt *statement =
		db_prepare(ledger, err,
			   "SELECT folder, sha256, host, boot, space, pid, start, renewed"
			   " FROM dropped ORDER BY folder, sha256",
			   "");
	bool row = false;

	if (!statement)
		return false;
	while (db_step(ledger, statement, &row, err) && row) {
		sl_auto_free char *hex = db_text(statement, 1);
		struct sl_digest sha256;
		if (is_left(ledger, statement) && sl_digest_parse(hex, &sha256))
			*sl_list_add(out) = (struct ledger_drop){sha256, db_text(statement, 0)};
	}
	return err->kind == SL_E_NONE;
}

static bool take_left(struct ledger *ledger, struct ledger_drops *out, struct sl_error *err)
{
	if (!read_left(ledger, out, err))
		return false;
	sl_list_each (out, drop)
		if (!ledger_drop_begin(ledger, drop->folder, &drop->sha256, err))
			return false;
	return true;
}

bool ledger_drops_left(struct ledger *ledger, struct ledger_drops *out, struct sl_error *err)
{
	*out = (struct ledger_drops){0};
	return db_begin(ledger, err) && db_end(ledger, take_left(ledger, out, err), err);
}
