// SPDX-License-Identifier: Apache-2.0
// bundles/trust/statement.c: one text for one statement.
#include "tests/bundles/trust/fixtures.h"

#define HEX    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define BEFORE "sealift:1 role=prepare bundle=" HEX
#define GOOD   BEFORE " name=tiny version=1.0.0 time=2025-11-22T14:26:02Z"

static void formats_and_parses_to_the_same(void **state)
{
	(void)state;
	struct sl_error err = {0};
	struct statement statement = fixture_statement("test", 4), again;
	sl_auto_buf struct sl_buf text = {0};
	sl_buf_init(&text, 1024);
	assert_true(statement_format(&statement, &text, &err));
	assert_string_equal(text.data, GOOD);
	assert_true(statement_parse(text.data, &again, &err));
	// Field by field: what lies between the fields is nobody's.
	assert_int_equal(again.role, statement.role);
	assert_memory_equal(&again.bundle, &statement.bundle, sizeof again.bundle);
	assert_string_equal(again.name, statement.name);
	assert_string_equal(again.version, statement.version);
	assert_int_equal(again.time, statement.time);
}

static void t35_anything_else_is_not_a_statement(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",
		"timestamp:1763821562\tfile:manifest.json\thashed",
		"sealift:2 role=prepare bundle=" HEX
		" name=tiny version=1.0.0 time=2025-11-22T14:26:02Z",
		" " GOOD,
		GOOD " ",
		GOOD " role=approve",
		"sealift:1  role=prepare bundle=" HEX
		" name=tiny version=1.0.0 time=2025-11-22T14:26:02Z",
		"sealift:1 bundle=" HEX
		" role=prepare name=tiny version=1.0.0 time=2025-11-22T14:26:02Z",
		"sealift:1 role=prepared bundle=" HEX
		" name=tiny version=1.0.0 time=2025-11-22T14:26:02Z",
		"sealift:1 role= bundle=" HEX " name=tiny version=1.0.0 time=2025-11-22T14:26:02Z",
		"sealift:1 role=prepare bundle=9F86 name=tiny version=1.0.0 "
		"time=2025-11-22T14:26:02Z",
		BEFORE " name=Tiny version=1.0.0 time=2025-11-22T14:26:02Z",
		BEFORE " name= version=1.0.0 time=2025-11-22T14:26:02Z",
		BEFORE " name=tiny version= time=2025-11-22T14:26:02Z",
		BEFORE " name=tiny version=1.0/0 time=2025-11-22T14:26:02Z",
		BEFORE " name=tiny version=1.0.0 time=2025-11-22T14:26:02",
		BEFORE " name=tiny version=1.0.0 time=2025-02-30T14:26:02Z",
		BEFORE " name=tiny version=1.0.0 time=2025-11-22T14:26:02+00:00",
		BEFORE " name=tiny version=1.0.0",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct sl_error err = {0};
		struct statement statement;
		if (statement_parse(texts[i], &statement, &err))
			fail_msg("accepted: '%s'", texts[i]);
		assert_int_equal(err.kind, SL_E_FORMAT);
	}
}

static void values_out_of_form_are_not_signed(void **state)
{
	(void)state;
	struct statement good = fixture_statement("test", 4), cases[] = {good, good, good, good};
	strcpy(cases[0].name, "a b");
	strcpy(cases[1].version, "1 role=approve");
	cases[2].time = -1;
	cases[3].time = (int64_t)1 << 40; // past the year 9999
	for (size_t i = 0; i < 4; i++) {
		struct sl_error err = {0};
		sl_auto_buf struct sl_buf text = {0};
		sl_buf_init(&text, 1024);
		assert_fails(statement_format(&cases[i], &text, &err), err, SL_E_INPUT,
			     "cannot sign");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_and_parses_to_the_same),
		cmocka_unit_test(t35_anything_else_is_not_a_statement),
		cmocka_unit_test(values_out_of_form_are_not_signed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
