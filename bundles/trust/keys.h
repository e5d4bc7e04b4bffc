// SPDX-License-Identifier: Apache-2.0
// Keys: minisign's files. specs/signatures.md is the law.
#ifndef SL_TRUST_KEYS_H
#define SL_TRUST_KEYS_H

#include "bundles/base/base.h"

// The id is a hint (anybody can choose it); identity is the 32 bytes, compared whole (T34).
struct public_key {
	unsigned char id[8];
	unsigned char key[32];
};

struct secret_key; // lives in sodium_malloc memory

// Strict: two lines, or the one base64 line alone; the point must be canonical and of the large
// order group (T37). SL_E_INPUT "file:line: …".
bool public_key_parse(const char *text, size_t len, const char *shown, struct public_key *out,
		      struct sl_error *err) SL_MUST_USE;
bool public_key_load(const char *path, struct public_key *out, struct sl_error *err) SL_MUST_USE;
bool public_key_equal(const struct public_key *a, const struct public_key *b); // the 32 bytes
void public_key_base64(const struct public_key *key, char out[57]);
void public_key_fingerprint(const struct public_key *key,
			    char hex_out[65]);			    // sha256 of the 32 bytes
void public_key_id_hex(const struct public_key *key, char out[17]); // as minisign prints it

// Gives the password of a key that has one, in memory of sodium_malloc() that is wiped and
// freed for it. Unlocking takes SL_LIMIT_KDF_MEMORY bytes afterwards: here is the place to say so.
typedef bool secret_key_asker(void *context, char **password_out, struct sl_error *err);
// The file is read once. `ask` is called for a key with a password only; NULL: such keys are
// refused. The public half is derived and compared (T38).
bool secret_key_load(const char *path, secret_key_asker *ask, void *context,
		     struct secret_key **key_out, struct sl_error *err) SL_MUST_USE;
bool secret_key_needs_password(const char *path, bool *needs_out, struct sl_error *err) SL_MUST_USE;
// From the text of the file; `password` may be NULL for keys without one.
bool secret_key_parse(const char *text, size_t len, const char *shown, const char *password,
		      struct secret_key **key_out, struct sl_error *err) SL_MUST_USE;
void secret_key_free(struct secret_key *key); // wipes; NULL is fine
#define auto_secret_key __attribute__((cleanup(secret_key_cleanup)))
static inline void secret_key_cleanup(struct secret_key **key)
{
	secret_key_free(*key);
}
// A sentence for the command to print when other people can read or replace the file (T39), or
// NULL.
const char *secret_key_warning(const struct secret_key *key);
const struct public_key *secret_key_public(const struct secret_key *key);
// Makes NAME.key (0600) and NAME.pub (0644); neither may exist. password NULL = none. Refuses a
// folder that everybody may write to.
bool key_generate(const char *name, const char *password, struct public_key *public_out,
		  struct sl_error *err) SL_MUST_USE;

#endif
