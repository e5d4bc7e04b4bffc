// SPDX-License-Identifier: Apache-2.0
#include "tests/bundles/format/fixture.h"

#define APPROVE "signatures/approve-%064x.minisig"

static void append(struct sl_buf *out, const char *name, const void *data, size_t len)
{
	static const char zeros[TAR_BLOCK];
	unsigned char header[TAR_BLOCK];
	struct sl_error err = {0};
	assert_true(tar_header_make(name, len, header, &err));
	sl_buf_add(out, header, sizeof header);
	sl_buf_add(out, data, len);
	sl_buf_add(out, zeros, tar_padding(len));
}

// The bundle's three parts: the manifest member, the signature member, all the rest.
struct cut {
	char *bytes;
	size_t len, manifest_end, signature_end;
};

static struct cut cut(struct fixture *fixture)
{
	must_seal(fixture);
	struct cut cut = {0};
	cut.bytes = slurp(fixture->path, &cut.len);
	struct bundle_reader *reader;
	assert_true(bundle_open(fixture->path, &reader, &fixture->err));
	size_t manifest_len, count;
	bundle_manifest_text(reader, &manifest_len);
	const struct raw_signature *signatures = bundle_signatures(reader, &count);
	assert_int_equal(count, 1);
	cut.manifest_end = tar_member_bytes(manifest_len);
	cut.signature_end = cut.manifest_end + tar_member_bytes(signatures[0].len);
	bundle_close(reader);
	return cut;
}

// Stores the bundle with other signatures: names and sizes; the bytes do not matter here.
struct wanted {
	const char *name;
	size_t size;
};

static bool with_signatures(struct fixture *fixture, const struct wanted *wanted, size_t len,
			    size_t *count_out)
{
	struct cut parts = cut(fixture);
	static const char text[SL_LIMIT_SIGNATURE + 1] = "s";
	sl_auto_buf struct sl_buf out;
	sl_buf_init(&out, SL_MIB);
	sl_buf_add(&out, parts.bytes, parts.manifest_end);
	for (size_t i = 0; i < len; i++)
		append(&out, wanted[i].name, text, wanted[i].size);
	sl_buf_add(&out, parts.bytes + parts.signature_end, parts.len - parts.signature_end);
	store(fixture->path, out.data, out.len);
	free(parts.bytes);

	struct bundle_reader *reader;
	fixture->err = (struct sl_error){0};
	if (!bundle_open(fixture->path, &reader, &fixture->err))
		return false;
	bundle_signatures(reader, count_out);
	bundle_close(reader);
	assert_true(read_all(fixture->path, &fixture->err));
	return true;
}

static void everything_comes_back(void **state)
{
	struct fixture *fixture = *state;
	struct sl_digest id = must_seal(fixture), found;
	struct bundle_reader *reader;
	const struct content *content;
	assert_true(bundle_open(fixture->path, &reader, &fixture->err));
	assert_string_equal(bundle_shown(reader), fixture->path);
	assert_null(bundle_manifest(reader)); // not before the gate
	found = bundle_id(reader);
	assert_true(sl_digest_equal(&found, &id));
	size_t len;
	const char *text = bundle_manifest_text(reader, &len);
	found = sl_sha256_bytes(text, len);
	assert_true(sl_digest_equal(&found, &id));
	const struct raw_signature *signatures = bundle_signatures(reader, &len);
	assert_int_equal(len, 1);
	assert_string_equal(signatures[0].text, fixture->signature);
	assert_true(bundle_reader_gate(reader, &fixture->err));
	const struct manifest *manifest = bundle_manifest(reader);
	assert_string_equal(manifest->name, "my-image");
	assert_int_equal(manifest->closure, CLOSURE_SEALED);
	assert_int_equal(manifest->recipe, RECIPE_NUMBER);
	assert_int_equal(manifest->blobs.len, 2);
	assert_true(bundle_read_content(reader, &content, &fixture->err));
	assert_string_equal(content_find(content, "scripts/post-01.sh")->data, "echo hello\n");
	const struct content *again;
	assert_true(bundle_read_content(reader, &again, &fixture->err));
	assert_ptr_equal(content, again);
	assert_true(bundle_check_blobs(reader, 0, NULL, &fixture->err));
	bundle_close(reader);
}

static void t23_unsigned_opens_without_signatures(void **state)
{
	size_t count = 9;
	assert_true(with_signatures(*state, NULL, 0, &count));
	assert_int_equal(count, 0);
}

static void t32_signatures_in_order_are_read(void **state)
{
	char one[100], two[100];
	snprintf(one, sizeof one, APPROVE, 1);
	snprintf(two, sizeof two, APPROVE, 2);
	size_t count;
	const struct wanted both[] = {{"signatures/prepare.minisig", 5}, {one, 1}, {two, 1024}};
	assert_true(with_signatures(*state, both, 3, &count));
	assert_int_equal(count, 3);
	assert_true(with_signatures(*state, both + 1, 2, &count)); // unsigned, but approved
	assert_int_equal(count, 2);
}

static void t15_signatures_out_of_order_or_twice_refused(void **state)
{
	struct fixture *fixture = *state;
	char one[100], two[100];
	snprintf(one, sizeof one, APPROVE, 1);
	snprintf(two, sizeof two, APPROVE, 2);
	const char *prepare = "signatures/prepare.minisig";
	const struct wanted orders[][2] = {{{two, 5}, {one, 5}},
					   {{one, 5}, {one, 5}},
					   {{one, 5}, {prepare, 5}},
					   {{prepare, 5}, {prepare, 5}}};
	for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
		size_t count;
		expect_refused(with_signatures(fixture, orders[i], 2, &count), &fixture->err,
			       SL_E_FORMAT, "out of order, or twice");
	}
}

static void t08_other_members_among_signatures_refused(void **state)
{
	struct fixture *fixture = *state;
	static const char *const names[] = {
		"signatures/other.minisig",
		"signatures/approve-.minisig",
		"signatures/approve-x.minisig",
		"spec",
		"manifest.json",
		"prepare.minisig",
		"blobs/sha256/x",
		"signatures/prepare.minisig.x",
		"signatures/"
		"approve-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.minisig",
		"signatures/"
		"approve-00000000000000000000000000000000000000000000000000000000000000000.minisig",
	};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const struct wanted wanted = {names[i], 5};
		size_t count;
		expect_refused(with_signatures(fixture, &wanted, 1, &count), &fixture->err,
			       SL_E_FORMAT, "stands where a signature");
	}
}

static void signatures_at_their_limits(void **state)
{
	struct fixture *fixture = *state;
	size_t count;
	struct wanted one = {"signatures/prepare.minisig", SL_LIMIT_SIGNATURE};
	assert_true(with_signatures(fixture, &one, 1, &count));
	one.size++;
	expect_refused(with_signatures(fixture, &one, 1, &count), &fixture->err, SL_E_LIMIT,
		       "1025");
	one.size = 0;
	expect_refused(with_signatures(fixture, &one, 1, &count), &fixture->err, SL_E_FORMAT,
		       "empty");
}

static void t33_too_many_signatures_refused(void **state)
{
	struct fixture *fixture = *state;
	static char names[SL_LIMIT_SIGNATURES + 1][100];
	struct wanted wanted[SL_LIMIT_SIGNATURES + 1];
	for (unsigned i = 0; i <= SL_LIMIT_SIGNATURES; i++) {
		snprintf(names[i], sizeof names[i], APPROVE, i);
		wanted[i] = (struct wanted){names[i], 1};
	}
	size_t count;
	assert_true(with_signatures(fixture, wanted, SL_LIMIT_SIGNATURES, &count));
	assert_int_equal(count, SL_LIMIT_SIGNATURES);
	expect_refused(with_signatures(fixture, wanted, SL_LIMIT_SIGNATURES + 1, &count),
		       &fixture->err, SL_E_LIMIT, "more than 64 signatures");
}

// The promise of the gate: no byte of the file is without meaning. A change shows as an error, as
// another bundle id, or as other signature bytes, which no signature check survives.
static void t16_t28_every_byte_is_accounted_for(void **state)
{
	struct fixture *fixture = *state;
	struct cut parts = cut(fixture);
	struct sl_digest id = must_seal(fixture);
	for (size_t at = 0; at < parts.len; at++) {
		struct sl_error err = {0};
		parts.bytes[at] ^= 1;
		store(fixture->path, parts.bytes, parts.len);
		parts.bytes[at] ^= 1;
		if (!read_all(fixture->path, &err))
			continue;
		struct bundle_reader *reader;
		assert_true(bundle_open(fixture->path, &reader, &err));
		size_t count;
		struct sl_digest found = bundle_id(reader);
		const struct raw_signature *signatures = bundle_signatures(reader, &count);
		bool noticed = !sl_digest_equal(&found, &id) || count != 1 ||
			       strcmp(signatures[0].text, fixture->signature) != 0;
		bundle_close(reader);
		if (!noticed)
			fail_msg("byte %zu does not count", at);
	}
	free(parts.bytes);
}

static void t21_t75_cut_anywhere_refused(void **state)
{
	struct fixture *fixture = *state;
	struct cut parts = cut(fixture);
	for (size_t len = 0; len < parts.len; len++) {
		struct sl_error err;
		store(fixture->path, parts.bytes, len);
		assert_false(read_all(fixture->path, &err));
		assert_int_equal(err.kind, SL_E_FORMAT);
	}
	free(parts.bytes);
}

static void t16_bytes_after_the_end_refused(void **state)
{
	struct fixture *fixture = *state;
	struct cut parts = cut(fixture);
	static const size_t more[] = {1, 512, 1024, 10240};
	for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
		struct sl_error err;
		sl_auto_free char *longer = sl_alloc(parts.len + more[i]);
		memcpy(longer, parts.bytes, parts.len);
		store(fixture->path, longer, parts.len + more[i]);
		expect_refused(read_all(fixture->path, &err), &err, SL_E_FORMAT, "appended");
	}
	free(parts.bytes);
}

static void files_that_are_no_bundles(void **state)
{
	struct fixture *fixture = *state;
	struct sl_error err;
	char text[2000];
	memset(text, 'x', sizeof text);
	store(fixture->path, "", 0);
	expect_refused(read_all(fixture->path, &err), &err, SL_E_FORMAT, "empty");
	store(fixture->path, "hello\n", 6);
	expect_refused(read_all(fixture->path, &err), &err, SL_E_FORMAT, "not a bundle");
	store(fixture->path, text, sizeof text);
	expect_refused(read_all(fixture->path, &err), &err, SL_E_FORMAT, "not a bundle");
	memset(text, 0, sizeof text);
	store(fixture->path, text, sizeof text);
	expect_refused(read_all(fixture->path, &err), &err, SL_E_FORMAT, "not a bundle");
	expect_refused(read_all(fixture->folder, &err), &err, SL_E_IO, "folder");
	expect_refused(read_all("/nowhere/a.sealift", &err), &err, SL_E_IO, "No such file");
}

static void t20_huge_manifest_is_not_allocated(void **state)
{
	struct fixture *fixture = *state;
	static const uint64_t sizes[] = {SL_LIMIT_MANIFEST + 1, 0x80000000, 0x100000000, INT64_MAX};
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		unsigned char block[TAR_BLOCK];
		struct sl_error err = {0};
		assert_true(tar_header_make("manifest.json", sizes[i], block, &err));
		store(fixture->path, block, sizeof block);
		expect_refused(read_all(fixture->path, &err), &err, SL_E_LIMIT, "limit of 8388608");
	}
	unsigned char block[TAR_BLOCK];
	struct sl_error err = {0};
	assert_true(tar_header_make("manifest.json", SL_LIMIT_MANIFEST, block, &err));
	store(fixture->path, block, sizeof block);
	expect_refused(read_all(fixture->path, &err), &err, SL_E_FORMAT, "ends inside");
}

static bool collect(void *context, const void *data, size_t len, struct sl_error *err)
{
	(void)err;
	sl_buf_add(context, data, len);
	return true;
}

static bool refuse(void *context, const void *data, size_t len, struct sl_error *err)
{
	(void)context;
	(void)data;
	(void)len;
	return sl_fail(err, SL_E_IO, "the sink is full");
}

static void blobs_are_copied_and_checked(void **state)
{
	struct fixture *fixture = *state;
	size_t big_len = 20 * SL_MIB + 7;
	sl_auto_free char *big = sl_alloc(big_len);
	for (size_t i = 0; i < big_len; i++)
		big[i] = (char)(i ^ i >> 9);
	fixture_add_blob(fixture, "big", big, big_len);
	must_seal(fixture);
	struct bundle_reader *reader;
	struct sl_error err = {0};
	assert_true(bundle_open(fixture->path, &reader, &err));
	assert_true(bundle_reader_gate(reader, &err));
	sl_list_each (&fixture->blobs, blob) {
		const struct manifest *manifest = bundle_manifest(reader);
		size_t index = 0;
		while (!sl_digest_equal(&manifest->blobs.items[index].sha256, &blob->sha256))
			index++;
		sl_auto_buf struct sl_buf copy;
		sl_buf_init(&copy, big_len);
		if (!bundle_copy_blob(reader, index, collect, &copy, &err))
			fail_msg("%s", err.text);
		size_t len;
		sl_auto_free char *source = slurp(blob->path, &len);
		assert_int_equal(copy.len, len);
		assert_memory_equal(copy.data, source, len);
		struct sl_error why = {0};
		expect_refused(bundle_copy_blob(reader, index, refuse, NULL, &why), &why, SL_E_IO,
			       "the sink is full");
	}
	bundle_close(reader);
}

// One byte in the middle of a long blob, which is read ahead by another thread.
static void t29_damage_in_a_long_blob_is_named(void **state)
{
	struct fixture *fixture = *state;
	size_t len = 20 * SL_MIB;
	sl_auto_free char *zeros = sl_alloc(len);
	fixture_add_blob(fixture, "big", zeros, len);
	must_seal(fixture);
	struct bundle_reader *reader;
	struct sl_error err = {0};
	assert_true(bundle_open(fixture->path, &reader, &err));
	assert_true(bundle_reader_gate(reader, &err));
	int fd = open(fixture->path, O_WRONLY);
	assert_int_equal(pwrite(fd, "x", 1, 10 * 1024 * 1024), 1);
	char hex[SL_DIGEST_HEX + 1];
	sl_digest_hex(&fixture->blobs.items[2].sha256, hex);
	expect_refused(bundle_check_blobs(reader, 2, NULL, &err), &err, SL_E_FORMAT, hex);
	assert_non_null(strstr(err.text, "damaged"));
	// Cut while it is open: the reading thread meets the end.
	assert_int_equal(ftruncate(fd, 10 * 1024 * 1024), 0);
	err = (struct sl_error){0};
	expect_refused(bundle_check_blobs(reader, 2, NULL, &err), &err, SL_E_FORMAT, "cut short");
	close(fd);
	bundle_close(reader);
}

static void t45_a_file_put_in_its_place_is_not_read(void **state)
{
	struct fixture *fixture = *state;
	must_seal(fixture);
	struct bundle_reader *reader;
	struct sl_error err = {0};
	const struct content *content;
	assert_true(bundle_open(fixture->path, &reader, &err));
	store(fixture->path, "something else", 14);
	assert_true(bundle_reader_gate(reader, &err));
	assert_true(bundle_read_content(reader, &content, &err));
	assert_true(bundle_check_blobs(reader, 1, NULL, &err));
	bundle_close(reader);
}

static void t45_a_blob_changed_after_the_check_is_not_handed_on(void **state)
{
	struct fixture *fixture = *state;
	must_seal(fixture);
	struct bundle_reader *reader;
	struct sl_error err = {0};
	assert_true(bundle_open(fixture->path, &reader, &err));
	assert_true(bundle_reader_gate(reader, &err));
	assert_true(bundle_check_blobs(reader, 1, NULL, &err));
	struct stat st;
	assert_int_equal(stat(fixture->path, &st), 0);
	int fd = open(fixture->path, O_WRONLY);
	assert_int_equal(pwrite(fd, "X", 1, st.st_size - TAR_END - TAR_BLOCK), 1);
	close(fd);
	sl_auto_buf struct sl_buf copy;
	sl_buf_init(&copy, 1000);
	expect_refused(bundle_copy_blob(reader, 1, collect, &copy, &err), &err, SL_E_FORMAT,
		       "damaged");
	bundle_close(reader);
}

// Parts of two good bundles: the manifest of one, the rest of the other.
static void t25_mixed_bundles_refused(void **state)
{
	struct fixture *fixture = *state;
	struct cut one = cut(fixture);
	fixture->blobs.items[0].sha256 = sl_sha256_bytes("FIRST BLOB", 10);
	store(fixture->blobs.items[0].path, "FIRST BLOB", 10);
	struct cut two = cut(fixture);
	assert_int_equal(one.len, two.len);
	assert_int_equal(one.signature_end, two.signature_end);
	memcpy(two.bytes, one.bytes, one.signature_end);
	store(fixture->path, two.bytes, two.len);
	struct sl_error err;
	expect_refused(read_all(fixture->path, &err), &err, SL_E_FORMAT,
		       "the field 'name' differs");
	free(one.bytes);
	free(two.bytes);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(everything_comes_back),
		WITH(t23_unsigned_opens_without_signatures),
		WITH(t32_signatures_in_order_are_read),
		WITH(t15_signatures_out_of_order_or_twice_refused),
		WITH(t08_other_members_among_signatures_refused),
		WITH(signatures_at_their_limits),
		WITH(t33_too_many_signatures_refused),
		WITH(t16_t28_every_byte_is_accounted_for),
		WITH(t21_t75_cut_anywhere_refused),
		WITH(t16_bytes_after_the_end_refused),
		WITH(files_that_are_no_bundles),
		WITH(t20_huge_manifest_is_not_allocated),
		WITH(blobs_are_copied_and_checked),
		WITH(t29_damage_in_a_long_blob_is_named),
		WITH(t45_a_file_put_in_its_place_is_not_read),
		WITH(t45_a_blob_changed_after_the_check_is_not_handed_on),
		WITH(t25_mixed_bundles_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
