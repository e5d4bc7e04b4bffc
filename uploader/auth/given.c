// SPDX-License-Identifier: Apache-2.0
// A token in a file that the caller names, for a caller that is logged in already.
#include "uploader/auth/private.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool broken(const char *shown, const char *why, struct sl_error *err)
{
	return sl_fail(err, SL_E_INPUT, "the token file '%s' %s", shown, why);
}

static bool take(const char *access, size_t len, int64_t until, const char *shown,
		 struct token *out, struct sl_error *err)
{
	auto_secret struct secret text = {0};

	secret_set(&text, access, len);
	if (!token_is_text(secret_text(&text)) || strlen(secret_text(&text)) != len)
		return broken(shown, "holds no token: one line of text without blanks", err);
	out->access = text;
	text = (struct secret){0};
	out->scope = sl_strdup("");
	out->until = until;
	return true;
}

static bool read_json(const char *text, size_t len, const char *shown, struct token *out,
		      struct sl_error *err)
{
	sl_auto_free char *what = sl_format("the token file '%s'", shown);
	auto_secret_json json_t *json = secret_parse(text, len, what, SL_E_INPUT, err);

	if (!json)
		return false;
	const json_t *access = json_object_get(json, "access_token");
	const json_t *until = json_object_get(json, "expires_at_seconds");
	const char *server = json_string_value(json_object_get(json, "resource_server"));
	if (!json_is_string(access))
		return broken(shown, "has no access_token", err);
	if (until && !json_is_null(until) &&
	    (!json_is_integer(until) || json_integer_value(until) < 0))
		return broken(shown, "has an expires_at_seconds that is no number of seconds", err);
	if (server && strcmp(server, AUTH_COMPUTE_SERVER) != 0)
		return broken(shown, "holds a token for another service than Globus Compute", err);
	return take(json_string_value(access), json_string_length(access),
		    json_is_integer(until) ? json_integer_value(until) : INT64_MAX, shown, out,
		    err);
}

bool given_read(const char *text, size_t len, const char *shown, struct token *out,
		struct sl_error *err)
{
	*out = (struct token){0};
	while (len > 0 && is_blank(*text))
		text++, len--;
	while (len > 0 && is_blank(text[len - 1]))
		len--;
	if (len > 0 && *text == '{')
		return read_json(text, len, shown, out, err);
	return take(text, len, INT64_MAX, shown, out, err);
}

bool given_load(const char *path, struct stored *out, struct sl_strings *warnings,
		struct sl_error *err)
{
	auto_secret struct secret text = {0};
	sl_auto_free char *shown = sl_text_shown(path);

	*out = (struct stored){0};
	if (!secret_file_read(path, SECRET_FILE_CALLER, &out->found, &text, warnings, err) ||
	    !given_read(secret_text(&text), text.len, shown, &out->token, err))
		return false;
	out->where = sl_strdup(path);
	return true;
}
