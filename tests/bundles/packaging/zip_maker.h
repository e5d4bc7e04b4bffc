// SPDX-License-Identifier: Apache-2.0
// Makes zip files byte by byte, sound or with any one lie in them. Every field can be set; what is
// left at its default is what an honest archive has there.
#ifndef SL_TESTS_PACKAGING_ZIP_MAKER_H
#define SL_TESTS_PACKAGING_ZIP_MAKER_H

#include "bundles/base/base.h"

#include <string.h>
#include <sys/mman.h>
#include <zlib.h>

struct zip_member {
	const char *name;
	size_t name_len; // 0 = strlen(name)
	const char *text;
	size_t text_len;   // 0 = strlen(text)
	bool stored;	   // not deflated
	bool descriptor;   // sizes after the data
	unsigned flags;	   // added to the honest ones
	bool zip64;	   // sizes and offset in an extra field of the directory
	const char *junk;  // bytes after this member that belong to nobody
	const char *extra; // extra field of both headers
	size_t extra_len;
	const char *comment;
	// lies, used when not NULL
	const char *local_name;
	const uint64_t *local_unpacked, *unpacked, *packed, *offset;
	const uint32_t *local_crc, *crc, *descriptor_crc;
	const unsigned *method, *local_method, *local_flags;
	const char *tail; // bytes after the deflated data, counted as packed
};

struct zip_frame {
	const char *before, *after, *comment; // bytes around it
	const char *gap;		      // between directory and end record
	bool zip64;			      // 64-bit end record and locator
	const uint64_t *entries, *directory_size, *directory_offset; // of the 32-bit end record
	const uint64_t *entries64, *directory_size64, *directory_offset64; // of the 64-bit one
	const uint64_t *record64_offset;
	const unsigned *comment_len, *disk;
};

static inline void put(struct sl_buf *out, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		sl_buf_addc(out, (char)(value >> 8 * i & 0xff));
}

static inline void put_packed(struct sl_buf *out, const struct zip_member *member)
{
	size_t len = member->text_len ? member->text_len : strlen(member->text);
	if (member->stored) {
		sl_buf_add(out, member->text, len);
	} else {
		z_stream stream = {0};
		size_t bound = len + len / 1000 + 64;
		sl_auto_free unsigned char *packed = sl_alloc(bound);
		deflateInit2(&stream, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY);
		sl_auto_free char *copy = sl_strndup(member->text, len);
		stream.next_in = (unsigned char *)copy;
		stream.avail_in = (uInt)len;
		stream.next_out = packed;
		stream.avail_out = (uInt)bound;
		deflate(&stream, Z_FINISH);
		sl_buf_add(out, packed, bound - stream.avail_out);
		deflateEnd(&stream);
	}
	if (member->tail)
		sl_buf_adds(out, member->tail);
}

#define LIE(pointer, honest) ((pointer) ? *(pointer) : (honest))

// One local entry into `out`, its directory entry into `directory`.
static inline void put_member(struct sl_buf *out, struct sl_buf *directory,
			      const struct zip_member *member)
{
	struct sl_buf packed;
	sl_buf_init(&packed, 64 * SL_MIB);
	put_packed(&packed, member);
	size_t len = member->text_len ? member->text_len : strlen(member->text);
	size_t name_len = member->name_len ? member->name_len : strlen(member->name);
	uint32_t sum = (uint32_t)crc32(0, (const unsigned char *)member->text, (uInt)len);
	unsigned method = member->stored ? 0 : 8;
	unsigned flags = member->flags | (member->descriptor ? 8U : 0U);
	uint64_t offset = out->len;
	const char *local_name = member->local_name ? member->local_name : member->name;
	size_t local_name_len = member->local_name ? strlen(member->local_name) : name_len;

	sl_buf_add(out, "PK\3\4", 4);
	put(out, 20, 2);
	put(out, LIE(member->local_flags, flags), 2);
	put(out, LIE(member->local_method, method), 2);
	put(out, 0, 4); // time
	put(out, LIE(member->local_crc, member->descriptor ? 0 : sum), 4);
	put(out, member->descriptor ? 0 : packed.len, 4);
	put(out, LIE(member->local_unpacked, member->descriptor ? 0 : len), 4);
	put(out, local_name_len, 2);
	put(out, member->extra_len, 2);
	sl_buf_add(out, local_name, local_name_len);
	sl_buf_add(out, member->extra, member->extra_len);
	sl_buf_add(out, packed.data, packed.len);
	if (member->descriptor) {
		sl_buf_add(out, "PK\7\10", 4);
		put(out, LIE(member->descriptor_crc, sum), 4);
		put(out, packed.len, 4);
		put(out, len, 4);
	}
	if (member->junk)
		sl_buf_adds(out, member->junk);

	size_t comment_len = member->comment ? strlen(member->comment) : 0;
	uint64_t unpacked_size = LIE(member->unpacked, len);
	uint64_t packed_size = LIE(member->packed, packed.len);
	uint64_t local_offset = LIE(member->offset, offset);
	sl_buf_add(directory, "PK\1\2", 4);
	put(directory, 20, 2);
	put(directory, 20, 2);
	put(directory, flags, 2);
	put(directory, LIE(member->method, method), 2);
	put(directory, 0, 4);
	put(directory, LIE(member->crc, sum), 4);
	put(directory, member->zip64 ? 0xffffffff : packed_size, 4);
	put(directory, member->zip64 ? 0xffffffff : unpacked_size, 4);
	put(directory, name_len, 2);
	put(directory, member->extra_len + (member->zip64 ? 28 : 0), 2);
	put(directory, comment_len, 2);
	put(directory, 0, 8); // disk, attributes
	put(directory, member->zip64 ? 0xffffffff : local_offset, 4);
	sl_buf_add(directory, member->name, name_len);
	sl_buf_add(directory, member->extra, member->extra_len);
	if (member->zip64) {
		put(directory, 1, 2);
		put(directory, 24, 2);
		put(directory, unpacked_size, 8);
		put(directory, packed_size, 8);
		put(directory, local_offset, 8);
	}
	if (member->comment)
		sl_buf_adds(directory, member->comment);
	sl_buf_release(&packed);
}

static inline void put_end64(struct sl_buf *out, const struct zip_frame *frame, uint64_t entries,
			     uint64_t size, uint64_t offset)
{
	uint64_t at = out->len;
	sl_buf_add(out, "PK\6\6", 4);
	put(out, 44, 8);
	put(out, 45, 2);
	put(out, 45, 2);
	put(out, 0, 8);
	put(out, LIE(frame->entries64, entries), 8);
	put(out, LIE(frame->entries64, entries), 8);
	put(out, LIE(frame->directory_size64, size), 8);
	put(out, LIE(frame->directory_offset64, offset), 8);
	sl_buf_add(out, "PK\6\7", 4);
	put(out, 0, 4);
	put(out, LIE(frame->record64_offset, at), 8);
	put(out, 1, 4);
}

static inline void put_end(struct sl_buf *out, const struct zip_frame *frame, uint64_t entries,
			   uint64_t size, uint64_t offset)
{
	if (frame->zip64) {
		put_end64(out, frame, entries, size, offset);
		entries = 0xffff;
		size = offset = 0xffffffff;
	}
	size_t comment_len = frame->comment ? strlen(frame->comment) : 0;
	sl_buf_add(out, "PK\5\6", 4);
	put(out, LIE(frame->disk, 0), 2);
	put(out, 0, 2);
	put(out, LIE(frame->entries, entries), 2);
	put(out, LIE(frame->entries, entries), 2);
	put(out, LIE(frame->directory_size, size), 4);
	put(out, LIE(frame->directory_offset, offset), 4);
	put(out, LIE(frame->comment_len, comment_len), 2);
	if (frame->comment)
		sl_buf_adds(out, frame->comment);
}

// `out` is initialised by the caller.
static inline void zip_make(struct sl_buf *out, const struct zip_member *members, size_t count,
			    const struct zip_frame *frame)
{
	struct sl_buf directory;
	sl_buf_init(&directory, 64 * SL_MIB);
	if (frame->before)
		sl_buf_adds(out, frame->before);
	for (size_t i = 0; i < count; i++)
		put_member(out, &directory, &members[i]);
	uint64_t offset = out->len;
	sl_buf_add(out, directory.data, directory.len);
	if (frame->gap)
		sl_buf_adds(out, frame->gap);
	put_end(out, frame, count, directory.len, offset);
	if (frame->after)
		sl_buf_adds(out, frame->after);
	sl_buf_release(&directory);
}

// A descriptor of a file in memory with these bytes.
static inline int zip_file(const void *data, size_t len)
{
	int fd = memfd_create("wheel", MFD_CLOEXEC);
	struct sl_error err = {0};
	if (fd < 0 || !sl_pwrite_all(fd, data, len, 0, "wheel", &err))
		abort();
	return fd;
}

#endif
