// SPDX-License-Identifier: Apache-2.0
// The central directory of a zip file, read so strictly that no other reader can see other members:
// for this room only.
//
//     entry 0 | entry 1 | … | directory | [zip64 record | zip64 locator] | end record [comment]
//
// 1. The end record is the last one in the file and ends where the file ends.
// 2. Directory and end records touch; the entries fill everything before the directory, in any
//    order but without gaps or overlaps.
// 3. Each entry's local header says what the directory says.
// 4. Names are plain relative paths, each there once.
#ifndef SL_PACKAGING_ZIP_H
#define SL_PACKAGING_ZIP_H

#include "bundles/base/base.h"

enum zip_method { ZIP_STORED = 0, ZIP_DEFLATED = 8 };

struct zip_entry {
	const char *name; // not terminated; points into the directory
	size_t name_len;
	unsigned method, flags;
	uint32_t crc;
	uint64_t packed, unpacked; // sizes
	uint64_t offset;	   // of the local header
	uint64_t data;		   // of the packed bytes; known after zip_open
};

struct zip {
	int fd; // borrowed
	uint64_t size;
	const char *shown;
	char *directory;
	uint64_t directory_offset;
	size_t directory_size;
	SL_LIST(struct zip_entry) entries; // in the order of the file
};

// Checks everything above. SL_E_FORMAT "<shown>: …", SL_E_LIMIT, SL_E_IO.
bool zip_open(struct zip *zip, int fd, uint64_t size, const char *shown,
	      struct sl_error *err) SL_MUST_USE;
void zip_release(struct zip *zip);
#define auto_zip __attribute__((cleanup(zip_release)))

// Unpacks one entry into `out`; stops at the first byte past its declared size.
bool zip_read(const struct zip *zip, const struct zip_entry *entry, struct sl_buf *out,
	      struct sl_error *err) SL_MUST_USE;

// Little-endian numbers.
static inline unsigned zip_u16(const void *at)
{
	const unsigned char *bytes = at;
	return (unsigned)bytes[0] | (unsigned)bytes[1] << 8;
}

static inline uint32_t zip_u32(const void *at)
{
	const unsigned char *bytes = at;
	return (uint32_t)zip_u16(bytes) | (uint32_t)zip_u16(bytes + 2) << 16;
}

static inline uint64_t zip_u64(const void *at)
{
	const unsigned char *bytes = at;
	return (uint64_t)zip_u32(bytes) | (uint64_t)zip_u32(bytes + 4) << 32;
}

// The parts of zip_open, one a file.
struct zip_end {
	uint64_t entries, directory_offset, directory_size;
};
bool zip_find_end(const struct zip *zip, struct zip_end *end, struct sl_error *err) SL_MUST_USE;
bool zip_check_layout(struct zip *zip, struct sl_error *err) SL_MUST_USE; // fills `data`
// The zip64 extra field: replaces each of the values that is all ones. `count` of them, in the
// fixed order unpacked, packed, offset. Checks the other extra fields as well.
bool zip_read_extra(const char *extra, size_t len, uint64_t *const *values, size_t count);

#define ZIP_ALL_ONES_16 0xffffU
#define ZIP_ALL_ONES_32 0xffffffffU

#endif
