// SPDX-License-Identifier: Apache-2.0
// Where things lie in a zip file: the end records, and the entries one after another. This is what
// makes all readers see the same archive (T14): those that start at the end, those that start at
// the beginning, and those that look for the 64-bit records.
#include "bundles/packaging/zip.h"

#include "bundles/packaging/zip_error.h"

#include <string.h>

enum {
	END_RECORD = 22,
	END_TAIL = END_RECORD + 65535, // with the longest comment
	ZIP64_LOCATOR = 20,
	ZIP64_RECORD = 56,
	LOCAL_HEADER = 30,
	FLAG_DESCRIPTOR = 1 << 3,
	// What the local header must repeat: encryption, descriptor, UTF-8, hidden fields.
	FLAGS_COMPARED = 1 << 0 | 1 << 3 | 1 << 6 | 1 << 11 | 1 << 13,
};

// The last place in `tail` where an end record can begin, or NULL.
static const char *last_end_record(const char *tail, size_t len)
{
	for (size_t at = len - END_RECORD + 1; at-- > 0;) {
		if (memcmp(tail + at, "PK\5\6", 4) == 0)
			return tail + at;
	}
	return NULL;
}

// Everything else is wrong when the 32-bit record and the 64-bit one tell different stories.
static bool same_or_unset(uint64_t small, uint64_t unset, uint64_t big)
{
	return small == unset || small == big;
}

// The 64-bit record that the locator before the end record at `end_at` names; `*start_out` is where
// it begins.
static bool read_zip64(const struct zip *zip, const char *locator, uint64_t end_at,
		       const char *end_record, struct zip_end *end, uint64_t *start_out,
		       struct sl_error *err)
{
	uint64_t start = zip_u64(locator + 8);
	uint64_t locator_at = end_at - ZIP64_LOCATOR;
	if (zip_u32(locator + 4) != 0 || zip_u32(locator + 16) > 1)
		return zip_bad(zip, "it is one part of several", err);
	if (start > locator_at || locator_at - start < ZIP64_RECORD)
		return zip_bad(zip, "its 64-bit end record is not where it should be", err);
	char record[ZIP64_RECORD];
	if (!sl_pread_all(zip->fd, record, sizeof record, start, zip->shown, err))
		return false;
	if (memcmp(record, "PK\6\6", 4) != 0 || zip_u64(record + 4) != locator_at - start - 12)
		return zip_bad(zip, "its 64-bit end record is not where it should be", err);
	if (zip_u32(record + 16) != 0 || zip_u32(record + 20) != 0 ||
	    zip_u64(record + 24) != zip_u64(record + 32))
		return zip_bad(zip, "it is one part of several", err);
	end->entries = zip_u64(record + 32);
	end->directory_size = zip_u64(record + 40);
	end->directory_offset = zip_u64(record + 48);
	*start_out = start;
	if (!same_or_unset(zip_u16(end_record + 10), ZIP_ALL_ONES_16, end->entries) ||
	    !same_or_unset(zip_u32(end_record + 12), ZIP_ALL_ONES_32, end->directory_size) ||
	    !same_or_unset(zip_u32(end_record + 16), ZIP_ALL_ONES_32, end->directory_offset))
		return zip_bad(zip, "its two end records disagree", err);
	return true;
}

// `record` lies at `at` of the file, with at least `before` bytes of the file in front of it.
static bool read_end(const struct zip *zip, const char *record, uint64_t at, size_t before,
		     struct zip_end *end, struct sl_error *err)
{
	end->entries = zip_u16(record + 10);
	end->directory_size = zip_u32(record + 12);
	end->directory_offset = zip_u32(record + 16);
	uint64_t directory_end = at;
	if (before >= ZIP64_LOCATOR && memcmp(record - ZIP64_LOCATOR, "PK\6\7", 4) == 0) {
		if (!read_zip64(zip, record - ZIP64_LOCATOR, at, record, end, &directory_end, err))
			return false;
	} else if (end->entries == ZIP_ALL_ONES_16 || end->directory_size == ZIP_ALL_ONES_32 ||
		   end->directory_offset == ZIP_ALL_ONES_32) {
		return zip_bad(zip, "its 64-bit end record is missing", err);
	}
	// Compared without adding: the sum of two foreign numbers could wrap.
	if (end->directory_offset > directory_end ||
	    end->directory_size != directory_end - end->directory_offset)
		return zip_bad(zip,
			       "its directory does not end where the end record begins (bytes "
			       "before or after the archive?)",
			       err);
	return true;
}

static bool check_end(const struct zip *zip, const char *record, size_t len, struct sl_error *err)
{
	size_t comment_len = zip_u16(record + 20);
	if (comment_len != len - END_RECORD)
		return zip_bad(zip, "bytes after its end record", err);
	if (memmem(record + END_RECORD, comment_len, "PK", 2))
		return zip_bad(zip, "its comment looks like a record", err);
	if (zip_u16(record + 4) != 0 || zip_u16(record + 6) != 0 ||
	    zip_u16(record + 8) != zip_u16(record + 10))
		return zip_bad(zip, "it is one part of several", err);
	return true;
}

bool zip_find_end(const struct zip *zip, struct zip_end *end, struct sl_error *err)
{
	if (zip->size < END_RECORD || zip->size > INT64_MAX)
		return zip_bad(zip, "no end record", err);
	// Nearly all archives have no comment; then a short read is enough.
	static const size_t reads[] = {4096, END_TAIL + ZIP64_LOCATOR};
	for (size_t i = 0; i < 2; i++) {
		size_t len = zip->size < reads[i] ? (size_t)zip->size : reads[i];
		sl_auto_free char *tail = sl_alloc(len);
		if (!sl_pread_all(zip->fd, tail, len, zip->size - len, zip->shown, err))
			return false;
		const char *record = last_end_record(tail, len);
		size_t before = record ? (size_t)(record - tail) : 0;
		// A locator may stand before the record: have it in the buffer, too.
		if (!record || (before < ZIP64_LOCATOR && len < zip->size && i == 0))
			continue;
		return check_end(zip, record, len - before, err) &&
		       read_end(zip, record, zip->size - len + before, before, end, err);
	}
	return zip_bad(zip, "no end record", err);
}

// A piece of the file, so that neighbouring headers cost one read.
struct window {
	const struct zip *zip;
	char *data;
	uint64_t start;
	size_t len;
};

enum { WINDOW_MAX = LOCAL_HEADER + 2 * 65535, WINDOW_USUAL = 4096 };

// `len` bytes at `offset`, all before the directory; NULL with or without an error record.
static const char *window_at(struct window *window, uint64_t offset, size_t len,
			     struct sl_error *err)
{
	uint64_t end = window->zip->directory_offset;
	if (offset > end || end - offset < len)
		return NULL;
	if (offset < window->start || offset - window->start > window->len ||
	    window->len - (offset - window->start) < len) {
		size_t want = len > WINDOW_USUAL ? len : WINDOW_USUAL;
		if (end - offset < want)
			want = (size_t)(end - offset);
		if (!sl_pread_all(window->zip->fd, window->data, want, offset, window->zip->shown,
				  err))
			return NULL;
		window->start = offset;
		window->len = want;
	}
	return window->data + (offset - window->start);
}

static bool local_sizes_agree(const struct zip_entry *entry, const char *header, const char *extra,
			      size_t extra_len)
{
	uint64_t packed = zip_u32(header + 18), unpacked = zip_u32(header + 22);
	uint64_t *const values[] = {&unpacked, &packed};
	if (!zip_read_extra(extra, extra_len, values, 2))
		return false;
	uint32_t crc = zip_u32(header + 14);
	if (packed == entry->packed && unpacked == entry->unpacked && crc == entry->crc)
		return true;
	// A descriptor after the data says it instead.
	return (entry->flags & FLAG_DESCRIPTOR) && packed == 0 && unpacked == 0 && crc == 0;
}

// Compares the local header with the directory and finds where the data begins.
static bool check_local(struct window *window, struct zip_entry *entry, struct sl_error *err)
{
	const struct zip *zip = window->zip;
	const char *header = window_at(window, entry->offset, LOCAL_HEADER, err);
	if (!header || memcmp(header, "PK\3\4", 4) != 0)
		return zip_bad_entry(zip, entry, "there is no entry where it should begin", err);
	size_t name_len = zip_u16(header + 26), extra_len = zip_u16(header + 28);
	size_t len = LOCAL_HEADER + name_len + extra_len;
	header = window_at(window, entry->offset, len, err);
	if (!header)
		return zip_bad_entry(zip, entry, "its header is cut off", err);
	const char *name = header + LOCAL_HEADER;
	if (name_len != entry->name_len || memcmp(name, entry->name, name_len) != 0)
		return zip_bad_entry(zip, entry, "its header has another name than the directory",
				     err);
	if (zip_u16(header + 8) != entry->method ||
	    ((zip_u16(header + 6) ^ entry->flags) & FLAGS_COMPARED) ||
	    !local_sizes_agree(entry, header, name + name_len, extra_len))
		return zip_bad_entry(zip, entry, "its header disagrees with the directory", err);
	entry->data = entry->offset + len;
	return true;
}

// The descriptor after the data, in one of its four shapes: with or without its signature, with
// sizes of 4 or 8 bytes.
static bool descriptor_agrees(const struct zip_entry *entry, const char *at, uint64_t len)
{
	if (len == 16 || len == 24) {
		if (memcmp(at, "PK\7\10", 4) != 0)
			return false;
		at += 4;
		len -= 4;
	}
	if (zip_u32(at) != entry->crc)
		return false;
	if (len == 12)
		return zip_u32(at + 4) == entry->packed && zip_u32(at + 8) == entry->unpacked;
	return zip_u64(at + 4) == entry->packed && zip_u64(at + 12) == entry->unpacked;
}

// From the end of the packed data to `next` there may be a descriptor, and nothing else.
static bool check_gap(struct window *window, const struct zip_entry *entry, uint64_t next,
		      struct sl_error *err)
{
	const struct zip *zip = window->zip;
	if (entry->data > next || entry->packed > next - entry->data)
		return zip_bad_entry(zip, entry, "it overlaps what follows", err);
	uint64_t end = entry->data + entry->packed;
	uint64_t gap = next - end;
	if (!(entry->flags & FLAG_DESCRIPTOR))
		return gap == 0 ||
		       zip_bad_entry(zip, entry, "bytes after it belong to no entry", err);
	if (gap != 12 && gap != 16 && gap != 20 && gap != 24)
		return zip_bad_entry(zip, entry, "bytes after it belong to no entry", err);
	const char *descriptor = window_at(window, end, (size_t)gap, err);
	if (!descriptor || !descriptor_agrees(entry, descriptor, gap))
		return zip_bad_entry(zip, entry, "its descriptor disagrees with the directory",
				     err);
	return true;
}

static int compare_offsets(const void *left, const void *right)
{
	const struct zip_entry *a = left, *b = right;
	return (a->offset > b->offset) - (a->offset < b->offset);
}

bool zip_check_layout(struct zip *zip, struct sl_error *err)
{
	struct zip_entry *entries = zip->entries.items;
	size_t count = zip->entries.len;
	if (count)
		qsort(entries, count, sizeof *entries, compare_offsets);
	if ((count ? entries[0].offset : zip->directory_offset) != 0)
		return zip_bad(zip, "bytes before its first entry", err);
	sl_auto_free char *data = sl_alloc(WINDOW_MAX);
	struct window window = {.zip = zip, .data = data};
	for (size_t i = 0; i < count; i++) {
		uint64_t next = i + 1 < count ? entries[i + 1].offset : zip->directory_offset;
		if (!check_local(&window, &entries[i], err) ||
		    !check_gap(&window, &entries[i], next, err))
			return false;
	}
	return true;
}
