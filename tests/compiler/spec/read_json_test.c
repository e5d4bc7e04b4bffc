// SPDX-License-Identifier: Apache-2.0
#include "compiler/spec/node.h"
#include "tests/compiler/spec/helper.h"

static struct node *read_json(const char *text, struct spec_report *report)
{
	struct reader reader = {.report = report};
	trail_init(&reader.trail);
	struct node *node = node_read_json(&reader, text, strlen(text));
	trail_release(&reader.trail);
	assert_true(node || report->problems.len > 0);
	return node;
}

static void assert_text(const char *json, const char *text)
{
	struct spec_report report = {0};
	auto_node struct node *node = read_json(json, &report);
	assert_non_null(node);
	assert_int_equal(report.problems.len, 0);
	assert_string_equal(node->text, text);
	spec_report_release(&report);
}

static void assert_refused(const char *json, unsigned column, const char *message)
{
	struct spec_report report = {0};
	auto_node struct node *node = read_json(json, &report);
	assert_null(node);
	assert_int_equal(report.problems.len, 1);
	assert_int_equal(report.problems.items[0].column, column);
	assert_string_equal(report.problems.items[0].message, message);
	spec_report_release(&report);
}

static void every_escape_is_read(void **state)
{
	(void)state;
	assert_text("\"\\\"\\\\\\/\\n\\t\"", "\"\\/\n\t");
	assert_text("\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac");
	assert_text("\"\\ud83c\\udf0a\"", "\xf0\x9f\x8c\x8a");
	assert_text(" \t\r\n\"a\" \n", "a");
}

static void t61_half_surrogates_are_refused(void **state)
{
	(void)state;
	static const char message[] = "not JSON: half of a surrogate pair stands alone";
	assert_refused("\"\\ud83c\"", 4, message);
	assert_refused("\"\\udf0a\"", 4, message);
	assert_refused("\"\\ud83cx\"", 4, message);
	assert_refused("\"\\ud83c\\n\"", 4, message);
	assert_refused("\"\\ud83c\\ud83c\"", 4, message);
	assert_refused("\"\\ud83c\\u0041\"", 4, message);
}

static void numbers_are_kept_as_written(void **state)
{
	(void)state;
	static const char *const numbers[] = {"0", "-0", "10", "1.10", "1e5", "1.5E-3", "-1.0e+2"};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		assert_text(numbers[i], numbers[i]);
}

static void numbers_of_other_languages_are_refused(void **state)
{
	(void)state;
	static const char *const numbers[] = {"01", "+1", ".5", "1.", "-", "1e", "NaN", "Infinity"};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		assert_refused(numbers[i], 1, "not JSON: expected a value");
	assert_refused("0x1", 2, "not JSON: expected the end of the file");
	assert_refused("truex", 5, "not JSON: expected the end of the file");
}

static void broken_structure_is_refused_where_it_breaks(void **state)
{
	(void)state;
	assert_refused("", 1, "not JSON: it ends where a value is expected");
	assert_refused("[1,]", 4, "not JSON: expected a value");
	assert_refused("[1 2]", 4, "not JSON: expected ',' or ']'");
	assert_refused("{\"a\" 1}", 6, "not JSON: expected ':'");
	assert_refused("{\"a\":1,}", 8, "not JSON: expected a key in double quotes");
	assert_refused("{a:1}", 2, "not JSON: expected a key in double quotes");
	assert_refused("[\"a", 4, "not JSON: it ends where the closing quote is expected");
	assert_refused("[\"a\tb\"]", 4, "not JSON: expected the closing quote");
	assert_refused("[\"\\x\"]", 4,
		       "not JSON: expected one of \" \\ / b f n r t u after a backslash");
	assert_refused("[\"\\u12g4\"]", 7, "not JSON: expected four hexadecimal digits");
	assert_refused("[] []", 4, "not JSON: expected the end of the file");
}

static void columns_count_characters_and_lines(void **state)
{
	(void)state;
	struct spec_report report = {0};
	auto_node struct node *node =
		read_json("[\"\xc3\xa9\xe6\xbd\xae\", 1,\r\n {\"k\": \"v\"}]", &report);
	assert_non_null(node);
	assert_int_equal(node->items.items[0]->place.width, 4);
	assert_int_equal(node->items.items[1]->place.column, 8);
	const struct node *value = node_get(node->items.items[2], "k");
	assert_int_equal(value->place.line, 2);
	assert_int_equal(value->place.column, 8);
	spec_report_release(&report);
}

// The YAML reader's parser gives up on such a key.
static void keys_may_be_long(void **state)
{
	(void)state;
	sl_auto_buf struct sl_buf text = {0};
	sl_buf_init(&text, SL_LIMIT_SPEC);
	sl_buf_adds(&text, "{\"");
	for (int i = 0; i < 5000; i++)
		sl_buf_addc(&text, 'k');
	sl_buf_adds(&text, "\": 1}");
	struct spec_report report = {0};
	auto_node struct node *node = read_json(text.data, &report);
	assert_non_null(node);
	assert_int_equal(report.problems.len, 0);
	assert_int_equal(node->entries.items[0].value->place.column, 5006);
	spec_report_release(&report);
}

static void t61_duplicate_keys_are_refused_whatever_their_spelling(void **state)
{
	(void)state;
	struct spec_report report = {0};
	auto_node struct node *node = read_json("{\"a\": 1, \"\\u0061\": 2}", &report);
	assert_non_null(node);
	assert_int_equal(report.problems.len, 1);
	assert_int_equal(report.problems.items[0].column, 10);
	assert_string_equal(report.problems.items[0].path, "a");
	assert_string_equal(node_get(node, "a")->text, "1");
	spec_report_release(&report);
}

static void t36_escaped_controls_are_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {"\"\\u0000\"", "\"\\u001b[2J\"", "\"\\r\"",
					    "\"\\u009b\"", "\"\\u202e\"",    "\"\\b\"",
					    "\"\\ufeff\"", "\"\\uffff\""};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct spec_report report = {0};
		auto_node struct node *node = read_json(texts[i], &report);
		assert_non_null(node);
		assert_int_equal(node->kind, NODE_BAD);
		assert_int_equal(report.problems.len, 1);
		spec_report_release(&report);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_escape_is_read),
		cmocka_unit_test(t61_half_surrogates_are_refused),
		cmocka_unit_test(numbers_are_kept_as_written),
		cmocka_unit_test(numbers_of_other_languages_are_refused),
		cmocka_unit_test(broken_structure_is_refused_where_it_breaks),
		cmocka_unit_test(columns_count_characters_and_lines),
		cmocka_unit_test(keys_may_be_long),
		cmocka_unit_test(t61_duplicate_keys_are_refused_whatever_their_spelling),
		cmocka_unit_test(t36_escaped_controls_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
