// SPDX-License-Identifier: Apache-2.0
// The tar form that format 1 uses, for the bundle and for the tar inside content.tar.zst: one
// 512-byte header for each name and size, and nothing else. specs/bundle-format.md, "Headers".
//
// A header is never interpreted beyond its name and size: the reader takes these two, makes the
// header again and compares all 512 bytes, so every link, device, mode, owner, time, extension and
// second spelling of a number is refused by one rule (T01-T04, T08, T11-T13, T18-T20).
#ifndef SL_FORMAT_TAR_H
#define SL_FORMAT_TAR_H

#include "bundles/base/base.h"

#define TAR_BLOCK 512
#define TAR_END	  (2 * TAR_BLOCK) // the two zero blocks that end an archive

struct tar_member {
	char name[SL_LIMIT_MEMBER_NAME + 1];
	uint64_t size;
};

// True for the names that a header can hold: 1 to 100 bytes in plain components of
// [A-Za-z0-9_][A-Za-z0-9._-]*, separated by single slashes.
bool tar_name_is_plain(const char *name);

// Makes the header of a regular file. `name` is plain and `size` below 2^63 (asserted).
// SL_E_INTERNAL when the library does not give exactly one block.
bool tar_header_make(const char *name, uint64_t size, unsigned char out[TAR_BLOCK],
		     struct sl_error *err) SL_MUST_USE;

// Reads name and size, and refuses (SL_E_FORMAT) whatever tar_header_make() would not have made.
bool tar_header_parse(const unsigned char block[TAR_BLOCK], struct tar_member *out,
		      struct sl_error *err) SL_MUST_USE;

// SL_E_FORMAT unless `block` is the header of exactly this name and size.
bool tar_header_check(const unsigned char block[TAR_BLOCK], const char *name, uint64_t size,
		      struct sl_error *err) SL_MUST_USE;

// Zero bytes between the data of a member of `size` bytes and the next block: 0 to 511.
size_t tar_padding(uint64_t size);
// Bytes of a whole member: header, data, padding. `size` is below 2^62 (asserted).
uint64_t tar_member_bytes(uint64_t size);
bool tar_is_zero(const void *data, size_t len);

#endif
