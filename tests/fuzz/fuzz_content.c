// SPDX-License-Identifier: Apache-2.0
// content.tar.zst under a manifest that tells the truth about its digests, so that the decoder and
// the tar reader behind them are reached. The first byte says what the rest is:
//   even: a zstd frame;  odd: a tar, which is compressed here first.
// What is unpacked must pack again to the same tar.
#include "bundles/format/content.h"
#include "bundles/format/tar.h"

#include <string.h>
#include <zstd.h>

static void add_file(struct manifest *manifest, const char *name, uint64_t size)
{
	struct manifest_file *file = sl_list_add(&manifest->files);
	file->name = sl_strdup(name);
	file->size = size;
}

// Two files of 3 and 600 bytes; their digests are those of the bytes that stand in their places.
static void describe(struct manifest *manifest, const uint8_t *tar, size_t size)
{
	static const char *const names[] = {"a", "b/c"};
	static const size_t sizes[] = {3, 600};
	uint64_t at = 0;
	for (size_t i = 0; i < 2; i++) {
		add_file(manifest, names[i], sizes[i]);
		if (at + TAR_BLOCK + sizes[i] <= size)
			manifest->files.items[i].sha256 =
				sl_sha256_bytes(tar + at + TAR_BLOCK, sizes[i]);
		at += tar_member_bytes(sizes[i]);
	}
	manifest->content_tar_size = at + TAR_END;
	manifest->content_tar_sha256 = sl_sha256_bytes(tar, size);
}

static void check_again(const struct manifest *manifest, const struct content *content)
{
	struct sl_error err = {0};
	struct manifest again = {0};
	sl_auto_buf struct sl_buf frame;
	sl_buf_init(&frame, SL_LIMIT_CONTENT_ZST);
	if (!content_pack(content, &frame, &again, &err) ||
	    !sl_digest_equal(&again.content_tar_sha256, &manifest->content_tar_sha256))
		abort();
	manifest_release(&again);
}

static void unpack(struct manifest *manifest, const void *frame, size_t len)
{
	struct sl_error err = {0};
	struct content content;
	manifest->content_sha256 = sl_sha256_bytes(frame, len);
	manifest->content_size = len;
	if (content_unpack(manifest, frame, len, &content, &err)) {
		check_again(manifest, &content);
		content_release(&content);
	} else if (err.kind != SL_E_FORMAT && err.kind != SL_E_LIMIT) {
		abort();
	}
}

static void from_tar(struct manifest *manifest, const uint8_t *tar, size_t size)
{
	size_t room = ZSTD_compressBound(size);
	sl_auto_free char *frame = sl_alloc(room);
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
	size_t len = ZSTD_compress2(zstd, frame, room, tar, size);
	ZSTD_freeCCtx(zstd);
	if (!ZSTD_isError(len))
		unpack(manifest, frame, len);
}

// The true digests are not known before decompressing; one piece of at most 64 KiB gives them.
static void from_frame(struct manifest *manifest, const uint8_t *frame, size_t size)
{
	sl_auto_free uint8_t *tar = sl_alloc(65536);
	size_t len = ZSTD_decompress(tar, 65536, frame, size);
	if (!ZSTD_isError(len)) {
		sl_list_each (&manifest->files, file)
			free(file->name);
		manifest->files.len = 0;
		describe(manifest, tar, len);
	}
	unpack(manifest, frame, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct manifest manifest = {0};
	describe(&manifest, data + 1, size - 1);
	if (data[0] & 1)
		from_tar(&manifest, data + 1, size - 1);
	else
		from_frame(&manifest, data + 1, size - 1);
	manifest_release(&manifest);
	return 0;
}
