// SPDX-License-Identifier: Apache-2.0
// The login of the Globus Compute SDK: one row of its storage.db (specs/login.md). The file is
// somebody else's: it is never made by us, and written only to put a refreshed token in the place
// of the one that was refreshed.
#include "uploader/auth/private.h"

#include <errno.h>
#include <limits.h>
#include <sqlite3.h>

#define SDK_CLIENT   "4cf29807-cf21-49ec-9443-ff9a3fb9f81c"
#define SCHEMA_MAX   2
#define BUSY_MS	     10000
#define auto_storage __attribute__((cleanup(close_storage)))

struct storage {
	sqlite3 *database;
	char *shown;
};

static void close_storage(struct storage *storage)
{
	sqlite3_close(storage->database);
	free(storage->shown);
}

// ---- one row -------------------------------------------------------------------------------

static const char *text_at(const json_t *row, const char *key)
{
	return json_string_value(json_object_get(row, key));
}

static bool fill(const json_t *row, const char *shown, struct token *out, struct sl_error *err)
{
	const char *access = text_at(row, "access_token"), *scope = text_at(row, "scope");
	const char *refresh = text_at(row, "refresh_token"), *who = text_at(row, "identity_id");
	const json_t *until = json_object_get(row, "expires_at_seconds");

	if (!access || !token_is_text(access) || (refresh && !token_is_text(refresh)))
		return sl_fail(err, SL_E_INPUT, "the login in '%s' holds no token", shown);
	if (!scope || !token_has_scope(scope, AUTH_COMPUTE_SCOPE))
		return sl_fail(err, SL_E_INPUT,
			       "the login in '%s' is not good for Globus Compute: log in again",
			       shown);
	if (!json_is_integer(until) || json_integer_value(until) < 0)
		return sl_fail(err, SL_E_INPUT, "the login in '%s' does not say when it ends",
			       shown);
	secret_set(&out->access, access, strlen(access));
	if (refresh)
		secret_set(&out->refresh, refresh, strlen(refresh));
	out->scope = sl_strdup(scope);
	out->identity = who && auth_is_uuid(who) ? sl_strdup(who) : NULL;
	out->until = json_integer_value(until);
	return true;
}

bool storage_read_row(const char *text, size_t len, const char *shown, struct token *out,
		      struct sl_error *err)
{
	sl_auto_free char *what = sl_format("the login in '%s'", shown);
	auto_secret_json json_t *row = secret_parse(text, len, what, SL_E_INPUT, err);

	*out = (struct token){0};
	return row && fill(row, shown, out, err);
}

// ---- the database --------------------------------------------------------------------------

static bool find_path(char **path_out)
{
	const char *folder = getenv("GLOBUS_COMPUTE_USER_DIR"), *home = getenv("HOME");
	char resolved[PATH_MAX];

	if ((!folder || !folder[0]) && (!home || home[0] != '/'))
		return false;
	sl_auto_free char *usual = home ? sl_path_join(home, ".globus_compute") : NULL;
	// SQLite is told to follow no link: those on the way to the folder are followed here.
	if (!realpath(folder && folder[0] ? folder : usual, resolved))
		return false;
	*path_out = sl_path_join(resolved, "storage.db");
	return true;
}

// SQLite's messages name tables and columns at most.
static bool complain(const struct storage *storage, int code, struct sl_error *err)
{
	if ((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED)
		return sl_fail(err, SL_E_IO,
			       "another program keeps '%s' locked: try again once it has ended",
			       storage->shown);
	if ((code & 0xff) == SQLITE_NOTADB || (code & 0xff) == SQLITE_CORRUPT)
		return sl_fail(err, SL_E_INPUT, "the login in '%s' is damaged: log in again",
			       storage->shown);
	return sl_fail(err, SL_E_IO, "cannot use the login in '%s': %s", storage->shown,
		       sqlite3_errstr(code));
}

static bool open_storage(const char *path, int mode, struct storage *out, struct sl_error *err)
{
	int flags = mode | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE;

	*out = (struct storage){.shown = sl_text_shown(path)};
	int code = sqlite3_open_v2(path, &out->database, flags, NULL);
	if (code != SQLITE_OK)
		return complain(out, code, err);
	sqlite3_busy_timeout(out->database, BUSY_MS);
	return true;
}

static bool prepare(const struct storage *storage, const char *sql, const char *key,
		    sqlite3_stmt **out, struct sl_error *err)
{
	int code = sqlite3_prepare_v2(storage->database, sql, -1, out, NULL);

	if (code == SQLITE_OK && key)
		code = sqlite3_bind_text(*out, 1, key, -1, SQLITE_STATIC);
	if (code == SQLITE_OK)
		return true;
	sqlite3_finalize(*out);
	return complain(storage, code, err);
}

// The first column of the only row; `out` stays empty when there is none.
static bool read_value(const struct storage *storage, const char *sql, const char *key,
		       struct secret *out, struct sl_error *err)
{
	sqlite3_stmt *statement;

	if (!prepare(storage, sql, key, &statement, err))
		return false;
	int code = sqlite3_step(statement);
	bool small =
		code != SQLITE_ROW || sqlite3_column_bytes(statement, 0) <= (int)SECRET_FILE_MAX;
	if (code == SQLITE_ROW && small && sqlite3_column_type(statement, 0) == SQLITE_TEXT)
		secret_set(out, (const char *)sqlite3_column_text(statement, 0),
			   (size_t)sqlite3_column_bytes(statement, 0));
	sqlite3_finalize(statement);
	if (!small)
		return sl_fail(err, SL_E_LIMIT, "the login in '%s' is larger than %llu bytes",
			       storage->shown, SECRET_FILE_MAX);
	return code == SQLITE_ROW || code == SQLITE_DONE || complain(storage, code, err);
}

static bool has_table(const struct storage *storage, const char *name, bool *out,
		      struct sl_error *err)
{
	auto_secret struct secret found = {0};

	if (!read_value(storage,
			"SELECT name FROM sqlite_master WHERE type = 'table' AND name = ?1", name,
			&found, err))
		return false;
	*out = found.len > 0;
	return true;
}

// Both schemas have the same token_storage; a later one may mean something else by it.
static bool check_schema(const struct storage *storage, struct sl_error *err)
{
	auto_secret struct secret number = {0};
	bool there;

	if (!has_table(storage, "sdk_storage_adapter_internal", &there, err))
		return false;
	if (there && !read_value(storage,
				 "SELECT value FROM sdk_storage_adapter_internal "
				 "WHERE attribute = 'globus-sdk.database_schema_version'",
				 NULL, &number, err))
		return false;
	const char *text = secret_text(&number);
	bool known = number.len == 0 ||
		     (number.len == 1 && text[0] >= '1' && text[0] <= '0' + SCHEMA_MAX);
	return known || sl_fail(err, SL_E_INPUT,
				"'%s' is of an SDK that is newer than this program: log in with "
				"'sealift-upload login'",
				storage->shown);
}

#define SELECT_ROW                                                                              \
	"SELECT token_data_json FROM token_storage WHERE namespace = ?1 AND resource_server = " \
	"'" AUTH_COMPUTE_SERVER "'"

static bool read_row(const struct storage *storage, const char *namespace, struct secret *out,
		     struct sl_error *err)
{
	bool there;

	return check_schema(storage, err) && has_table(storage, "token_storage", &there, err) &&
	       (!there || read_value(storage, SELECT_ROW, namespace, out, err));
}

// ---- loading -------------------------------------------------------------------------------

static const char *client_of_sdk(void)
{
	const char *own = getenv("GLOBUS_COMPUTE_CLIENT_ID");

	return own && own[0] ? own : SDK_CLIENT;
}

static bool load(const char *path, const char *environment, struct stored *out,
		 struct sl_error *err)
{
	auto_storage struct storage storage;
	auto_secret struct secret text = {0};
	sl_auto_free char *namespace = sl_format("user/%s", environment);

	if (!open_storage(path, SQLITE_OPEN_READWRITE, &storage, err) ||
	    !read_row(&storage, namespace, &text, err))
		return false;
	if (text.len == 0)
		return true;
	if (!storage_read_row(text.text, text.len, storage.shown, &out->token, err))
		return false;
	out->found = true;
	out->client = sl_strdup(client_of_sdk());
	out->where = sl_strdup(path);
	return true;
}

bool storage_load(const char *environment, struct stored *out, struct sl_strings *warnings,
		  struct sl_error *err)
{
	sl_auto_free char *path = NULL;
	bool found;

	*out = (struct stored){0};
	if (!find_path(&path))
		return true;
	if (!secret_file_check(path, SECRET_FILE_OURS, &found, warnings, err))
		return false;
	return !found || load(path, environment, out, err);
}

// ---- saving --------------------------------------------------------------------------------

static bool run(const struct storage *storage, const char *sql, struct sl_error *err)
{
	int code = sqlite3_exec(storage->database, sql, NULL, NULL, NULL);

	return code == SQLITE_OK || complain(storage, code, err);
}

static bool holds(const json_t *row, const struct secret *used)
{
	const char *refresh = text_at(row, "refresh_token");

	return refresh && strlen(refresh) == used->len &&
	       memcmp(refresh, secret_text(used), used->len) == 0;
}

// Everything else stays: identity_id above all, without which the SDK stores no more logins.
static void change(json_t *row, const struct token *token)
{
	sl_json_set_string(row, "access_token", secret_text(&token->access));
	if (token->refresh.len > 0)
		sl_json_set_string(row, "refresh_token", secret_text(&token->refresh));
	sl_json_set_string(row, "scope", token->scope);
	sl_json_set_string(row, "token_type", "Bearer");
	sl_json_set(row, "expires_at_seconds", json_integer(token->until));
}

static bool replace(const struct storage *storage, const char *namespace, const struct secret *text,
		    struct sl_error *err)
{
	sqlite3_stmt *statement;

	if (!prepare(storage,
		     "REPLACE INTO token_storage (namespace, resource_server, token_data_json) "
		     "VALUES (?1, '" AUTH_COMPUTE_SERVER "', ?2)",
		     namespace, &statement, err))
		return false;
	int code = sqlite3_bind_text(statement, 2, secret_text(text), (int)text->len - 1,
				     SQLITE_STATIC); // without the line feed
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	sqlite3_finalize(statement);
	return code == SQLITE_DONE || complain(storage, code, err);
}

static bool exchange(const struct storage *storage, const char *namespace,
		     const struct token *token, const struct secret *used, bool *changed_out,
		     struct sl_error *err)
{
	auto_secret struct secret text = {0}, fresh = {0};

	*changed_out = false;
	if (!read_row(storage, namespace, &text, err))
		return false;
	if (text.len == 0)
		return true;
	auto_secret_json json_t *row =
		secret_parse(text.text, text.len, "the login of the SDK", SL_E_INPUT, err);
	if (!row)
		return false;
	if (!holds(row, used))
		return true;
	change(row, token);
	secret_print(&fresh, row);
	*changed_out = true;
	return replace(storage, namespace, &fresh, err);
}

bool storage_save(const char *environment, const struct stored *stored, const struct secret *used,
		  struct sl_error *err)
{
	auto_storage struct storage storage;
	sl_auto_free char *namespace = sl_format("user/%s", environment);
	bool changed;

	if (!open_storage(stored->where, SQLITE_OPEN_READWRITE, &storage, err) ||
	    !run(&storage, "BEGIN IMMEDIATE", err))
		return false;
	bool good = exchange(&storage, namespace, &stored->token, used, &changed, err);
	if (good && changed)
		return run(&storage, "COMMIT", err);
	sqlite3_exec(storage.database, "ROLLBACK", NULL, NULL, NULL);
	return good;
}
