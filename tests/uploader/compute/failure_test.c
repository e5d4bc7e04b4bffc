// SPDX-License-Identifier: Apache-2.0
// Refusals in every shape they come in.
#include "tests/uploader/compute/bench.h"
#include "uploader/compute/failure.h"
#include "uploader/compute/shape.h"

struct row {
	long status;
	const char *body, *text;
};

static const struct row rows[] = {
	{422,
	 "{\"status\":\"Failed\",\"code\":\"SEMANTICALLY_INVALID\",\"error_args\":[],"
	 "\"http_status_code\":422,\"detail\":\"Request payload failed validation: Failed to start "
	 "or unexpected error:\\n  (SystemExit) 73\",\"reason\":\"older\"}",
	 "the service refuses (HTTP 422, SEMANTICALLY_INVALID): Request payload failed validation: "
	 "Failed to start or unexpected error: (SystemExit) 73"},
	{422,
	 "{\"detail\":[{\"loc\":[\"body\",\"tasks\",0],\"msg\":\"field required\",\"type\":\"x\"},"
	 "{\"msg\":\"and that\"},7,\"word\"]}",
	 "the service refuses (HTTP 422): body.tasks.0: field required; and that; ?; word"},
	{404, "{\"code\":404,\"reason\":\"in 2022\"}",
	 "the service refuses (HTTP 404, 404): in 2022"},
	{404, "{\"reason\":[{\"loc\":[\"a\"],\"msg\":\"b\"}]}",
	 "the service refuses (HTTP 404): a: b"},
	{400, "{\"detail\":\"\",\"reason\":\"\",\"message\":\"third\"}",
	 "the service refuses (HTTP 400): third"},
	{401,
	 "{\"error\":\"unauthorized\",\"error_description\":\"Unauthorized\",\"errors\":[{"
	 "\"code\":\"UNAUTHORIZED\",\"title\":\"t\",\"detail\":\"Call must be authenticated\"}]}",
	 "the service refuses (HTTP 401, UNAUTHORIZED): Call must be authenticated"},
	{400, "{\"error\":\"invalid_grant\"}", "the service refuses (HTTP 400, invalid_grant)"},
	{400, "{\"error\":\"e\",\"error_description\":\"d\"}",
	 "the service refuses (HTTP 400, e): d"},
	{404, "{\"errors\":[{\"title\":\"only a title\"}]}",
	 "the service refuses (HTTP 404): only a title"},
	{502, "<html><body>Bad gateway</body></html>", "the service is in trouble (HTTP 502)"},
	{503, "try\tlater\r\n", "the service is in trouble (HTTP 503): try later"},
	{500, "", "the service is in trouble (HTTP 500)"},
	{500, "\xff\xfe", "the service is in trouble (HTTP 500)"},
	{404, "[1,2]", "the service refuses (HTTP 404): [1,2]"},
	{404, "{\"detail\":{\"deep\":1},\"code\":{}}", "the service refuses (HTTP 404)"},
	{302, "{}", "the service sends us elsewhere (HTTP 302)"},
	{429, "{\"reason\":\"slow down\"}",
	 "the service still is too busy for us (HTTP 429): slow down"},
	{403, "{\"detail\":\"a\\u001b[31mred\\u202egnp\"}",
	 "the service refuses (HTTP 403): a [31mred\\u{202e}gnp"},
	{403,
	 "{\"code\":\"AuthorizationRequired\",\"authorization_parameters\":{\"session_message\":"
	 "\"why\"}}",
	 "the service asks for another login (HTTP 403): why"},
};

static void each_shape_becomes_one_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct compute_failure failure = {0};
		failure_of_answer(&failure, rows[i].status, rows[i].body, strlen(rows[i].body));
		assert_string_equal(failure.error.text, rows[i].text);
		assert_int_equal(failure.status, rows[i].status);
		assert_int_equal(failure.error.kind, failure_kind(rows[i].status));
		compute_failure_release(&failure);
	}
}

static void t63_a_text_without_end_is_cut_and_says_so(void **state)
{
	struct compute_failure failure = {0};
	struct sl_buf body;

	(void)state;
	sl_buf_init(&body, SL_MIB);
	sl_buf_adds(&body, "{\"code\":\"");
	for (int i = 0; i < 30000; i++)
		sl_buf_adds(&body, "C");
	sl_buf_adds(&body, "\",\"detail\":\"");
	for (int i = 0; i < 30000; i++)
		sl_buf_adds(&body, "\xc3\xa9");
	sl_buf_adds(&body, "\"}");
	failure_of_answer(&failure, 400, body.data, body.len);
	size_t len = strlen(failure.error.text);
	assert_in_range(len, 1200, 1400);
	assert_string_equal(failure.error.text + len - 3, "…");
	assert_true(sl_text_is_utf8(failure.error.text, len));
	compute_failure_release(&failure);
	sl_buf_release(&body);
}

static void kinds_follow_the_status(void **state)
{
	(void)state;
	for (long status = 300; status < 600; status++) {
		enum sl_kind kind = failure_kind(status);
		if (status == 403)
			assert_int_equal(kind, SL_E_UNTRUSTED);
		else if (status == 413)
			assert_int_equal(kind, SL_E_LIMIT);
		else if (status < 400 || status >= 500 || status == 401 || status == 407 ||
			 status == 408 || status == 429)
			assert_int_equal(kind, SL_E_NETWORK);
		else
			assert_int_equal(kind, SL_E_INPUT);
	}
}

static void remedies_know_the_common_codes(void **state)
{
	static const struct {
		long status;
		const char *code, *words; // NULL: none
	} known[] = {{404, "ENDPOINT_NOT_FOUND", "endpoint's id"},
		     {403, "FUNCTION_NOT_PERMITTED", "owner"},
		     {403, "INSUFFICIENT_AUTH_SCOPE", "sealift-upload login"},
		     {401, "X", "sealift-upload login"},
		     {413, "X", "less"},
		     {503, "X", "later"},
		     {302, "X", "--compute-url"},
		     {404, "X", NULL}};

	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		struct compute_failure failure = {0};
		sl_auto_free char *body = sl_format("{\"code\":\"%s\"}", known[i].code);
		failure_of_answer(&failure, known[i].status, body, strlen(body));
		assert_int_equal(failure.remedy != NULL, known[i].words != NULL);
		if (known[i].words)
			assert_non_null(strstr(failure.remedy, known[i].words));
		compute_failure_release(&failure);
	}
}

static void a_demand_says_what_helps_this_kind_of_login(void **state)
{
	// As a demand is described in this test (bench.h): by its message alone.
	static const char body[] =
		"{\"code\":\"AuthorizationRequired\",\"authorization_parameters\":"
		"{\"session_message\":\"a second factor: sealift-upload login --mfa\"}}";
	static const struct {
		enum auth_kind kind;
		const char *text, *remedy;
	} known[] = {
		{AUTH_OWN, "a second factor: sealift-upload login --mfa", "log in again with what"},
		{AUTH_CLIENT, "than client credentials (HTTP 403): a second factor",
		 "unset GLOBUS_COMPUTE_CLIENT_SECRET"},
		{AUTH_GIVEN, "than token file (HTTP 403): a second factor",
		 "leave --token-file out"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		struct compute_failure failure = {0};
		failure_of_answer(&failure, 403, body, strlen(body));
		failure_of_demand(&failure, 403, body, strlen(body), known[i].kind);
		assert_non_null(strstr(failure.error.text, known[i].text));
		assert_non_null(strstr(failure.remedy, known[i].remedy));
		assert_int_equal(failure.error.kind, SL_E_UNTRUSTED);
		compute_failure_release(&failure);
	}
}

static void mended(const char *text, const char *should)
{
	sl_auto_free char *copy = sl_strdup(text);

	shape_mend(copy, strlen(copy));
	assert_string_equal(copy, should);
}

static void escapes_that_are_no_characters_are_mended_and_no_others(void **state)
{
	(void)state;
	mended("", "");
	mended("\\", "\\");
	mended("\\u", "\\u");
	mended("\\u000", "\\u000");
	mended("\\u0000", "\\ufffd");
	mended("\\\\u0000", "\\\\u0000");
	mended("\\\\\\u0000", "\\\\\\ufffd");
	mended("\\ud83d\\ude00", "\\ud83d\\ude00");
	mended("\\uD83D\\uDE00x", "\\uD83D\\uDE00x");
	mended("\\ud83d", "\\ufffd");
	mended("\\ud83dx\\ude00", "\\ufffdx\\ufffd");
	mended("\\ude00\\ud83d", "\\ufffd\\ufffd");
	mended("\\ud83d\\ud83d\\ude00", "\\ufffd\\ud83d\\ude00");
	mended("\\u0041\\n\\u00zz", "\\u0041\\n\\u00zz");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_shape_becomes_one_sentence),
		cmocka_unit_test(t63_a_text_without_end_is_cut_and_says_so),
		cmocka_unit_test(kinds_follow_the_status),
		cmocka_unit_test(remedies_know_the_common_codes),
		cmocka_unit_test(a_demand_says_what_helps_this_kind_of_login),
		cmocka_unit_test(escapes_that_are_no_characters_are_mended_and_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
