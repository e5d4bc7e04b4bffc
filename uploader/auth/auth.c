// SPDX-License-Identifier: Apache-2.0
// 1. Which login is used is decided once, by what is there when it is opened.
// 2. A token is handed out while it is good for another minute; then, or when the service refused
//    it, it is renewed: read again from where it is stored, for another program may have renewed it
//    meanwhile, or else asked for.
// 3. A token that is refused soon after it was renewed for that reason is refused for another
//    reason than its age: then there is nothing left to try.
#include "uploader/auth/private.h"

#include <time.h>

#define MARGIN	  60		    // seconds that a token must be good for
#define REFUSE_MS (5 * 60 * 1000LL) // between two renewals because of a refusal

struct auth {
	enum auth_kind kind;
	struct auth_places places; // copies
	struct http *http;
	struct stored login;
	struct secret password; // of the client
	char *token_file;
	struct sl_strings warnings;
	bool renew;	    // before the next one is handed out
	int64_t refused_ms; // when that was last because of a refusal; 0 = never
	bool over;	    // what there is will not be good again
};

const char *auth_kind_name(enum auth_kind kind)
{
	static const char *const names[] = {
		[AUTH_NOBODY] = "nobody",	 [AUTH_CLIENT] = "client credentials",
		[AUTH_SDK] = "login of the SDK", [AUTH_OWN] = "own login",
		[AUTH_GIVEN] = "token file",
	};

	return names[kind];
}

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + 1;
}

// ---- finding one ---------------------------------------------------------------------------

static bool find_given(struct auth *auth, const char *token_file, struct sl_error *err)
{
	if (!token_file)
		return true;
	auth->token_file = sl_strdup(token_file);
	auth->kind = AUTH_GIVEN;
	return given_load(token_file, &auth->login, &auth->warnings, err);
}

static bool find_client(struct auth *auth, struct sl_error *err)
{
	const char *id = variable("GLOBUS_COMPUTE_CLIENT_ID");
	const char *password = variable("GLOBUS_COMPUTE_CLIENT_SECRET");

	if (id && !auth_is_uuid(id))
		return sl_fail(
			err, SL_E_INPUT,
			"GLOBUS_COMPUTE_CLIENT_ID is no client id (UUID): correct it, or unset it");
	if (!password)
		return true;
	if (!id)
		return sl_fail(
			err, SL_E_INPUT,
			"GLOBUS_COMPUTE_CLIENT_SECRET is set and GLOBUS_COMPUTE_CLIENT_ID is "
			"not: set both, or neither");
	secret_set(&auth->password, password, strlen(password));
	auth->login.client = sl_strdup(id);
	auth->renew = true;
	auth->kind = AUTH_CLIENT;
	return true;
}

static bool find_own(struct auth *auth, struct sl_error *err)
{
	struct stored found;

	if (!own_load(&found, &auth->warnings, err))
		return false;
	if (found.found && own_fits(&found, &auth->places)) {
		auth->login = found;
		auth->kind = AUTH_OWN;
		return true;
	}
	if (found.found) {
		sl_auto_free char *where = sl_text_shown(found.where);
		sl_auto_free char *made = sl_text_shown(found.compute);
		sl_auto_free char *text =
			sl_format("the login in '%s' was made for '%s' in another environment or "
				  "with another Globus Auth: it is not used here",
				  where, made);
		sl_strings_add(&auth->warnings, text);
	}
	stored_release(&found);
	return true;
}

static bool find_sdk(struct auth *auth, struct sl_error *err)
{
	if (!storage_load(auth->places.environment, &auth->login, &auth->warnings, err))
		return false;
	if (auth->login.found)
		auth->kind = AUTH_SDK;
	return true;
}

static bool find(struct auth *auth, const char *token_file, struct sl_error *err)
{
	return find_given(auth, token_file, err) && (auth->kind || find_client(auth, err)) &&
	       (auth->kind || find_own(auth, err)) && (auth->kind || find_sdk(auth, err));
}

bool auth_open(const struct auth_places *places, const char *token_file, struct http *http,
	       struct auth **out, struct sl_error *err)
{
	struct auth *auth = sl_alloc(sizeof *auth);

	auth->places = (struct auth_places){.environment = sl_strdup(places->environment),
					    .compute = sl_strdup(places->compute),
					    .auth = places->auth ? sl_strdup(places->auth) : NULL};
	auth->http = http;
	if (!find(auth, token_file, err)) {
		auth_free(auth);
		return false;
	}
	// That of the SDK may have been made by this very client.
	if ((auth->kind == AUTH_NOBODY || auth->kind == AUTH_OWN) &&
	    variable("GLOBUS_COMPUTE_CLIENT_ID"))
		sl_strings_add(&auth->warnings,
			       "GLOBUS_COMPUTE_CLIENT_ID is set without "
			       "GLOBUS_COMPUTE_CLIENT_SECRET: alone it makes no login");
	*out = auth;
	return true;
}

void auth_free(struct auth *auth)
{
	if (!auth)
		return;
	auth_places_release(&auth->places);
	stored_release(&auth->login);
	secret_free(&auth->password);
	sl_strings_release(&auth->warnings);
	free(auth->token_file);
	free(auth);
}

enum auth_kind auth_kind(const struct auth *auth)
{
	return auth->kind;
}

const struct sl_strings *auth_warnings(const struct auth *auth)
{
	return &auth->warnings;
}

// ---- renewing ------------------------------------------------------------------------------

static bool is_fresh(const struct token *token)
{
	return token->access.len > 0 && token->until - MARGIN > (int64_t)time(NULL);
}

static bool load_again(struct auth *auth, struct stored *out, struct sl_error *err)
{
	if (auth->kind == AUTH_GIVEN)
		return given_load(auth->token_file, out, &auth->warnings, err);
	if (auth->kind == AUTH_OWN)
		return own_load(out, &auth->warnings, err);
	return storage_load(auth->places.environment, out, &auth->warnings, err);
}

// True if another program has put a good token there.
static bool take_stored(struct auth *auth)
{
	struct stored now;
	struct sl_error ignored = {0};

	bool other = load_again(auth, &now, &ignored) && now.found &&
		     (auth->kind != AUTH_OWN || own_fits(&now, &auth->places)) &&
		     !secret_equal(&now.token.access, &auth->login.token.access);
	if (other) {
		stored_release(&auth->login);
		auth->login = now;
	} else {
		stored_release(&now);
	}
	return other && is_fresh(&auth->login.token);
}

// A reply without one of these does not take it away.
static void replace_token(struct token *token, struct token *fresh)
{
	if (fresh->refresh.len == 0) {
		fresh->refresh = token->refresh;
		token->refresh = (struct secret){0};
	}
	if (!fresh->identity)
		fresh->identity = sl_take(token->identity);
	token_release(token);
	*token = *fresh;
}

static bool ask(struct auth *auth, const struct secret *form, struct sl_error *err)
{
	struct token fresh;
	struct grant grant = {
		.http = auth->http,
		.auth = auth->places.auth,
		.client = auth->login.client,
		.password = auth->kind == AUTH_CLIENT ? &auth->password : NULL,
	};

	if (!grant_ask(&grant, form, &fresh, NULL, err))
		return false;
	replace_token(&auth->login.token, &fresh);
	return true;
}

static bool ask_as_client(struct auth *auth, struct sl_error *err)
{
	auto_secret struct secret form = {0};

	form_add(&form, "grant_type", "client_credentials");
	form_add(&form, "scope", AUTH_COMPUTE_SCOPE);
	return ask(auth, &form, err);
}

// A token that cannot be stored is good all the same.
static void save(struct auth *auth, const struct secret *used)
{
	struct sl_error why = {0};
	bool good = auth->kind == AUTH_OWN
			    ? own_save(&auth->login, used, &why)
			    : storage_save(auth->places.environment, &auth->login, used, &why);

	if (good)
		return;
	sl_prefix(&why, "the renewed login is not stored");
	sl_strings_add(&auth->warnings, why.text);
}

static bool refresh(struct auth *auth, struct sl_error *err)
{
	auto_secret struct secret form = {0}, used = {0};
	const struct secret *old = &auth->login.token.refresh;

	secret_set(&used, secret_text(old), old->len);
	form_add(&form, "grant_type", "refresh_token");
	form_add(&form, "refresh_token", secret_text(old));
	form_add(&form, "client_id", auth->login.client);
	if (!ask(auth, &form, err))
		return false;
	save(auth, &used);
	return true;
}

static bool end_of(struct auth *auth, struct sl_error *err)
{
	auth->over = true;
	sl_auto_free char *where = sl_text_shown(auth->login.where);

	if (auth->kind == AUTH_GIVEN)
		return sl_fail(err, SL_E_NETWORK,
			       "the token in '%s' is not good any more: put another one there",
			       where);
	return sl_fail(err, SL_E_NETWORK,
		       "the login in '%s' is not good any more: log in again, with '%s'", where,
		       auth->kind == AUTH_OWN ? "sealift-upload login"
					      : "globus-compute-endpoint login");
}

static bool nobody(struct sl_error *err)
{
	return sl_fail(err, SL_E_NETWORK,
		       "nobody is logged in to Globus: 'sealift-upload login', or "
		       "'globus-compute-endpoint login', or GLOBUS_COMPUTE_CLIENT_ID and "
		       "GLOBUS_COMPUTE_CLIENT_SECRET, or --token-file");
}

static bool renew(struct auth *auth, struct sl_error *err)
{
	struct sl_error why = {0};

	if (auth->kind == AUTH_CLIENT)
		return ask_as_client(auth, err);
	if (take_stored(auth))
		return true;
	if (auth->login.token.refresh.len == 0)
		return end_of(auth, err);
	if (refresh(auth, &why) || take_stored(auth))
		return true;
	*err = why;
	return false;
}

// ---- handing out ---------------------------------------------------------------------------

bool auth_token(struct auth *auth, const char **token_out, struct sl_error *err)
{
	if (auth->kind == AUTH_NOBODY)
		return nobody(err);
	if (auth->renew || !is_fresh(&auth->login.token)) {
		if (!renew(auth, err))
			return false;
		auth->renew = false;
	}
	*token_out = secret_text(&auth->login.token.access);
	return true;
}

static const char *other_login(enum auth_kind kind)
{
	if (kind == AUTH_GIVEN)
		return "for another one, put another token there";
	if (kind == AUTH_CLIENT)
		return "for another one, unset GLOBUS_COMPUTE_CLIENT_SECRET and use "
		       "'sealift-upload login'";
	return "to log in again, or as somebody else, 'sealift-upload login'";
}

bool auth_lacks_login(const struct auth *auth)
{
	return auth->kind == AUTH_NOBODY || auth->over;
}

bool auth_refused(struct auth *auth, struct sl_error *err)
{
	int64_t now = now_ms();

	if (auth->kind == AUTH_NOBODY)
		return nobody(err);
	if (auth->refused_ms && now - auth->refused_ms < REFUSE_MS) {
		auth->over = true;
		return sl_fail(err, SL_E_NETWORK,
			       "the service does not take the token of this login (%s): is it for "
			       "this service? 'sealift-upload whoami' shows it; %s",
			       auth_kind_name(auth->kind), other_login(auth->kind));
	}
	if (auth->kind != AUTH_CLIENT && auth->login.token.refresh.len == 0 && !take_stored(auth))
		return end_of(auth, err);
	auth->renew = auth->kind == AUTH_CLIENT || auth->login.token.refresh.len > 0;
	auth->refused_ms = now;
	return true;
}

// ---- what is known -------------------------------------------------------------------------

static json_t *scopes_of(const char *scopes)
{
	json_t *list = json_array();

	for (size_t len; *scopes; scopes += len) {
		scopes += strspn(scopes, " ");
		len = strcspn(scopes, " ");
		if (len > 0)
			sl_json_append(list, json_stringn(scopes, len));
	}
	return list;
}

static void set_shown(json_t *object, const char *key, const char *text)
{
	if (!text)
		return;
	sl_auto_free char *shown = sl_text_shown(text);
	sl_json_set_string(object, key, shown);
}

static void describe_token(json_t *out, const struct auth *auth)
{
	const struct token *token = &auth->login.token;
	bool renewable = auth->kind == AUTH_CLIENT || token->refresh.len > 0;
	char until[21];

	if (token->access.len > 0 && token->until < 253402300799) {
		sl_time_format(token->until, until);
		sl_json_set_string(out, "until", until);
	}
	sl_json_set_bool(out, "renewable", renewable);
	sl_json_set_bool(out, "good", renewable || is_fresh(token));
	if (token->scope && token->scope[0])
		sl_json_set(out, "scopes", scopes_of(token->scope));
}

json_t *auth_describe(const struct auth *auth)
{
	static const char *const kinds[] = {
		[AUTH_NOBODY] = "nobody", [AUTH_CLIENT] = "client", [AUTH_SDK] = "sdk",
		[AUTH_OWN] = "own",	  [AUTH_GIVEN] = "file",
	};
	json_t *out = json_object();

	sl_json_set_string(out, "kind", kinds[auth->kind]);
	set_shown(out, "environment", auth->places.environment);
	set_shown(out, "compute", auth->places.compute);
	set_shown(out, "auth", auth->places.auth);
	set_shown(out, "file", auth->login.where);
	set_shown(out, "client_id", auth->login.client);
	set_shown(out, "subject",
		  auth->kind == AUTH_CLIENT ? auth->login.client : auth->login.token.identity);
	if (auth->kind == AUTH_NOBODY)
		sl_json_set_bool(out, "good", false);
	else
		describe_token(out, auth);
	return out;
}
