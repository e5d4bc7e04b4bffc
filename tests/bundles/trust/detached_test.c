// SPDX-License-Identifier: Apache-2.0
// bundles/trust/detached.c: names of detached signatures, and a folder of them.
#include "tests/bundles/trust/fixtures.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static char folder[32];

static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "detached-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	sl_auto_free char *command = sl_format("rm -rf '%s'", folder);
	return system(command);
}

static void put(const char *leaf, size_t len)
{
	struct sl_error err = {0};
	sl_auto_free char *path = sl_path_join(folder, leaf);
	sl_auto_free char *bytes = sl_alloc(len + 1);
	memset(bytes, 'x', len);
	if (!sl_store_file(path, bytes, len, 0600, SL_OUTPUT_NEW | SL_OUTPUT_NO_SYNC, &err))
		fail_msg("%s", err.text);
}

static size_t load(struct sl_error *err)
{
	struct raw_signatures list = {0};
	struct sl_digest bundle;
	assert_true(sl_digest_parse(A, &bundle));
	bool good = detached_load(folder, &bundle, &list, err);
	size_t len = list.len;
	for (size_t i = 1; i < len; i++)
		assert_true(strcmp(list.items[i - 1].member, list.items[i].member) < 0);
	raw_signatures_release(&list);
	return good ? len : SIZE_MAX;
}

static void names_are_strict(void **state)
{
	(void)state;
	static const struct {
		const char *leaf;
		bool good;
		enum role role;
	} cases[] = {
		{A "." B ".minisig", true, ROLE_APPROVE},
		{A "." B ".revoke.minisig", true, ROLE_REVOKE},
		{A "-" B ".minisig", false, 0},
		{A "." B "minisig", false, 0},
		{A "." B ".approve.minisig", false, 0},
		{A "." B ".minisig.old", false, 0},
		{A "." B ".revoke", false, 0},
		{A ".minisig", false, 0},
		{A "a." B ".minisig", false, 0},
		{"A" A "." B ".minisig", false, 0},
		{"", false, 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		enum role role;
		struct sl_digest bundle;
		char fingerprint[65];
		bool good = detached_name_parse(cases[i].leaf, &role, &bundle, fingerprint);
		if (good != cases[i].good || (good && role != cases[i].role))
			fail_msg("'%s'", cases[i].leaf);
		if (good)
			assert_string_equal(fingerprint, B);
	}
}

static void only_files_of_this_bundle_are_opened(void **state)
{
	(void)state;
	struct sl_error err = {0};
	put(A "." B ".minisig", 10);
	put(A "." B ".revoke.minisig", 10);
	put(B "." A ".minisig", 10);
	put("README", 10);
	sl_auto_free char *link = sl_path_join(folder, B "." B ".minisig");
	assert_int_equal(symlink("/dev/zero", link), 0);
	assert_int_equal(load(&err), 2);
}

static void t03_a_link_or_a_device_is_refused(void **state)
{
	(void)state;
	struct sl_error err = {0};
	sl_auto_free char *link = sl_path_join(folder, A "." B ".minisig");
	assert_int_equal(symlink("/dev/zero", link), 0);
	assert_int_equal(load(&err), SIZE_MAX);
	assert_int_equal(err.kind, SL_E_INPUT);
}

static void t33_so_many_and_no_more(void **state)
{
	(void)state;
	struct sl_error err = {0};
	for (size_t i = 0; i < SL_LIMIT_SIGNATURES; i++) {
		sl_auto_free char *leaf = sl_format(A ".%064zx.minisig", i);
		put(leaf, 1);
	}
	assert_int_equal(load(&err), SL_LIMIT_SIGNATURES);
	put(A "." B ".minisig", 1);
	assert_int_equal(load(&err), SIZE_MAX);
	assert_int_equal(err.kind, SL_E_LIMIT);
}

static void t19_no_more_of_a_file_is_read_than_a_signature_has(void **state)
{
	(void)state;
	struct sl_error err = {0};
	struct raw_signatures list = {0};
	struct sl_digest bundle;
	assert_true(sl_digest_parse(A, &bundle));
	put(A "." B ".minisig", SL_LIMIT_SIGNATURE + 100000);
	put(A "." A ".minisig", SL_LIMIT_SIGNATURE);
	assert_true(detached_load(folder, &bundle, &list, &err));
	assert_int_equal(list.items[0].len, SL_LIMIT_SIGNATURE);
	assert_int_equal(list.items[1].len, SL_LIMIT_SIGNATURE + 1); // and so malformed
	raw_signatures_release(&list);
}

static void a_folder_that_is_not_there(void **state)
{
	(void)state;
	struct sl_error err = {0};
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(load(&err), SIZE_MAX);
	assert_int_equal(err.kind, SL_E_IO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_are_strict),
		TEST(only_files_of_this_bundle_are_opened),
		TEST(t03_a_link_or_a_device_is_refused),
		TEST(t33_so_many_and_no_more),
		TEST(t19_no_more_of_a_file_is_read_than_a_signature_has),
		TEST(a_folder_that_is_not_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
