// SPDX-License-Identifier: Apache-2.0
// The compatibility tags of a target, most preferred first (PEP 425, 600, 656; linux_* last).
#ifndef SL_PACKAGING_TAGS_H
#define SL_PACKAGING_TAGS_H

#include "bundles/base/base.h"

// TAG_MACOS stands for the system itself: its version is then libc_major.libc_minor.
enum tag_libc { TAG_GLIBC, TAG_MUSL, TAG_MACOS };

struct tag_target {
	const char *implementation; // "cpython" or "pypy"
	unsigned major, minor;	    // of Python
	bool free_threaded;
	enum tag_libc libc;
	unsigned libc_major, libc_minor;
	const char *machine; // "x86_64"
};

struct tag_set; // opaque: list in order, and a map from tag to rank

// SL_E_INPUT for a target that no tags are defined for.
bool tags_generate(const struct tag_target *target, struct tag_set **out,
		   struct sl_error *err) SL_MUST_USE;
void tags_free(struct tag_set *tags);
size_t tags_count(const struct tag_set *tags);
const char *tags_at(const struct tag_set *tags, size_t rank); // "cp311-cp311-manylinux_2_36_x86_64"
// Rank of one tag, or -1.
long tags_rank(const struct tag_set *tags, const char *python, const char *abi,
	       const char *platform);

#endif
