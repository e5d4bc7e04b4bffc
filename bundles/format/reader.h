// SPDX-License-Identifier: Apache-2.0
// What the reader holds. Private to this folder.
#ifndef SL_FORMAT_READER_H
#define SL_FORMAT_READER_H

#include "bundles/format/content.h"
#include "bundles/format/format.h"
#include "bundles/format/layout.h"

struct bundle_reader {
	char *shown;
	int fd;
	uint64_t size;
	char *manifest_text;
	size_t manifest_len;
	struct sl_digest id;
	SL_LIST(struct raw_signature) signatures;
	uint64_t head_end; // of members 1 to 3: where content.tar.zst begins
	bool gated;	   // manifest and layout are filled and the file has their shape
	struct manifest manifest;
	struct layout layout;
	bool has_content;
	struct content content;
};

// Puts the bundle's name in front of an error about its structure. Always returns false.
bool reader_refuse(const struct bundle_reader *reader, struct sl_error *err);

#endif
