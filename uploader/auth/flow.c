// SPDX-License-Identifier: Apache-2.0
// A login of our own: authorization code with PKCE (RFC 6749, 4.1; RFC 7636). The person logs in
// with a browser anywhere and brings the code back; without the verifier, which stays here, the
// code is worth nothing.
#include "uploader/auth/private.h"

#include <sodium.h>

#define VERIFIER_BYTES 32
#define CODE_MAX       4096

struct auth_flow {
	struct auth_places places; // copies
	char *client, *redirect;
	struct secret verifier;
	char *url;
};

char *pkce_challenge(const char *verifier)
{
	struct sl_digest digest = sl_sha256_bytes(verifier, strlen(verifier));
	size_t size =
		sodium_base64_ENCODED_LEN(SL_DIGEST_SIZE, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	char *text = sl_alloc(size);

	sodium_bin2base64(text, size, digest.bytes, SL_DIGEST_SIZE,
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return text;
}

static void make_verifier(struct secret *out)
{
	unsigned char bytes[VERIFIER_BYTES];
	char text[sodium_base64_ENCODED_LEN(VERIFIER_BYTES,
					    sodium_base64_VARIANT_URLSAFE_NO_PADDING)];

	randombytes_buf(bytes, sizeof bytes);
	sodium_bin2base64(text, sizeof text, bytes, sizeof bytes,
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	secret_set(out, text, strlen(text));
	sodium_memzero(bytes, sizeof bytes);
	sodium_memzero(text, sizeof text);
}

// ---- the address ---------------------------------------------------------------------------

static void add_joined(struct secret *query, const char *name, const struct sl_strings *list,
		       const char *between, const char *first)
{
	sl_auto_buf struct sl_buf text;

	sl_buf_init(&text, SL_MIB);
	sl_buf_adds(&text, first);
	for (size_t i = 0; i < list->len; i++)
		sl_buf_addf(&text, "%s%s", text.len ? between : "", list->items[i]);
	if (text.len > 0)
		form_add(query, name, text.data);
}

static void add_demand(struct secret *query, const struct auth_demand *demand)
{
	add_joined(query, "session_required_identities", &demand->identities, ",", "");
	add_joined(query, "session_required_single_domain", &demand->domains, ",", "");
	add_joined(query, "session_required_policies", &demand->policies, ",", "");
	if (demand->mfa)
		form_add(query, "session_required_mfa", "True");
	if (demand->message)
		form_add(query, "session_message", demand->message);
	if (demand->prompt)
		form_add(query, "prompt", demand->prompt);
}

static char *make_url(const struct auth_flow *flow, const struct auth_demand *demand)
{
	sl_auto_free char *challenge = pkce_challenge(secret_text(&flow->verifier));
	auto_secret struct secret query = {0}; // holds no secret: forms are made of one

	form_add(&query, "client_id", flow->client);
	form_add(&query, "redirect_uri", flow->redirect);
	add_joined(&query, "scope", &demand->scopes, " ", "openid " AUTH_COMPUTE_SCOPE);
	form_add(&query, "state", "_default");
	form_add(&query, "response_type", "code");
	form_add(&query, "code_challenge", challenge);
	form_add(&query, "code_challenge_method", "S256");
	form_add(&query, "access_type", "offline");
	add_demand(&query, demand);
	return sl_format("%s/v2/oauth2/authorize?%s", flow->places.auth, secret_text(&query));
}

// The SDK's own client id is not ours to use: what people consent to names a program.
static bool refuse_nobody(const struct auth_places *places, struct sl_error *err)
{
	return sl_fail(err, SL_E_USAGE,
		       "log in as which program? Globus wants each to be registered, once for a "
		       "site or a person: at https://app.globus.org/settings/developers choose "
		       "'Register a thick client or script' (a native client), with the redirect "
		       "%s/v2/web/auth-code, and give the client UUID of it as --client-id or "
		       "SEALIFT_CLIENT_ID; or, without registering, use the login of "
		       "'globus-compute-endpoint login'",
		       places->auth);
}

bool auth_flow_begin(const struct auth_places *places, const char *client_id,
		     const struct auth_demand *demand, struct auth_flow **out, struct sl_error *err)
{
	static const struct auth_demand nothing = {0};

	if (!places->auth)
		return sl_fail(err, SL_E_INPUT,
			       "nobody knows the Globus Auth of this environment: give --auth-url "
			       "or GLOBUS_SDK_SERVICE_URL_AUTH");
	if (!client_id)
		return refuse_nobody(places, err);
	if (!auth_is_uuid(client_id))
		return sl_fail(err, SL_E_USAGE, "the client id is no UUID");
	if (sodium_init() < 0)
		return sl_fail(err, SL_E_INTERNAL, "libsodium cannot be set up on this machine");
	struct auth_flow *flow = sl_alloc(sizeof *flow);
	flow->places = (struct auth_places){.environment = sl_strdup(places->environment),
					    .compute = sl_strdup(places->compute),
					    .auth = sl_strdup(places->auth)};
	flow->client = sl_strdup(client_id);
	flow->redirect = sl_format("%s/v2/web/auth-code", places->auth);
	make_verifier(&flow->verifier);
	flow->url = make_url(flow, demand ? demand : &nothing);
	*out = flow;
	return true;
}

const char *auth_flow_url(const struct auth_flow *flow)
{
	return flow->url;
}

void auth_flow_free(struct auth_flow *flow)
{
	if (!flow)
		return;
	auth_places_release(&flow->places);
	secret_free(&flow->verifier);
	free(flow->client);
	free(flow->redirect);
	free(flow->url);
	free(flow);
}

// ---- redeeming the code --------------------------------------------------------------------

static bool take_code(const char *text, struct secret *out, struct sl_error *err)
{
	size_t len;

	text += strspn(text, " \t\r\n");
	len = strcspn(text, " \t\r\n");
	if (len == 0)
		return sl_fail(err, SL_E_INPUT, "no code was given");
	secret_set(out, text, len < CODE_MAX ? len : CODE_MAX);
	if (text[len + strspn(text + len, " \t\r\n")] || len > CODE_MAX ||
	    !token_is_text(secret_text(out)))
		return sl_fail(err, SL_E_INPUT,
			       "this is no code: copy what the page shows, as it is");
	return true;
}

static bool redeem(const struct auth_flow *flow, const struct grant *grant, const char *code,
		   struct token *out, struct secret_list *others, struct sl_error *err)
{
	auto_secret struct secret taken = {0}, form = {0};

	if (!take_code(code, &taken, err))
		return false;
	form_add(&form, "client_id", flow->client);
	form_add(&form, "grant_type", "authorization_code");
	form_add(&form, "code", secret_text(&taken));
	form_add(&form, "code_verifier", secret_text(&flow->verifier));
	form_add(&form, "redirect_uri", flow->redirect);
	if (grant_ask(grant, &form, out, others, err))
		return true;
	if (strstr(err->text, "invalid_grant")) {
		*err = (struct sl_error){0};
		sl_fail(err, SL_E_NETWORK,
			"Globus Auth does not take this code (invalid_grant): codes are good for "
			"minutes, once, and for the login that showed the address");
	}
	return false;
}

// A login that is replaced: its tokens would be good for months, and nobody would have them.
static void find_old(struct stored *out)
{
	struct sl_strings warnings = {0};
	struct sl_error ignored = {0};

	if (!own_load(out, &warnings, &ignored))
		stored_release(out);
	sl_strings_release(&warnings);
}

static void drop_tokens(const struct grant *grant, const struct stored *old,
			const struct secret_list *others)
{
	struct sl_error ignored = {0};

	sl_list_each (others, token)
		if (!grant_revoke(grant, token, &ignored))
			return;
	if (!old->found || strcmp(old->auth, grant->auth) != 0 || old->token.refresh.len == 0)
		return;
	struct grant theirs = *grant;
	theirs.client = old->client;
	if (!grant_revoke(&theirs, &old->token.refresh, &ignored))
		return;
}

// What could not be stored is revoked in the place of what it would have replaced.
static void drop_unstored(const struct grant *grant, const struct token *token, struct stored *old)
{
	struct sl_error ignored = {0};

	stored_release(old);
	if ((token->refresh.len > 0 && !grant_revoke(grant, &token->refresh, &ignored)) ||
	    !grant_revoke(grant, &token->access, &ignored))
		return;
}

static bool store(const struct auth_flow *flow, struct token *token, struct sl_error *err)
{
	struct stored fresh = {
		.found = true,
		.token = *token,
		.client = flow->client,
		.environment = flow->places.environment,
		.auth = flow->places.auth,
		.compute = flow->places.compute,
	};

	return own_save(&fresh, NULL, err);
}

bool auth_flow_finish(struct auth_flow *flow, struct http *http, const char *code,
		      struct sl_error *err)
{
	struct grant grant = {
		.http = http, .auth = flow->places.auth, .client = flow->client, .once = true};
	struct token token = {0};
	struct secret_list others = {0};
	struct stored old = {0};

	bool good = redeem(flow, &grant, code, &token, &others, err);
	if (good) {
		grant.once = false;
		find_old(&old);
		good = store(flow, &token, err);
		if (!good)
			drop_unstored(&grant, &token, &old);
		drop_tokens(&grant, &old, &others);
	}
	stored_release(&old);
	secret_list_release(&others);
	token_release(&token);
	return good;
}

// ---- logging out ---------------------------------------------------------------------------

static bool revoke_both(const struct stored *stored, struct http *http, struct sl_error *err)
{
	struct grant grant = {.http = http, .auth = stored->auth, .client = stored->client};

	return (stored->token.refresh.len == 0 ||
		grant_revoke(&grant, &stored->token.refresh, err)) &&
	       grant_revoke(&grant, &stored->token.access, err);
}

static bool find_and_revoke(struct http *http, struct sl_error *err)
{
	struct stored stored;
	struct sl_strings warnings = {0};

	bool good = own_load(&stored, &warnings, err) &&
		    (!stored.found || revoke_both(&stored, http, err));
	sl_strings_release(&warnings);
	stored_release(&stored);
	return good;
}

bool auth_logout(struct http *http, bool *was_there_out, struct sl_error *err)
{
	*was_there_out = false;
	if (http && !find_and_revoke(http, err))
		return sl_prefix(err,
				 "the login stays, 'logout --offline' removes it all the same");
	return own_remove(was_there_out, err);
}
