// SPDX-License-Identifier: Apache-2.0
// Inside the room: secrets, token answers, and the places a login may come from.
#ifndef SL_UPLOADER_AUTH_PRIVATE_H
#define SL_UPLOADER_AUTH_PRIVATE_H

#include "uploader/auth/auth.h"

// A secret in guarded memory (sodium_malloc), NUL-terminated; wiped when it is freed. secret.c
struct secret {
	char *text; // NULL = none
	size_t len;
};
bool secret_set(struct secret *secret, const char *text, size_t len, struct sl_error *err);
void secret_free(struct secret *secret);
// No core dumps and no debugger of other accounts from here on (prctl, RLIMIT_CORE). Once.
void secret_harden(void);

// One token of a token answer (protocol: POST /v2/oauth2/token), chosen by its resource server.
// token.c
struct token {
	struct secret access, refresh; // refresh may be empty
	char *scope, *identity;	       // identity: NULL when not known
	int64_t until;		       // seconds since 1970
};
void token_release(struct token *token);
// SL_E_NETWORK when the service refused (its own code and text, never a secret), SL_E_FORMAT when
// the answer holds no token for `server`. `now` is added to expires_in.
bool token_read(const struct http_reply *reply, const char *server, int64_t now, struct token *out,
		struct sl_error *err) SL_MUST_USE;

// Posts a form to {auth}/v2/oauth2/token and reads the answer. `user` and `password` may be NULL
// (native clients). The form is wiped afterwards. grant.c
bool grant_ask(struct http *http, const char *auth_url, const char *user, const char *password,
	       const struct secret *form, struct token *out, struct sl_error *err) SL_MUST_USE;
// Appends name=value, percent-encoded, with & between.
bool form_add(struct secret *form, const char *name, const char *value, struct sl_error *err);

// A login that is stored somewhere. Each source finds it, and takes a refreshed token back.
struct stored {
	bool found;
	struct token token;
	char *client; // the client id that the refresh token belongs to
	char *where;  // for people: the file
};
void stored_release(struct stored *stored);

// The SDK's storage.db. storage.c
bool storage_load(const struct auth_places *places, struct stored *out,
		  struct sl_error *err) SL_MUST_USE;
// Writes a refreshed token back, keeping identity_id, and the old refresh token when the answer had
// none. Never creates the file, never writes what is there already.
bool storage_save(const struct auth_places *places, const struct stored *stored,
		  struct sl_error *err) SL_MUST_USE;

// Our own <config>/login.json. own.c
bool own_load(const struct auth_places *places, struct stored *out,
	      struct sl_error *err) SL_MUST_USE;
bool own_save(const struct auth_places *places, const struct stored *stored,
	      struct sl_error *err) SL_MUST_USE;
bool own_remove(bool *was_there_out, struct sl_error *err) SL_MUST_USE;

#endif
