// SPDX-License-Identifier: Apache-2.0
// How a command signs: with which key, and as of when. compile, approve and revoke.
#ifndef COMMANDS_SIGNING_H
#define COMMANDS_SIGNING_H

#include "bundles/base/options.h"
#include "bundles/commands/signer.h"
#include "bundles/trust/trust.h"

// The options of every command that signs.
struct signing_options {
	const char *key, *password_file, *time;
	const char *signer, *public_key;
	struct signer helper; // signing_before() starts it
};

// clang-format off
#define SIGNING_OPTIONS(type, member)                                                         \
	{"key", 'k', SL_OPT_STRING, offsetof(type, member.key), "KEY",                        \
	 "the secret key to sign with (default: sealift.key of the configuration folder)"},   \
	{"password-file", 0, SL_OPT_STRING, offsetof(type, member.password_file), "FILE",     \
	 "read the key's password from the first line of FILE"},                              \
	{"signer", 0, SL_OPT_STRING, offsetof(type, member.signer), "COMMAND",                \
	 "let COMMAND sign instead of a key file: it gets the trusted comment and the bytes"}, \
	{"public-key", 0, SL_OPT_STRING, offsetof(type, member.public_key), "PUB",            \
	 "the public key of --signer (default: sealift.pub of the configuration folder)"},    \
	{"signing-time", 0, SL_OPT_STRING, offsetof(type, member.time), "TIME",               \
	 "the time to sign (RFC 3339, UTC; default: SOURCE_DATE_EPOCH, else now)"}
// clang-format on

// --signing-time, else SOURCE_DATE_EPOCH, else the clock; seconds since 1970. SL_E_USAGE.
bool signing_time(const struct signing_options *options, int64_t *time_out,
		  struct sl_error *err) SL_MUST_USE;

// Starts the helper of --signer: to be called before the sandbox, which forbids that.
bool signing_before(struct signing_options *options, struct sl_error *err) SL_MUST_USE;

// A key file that has been unlocked, or a signer and the public key that it has to sign with.
struct signing {
	struct secret_key *key; // owned; NULL with a signer
	struct signer helper;	// of the options
	struct public_key public;
};

// Loads the key, which may ask for its password, or the public key of the signer.
bool signing_begin(const struct signing_options *options, struct signing *out,
		   struct sl_error *err) SL_MUST_USE;
void signing_end(struct signing *signing);

// signature_make(), by whichever of the two. What a signer hands back is a signature of these bytes
// and this statement by that public key, or an error.
bool signing_make(const struct signing *signing, const struct statement *statement,
		  const void *message, size_t len, char **text_out,
		  struct sl_error *err) SL_MUST_USE;

// What a signature of this bundle says.
struct statement signing_statement(enum role role, const struct sl_digest *bundle, const char *name,
				   const char *version, int64_t time);

#endif
