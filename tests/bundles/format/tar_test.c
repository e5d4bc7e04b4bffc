// SPDX-License-Identifier: Apache-2.0
#include "tests/bundles/format/fixture.h"

static void header(const char *name, uint64_t size, unsigned char out[TAR_BLOCK])
{
	struct sl_error err = {0};
	if (!tar_header_make(name, size, out, &err))
		fail_msg("%s", err.text);
}

static bool parses(const unsigned char block[TAR_BLOCK])
{
	struct sl_error err = {0};
	struct tar_member member;
	bool ok = tar_header_parse(block, &member, &err);
	assert_true(ok || err.kind == SL_E_FORMAT);
	return ok;
}

// The sum of all bytes with the field itself as spaces, so that only the tested field is wrong.
static void fix_checksum(unsigned char block[TAR_BLOCK])
{
	unsigned sum = 0;
	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += block[i];
	snprintf((char *)block + 148, 8, "%06o", sum & 0777777);
	block[155] = ' ';
}

static void header_is_the_law(void **state)
{
	(void)state;
	unsigned char made[TAR_BLOCK], law[TAR_BLOCK] = "blobs/sha256/ab";
	header("blobs/sha256/ab", 123, made);
	memcpy(law + 100, "0000644\0000000000\0000000000\00000000000173\00000000000000", 48);
	memcpy(law + 156, "0", 1);
	memcpy(law + 257, "ustar  ", 8);
	fix_checksum(law);
	assert_memory_equal(made, law, TAR_BLOCK);
}

static void t20_sizes_come_back(void **state)
{
	(void)state;
	static const uint64_t sizes[] = {
		0,	    1,		 511,
		512,	    0x7fffffff,	 0x80000000,
		0xffffffff, 0x100000000, 8 * SL_GIB - 1,
		8 * SL_GIB, 64 * SL_GIB, ((uint64_t)1 << 62) + 1,
		INT64_MAX,
	};
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		unsigned char block[TAR_BLOCK];
		struct tar_member member;
		struct sl_error err = {0};
		header("a", sizes[i], block);
		assert_true(tar_header_parse(block, &member, &err));
		assert_true(member.size == sizes[i]);
		assert_string_equal(member.name, "a");
	}
}

static void t20_size_past_63_bits_refused(void **state)
{
	(void)state;
	unsigned char block[TAR_BLOCK];
	header("a", INT64_MAX, block);
	for (size_t i = 125; i < 136; i++) {
		unsigned char changed[TAR_BLOCK];
		memcpy(changed, block, TAR_BLOCK);
		changed[i] = 0xff;
		fix_checksum(changed);
		assert_true(parses(changed) == (memcmp(changed, block, TAR_BLOCK) == 0));
	}
}

static void t11_t12_t13_every_other_byte_refused(void **state)
{
	(void)state;
	unsigned char block[TAR_BLOCK];
	header("content.tar.zst", 4711, block);
	assert_true(parses(block));
	for (size_t at = 0; at < TAR_BLOCK; at++) {
		bool meaning = at < 100 || (at >= 124 && at < 136); // another name or size is legal
		for (unsigned value = 1; value < 256; value++) {
			unsigned char changed[TAR_BLOCK];
			memcpy(changed, block, TAR_BLOCK);
			changed[at] = (unsigned char)(block[at] ^ value);
			assert_false(parses(changed)); // the checksum is wrong
			if (value % 16 != 1 || (at >= 148 && at < 156))
				continue;
			fix_checksum(changed);
			assert_true(meaning || !parses(changed));
		}
	}
}

static void t03_t04_t11_other_types_refused(void **state)
{
	(void)state;
	for (const char *type = "1234567gxLKSVMDN"; *type; type++) {
		unsigned char block[TAR_BLOCK];
		header("a", 0, block);
		block[156] = (unsigned char)*type;
		fix_checksum(block);
		assert_false(parses(block));
	}
}

static void t12_second_spellings_of_a_size_refused(void **state)
{
	(void)state;
	static const char *const fields[] = {
		"\x80\0\0\0\0\0\0\0\0\0\0\x05",
		"00000000005 ",
		" 0000000005\0",
		"5\0\0\0\0\0\0\0\0\0\0\0",
		"000000000005",
		"0000000000x\0",
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x05",
		"0000000005 \0",
		"-0000000005\0",
	};
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		unsigned char block[TAR_BLOCK];
		header("a", 5, block);
		memcpy(block + 124, fields[i], 12);
		fix_checksum(block);
		assert_false(parses(block));
	}
}

static void expect_name_refused(const char *name)
{
	unsigned char block[TAR_BLOCK];
	assert_false(tar_name_is_plain(name));
	header("x", 0, block);
	memset(block, 0, 100);
	memcpy(block, name, strlen(name));
	fix_checksum(block);
	assert_false(parses(block));
}

static void t01_t02_t08_names_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",	 "/",	     "/a",   "a/", "a//b", "..",    "../a",  "a/../b", "a/..",
		".",	 "./a",	     ".a",   "-a", "a/-b", "a\\b",  "C:\\a", "a b",    "a\nb",
		"a\x7f", "\xc3\xa4", "a%2e", "~a", "a*",   "a/./b", "a:b",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		expect_name_refused(bad[i]);
	static const char *const good[] = {"a", "a/b", "_a.b-c/D.e", "0", "a..b", "a.-"};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(tar_name_is_plain(good[i]));
}

// Nothing is there that anybody could decode after the check: no percent sign, no backslash, no
// byte that is not ASCII.
static void t09_names_have_one_spelling(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"a%2fb",     "%2e%2e/a",      "a%00b",		"a\\b",	     "..\\a",
		"a\xc3\xa9", "a\xef\xbc\x8f", "\xe2\x80\xa4/a", "a\xc0\xaf", "&#46;&#46;/a",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		expect_name_refused(bad[i]);
}

static void names_at_the_limit_and_one_past_it(void **state)
{
	(void)state;
	char name[SL_LIMIT_MEMBER_NAME + 2] = {0};
	memset(name, 'n', SL_LIMIT_MEMBER_NAME + 1);
	assert_false(tar_name_is_plain(name));
	name[SL_LIMIT_MEMBER_NAME] = '\0';
	assert_true(tar_name_is_plain(name));
	unsigned char block[TAR_BLOCK];
	struct tar_member member;
	struct sl_error err = {0};
	header(name, 8 * SL_GIB, block);
	assert_true(tar_header_parse(block, &member, &err));
	assert_string_equal(member.name, name);
}

static void name_hidden_after_a_nul_refused(void **state)
{
	(void)state;
	unsigned char block[TAR_BLOCK];
	header("a", 0, block);
	memcpy(block + 2, "../../b", 7);
	fix_checksum(block);
	assert_false(parses(block));
}

static void padding_and_wholes(void **state)
{
	(void)state;
	assert_int_equal(tar_padding(0), 0);
	assert_int_equal(tar_padding(1), 511);
	assert_int_equal(tar_padding(512), 0);
	assert_int_equal(tar_padding(513), 511);
	assert_int_equal(tar_member_bytes(0), 512);
	assert_int_equal(tar_member_bytes(1), 1024);
	assert_int_equal(tar_member_bytes(512), 1024);
	assert_true(tar_is_zero("", 0));
	assert_true(tar_is_zero("\0\0", 2));
	assert_false(tar_is_zero("\0\1", 2));
	assert_false(tar_is_zero("\1", 1));
}

static void message_names_the_field(void **state)
{
	(void)state;
	unsigned char block[TAR_BLOCK];
	struct sl_error err = {0};
	header("a", 5, block);
	block[106] = '5'; // 0000645
	fix_checksum(block);
	expect_refused(tar_header_check(block, "a", 5, &err), &err, SL_E_FORMAT, "field 'mode'");
	memset(block, 0, sizeof block);
	err = (struct sl_error){0};
	expect_refused(tar_header_check(block, "a", 5, &err), &err, SL_E_FORMAT,
		       "ends where 'a' should stand");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_is_the_law),
		cmocka_unit_test(t20_sizes_come_back),
		cmocka_unit_test(t20_size_past_63_bits_refused),
		cmocka_unit_test(t11_t12_t13_every_other_byte_refused),
		cmocka_unit_test(t03_t04_t11_other_types_refused),
		cmocka_unit_test(t12_second_spellings_of_a_size_refused),
		cmocka_unit_test(t01_t02_t08_names_refused),
		cmocka_unit_test(t09_names_have_one_spelling),
		cmocka_unit_test(names_at_the_limit_and_one_past_it),
		cmocka_unit_test(name_hidden_after_a_nul_refused),
		cmocka_unit_test(padding_and_wholes),
		cmocka_unit_test(message_names_the_field),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
