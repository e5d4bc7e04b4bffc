// SPDX-License-Identifier: Apache-2.0
// Inside the room: secrets, the files that hold them, token answers, and the places a login may
// come from.
#ifndef SL_UPLOADER_AUTH_PRIVATE_H
#define SL_UPLOADER_AUTH_PRIVATE_H

#include "uploader/auth/auth.h"

// ---- secrets: secret.c ---------------------------------------------------------------------

// Text in guarded memory (sodium_malloc), wiped when it is freed or moves. Whoever holds one leaves
// no core dump and cannot be attached to: that is seen to whenever memory is taken for one.
struct secret {
	char *text; // NULL = none, which an empty text is, too
	size_t len, cap;
};

#define auto_secret __attribute__((cleanup(secret_free)))

void secret_add(struct secret *secret, const char *text, size_t len);
void secret_set(struct secret *secret, const char *text, size_t len);
void secret_free(struct secret *secret);	      // may be used again
const char *secret_text(const struct secret *secret); // "" for none
bool secret_equal(const struct secret *a, const struct secret *b);

// Overwrites every string of `json`, and lets go of it.
void secret_drop_json(json_t *json);
static inline void secret_cleanup_json(json_t **json)
{
	secret_drop_json(*json);
}
#define auto_secret_json __attribute__((cleanup(secret_cleanup_json)))

// As sl_json_load(), but says nothing of what stands there. `shown` is how messages call it. NULL
// with `kind`.
json_t *secret_parse(const char *text, size_t len, const char *shown, enum sl_kind kind,
		     struct sl_error *err) SL_MUST_USE;
// As JSON text with a line feed. Canonical but for what we did not write ourselves.
void secret_print(struct secret *out, const json_t *json);

// Appends name=value in the form of application/x-www-form-urlencoded, with & between.
void form_add(struct secret *form, const char *name, const char *value);

// ---- files that hold secrets: file.c -------------------------------------------------------

#define SECRET_FILE_MAX (64 * SL_KIB)

enum secret_file {
	SECRET_FILE_OURS,   // made by a program for this account: no link, nobody else's
	SECRET_FILE_CALLER, // named by whoever calls: may be a link, and the administrator's
};

// Whether the file at `path` is there and may be believed: a regular file, of this account, that
// nobody else can write. `*found_out` is false when there is none. Others who can read it are a
// warning.
bool secret_file_check(const char *path, enum secret_file kind, bool *found_out,
		       struct sl_strings *warnings, struct sl_error *err) SL_MUST_USE;
// The same, and its bytes.
bool secret_file_read(const char *path, enum secret_file kind, bool *found_out, struct secret *out,
		      struct sl_strings *warnings, struct sl_error *err) SL_MUST_USE;

// ---- tokens: token.c, id_token.c -----------------------------------------------------------

struct token {
	struct secret access, refresh; // refresh may be none
	char *scope, *identity;	       // identity: NULL when not known
	int64_t until;		       // seconds since 1970; INT64_MAX when not known
};
void token_release(struct token *token);

bool token_is_text(const char *text); // printable, without blanks, of a sensible length
bool token_has_scope(const char *scopes, const char *scope);

struct secret_list {
	struct secret *items;
	size_t len, cap;
};
void secret_list_release(struct secret_list *list);

// The token for Globus Compute out of an answer of the token service; that for others goes to
// `others`, unless that is NULL: their refresh tokens, or access tokens without one. `client` is
// whose answer it is. SL_E_NETWORK when the service refused (its code, if that is one), SL_E_FORMAT
// when the answer is none.
bool token_read(long status, const char *body, size_t len, const char *client, int64_t now,
		struct token *out, struct secret_list *others, struct sl_error *err) SL_MUST_USE;

// The subject of an id_token made for `client`; its signature is that of the connection it came by.
bool id_token_subject(const char *text, const char *client, char **subject_out,
		      struct sl_error *err) SL_MUST_USE;

// ---- asking the token service: grant.c -----------------------------------------------------

struct grant {
	struct http *http;
	const char *auth;	       // base URL
	const char *client;	       // id
	const struct secret *password; // of a confidential client; NULL for a native one
	bool once;		       // what is redeemed is good for one time
};
// Posts `form` and reads the answer.
bool grant_ask(const struct grant *grant, const struct secret *form, struct token *out,
	       struct secret_list *others, struct sl_error *err) SL_MUST_USE;
bool grant_revoke(const struct grant *grant, const struct secret *token,
		  struct sl_error *err) SL_MUST_USE;

// ---- stored logins: storage.c, own.c, given.c ----------------------------------------------

struct stored {
	bool found;
	struct token token;
	char *client; // that the refresh token belongs to; NULL for SECRET_FILE_CALLER
	char *where;  // the file
	char *environment, *auth, *compute; // that it was made for: of our own alone
};
void stored_release(struct stored *stored);

// The row of the SDK's storage.db. SL_E_INPUT when it cannot be used.
bool storage_load(const char *environment, struct stored *out, struct sl_strings *warnings,
		  struct sl_error *err) SL_MUST_USE;
// Puts a refreshed token into the row that still holds the refresh token `used`, keeping whatever
// else the row says. Nothing is written when there is no such row (any more).
bool storage_save(const char *environment, const struct stored *stored, const struct secret *used,
		  struct sl_error *err) SL_MUST_USE;
// Reads a row's token_data_json.
bool storage_read_row(const char *text, size_t len, const char *shown, struct token *out,
		      struct sl_error *err) SL_MUST_USE;

// Our own login.json, whatever services it was made for.
bool own_load(struct stored *out, struct sl_strings *warnings, struct sl_error *err) SL_MUST_USE;
bool own_fits(const struct stored *stored, const struct auth_places *places);
// `used` NULL: a new login, replacing any. Else as for storage_save().
bool own_save(const struct stored *stored, const struct secret *used,
	      struct sl_error *err) SL_MUST_USE;
bool own_remove(bool *was_there_out, struct sl_error *err) SL_MUST_USE;
bool own_path(char **path_out, struct sl_error *err) SL_MUST_USE;
bool own_read(const char *text, size_t len, const char *shown, struct stored *out,
	      struct sl_error *err) SL_MUST_USE;

// A file that the caller names: JSON with access_token and perhaps expires_at_seconds, or the bare
// token.
bool given_load(const char *path, struct stored *out, struct sl_strings *warnings,
		struct sl_error *err) SL_MUST_USE;
bool given_read(const char *text, size_t len, const char *shown, struct token *out,
		struct sl_error *err) SL_MUST_USE;

// RFC 7636: base64url of the SHA-256 of the verifier. Owned.
char *pkce_challenge(const char *verifier);

bool auth_is_uuid(const char *text);

#endif
