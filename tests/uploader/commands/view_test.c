// SPDX-License-Identifier: Apache-2.0
// What `status` says of a bundle that is done: where it is registered, and what its runner has
// said.
#include "tests/cmocka_all.h"
#include "uploader/commands/view.h"

#include <string.h>

#define FITS(rule, sentence) \
	"{\"rule\":\"" rule "\",\"sentence\":\"" sentence "\",\"verdict\":\"fits\"}"
#define LACKS \
	"{\"rule\":\"image\",\"sentence\":\"its template takes no image\",\"verdict\":\"lacks\"}"
#define UNKNOWN                                                                        \
	"{\"rule\":\"schema\",\"sentence\":\"nobody can say \\u001b[2J\",\"verdict\":" \
	"\"not-checked\"}"
#define VERSIONS FITS("version", "the worker 4.12.0 fits the endpoint 4.12.0")

static struct submission done(char *runner, char *sees, char *findings)
{
	return (struct submission){.number = 7,
				   .builder = (char *)"local",
				   .runner = runner,
				   .path = (char *)"/a/b.sealift",
				   .state = LEDGER_DONE,
				   .runner_sees = sees,
				   .runner_findings = findings,
				   .registration = (char *)"/srv/r"};
}

static void assert_table(const struct submission *row, const char *words, const char *others)
{
	sl_auto_buf struct sl_buf text;
	const struct submission *rows[] = {row};
	sl_buf_init(&text, SL_MIB);
	view_table(&text, rows, 1);
	assert_non_null(strstr(text.data, "\n   /srv/r\n"));
	if (words && !strstr(text.data, words))
		fail_msg("'%s' is not in: %s", words, text.data);
	if (others && strstr(text.data, others))
		fail_msg("'%s' is in: %s", others, text.data);
}

#define RUNNER (char *)"11111111-1111-4111-8111-111111111111"
#define YES    (char *)"yes"

static void a_runner_that_fits_is_shown_with_its_versions(void **state)
{
	struct submission row = done(
		RUNNER, YES, (char *)"[" VERSIONS "," FITS("schema", "its schema is ours") "]");
	(void)state;
	assert_table(
		&row,
		"\n   runner: sees the image as the receipt has it; the worker 4.12.0 fits the "
		"endpoint 4.12.0; its schema is ours\n",
		NULL);
}

static void what_it_lacks_stands_before_what_nobody_knows(void **state)
{
	struct submission row = done(RUNNER, YES, (char *)"[" VERSIONS "," UNKNOWN "," LACKS "]");
	(void)state;
	assert_table(&row, "has it; its template takes no image\n", "4.12.0");
	row.runner_findings = (char *)"[" VERSIONS "," UNKNOWN "]";
	assert_table(&row, "has it; nobody can say \\x1b[2J\n", "4.12.0");
}

static void a_runner_that_could_not_look_is_shown_so(void **state)
{
	struct submission row = done(RUNNER, (char *)"not checked: \033 no", NULL);
	(void)state;
	assert_table(&row, "\n   runner: not checked: \\x1b no\n", "sees");
	row.runner_findings = (char *)"{broken";
	assert_table(&row, "\n   runner: not checked: \\x1b no\n", "broken");
}

static void nobody_was_asked(void **state)
{
	struct submission row = done((char *)"local", YES, NULL);
	(void)state;
	assert_table(&row, NULL, "runner");
	row = done(RUNNER, NULL, NULL); // of an older ledger
	assert_table(&row, NULL, "runner");
}

static void a_receipt_is_shown_with_it_too(void **state)
{
	struct submission row = done(RUNNER, YES, (char *)"[" LACKS "]");
	sl_auto_buf struct sl_buf text;
	(void)state;
	sl_buf_init(&text, SL_MIB);
	view_receipt(&text, &row);
	assert_non_null(strstr(text.data,
			       "  runner        sees the image as the receipt has it; its "
			       "template takes no image\n"));
	sl_auto_json json_t *json = submission_to_json(&row);
	assert_string_equal(
		json_string_value(json_object_get(
			json_array_get(json_object_get(json, "runner_findings"), 0), "rule")),
		"image");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_runner_that_fits_is_shown_with_its_versions),
		cmocka_unit_test(what_it_lacks_stands_before_what_nobody_knows),
		cmocka_unit_test(a_runner_that_could_not_look_is_shown_so),
		cmocka_unit_test(nobody_was_asked),
		cmocka_unit_test(a_receipt_is_shown_with_it_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
