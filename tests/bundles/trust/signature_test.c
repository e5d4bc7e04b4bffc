// SPDX-License-Identifier: Apache-2.0
// bundles/trust/signature.c: making, reading and checking minisign signatures.
#include "bundles/trust/signature.h"

#include "tests/bundles/trust/fixtures.h"

static const char message[] = "{\"format\":1}\n";
#define MESSAGE_LEN (sizeof message - 1)

static bool verify_text(const char *text, const struct public_key *key, const void *bytes,
			size_t len)
{
	struct signature signature;
	struct sl_error err = {0};
	unsigned char hash[MESSAGE_HASH_SIZE];
	message_hash(bytes, len, hash);
	return signature_parse(text, strlen(text), &signature, &err) &&
	       signature_verify(&signature, key, hash);
}

static void makes_what_it_reads(void **state)
{
	(void)state;
	struct secret_key *key = fixture_key(5), *other = fixture_key(6);
	struct statement statement = fixture_statement(message, MESSAGE_LEN);
	sl_auto_free char *text = fixture_sign(key, &statement, message, MESSAGE_LEN);
	assert_true(verify_text(text, secret_key_public(key), message, MESSAGE_LEN));
	assert_false(verify_text(text, secret_key_public(other), message, MESSAGE_LEN));
	assert_false(verify_text(text, secret_key_public(key), "{\"format\":2}\n", MESSAGE_LEN));
	assert_false(verify_text(text, secret_key_public(key), message, MESSAGE_LEN - 1));
	secret_key_free(key);
	secret_key_free(other);
}

static void same_input_gives_the_same_signature(void **state)
{
	(void)state;
	struct secret_key *key = fixture_key(5);
	struct statement statement = fixture_statement(message, MESSAGE_LEN);
	sl_auto_free char *first = fixture_sign(key, &statement, message, MESSAGE_LEN);
	sl_auto_free char *second = fixture_sign(key, &statement, message, MESSAGE_LEN);
	assert_string_equal(first, second);
	secret_key_free(key);
}

// Made by `minisign -S -W -t 'sealift:1 x'` (0.11) over "hello\n".
static void reads_what_minisign_signed(void **state)
{
	(void)state;
	static const char text[] = "untrusted comment: signature from minisign secret key\n"
				   "RUSDYeEpcIsUTIE95Z8yxDSENJufT10YYUy/rLI/"
				   "KeMKepMxmg7eB8e+c+0ZvOow3x1oomZdgLIuBKXa3GwGmeP9QWWInySnfgM=\n"
				   "trusted comment: sealift:1 x\n"
				   "qIX4s9xRZ4TJMTF+tXQ/nMVVdxy/"
				   "mHLnQnqnWZ2lB4wySli4WBteAcpUjNmpzDHCoYioqfduTfNuzo36djwqAA==\n";
	static const char public[] = "RWSDYeEpcIsUTKW1C4RUgZTX/9SeHZ6DFvC1nYYJahlLpxt16eIDl1oq";
	struct public_key key;
	struct sl_error err = {0};
	assert_true(public_key_parse(public, strlen(public), "x", &key, &err));
	assert_true(verify_text(text, &key, "hello\n", 6));
}

// The property that makes tampering visible: no byte of the file is free.
static void t16_every_byte_of_the_file_matters(void **state)
{
	(void)state;
	struct secret_key *key = fixture_key(5);
	struct statement statement = fixture_statement(message, MESSAGE_LEN);
	sl_auto_free char *text = fixture_sign(key, &statement, message, MESSAGE_LEN);
	unsigned char hash[MESSAGE_HASH_SIZE];
	message_hash(message, MESSAGE_LEN, hash);
	size_t len = strlen(text), accepted = 0;
	for (size_t at = 0; at < len; at++) {
		for (int value = 0; value < 256; value++) {
			char old = text[at];
			struct signature signature;
			struct sl_error err = {0};
			if ((unsigned char)old == value)
				continue;
			text[at] = (char)value;
			// the key's id is not signed: it only chooses the key to try
			accepted += signature_parse(text, len, &signature, &err) &&
				    memcmp(signature.key_id, secret_key_public(key)->id, 8) == 0 &&
				    signature_verify(&signature, secret_key_public(key), hash);
			text[at] = old;
		}
	}
	assert_int_equal(accepted, 0);
	secret_key_free(key);
}

static void t75_truncated_or_longer_texts_are_refused(void **state)
{
	(void)state;
	struct secret_key *key = fixture_key(5);
	struct statement statement = fixture_statement(message, MESSAGE_LEN);
	sl_auto_free char *text = fixture_sign(key, &statement, message, MESSAGE_LEN);
	sl_auto_free char *longer = sl_format("%s\n", text);
	struct signature signature;
	for (size_t len = 0; len < strlen(text); len++) {
		struct sl_error err = {0};
		assert_false(signature_parse(text, len, &signature, &err));
	}
	struct sl_error err = {0};
	assert_fails(signature_parse(longer, strlen(longer), &signature, &err), err, SL_E_FORMAT,
		     "four lines");
	secret_key_free(key);
}

// Only the trusted comment has no fixed length.
static void t19_signatures_as_long_as_they_may_be(void **state)
{
	(void)state;
	struct secret_key *key = fixture_key(5);
	struct statement statement = fixture_statement(message, MESSAGE_LEN);
	sl_auto_free char *text = fixture_sign(key, &statement, message, MESSAGE_LEN);
	size_t at = 0;
	for (int lines = 0; lines < 2; at++)
		lines += text[at] == '\n';
	at += strlen("trusted comment: ");
	char filling[SL_LIMIT_SIGNATURE] = {0};
	memset(filling, 'x', SL_LIMIT_SIGNATURE - strlen(text));
	for (int more = 0; more < 2; more++) {
		struct sl_error err = {0};
		struct signature signature;
		sl_auto_free char *longer =
			sl_format("%.*s%s%s%s", (int)at, text, filling, more ? "x" : "", text + at);
		assert_int_equal(strlen(longer), SL_LIMIT_SIGNATURE + more);
		if (more)
			assert_fails(signature_parse(longer, strlen(longer), &signature, &err), err,
				     SL_E_FORMAT, "larger than 1024 bytes");
		else
			assert_true(signature_parse(longer, strlen(longer), &signature, &err));
	}
	secret_key_free(key);
}

static void t36_control_characters_in_comments_are_refused(void **state)
{
	(void)state;
	static const char *const comments[] = {"a\x1b[2Jb", "a\rb", "a\tb", "a\177b",
					       "caf\xc3\xa9"};
	struct secret_key *key = fixture_key(5);
	for (size_t i = 0; i < sizeof comments / sizeof *comments; i++) {
		char record[101], second[89];
		unsigned char zero[74] = {'E', 'D'};
		struct signature signature;
		struct sl_error err = {0};
		base64_encode(zero, 74, record);
		base64_encode(zero, 64, second);
		sl_auto_free char *text =
			sl_format("untrusted comment: signature from minisign secret key\n%s\n"
				  "trusted comment: %s\n%s\n",
				  record, comments[i], second);
		assert_false(signature_parse(text, strlen(text), &signature, &err));
	}
	secret_key_free(key);
}

static void t30_the_legacy_algorithm_is_refused(void **state)
{
	(void)state;
	unsigned char record[74] = {'E', 'd'};
	char first[101], second[89];
	struct signature signature;
	struct sl_error err = {0};
	base64_encode(record, 74, first);
	base64_encode(record, 64, second);
	sl_auto_free char *text =
		sl_format("untrusted comment: signature from minisign secret key\n%s\n"
			  "trusted comment: x\n%s\n",
			  first, second);
	assert_fails(signature_parse(text, strlen(text), &signature, &err), err, SL_E_FORMAT,
		     "not a prehashed");
}

// S + L instead of S: the same signature for a verifier that does not look (T37).
static void t37_s_above_the_order_is_refused(void **state)
{
	(void)state;
	static const unsigned char order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
						0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
						0,    0,    0,	  0,	0,    0,    0,	  0,
						0,    0,    0,	  0,	0,    0,    0,	  0x10};
	struct secret_key *key = fixture_key(5);
	struct statement statement = fixture_statement(message, MESSAGE_LEN);
	sl_auto_free char *text = fixture_sign(key, &statement, message, MESSAGE_LEN);
	struct signature signature;
	struct sl_error err = {0};
	unsigned char hash[MESSAGE_HASH_SIZE];
	message_hash(message, MESSAGE_LEN, hash);
	assert_true(signature_parse(text, strlen(text), &signature, &err));
	assert_true(signature_verify(&signature, secret_key_public(key), hash));
	unsigned carry = 0;
	for (size_t i = 0; i < 32; i++) {
		carry += (unsigned)signature.bytes[32 + i] + order[i];
		signature.bytes[32 + i] = (unsigned char)carry;
		carry >>= 8;
	}
	assert_int_equal(carry, 0);
	assert_false(signature_verify(&signature, secret_key_public(key), hash));
	secret_key_free(key);
}

// With a small-order key and R, S = 0 signs every message for a verifier that does not look (T37).
static void t37_small_order_key_and_r_sign_nothing(void **state)
{
	(void)state;
	struct public_key key = {.key = {1}}; // the identity
	struct signature signature = {.bytes = {1}, .comment_bytes = {1}, .comment = "x"};
	unsigned char hash[MESSAGE_HASH_SIZE];
	message_hash(message, MESSAGE_LEN, hash);
	assert_false(signature_verify(&signature, &key, hash));
	// ... and a small-order R alone with an honest key
	struct secret_key *honest = fixture_key(5);
	assert_false(signature_verify(&signature, secret_key_public(honest), hash));
	secret_key_free(honest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_what_it_reads),
		cmocka_unit_test(same_input_gives_the_same_signature),
		cmocka_unit_test(reads_what_minisign_signed),
		cmocka_unit_test(t16_every_byte_of_the_file_matters),
		cmocka_unit_test(t75_truncated_or_longer_texts_are_refused),
		cmocka_unit_test(t19_signatures_as_long_as_they_may_be),
		cmocka_unit_test(t36_control_characters_in_comments_are_refused),
		cmocka_unit_test(t30_the_legacy_algorithm_is_refused),
		cmocka_unit_test(t37_s_above_the_order_is_refused),
		cmocka_unit_test(t37_small_order_key_and_r_sign_nothing),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
