// SPDX-License-Identifier: Apache-2.0
#include "bundles/base/json.h"
#include "tests/cmocka_all.h"

#include <string.h>

static void canonical_is(const char *input, const char *expected)
{
	struct sl_error err = {0};
	sl_auto_json json_t *json = sl_json_load(input, strlen(input), "in", &err);
	assert_non_null(json);
	sl_auto_buf struct sl_buf out;
	sl_buf_init(&out, 1000);
	assert_true(sl_json_canonical(json, &out, &err));
	assert_string_equal(out.data, expected);
	sl_auto_json json_t *again = sl_json_load_canonical(out.data, out.len, "in", &err);
	assert_non_null(again);
}

static void canonical_form(void **state)
{
	(void)state;
	canonical_is("{\"b\": [1, 2 , {}], \"a\":\"x\\u0041\\/\"}\n",
		     "{\"a\":\"xA/\",\"b\":[1,2,{}]}\n");
	canonical_is("[\"\\u0001\\n\\\"\\\\ \\u007f é\"]", "[\"\\u0001\\n\\\"\\\\ \x7f é\"]\n");
	canonical_is("[true,false,9007199254740991]", "[true,false,9007199254740991]\n");
	canonical_is("{\"a_\":0,\"a0\":0,\"a\":0}", "{\"a\":0,\"a0\":0,\"a_\":0}\n");
}

static enum sl_kind load(const char *text)
{
	struct sl_error err = {0};
	json_t *json = sl_json_load_canonical(text, strlen(text), "in", &err);
	json_decref(json);
	return err.kind;
}

static void everything_else_is_refused(void **state)
{
	(void)state;
	assert_int_equal(load("{}\n"), SL_E_NONE);
	static const char *const bad[] = {
		"{}",
		"{}\n\n",
		" {}\n",
		"{\"a\": 1}\n",
		"{\"b\":1,\"a\":2}\n",
		"{\"A\":1}\n",
		"{\"\":1}\n",
		"[1.0]\n",
		"[1e3]\n",
		"[-1]\n",
		"[9007199254740992]\n",
		"[null]\n",
		"[01]\n",
		"[\"\\u0041\"]\n",
		"[\"\\/\"]\n",
		"{}\n ",
		"{}\n{}\n",
		"[\"\xff\"]\n",
		"[\"\\ud800\"]\n",
		"",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(load(bad[i]), SL_E_FORMAT);
}

static void t61_duplicate_keys_are_refused(void **state)
{
	(void)state;
	assert_int_equal(load("{\"a\":1,\"a\":1}\n"), SL_E_FORMAT);
	assert_int_equal(load("{\"a\":1,\"\\u0061\":1}\n"), SL_E_FORMAT);
}

static void t62_depth_is_limited(void **state)
{
	(void)state;
	char deep[70] = {0};
	memset(deep, '[', 32);
	memset(deep + 32, ']', 32);
	deep[64] = '\n';
	assert_int_equal(load(deep), SL_E_NONE);
	memset(deep, '[', 33);
	memset(deep + 33, ']', 33);
	deep[66] = '\n';
	assert_int_equal(load(deep), SL_E_LIMIT);
	assert_int_equal(load("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"]\n"), SL_E_NONE);
}

static void objects_are_read_by_consumption(void **state)
{
	(void)state;
	const char *text = "{\"flag\":true,\"list\":[1],\"name\":\"n\",\"size\":7,\"extra\":1}";
	struct sl_error err = {0};
	sl_auto_json json_t *json = sl_json_load(text, strlen(text), "in", &err);
	struct sl_obj obj;
	sl_obj_init(&obj, json, SL_E_INPUT, &err, "files[%d]", 3);
	assert_string_equal(sl_obj_string(&obj, "name"), "n");
	assert_int_equal(sl_obj_uint(&obj, "size", 7), 7);
	assert_true(sl_obj_bool(&obj, "flag"));
	assert_non_null(sl_obj_array(&obj, "list", 1));
	assert_null(sl_obj_string_opt(&obj, "extras"));
	assert_false(sl_obj_done(&obj));
	assert_string_equal(err.text, "files[3]: unknown key 'extra' (did you mean 'extras'?)");
	assert_int_equal(err.kind, SL_E_INPUT);
}

static void the_first_error_names_its_path(void **state)
{
	(void)state;
	const char *text = "{\"size\":8,\"name\":1}";
	struct sl_error err = {0};
	sl_auto_json json_t *json = sl_json_load(text, strlen(text), "in", &err);
	struct sl_obj obj;
	sl_obj_init(&obj, json, SL_E_FORMAT, &err, "manifest");
	assert_int_equal(sl_obj_uint(&obj, "size", 7), 0);
	assert_string_equal(sl_obj_string(&obj, "name"), "");
	assert_false(sl_obj_done(&obj));
	assert_string_equal(err.text, "manifest.size: larger than the limit of 7");
	sl_error_clear(&err);
	sl_obj_init(&obj, json, SL_E_INPUT, &err, "%s", "");
	assert_int_equal(sl_obj_uint(&obj, "size", 7), 0);
	assert_string_equal(err.text, "size: larger than the limit of 7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_form),
		cmocka_unit_test(everything_else_is_refused),
		cmocka_unit_test(t61_duplicate_keys_are_refused),
		cmocka_unit_test(t62_depth_is_limited),
		cmocka_unit_test(objects_are_read_by_consumption),
		cmocka_unit_test(the_first_error_names_its_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
