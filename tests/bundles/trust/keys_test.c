// SPDX-License-Identifier: Apache-2.0
// bundles/trust/keys.c and base64.c: public keys, strictly.
#include "tests/bundles/trust/fixtures.h"

// Made by minisign 0.11.
#define GOOD_BASE64 "RWSDYeEpcIsUTKW1C4RUgZTX/9SeHZ6DFvC1nYYJahlLpxt16eIDl1oq"
#define GOOD_TEXT   "untrusted comment: minisign public key 4C148B7029E16183\n" GOOD_BASE64 "\n"

static bool parse(const char *text, struct public_key *out, struct sl_error *err)
{
	return public_key_parse(text, strlen(text), "x.pub", out, err);
}

static void reads_what_minisign_wrote(void **state)
{
	(void)state;
	struct public_key key, alone;
	struct sl_error err = {0};
	char base64[57], id[17];
	assert_true(parse(GOOD_TEXT, &key, &err));
	assert_true(parse(GOOD_BASE64, &alone, &err));
	assert_memory_equal(&key, &alone, sizeof key);
	public_key_base64(&key, base64);
	public_key_id_hex(&key, id);
	assert_string_equal(base64, GOOD_BASE64);
	assert_string_equal(id, "4C148B7029E16183");
}

static void other_texts_are_refused_with_the_line(void **state)
{
	(void)state;
	static const struct {
		const char *text, *fragment;
	} cases[] = {
		{"", "x.pub:1: "},
		{"untrusted comment: only\n", "x.pub:1: "},
		{GOOD_TEXT "more\n", "x.pub:1: "},
		{"untrusted comment: a\r\n" GOOD_BASE64 "\r\n", "carriage returns"},
		{"untrusted comment: \x1b[2J\n" GOOD_BASE64 "\n", "x.pub:1: "},
		{"comment: a\n" GOOD_BASE64 "\n", "x.pub:1: "},
		{"untrusted comment: a\n" GOOD_BASE64 "=\n", "x.pub:2: "},
		{"untrusted comment: a\n " GOOD_BASE64 "\n", "x.pub:2: "},
		{"untrusted comment: a\nQUJD\n", "x.pub:2: "},
		// the algorithm's two letters are "ED"
		{"RUSDYeEpcIsUTKW1C4RUgZTX/9SeHZ6DFvC1nYYJahlLpxt16eIDl1oq", "not an Ed25519"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct public_key key;
		struct sl_error err = {0};
		assert_fails(parse(cases[i].text, &key, &err), err, SL_E_INPUT, cases[i].fragment);
	}
}

static void a_secret_key_in_its_place_is_named(void **state)
{
	(void)state;
	char text[400];
	struct public_key key;
	struct sl_error err = {0};
	fixture_key_text(7, text);
	assert_fails(parse(text, &key, &err), err, SL_E_INPUT, "this is a secret key");
}

// Points that some verifiers accept: small order, non-canonical, not on the curve, of mixed order.
static void t37_points_of_no_honest_key_are_refused(void **state)
{
	(void)state;
	static const char *const points[] = {
		// the identity, and order 2, 4, 8
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		// the same ones written with y + p, or with the sign of zero
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"0100000000000000000000000000000000000000000000000000000000000080",
		// y = p + 3: a point of large order, written twice
		"f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		// y = 2: not on the curve
		"0200000000000000000000000000000000000000000000000000000000000000",
	};
	for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
		struct public_key key = {.id = {1, 2, 3}}, again;
		struct sl_error err = {0};
		char base64[57];
		assert_int_equal(sodium_hex2bin(key.key, 32, points[i], 64, NULL, NULL, NULL), 0);
		public_key_base64(&key, base64);
		assert_fails(parse(base64, &again, &err), err, SL_E_INPUT, "forged public key");
	}
}

// B + a point of order 2 verifies the signatures of B with some rules and not with others.
static void t37_a_point_of_mixed_order_is_refused(void **state)
{
	(void)state;
	struct public_key key = {.id = {1}}, again;
	struct sl_error err = {0};
	char base64[57];
	unsigned char order_two[32], honest[32];
	struct secret_key *secret = fixture_key(3);
	memcpy(honest, secret_key_public(secret)->key, 32);
	memset(order_two, 0xff, 32);
	order_two[0] = 0xec;
	order_two[31] = 0x7f;
	// core_ed25519_add accepts both: they are on the curve
	assert_int_equal(crypto_core_ed25519_add(key.key, honest, order_two), 0);
	public_key_base64(&key, base64);
	assert_fails(parse(base64, &again, &err), err, SL_E_INPUT, "forged public key");
	secret_key_free(secret);
}

static void base64_has_one_text_for_each_value(void **state)
{
	(void)state;
	static const char *const bad[] = {"QUI",  "QUI==", "QUJ=", "QU==", "QUI\n", "Q-I=",
					  "Q_I=", "=UI=",  "QUI*", " QUI", "QUIA"};
	unsigned char out[2];
	assert_true(base64_decode("QUI=", 4, out, 2));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(base64_decode(bad[i], strlen(bad[i]), out, 2));
}

// Every text of one changed character decodes to other bytes or to none.
static void base64_characters_cannot_be_swapped(void **state)
{
	(void)state;
	char text[] = "AP/+8n+v";
	unsigned char value[6], changed[6];
	size_t same = 0;
	assert_true(base64_decode(text, 8, value, 6));
	for (size_t at = 0; at < 8; at++) {
		for (int byte = 0; byte < 256; byte++) {
			char old = text[at];
			text[at] = (char)byte;
			same += base64_decode(text, 8, changed, 6) &&
				memcmp(value, changed, 6) == 0;
			text[at] = old;
		}
	}
	assert_int_equal(same, 8); // itself, once at each place
}

static void fingerprint_is_of_the_whole_key(void **state)
{
	(void)state;
	struct public_key a = {.id = {1}, .key = {1}}, b = {.id = {2}, .key = {1}};
	char first[65], second[65];
	public_key_fingerprint(&a, first);
	public_key_fingerprint(&b, second);
	assert_string_equal(first, second); // the id does not matter
	assert_true(public_key_equal(&a, &b));
	b.key[31] = 1;
	public_key_fingerprint(&b, second);
	assert_string_not_equal(first, second);
	assert_false(public_key_equal(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_minisign_wrote),
		cmocka_unit_test(other_texts_are_refused_with_the_line),
		cmocka_unit_test(a_secret_key_in_its_place_is_named),
		cmocka_unit_test(t37_points_of_no_honest_key_are_refused),
		cmocka_unit_test(t37_a_point_of_mixed_order_is_refused),
		cmocka_unit_test(base64_has_one_text_for_each_value),
		cmocka_unit_test(base64_characters_cannot_be_swapped),
		cmocka_unit_test(fingerprint_is_of_the_whole_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
