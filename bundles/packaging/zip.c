// SPDX-License-Identifier: Apache-2.0
// The directory, entry by entry, and unpacking one of them.
#include "bundles/packaging/zip.h"

#include "bundles/packaging/zip_error.h"

#include <string.h>
#include <zlib.h>

enum {
	DIRECTORY_ENTRY = 46, // bytes before the name
	FLAG_ENCRYPTED = 1 << 0,
	FLAG_PATCH = 1 << 5,
	FLAG_STRONG_ENCRYPTION = 1 << 6,
	FLAG_UTF8 = 1 << 11,
	FLAG_HIDDEN = 1 << 13,
};

#define EXTRA_ZIP64	   0x0001U
#define EXTRA_UNICODE_PATH 0x7075U

static size_t count_unset(uint64_t *const *values, size_t count)
{
	size_t unset = 0;
	for (size_t i = 0; i < count; i++)
		unset += *values[i] == ZIP_ALL_ONES_32;
	return unset;
}

// The zip64 field holds the values that are all ones, and only those, in order; or, from some
// writers, all of the first ones, of which those that were not asked for must say the same again.
static bool read_zip64_field(const char *data, size_t size, uint64_t *const *values, size_t count)
{
	size_t unset = count_unset(values, count);
	bool only_unset = size == 8 * unset;
	for (size_t i = 0; i < count && size; i++) {
		bool needed = *values[i] == ZIP_ALL_ONES_32;
		if (only_unset && !needed)
			continue;
		if (size < 8 || (!needed && zip_u64(data) != *values[i]))
			return false;
		*values[i] = zip_u64(data);
		unset -= needed;
		data += 8;
		size -= 8;
	}
	return size == 0 && unset == 0;
}

// Every field must fit, the zip64 field may occur once, and none may give the entry another name.
bool zip_read_extra(const char *extra, size_t len, uint64_t *const *values, size_t count)
{
	bool seen = false;
	while (len) {
		if (len < 4 || zip_u16(extra + 2) > len - 4)
			return false;
		unsigned id = zip_u16(extra);
		size_t size = zip_u16(extra + 2);
		const char *data = extra + 4;
		extra = data + size;
		len -= 4 + size;
		if (id == EXTRA_UNICODE_PATH || (id == EXTRA_ZIP64 && seen))
			return false;
		if (id == EXTRA_ZIP64 && !read_zip64_field(data, size, values, count))
			return false;
		seen = seen || id == EXTRA_ZIP64;
	}
	return seen || count_unset(values, count) == 0;
}

// "a/b" or, for a folder, "a/b/": no empty, "." or ".." part, no backslash or control character.
static bool name_is_plain(const char *name, size_t len)
{
	if (len == 0 || len > SL_LIMIT_PATH)
		return false;
	size_t start = 0;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && name[i] != '/') {
			unsigned char c = (unsigned char)name[i];
			if (c < 0x20 || c == 0x7f || c == '\\')
				return false;
			continue;
		}
		size_t part = i - start;
		bool dots = (part == 1 && name[start] == '.') ||
			    (part == 2 && name[start] == '.' && name[start + 1] == '.');
		// Only after the last slash may nothing follow.
		if (dots || (part == 0 && (i < len || start == 0)))
			return false;
		start = i + 1;
	}
	return true;
}

static bool check_entry(const struct zip *zip, const struct zip_entry *entry, struct sl_error *err)
{
	if (!name_is_plain(entry->name, entry->name_len))
		return zip_bad_entry(zip, entry, "its name is not a plain relative path", err);
	if ((entry->flags & FLAG_UTF8) && !sl_text_is_utf8(entry->name, entry->name_len))
		return zip_bad_entry(zip, entry, "its name is not UTF-8", err);
	if (entry->flags & (FLAG_ENCRYPTED | FLAG_STRONG_ENCRYPTION | FLAG_HIDDEN))
		return zip_bad_entry(zip, entry, "it is encrypted", err);
	if (entry->flags & FLAG_PATCH)
		return zip_bad_entry(zip, entry, "it is a patch of another file", err);
	if (entry->method == ZIP_STORED && entry->packed != entry->unpacked)
		return zip_bad_entry(zip, entry, "it is stored but has two sizes", err);
	if (entry->name[entry->name_len - 1] == '/' && entry->unpacked)
		return zip_bad_entry(zip, entry, "it is a folder with contents", err);
	return true;
}

// Reads the entry at `at`; returns its length in the directory, 0 after a failure.
static size_t read_entry(struct zip *zip, const char *at, size_t left, struct sl_error *err)
{
	if (left < DIRECTORY_ENTRY || memcmp(at, "PK\1\2", 4) != 0) {
		zip_bad(zip, "its directory is cut off or has foreign bytes in it", err);
		return 0;
	}
	struct zip_entry entry = {
		.name = at + DIRECTORY_ENTRY,
		.name_len = zip_u16(at + 28),
		.flags = zip_u16(at + 8),
		.method = zip_u16(at + 10),
		.crc = zip_u32(at + 16),
		.packed = zip_u32(at + 20),
		.unpacked = zip_u32(at + 24),
		.offset = zip_u32(at + 42),
	};
	size_t extra_len = zip_u16(at + 30), comment_len = zip_u16(at + 32);
	size_t len = DIRECTORY_ENTRY + entry.name_len + extra_len + comment_len;
	if (len > left) {
		zip_bad(zip, "its directory is cut off", err);
		return 0;
	}
	const char *extra = entry.name + entry.name_len;
	uint64_t *const values[] = {&entry.unpacked, &entry.packed, &entry.offset};
	bool good = true;
	if (!zip_read_extra(extra, extra_len, values, 3))
		good = zip_bad_entry(zip, &entry, "its extra field is malformed or ambiguous", err);
	else if (zip_u16(at + 34) != 0)
		good = zip_bad_entry(zip, &entry, "it lies in another part of the archive", err);
	else if (memmem(extra + extra_len, comment_len, "PK", 2))
		good = zip_bad_entry(zip, &entry, "its comment looks like a record", err);
	if (!good || !check_entry(zip, &entry, err))
		return 0;
	*sl_list_add(&zip->entries) = entry;
	return len;
}

// An archive whose contents are out of all proportion is not worth carrying.
static bool check_total(const struct zip *zip, struct sl_error *err)
{
	uint64_t total = 0;
	for (size_t i = 0; i < zip->entries.len; i++) {
		uint64_t one = zip->entries.items[i].unpacked;
		if (one > SL_LIMIT_WHEEL_UNPACKED || total + one > SL_LIMIT_WHEEL_UNPACKED)
			return zip_too_large(zip, "its files unpacked", SL_LIMIT_WHEEL_UNPACKED,
					     err);
		total += one;
	}
	uint64_t least = (total + SL_LIMIT_WHEEL_RATIO - 1) / SL_LIMIT_WHEEL_RATIO;
	if (total > SL_LIMIT_WHEEL_RATIO_FROM && zip->size < least)
		return sl_fail(err, SL_E_LIMIT,
			       "%s: its files unpacked are more than %llu times its size: a "
			       "decompression bomb",
			       zip->shown, SL_LIMIT_WHEEL_RATIO);
	return true;
}

struct hashed {
	uint64_t hash;
	const struct zip_entry *entry;
};

static int compare_hashed(const void *left, const void *right)
{
	const struct hashed *a = left, *b = right;
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	if (a->entry->name_len != b->entry->name_len)
		return a->entry->name_len < b->entry->name_len ? -1 : 1;
	return memcmp(a->entry->name, b->entry->name, a->entry->name_len);
}

// Sorted by hash first because that is fast, and by name then because hashes can be made to
// collide.
static bool check_names_differ(const struct zip *zip, struct sl_error *err)
{
	size_t count = zip->entries.len;
	sl_auto_free struct hashed *list = sl_alloc_array(count, sizeof *list);
	for (size_t i = 0; i < count; i++) {
		const struct zip_entry *entry = &zip->entries.items[i];
		uint64_t hash = 0xcbf29ce484222325U; // FNV-1a
		for (size_t c = 0; c < entry->name_len; c++)
			hash = (hash ^ (unsigned char)entry->name[c]) * 0x100000001b3U;
		list[i] = (struct hashed){hash, entry};
	}
	qsort(list, count, sizeof *list, compare_hashed);
	for (size_t i = 1; i < count; i++) {
		if (compare_hashed(&list[i - 1], &list[i]) == 0)
			return zip_bad_entry(zip, list[i].entry, "it is there twice", err);
	}
	return true;
}

static bool read_directory(struct zip *zip, const struct zip_end *end, struct sl_error *err)
{
	if (end->directory_size > SL_LIMIT_ZIP_DIRECTORY)
		return zip_too_large(zip, "its directory", SL_LIMIT_ZIP_DIRECTORY, err);
	if (end->entries > SL_LIMIT_ZIP_ENTRIES)
		return sl_fail(err, SL_E_LIMIT, "%s: more than %d files in one archive", zip->shown,
			       SL_LIMIT_ZIP_ENTRIES);
	// The bytes exist: zip_find_end has compared the size with the file's.
	zip->directory_offset = end->directory_offset;
	zip->directory_size = (size_t)end->directory_size;
	zip->directory = sl_alloc(zip->directory_size);
	if (!sl_pread_all(zip->fd, zip->directory, zip->directory_size, zip->directory_offset,
			  zip->shown, err))
		return false;
	const char *at = zip->directory;
	size_t left = zip->directory_size;
	for (uint64_t i = 0; i < end->entries; i++) {
		size_t used = read_entry(zip, at, left, err);
		if (!used)
			return false;
		at += used;
		left -= used;
	}
	if (left)
		return zip_bad(zip, "its directory holds more than it says", err);
	return true;
}

bool zip_open(struct zip *zip, int fd, uint64_t size, const char *shown, struct sl_error *err)
{
	*zip = (struct zip){.fd = fd, .size = size, .shown = shown};
	struct zip_end end;
	if (zip_find_end(zip, &end, err) && read_directory(zip, &end, err) &&
	    check_total(zip, err) && check_names_differ(zip, err) && zip_check_layout(zip, err))
		return true;
	zip_release(zip);
	return false;
}

void zip_release(struct zip *zip)
{
	free(zip->directory);
	sl_list_release(&zip->entries);
	*zip = (struct zip){0};
}

struct unpacker {
	const struct zip *zip;
	const struct zip_entry *entry;
	struct sl_buf *out;
	uint64_t at, end; // packed bytes not read yet
	uint64_t made;
	uint32_t crc;
	z_stream stream;
	unsigned char in[16384], piece[16384];
};

// Counts what really comes out (T18): the declared size is only a promise.
static bool take_output(struct unpacker *unpacker, const void *data, size_t len,
			struct sl_error *err)
{
	if (len > unpacker->entry->unpacked - unpacker->made)
		return zip_bad_entry(unpacker->zip, unpacker->entry,
				     "it unpacks to more than it says", err);
	sl_buf_add(unpacker->out, data, len);
	unpacker->made += len;
	unpacker->crc = (uint32_t)crc32(unpacker->crc, data, (uInt)len);
	return sl_buf_ok(unpacker->out, unpacker->zip->shown, err);
}

static bool refill(struct unpacker *unpacker, size_t *len_out, struct sl_error *err)
{
	uint64_t left = unpacker->end - unpacker->at;
	size_t len = left < sizeof unpacker->in ? (size_t)left : sizeof unpacker->in;
	if (!sl_pread_all(unpacker->zip->fd, unpacker->in, len, unpacker->at, unpacker->zip->shown,
			  err))
		return false;
	unpacker->at += len;
	*len_out = len;
	return true;
}

static bool copy_stored(struct unpacker *unpacker, struct sl_error *err)
{
	while (unpacker->at < unpacker->end) {
		size_t len;
		if (!refill(unpacker, &len, err) || !take_output(unpacker, unpacker->in, len, err))
			return false;
	}
	return true;
}

static bool inflate_all(struct unpacker *unpacker, struct sl_error *err)
{
	z_stream *stream = &unpacker->stream;
	int status = Z_OK;
	while (status != Z_STREAM_END) {
		if (stream->avail_in == 0) {
			size_t len;
			if (!refill(unpacker, &len, err))
				return false;
			stream->next_in = unpacker->in;
			stream->avail_in = (uInt)len;
		}
		stream->next_out = unpacker->piece;
		stream->avail_out = sizeof unpacker->piece;
		status = inflate(stream, Z_NO_FLUSH);
		// Z_BUF_ERROR: no more input, although the stream has no end.
		if (status != Z_OK && status != Z_STREAM_END)
			return zip_bad_entry(unpacker->zip, unpacker->entry,
					     "its packed bytes are damaged", err);
		if (!take_output(unpacker, unpacker->piece,
				 sizeof unpacker->piece - stream->avail_out, err))
			return false;
	}
	if (stream->avail_in || unpacker->at < unpacker->end)
		return zip_bad_entry(unpacker->zip, unpacker->entry,
				     "bytes follow the end of its packed data", err);
	return true;
}

static bool inflate_entry(struct unpacker *unpacker, struct sl_error *err)
{
	if (inflateInit2(&unpacker->stream, -MAX_WBITS) != Z_OK)
		return sl_fail(err, SL_E_INTERNAL, "zlib cannot start");
	bool good = inflate_all(unpacker, err);
	inflateEnd(&unpacker->stream);
	return good;
}

bool zip_read(const struct zip *zip, const struct zip_entry *entry, struct sl_buf *out,
	      struct sl_error *err)
{
	if (entry->method != ZIP_STORED && entry->method != ZIP_DEFLATED)
		return zip_bad_entry(zip, entry, "its compression method is not known", err);
	sl_auto_free struct unpacker *unpacker = sl_alloc(sizeof *unpacker);
	unpacker->zip = zip;
	unpacker->entry = entry;
	unpacker->out = out;
	unpacker->at = entry->data;
	unpacker->end = entry->data + entry->packed;
	if (entry->method == ZIP_STORED ? !copy_stored(unpacker, err)
					: !inflate_entry(unpacker, err))
		return false;
	if (unpacker->made != entry->unpacked)
		return zip_bad_entry(zip, entry, "it unpacks to less than it says", err);
	if (unpacker->crc != entry->crc)
		return zip_bad_entry(zip, entry, "its checksum is wrong", err);
	return true;
}
