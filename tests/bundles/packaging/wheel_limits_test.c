// SPDX-License-Identifier: Apache-2.0
// The ceilings of an archive's own numbers (specs/limits.md), each exactly reached and one past it.
// The files are as large as they say; most of them is a hole.
#include "bundles/packaging/metadata.h"
#include "tests/bundles/packaging/zip_maker.h"
#include "tests/cmocka_all.h"

#include <unistd.h>

#define LEAF "foo-1.0-py3-none-any.whl"
#define TEXT "Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n"

// An archive that is written as it grows: the members, whose packed bytes are zeros, and then the
// directory, whose comments are.
struct sparse {
	int fd;
	uint64_t at; // where the next member begins
	uint64_t entries;
	uint64_t unpacked;	 // all members together
	struct sl_buf directory; // entries without their comments
	size_t comment_len;	 // of each entry
	size_t last_comment;	 // added to the last one's
};

static void write_at(const struct sparse *zip, const void *data, size_t len, uint64_t at)
{
	struct sl_error err = {0};
	if (!sl_pwrite_all(zip->fd, data, len, at, LEAF, &err))
		fail_msg("%s", err.text);
}

static void patch(char *at, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		at[i] = (char)(value >> 8 * i & 0xff);
}

// A file in the archive that says `unpacked` and takes `packed` bytes, for which nothing is
// written.
static void add_member(struct sparse *zip, const char *name, const char *text, uint64_t packed,
		       uint64_t unpacked)
{
	struct zip_member member = {.name = name, .text = text, .stored = text[0]};
	struct sl_buf local, entry;
	sl_buf_init(&local, SL_MIB);
	sl_buf_init(&entry, SL_MIB);
	put_member(&local, &entry, &member);
	size_t written = local.len;
	if (text[0]) {
		packed = unpacked = strlen(text);
	} else { // deflated, by what the headers say
		written = 30 + strlen(name);
		patch(local.data + 18, packed, 4);
		patch(local.data + 22, unpacked, 4);
		patch(entry.data + 20, packed, 4);
		patch(entry.data + 24, unpacked, 4);
	}
	patch(entry.data + 42, zip->at, 4);
	write_at(zip, local.data, written, zip->at);
	zip->at += 30 + strlen(name) + packed;
	zip->unpacked += unpacked;
	zip->entries++;
	assert_true(zip->at < UINT32_MAX && packed < UINT32_MAX && unpacked < UINT32_MAX);
	sl_buf_add(&zip->directory, entry.data, entry.len);
	sl_buf_release(&local);
	sl_buf_release(&entry);
}

static struct sparse begin(void)
{
	struct sparse zip = {.fd = memfd_create("wheel", MFD_CLOEXEC)};
	assert_true(zip.fd >= 0);
	sl_buf_init(&zip.directory, 64 * SL_MIB);
	add_member(&zip, "foo-1.0.dist-info/METADATA", TEXT, 0, 0);
	return zip;
}

// The directory: each entry, and behind it a comment of zeros. Returns its size.
static uint64_t write_directory(const struct sparse *zip)
{
	uint64_t at = zip->at;
	if (zip->comment_len == 0 && zip->last_comment == 0) {
		write_at(zip, zip->directory.data, zip->directory.len, at);
		return zip->directory.len;
	}
	char *entry = zip->directory.data;
	for (uint64_t i = 0; i < zip->entries; i++) {
		size_t len = 46 + (size_t)(unsigned char)entry[28];
		size_t comment = zip->comment_len + (i + 1 == zip->entries ? zip->last_comment : 0);
		patch(entry + 32, comment, 2);
		write_at(zip, entry, len, at);
		at += len + comment;
		entry += len;
	}
	return at - zip->at;
}

// Ends the archive and reads its METADATA. With `size`, the file's first member is as long as it
// takes for the whole file to have that many bytes.
static void expect(struct sparse *zip, enum sl_kind kind, const char *says)
{
	static const struct zip_frame frame = {.zip64 = true};
	struct sl_buf end, out;
	struct sl_error err = {0};
	sl_buf_init(&end, SL_MIB);
	sl_buf_init(&out, SL_LIMIT_METADATA);
	uint64_t directory = write_directory(zip);
	uint64_t end_at = zip->at + directory;
	put_end(&end, &frame, zip->entries, directory, zip->at);
	patch(end.data + 56 + 8, end_at, 8); // the locator's offset counts from the file's start
	write_at(zip, end.data, end.len, end_at);
	bool good = wheel_read_metadata(zip->fd, end_at + end.len, LEAF, &out, &err);
	assert_int_equal(good, err.kind == SL_E_NONE);
	if (err.kind != kind || (says && !strstr(err.text, says)))
		fail_msg("kind %d, '%s', but expected kind %d, '%s'", (int)err.kind, err.text,
			 (int)kind, says ? says : "");
	if (good)
		assert_string_equal(out.data, TEXT);
	sl_buf_release(&end);
	sl_buf_release(&out);
	sl_buf_release(&zip->directory);
	close(zip->fd);
}

// Expects that the archive is read at a limit, and refused one past it.
static void expect_limit(struct sparse *zip, unsigned more, const char *says)
{
	if (more)
		expect(zip, SL_E_LIMIT, says);
	else
		expect(zip, SL_E_NONE, NULL);
}

// Empty files until there are `entries`.
static void fill(struct sparse *zip, uint64_t entries)
{
	while (zip->entries < entries) {
		char name[32];
		snprintf(name, sizeof name, "foo/%06u.py", (unsigned)zip->entries);
		add_member(zip, name, "", 2, 0);
	}
}

static void t19_as_many_files_as_there_may_be(void **state)
{
	(void)state;
	for (unsigned more = 0; more < 2; more++) {
		struct sparse zip = begin();
		fill(&zip, SL_LIMIT_ZIP_ENTRIES + more);
		expect_limit(&zip, more, "more than 262144 files");
	}
}

static void t19_a_directory_as_large_as_it_may_be(void **state)
{
	(void)state;
	for (unsigned more = 0; more < 2; more++) {
		struct sparse zip = begin();
		fill(&zip, 8192);
		uint64_t left = SL_LIMIT_ZIP_DIRECTORY - zip.directory.len;
		zip.comment_len = (size_t)(left / zip.entries);
		zip.last_comment = (size_t)(left % zip.entries) + more;
		expect_limit(&zip, more, "its directory: larger than 256.0 MiB");
	}
}

// 256 GiB in files of just under 4 GiB, in an archive large enough for its ratio.
static void t17_files_as_large_together_as_they_may_be(void **state)
{
	(void)state;
	for (unsigned more = 0; more < 2; more++) {
		struct sparse zip = begin();
		uint64_t wanted = SL_LIMIT_WHEEL_UNPACKED + more;
		while (zip.unpacked < wanted) {
			char name[32];
			uint64_t left = wanted - zip.unpacked, one = 0xfffffffe;
			snprintf(name, sizeof name, "foo/%06u.py", (unsigned)zip.entries);
			add_member(&zip, name, "", 24 * SL_MIB, left < one ? left : one);
		}
		expect_limit(&zip, more, "its files unpacked: larger than 256.0 GiB");
	}
}

// Up to here nobody asks for proportion.
static void t17_a_bomb_begins_above_256_mib(void **state)
{
	(void)state;
	for (unsigned more = 0; more < 2; more++) {
		struct sparse zip = begin();
		uint64_t wanted = SL_LIMIT_WHEEL_RATIO_FROM + more;
		add_member(&zip, "foo/data.bin", "", 100, wanted - zip.unpacked);
		expect_limit(&zip, more, "more than 200 times its size");
	}
}

static void t17_two_hundred_times_its_size_and_a_byte(void **state)
{
	(void)state;
	enum { SIZE = 2000000, END = 56 + 20 + 22 };
	for (unsigned more = 0; more < 2; more++) {
		struct sparse zip = begin();
		const char *name = "foo/data.bin";
		uint64_t around = 30 + 46 + 2 * strlen(name) + zip.directory.len + END;
		uint64_t wanted = SL_LIMIT_WHEEL_RATIO * SIZE + more;
		add_member(&zip, name, "", SIZE - zip.at - around, wanted - zip.unpacked);
		assert_int_equal(zip.at + zip.directory.len + END, SIZE);
		expect_limit(&zip, more, "more than 200 times its size");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t19_as_many_files_as_there_may_be),
		cmocka_unit_test(t19_a_directory_as_large_as_it_may_be),
		cmocka_unit_test(t17_files_as_large_together_as_they_may_be),
		cmocka_unit_test(t17_a_bomb_begins_above_256_mib),
		cmocka_unit_test(t17_two_hundred_times_its_size_and_a_byte),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
