// SPDX-License-Identifier: Apache-2.0
// Who we are towards Globus: client credentials, a login of the SDK, or a login of our own
// (specs/login.md).
//
// A token lives in guarded memory (sodium_malloc), is wiped when it is dropped, and is handed out
// for one request at a time. It never reaches a log, an error, a report or an argument list; the
// files that hold it are 0600. As soon as the process holds one, it leaves no core dump and nobody
// can attach to it (PR_SET_DUMPABLE, RLIMIT_CORE; the latter for what it starts, too).
#ifndef SL_UPLOADER_AUTH_H
#define SL_UPLOADER_AUTH_H

#include "uploader/http/http.h"

#define AUTH_COMPUTE_SCOPE  "https://auth.globus.org/scopes/facd7ccc-c5f4-42aa-916b-a0e270e2c2a9/all"
#define AUTH_COMPUTE_SERVER "funcx_service"

// Where the services are: from --compute-url and --auth-url, else GLOBUS_SDK_SERVICE_URL_AUTH and
// the row of GLOBUS_SDK_ENVIRONMENT ("production" without it). Without a slash at the end. `auth`
// is NULL in an environment whose Globus Auth nobody knows (dev, local): whoever needs it says so.
struct auth_places {
	char *environment, *compute, *auth;
};
bool auth_places_find(const char *compute_url, const char *auth_url, struct auth_places *out,
		      struct sl_error *err) SL_MUST_USE;
void auth_places_release(struct auth_places *places);

enum auth_kind {
	AUTH_NOBODY,
	AUTH_CLIENT, // GLOBUS_COMPUTE_CLIENT_ID and GLOBUS_COMPUTE_CLIENT_SECRET
	AUTH_SDK,    // storage.db of the SDK
	AUTH_OWN,    // our own login: <config>/login.json
	AUTH_GIVEN,  // a file with an access token, --token-file (the Python face)
};
const char *auth_kind_name(enum auth_kind kind); // "client credentials", …

struct auth;

// Finds the first of: token file, client credentials, own login, SDK login. Nothing is asked of a
// service yet; `http` may be NULL if nothing will be. SL_E_INPUT when a found login is broken or
// may be somebody else's; AUTH_NOBODY is no error here.
bool auth_open(const struct auth_places *places, const char *token_file, struct http *http,
	       struct auth **out, struct sl_error *err) SL_MUST_USE;
void auth_free(struct auth *auth); // wipes
enum auth_kind auth_kind(const struct auth *auth);
// Whether somebody has to log in before anything can be asked for: nobody has, or what was there
// has run out or was not taken. Waiting changes nothing about that.
bool auth_lacks_login(const struct auth *auth);
// What a person should know about the login, a sentence each: others can read its file, a renewed
// token could not be stored. Grows; borrowed.
const struct sl_strings *auth_warnings(const struct auth *auth);

// A token that is good for at least a minute, fetched or refreshed when needed. Borrowed until the
// next call on `auth`; to be put into one request and nowhere else. SL_E_NETWORK with what to do
// when there is none ("`sealift-upload login`"), SL_E_NETWORK when the service cannot be reached.
bool auth_token(struct auth *auth, const char **token_out, struct sl_error *err) SL_MUST_USE;

// The service said 401 to the last token: forget it, so that the next auth_token() gets another.
// False (SL_E_NETWORK) if that has been tried already and there is no other.
bool auth_refused(struct auth *auth, struct sl_error *err) SL_MUST_USE;

// ---- logging in and out --------------------------------------------------------------------

// What a "Globus authorization required" answer asks for; every member may be NULL or empty.
struct auth_demand {
	struct sl_strings scopes, identities, policies, domains;
	bool mfa;
	char *prompt, *message;
};
// True if the JSON body of a 4xx answer is such a demand (protocol of the SDK, any variant).
bool auth_demand_read(const json_t *body, struct auth_demand *out);
void auth_demand_release(struct auth_demand *demand);
// The demand as one line for people, ending with the `login` that answers it. Owned.
char *auth_demand_describe(const struct auth_demand *demand);

// Authorization code with PKCE (RFC 7636). The verifier is kept in guarded memory. `client_id` NULL
// is SL_E_USAGE with how to get one; `demand` may be NULL.
struct auth_flow;
bool auth_flow_begin(const struct auth_places *places, const char *client_id,
		     const struct auth_demand *demand, struct auth_flow **out,
		     struct sl_error *err) SL_MUST_USE;
const char *auth_flow_url(const struct auth_flow *flow);
// Redeems the code that was pasted and stores the login in <config>/login.json (0600, whole or not
// at all). What the service gave beside it, and the login that it replaces, are revoked.
bool auth_flow_finish(struct auth_flow *flow, struct http *http, const char *code,
		      struct sl_error *err) SL_MUST_USE;
void auth_flow_free(struct auth_flow *flow);

// Revokes our own login where it was made, then removes it; that of the SDK or the environment is
// never touched. SL_E_NETWORK, and it stays, when it cannot be revoked. Without `http` it is only
// removed.
bool auth_logout(struct http *http, bool *was_there_out, struct sl_error *err) SL_MUST_USE;

// What is known without asking: kind, where it lies, subject, when it ends. Owned.
json_t *auth_describe(const struct auth *auth);

#endif
