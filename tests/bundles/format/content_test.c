// SPDX-License-Identifier: Apache-2.0
#include "tests/bundles/format/fixture.h"

#include <zstd.h>

static void pack(const struct content *content, struct sl_buf *frame, struct manifest *manifest)
{
	struct sl_error err = {0};
	sl_buf_init(frame, SL_LIMIT_CONTENT_ZST);
	*manifest = (struct manifest){0};
	if (!content_pack(content, frame, manifest, &err))
		fail_msg("%s", err.text);
}

// Unpacks after the manifest has been told the frame's own digest and size, as a signer could.
static bool unpack(struct manifest *manifest, const void *frame, size_t len, struct sl_error *err)
{
	struct content content;
	*err = (struct sl_error){0};
	manifest->content_sha256 = sl_sha256_bytes(frame, len);
	manifest->content_size = len;
	if (!content_unpack(manifest, frame, len, &content, err)) {
		assert_int_equal(content.files.len, 0);
		return false;
	}
	content_release(&content);
	return true;
}

struct packed {
	struct fixture *fixture;
	struct manifest manifest;
	struct sl_buf frame;
	char *tar; // inside the frame
};

static int setup(void **state)
{
	struct packed *packed = sl_alloc(sizeof *packed);
	void *fixture;
	fixture_setup(&fixture);
	packed->fixture = fixture;
	pack(&packed->fixture->content, &packed->frame, &packed->manifest);
	packed->tar = sl_alloc(packed->manifest.content_tar_size);
	size_t size = ZSTD_decompress(packed->tar, packed->manifest.content_tar_size,
				      packed->frame.data, packed->frame.len);
	assert_int_equal(size, packed->manifest.content_tar_size);
	*state = packed;
	return 0;
}

static int teardown(void **state)
{
	struct packed *packed = *state;
	void *fixture = packed->fixture;
	fixture_teardown(&fixture);
	manifest_release(&packed->manifest);
	sl_buf_release(&packed->frame);
	free(packed->tar);
	free(packed);
	return 0;
}

struct frame_options {
	int checksum, no_size, window_log;
};

static void compress(const void *data, size_t len, struct frame_options options, struct sl_buf *out)
{
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	size_t room = ZSTD_compressBound(len);
	sl_auto_free char *frame = sl_alloc(room);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, options.checksum);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, !options.no_size);
	if (options.window_log)
		ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, options.window_log);
	size_t size = ZSTD_compress2(zstd, frame, room, data, len);
	assert_false(ZSTD_isError(size));
	ZSTD_freeCCtx(zstd);
	sl_buf_init(out, room);
	sl_buf_add(out, frame, size);
}

static void what_is_packed_is_unpacked(void **state)
{
	struct packed *packed = *state;
	struct content content;
	struct sl_error err = {0};
	if (!content_unpack(&packed->manifest, packed->frame.data, packed->frame.len, &content,
			    &err))
		fail_msg("%s", err.text);
	assert_int_equal(content.files.len, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct content_file *in = &packed->fixture->content.files.items[i];
		const struct content_file *out = &content.files.items[i];
		assert_string_equal(in->name, out->name);
		assert_int_equal(in->size, out->size);
		assert_memory_equal(in->data, out->data, in->size);
		assert_int_equal(out->data[out->size], 0);
		struct sl_digest sha256 = sl_sha256_bytes(in->data, in->size);
		assert_true(sl_digest_equal(&packed->manifest.files.items[i].sha256, &sha256));
	}
	content_release(&content);
}

static void t69_same_files_same_bytes(void **state)
{
	struct packed *packed = *state;
	struct manifest manifest;
	sl_auto_buf struct sl_buf frame;
	pack(&packed->fixture->content, &frame, &manifest);
	assert_int_equal(frame.len, packed->frame.len);
	assert_memory_equal(frame.data, packed->frame.data, frame.len);
	manifest_release(&manifest);
}

static void files_around_block_sizes(void **state)
{
	(void)state;
	static const size_t sizes[] = {0, 1, 511, 512, 513, 131071, 131072, 131073, 3000000};
	void *slot;
	fixture_setup(&slot);
	struct fixture *fixture = slot;
	sl_auto_free char *bytes = sl_alloc(3000000);
	for (size_t i = 0; i < 3000000; i++)
		bytes[i] = (char)(i * i >> 7);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		char name[32];
		snprintf(name, sizeof name, "x/%zu", i);
		fixture_add_content(fixture, name, bytes, sizes[i]);
	}
	struct manifest manifest;
	sl_auto_buf struct sl_buf frame;
	pack(&fixture->content, &frame, &manifest);
	struct sl_error err;
	if (!unpack(&manifest, frame.data, frame.len, &err))
		fail_msg("%s", err.text);
	manifest_release(&manifest);
	fixture_teardown(&slot);
}

static void no_files_at_all(void **state)
{
	(void)state;
	struct content none = {0};
	struct manifest manifest;
	struct sl_error err;
	sl_auto_buf struct sl_buf frame;
	pack(&none, &frame, &manifest);
	assert_int_equal(manifest.content_tar_size, TAR_END);
	assert_true(unpack(&manifest, frame.data, frame.len, &err));
	manifest_release(&manifest);
}

static void bad_names_are_not_packed(void **state)
{
	(void)state;
	static const char *const names[] = {"../a", "blobs/a", "a b", ""};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct content_file file = {.name = (char *)(uintptr_t)names[i]};
		struct content content = {.files = {.items = &file, .len = 1}};
		struct manifest manifest = {0};
		struct sl_error err = {0};
		sl_auto_buf struct sl_buf frame;
		sl_buf_init(&frame, SL_LIMIT_CONTENT_ZST);
		expect_refused(content_pack(&content, &frame, &manifest, &err), &err, SL_E_FORMAT,
			       "is not a name");
		manifest_release(&manifest);
	}
}

static void file_past_its_limit_is_not_packed(void **state)
{
	(void)state;
	sl_auto_free char *name = sl_strdup("a");
	struct content_file file = {.name = name, .size = SL_LIMIT_CONTENT_FILE + 1};
	struct content content = {.files = {.items = &file, .len = 1}};
	struct manifest manifest = {0};
	struct sl_error err = {0};
	sl_auto_buf struct sl_buf frame;
	sl_buf_init(&frame, SL_LIMIT_CONTENT_ZST);
	expect_refused(content_pack(&content, &frame, &manifest, &err), &err, SL_E_LIMIT,
		       "limit of");
	manifest_release(&manifest);
}

// Four files, the largest that there may be: of one byte less than fits, of what fits and of a
// block more.
static void content_as_large_as_it_may_be_is_packed(void **state)
{
	(void)state;
	sl_auto_free char *zeros = sl_alloc(SL_LIMIT_CONTENT_FILE);
	memset(zeros, 0, SL_LIMIT_CONTENT_FILE);
	char names[][2] = {"a", "b", "c", "d", "e"};
	struct content_file files[5] = {0};
	size_t around = 5 * TAR_BLOCK + TAR_END;
	for (size_t i = 0; i < 5; i++)
		files[i] = (struct content_file){
			.name = names[i], .data = zeros, .size = SL_LIMIT_CONTENT_FILE};
	files[3].size -= around;
	files[4].size = 0;
	struct content content = {.files = {.items = files, .len = 5}};
	for (size_t more = 0; more < 2; more++) {
		struct manifest manifest = {0};
		struct sl_error err = {0};
		sl_auto_buf struct sl_buf frame;
		sl_buf_init(&frame, SL_LIMIT_CONTENT_ZST);
		files[3].size += more;
		if (content_pack(&content, &frame, &manifest, &err) == more)
			fail_msg("%zu more: %s", more, err.text);
		assert_int_equal(manifest.content_tar_size,
				 SL_LIMIT_CONTENT_TAR + more * TAR_BLOCK);
		assert_true(!more || err.kind == SL_E_LIMIT);
		manifest_release(&manifest);
	}
}

static void other_bytes_than_the_manifest_names_refused(void **state)
{
	struct packed *packed = *state;
	struct content content;
	for (size_t i = 0; i < packed->frame.len; i++) {
		struct sl_error err = {0};
		packed->frame.data[i] ^= 1;
		expect_refused(content_unpack(&packed->manifest, packed->frame.data,
					      packed->frame.len, &content, &err),
			       &err, SL_E_FORMAT, "sha256 differs");
		packed->frame.data[i] ^= 1;
	}
}

// Each bit of the frame changed, with a manifest that says so. A few bits of a zstd frame carry no
// meaning (how many depends on the level); whatever unpacks all the same has given exactly the
// files (or the digests would differ). More than one bit in 32 would mean that the digests are not
// looked at.
static void t22_changed_frames_refused(void **state)
{
	struct packed *packed = *state;
	size_t unpacked = 0;
	for (size_t i = 0; i < packed->frame.len * 8; i++) {
		struct sl_error err;
		packed->frame.data[i / 8] ^= (char)(1 << i % 8);
		if (unpack(&packed->manifest, packed->frame.data, packed->frame.len, &err))
			unpacked++;
		else
			assert_int_equal(err.kind, SL_E_FORMAT);
		packed->frame.data[i / 8] ^= (char)(1 << i % 8);
	}
	assert_in_range(unpacked, 0, packed->frame.len * 8 / 32);
}

static void t16_cut_or_continued_frames_refused(void **state)
{
	struct packed *packed = *state;
	struct sl_error err;
	for (size_t len = 1; len < packed->frame.len; len++)
		assert_false(unpack(&packed->manifest, packed->frame.data, len, &err));
	sl_auto_buf struct sl_buf longer;
	sl_buf_init(&longer, SL_LIMIT_CONTENT_ZST);
	sl_buf_add(&longer, packed->frame.data, packed->frame.len);
	sl_buf_addc(&longer, '\0');
	expect_refused(unpack(&packed->manifest, longer.data, longer.len, &err), &err, SL_E_FORMAT,
		       "not exactly one");
}

static void t16_second_and_skippable_frames_refused(void **state)
{
	struct packed *packed = *state;
	struct sl_error err;
	sl_auto_buf struct sl_buf empty, both;
	compress("", 0, (struct frame_options){.checksum = 1}, &empty);
	sl_buf_init(&both, SL_LIMIT_CONTENT_ZST);
	sl_buf_add(&both, packed->frame.data, packed->frame.len);
	sl_buf_add(&both, empty.data, empty.len);
	expect_refused(unpack(&packed->manifest, both.data, both.len, &err), &err, SL_E_FORMAT,
		       "not exactly one");
	sl_buf_clear(&both);
	sl_buf_add(&both, "\x50\x2a\x4d\x18\x01\0\0\0x", 9); // a skippable frame of one byte
	sl_buf_add(&both, packed->frame.data, packed->frame.len);
	expect_refused(unpack(&packed->manifest, both.data, both.len, &err), &err, SL_E_FORMAT,
		       "not a zstd frame");
}

static void other_frame_layouts_refused(void **state)
{
	struct packed *packed = *state;
	static const struct frame_options layouts[] = {{.checksum = 0},
						       {.checksum = 1, .no_size = 1}};
	for (size_t i = 0; i < 2; i++) {
		struct sl_error err;
		sl_auto_buf struct sl_buf frame;
		compress(packed->tar, packed->manifest.content_tar_size, layouts[i], &frame);
		assert_false(unpack(&packed->manifest, frame.data, frame.len, &err));
	}
}

static void t17_t18_frame_that_gives_more_or_less_refused(void **state)
{
	struct packed *packed = *state;
	size_t size = packed->manifest.content_tar_size;
	sl_auto_free char *longer = sl_alloc(size + 100000000);
	memcpy(longer, packed->tar, size);
	struct sl_error err;
	sl_auto_buf struct sl_buf bomb, shorter;
	compress(longer, size + 100000000, (struct frame_options){.checksum = 1}, &bomb);
	expect_refused(unpack(&packed->manifest, bomb.data, bomb.len, &err), &err, SL_E_FORMAT,
		       "does not state the size");
	// The same with a header that lies: the size field is patched, the bytes come all the same.
	assert_int_equal((unsigned char)bomb.data[4] >> 6, 2);
	uint32_t lie = (uint32_t)size;
	memcpy(bomb.data + (bomb.data[4] & 0x20 ? 5 : 6), &lie, 4);
	assert_false(unpack(&packed->manifest, bomb.data, bomb.len, &err));
	compress(packed->tar, size - TAR_BLOCK, (struct frame_options){.checksum = 1}, &shorter);
	assert_false(unpack(&packed->manifest, shorter.data, shorter.len, &err));
}

static void t19_window_past_its_limit_refused(void **state)
{
	(void)state;
	size_t size = 40 * SL_MIB;
	sl_auto_free char *bytes = sl_alloc(size);
	void *slot;
	fixture_setup(&slot);
	struct fixture *fixture = slot;
	fixture_add_content(fixture, "x", bytes, size - 6 * TAR_BLOCK);
	struct manifest manifest;
	sl_auto_buf struct sl_buf frame, wide, good;
	pack(&fixture->content, &frame, &manifest);
	sl_auto_free char *tar = sl_alloc(manifest.content_tar_size);
	ZSTD_decompress(tar, manifest.content_tar_size, frame.data, frame.len);
	struct sl_error err;
	compress(tar, manifest.content_tar_size,
		 (struct frame_options){.checksum = 1, .window_log = SL_LIMIT_WINDOW_LOG}, &good);
	assert_true(unpack(&manifest, good.data, good.len, &err));
	compress(tar, manifest.content_tar_size,
		 (struct frame_options){.checksum = 1, .window_log = SL_LIMIT_WINDOW_LOG + 1},
		 &wide);
	expect_refused(unpack(&manifest, wide.data, wide.len, &err), &err, SL_E_FORMAT, "memory");
	manifest_release(&manifest);
	fixture_teardown(&slot);
}

// Every byte of the tar inside changed, compressed again, under a manifest with the right digests
// of frame and tar: the comparison with the files it lists must notice each of them.
static void t11_t13_every_byte_of_the_tar_counts(void **state)
{
	struct packed *packed = *state;
	size_t size = packed->manifest.content_tar_size;
	for (size_t i = 0; i < size; i++) {
		packed->tar[i] ^= 1;
		struct sl_error err;
		sl_auto_buf struct sl_buf frame;
		compress(packed->tar, size, (struct frame_options){.checksum = 1}, &frame);
		packed->manifest.content_tar_sha256 = sl_sha256_bytes(packed->tar, size);
		assert_false(unpack(&packed->manifest, frame.data, frame.len, &err));
		assert_int_equal(err.kind, SL_E_FORMAT);
		packed->tar[i] ^= 1;
	}
}

static void t25_other_tar_digest_refused(void **state)
{
	struct packed *packed = *state;
	struct sl_error err;
	packed->manifest.content_tar_sha256.bytes[31] ^= 1;
	expect_refused(unpack(&packed->manifest, packed->frame.data, packed->frame.len, &err), &err,
		       SL_E_FORMAT, "digest");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_packed_is_unpacked, setup, teardown),
		cmocka_unit_test_setup_teardown(t69_same_files_same_bytes, setup, teardown),
		cmocka_unit_test(files_around_block_sizes),
		cmocka_unit_test(no_files_at_all),
		cmocka_unit_test(bad_names_are_not_packed),
		cmocka_unit_test(file_past_its_limit_is_not_packed),
		cmocka_unit_test(content_as_large_as_it_may_be_is_packed),
		cmocka_unit_test_setup_teardown(other_bytes_than_the_manifest_names_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(t22_changed_frames_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(t16_cut_or_continued_frames_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(t16_second_and_skippable_frames_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(other_frame_layouts_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(t17_t18_frame_that_gives_more_or_less_refused,
						setup, teardown),
		cmocka_unit_test(t19_window_past_its_limit_refused),
		cmocka_unit_test_setup_teardown(t11_t13_every_byte_of_the_tar_counts, setup,
						teardown),
		cmocka_unit_test_setup_teardown(t25_other_tar_digest_refused, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
