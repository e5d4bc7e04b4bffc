// SPDX-License-Identifier: Apache-2.0
// A bundle with more countersignatures: a new head, and the same bytes behind it. They are hashed
// again on the way, so that damage is never copied under a fresh name.
#include "bundles/format/pump.h"
#include "bundles/format/reader.h"

#include <assert.h>
#include <string.h>

static int compare_members(const void *a, const void *b)
{
	const struct raw_signature *left = *(const struct raw_signature *const *)a;
	const struct raw_signature *right = *(const struct raw_signature *const *)b;
	bool left_first = strcmp(left->member, MEMBER_PREPARE) == 0;
	bool right_first = strcmp(right->member, MEMBER_PREPARE) == 0;
	if (left_first != right_first)
		return left_first ? -1 : 1;
	return strcmp(left->member, right->member);
}

static bool check_added(const struct raw_signature *signature, struct sl_error *err)
{
	if (!layout_is_signature(signature->member) ||
	    strcmp(signature->member, MEMBER_PREPARE) == 0) {
		sl_auto_free char *shown = sl_text_shown(signature->member);
		return sl_fail(err, SL_E_INPUT, "cannot attach '%s': not a countersignature",
			       shown);
	}
	if (signature->len > 0 && signature->len <= SL_LIMIT_SIGNATURE)
		return true;
	return sl_fail(err, SL_E_LIMIT, "cannot attach '%s': it has %zu bytes, not 1 to %d",
		       signature->member, signature->len, SL_LIMIT_SIGNATURE);
}

static bool add_signatures(const struct raw_signature **all, size_t len, struct sl_buf *head,
			   struct sl_error *err)
{
	for (size_t i = 0; i < len; i++) {
		if (i > 0 && strcmp(all[i - 1]->member, all[i]->member) == 0)
			return sl_fail(err, SL_E_INPUT, "cannot attach '%s': it is there already",
				       all[i]->member);
		if (!layout_add_member(head, all[i]->member, all[i]->text, all[i]->len, err))
			return false;
	}
	return true;
}

static bool make_head(const struct bundle_reader *reader, const struct raw_signature *added,
		      size_t added_len, struct sl_buf *head, struct sl_error *err)
{
	size_t old = reader->signatures.len;
	if (added_len > SL_LIMIT_SIGNATURES - old)
		return sl_fail(err, SL_E_LIMIT, "cannot attach: more than %d signatures",
			       SL_LIMIT_SIGNATURES);
	sl_auto_free const struct raw_signature **all =
		sl_alloc_array(old + added_len, sizeof *all);
	for (size_t i = 0; i < old; i++)
		all[i] = &reader->signatures.items[i];
	for (size_t i = 0; i < added_len; i++) {
		if (!check_added(&added[i], err))
			return false;
		all[old + i] = &added[i];
	}
	if (old + added_len > 1)
		qsort(all, old + added_len, sizeof *all, compare_members);
	return layout_add_member(head, MEMBER_MANIFEST, reader->manifest_text, reader->manifest_len,
				 err) &&
	       add_signatures(all, old + added_len, head, err);
}

static bool write_piece(void *context, const void *data, size_t len, struct sl_error *err)
{
	struct sl_output *output = context;
	sl_output_write(output, data, len);
	return output->first.kind == SL_E_NONE ||
	       sl_fail(err, output->first.kind, "%s", output->first.text);
}

// Header and padding are known; only the data comes from the old file.
static bool copy_member(const struct bundle_reader *reader, const char *name, uint64_t at,
			uint64_t size, const struct sl_digest *sha256, struct sl_output *output,
			struct sl_error *err)
{
	static const char zeros[TAR_BLOCK];
	unsigned char header[TAR_BLOCK];
	struct pump pump = {.fd = reader->fd,
			    .offset = at + TAR_BLOCK,
			    .size = size,
			    .shown = reader->shown,
			    .take = write_piece,
			    .context = output};
	struct sl_digest found;
	if (!tar_header_make(name, size, header, err))
		return false;
	sl_output_write(output, header, sizeof header);
	if (!pump_run(&pump, &found, err))
		return false;
	sl_output_write(output, zeros, tar_padding(size));
	return sl_digest_equal(&found, sha256) ||
	       sl_fail(err, SL_E_FORMAT, "bundle '%s': '%s' is damaged", reader->shown, name);
}

static bool copy_rest(const struct bundle_reader *reader, struct sl_output *output,
		      struct sl_error *err)
{
	static const char end[TAR_END];
	const struct manifest *manifest = &reader->manifest;
	const struct layout *layout = &reader->layout;
	if (!copy_member(reader, MEMBER_CONTENT, layout->content_at, manifest->content_size,
			 &manifest->content_sha256, output, err))
		return false;
	for (size_t i = 0; i < manifest->blobs.len; i++) {
		const struct manifest_blob *blob = &manifest->blobs.items[i];
		char name[BLOB_NAME_SIZE];
		layout_blob_name(&blob->sha256, name);
		if (!copy_member(reader, name, layout->blobs_at[i], blob->size, &blob->sha256,
				 output, err))
			return false;
	}
	sl_output_write(output, end, sizeof end);
	return true;
}

bool bundle_attach(struct bundle_reader *reader, const struct raw_signature *added,
		   size_t added_len, const char *path, struct sl_error *err)
{
	assert(reader->gated);
	sl_auto_output struct sl_output output = {.dirfd = -1, .fd = -1};
	sl_auto_buf struct sl_buf head;
	sl_buf_init(&head, LAYOUT_HEAD_MAX);
	if (!make_head(reader, added, added_len, &head, err) ||
	    !sl_output_open(&output, path, 0644, SL_OUTPUT_REPLACE, err))
		return false;
	sl_output_write(&output, head.data, head.len);
	return copy_rest(reader, &output, err) && sl_output_commit(&output, err);
}
