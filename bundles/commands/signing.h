// SPDX-License-Identifier: Apache-2.0
// How a command signs: with which key, and as of when. compile, approve and revoke.
#ifndef COMMANDS_SIGNING_H
#define COMMANDS_SIGNING_H

#include "bundles/base/options.h"
#include "bundles/trust/trust.h"

// The three options of every command that signs.
struct signing_options {
	const char *key, *password_file, *time;
};

// clang-format off
#define SIGNING_OPTIONS(type, member)                                                         \
	{"key", 'k', SL_OPT_STRING, offsetof(type, member.key), "KEY",                        \
	 "the secret key to sign with (default: sealift.key of the configuration folder)"},   \
	{"password-file", 0, SL_OPT_STRING, offsetof(type, member.password_file), "FILE",     \
	 "read the key's password from the first line of FILE"},                              \
	{"signing-time", 0, SL_OPT_STRING, offsetof(type, member.time), "TIME",               \
	 "the time to sign (RFC 3339, UTC; default: SOURCE_DATE_EPOCH, else now)"}
// clang-format on

// --signing-time, else SOURCE_DATE_EPOCH, else the clock; seconds since 1970. SL_E_USAGE.
bool signing_time(const struct signing_options *options, int64_t *time_out,
		  struct sl_error *err) SL_MUST_USE;

// Loads the key, which may ask for its password. `*key_out` is owned by the caller.
bool signing_key(const struct signing_options *options, struct secret_key **key_out,
		 struct sl_error *err) SL_MUST_USE;

// What a signature of this bundle says.
struct statement signing_statement(enum role role, const struct sl_digest *bundle, const char *name,
				   const char *version, int64_t time);

#endif
