// SPDX-License-Identifier: Apache-2.0
#include "tests/bundles/format/fixture.h"

static char *approve(unsigned number)
{
	return sl_format("signatures/approve-%064x.minisig", number);
}

static struct bundle_reader *open_gated(struct fixture *fixture, const char *path)
{
	struct bundle_reader *reader;
	fixture->err = (struct sl_error){0};
	if (!bundle_open(path, &reader, &fixture->err) ||
	    !bundle_reader_gate(reader, &fixture->err))
		fail_msg("%s", fixture->err.text);
	return reader;
}

static bool attach(struct fixture *fixture, const char *member, const char *text, size_t len)
{
	struct bundle_reader *reader = open_gated(fixture, fixture->path);
	sl_auto_free char *name = sl_strdup(member);
	sl_auto_free char *bytes = sl_strndup(text, len);
	struct raw_signature added = {name, bytes, len};
	bool ok = bundle_attach(reader, &added, 1, fixture->path, &fixture->err);
	bundle_close(reader);
	return ok;
}

static void attached_in_any_order_gives_the_same_file(void **state)
{
	struct fixture *fixture = *state;
	struct sl_digest id = must_seal(fixture);
	sl_auto_free char *one = approve(1);
	sl_auto_free char *two = approve(2);
	sl_auto_free char *copy = sl_path_join(fixture->folder, "copy.sealift");
	struct bundle_reader *reader = open_gated(fixture, fixture->path);
	struct raw_signature both[] = {{two, fixture->signature, 20}, {one, fixture->signature, 9}};
	assert_true(bundle_attach(reader, both, 2, copy, &fixture->err));
	bundle_close(reader);

	assert_true(attach(fixture, two, fixture->signature, 20));
	assert_true(attach(fixture, one, fixture->signature, 9));
	assert_true(same_bytes(copy, fixture->path));
	assert_true(read_all(copy, &fixture->err));
	reader = open_gated(fixture, copy);
	struct sl_digest found = bundle_id(reader);
	assert_true(sl_digest_equal(&found, &id));
	size_t len;
	const struct raw_signature *signatures = bundle_signatures(reader, &len);
	assert_int_equal(len, 3);
	assert_string_equal(signatures[0].member, "signatures/prepare.minisig");
	assert_string_equal(signatures[1].member, one);
	assert_int_equal(signatures[2].len, 20);
	bundle_close(reader);
}

static void attaching_nothing_copies(void **state)
{
	struct fixture *fixture = *state;
	must_seal(fixture);
	sl_auto_free char *copy = sl_path_join(fixture->folder, "copy.sealift");
	struct bundle_reader *reader = open_gated(fixture, fixture->path);
	assert_true(bundle_attach(reader, NULL, 0, copy, &fixture->err));
	bundle_close(reader);
	assert_true(same_bytes(copy, fixture->path));
}

static void bad_additions_leave_the_file_alone(void **state)
{
	struct fixture *fixture = *state;
	must_seal(fixture);
	size_t before_len, files = fixture_count_files(fixture);
	sl_auto_free char *before = slurp(fixture->path, &before_len);
	sl_auto_free char *name = approve(7);
	char text[SL_LIMIT_SIGNATURE + 1];
	memset(text, 's', sizeof text);
	expect_refused(attach(fixture, "signatures/prepare.minisig", "s", 1), &fixture->err,
		       SL_E_INPUT, "not a countersignature");
	expect_refused(attach(fixture, "../x", "s", 1), &fixture->err, SL_E_INPUT, "'../x'");
	expect_refused(attach(fixture, name, "", 0), &fixture->err, SL_E_LIMIT, "0 bytes");
	expect_refused(attach(fixture, name, text, sizeof text), &fixture->err, SL_E_LIMIT, "1025");
	size_t len;
	sl_auto_free char *after = slurp(fixture->path, &len);
	assert_int_equal(len, before_len);
	assert_memory_equal(before, after, len);
	assert_int_equal(fixture_count_files(fixture), files);
	assert_true(attach(fixture, name, text, sizeof text - 1));
}

static void t31_the_same_key_twice_refused(void **state)
{
	struct fixture *fixture = *state;
	must_seal(fixture);
	sl_auto_free char *name = approve(7);
	assert_true(attach(fixture, name, "s", 1));
	expect_refused(attach(fixture, name, "s", 1), &fixture->err, SL_E_INPUT, "there already");
}

static void t33_one_more_than_the_limit_refused(void **state)
{
	struct fixture *fixture = *state;
	must_seal(fixture);
	for (unsigned i = 1; i < SL_LIMIT_SIGNATURES; i++) {
		sl_auto_free char *name = approve(i);
		assert_true(attach(fixture, name, "s", 1));
	}
	sl_auto_free char *name = approve(99);
	expect_refused(attach(fixture, name, "s", 1), &fixture->err, SL_E_LIMIT, "64 signatures");
	assert_true(read_all(fixture->path, &fixture->err));
}

static void t72_damage_is_not_copied(void **state)
{
	struct fixture *fixture = *state;
	must_seal(fixture);
	struct stat st;
	assert_int_equal(stat(fixture->path, &st), 0);
	int fd = open(fixture->path, O_WRONLY);
	assert_int_equal(pwrite(fd, "X", 1, st.st_size - TAR_END - TAR_BLOCK), 1);
	close(fd);
	sl_auto_free char *copy = sl_path_join(fixture->folder, "copy.sealift");
	struct bundle_reader *reader = open_gated(fixture, fixture->path);
	expect_refused(bundle_attach(reader, NULL, 0, copy, &fixture->err), &fixture->err,
		       SL_E_FORMAT, "damaged");
	bundle_close(reader);
	assert_int_equal(access(copy, F_OK), -1);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(attached_in_any_order_gives_the_same_file),
		WITH(attaching_nothing_copies),
		WITH(bad_additions_leave_the_file_alone),
		WITH(t31_the_same_key_twice_refused),
		WITH(t33_one_more_than_the_limit_refused),
		WITH(t72_damage_is_not_copied),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
