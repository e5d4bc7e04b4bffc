// SPDX-License-Identifier: Apache-2.0
// Claims: which process works on a submission. Looking and taking are one transaction that begins
// with the write lock, so two processes can never both find a claim free.
#include "uploader/ledger/private.h"

#include <string.h>
#include <time.h>

static bool column_word(sqlite3_stmt *row, int column, char *out, size_t size)
{
	const unsigned char *text = sqlite3_column_text(row, column);

	return text && (size_t)snprintf(out, size, "%s", (const char *)text) < size;
}

// The columns host, boot, space, pid, start, renewed from `first` on. A claim that makes no sense
// counts as nobody's.
static bool read_columns(sqlite3_stmt *row, int first, struct holder *out, int64_t *renewed_out)
{
	memset(out, 0, sizeof *out);
	if (!column_word(row, first, out->host, sizeof out->host) ||
	    !column_word(row, first + 1, out->boot, sizeof out->boot) ||
	    !column_word(row, first + 2, out->space, sizeof out->space))
		return false;
	out->pid = sqlite3_column_int64(row, first + 3);
	out->start = sqlite3_column_int64(row, first + 4);
	*renewed_out = sqlite3_column_int64(row, first + 5);
	return true;
}

static bool read_claim(struct ledger *ledger, int64_t number, bool *there_out, struct holder *out,
		       int64_t *renewed_out, struct sl_error *err)
{
	auto_statement sqlite3_stmt *statement =
		db_prepare(ledger, err,
			   "SELECT host, boot, space, pid, start, renewed FROM claim"
			   " WHERE submission = ?1",
			   "i", number);
	bool row;

	if (!statement || !db_step(ledger, statement, &row, err))
		return false;
	*there_out = row && read_columns(statement, 0, out, renewed_out);
	return true;
}

static bool is_self(const struct holder *holder, const struct holder *self)
{
	return holder->pid == self->pid && holder->start == self->start &&
	       strcmp(holder->boot, self->boot) == 0 && strcmp(holder->space, self->space) == 0;
}

static bool is_alive(const struct ledger *ledger, const struct holder *holder, int64_t renewed)
{
	int64_t now = (int64_t)time(NULL);

	switch (holder_look(holder, &ledger->self, ledger->disk != DISK_LOCAL)) {
	case HOLDER_ALIVE:
		return true;
	case HOLDER_DEAD:
		return false;
	case HOLDER_UNKNOWN:
		break;
	}
	// A clock that was set back must not keep a claim for ever.
	return now - renewed < LEDGER_LEASE && renewed - now < LEDGER_LEASE;
}

int64_t claim_worker(struct ledger *ledger, sqlite3_stmt *row, int first, int64_t *renewed_out)
{
	struct holder holder;

	*renewed_out = 0;
	if (read_columns(row, first, &holder, renewed_out) &&
	    is_alive(ledger, &holder, *renewed_out))
		return holder.pid;
	return 0;
}

bool claim_look(struct ledger *ledger, int64_t number, bool *held_out, struct sl_error *err)
{
	struct holder holder;
	int64_t renewed = 0;
	bool there;

	if (!read_claim(ledger, number, &there, &holder, &renewed, err))
		return false;
	*held_out = there && is_alive(ledger, &holder, renewed);
	return true;
}

bool claim_check(struct ledger *ledger, int64_t number, struct sl_error *err)
{
	struct holder holder;
	int64_t renewed = 0;
	bool there;

	if (!read_claim(ledger, number, &there, &holder, &renewed, err))
		return false;
	if (there && is_self(&holder, &ledger->self))
		return true;
	return sl_fail(err, SL_E_INTERNAL, "submission %lld is no longer this process's: %s",
		       (long long)number, there ? "another one has taken over" : "nobody has it");
}

static bool write_claim(struct ledger *ledger, int64_t number, struct sl_error *err)
{
	const struct holder *self = &ledger->self;

	return db_run(
		ledger, err,
		"INSERT OR REPLACE INTO claim (submission, host, boot, space, pid, start, renewed)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		"itttiii", number, self->host, self->boot, self->space, self->pid, self->start,
		(int64_t)time(NULL));
}

// What a dead process has tried without hearing the answer: done or not, nobody knows.
static bool mark_lost(struct ledger *ledger, int64_t number, struct sl_error *err)
{
	return db_run(
		ledger, err,
		"UPDATE effect SET outcome = 'lost' WHERE submission = ?1 AND outcome = 'tried'",
		"i", number);
}

static bool claim(struct ledger *ledger, int64_t number, enum ledger_claim *claim_out,
		  struct sl_error *err)
{
	auto_statement sqlite3_stmt *statement = db_prepare(
		ledger, err, "SELECT state FROM submission WHERE number = ?1", "i", number);
	enum ledger_state state;
	bool row, held;

	if (!statement || !db_step(ledger, statement, &row, err))
		return false;
	*claim_out = CLAIM_GONE;
	sl_auto_free char *word = row ? db_text(statement, 0) : NULL;
	if (!ledger_state_parse(word, &state) || ledger_state_is_final(state))
		return true;
	if (!claim_look(ledger, number, &held, err))
		return false;
	*claim_out = held ? CLAIM_HELD : CLAIM_MINE;
	return held || (mark_lost(ledger, number, err) && write_claim(ledger, number, err));
}

bool ledger_claim(struct ledger *ledger, int64_t number, enum ledger_claim *claim_out,
		  struct sl_error *err)
{
	return db_begin(ledger, err) && db_end(ledger, claim(ledger, number, claim_out, err), err);
}

bool ledger_renew(struct ledger *ledger, int64_t number, struct sl_error *err)
{
	if (!db_begin(ledger, err))
		return false;
	bool good = claim_check(ledger, number, err) && write_claim(ledger, number, err);
	return db_end(ledger, good, err);
}

static bool release(struct ledger *ledger, int64_t number, struct sl_error *err)
{
	return claim_check(ledger, number, err) &&
	       db_run(ledger, err, "DELETE FROM claim WHERE submission = ?1", "i", number);
}

bool ledger_release(struct ledger *ledger, int64_t number, struct sl_error *err)
{
	return db_begin(ledger, err) && db_end(ledger, release(ledger, number, err), err);
}
