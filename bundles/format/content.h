// SPDX-License-Identifier: Apache-2.0
// Member 4, content.tar.zst: the small files of a bundle as one zstd frame around one tar.
#ifndef SL_FORMAT_CONTENT_H
#define SL_FORMAT_CONTENT_H

#include "bundles/format/manifest.h"

#define CONTENT_ZSTD_LEVEL 2

// True if `name` may stand in the content: a plain member name that does not meet the names that
// the bundle itself puts beside the content when it is laid out (manifest.json, signatures, blobs).
bool content_name_is_plain(const char *name);

// Packs the files, which are sorted by name, and fills what the manifest says about them: `files`
// and every content_* and zstd_* member (the manifest is otherwise left alone). Appends the frame
// to `frame_out`. The same files and the same libzstd give the same bytes. SL_E_LIMIT.
bool content_pack(const struct content *content, struct sl_buf *frame_out,
		  struct manifest *manifest, struct sl_error *err) SL_MUST_USE;

// Unpacks `frame`, whose every byte must be what the manifest says: digest of the frame, one frame
// and nothing else, digest of the tar, the files in order with their headers, padding and digests,
// the end blocks and no more. `out` is filled on success only; release it.
bool content_unpack(const struct manifest *manifest, const void *frame, size_t len,
		    struct content *out, struct sl_error *err) SL_MUST_USE;

#endif
