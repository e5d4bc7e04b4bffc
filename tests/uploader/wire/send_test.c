// SPDX-License-Identifier: Apache-2.0
// What is sent: byte for byte, and as the real SDK packs it.
#include "tests/uploader/wire/vectors.h"

static const struct wire_text letters[] = {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {"e", 1}};

static void assert_buf_is(const struct sl_buf *buf, const char *wanted)
{
	assert_false(buf->overflow);
	assert_string_equal(buf->data, wanted);
	assert_int_equal(buf->len, strlen(wanted));
}

static void function_is(enum wire_set set, const char *name, const char *source, const char *wanted)
{
	sl_auto_buf struct sl_buf out;
	struct sl_error err = {0};
	sl_buf_init(&out, 4096);
	assert_true(wire_function(set, name, source, strlen(source), &out, &err));
	assert_buf_is(&out, wanted);
}

static void a_function_is_its_name_and_source(void **state)
{
	static const char entry[] = "def entry():\n    return 1\n";
	(void)state;
	function_is(WIRE_MODERN, "entry", entry, "35\nst\nentry:def entry():\n    return 1\n");
	function_is(WIRE_UNIVERSAL, "entry", entry,
		    "63\n04\ngAJYBQAAAGVudHJ5WBoAAABkZWYgZW50cnkoKToKICAgIHJldHVybiAxCoYu");
	function_is(WIRE_MODERN, "_f0", "", "7\nst\n_f0:");
}

static void function_refused(const char *name, const char *source, size_t len, enum sl_kind kind)
{
	for (int set = WIRE_UNIVERSAL; set <= WIRE_MODERN; set++) {
		sl_auto_buf struct sl_buf out;
		struct sl_error err = {0};
		sl_buf_init(&out, 64);
		assert_false(wire_function((enum wire_set)set, name, source, len, &out, &err));
		assert_int_equal(err.kind, kind);
		assert_int_equal(out.len, 0);
	}
}

static void a_function_that_cannot_be_sent_is_refused(void **state)
{
	sl_auto_free char *large = sl_alloc(WIRE_LIMIT_SUBMIT + 1);
	(void)state;
	memset(large, '#', WIRE_LIMIT_SUBMIT + 1);
	function_refused("f", "caf\xc3\xa9", 5, SL_E_INTERNAL);
	function_refused("f", "a\0b", 3, SL_E_INTERNAL);
	function_refused("", "x", 1, SL_E_INTERNAL);
	function_refused("a:b", "x", 1, SL_E_INTERNAL);
	function_refused("1a", "x", 1, SL_E_INTERNAL);
	function_refused("a b", "x", 1, SL_E_INTERNAL);
	function_refused("caf\xc3\xa9", "x", 1, SL_E_INTERNAL);
	function_refused("f", large, WIRE_LIMIT_SUBMIT + 1, SL_E_LIMIT);
}

static void the_ceiling_of_the_buffer_counts(void **state)
{
	(void)state;
	for (int set = WIRE_UNIVERSAL; set <= WIRE_MODERN; set++) {
		sl_auto_buf struct sl_buf out;
		struct sl_error err = {0};
		sl_buf_init(&out, 10);
		assert_false(wire_function((enum wire_set)set, "f", "0123456789", 10, &out, &err));
		assert_int_equal(err.kind, SL_E_LIMIT);
		sl_error_clear(&err);
		sl_buf_clear(&out);
		assert_false(wire_arguments((enum wire_set)set, letters, 5, &out, &err));
		assert_int_equal(err.kind, SL_E_LIMIT);
	}
}

static void arguments_are(enum wire_set set, const struct wire_text *texts, size_t count,
			  const char *wanted)
{
	sl_auto_buf struct sl_buf out;
	struct sl_error err = {0};
	sl_buf_init(&out, 4096);
	assert_true(wire_arguments(set, texts, count, &out, &err));
	assert_buf_is(&out, wanted);
	assert_int_equal(wire_arguments_size(set, texts, count), out.len);
}

static void arguments_as_json(void **state)
{
	static const struct wire_text odd = {"\" \\ / \b\f\n\r\t \x01\x1f\x7f \0end", 20};
	(void)state;
	arguments_are(WIRE_MODERN, NULL, 0, "5\n11\n[]5\n11\n{}");
	arguments_are(WIRE_MODERN, letters, 1, "8\n11\n[\"a\"]5\n11\n{}");
	arguments_are(WIRE_MODERN, letters, 2, "12\n11\n[\"a\",\"b\"]5\n11\n{}");
	arguments_are(WIRE_MODERN, letters, 5, "24\n11\n[\"a\",\"b\",\"c\",\"d\",\"e\"]5\n11\n{}");
	arguments_are(WIRE_MODERN, &odd, 1,
		      "49\n11\n[\"\\\" \\\\ / \\b\\f\\n\\r\\t \\u0001\\u001f\x7f \\u0000end\"]"
		      "5\n11\n{}");
}

// 80 02, each text as 58 01000000 xx, the tuple, 2e
static void arguments_as_pickles(void **state)
{
	static const struct wire_text nothing = {"", 0};
	(void)state;
#define NO_KEYWORDS "11\n00\ngAJ9Lg=="
	arguments_are(WIRE_UNIVERSAL, NULL, 0, "11\n00\ngAIpLg==" NO_KEYWORDS);
	arguments_are(WIRE_UNIVERSAL, &nothing, 1, "15\n00\ngAJYAAAAAIUu" NO_KEYWORDS);
	arguments_are(WIRE_UNIVERSAL, letters, 1, "19\n00\ngAJYAQAAAGGFLg==" NO_KEYWORDS);
	arguments_are(WIRE_UNIVERSAL, letters, 2, "27\n00\ngAJYAQAAAGFYAQAAAGKGLg==" NO_KEYWORDS);
	arguments_are(WIRE_UNIVERSAL, letters, 3,
		      "35\n00\ngAJYAQAAAGFYAQAAAGJYAQAAAGOHLg==" NO_KEYWORDS);
	arguments_are(WIRE_UNIVERSAL, letters, 4,
		      "43\n00\ngAIoWAEAAABhWAEAAABiWAEAAABjWAEAAABkdC4=" NO_KEYWORDS);
	arguments_are(WIRE_UNIVERSAL, letters, 5,
		      "51\n00\ngAIoWAEAAABhWAEAAABiWAEAAABjWAEAAABkWAEAAABldC4=" NO_KEYWORDS);
}

// Packed buffers of `text`, the second of which is thrown away, and the first without its id.
static void unpack_first(const struct sl_buf *packed, const char **body, size_t *len)
{
	char *end;
	unsigned long size = strtoul(packed->data, &end, 10);
	assert_int_equal(*end, '\n');
	assert_true(size > 3 && size < packed->len);
	*body = end + 4;
	*len = size - 3;
}

static void assert_argument_is(const json_t *tuple, const struct wire_text *wanted)
{
	const json_t *part = json_array_get(tuple, 0);
	assert_int_equal(json_array_size(tuple), 1);
	assert_int_equal(json_string_length(part), wanted->len);
	assert_memory_equal(json_string_value(part), wanted->data, wanted->len);
}

static json_t *read_back(enum wire_set set, const char *body, size_t len)
{
	struct sl_error err = {0};
	if (set == WIRE_MODERN)
		return sl_json_load(body, len, "arguments", &err);
	sl_auto_buf struct sl_buf pickle;
	sl_buf_init(&pickle, len);
	assert_true(wire_base64_read(body, len, &pickle, &err));
	return wire_unpickle((const unsigned char *)pickle.data, pickle.len, &err);
}

// One length after the other around every boundary of lengths and of base64.
static void sizes_are_known_beforehand(void **state)
{
	static const size_t around[] = {0, 90, 252, 995, 9990, 65530, 70000, 99990};
	sl_auto_free char *text = sl_alloc(100010);
	(void)state;
	memset(text, 'x', 100010);
	for (int set = WIRE_UNIVERSAL; set <= WIRE_MODERN; set++) {
		for (size_t i = 0; i < 8 * 20; i++) {
			const struct wire_text one = {text, around[i / 20] + i % 20};
			sl_auto_buf struct sl_buf out;
			struct sl_error err = {0};
			const char *body;
			size_t len;
			sl_buf_init(&out, 1 << 20);
			assert_true(wire_arguments((enum wire_set)set, &one, 1, &out, &err));
			assert_int_equal(wire_arguments_size((enum wire_set)set, &one, 1), out.len);
			unpack_first(&out, &body, &len);
			sl_auto_json json_t *tuple = read_back((enum wire_set)set, body, len);
			assert_argument_is(tuple, &one);
		}
	}
}

static void arguments_that_cannot_be_sent_are_refused(void **state)
{
	sl_auto_free char *large = sl_alloc(WIRE_LIMIT_SUBMIT);
	const struct wire_text foreign[] = {{"plain", 5}, {"sch\xc3\xb6n", 6}};
	const struct wire_text much = {large, WIRE_LIMIT_SUBMIT};
	(void)state;
	memset(large, 'x', WIRE_LIMIT_SUBMIT);
	for (int set = WIRE_UNIVERSAL; set <= WIRE_MODERN; set++) {
		sl_auto_buf struct sl_buf out;
		struct sl_error err = {0};
		sl_buf_init(&out, 1 << 25);
		assert_false(wire_arguments((enum wire_set)set, foreign, 2, &out, &err));
		assert_int_equal(err.kind, SL_E_INTERNAL);
		assert_non_null(strstr(err.text, "argument 2"));
		sl_error_clear(&err);
		assert_false(wire_arguments((enum wire_set)set, &much, 1, &out, &err));
		assert_int_equal(err.kind, SL_E_LIMIT);
		assert_int_equal(out.len, 0);
	}
}

static bool is_ascii(const char *text)
{
	while (*text && (unsigned char)*text < 0x80)
		text++;
	return *text == '\0';
}

// The SDK counts code points and we count bytes, which is why only ASCII is ever packed.
static void packed_is(const json_t *row)
{
	const char *wanted = vectors_string(row, "packed");
	sl_auto_buf struct sl_buf out;
	size_t index;
	json_t *buffer;
	sl_buf_init(&out, 4096);
	json_array_foreach (json_object_get(row, "buffers"), index, buffer)
		wire_pack(&out, json_string_value(buffer), json_string_length(buffer));
	assert_int_equal(strcmp(out.data, wanted) == 0, is_ascii(wanted));
}

// What the SDK writes as `st` is what we write; what it pickles for `04` we can read.
static void code_is(const json_t *row)
{
	const char *name = vectors_string(row, "name"), *source = vectors_string(row, "source");
	const char *packed = vectors_string(row, "packed"),
		   *strategy = vectors_string(row, "strategy");
	sl_auto_buf struct sl_buf out;
	struct sl_error err = {0};
	sl_buf_init(&out, 1 << 16);
	if (strcmp(strategy, "st") == 0) {
		assert_true(wire_function(WIRE_MODERN, name, source, strlen(source), &out, &err));
		assert_string_equal(out.data, packed);
	} else if (strcmp(strategy, "04") == 0) {
		const char *body = strchr(packed, '\n') + strlen("\n04\n");
		assert_true(wire_base64_read(body, strlen(body), &out, &err));
		sl_auto_json json_t *pair =
			wire_unpickle((const unsigned char *)out.data, out.len, &err);
		assert_string_equal(json_string_value(json_array_get(pair, 0)), name);
		assert_string_equal(json_string_value(json_array_get(pair, 1)), source);
	}
}

static void agrees_with_the_sdk(void **state)
{
	(void)state;
	for (size_t i = 0; vectors_of_sdks[i]; i++) {
		sl_auto_json json_t *sdk = vectors_load(vectors_of_sdks[i]);
		size_t index;
		json_t *row;
		assert_int_equal(json_array_size(json_object_get(sdk, "pack")), 6);
		json_array_foreach (json_object_get(sdk, "pack"), index, row)
			packed_is(row);
		assert_true(json_array_size(json_object_get(sdk, "code")) >= 4);
		json_array_foreach (json_object_get(sdk, "code"), index, row)
			code_is(row);
	}
}

// The one function that is really sent.
static void the_agent_can_be_sent(void **state)
{
	struct sl_error err = {0};
	(void)state;
	for (int set = WIRE_UNIVERSAL; set <= WIRE_MODERN; set++) {
		sl_auto_buf struct sl_buf source, out;
		sl_buf_init(&source, 1 << 20);
		sl_buf_init(&out, 1 << 21);
		assert_true(sl_read_file(SEALIFT_SOURCE_DIR "/uploader/agent/sealift_agent.py",
					 &source, &err));
		if (!wire_function((enum wire_set)set, "sealift_agent", source.data, source.len,
				   &out, &err))
			fail_msg("%s", err.text);
		assert_true(out.len > source.len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_function_is_its_name_and_source),
		cmocka_unit_test(a_function_that_cannot_be_sent_is_refused),
		cmocka_unit_test(the_ceiling_of_the_buffer_counts),
		cmocka_unit_test(arguments_as_json),
		cmocka_unit_test(arguments_as_pickles),
		cmocka_unit_test(sizes_are_known_beforehand),
		cmocka_unit_test(arguments_that_cannot_be_sent_are_refused),
		cmocka_unit_test(agrees_with_the_sdk),
		cmocka_unit_test(the_agent_can_be_sent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
