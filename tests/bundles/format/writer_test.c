// SPDX-License-Identifier: Apache-2.0
#include "tests/bundles/format/fixture.h"

#include <signal.h>
#include <sys/resource.h>

static void t69_same_input_same_bytes(void **state)
{
	struct fixture *fixture = *state;
	sl_auto_free char *again = sl_path_join(fixture->folder, "b.sealift");
	struct sl_digest one = must_seal(fixture), two;
	mode_t before = umask(0077);
	struct seal_blob first = fixture->blobs.items[0]; // another order, and one of them twice
	fixture->blobs.items[0] = fixture->blobs.items[1];
	fixture->blobs.items[1] = first;
	struct seal_blob *third = sl_list_add(&fixture->blobs);
	*third = first;
	third->path = sl_strdup(first.path);
	assert_true(fixture_seal(fixture, again, &two));
	umask(before);
	assert_true(sl_digest_equal(&one, &two));
	assert_true(same_bytes(fixture->path, again));
	struct stat st;
	assert_int_equal(stat(again, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
}

static void signature_does_not_change_the_id(void **state)
{
	struct fixture *fixture = *state;
	struct sl_digest one = must_seal(fixture), two;
	free(fixture->signature);
	fixture->signature = sl_alloc(SL_LIMIT_SIGNATURE + 1);
	memset(fixture->signature, 's', SL_LIMIT_SIGNATURE);
	assert_true(fixture_seal(fixture, fixture->path, &two));
	assert_true(sl_digest_equal(&one, &two));
	assert_true(read_all(fixture->path, &fixture->err));
}

static void no_blobs_at_all(void **state)
{
	struct fixture *fixture = *state;
	size_t len = fixture->blobs.len;
	fixture->blobs.len = 0;
	must_seal(fixture);
	fixture->blobs.len = len;
	assert_true(read_all(fixture->path, &fixture->err));
}

static void blobs_of_many_sizes(void **state)
{
	struct fixture *fixture = *state;
	static const size_t sizes[] = {0,      1,      511,	512,	  513,	    524287,
				       524288, 524289, 1048576, 16777215, 16777216, 17000001};
	sl_auto_free char *bytes = sl_alloc(17000001 + 16);
	for (size_t i = 0; i < 17000001 + 16; i++)
		bytes[i] = (char)(i * 7 ^ i >> 11);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		char leaf[32];
		snprintf(leaf, sizeof leaf, "blob-%zu", i);
		fixture_add_blob(fixture, leaf, bytes + i, sizes[i]);
	}
	must_seal(fixture);
	if (!read_all(fixture->path, &fixture->err))
		fail_msg("%s", fixture->err.text);
}

// ---- whole or not at all -------------------------------------------------------------------

// A failing seal leaves an older bundle as it was, no file where there was none, and no temporary.
static void expect_untouched(struct fixture *fixture, enum sl_kind kind, const char *part)
{
	struct sl_digest id;
	size_t before = fixture_count_files(fixture);
	expect_refused(fixture_seal(fixture, fixture->path, &id), &fixture->err, kind, part);
	assert_int_equal(fixture_count_files(fixture), before);
	assert_int_equal(access(fixture->path, F_OK), -1);
	store(fixture->path, "the old one", 11);
	expect_refused(fixture_seal(fixture, fixture->path, &id), &fixture->err, kind, part);
	assert_int_equal(fixture_count_files(fixture), before + 1);
	size_t len;
	sl_auto_free char *kept = slurp(fixture->path, &len);
	assert_int_equal(len, 11);
	assert_memory_equal(kept, "the old one", 11);
}

static void t72_changed_blob_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	store(fixture->blobs.items[1].path, "sEcond blob", 11);
	expect_untouched(fixture, SL_E_FORMAT, "two.whl': it has sha256");
}

static void t72_longer_blob_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	store(fixture->blobs.items[1].path, "second blob!", 12);
	expect_untouched(fixture, SL_E_FORMAT, "two.whl': it has 12 bytes, but 11 were locked");
}

static void t72_shorter_blob_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	store(fixture->blobs.items[1].path, "second blo", 10);
	expect_untouched(fixture, SL_E_FORMAT, "two.whl': it has 10 bytes, but 11 were locked");
}

static void t72_missing_blob_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	unlink(fixture->blobs.items[0].path);
	expect_untouched(fixture, SL_E_IO, "one.whl");
}

static void t72_changed_long_blob_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	size_t len = 17 * SL_MIB;
	sl_auto_free char *bytes = sl_alloc(len);
	fixture_add_blob(fixture, "big", bytes, len);
	bytes[len - 1] = 1;
	store(fixture->blobs.items[2].path, bytes, len);
	expect_untouched(fixture, SL_E_FORMAT, "big': it has sha256");
}

static void a_folder_as_blob_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	free(fixture->blobs.items[0].path);
	fixture->blobs.items[0].path = sl_strdup(fixture->folder);
	expect_untouched(fixture, SL_E_IO, "folder");
}

static void refusing_signer_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	free(fixture->signature);
	fixture->signature = NULL;
	expect_untouched(fixture, SL_E_INPUT, "the signer said no");
}

static void signature_past_its_limit_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	free(fixture->signature);
	fixture->signature = sl_alloc(SL_LIMIT_SIGNATURE + 2);
	memset(fixture->signature, 's', SL_LIMIT_SIGNATURE + 1);
	expect_untouched(fixture, SL_E_LIMIT, "1025 bytes");
	fixture->signature[0] = '\0';
	struct sl_digest id;
	expect_refused(fixture_seal(fixture, fixture->path, &id), &fixture->err, SL_E_LIMIT,
		       "0 bytes");
}

static void one_digest_with_two_sizes_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct seal_blob *again = sl_list_add(&fixture->blobs);
	*again = fixture->blobs.items[0];
	again->path = sl_strdup(again->path);
	again->size++;
	expect_untouched(fixture, SL_E_FORMAT, "two sizes");
}

static void bad_content_name_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	fixture_add_content(fixture, "z/../../etc", "", 0);
	expect_untouched(fixture, SL_E_FORMAT, "'z/../../etc' is not a name");
	assert_int_equal(fixture->signed_times, 0); // nothing was signed for it
}

static void t74_no_room_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct rlimit old, small = {4096, 4096};
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	struct sl_digest id;
	size_t before = fixture_count_files(fixture);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	bool ok = fixture_seal(fixture, fixture->path, &id);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	expect_refused(ok, &fixture->err, SL_E_IO, "File too large");
	assert_int_equal(fixture_count_files(fixture), before);
}

static void t74_no_folder_is_said_before_anything_is_signed(void **state)
{
	struct fixture *fixture = *state;
	struct sl_digest id;
	sl_auto_free char *path = sl_path_join(fixture->folder, "nowhere/a.sealift");
	expect_refused(fixture_seal(fixture, path, &id), &fixture->err, SL_E_IO, "nowhere");
	assert_int_equal(fixture->signed_times, 0);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(t69_same_input_same_bytes),
		WITH(signature_does_not_change_the_id),
		WITH(no_blobs_at_all),
		WITH(blobs_of_many_sizes),
		WITH(t72_changed_blob_leaves_nothing),
		WITH(t72_longer_blob_leaves_nothing),
		WITH(t72_shorter_blob_leaves_nothing),
		WITH(t72_missing_blob_leaves_nothing),
		WITH(t72_changed_long_blob_leaves_nothing),
		WITH(a_folder_as_blob_leaves_nothing),
		WITH(refusing_signer_leaves_nothing),
		WITH(signature_past_its_limit_leaves_nothing),
		WITH(one_digest_with_two_sizes_leaves_nothing),
		WITH(bad_content_name_leaves_nothing),
		WITH(t74_no_room_leaves_nothing),
		WITH(t74_no_folder_is_said_before_anything_is_signed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
