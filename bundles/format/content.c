// SPDX-License-Identifier: Apache-2.0
#include "bundles/format/content.h"

#include "bundles/base/parallel.h"
#include "bundles/format/tar.h"

#include <string.h>
#include <strings.h>
#include <zstd.h>

#define PIECE	   ((size_t)(128 * SL_KIB))
#define FRAME_STEP ((size_t)(32 * SL_KIB)) // room in the frame for what the compressor has ready

bool content_name_is_plain(const char *name)
{
	static const char *const taken[] = {"manifest.json", "signatures", "content.tar.zst",
					    "blobs"};
	if (!tar_name_is_plain(name))
		return false;
	size_t first = strcspn(name, "/");
	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
		if (strlen(taken[i]) == first && strncasecmp(name, taken[i], first) == 0)
			return false;
	return true;
}

// ---- packing -------------------------------------------------------------------------------

// Whoever takes the bytes of the tar, in order; `last` comes with the final ones.
typedef bool tar_taker(void *context, const void *data, size_t len, bool last,
		       struct sl_error *err);

static bool walk_file(const struct content_file *file, tar_taker *take, void *context,
		      struct sl_error *err)
{
	static const char zeros[TAR_BLOCK];
	unsigned char header[TAR_BLOCK];
	return tar_header_make(file->name, file->size, header, err) &&
	       take(context, header, sizeof header, false, err) &&
	       take(context, file->data, file->size, false, err) &&
	       take(context, zeros, tar_padding(file->size), false, err);
}

static bool walk_tar(const struct content *content, tar_taker *take, void *context,
		     struct sl_error *err)
{
	static const char end[TAR_END];
	sl_list_each (&content->files, file)
		if (!walk_file(file, take, context, err))
			return false;
	return take(context, end, sizeof end, true, err);
}

struct packing {
	const struct content *content;
	struct sl_buf *frame;
	struct manifest *manifest;
};

static ZSTD_CCtx *new_compressor(uint64_t tar_size)
{
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	bool ok = zstd &&
		  !ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel,
						       CONTENT_ZSTD_LEVEL)) &&
		  !ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1)) &&
		  !ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(zstd, tar_size));
	if (!ok)
		abort(); // memory
	return zstd;
}

struct compressor {
	ZSTD_CCtx *zstd;
	struct sl_buf *frame;
};

// Straight into the frame, with room for a whole block each time.
static bool compress_piece(void *context, const void *data, size_t len, bool last,
			   struct sl_error *err)
{
	struct compressor *compressor = context;
	struct sl_buf *frame = compressor->frame;
	ZSTD_inBuffer in = {data, len, 0};
	size_t left;
	do {
		if (!sl_buf_grow(frame, FRAME_STEP))
			return sl_buf_ok(frame, "content.tar.zst", err);
		ZSTD_outBuffer out = {frame->data, frame->cap - 1, frame->len};
		left = ZSTD_compressStream2(compressor->zstd, &out, &in,
					    last ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(left))
			return sl_fail(err, SL_E_INTERNAL, "cannot compress the content: %s",
				       ZSTD_getErrorName(left));
		frame->len = out.pos;
		frame->data[frame->len] = '\0';
	} while (in.pos < in.size || (last && left > 0));
	return true;
}

static bool compress_tar(const struct packing *packing, struct sl_error *err)
{
	struct compressor compressor = {new_compressor(packing->manifest->content_tar_size),
					packing->frame};
	bool ok = walk_tar(packing->content, compress_piece, &compressor, err);
	ZSTD_freeCCtx(compressor.zstd);
	return ok;
}

static bool hash_piece(void *context, const void *data, size_t len, bool last, struct sl_error *err)
{
	(void)last;
	(void)err;
	sl_sha256_add(context, data, len);
	return true;
}

static bool hash_tar(const struct packing *packing, struct sl_error *err)
{
	struct manifest *manifest = packing->manifest;
	for (size_t i = 0; i < manifest->files.len; i++) {
		const struct content_file *file = &packing->content->files.items[i];
		manifest->files.items[i].sha256 = sl_sha256_bytes(file->data, file->size);
	}
	struct sl_sha256 sha;
	sl_sha256_init(&sha);
	if (!walk_tar(packing->content, hash_piece, &sha, err))
		return false;
	manifest->content_tar_sha256 = sl_sha256_final(&sha);
	return true;
}

// Both only read the files, and write apart from each other.
static bool pack_job(void *context, size_t index, struct sl_error *err)
{
	const struct packing *packing = context;
	return index == 0 ? compress_tar(packing, err) : hash_tar(packing, err);
}

// What the manifest says of the files, as far as it is known before they are packed.
static bool list_files(const struct content *content, struct manifest *manifest,
		       struct sl_error *err)
{
	manifest->content_tar_size = TAR_END;
	sl_list_each (&content->files, file) {
		if (!content_name_is_plain(file->name)) {
			sl_auto_free char *shown = sl_text_shown(file->name);
			return sl_fail(err, SL_E_FORMAT, "'%s' is not a name for a content file",
				       shown);
		}
		if (file->size > SL_LIMIT_CONTENT_FILE)
			return sl_fail(
				err, SL_E_LIMIT,
				"content file '%s': %zu bytes are more than the limit of %llu",
				file->name, file->size, SL_LIMIT_CONTENT_FILE);
		manifest->content_tar_size += tar_member_bytes(file->size);
		*sl_list_add(&manifest->files) =
			(struct manifest_file){.name = sl_strdup(file->name), .size = file->size};
	}
	if (manifest->content_tar_size > SL_LIMIT_CONTENT_TAR)
		return sl_fail(err, SL_E_LIMIT,
			       "the content: %ju bytes are more than the limit of %llu",
			       (uintmax_t)manifest->content_tar_size, SL_LIMIT_CONTENT_TAR);
	return true;
}

bool content_pack(const struct content *content, struct sl_buf *frame_out,
		  struct manifest *manifest, struct sl_error *err)
{
	struct packing packing = {content, frame_out, manifest};
	size_t before = frame_out->len;
	if (!list_files(content, manifest, err) || !sl_parallel(2, 0, pack_job, &packing, err))
		return false;
	manifest->content_size = frame_out->len - before;
	manifest->content_sha256 =
		sl_sha256_bytes(frame_out->data + before, manifest->content_size);
	manifest->zstd_version = sl_strdup(ZSTD_versionString());
	manifest->zstd_level = CONTENT_ZSTD_LEVEL;
	return true;
}

// ---- unpacking -----------------------------------------------------------------------------

struct unpacker {
	ZSTD_DCtx *zstd;
	ZSTD_inBuffer in;
	bool ended; // the frame's last byte has been used
	struct sl_sha256 tar;
	char *piece;
};

static bool refuse(struct sl_error *err, const char *why)
{
	return sl_fail(err, SL_E_FORMAT, "content.tar.zst: %s", why);
}

// The one legal shape, decided before anything is decompressed: one frame from the first byte to
// the last, with checksum and content size, without a dictionary (T16, T18).
static bool check_frame(const unsigned char *frame, size_t len, uint64_t tar_size,
			struct sl_error *err)
{
	static const unsigned char magic[4] = {0x28, 0xb5, 0x2f, 0xfd};
	if (len < 5 || memcmp(frame, magic, sizeof magic) != 0)
		return refuse(err, "not a zstd frame");
	// Bits of the descriptor: 2 checksum; 3 and 4 reserved; 0 and 1 dictionary.
	if ((frame[4] & 0x1f) != 0x04)
		return refuse(err, "a zstd frame with a dictionary, without a checksum, or of a "
				   "later kind");
	if (ZSTD_getFrameContentSize(frame, len) != tar_size)
		return refuse(err,
			      "the zstd frame does not state the size that the manifest states");
	if (ZSTD_findFrameCompressedSize(frame, len) != len)
		return refuse(err, "not exactly one zstd frame");
	return true;
}

// One step of the decoder; false when it fails or stands still.
static bool step(struct unpacker *unpacker, ZSTD_outBuffer *out, struct sl_error *err)
{
	size_t in_before = unpacker->in.pos, out_before = out->pos;
	size_t left = ZSTD_decompressStream(unpacker->zstd, out, &unpacker->in);
	if (ZSTD_isError(left))
		return refuse(err, ZSTD_getErrorName(left));
	unpacker->ended = left == 0;
	if (!unpacker->ended && unpacker->in.pos == in_before && out->pos == out_before)
		return refuse(err, "the zstd frame is cut short");
	return true;
}

// Gives exactly the next `len` bytes of the tar.
static bool pull(struct unpacker *unpacker, void *data, size_t len, struct sl_error *err)
{
	ZSTD_outBuffer out = {data, len, 0};
	while (out.pos < len) {
		if (unpacker->ended)
			return refuse(err, "the tar inside ends early");
		if (!step(unpacker, &out, err))
			return false;
	}
	sl_sha256_add(&unpacker->tar, data, len);
	return true;
}

static bool pull_zeros(struct unpacker *unpacker, size_t len, const char *what,
		       struct sl_error *err)
{
	char zeros[TAR_END];
	if (!pull(unpacker, zeros, len, err))
		return false;
	return tar_is_zero(zeros, len) ||
	       sl_fail(err, SL_E_FORMAT, "content.tar.zst: %s is not all zero", what);
}

// Memory grows with the bytes that were produced, whatever the manifest says (T17, T19).
static bool pull_data(struct unpacker *unpacker, uint64_t size, struct sl_buf *data,
		      struct sl_error *err)
{
	while (data->len < size) {
		uint64_t left = size - data->len;
		size_t len = left < PIECE ? (size_t)left : PIECE;
		if (!pull(unpacker, unpacker->piece, len, err))
			return false;
		sl_buf_add(data, unpacker->piece, len);
	}
	return sl_buf_ok(data, "content.tar.zst", err);
}

static bool unpack_file(struct unpacker *unpacker, const struct manifest_file *expected,
			struct content *out, struct sl_error *err)
{
	unsigned char header[TAR_BLOCK];
	if (!pull(unpacker, header, sizeof header, err))
		return false;
	if (!tar_header_check(header, expected->name, expected->size, err))
		return sl_prefix(err, "content.tar.zst");
	sl_auto_buf struct sl_buf data;
	sl_buf_init(&data, expected->size ? (size_t)expected->size : 1);
	if (!pull_data(unpacker, expected->size, &data, err) ||
	    !pull_zeros(unpacker, tar_padding(expected->size), "the padding of a file", err))
		return false;
	struct sl_digest sha256 = sl_sha256_bytes(data.data, data.len);
	if (!sl_digest_equal(&sha256, &expected->sha256))
		return sl_fail(err, SL_E_FORMAT,
			       "content.tar.zst: the bytes of '%s' are not those that the manifest "
			       "names",
			       expected->name);
	struct content_file *file = sl_list_add(&out->files);
	file->name = sl_strdup(expected->name);
	file->data = sl_buf_steal(&data, &file->size);
	return true;
}

// The frame must end with the tar: nothing more comes out, nothing is left to go in.
static bool finish(struct unpacker *unpacker, struct sl_error *err)
{
	while (!unpacker->ended) {
		char byte;
		ZSTD_outBuffer out = {&byte, 1, 0};
		if (!step(unpacker, &out, err))
			return false;
		if (out.pos > 0)
			return refuse(err, "the tar inside goes on after its end");
	}
	return unpacker->in.pos == unpacker->in.size || refuse(err, "bytes follow the zstd frame");
}

static bool unpack_all(struct unpacker *unpacker, const struct manifest *manifest,
		       struct content *out, struct sl_error *err)
{
	sl_list_each (&manifest->files, file)
		if (!unpack_file(unpacker, file, out, err))
			return false;
	if (!pull_zeros(unpacker, TAR_END, "the end of the tar", err) || !finish(unpacker, err))
		return false;
	struct sl_digest tar = sl_sha256_final(&unpacker->tar);
	return sl_digest_equal(&tar, &manifest->content_tar_sha256) ||
	       refuse(err, "the tar inside does not have the digest that the manifest names");
}

static ZSTD_DCtx *new_decompressor(void)
{
	ZSTD_DCtx *zstd = ZSTD_createDCtx();
	if (!zstd ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, SL_LIMIT_WINDOW_LOG)))
		abort(); // memory
	return zstd;
}

static bool check_digest(const struct manifest *manifest, const void *frame, size_t len,
			 struct sl_error *err)
{
	struct sl_digest digest = sl_sha256_bytes(frame, len);
	return (len == manifest->content_size &&
		sl_digest_equal(&digest, &manifest->content_sha256)) ||
	       refuse(err, "its bytes are not those that the manifest names (sha256 differs)");
}

bool content_unpack(const struct manifest *manifest, const void *frame, size_t len,
		    struct content *out, struct sl_error *err)
{
	*out = (struct content){0};
	if (!check_digest(manifest, frame, len, err) ||
	    !check_frame(frame, len, manifest->content_tar_size, err))
		return false;
	struct unpacker unpacker = {
		.zstd = new_decompressor(), .in = {frame, len, 0}, .piece = sl_alloc(PIECE)};
	sl_sha256_init(&unpacker.tar);
	bool ok = unpack_all(&unpacker, manifest, out, err);
	ZSTD_freeDCtx(unpacker.zstd);
	free(unpacker.piece);
	if (!ok)
		content_release(out);
	return ok;
}
