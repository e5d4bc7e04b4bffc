// SPDX-License-Identifier: Apache-2.0
// bundles/trust/secret_key.c: key files with and without a password.
#include "tests/bundles/trust/fixtures.h"

struct raw {
	unsigned char bytes[158];
};

static struct raw raw_of(const char *text)
{
	struct raw raw;
	const char *base64 = strchr(text, '\n') + 1;
	assert_true(base64_decode(base64, BASE64_LEN(158), raw.bytes, 158));
	return raw;
}

static void text_of(const struct raw *raw, char text_out[400])
{
	char base64[BASE64_LEN(158) + 1];
	base64_encode(raw->bytes, 158, base64);
	snprintf(text_out, 400, "untrusted comment: x\n%s\n", base64);
}

static bool parse(const char *text, const char *password, struct sl_error *err)
{
	struct secret_key *key = NULL;
	bool ok = secret_key_parse(text, strlen(text), "x.key", password, &key, err);
	secret_key_free(key);
	return ok;
}

// Locks an open record as minisign would, with costs small enough for a test.
static void lock_raw(struct raw *raw, const char *password, uint64_t ops, uint64_t memory)
{
	unsigned char stream[104];
	crypto_generichash_state hash;
	raw->bytes[2] = 'S';
	raw->bytes[3] = 'c';
	memset(raw->bytes + 6, 0x5a, 32);
	for (size_t i = 0; i < 8; i++) {
		raw->bytes[38 + i] = (unsigned char)(ops >> (8 * i));
		raw->bytes[46 + i] = (unsigned char)(memory >> (8 * i));
	}
	crypto_generichash_init(&hash, NULL, 0, 32);
	crypto_generichash_update(&hash, raw->bytes, 2);
	crypto_generichash_update(&hash, raw->bytes + 54, 72);
	crypto_generichash_final(&hash, raw->bytes + 126, 32);
	assert_int_equal(crypto_pwhash_scryptsalsa208sha256(stream, sizeof stream, password,
							    strlen(password), raw->bytes + 6, ops,
							    (size_t)memory),
			 0);
	for (size_t i = 0; i < sizeof stream; i++)
		raw->bytes[54 + i] ^= stream[i];
}

static void key_without_password_loads(void **state)
{
	(void)state;
	char text[400];
	struct sl_error err = {0};
	fixture_key_text(9, text);
	assert_true(parse(text, NULL, &err));
	assert_true(parse(text, "not needed", &err));
}

static void password_opens_and_a_wrong_one_does_not(void **state)
{
	(void)state;
	char text[400];
	struct sl_error err = {0}, wrong = {0}, none = {0};
	fixture_key_text(9, text);
	struct raw raw = raw_of(text);
	lock_raw(&raw, "correct horse", 32768, 1 << 20);
	text_of(&raw, text);
	assert_true(parse(text, "correct horse", &err));
	assert_fails(parse(text, "correct mule", &wrong), wrong, SL_E_INPUT, "wrong password");
	assert_fails(parse(text, NULL, &none), none, SL_E_INPUT, "needs its password");
}

// A key file from somebody else must not be able to ask for all memory or a week of work.
static void t19_costs_above_the_ceiling_are_refused(void **state)
{
	(void)state;
	static const struct {
		uint64_t ops, memory;
	} costs[] = {{SL_LIMIT_KDF_OPS + 1, 1 << 20},
		     {32768, SL_LIMIT_KDF_MEMORY + 1},
		     {UINT64_MAX, UINT64_MAX}};
	for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) {
		char text[400];
		struct sl_error err = {0};
		fixture_key_text(9, text);
		struct raw raw = raw_of(text);
		raw.bytes[2] = 'S';
		raw.bytes[3] = 'c';
		for (size_t j = 0; j < 8; j++) {
			raw.bytes[38 + j] = (unsigned char)(costs[i].ops >> (8 * j));
			raw.bytes[46 + j] = (unsigned char)(costs[i].memory >> (8 * j));
		}
		text_of(&raw, text);
		assert_fails(parse(text, "pw", &err), err, SL_E_LIMIT, "asks for more");
	}
}

static void t38_a_foreign_public_half_is_refused(void **state)
{
	(void)state;
	char text[400], other[400];
	struct sl_error err = {0};
	fixture_key_text(9, text);
	fixture_key_text(10, other);
	struct raw raw = raw_of(text), foreign = raw_of(other);
	memcpy(raw.bytes + 94, foreign.bytes + 94, 32);
	text_of(&raw, text);
	assert_fails(parse(text, NULL, &err), err, SL_E_INPUT, "public half");
}

static void a_wrong_checksum_is_refused(void **state)
{
	(void)state;
	char text[400];
	struct sl_error err = {0};
	fixture_key_text(9, text);
	struct raw raw = raw_of(text);
	raw.bytes[157] = 1;
	text_of(&raw, text);
	assert_fails(parse(text, NULL, &err), err, SL_E_INPUT, "damaged");
}

static void foreign_algorithms_are_refused(void **state)
{
	(void)state;
	static const size_t places[] = {0, 1, 2, 3, 4, 5};
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		char text[400];
		struct sl_error err = {0};
		fixture_key_text(9, text);
		struct raw raw = raw_of(text);
		raw.bytes[places[i]] ^= 1;
		text_of(&raw, text);
		assert_fails(parse(text, NULL, &err), err, SL_E_INPUT, "unknown");
	}
}

// ---- files ----------------------------------------------------------------------------------

static mode_t mode_of(const char *path)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static int enter_folder(void **state)
{
	static char folder[64];
	snprintf(folder, sizeof folder, P_tmpdir "/sealift-keys.XXXXXX");
	if (!mkdtemp(folder) || chdir(folder) != 0)
		return -1;
	*state = folder;
	return 0;
}

static int leave_folder(void **state)
{
	static const char *const leaves[] = {"k.key", "k.pub", "open/k.key", "open/k.pub"};
	for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++)
		unlink(leaves[i]);
	rmdir("open");
	return chdir("/") == 0 && rmdir(*state) == 0 ? 0 : -1;
}

static void generated_pair_is_readable_and_private(void **state)
{
	(void)state;
	struct sl_error err = {0};
	struct public_key made, loaded;
	struct secret_key *secret = NULL;
	bool needs = true;
	mode_t old = umask(0);
	assert_true(key_generate("k", NULL, &made, &err));
	umask(old);
	assert_int_equal(mode_of("k.key"), 0600);
	assert_int_equal(mode_of("k.pub"), 0644);
	assert_true(public_key_load("k.pub", &loaded, &err));
	assert_memory_equal(&made, &loaded, sizeof made);
	assert_true(secret_key_needs_password("k.key", &needs, &err));
	assert_false(needs);
	assert_true(secret_key_load("k.key", NULL, NULL, &secret, &err));
	assert_memory_equal(secret_key_public(secret), &made, sizeof made);
	assert_null(secret_key_warning(secret));
	secret_key_free(secret);
}

static void t39_a_key_others_can_read_is_warned_of(void **state)
{
	(void)state;
	struct sl_error err = {0};
	struct public_key made;
	struct secret_key *secret = NULL;
	assert_true(key_generate("k", NULL, &made, &err));
	assert_int_equal(chmod("k.key", 0640), 0);
	assert_true(secret_key_load("k.key", NULL, NULL, &secret, &err));
	assert_non_null(secret_key_warning(secret));
	secret_key_free(secret);
}

static void t39_no_key_in_a_folder_that_everybody_may_change(void **state)
{
	(void)state;
	struct sl_error err = {0};
	struct public_key made;
	assert_int_equal(mkdir("open", 0700), 0);
	assert_int_equal(chmod("open", 0777), 0);
	assert_fails(key_generate("open/k", NULL, &made, &err), err, SL_E_INPUT, "everybody");
	assert_int_equal(access("open/k.key", F_OK), -1);
}

static void existing_files_are_never_overwritten(void **state)
{
	(void)state;
	static const char *const files[] = {"k.key", "k.pub"};
	for (size_t i = 0; i < 2; i++) {
		struct sl_error err = {0};
		struct public_key made;
		assert_true(sl_store_file(files[i], "mine", 4, 0600, SL_OUTPUT_NEW, &err));
		assert_fails(key_generate("k", NULL, &made, &err), err, SL_E_IO, "exists already");
		assert_int_equal(access(files[1 - i], F_OK), -1); // nothing half-made
		unlink(files[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_without_password_loads),
		cmocka_unit_test(password_opens_and_a_wrong_one_does_not),
		cmocka_unit_test(t19_costs_above_the_ceiling_are_refused),
		cmocka_unit_test(t38_a_foreign_public_half_is_refused),
		cmocka_unit_test(a_wrong_checksum_is_refused),
		cmocka_unit_test(foreign_algorithms_are_refused),
		cmocka_unit_test_setup_teardown(generated_pair_is_readable_and_private,
						enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(t39_a_key_others_can_read_is_warned_of,
						enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(t39_no_key_in_a_folder_that_everybody_may_change,
						enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(existing_files_are_never_overwritten, enter_folder,
						leave_folder),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
