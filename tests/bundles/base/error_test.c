// SPDX-License-Identifier: Apache-2.0
#include "bundles/base/error.h"
#include "tests/cmocka_all.h"

#include <errno.h>
#include <string.h>

static void first_failure_wins(void **state)
{
	(void)state;
	struct sl_error err = {0};
	assert_false(sl_fail(&err, SL_E_LIMIT, "the %s", "first"));
	assert_false(sl_fail(&err, SL_E_IO, "the second"));
	assert_int_equal(err.kind, SL_E_LIMIT);
	assert_string_equal(err.text, "the first");
}

static void errno_is_appended(void **state)
{
	(void)state;
	struct sl_error err = {0};
	errno = ENOSPC;
	assert_false(sl_fail_errno(&err, "cannot write '%s'", "a"));
	assert_int_equal(err.kind, SL_E_IO);
	assert_string_equal(err.text, "cannot write 'a': No space left on device");
}

static void prefix_goes_in_front(void **state)
{
	(void)state;
	struct sl_error err = {0};
	sl_fail(&err, SL_E_INPUT, "b");
	assert_false(sl_prefix(&err, "files[%d]", 3));
	assert_string_equal(err.text, "files[3]: b");
}

static void a_cut_text_says_so(void **state)
{
	(void)state;
	char longer[4096];
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	struct sl_error err = {0};
	sl_fail(&err, SL_E_INPUT, "%s", longer);
	size_t len = strlen(err.text);
	assert_int_equal(len, sizeof err.text - 1);
	assert_string_equal(err.text + len - 3, "…");
	sl_prefix(&err, "context");
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	assert_memory_equal(err.text, "context: xxx", 12);
}

static void t63_what_a_caller_did_not_escape_is_escaped(void **state)
{
	(void)state;
	struct sl_error err = {0};
	sl_fail(&err, SL_E_USAGE, "not '%s', nor '%s'", "a\033[2J\nb\xe2\x80\xae\xff", "c\\x1b");
	assert_string_equal(err.text, "not 'a\\x1b[2J\\nb\\u{202e}\\xff', nor 'c\\x1b'");
	sl_prefix(&err, "d\r");
	assert_string_equal(err.text, "d\\x0d: not 'a\\x1b[2J\\nb\\u{202e}\\xff', nor 'c\\x1b'");
	char steering[1500];
	memset(steering, '\a', sizeof steering - 1);
	steering[sizeof steering - 1] = '\0';
	sl_error_clear(&err);
	sl_fail(&err, SL_E_USAGE, "%s", steering);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	assert_memory_equal(err.text, "\\x07\\x07", 8);
}

static void kinds_have_the_exit_codes_of_the_law(void **state)
{
	(void)state;
	static const int codes[] = {0, 1, 2, 3, 3, 4, 5, 6, 7, 70};
	for (int kind = SL_E_NONE; kind <= SL_E_INTERNAL; kind++)
		assert_int_equal(sl_exit_code((enum sl_kind)kind), codes[kind]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_failure_wins),
		cmocka_unit_test(errno_is_appended),
		cmocka_unit_test(prefix_goes_in_front),
		cmocka_unit_test(a_cut_text_says_so),
		cmocka_unit_test(t63_what_a_caller_did_not_escape_is_escaped),
		cmocka_unit_test(kinds_have_the_exit_codes_of_the_law),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
