// SPDX-License-Identifier: Apache-2.0
#include "bundles/format/layout.h"

#include <string.h>

#define BLOB_PREFIX    "blobs/sha256/"
#define APPROVE_PREFIX "signatures/approve-"
#define SIGNATURE_END  ".minisig"

void layout_blob_name(const struct sl_digest *sha256, char out[BLOB_NAME_SIZE])
{
	memcpy(out, BLOB_PREFIX, sizeof BLOB_PREFIX - 1);
	sl_digest_hex(sha256, out + sizeof BLOB_PREFIX - 1);
}

bool layout_is_signature(const char *member)
{
	if (strcmp(member, MEMBER_PREPARE) == 0)
		return true;
	size_t start = sizeof APPROVE_PREFIX - 1;
	if (strncmp(member, APPROVE_PREFIX, start) != 0 ||
	    strlen(member) != start + SL_DIGEST_HEX + sizeof SIGNATURE_END - 1 ||
	    strcmp(member + start + SL_DIGEST_HEX, SIGNATURE_END) != 0)
		return false;
	return strspn(member + start, "0123456789abcdef") == SL_DIGEST_HEX;
}

bool layout_add_member(struct sl_buf *out, const char *name, const void *data, size_t len,
		       struct sl_error *err)
{
	static const char zeros[TAR_BLOCK];
	unsigned char header[TAR_BLOCK];
	if (!tar_header_make(name, len, header, err))
		return false;
	sl_buf_add(out, header, sizeof header);
	sl_buf_add(out, data, len);
	sl_buf_add(out, zeros, tar_padding(len));
	return sl_buf_ok(out, name, err);
}

// No sum here overflows: 65536 blobs of 1 TiB are 2^56 bytes, and the rest is far smaller.
bool layout_make(const struct manifest *manifest, uint64_t signatures_end, struct layout *out,
		 struct sl_error *err)
{
	uint64_t at = signatures_end;
	*out = (struct layout){.content_at = at};
	at += tar_member_bytes(manifest->content_size);
	out->blobs_at = sl_alloc_array(manifest->blobs.len, sizeof *out->blobs_at);
	for (size_t i = 0; i < manifest->blobs.len; i++) {
		out->blobs_at[i] = at;
		at += tar_member_bytes(manifest->blobs.items[i].size);
	}
	out->end_at = at;
	out->total = at + TAR_END;
	if (out->total <= SL_LIMIT_BUNDLE)
		return true;
	sl_fail(err, SL_E_LIMIT, "the bundle: %ju bytes are more than the limit of %llu",
		(uintmax_t)out->total, SL_LIMIT_BUNDLE);
	layout_release(out);
	return false;
}

void layout_release(struct layout *layout)
{
	free(layout->blobs_at);
	*layout = (struct layout){0};
}

struct sized {
	uint64_t size;
	size_t index;
};

static int compare_sizes(const void *a, const void *b)
{
	const struct sized *left = a, *right = b;
	if (left->size != right->size)
		return left->size < right->size ? 1 : -1;
	return left->index < right->index ? -1 : 1;
}

size_t *layout_by_size(const struct manifest *manifest)
{
	size_t len = manifest->blobs.len;
	sl_auto_free struct sized *blobs = sl_alloc_array(len, sizeof *blobs);
	for (size_t i = 0; i < len; i++)
		blobs[i] = (struct sized){manifest->blobs.items[i].size, i};
	if (len > 1)
		qsort(blobs, len, sizeof *blobs, compare_sizes);
	size_t *order = sl_alloc_array(len, sizeof *order);
	for (size_t i = 0; i < len; i++)
		order[i] = blobs[i].index;
	return order;
}
