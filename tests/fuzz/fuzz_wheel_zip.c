// SPDX-License-Identifier: Apache-2.0
// Any bytes as a wheel. Checksums are mended first where an entry can be found, so that inputs get
// past them.
#include "bundles/packaging/metadata.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <zlib.h>

static uint32_t number_at(const uint8_t *at, int bytes)
{
	uint32_t number = 0;
	for (int i = 0; i < bytes; i++)
		number |= (uint32_t)at[i] << 8 * i;
	return number;
}

static void put_sum(uint8_t *at, unsigned long sum)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(sum >> 8 * i);
}

// What the data at `at` unpacks to, as a checksum.
static unsigned long sum_of(const uint8_t *at, size_t len, unsigned method)
{
	if (method == 0)
		return crc32(0, at, (uInt)len);
	z_stream stream = {.next_in = (uint8_t *)(uintptr_t)at, .avail_in = (uInt)len};
	unsigned long sum = crc32(0, NULL, 0);
	uint8_t piece[4096];
	if (inflateInit2(&stream, -15) != Z_OK)
		return sum;
	int status = Z_OK;
	for (int round = 0; status == Z_OK && round < 4096; round++) {
		stream.next_out = piece;
		stream.avail_out = sizeof piece;
		status = inflate(&stream, Z_NO_FLUSH);
		sum = crc32(sum, piece, (uInt)(sizeof piece - stream.avail_out));
	}
	inflateEnd(&stream);
	return sum;
}

static void mend_sums(uint8_t *data, size_t size)
{
	for (size_t at = 0; at + 46 <= size; at++) {
		if (memcmp(data + at, "PK\1\2", 4) != 0)
			continue;
		uint64_t local = number_at(data + at + 42, 4);
		if (local + 30 > size)
			continue;
		uint64_t start = local + 30 + number_at(data + local + 26, 2) +
				 number_at(data + local + 28, 2);
		uint64_t packed = number_at(data + at + 20, 4);
		if (start > size || packed > size - start)
			continue;
		unsigned long sum =
			sum_of(data + start, (size_t)packed, number_at(data + at + 10, 2));
		put_sum(data + at + 16, sum);
		if (!(number_at(data + local + 6, 2) & 8))
			put_sum(data + local + 14, sum);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sl_auto_free uint8_t *copy = sl_alloc(size + 1);
	if (size)
		memcpy(copy, data, size);
	mend_sums(copy, size);
	sl_auto_fd int fd = memfd_create("wheel", MFD_CLOEXEC);
	struct sl_error err = {0};
	if (fd < 0 || !sl_pwrite_all(fd, copy, size, 0, "wheel", &err))
		return 0;
	sl_auto_buf struct sl_buf out = {0};
	sl_buf_init(&out, SL_LIMIT_METADATA);
	bool good = wheel_read_metadata(fd, size, "wheel", &out, &err);
	assert(good == (err.kind == SL_E_NONE));
	// Nothing of a file in memory can fail to be read, or have an error without words.
	assert(good || ((err.kind == SL_E_FORMAT || err.kind == SL_E_LIMIT) && err.text[0]));
	struct wheel_name wheel;
	struct metadata metadata;
	sl_error_clear(&err);
	if (wheel_load_metadata(fd, size, "foo-1.0-py3-none-any.whl", &wheel, &metadata, &err)) {
		assert(good && strcmp(wheel.name, "foo") == 0);
		wheel_name_release(&wheel);
		metadata_release(&metadata);
	}
	return 0;
}
