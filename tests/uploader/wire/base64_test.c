// SPDX-License-Identifier: Apache-2.0
#include "tests/uploader/wire/vectors.h"

static const char *const pairs[][2] = {
	// RFC 4648, section 10
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
};

static void vectors_of_the_standard(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		sl_auto_buf struct sl_buf out;
		struct sl_error err = {0};
		sl_buf_init(&out, 64);
		wire_base64_add(&out, pairs[i][0], strlen(pairs[i][0]));
		assert_string_equal(out.data, pairs[i][1]);
		assert_int_equal(out.len, WIRE_BASE64_LEN(strlen(pairs[i][0])));
		sl_buf_clear(&out);
		assert_true(wire_base64_read(pairs[i][1], strlen(pairs[i][1]), &out, &err));
		assert_string_equal(out.data, pairs[i][0]);
	}
}

static void every_length_and_byte_comes_back(void **state)
{
	unsigned char bytes[2000];
	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(i * 167 + i / 256);
	for (size_t len = 0; len <= sizeof bytes; len += len < 800 ? 1 : 97) {
		sl_auto_buf struct sl_buf text, again;
		struct sl_error err = {0};
		sl_buf_init(&text, 4096);
		sl_buf_init(&again, 4096);
		wire_base64_add(&text, bytes, len);
		assert_true(wire_base64_read(text.data, text.len, &again, &err));
		assert_int_equal(again.len, len);
		assert_memory_equal(again.data, bytes, len);
	}
}

static void line_feeds_are_passed_over(void **state)
{
	sl_auto_buf struct sl_buf out;
	struct sl_error err = {0};
	(void)state;
	sl_buf_init(&out, 64);
	assert_true(wire_base64_read("\nZm\n9v\nYg=\n=\n\n", 14, &out, &err));
	assert_string_equal(out.data, "foob");
}

static void everything_else_is_refused(void **state)
{
	static const char *const wrong[] = {
		"Z",	    "Zg",	"Zg=",	    "Zg===", "=",    "==",
		"Zm8",	    "Zm8==",	"Zm9v=",    "Zh==",  "Zm9=", "Zm 8=",
		"Zm8=Zm8=", "Zg==Zg==", "Zm8\r\n=", "Zm-v",  "Zm_v", "Z\xc3\xa9=",
	};
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		sl_auto_buf struct sl_buf out;
		struct sl_error err = {0};
		sl_buf_init(&out, 64);
		if (wire_base64_read(wrong[i], strlen(wrong[i]), &out, &err))
			fail_msg("taken: %s", wrong[i]);
		assert_int_equal(err.kind, SL_E_FORMAT);
	}
}

static void what_does_not_fit_is_a_limit(void **state)
{
	sl_auto_buf struct sl_buf out;
	struct sl_error err = {0};
	(void)state;
	sl_buf_init(&out, 5);
	assert_false(wire_base64_read("Zm9vYmFy", 8, &out, &err));
	assert_int_equal(err.kind, SL_E_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_of_the_standard),
		cmocka_unit_test(every_length_and_byte_comes_back),
		cmocka_unit_test(line_feeds_are_passed_over),
		cmocka_unit_test(everything_else_is_refused),
		cmocka_unit_test(what_does_not_fit_is_a_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
