// SPDX-License-Identifier: Apache-2.0
// The stepper. Facts:
//  1. One descriptor, opened once; every step reads from it at a place that it knows (T45).
//  2. HEAD: members 1 to 3 are in memory, as bytes. Of the file only their headers have been
//     looked at: names from a fixed list in a fixed order, sizes below their limits (T15, T27).
//  3. The bundle id is the digest of the manifest's bytes in memory; these bytes are parsed later.
//  4. GATE: the caller believes the manifest, so it is parsed. From it and from where the
//  signatures
//     ended follows the place of every further byte, and the exact size of the file (T16, T75).
//  5. Before the gate returns, every header, every padding byte and the end of the file have been
//     compared with what they must be. What is left are the data of member 4 and of the blobs.
//  6. CONTENT: member 4 is read once into memory, and these bytes are hashed, then unpacked.
//  7. BLOBS: only digests of data that is read now; copying hashes the very bytes that it hands on.
#include "bundles/format/reader.h"

#include "bundles/format/pump.h"

#include <assert.h>
#include <string.h>

// ---- members 1 to 3 ------------------------------------------------------------------------

static bool read_at(const struct bundle_reader *reader, void *data, size_t len, uint64_t at,
		    struct sl_error *err)
{
	if (at > reader->size || len > reader->size - at)
		return sl_fail(err, SL_E_FORMAT,
			       "the file ends at byte %ju, before the bundle does",
			       (uintmax_t)reader->size);
	return sl_pread_all(reader->fd, data, len, at, reader->shown, err);
}

static bool check_zeros(const struct bundle_reader *reader, uint64_t at, size_t len,
			const char *what, struct sl_error *err)
{
	unsigned char bytes[TAR_END];
	if (!read_at(reader, bytes, len, at, err))
		return false;
	return tar_is_zero(bytes, len) ||
	       sl_fail(err, SL_E_FORMAT, "%s at byte %ju is not all zero", what, (uintmax_t)at);
}

static bool read_header(const struct bundle_reader *reader, uint64_t at, struct tar_member *out,
			struct sl_error *err)
{
	unsigned char block[TAR_BLOCK];
	return read_at(reader, block, sizeof block, at, err) && tar_header_parse(block, out, err);
}

// Reads the data of a small member whose header stands at reader->head_end, and moves on.
static bool read_member(struct bundle_reader *reader, const struct tar_member *member,
			uint64_t limit, char **data_out, struct sl_error *err)
{
	if (member->size == 0)
		return sl_fail(err, SL_E_FORMAT, "'%s' is empty", member->name);
	if (member->size > limit)
		return sl_fail(err, SL_E_LIMIT, "'%s': %ju bytes are more than the limit of %ju",
			       member->name, (uintmax_t)member->size, (uintmax_t)limit);
	uint64_t at = reader->head_end + TAR_BLOCK;
	if (member->size > reader->size - at)
		return sl_fail(err, SL_E_FORMAT, "the file ends inside '%s'", member->name);
	size_t len = (size_t)member->size;
	sl_auto_free char *data = sl_alloc(len + 1);
	if (!read_at(reader, data, len, at, err) ||
	    !check_zeros(reader, at + len, tar_padding(len), "the padding", err))
		return false;
	*data_out = sl_take(data);
	reader->head_end += tar_member_bytes(len);
	return true;
}

// A file of any other kind is told in one sentence, not by the first rule of tar that it breaks.
static bool looks_like_bundle(const struct bundle_reader *reader, struct sl_error *err)
{
	char name[sizeof MEMBER_MANIFEST];
	if (reader->size == 0)
		return sl_fail(err, SL_E_FORMAT, "'%s' is not a bundle: it is empty",
			       reader->shown);
	if (reader->size >= TAR_BLOCK) {
		if (!sl_pread_all(reader->fd, name, sizeof name, 0, reader->shown, err))
			return false;
		if (memcmp(name, MEMBER_MANIFEST, sizeof name) == 0)
			return true;
	}
	return sl_fail(err, SL_E_FORMAT,
		       "'%s' is not a bundle: it does not begin with " MEMBER_MANIFEST
		       ", as what 'sealift compile' writes does",
		       reader->shown);
}

static bool read_manifest(struct bundle_reader *reader, struct sl_error *err)
{
	struct tar_member member;
	if (!read_header(reader, 0, &member, err))
		return false;
	if (strcmp(member.name, MEMBER_MANIFEST) != 0) // it was, a moment ago
		return sl_fail(err, SL_E_FORMAT, "it changed while it was read");
	if (!read_member(reader, &member, SL_LIMIT_MANIFEST, &reader->manifest_text, err))
		return false;
	reader->manifest_len = (size_t)member.size;
	reader->id = sl_sha256_bytes(reader->manifest_text, reader->manifest_len);
	return true;
}

// "prepare" comes first; the others are sorted by name, each once.
static bool check_order(const struct bundle_reader *reader, const char *name, struct sl_error *err)
{
	if (!layout_is_signature(name))
		return sl_fail(err, SL_E_FORMAT,
			       "'%s' stands where a signature or " MEMBER_CONTENT " is expected",
			       name);
	if (reader->signatures.len == 0)
		return true;
	const char *last = reader->signatures.items[reader->signatures.len - 1].member;
	bool after_prepare = strcmp(last, MEMBER_PREPARE) == 0;
	if (strcmp(name, MEMBER_PREPARE) != 0 && (after_prepare || strcmp(last, name) < 0))
		return true;
	return sl_fail(err, SL_E_FORMAT, "'%s' stands after '%s': out of order, or twice", name,
		       last);
}

static bool read_signatures(struct bundle_reader *reader, struct sl_error *err)
{
	for (;;) {
		struct tar_member member;
		if (!read_header(reader, reader->head_end, &member, err))
			return false;
		if (strcmp(member.name, MEMBER_CONTENT) == 0)
			return true;
		if (!check_order(reader, member.name, err))
			return false;
		if (reader->signatures.len == SL_LIMIT_SIGNATURES)
			return sl_fail(err, SL_E_LIMIT, "more than %d signatures",
				       SL_LIMIT_SIGNATURES);
		char *text = NULL;
		if (!read_member(reader, &member, SL_LIMIT_SIGNATURE, &text, err))
			return false;
		*sl_list_add(&reader->signatures) =
			(struct raw_signature){sl_strdup(member.name), text, (size_t)member.size};
	}
}

bool bundle_open(const char *path, struct bundle_reader **reader_out, struct sl_error *err)
{
	struct bundle_reader *reader = sl_alloc(sizeof *reader);
	reader->fd = -1;
	reader->shown = sl_text_shown(path);
	bool ok = sl_open_input(path, &reader->fd, &reader->size, err) &&
		  looks_like_bundle(reader, err);
	if (ok && !(read_manifest(reader, err) && read_signatures(reader, err)))
		ok = reader_refuse(reader, err);
	if (ok)
		*reader_out = reader;
	else
		bundle_close(reader);
	return ok;
}

bool reader_refuse(const struct bundle_reader *reader, struct sl_error *err)
{
	return err->kind == SL_E_IO ? false : sl_prefix(err, "bundle '%s'", reader->shown);
}

void bundle_close(struct bundle_reader *reader)
{
	if (!reader)
		return;
	if (reader->fd >= 0)
		close(reader->fd);
	sl_list_each (&reader->signatures, signature) {
		free(signature->member);
		free(signature->text);
	}
	sl_list_release(&reader->signatures);
	layout_release(&reader->layout);
	manifest_release(&reader->manifest);
	content_release(&reader->content);
	free(reader->manifest_text);
	free(reader->shown);
	free(reader);
}

const char *bundle_shown(const struct bundle_reader *reader)
{
	return reader->shown;
}

const char *bundle_manifest_text(const struct bundle_reader *reader, size_t *len_out)
{
	*len_out = reader->manifest_len;
	return reader->manifest_text;
}

struct sl_digest bundle_id(const struct bundle_reader *reader)
{
	return reader->id;
}

const struct raw_signature *bundle_signatures(const struct bundle_reader *reader, size_t *len_out)
{
	*len_out = reader->signatures.len;
	return reader->signatures.items;
}

// ---- the gate ------------------------------------------------------------------------------

static bool check_size(const struct bundle_reader *reader, struct sl_error *err)
{
	if (reader->size == reader->layout.total)
		return true;
	return sl_fail(err, SL_E_FORMAT,
		       "the file has %ju bytes, but its manifest makes a bundle of %ju: %s",
		       (uintmax_t)reader->size, (uintmax_t)reader->layout.total,
		       reader->size < reader->layout.total ? "it was cut short; copy it again"
							   : "something was appended");
}

static bool check_frame(const struct bundle_reader *reader, const char *name, uint64_t size,
			uint64_t at, struct sl_error *err)
{
	unsigned char block[TAR_BLOCK];
	return read_at(reader, block, sizeof block, at, err) &&
	       tar_header_check(block, name, size, err) &&
	       check_zeros(reader, at + TAR_BLOCK + size, tar_padding(size), "the padding", err);
}

static bool check_frames(const struct bundle_reader *reader, struct sl_error *err)
{
	const struct manifest *manifest = &reader->manifest;
	const struct layout *layout = &reader->layout;
	if (!check_frame(reader, MEMBER_CONTENT, manifest->content_size, layout->content_at, err))
		return false;
	for (size_t i = 0; i < manifest->blobs.len; i++) {
		char name[BLOB_NAME_SIZE];
		layout_blob_name(&manifest->blobs.items[i].sha256, name);
		if (!check_frame(reader, name, manifest->blobs.items[i].size, layout->blobs_at[i],
				 err))
			return false;
	}
	return check_zeros(reader, layout->end_at, TAR_END, "the end", err);
}

bool bundle_reader_gate(struct bundle_reader *reader, struct sl_error *err)
{
	assert(!reader->gated);
	struct manifest *manifest = &reader->manifest;
	bool ok = manifest_parse(reader->manifest_text, reader->manifest_len, manifest, err) &&
		  layout_make(manifest, reader->head_end, &reader->layout, err) &&
		  check_size(reader, err) && check_frames(reader, err);
	reader->gated = ok;
	return ok || reader_refuse(reader, err);
}

const struct manifest *bundle_manifest(const struct bundle_reader *reader)
{
	return reader->gated ? &reader->manifest : NULL;
}

// ---- content and blobs ---------------------------------------------------------------------

static bool unpack(struct bundle_reader *reader, struct sl_error *err)
{
	size_t len = (size_t)reader->manifest.content_size;
	sl_auto_free char *frame = sl_alloc(len);
	return read_at(reader, frame, len, reader->layout.content_at + TAR_BLOCK, err) &&
	       content_unpack(&reader->manifest, frame, len, &reader->content, err);
}

bool bundle_read_content(struct bundle_reader *reader, const struct content **content_out,
			 struct sl_error *err)
{
	assert(reader->gated);
	if (!reader->has_content && !unpack(reader, err))
		return reader_refuse(reader, err);
	reader->has_content = true;
	*content_out = &reader->content;
	return true;
}

static bool pump_blob(const struct bundle_reader *reader, size_t index, struct pump *pump,
		      struct sl_error *err)
{
	const struct manifest_blob *blob = &reader->manifest.blobs.items[index];
	pump->fd = reader->fd;
	pump->offset = reader->layout.blobs_at[index] + TAR_BLOCK;
	pump->size = blob->size;
	pump->shown = reader->shown;
	struct sl_digest found;
	if (!pump_run(pump, &found, err))
		return false;
	if (sl_digest_equal(&found, &blob->sha256))
		return true;
	char hex[SL_DIGEST_HEX + 1], name[BLOB_NAME_SIZE];
	sl_digest_hex(&found, hex);
	layout_blob_name(&blob->sha256, name);
	return sl_fail(err, SL_E_FORMAT, "bundle '%s': '%s' is damaged: its bytes have sha256 %s",
		       reader->shown, name, hex);
}

struct checking {
	const struct bundle_reader *reader;
	size_t *order;
	struct sl_progress *progress;
};

static bool check_blob(void *context, size_t job, struct sl_error *err)
{
	const struct checking *checking = context;
	struct pump pump = {.progress = checking->progress};
	return pump_blob(checking->reader, checking->order[job], &pump, err);
}

bool bundle_check_blobs(struct bundle_reader *reader, unsigned threads,
			struct sl_progress *progress, struct sl_error *err)
{
	assert(reader->gated);
	struct checking checking = {reader, layout_by_size(&reader->manifest), progress};
	if (progress)
		sl_progress_begin(progress, "checking", reader->layout.total);
	bool ok = sl_parallel(reader->manifest.blobs.len, pump_threads(threads), check_blob,
			      &checking, err);
	if (progress)
		sl_progress_end(progress);
	free(checking.order);
	return ok;
}

bool bundle_copy_blob(struct bundle_reader *reader, size_t index, blob_sink *sink, void *context,
		      struct sl_error *err)
{
	assert(reader->gated && index < reader->manifest.blobs.len);
	struct pump pump = {.take = sink, .context = context};
	return pump_blob(reader, index, &pump, err);
}

bool bundle_read_blob(struct bundle_reader *reader, size_t index, uint64_t offset, void *data,
		      size_t len, struct sl_error *err)
{
	assert(reader->gated && index < reader->manifest.blobs.len);
	uint64_t size = reader->manifest.blobs.items[index].size;
	assert(offset <= size && len <= size - offset);
	uint64_t start = reader->layout.blobs_at[index] + TAR_BLOCK;
	return sl_pread_all(reader->fd, data, len, start + offset, reader->shown, err);
}
