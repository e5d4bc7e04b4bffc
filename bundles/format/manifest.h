// SPDX-License-Identifier: Apache-2.0
// manifest.json, member 1 of a bundle: the signed root from which everything is reached by digest.
// specs/bundle-format.md is the law.
#ifndef SL_FORMAT_MANIFEST_H
#define SL_FORMAT_MANIFEST_H

#include "bundles/recipe/recipe.h"

#define FORMAT_NUMBER 1

struct manifest_file {
	char *name; // in content.tar.zst
	struct sl_digest sha256;
	uint64_t size;
};

struct manifest_blob {
	struct sl_digest sha256;
	uint64_t size;
};

struct manifest {
	char *name, *version;
	char *python, *platform, *glibc; // the target
	enum closure closure;
	unsigned recipe;
	SL_LIST(struct manifest_file) files; // sorted by name
	SL_LIST(struct manifest_blob) blobs; // sorted by digest, each once
	struct sl_digest content_sha256;     // of content.tar.zst
	uint64_t content_size;
	struct sl_digest content_tar_sha256; // of the tar inside
	uint64_t content_tar_size;
	char *zstd_version; // "1.5.4"
	unsigned zstd_level;
};

void manifest_release(struct manifest *manifest);

// Appends the exact bytes of member 1.
bool manifest_format(const struct manifest *manifest, struct sl_buf *out,
		     struct sl_error *err) SL_MUST_USE;
// SL_E_FORMAT unless the bytes are canonical and every value is in its grammar and limit.
bool manifest_parse(const char *text, size_t len, struct manifest *out,
		    struct sl_error *err) SL_MUST_USE;

#endif
