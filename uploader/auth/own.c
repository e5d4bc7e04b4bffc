// SPDX-License-Identifier: Apache-2.0
// Our own login: <config>/login.json (specs/login.md). One login, with the services that it was
// made for, so that its tokens are never sent anywhere else. The file belongs to this account
// alone, is replaced whole or not at all, and no message repeats a value that stands in it.
#include "uploader/auth/private.h"

#include <errno.h>

#define TEXT_MAX    4096
#define UNTIL_MAX   ((uint64_t)253402300799) // the end of the year 9999
#define LOGIN_AGAIN "remove it and log in again with sealift-upload login"

bool own_path(char **path_out, struct sl_error *err)
{
	sl_auto_free char *folder = NULL;

	if (!sl_place(SL_PLACE_CONFIG, &folder, err))
		return false;
	*path_out = sl_path_join(folder, "login.json");
	return true;
}

// ---- reading -------------------------------------------------------------------------------

static char *take(struct sl_obj *obj, const char *key)
{
	const char *text = sl_obj_string(obj, key);

	if (!obj->failed && (!text[0] || strlen(text) > TEXT_MAX))
		sl_obj_fail(obj, key, "1 to %d bytes are needed here", TEXT_MAX);
	return sl_strdup(text);
}

static void take_secret(struct sl_obj *obj, const char *key, struct secret *out)
{
	const char *text = sl_obj_string(obj, key);

	if (!obj->failed && !token_is_text(text))
		sl_obj_fail(obj, key, "no token");
	if (!obj->failed)
		secret_set(out, text, strlen(text));
}

static void take_token(struct sl_obj *obj, struct token *token)
{
	token->scope = take(obj, "scope");
	token->until = INT64_MAX;
	take_secret(obj, "access_token", &token->access);
	if (sl_obj_has(obj, "refresh_token"))
		take_secret(obj, "refresh_token", &token->refresh);
	if (sl_obj_has(obj, "identity"))
		token->identity = take(obj, "identity");
	if (sl_obj_has(obj, "until"))
		token->until = (int64_t)sl_obj_uint(obj, "until", UNTIL_MAX);
}

static bool take_login(json_t *json, struct stored *out, struct sl_error *err)
{
	struct sl_obj obj;

	sl_obj_init(&obj, json, SL_E_INPUT, err, "%s", "");
	if (sl_obj_uint(&obj, "sealift_login", 1) != 1)
		sl_obj_fail(&obj, "sealift_login", "1 is needed here");
	out->environment = take(&obj, "environment");
	out->auth = take(&obj, "auth");
	out->compute = take(&obj, "compute");
	out->client = take(&obj, "client");
	take_token(&obj, &out->token);
	out->found = sl_obj_done(&obj);
	return out->found;
}

bool own_read(const char *text, size_t len, const char *shown, struct stored *out,
	      struct sl_error *err)
{
	*out = (struct stored){0};
	auto_secret_json json_t *json = secret_parse(text, len, shown, SL_E_INPUT, err);
	if (json && take_login(json, out, err))
		return true;
	stored_release(out);
	return sl_prefix(err, "cannot use the login in %s (%s)", shown, LOGIN_AGAIN);
}

// Stricter than for other people's files: this one was made so that nobody else can read it.
static bool read_private(const char *path, const char *shown, bool *found_out, struct secret *text,
			 struct sl_error *err)
{
	struct sl_strings readable = {0};

	bool good = secret_file_read(path, SECRET_FILE_OURS, found_out, text, &readable, err);
	if (good && readable.len > 0)
		good = sl_fail(err, SL_E_INPUT,
			       "others can read the login in '%s': run chmod 600 '%s', or log out "
			       "and in again if somebody may have read it",
			       shown, shown);
	sl_strings_release(&readable);
	return good;
}

bool own_load(struct stored *out, struct sl_strings *warnings, struct sl_error *err)
{
	sl_auto_free char *path = NULL;
	auto_secret struct secret text = {0};
	bool found;

	(void)warnings;
	*out = (struct stored){0};
	if (!own_path(&path, err))
		return false;
	sl_auto_free char *shown = sl_text_shown(path);
	if (!read_private(path, shown, &found, &text, err))
		return false;
	if (!found)
		return true;
	sl_auto_free char *quoted = sl_format("'%s'", shown);
	if (!own_read(secret_text(&text), text.len, quoted, out, err))
		return false;
	out->where = sl_take(path);
	return true;
}

bool own_fits(const struct stored *stored, const struct auth_places *places)
{
	return stored->found && strcmp(stored->environment, places->environment) == 0 &&
	       places->auth && strcmp(stored->auth, places->auth) == 0 &&
	       strcmp(stored->compute, places->compute) == 0;
}

// ---- writing -------------------------------------------------------------------------------

// What a refresh left out stays as it was.
static json_t *to_json(const struct stored *stored, const struct secret *used,
		       const struct token *old)
{
	const struct token *token = &stored->token;
	const struct secret *refresh = token->refresh.len || !used ? &token->refresh : used;
	const char *identity = token->identity ? token->identity : old->identity;
	json_t *json = json_object();

	sl_json_set_uint(json, "sealift_login", 1);
	sl_json_set_string(json, "environment", stored->environment);
	sl_json_set_string(json, "auth", stored->auth);
	sl_json_set_string(json, "compute", stored->compute);
	sl_json_set_string(json, "client", stored->client);
	sl_json_set_string(json, "scope", token->scope ? token->scope : old->scope);
	sl_json_set_string(json, "access_token", secret_text(&token->access));
	if (refresh->len > 0)
		sl_json_set_string(json, "refresh_token", secret_text(refresh));
	if (identity)
		sl_json_set_string(json, "identity", identity);
	if (token->until >= 0 && (uint64_t)token->until <= UNTIL_MAX)
		sl_json_set_uint(json, "until", (uint64_t)token->until);
	return json;
}

static bool store(const struct stored *stored, const struct secret *used, const struct token *old,
		  struct sl_error *err)
{
	sl_auto_free char *path = NULL;
	auto_secret struct secret text = {0};

	if (!own_path(&path, err))
		return false;
	auto_secret_json json_t *json = to_json(stored, used, old);
	secret_print(&text, json);
	sl_auto_free char *folder = sl_path_dir(path);
	return sl_make_dirs(folder, 0700, err) &&
	       sl_store_file(path, secret_text(&text), text.len, 0600, SL_OUTPUT_REPLACE, err);
}

bool own_save(const struct stored *stored, const struct secret *used, struct sl_error *err)
{
	const struct token nothing = {.scope = (char[]){AUTH_COMPUTE_SCOPE}};
	struct stored now;

	if (!used)
		return store(stored, NULL, &nothing, err);
	if (!own_load(&now, NULL, err))
		return false;
	// Somebody logged out, or in again, in the meantime: theirs is newer.
	bool good = !now.found || !secret_equal(&now.token.refresh, used) ||
		    store(stored, used, &now.token, err);
	stored_release(&now);
	return good;
}

bool own_remove(bool *was_there_out, struct sl_error *err)
{
	sl_auto_free char *path = NULL;

	*was_there_out = false;
	if (!own_path(&path, err))
		return false;
	*was_there_out = unlink(path) == 0;
	if (*was_there_out || errno == ENOENT || errno == ENOTDIR)
		return true;
	sl_auto_free char *shown = sl_text_shown(path);
	return sl_fail_errno(err, "cannot remove '%s'", shown);
}
