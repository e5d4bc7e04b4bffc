// SPDX-License-Identifier: Apache-2.0
// The only file that includes libarchive: its GNU tar writer is the definition of the header.
#include "bundles/format/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <assert.h>
#include <errno.h>
#include <string.h>

static bool is_name_char(char c, bool first)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')
		return true;
	return !first && (c == '.' || c == '-');
}

bool tar_name_is_plain(const char *name)
{
	bool first = true;
	size_t len = 0;
	for (; name[len]; len++) {
		if (len == SL_LIMIT_MEMBER_NAME)
			return false;
		if (name[len] == '/' && !first)
			first = true;
		else if (is_name_char(name[len], first))
			first = false;
		else
			return false;
	}
	return !first;
}

// ---- making --------------------------------------------------------------------------------

struct header_sink {
	unsigned char *out;
	size_t len;
};

// Takes the header, which comes in one piece, and nothing after it: on its way out the library
// wants to fill the member's data with zeros, of which there may be 2^63. It stops at the first
// error.
static la_ssize_t take_header(struct archive *writer, void *context, const void *data, size_t len)
{
	struct header_sink *sink = context;
	if (sink->len > 0 || len != TAR_BLOCK) {
		archive_set_error(writer, EINVAL, "more than one block");
		return -1;
	}
	memcpy(sink->out, data, len);
	sink->len = len;
	return (la_ssize_t)len;
}

static bool write_header(struct archive *writer, struct archive_entry *entry,
			 struct header_sink *sink)
{
	return archive_write_set_format_gnutar(writer) == ARCHIVE_OK &&
	       archive_write_set_bytes_per_block(writer, 0) == ARCHIVE_OK &&
	       archive_write_open(writer, sink, NULL, take_header, NULL) == ARCHIVE_OK &&
	       archive_write_header(writer, entry) == ARCHIVE_OK;
}

bool tar_header_make(const char *name, uint64_t size, unsigned char out[TAR_BLOCK],
		     struct sl_error *err)
{
	assert(tar_name_is_plain(name) && size <= INT64_MAX);
	struct archive *writer = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	if (!writer || !entry)
		abort();
	archive_entry_set_pathname(entry, name);
	archive_entry_set_size(entry, (la_int64_t)size);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_mtime(entry, 0, 0);
	struct header_sink sink = {.out = out};
	bool ok = write_header(writer, entry, &sink) && sink.len == TAR_BLOCK;
	if (!ok) {
		const char *why = archive_error_string(writer); // may be NULL
		sl_fail(err, SL_E_INTERNAL, "cannot make the tar header of '%s': %s", name,
			why ? why : "not one block");
	}
	archive_entry_free(entry);
	archive_write_free(writer); // fails in its own close by design: see take_header()
	return ok;
}

// ---- reading -------------------------------------------------------------------------------

// The fields of a GNU header, for messages only: what counts is the comparison of the whole block.
static const struct {
	const char *name;
	size_t end;
} fields[] = {
	{"name", 100},	{"mode", 108},	   {"uid", 116},    {"gid", 124},	 {"size", 136},
	{"mtime", 148}, {"checksum", 156}, {"type", 157},   {"link name", 257},	 {"magic", 265},
	{"user", 297},	{"group", 329},	   {"device", 345}, {"rest", TAR_BLOCK},
};

// The checksum differs along with any other field, so it is named only when it differs alone.
static const char *first_difference(const unsigned char *a, const unsigned char *b)
{
	size_t at = 0;
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		bool differs = memcmp(a + at, b + at, fields[i].end - at) != 0;
		if (differs && strcmp(fields[i].name, "checksum") != 0)
			return fields[i].name;
		at = fields[i].end;
	}
	return "checksum";
}

static bool compare(const unsigned char *block, const unsigned char *expected, const char *name,
		    struct sl_error *err)
{
	if (memcmp(block, expected, TAR_BLOCK) == 0)
		return true;
	return sl_fail(err, SL_E_FORMAT,
		       "the tar header of '%s' is not the one of format 1: the field '%s' differs",
		       name, first_difference(block, expected));
}

#define SIZE_AT	 124
#define SIZE_LEN 12

// Octal digits, or big-endian binary with the top bit set. Second spellings are found by compare().
static bool parse_size(const unsigned char *field, uint64_t *out)
{
	bool binary = field[0] == 0x80;
	uint64_t size = 0;
	for (size_t i = binary ? 1 : 0; i < SIZE_LEN && (binary || field[i] != 0); i++) {
		if (size >> (binary ? 55 : 60) || (!binary && (field[i] < '0' || field[i] > '7')))
			return false;
		size = binary ? size << 8 | field[i] : size << 3 | (uint64_t)(field[i] - '0');
	}
	*out = size;
	return size <= INT64_MAX;
}

bool tar_header_parse(const unsigned char block[TAR_BLOCK], struct tar_member *out,
		      struct sl_error *err)
{
	if (tar_is_zero(block, TAR_BLOCK))
		return sl_fail(err, SL_E_FORMAT, "the archive ends where a member should stand");
	memcpy(out->name, block, SL_LIMIT_MEMBER_NAME);
	out->name[SL_LIMIT_MEMBER_NAME] = '\0';
	if (!tar_name_is_plain(out->name)) {
		sl_auto_free char *shown = sl_text_shown(out->name);
		return sl_fail(err, SL_E_FORMAT, "'%s' is not the name of a member", shown);
	}
	if (!parse_size(block + SIZE_AT, &out->size))
		return sl_fail(err, SL_E_FORMAT, "the tar header of '%s' has no valid size",
			       out->name);
	unsigned char expected[TAR_BLOCK];
	return tar_header_make(out->name, out->size, expected, err) &&
	       compare(block, expected, out->name, err);
}

bool tar_header_check(const unsigned char block[TAR_BLOCK], const char *name, uint64_t size,
		      struct sl_error *err)
{
	unsigned char expected[TAR_BLOCK];
	if (!tar_header_make(name, size, expected, err))
		return false;
	if (tar_is_zero(block, TAR_BLOCK))
		return sl_fail(err, SL_E_FORMAT, "the archive ends where '%s' should stand", name);
	return compare(block, expected, name, err);
}

size_t tar_padding(uint64_t size)
{
	return (size_t)((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}

uint64_t tar_member_bytes(uint64_t size)
{
	assert(size >> 62 == 0);
	return TAR_BLOCK + size + tar_padding(size);
}

bool tar_is_zero(const void *data, size_t len)
{
	const unsigned char *bytes = data;
	return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}
