// SPDX-License-Identifier: Apache-2.0
// Keys, statements and small texts that the tests of the trust room share.
#ifndef SL_TESTS_TRUST_FIXTURES_H
#define SL_TESTS_TRUST_FIXTURES_H

#include "bundles/trust/base64.h"
#include "bundles/trust/secret_key.h"
#include "bundles/trust/trust.h"

#include "tests/cmocka_all.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// A key without a password whose seed is `byte` thirty-two times, and whose id is `byte` + 1 eight
// times.
static inline void fixture_key_text(unsigned char byte, char text_out[400])
{
	unsigned char record[158] = {'E', 'd', 0, 0, 'B', '2'}, public[32], sk[64], seed[32];
	char base64[BASE64_LEN(158) + 1];
	memset(seed, byte, sizeof seed);
	memset(record + 54, byte + 1, 8);
	crypto_sign_seed_keypair(public, sk, seed);
	memcpy(record + 62, sk, 64);
	base64_encode(record, sizeof record, base64);
	snprintf(text_out, 400, "untrusted comment: a key for tests\n%s\n", base64);
}

static inline struct secret_key *fixture_key(unsigned char byte)
{
	char text[400];
	struct sl_error err = {0};
	struct secret_key *key = NULL;
	fixture_key_text(byte, text);
	if (!secret_key_parse(text, strlen(text), "fixture", NULL, &key, &err))
		fail_msg("%s", err.text);
	return key;
}

static inline void fixture_trust(struct policy *policy, const struct secret_key *key,
				 const char *name, bool prepare, bool approve)
{
	char copy[64];
	struct sl_error err = {0};
	snprintf(copy, sizeof copy, "%s", name);
	struct policy_key entry = {.name = copy,
				   .key = *secret_key_public(key),
				   .may_prepare = prepare,
				   .may_approve = approve};
	if (!policy_add(policy, &entry, &err))
		fail_msg("%s", err.text);
}

static inline struct statement fixture_statement(const void *message, size_t len)
{
	struct statement statement = {.role = ROLE_PREPARE,
				      .bundle = sl_sha256_bytes(message, len),
				      .name = "tiny",
				      .version = "1.0.0",
				      .time = 1763821562};
	return statement;
}

static inline char *fixture_sign(const struct secret_key *key, const struct statement *statement,
				 const void *message, size_t len)
{
	struct sl_error err = {0};
	char *text = NULL;
	if (!signature_make(key, statement, message, len, &text, &err))
		fail_msg("%s", err.text);
	return text;
}

#define assert_fails(call, err, expected_kind, fragment)                                      \
	do {                                                                                  \
		assert_false(call);                                                           \
		if ((err).kind != (expected_kind) || !strstr((err).text, fragment))           \
			fail_msg("kind %s, text '%s'", sl_kind_name((err).kind), (err).text); \
	} while (0)

#endif
