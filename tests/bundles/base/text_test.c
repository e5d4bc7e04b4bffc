// SPDX-License-Identifier: Apache-2.0
#include "bundles/base/text.h"
#include "tests/cmocka_all.h"

#include <string.h>

static void shown_is(const char *text, const char *expected)
{
	sl_auto_free char *shown = sl_text_shown(text);
	assert_string_equal(shown, expected);
}

static void t63_what_steers_a_terminal_is_escaped(void **state)
{
	(void)state;
	shown_is("plain", "plain");
	shown_is("a\nb\tc", "a\\nb\\tc");
	shown_is("\x1b[2J", "\\x1b[2J");
	shown_is("\r", "\\x0d");
	shown_is("\u202eevil", "\\u{202e}evil");
	shown_is("zero\u200bwidth", "zero\\u{200b}width");
	shown_is("\xff\xc0\x80", "\\xff\\xc0\\x80");
	shown_is("\xc2\x9b"
		 "31m",
		 "\\u{9b}31m");
	shown_is("back\\slash", "back\\\\slash");
	shown_is("é 字", "é 字");
}

static void utf8_is_strict(void **state)
{
	(void)state;
	static const char *const good[] = {"", "a", "é", "€", "😀", "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {
		"\x80", "\xc0\xaf", "\xe0\x80\xaf",	   "\xed\xa0\x80", "\xf4\x90\x80\x80",
		"\xc3", "\xe2\x82", "\xf8\x88\x80\x80\x80"};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(sl_text_is_utf8(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(sl_text_is_utf8(bad[i], strlen(bad[i])));
}

static void times_round_trip(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t seconds;
	} cases[] = {{"1970-01-01T00:00:00Z", 0},
		     {"2026-11-22T13:26:02Z", 1795353962},
		     {"2024-02-29T23:59:59Z", 1709251199}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t seconds = -1;
		char text[21];
		assert_true(sl_time_parse(cases[i].text, &seconds));
		assert_int_equal(seconds, cases[i].seconds);
		sl_time_format(seconds, text);
		assert_string_equal(text, cases[i].text);
	}
	static const char *const bad[] = {"",
					  "2026-11-22",
					  "2026-11-22T13:26:02",
					  "2026-11-22T13:26:02+00:00",
					  "2026-02-30T00:00:00Z",
					  "2026-13-01T00:00:00Z",
					  "1969-12-31T23:59:59Z",
					  "2026-11-22T24:00:00Z",
					  " 026-11-22T13:26:02Z"};
	int64_t seconds;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(sl_time_parse(bad[i], &seconds));
}

static void the_nearest_word_is_suggested(void **state)
{
	(void)state;
	static const char *const known[] = {"name", "version", "requirements", NULL};
	assert_string_equal(sl_text_nearest("requirments", known), "requirements");
	assert_string_equal(sl_text_nearest("verison", known), "version");
	assert_null(sl_text_nearest("banana", known));
	assert_null(sl_text_nearest("", known));
}

static void names_have_a_grammar(void **state)
{
	(void)state;
	assert_true(sl_text_is_name("my-pandas-image"));
	assert_true(sl_text_is_name("0a._-"));
	assert_false(sl_text_is_name(""));
	assert_false(sl_text_is_name("-a"));
	assert_false(sl_text_is_name("A"));
	assert_false(sl_text_is_name("a/b"));
	char longest[65];
	memset(longest, 'a', 64);
	longest[63] = '\0';
	assert_true(sl_text_is_name(longest));
	longest[63] = 'a';
	longest[64] = '\0';
	assert_false(sl_text_is_name(longest));
}

static void sizes_are_for_people(void **state)
{
	(void)state;
	char text[16];
	sl_size_format(812, text);
	assert_string_equal(text, "812 B");
	sl_size_format(1536ULL << 20, text);
	assert_string_equal(text, "1.5 GiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t63_what_steers_a_terminal_is_escaped),
		cmocka_unit_test(utf8_is_strict),
		cmocka_unit_test(times_round_trip),
		cmocka_unit_test(the_nearest_word_is_suggested),
		cmocka_unit_test(names_have_a_grammar),
		cmocka_unit_test(sizes_are_for_people),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
