// SPDX-License-Identifier: Apache-2.0
#include "bundles/base/buf.h"
#include "tests/cmocka_all.h"

#include <string.h>

static void grows_to_its_ceiling_and_no_further(void **state)
{
	(void)state;
	sl_auto_buf struct sl_buf buf;
	sl_buf_init(&buf, 1000);
	struct sl_error err = {0};
	for (int i = 0; i < 1000; i++)
		sl_buf_addc(&buf, 'a');
	assert_true(sl_buf_ok(&buf, "text", &err));
	assert_int_equal(buf.len, 1000);
	sl_buf_addc(&buf, 'b');
	assert_int_equal(buf.len, 1000);
	assert_false(sl_buf_ok(&buf, "text", &err));
	assert_int_equal(err.kind, SL_E_LIMIT);
	assert_string_equal(err.text, "text: larger than 1000 bytes");
}

static void overflow_sticks_until_cleared(void **state)
{
	(void)state;
	sl_auto_buf struct sl_buf buf;
	sl_buf_init(&buf, 4);
	sl_buf_adds(&buf, "12345");
	sl_buf_adds(&buf, "1");
	assert_int_equal(buf.len, 0);
	assert_true(buf.overflow);
	sl_buf_clear(&buf);
	sl_buf_adds(&buf, "1234");
	assert_false(buf.overflow);
	assert_string_equal(buf.data, "1234");
}

static void formats_and_steals(void **state)
{
	(void)state;
	sl_auto_buf struct sl_buf buf;
	sl_buf_init(&buf, 100);
	sl_buf_addf(&buf, "%s-%d", "a", 7);
	size_t len = 0;
	sl_auto_free char *text = sl_buf_steal(&buf, &len);
	assert_string_equal(text, "a-7");
	assert_int_equal(len, 3);
	assert_string_equal(buf.data, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_to_its_ceiling_and_no_further),
		cmocka_unit_test(overflow_sticks_until_cleared),
		cmocka_unit_test(formats_and_steals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
