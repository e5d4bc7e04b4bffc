// SPDX-License-Identifier: Apache-2.0
#include "compiler/spec/image.h"

#include <string.h>

#define BLOCK 512 // of a tar archive; the magic of a SIF file lies within, too

enum found {
	FOUND_EMPTY,
	FOUND_SIF,
	FOUND_TAR,
	FOUND_GZIP,
	FOUND_BZIP2,
	FOUND_XZ,
	FOUND_ZSTD,
	FOUND_ZIP,
	FOUND_SQUASHFS,
	FOUND_PAGE,
	FOUND_TEXT,
	FOUND_OTHER,
};

static const char *const phrases[] = {
	[FOUND_EMPTY] = "it is empty",
	[FOUND_SIF] = "it is a SIF file",
	[FOUND_TAR] = "it is a tar archive",
	[FOUND_GZIP] = "it is compressed by gzip",
	[FOUND_BZIP2] = "it is compressed by bzip2",
	[FOUND_XZ] = "it is compressed by xz",
	[FOUND_ZSTD] = "it is compressed by zstd",
	[FOUND_ZIP] = "it is a zip archive",
	[FOUND_SQUASHFS] = "it is a Squashfs image",
	[FOUND_PAGE] = "it is a web page",
	[FOUND_TEXT] = "it is text",
	[FOUND_OTHER] = "its first bytes are not those of one",
};

// ---- what a file is -------------------------------------------------------------------------

static const struct {
	size_t at, len;
	const char *bytes;
	enum found found;
} magics[] = {
	{32, 10, "SIF_MAGIC", FOUND_SIF}, // with its NUL, after the line that starts it as a script
	{0, 2, "\x1f\x8b", FOUND_GZIP},
	{0, 3, "BZh", FOUND_BZIP2},
	{0, 6,
	 "\xfd"
	 "7zXZ",
	 FOUND_XZ},
	{0, 4, "\x28\xb5\x2f\xfd", FOUND_ZSTD},
	{0, 4, "PK\x03\x04", FOUND_ZIP},
	{0, 4, "hsqs", FOUND_SQUASHFS},
};

// The checksum of a header is the sum of its bytes, its own field taken as blanks. Every dialect of
// tar has it, also those without a magic.
static bool is_tar_header(const unsigned char *block, size_t len)
{
	if (len < BLOCK)
		return false;
	unsigned long sum = 0, stated = 0;
	size_t at = 148;
	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : block[i];
	while (at < 156 && block[at] == ' ')
		at++;
	for (; at < 156 && block[at] >= '0' && block[at] <= '7'; at++)
		stated = stated * 8 + (unsigned long)(block[at] - '0');
	return stated == sum && block[0] != '\0';
}

// A character at the end may have been cut by the end of the block.
static bool is_text(const unsigned char *block, size_t len)
{
	for (size_t at = 0; at < len;) {
		uint32_t code = 0;
		size_t step = sl_text_decode((const char *)block + at, len - at, &code);
		if (step == 0)
			return at + 4 > BLOCK && at > 0;
		if (code < 0x20 && code != '\n' && code != '\r' && code != '\t')
			return false;
		at += step;
	}
	return true;
}

static bool is_page(const unsigned char *block, size_t len)
{
	size_t at = 0;
	while (at < len && strchr(" \t\r\n", block[at]))
		at++;
	return len - at > 1 && block[at] == '<' && block[at + 1] != '\0';
}

static enum found classify(const unsigned char *block, size_t len)
{
	if (len == 0)
		return FOUND_EMPTY;
	for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
		if (len >= magics[i].at + magics[i].len &&
		    memcmp(block + magics[i].at, magics[i].bytes, magics[i].len) == 0)
			return magics[i].found;
	if (is_tar_header(block, len))
		return FOUND_TAR;
	if (!is_text(block, len))
		return FOUND_OTHER;
	return is_page(block, len) ? FOUND_PAGE : FOUND_TEXT;
}

// ---- what it should be ----------------------------------------------------------------------

// A docker-archive is unpacked by whoever reads it. An oci-archive is not: builders without
// privileges unpack it themselves, and stumble over a compressed one.
static bool fits(enum spec_input_kind kind, enum found found)
{
	if (kind == INPUT_SIF)
		return found == FOUND_SIF;
	return found == FOUND_TAR ||
	       (kind == INPUT_DOCKER_ARCHIVE && found >= FOUND_GZIP && found <= FOUND_ZSTD);
}

static const char *hint_for(enum spec_input_kind kind, enum found found)
{
	if (found == FOUND_EMPTY || found == FOUND_PAGE)
		return "fetch it again";
	if (found == FOUND_SIF)
		return "a SIF file is named as localimage";
	if (found == FOUND_TAR)
		return "'docker save' writes a docker-archive, 'skopeo copy' also an oci-archive";
	if (kind == INPUT_OCI_ARCHIVE && found >= FOUND_GZIP && found <= FOUND_ZSTD)
		return "decompress it first: builders read an oci-archive as it is";
	if (kind == INPUT_SIF)
		return "'apptainer pull base.sif docker://IMAGE' makes a SIF file";
	return kind == INPUT_OCI_ARCHIVE
		       ? "'skopeo copy docker://IMAGE oci-archive:base.tar' makes one"
		       : "'docker save --output base.tar IMAGE' makes one";
}

bool image_check(enum spec_input_kind kind, int fd, uint64_t size, const char *shown,
		 const char **hint_out, struct sl_error *err)
{
	static const char *const kinds[] = {
		[INPUT_SIF] = "a SIF file",
		[INPUT_OCI_ARCHIVE] = "a tar archive",
		[INPUT_DOCKER_ARCHIVE] = "a tar archive",
	};
	unsigned char block[BLOCK];
	size_t len = size < BLOCK ? (size_t)size : BLOCK;
	if (!sl_pread_all(fd, block, len, 0, shown, err))
		return false;
	enum found found = classify(block, len);
	if (fits(kind, found))
		return true;
	*hint_out = hint_for(kind, found);
	return sl_fail(err, SL_E_INPUT, "'%s' is not %s: %s", shown, kinds[kind], phrases[found]);
}
