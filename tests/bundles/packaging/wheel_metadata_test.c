// SPDX-License-Identifier: Apache-2.0
// Wheels with one lie each. Every test begins with an archive that is accepted as it is.
#include "bundles/packaging/metadata.h"
#include "tests/bundles/packaging/zip_maker.h"
#include "tests/cmocka_all.h"

#include <time.h>

#define LEAF "foo-1.0-py3-none-any.whl"
#define INFO "foo-1.0.dist-info/METADATA"
#define TEXT "Metadata-Version: 2.1\nName: foo\nVersion: 1.0\nRequires-Dist: bar\n"

static const struct zip_frame honest = {0};

static enum sl_kind read_bytes(const char *data, size_t len, struct sl_buf *out,
			       struct sl_error *err)
{
	sl_auto_fd int fd = zip_file(data, len);
	bool good = wheel_read_metadata(fd, len, LEAF, out, err);
	assert_int_equal(good, err->kind == SL_E_NONE);
	assert_true(good || strstr(err->text, LEAF));
	return err->kind;
}

// `says` must stand in the message; NULL for an archive that is accepted, with TEXT in it.
static void check(const struct zip_member *members, size_t count, const struct zip_frame *frame,
		  enum sl_kind kind, const char *says)
{
	struct sl_buf zip, out;
	struct sl_error err = {0};
	sl_buf_init(&zip, 128 * SL_MIB);
	sl_buf_init(&out, SL_LIMIT_METADATA);
	zip_make(&zip, members, count, frame);
	enum sl_kind got = read_bytes(zip.data, zip.len, &out, &err);
	if (got != kind || (says && !strstr(err.text, says)))
		fail_msg("kind %d, '%s', but expected kind %d, '%s'", (int)got, err.text, (int)kind,
			 says ? says : "");
	if (kind == SL_E_NONE)
		assert_string_equal(out.data, TEXT);
	sl_buf_release(&zip);
	sl_buf_release(&out);
}

enum { CODE, METADATA, RECORD, MEMBERS };

// A small wheel, for one field to be changed.
struct wheel {
	struct zip_member members[MEMBERS];
	struct zip_frame frame;
};

static struct wheel sound(void)
{
	return (struct wheel){.members = {
				      [CODE] = {.name = "foo/__init__.py", .text = "x = 1\n"},
				      [METADATA] = {.name = INFO, .text = TEXT},
				      [RECORD] = {.name = "foo-1.0.dist-info/RECORD",
						  .text = "foo/__init__.py,,\n",
						  .stored = true},
			      }};
}

static void accepted(const struct wheel *wheel)
{
	check(wheel->members, MEMBERS, &wheel->frame, SL_E_NONE, NULL);
}

static void refused(const struct wheel *wheel, const char *says)
{
	check(wheel->members, MEMBERS, &wheel->frame, SL_E_FORMAT, says);
}

static void sound_wheels_are_read(void **state)
{
	(void)state;
	struct wheel wheel = sound();
	accepted(&wheel);
	wheel.members[METADATA].stored = true;
	accepted(&wheel);
	wheel.members[METADATA].descriptor = true;
	wheel.members[CODE].descriptor = true;
	accepted(&wheel);
	wheel.members[METADATA].zip64 = true;
	accepted(&wheel);
	wheel.frame.zip64 = true;
	accepted(&wheel);
	wheel.frame.comment = "built with care";
	wheel.members[CODE].comment = "code";
	accepted(&wheel);
	wheel.members[CODE].extra = "\x0d\xf0\2\0xy";
	wheel.members[CODE].extra_len = 6;
	accepted(&wheel);
	// Some writers repeat the sizes in 64 bits although they fit: 6 bytes, stored.
	wheel.members[CODE].stored = true;
	wheel.members[CODE].descriptor = false;
	wheel.members[CODE].extra = "\1\0\x10\0\6\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0";
	wheel.members[CODE].extra_len = 20;
	accepted(&wheel);
	wheel.members[RECORD] = (struct zip_member){.name = "foo/", .text = "", .stored = true};
	accepted(&wheel);
}

static void a_long_comment_is_read_past(void **state)
{
	(void)state;
	sl_auto_free char *comment = sl_alloc(65536);
	memset(comment, 'c', 65535);
	struct wheel wheel = sound();
	wheel.frame.comment = comment;
	accepted(&wheel);
	wheel.frame.zip64 = true;
	accepted(&wheel);
	// The end record just inside the first read, its locator just outside.
	memset(comment + 4096 - 22 - 10, 0, 1);
	accepted(&wheel);
}

static void other_files_are_no_wheels(void **state)
{
	(void)state;
	struct sl_buf out;
	sl_buf_init(&out, SL_LIMIT_METADATA);
	static const char *const texts[] = {"", "PK",
					    "this is no archive, but long enough for one"};
	for (size_t i = 0; i < 3; i++) {
		struct sl_error err = {0};
		assert_int_equal(read_bytes(texts[i], strlen(texts[i]), &out, &err), SL_E_FORMAT);
	}
	sl_buf_release(&out);
	struct wheel wheel = sound();
	wheel.members[METADATA].name = "foo-1.0.dist-info/METADATE";
	refused(&wheel, "no NAME.dist-info/METADATA");
	wheel.members[METADATA].name = "a/foo-1.0.dist-info/METADATA";
	refused(&wheel, "no NAME.dist-info/METADATA");
	wheel.members[METADATA].name = ".dist-info/METADATA";
	refused(&wheel, "no NAME.dist-info/METADATA");
	check(NULL, 0, &honest, SL_E_FORMAT, "no NAME.dist-info/METADATA");
}

static void t14_bytes_around_the_archive_are_refused(void **state)
{
	(void)state;
	struct wheel wheel = sound();
	wheel.frame.after = "x";
	refused(&wheel, "bytes after its end record");
	wheel = sound();
	wheel.frame.before = "#!/bin/sh\n";
	refused(&wheel, "bytes before its first entry");
	wheel = sound();
	wheel.frame.gap = "hidden";
	refused(&wheel, "bytes before or after the archive");
}

// Readers that go by offsets and readers that go by the end of the directory see different members.
static void t14_a_prefix_that_shifts_offsets_is_refused(void **state)
{
	(void)state;
	struct wheel wheel = sound();
	struct sl_buf zip, shifted, out;
	sl_buf_init(&zip, SL_MIB);
	sl_buf_init(&shifted, SL_MIB);
	sl_buf_init(&out, SL_LIMIT_METADATA);
	zip_make(&zip, wheel.members, MEMBERS, &honest);
	sl_buf_adds(&shifted, "prefix");
	sl_buf_add(&shifted, zip.data, zip.len);
	struct sl_error err = {0};
	assert_int_equal(read_bytes(shifted.data, shifted.len, &out, &err), SL_E_FORMAT);
	sl_buf_release(&zip);
	sl_buf_release(&shifted);
	sl_buf_release(&out);
}

static void t14_two_archives_in_one_file_are_refused(void **state)
{
	(void)state;
	struct wheel wheel = sound();
	struct sl_buf both, out;
	sl_buf_init(&both, SL_MIB);
	sl_buf_init(&out, SL_LIMIT_METADATA);
	zip_make(&both, wheel.members, MEMBERS, &honest);
	zip_make(&both, wheel.members, MEMBERS, &honest);
	struct sl_error err = {0};
	assert_int_equal(read_bytes(both.data, both.len, &out, &err), SL_E_FORMAT);
	sl_buf_release(&both);
	sl_buf_release(&out);
}

static void t14_records_in_comments_are_refused(void **state)
{
	(void)state;
	struct wheel wheel = sound();
	wheel.frame.comment = "a PK\5\6 record";
	refused(&wheel, "looks like a record");
	wheel = sound();
	wheel.members[RECORD].comment = "PK\5\6";
	refused(&wheel, "looks like a record");
	wheel = sound();
	unsigned len = 7;
	wheel.frame.comment_len = &len;
	refused(&wheel, "bytes after its end record");
}

static void t14_end_records_that_disagree_are_refused(void **state)
{
	(void)state;
	uint64_t two = 2, zero = 0;
	struct wheel wheel = sound();
	wheel.frame.zip64 = true;
	wheel.frame.entries = &two;
	refused(&wheel, "two end records disagree");
	wheel.frame.entries = NULL;
	wheel.frame.directory_offset = &zero;
	refused(&wheel, "two end records disagree");
	wheel.frame.directory_offset = NULL;
	wheel.frame.record64_offset = &zero;
	refused(&wheel, "64-bit end record is not where");
	wheel = sound();
	uint64_t unset = 0xffffffff;
	wheel.frame.directory_offset = &unset;
	refused(&wheel, "64-bit end record is missing");
	wheel = sound();
	wheel.frame.entries = &two;
	refused(&wheel, "holds more than it says");
	unsigned disk = 1;
	wheel = sound();
	wheel.frame.disk = &disk;
	refused(&wheel, "one part of several");
}

static void t14_local_headers_that_disagree_are_refused(void **state)
{
	(void)state;
	struct wheel wheel = sound();
	wheel.members[CODE].local_name = "foo/__init__.pz";
	refused(&wheel, "another name than the directory");
	wheel = sound();
	wheel.members[METADATA].local_name = "foo-1.0.dist-info/METADATB";
	refused(&wheel, "another name than the directory");
	wheel = sound();
	uint64_t size = 1;
	wheel.members[CODE].local_unpacked = &size;
	refused(&wheel, "header disagrees");
	wheel = sound();
	uint32_t sum = 1;
	wheel.members[METADATA].local_crc = &sum;
	refused(&wheel, "header disagrees");
	wheel = sound();
	unsigned method = 0, flags = 8;
	wheel.members[METADATA].local_method = &method;
	refused(&wheel, "header disagrees");
	wheel = sound();
	wheel.members[CODE].local_flags = &flags;
	refused(&wheel, "header disagrees");
	wheel = sound();
	wheel.members[CODE].descriptor = true;
	wheel.members[CODE].descriptor_crc = &sum;
	refused(&wheel, "descriptor disagrees");
}

static void t14_bytes_between_entries_are_refused(void **state)
{
	(void)state;
	struct wheel wheel = sound();
	wheel.members[CODE].junk = "PK\3\4hidden";
	refused(&wheel, "belong to no entry");
	wheel.members[CODE].descriptor = true;
	refused(&wheel, "belong to no entry");
	wheel = sound();
	wheel.members[RECORD].junk = "x";
	refused(&wheel, "belong to no entry");
}

static void t14_overlapping_entries_are_refused(void **state)
{
	(void)state;
	struct wheel wheel = sound();
	uint64_t zero = 0;
	wheel.members[RECORD].offset = &zero; // the same place as the first
	refused(&wheel, NULL);
	wheel = sound();
	uint64_t more = 40;
	wheel.members[CODE].packed = &more;
	refused(&wheel, "disagrees");
	wheel = sound();
	uint64_t far = 1 << 20;
	wheel.members[RECORD].offset = &far;
	refused(&wheel, NULL);
}

static void t14_ambiguous_extra_fields_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
	} extras[] = {
		{"\x75\x70\5\0\1abcd", 9},  // another name
		{"\1\0\x08\0aaaaaaaa", 12}, // 64-bit sizes that nobody asked for
		{"\1\0\0\0\1\0\0\0", 8},    // twice
		{"\1\0\x10\0\7\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0", 20}, // another size
		{"\x0d\xf0\x09\0xy", 6},			    // longer than the field
		{"\x0d", 1},					    // cut off
	};
	for (size_t i = 0; i < sizeof extras / sizeof *extras; i++) {
		struct wheel wheel = sound();
		wheel.members[CODE].extra = extras[i].bytes;
		wheel.members[CODE].extra_len = extras[i].len;
		refused(&wheel, "extra field is malformed or ambiguous");
	}
}

static void t15_duplicate_member_refused(void **state)
{
	(void)state;
	struct wheel wheel = sound();
	wheel.members[CODE].name = INFO;
	wheel.members[CODE].text = TEXT;
	refused(&wheel, "is there twice");
	wheel = sound();
	wheel.members[RECORD].name = wheel.members[CODE].name;
	refused(&wheel, "is there twice");
}

static void t15_second_dist_info_refused(void **state)
{
	(void)state;
	struct wheel wheel = sound();
	wheel.members[CODE].name = "evil-1.0.dist-info/METADATA";
	refused(&wheel, "two dist-info folders");
	wheel.members[CODE].name = "evil-1.0.dist-info/RECORD";
	refused(&wheel, "two dist-info folders");
	wheel.members[CODE].name = "foo/_vendor/evil-1.0.dist-info/METADATA";
	accepted(&wheel);
}

static void t01_t02_names_that_leave_the_folder_are_refused(void **state)
{
	(void)state;
	static const char *const names[] = {"../evil", "foo/../../evil", "/etc/evil", "foo//evil",
					    "./evil",  "foo/./evil",	 "a\\..\\b",  "foo/..",
					    "..",      "foo\nevil",	 "foo\x7f",   "/"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct wheel wheel = sound();
		wheel.members[CODE].name = names[i];
		wheel.members[CODE].text = "";
		wheel.members[CODE].stored = true;
		refused(&wheel, "not a plain relative path");
	}
	struct wheel wheel = sound();
	wheel.members[CODE].name = "foo\0/../evil";
	wheel.members[CODE].name_len = 12;
	refused(&wheel, "not a plain relative path");
	wheel = sound();
	wheel.members[CODE].name = "foo/...py/..a";
	accepted(&wheel);
	char name[SL_LIMIT_PATH + 2] = {0};
	memset(name, 'n', SL_LIMIT_PATH + 1);
	wheel.members[CODE].name = name;
	refused(&wheel, "not a plain relative path");
	name[SL_LIMIT_PATH] = '\0';
	accepted(&wheel);
}

static void encrypted_and_odd_entries_are_refused(void **state)
{
	(void)state;
	struct wheel wheel = sound();
	wheel.members[CODE].flags = 1;
	refused(&wheel, "encrypted");
	wheel.members[CODE].flags = 1 << 13;
	refused(&wheel, "encrypted");
	wheel.members[CODE].flags = 1 << 5;
	refused(&wheel, "patch");
	wheel = sound();
	wheel.members[CODE].flags = 1 << 11;
	wheel.members[CODE].name = "foo/\xff";
	refused(&wheel, "not UTF-8");
	wheel = sound();
	wheel.members[CODE].name = "foo/";
	refused(&wheel, "folder with contents");
	unsigned method = 93;
	wheel = sound();
	wheel.members[METADATA].method = wheel.members[METADATA].local_method = &method;
	refused(&wheel, "compression method");
}

// 16 MiB of METADATA from a few KiB: the declared size is refused before anything is unpacked.
static void t17_large_metadata_is_refused_by_its_size(void **state)
{
	(void)state;
	size_t len = 2 * SL_LIMIT_METADATA;
	sl_auto_free char *text = sl_alloc(len + 1);
	memset(text, 'x', len);
	struct wheel wheel = sound();
	wheel.members[METADATA].text = text;
	check(wheel.members, MEMBERS, &honest, SL_E_LIMIT, "larger than 8.0 MiB");
	wheel.members[METADATA].text_len = SL_LIMIT_METADATA + 1;
	check(wheel.members, MEMBERS, &honest, SL_E_LIMIT, "larger than 8.0 MiB");
	wheel.members[METADATA].text_len = SL_LIMIT_METADATA;
	struct sl_buf zip, out;
	struct sl_error err = {0};
	sl_buf_init(&zip, SL_LIMIT_METADATA);
	sl_buf_init(&out, SL_LIMIT_METADATA);
	zip_make(&zip, wheel.members, MEMBERS, &honest);
	assert_int_equal(read_bytes(zip.data, zip.len, &out, &err), SL_E_NONE);
	assert_int_equal(out.len, SL_LIMIT_METADATA);
	sl_buf_release(&zip);
	sl_buf_release(&out);
}

static void t17_archives_out_of_proportion_are_refused(void **state)
{
	(void)state;
	uint64_t huge = 300 * SL_MIB;
	struct wheel wheel = sound();
	wheel.members[CODE].unpacked = wheel.members[CODE].local_unpacked = &huge;
	check(wheel.members, MEMBERS, &honest, SL_E_LIMIT, "decompression bomb");
}

// The declaration is small, what comes out is large: unpacking stops at the first byte too many.
static void t18_metadata_that_grows_past_its_size_is_refused(void **state)
{
	(void)state;
	size_t len = 4 * SL_MIB;
	sl_auto_free char *text = sl_alloc(len + 1);
	memset(text, 'x', len);
	struct wheel wheel = sound();
	uint64_t size = 100;
	wheel.members[METADATA].text = text;
	wheel.members[METADATA].unpacked = wheel.members[METADATA].local_unpacked = &size;
	refused(&wheel, "unpacks to more than it says");
	wheel = sound();
	size = sizeof TEXT;
	wheel.members[METADATA].unpacked = wheel.members[METADATA].local_unpacked = &size;
	refused(&wheel, "unpacks to less than it says");
}

static void t18_damaged_data_is_refused(void **state)
{
	(void)state;
	struct wheel wheel = sound();
	uint32_t sum = 0x12345678;
	wheel.members[METADATA].crc = wheel.members[METADATA].local_crc = &sum;
	refused(&wheel, "checksum is wrong");
	wheel = sound();
	wheel.members[METADATA].tail = "more";
	refused(&wheel, "bytes follow the end of its packed data");
	wheel = sound();
	unsigned method = 8;
	wheel.members[METADATA].stored = true;
	wheel.members[METADATA].method = wheel.members[METADATA].local_method = &method;
	refused(&wheel, "packed bytes are damaged");
}

// The reader's own ceiling counts as well.
static void t18_the_caller_s_ceiling_is_obeyed(void **state)
{
	(void)state;
	struct wheel wheel = sound();
	struct sl_buf zip, out;
	struct sl_error err = {0};
	sl_buf_init(&zip, SL_MIB);
	sl_buf_init(&out, 10);
	zip_make(&zip, wheel.members, MEMBERS, &honest);
	assert_int_equal(read_bytes(zip.data, zip.len, &out, &err), SL_E_LIMIT);
	assert_true(out.len <= 10);
	sl_buf_release(&zip);
	sl_buf_release(&out);
}

// Sizes that promise gigabytes in a file of a few hundred bytes.
static void t19_t20_sizes_past_the_file_are_refused(void **state)
{
	(void)state;
	static const uint64_t sizes[] = {
		0x7fffffff,	    0x80000000,		0xfffffffe,
		0x100000000,	    0x7fffffffffffffff, 0x8000000000000000,
		0x8000000000000001, 0xffffffffffffffff, 0xfffffffffffffff0,
	};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct wheel wheel = sound();
		wheel.frame.zip64 = true;
		wheel.frame.directory_size64 = &sizes[i];
		refused(&wheel, NULL);
		wheel.frame.directory_offset64 = &sizes[i];
		refused(&wheel, NULL);
		wheel.frame.directory_size64 = NULL;
		refused(&wheel, NULL);
		wheel = sound();
		wheel.frame.zip64 = true;
		wheel.frame.record64_offset = &sizes[i];
		refused(&wheel, NULL);
		wheel = sound();
		wheel.members[METADATA].zip64 = true;
		wheel.members[METADATA].offset = &sizes[i];
		refused(&wheel, NULL);
		wheel.members[METADATA].offset = NULL;
		wheel.members[METADATA].packed = &sizes[i];
		refused(&wheel, NULL);
	}
}

static void t20_unpacked_sizes_are_added_without_wrapping(void **state)
{
	(void)state;
	static const uint64_t sizes[] = {0x8000000000000000, 0x7fffffffffffffff,
					 0xffffffffffffffff};
	for (size_t i = 0; i < 3; i++) {
		struct wheel wheel = sound();
		wheel.members[CODE].zip64 = true;
		wheel.members[CODE].unpacked = &sizes[i];
		wheel.members[METADATA].zip64 = true;
		wheel.members[METADATA].unpacked = &sizes[i];
		check(wheel.members, MEMBERS, &honest, SL_E_LIMIT, "larger than 256.0 GiB");
	}
}

static void t19_entry_counts_are_limited(void **state)
{
	(void)state;
	uint64_t many = 0xffffffffffffffff;
	struct wheel wheel = sound();
	wheel.frame.zip64 = true;
	wheel.frame.entries64 = &many;
	check(wheel.members, MEMBERS, &wheel.frame, SL_E_LIMIT, "more than 262144 files");
	many = 1000;
	refused(&wheel, "cut off");
}

// Every length that a file can be cut to.
static void t75_truncated_files_are_refused(void **state)
{
	(void)state;
	struct wheel wheel = sound();
	wheel.frame.zip64 = true;
	struct sl_buf zip, out;
	sl_buf_init(&zip, SL_MIB);
	sl_buf_init(&out, SL_LIMIT_METADATA);
	zip_make(&zip, wheel.members, MEMBERS, &wheel.frame);
	for (size_t len = 0; len < zip.len; len++) {
		struct sl_error err = {0};
		assert_int_equal(read_bytes(zip.data, len, &out, &err), SL_E_FORMAT);
	}
	sl_buf_release(&zip);
	sl_buf_release(&out);
}

// A file that is shorter than it was when its size was asked.
static void t75_a_file_that_shrinks_is_an_error(void **state)
{
	(void)state;
	struct wheel wheel = sound();
	struct sl_buf zip, out;
	sl_buf_init(&zip, SL_MIB);
	sl_buf_init(&out, SL_LIMIT_METADATA);
	zip_make(&zip, wheel.members, MEMBERS, &honest);
	sl_auto_fd int fd = zip_file(zip.data, zip.len);
	struct sl_error err = {0};
	assert_false(wheel_read_metadata(fd, zip.len + 100, LEAF, &out, &err));
	assert_true(err.kind == SL_E_FORMAT || err.kind == SL_E_IO);
	sl_buf_release(&zip);
	sl_buf_release(&out);
}

// 20 000 members: nothing compares every one with every other.
static void t21_many_members_cost_little(void **state)
{
	(void)state;
	enum { COUNT = 20000 };
	struct zip_member *members = sl_alloc_array(COUNT, sizeof *members);
	for (size_t i = 0; i < COUNT; i++)
		members[i] = (struct zip_member){
			.name = sl_format("foo/%zu.py", i), .text = "", .stored = true};
	free((char *)(uintptr_t)members[COUNT - 1].name);
	members[COUNT - 1] = (struct zip_member){.name = sl_strdup(INFO), .text = TEXT};
	clock_t start = clock();
	check(members, COUNT, &honest, SL_E_NONE, NULL);
	assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
	for (size_t i = 0; i < COUNT; i++)
		free((char *)(uintptr_t)members[i].name);
	free(members);
}

static enum sl_kind load(const char *leaf, const struct wheel *wheel, const char *says)
{
	struct sl_buf zip;
	struct sl_error err = {0};
	sl_buf_init(&zip, SL_MIB);
	zip_make(&zip, wheel->members, MEMBERS, &wheel->frame);
	sl_auto_fd int fd = zip_file(zip.data, zip.len);
	struct wheel_name name;
	struct metadata metadata;
	bool good = wheel_load_metadata(fd, zip.len, leaf, &name, &metadata, &err);
	assert_int_equal(good, err.kind == SL_E_NONE);
	assert_true(good || (!metadata.name && !name.name));
	if (says && !strstr(err.text, says))
		fail_msg("'%s' is not in '%s'", says, err.text);
	wheel_name_release(&name);
	metadata_release(&metadata);
	sl_buf_release(&zip);
	return err.kind;
}

static void t66_file_name_folder_and_metadata_must_agree(void **state)
{
	(void)state;
	struct wheel wheel = sound();
	assert_int_equal(load(LEAF, &wheel, NULL), SL_E_NONE);
	assert_int_equal(load("Foo-1-py3-none-any.whl", &wheel, NULL), SL_E_NONE);
	assert_int_equal(load("bar-1.0-py3-none-any.whl", &wheel, "dist-info folder"), SL_E_FORMAT);
	assert_int_equal(load("foo-1.1-py3-none-any.whl", &wheel, "dist-info folder"), SL_E_FORMAT);
	assert_int_equal(load("foo.whl", &wheel, "not the name of a wheel"), SL_E_INPUT);
	wheel.members[METADATA].text = "Name: bar\nVersion: 1.0\n";
	assert_int_equal(load(LEAF, &wheel, "METADATA ('bar', '1.0')"), SL_E_FORMAT);
	wheel.members[METADATA].text = "Name: foo\nVersion: 2.0\n";
	assert_int_equal(load(LEAF, &wheel, "METADATA ('foo', '2.0')"), SL_E_FORMAT);
	wheel = sound();
	wheel.members[METADATA].name = "foo.dist-info/METADATA";
	wheel.members[RECORD].name = "foo.dist-info/RECORD";
	assert_int_equal(load(LEAF, &wheel, "dist-info folder"), SL_E_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound_wheels_are_read),
		cmocka_unit_test(a_long_comment_is_read_past),
		cmocka_unit_test(other_files_are_no_wheels),
		cmocka_unit_test(t14_bytes_around_the_archive_are_refused),
		cmocka_unit_test(t14_a_prefix_that_shifts_offsets_is_refused),
		cmocka_unit_test(t14_two_archives_in_one_file_are_refused),
		cmocka_unit_test(t14_records_in_comments_are_refused),
		cmocka_unit_test(t14_end_records_that_disagree_are_refused),
		cmocka_unit_test(t14_local_headers_that_disagree_are_refused),
		cmocka_unit_test(t14_bytes_between_entries_are_refused),
		cmocka_unit_test(t14_overlapping_entries_are_refused),
		cmocka_unit_test(t14_ambiguous_extra_fields_are_refused),
		cmocka_unit_test(t15_duplicate_member_refused),
		cmocka_unit_test(t15_second_dist_info_refused),
		cmocka_unit_test(t01_t02_names_that_leave_the_folder_are_refused),
		cmocka_unit_test(encrypted_and_odd_entries_are_refused),
		cmocka_unit_test(t17_large_metadata_is_refused_by_its_size),
		cmocka_unit_test(t17_archives_out_of_proportion_are_refused),
		cmocka_unit_test(t18_metadata_that_grows_past_its_size_is_refused),
		cmocka_unit_test(t18_damaged_data_is_refused),
		cmocka_unit_test(t18_the_caller_s_ceiling_is_obeyed),
		cmocka_unit_test(t19_t20_sizes_past_the_file_are_refused),
		cmocka_unit_test(t20_unpacked_sizes_are_added_without_wrapping),
		cmocka_unit_test(t19_entry_counts_are_limited),
		cmocka_unit_test(t75_truncated_files_are_refused),
		cmocka_unit_test(t75_a_file_that_shrinks_is_an_error),
		cmocka_unit_test(t21_many_members_cost_little),
		cmocka_unit_test(t66_file_name_folder_and_metadata_must_agree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
