// SPDX-License-Identifier: Apache-2.0
// Results as workers of many versions send them.
#include "tests/uploader/wire/vectors.h"

static void result_is(const char *result, size_t len, const struct sl_buf *wanted)
{
	sl_auto_buf struct sl_buf out;
	struct sl_error err = {0};
	sl_buf_init(&out, WIRE_LIMIT_RESULT);
	if (!wire_result(result, len, &out, &err))
		fail_msg("%s", err.text);
	assert_same_bytes(&out, wanted);
}

static void result_refused(const char *result, size_t len, enum sl_kind kind, const char *words)
{
	sl_auto_buf struct sl_buf out;
	struct sl_error err = {0};
	sl_buf_init(&out, 1000);
	if (wire_result(result, len, &out, &err))
		fail_msg("taken: %s", result);
	if (err.kind != kind || !strstr(err.text, words))
		fail_msg("'%s' does not say '%s'", err.text, words);
	assert_int_equal(out.len, 0);
}

// As base64 with a line feed after every 76 characters and at the end: Python's codec.
static void add_wrapped(struct sl_buf *out, const struct sl_buf *bytes)
{
	for (size_t i = 0; i < bytes->len; i += 57) {
		wire_base64_add(out, bytes->data + i, bytes->len - i < 57 ? bytes->len - i : 57);
		sl_buf_addc(out, '\n');
	}
}

static void pickled_text_is_read(const json_t *row)
{
	sl_auto_buf struct sl_buf text, pickle, result;
	sl_buf_init(&text, 1 << 20);
	sl_buf_init(&pickle, 1 << 20);
	sl_buf_init(&result, 1 << 21);
	vectors_text(row, &text);
	vectors_bytes(row, "head", &pickle);
	sl_buf_add(&pickle, text.data, text.len);
	vectors_bytes(row, "tail", &pickle);
	sl_buf_adds(&result, "00\n");
	add_wrapped(&result, &pickle);
	result_is(result.data, result.len, &text);
}

static void texts_pickled_by_every_python(void **state)
{
	sl_auto_json json_t *vectors = vectors_load("pickles.json");
	const json_t *rows = json_object_get(vectors, "texts");
	bool seen[6] = {false};
	size_t index;
	json_t *row;
	(void)state;
	assert_true(json_array_size(rows) >= 60);
	json_array_foreach (rows, index, row) {
		seen[json_integer_value(json_object_get(row, "protocol"))] = true;
		pickled_text_is_read(row);
	}
	for (size_t protocol = 1; protocol < 6; protocol++)
		assert_true(seen[protocol]);
}

static void results_of_the_sdk(void **state)
{
	(void)state;
	for (size_t i = 0; vectors_of_sdks[i]; i++) {
		sl_auto_json json_t *sdk = vectors_load(vectors_of_sdks[i]);
		size_t index;
		json_t *row;
		assert_true(json_array_size(json_object_get(sdk, "results")) >= 10);
		json_array_foreach (json_object_get(sdk, "results"), index, row) {
			const char *result = vectors_string(row, "result");
			sl_auto_buf struct sl_buf text;
			sl_buf_init(&text, 1 << 16);
			vectors_text(row, &text);
			result_is(result, strlen(result), &text);
		}
		assert_true(json_array_size(json_object_get(sdk, "not_text")) >= 9);
		json_array_foreach (json_object_get(sdk, "not_text"), index, row) {
			const char *result = vectors_string(row, "result");
			result_refused(result, strlen(result), SL_E_FORMAT,
				       "cannot read the result of a task: ");
		}
	}
}

#define REFUSED(result, words) result_refused(result, sizeof(result) - 1, SL_E_FORMAT, words)

static void everything_else_is_refused(void **state)
{
	(void)state;
	REFUSED("", "begins with ''");
	REFUSED("11", "begins with '11'");
	REFUSED("\"text\"", "not with '11' (JSON) or '00' (a pickle)");
	REFUSED("13\n12\n11\n\"x\"", "begins with '13\\n");
	REFUSED("01\ngAJOLg==", "begins with '01\\n");
	REFUSED("\x1b[2J", "begins with '\\x1b[2J'"); // T63
	REFUSED("11\n", "did not return a text");
	REFUSED("11\n  ", "did not return a text");
	REFUSED("11\n{}", "did not return a text");
	REFUSED("11\n\"", "JSON");
	REFUSED("11\n\"a\" \"b\"", "JSON");
	REFUSED("11\n\"a\"]", "JSON");
	REFUSED("11\n\"\\ud800\"", "JSON");
	REFUSED("11\n\"\xed\xa0\x80\"", "JSON");
	REFUSED("11\n\"\xff\"", "JSON");
	REFUSED("00\n", "cut off");
	REFUSED("00\n!", "not base64");
	REFUSED("00\ngAJO", "cut off");
	REFUSED("00\ngAJOLg==", "returned nothing");
	REFUSED("00\ngAJdLg==", "returned a list");
	REFUSED("00\ngAJ9Lg==", "returned a dictionary or bytes");
	REFUSED("00\ngAKILg==", "returned a boolean");
	REFUSED("00\ngAJLAS4=", "returned a number");
	REFUSED("00\nY29zCnN5c3RlbQoodFIu", "opcode 0x63"); // cos\nsystem\n(tR.
}

static void blanks_around_json_are_good(void **state)
{
	sl_auto_buf struct sl_buf wanted;
	(void)state;
	sl_buf_init(&wanted, 16);
	sl_buf_adds(&wanted, "a\xe2\x82\xac\xf0\x9f\x98\x80");
	static const char escaped[] = "11\n \"a\\u20ac\\ud83d\\ude00\"\n";
	static const char plain[] = "11\n\"a\xe2\x82\xac\xf0\x9f\x98\x80\"";
	result_is(escaped, strlen(escaped), &wanted);
	result_is(plain, strlen(plain), &wanted);
}

static void the_result_is_added_to_what_is_there(void **state)
{
	sl_auto_buf struct sl_buf out;
	struct sl_error err = {0};
	(void)state;
	sl_buf_init(&out, 5);
	sl_buf_adds(&out, "ab");
	assert_true(wire_result("11\n\"cde\"", 8, &out, &err));
	assert_string_equal(out.data, "abcde");
	assert_false(wire_result("11\n\"f\"", 6, &out, &err));
	assert_int_equal(err.kind, SL_E_LIMIT);
}

static void t18_size_has_a_limit(void **state)
{
	const size_t len = WIRE_LIMIT_RESULT + 1;
	sl_auto_free char *result = sl_alloc(len + 1);
	sl_auto_buf struct sl_buf out;
	struct sl_error err = {0};
	(void)state;
	memset(result, 'x', len);
	memcpy(result, "11\n\"", 4);
	result[len - 1] = '"';
	result_refused(result, len, SL_E_LIMIT, "larger than 10485760 bytes");
	result[len - 2] = '"';
	sl_buf_init(&out, WIRE_LIMIT_RESULT);
	assert_true(wire_result(result, len - 1, &out, &err));
	assert_int_equal(out.len, len - 1 - 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_pickled_by_every_python),
		cmocka_unit_test(results_of_the_sdk),
		cmocka_unit_test(everything_else_is_refused),
		cmocka_unit_test(blanks_around_json_are_good),
		cmocka_unit_test(the_result_is_added_to_what_is_there),
		cmocka_unit_test(t18_size_has_a_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
