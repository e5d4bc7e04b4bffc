// SPDX-License-Identifier: Apache-2.0
// tests/data/ed25519: the same verdict as the agent's, on each vector.
#include "bundles/base/fs.h"
#include "bundles/base/json.h"
#include "bundles/trust/signature.h"
#include "tests/bundles/trust/fixtures.h"

#define VECTORS SEALIFT_SOURCE_DIR "/tests/data/ed25519/vectors.json"
#define LEAST	165

static void bytes_of(const json_t *row, const char *member, unsigned char *out, size_t len)
{
	const char *hex = json_string_value(json_object_get(row, member));
	size_t got = 0;
	assert_non_null(hex);
	assert_int_equal(sodium_hex2bin(out, len, hex, strlen(hex), NULL, &got, NULL), 0);
	assert_int_equal(got, len);
}

static bool says(const json_t *row, const char *member, const char *word)
{
	return strcmp(json_string_value(json_object_get(row, member)), word) == 0;
}

static bool key_is_good(const struct public_key *key)
{
	char base64[57];
	struct public_key again;
	struct sl_error err = {0};
	public_key_base64(key, base64);
	if (public_key_parse(base64, strlen(base64), "x.pub", &again, &err))
		return true;
	assert_int_equal(err.kind, SL_E_INPUT);
	assert_non_null(strstr(err.text, "forged public key"));
	return false;
}

static void try_vector(const json_t *row)
{
	struct public_key key = {.id = {1}};
	struct signature signature = {.key_id = {1}};
	unsigned char hash[MESSAGE_HASH_SIZE];
	const char *name = json_string_value(json_object_get(row, "name"));
	bytes_of(row, "public_key", key.key, sizeof key.key);
	bytes_of(row, "hash", hash, sizeof hash);
	bytes_of(row, "signature", signature.bytes, sizeof signature.bytes);
	bytes_of(row, "comment_signature", signature.comment_bytes, sizeof signature.comment_bytes);
	strcpy(signature.comment, json_string_value(json_object_get(row, "comment")));
	if (signature_verify(&signature, &key, hash) != says(row, "verdict", "good"))
		fail_msg("signature: %s", name);
	if (key_is_good(&key) != says(row, "key", "good"))
		fail_msg("key: %s", name);
}

static void t37_every_vector(void **state)
{
	(void)state;
	sl_auto_buf struct sl_buf text;
	struct sl_error err = {0};
	sl_buf_init(&text, 1 << 20);
	if (!sl_read_file(VECTORS, &text, &err))
		fail_msg("%s", err.text);
	sl_auto_json json_t *rows = sl_json_load(text.data, text.len, VECTORS, &err);
	json_t *row;
	size_t at;
	assert_non_null(rows);
	assert_true(json_array_size(rows) >= LEAST);
	json_array_foreach (rows, at, row)
		try_vector(row);
	print_message("%zu vectors\n", json_array_size(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(t37_every_vector)};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
