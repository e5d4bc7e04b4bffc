// SPDX-License-Identifier: Apache-2.0
// What the token service answers. Of a refusal only its code is shown, and only if it is one: its
// sentences may repeat what was sent.
#include "uploader/auth/private.h"

#define TOKEN_MAX    (16 * SL_KIB)
#define SCOPES_MAX   (16 * SL_KIB)
#define SERVER_MAX   64 // tokens in one answer
#define LIFETIME_MAX (10LL * 366 * 24 * 3600)

void token_release(struct token *token)
{
	secret_free(&token->access);
	secret_free(&token->refresh);
	free(token->scope);
	free(token->identity);
	*token = (struct token){0};
}

void stored_release(struct stored *stored)
{
	token_release(&stored->token);
	free(stored->client);
	free(stored->where);
	free(stored->environment);
	free(stored->auth);
	free(stored->compute);
	*stored = (struct stored){0};
}

bool token_is_text(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return len > 0 && len <= TOKEN_MAX;
}

bool token_has_scope(const char *scopes, const char *scope)
{
	size_t len = strlen(scope);

	for (const char *at = scopes; (at = strstr(at, scope)); at += len)
		if ((at == scopes || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
	return false;
}

// ---- a refusal -----------------------------------------------------------------------------

static bool is_code(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= 40 && strspn(text, "abcdefghijklmnopqrstuvwxyz_") == len;
}

static const char *code_of(const json_t *json)
{
	const char *code = json_string_value(json_object_get(json, "error"));

	return code && is_code(code) ? code : NULL;
}

static const char *advice(const char *code, long status)
{
	if (code && strcmp(code, "invalid_grant") == 0)
		return ": it does not know this login any more; log in again, with "
		       "'sealift-upload login' or 'globus-compute-endpoint login'";
	if (code && (strcmp(code, "invalid_client") == 0 || strcmp(code, "unauthorized") == 0))
		return ": it does not know this client id, or not with this secret";
	if (code && strcmp(code, "dependent_consent_required") == 0)
		return ": it wants your consent again; log in again with 'sealift-upload login'";
	return status == 429 || status >= 500 ? ": it may be well again later" : "";
}

static bool refuse(long status, const json_t *json, struct sl_error *err)
{
	const char *code = code_of(json);

	return sl_fail(err, SL_E_NETWORK, "Globus Auth gives no token (HTTP %ld%s%s)%s", status,
		       code ? ", " : "", code ? code : "", advice(code, status));
}

// ---- one token -----------------------------------------------------------------------------

static bool broken(struct sl_error *err, const char *what)
{
	return sl_fail(err, SL_E_FORMAT, "the answer of Globus Auth cannot be used: %s", what);
}

static const char *text_at(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

static bool is_for(const json_t *json, const char *server)
{
	const char *name = text_at(json, "resource_server");

	return name && strcmp(name, server) == 0;
}

static bool read_times(const json_t *json, int64_t now, struct token *out, struct sl_error *err)
{
	const json_t *lifetime = json_object_get(json, "expires_in");
	json_int_t seconds = json_integer_value(lifetime);

	if (!json_is_integer(lifetime) || seconds <= 0 || seconds > LIFETIME_MAX)
		return broken(err, "expires_in is no number of seconds");
	out->until = now + seconds;
	return true;
}

static bool read_one(const json_t *json, int64_t now, struct token *out, struct sl_error *err)
{
	const char *access = text_at(json, "access_token"), *scope = text_at(json, "scope");
	const char *refresh = text_at(json, "refresh_token"), *type = text_at(json, "token_type");

	if (!access || !token_is_text(access) || (refresh && !token_is_text(refresh)))
		return broken(err, "a token is not text that can be sent");
	if (type && strcasecmp(type, "Bearer") != 0)
		return broken(err, "token_type is not Bearer");
	if (!scope || strlen(scope) > SCOPES_MAX || !token_has_scope(scope, AUTH_COMPUTE_SCOPE))
		return broken(err, "the token is not good for Globus Compute");
	if (!read_times(json, now, out, err))
		return false;
	secret_set(&out->access, access, strlen(access));
	if (refresh)
		secret_set(&out->refresh, refresh, strlen(refresh));
	out->scope = sl_strdup(scope);
	return true;
}

// ---- the whole answer ----------------------------------------------------------------------

static void keep_other(const json_t *json, struct secret_list *others)
{
	const char *token = text_at(json, "refresh_token");

	if (!token)
		token = text_at(json, "access_token");
	if (token && token_is_text(token))
		secret_set(sl_list_add(others), token, strlen(token));
}

// The service puts one of them at the top and the rest below it, in no order.
static const json_t *choose(const json_t *json, struct secret_list *others, struct sl_error *err)
{
	const json_t *rest = json_object_get(json, "other_tokens"), *found = NULL;
	size_t len = json_array_size(rest);

	if (len > SERVER_MAX) {
		broken(err, "it holds too many tokens");
		return NULL;
	}
	for (size_t i = 0; i <= len; i++) {
		const json_t *one = i == 0 ? json : json_array_get(rest, i - 1);
		if (is_for(one, AUTH_COMPUTE_SERVER) && found) {
			broken(err, "it holds two tokens for " AUTH_COMPUTE_SERVER);
			return NULL;
		}
		if (is_for(one, AUTH_COMPUTE_SERVER))
			found = one;
		else if (others)
			keep_other(one, others);
	}
	if (!found)
		broken(err, "it holds no token for " AUTH_COMPUTE_SERVER);
	return found;
}

static bool read_good(const json_t *json, const char *client, int64_t now, struct token *out,
		      struct secret_list *others, struct sl_error *err)
{
	const json_t *one = choose(json, others, err);
	const char *who = text_at(json, "id_token");

	return one && read_one(one, now, out, err) &&
	       (!who || id_token_subject(who, client, &out->identity, err));
}

bool token_read(long status, const char *body, size_t len, const char *client, int64_t now,
		struct token *out, struct secret_list *others, struct sl_error *err)
{
	struct sl_error ignored = {0};
	bool good = status == 200;
	auto_secret_json json_t *json = secret_parse(body, len, "the answer of Globus Auth",
						     SL_E_FORMAT, good ? err : &ignored);

	*out = (struct token){0};
	if (!good)
		return refuse(status, json, err);
	if (!json)
		return false;
	if (!json_is_object(json))
		return broken(err, "it is no object");
	if (read_good(json, client, now, out, others, err))
		return true;
	token_release(out);
	return false;
}
