// SPDX-License-Identifier: Apache-2.0
// Names, order and places of the members: what writer and reader must agree on to the byte.
#ifndef SL_FORMAT_LAYOUT_H
#define SL_FORMAT_LAYOUT_H

#include "bundles/format/manifest.h"
#include "bundles/format/tar.h"

#define MEMBER_MANIFEST "manifest.json"
#define MEMBER_PREPARE	"signatures/prepare.minisig"
#define MEMBER_CONTENT	"content.tar.zst"

#define BLOB_NAME_SIZE (sizeof "blobs/sha256/" + SL_DIGEST_HEX)

// "blobs/sha256/<hex>"
void layout_blob_name(const struct sl_digest *sha256, char out[BLOB_NAME_SIZE]);

// True for signatures/prepare.minisig and signatures/approve-<64 hex>.minisig.
bool layout_is_signature(const char *member);

// Appends a whole member: header, data, padding.
bool layout_add_member(struct sl_buf *out, const char *name, const void *data, size_t len,
		       struct sl_error *err) SL_MUST_USE;

// Ceiling of a buffer for members 1 to 3.
#define LAYOUT_HEAD_MAX \
	(SL_LIMIT_MANIFEST + SL_LIMIT_SIGNATURES * (SL_LIMIT_SIGNATURE + TAR_BLOCK) + 4 * TAR_BLOCK)

// Where everything after the signatures stands: a function of the manifest and of where the
// signatures end. Each place is that of a header; the data follows it.
struct layout {
	uint64_t content_at;
	uint64_t *blobs_at; // one for each blob of the manifest; owned
	uint64_t end_at;    // of the two end blocks
	uint64_t total;	    // size of the file
};

// SL_E_LIMIT when the file would be larger than a bundle may be.
bool layout_make(const struct manifest *manifest, uint64_t signatures_end, struct layout *out,
		 struct sl_error *err) SL_MUST_USE;
void layout_release(struct layout *layout);

// Indexes of the manifest's blobs, largest first, so that what several threads share ends with the
// small ones. Owned.
size_t *layout_by_size(const struct manifest *manifest);

#endif
