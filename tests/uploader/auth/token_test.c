// SPDX-License-Identifier: Apache-2.0
// Answers of the token service, read without it.
#include "tests/uploader/auth/logins.h"

#define NOW    1795400000
#define SCOPE  "\"scope\":\"" AUTH_COMPUTE_SCOPE "\""
#define SERVER "\"resource_server\":\"funcx_service\""
#define TIMES  "\"expires_in\":172800"
#define BEARER "\"token_type\":\"Bearer\""
#define GOOD   SERVER "," SCOPE "," TIMES "," BEARER

static bool take(long status, const char *body, struct token *out, struct secret_list *others,
		 struct sl_error *err)
{
	return token_read(status, body, strlen(body), CLIENT, NOW, out, others, err);
}

static void must_give(const char *body, const char *access, struct secret_list *others)
{
	struct token token;
	struct sl_error err = {0};

	if (!take(200, body, &token, others, &err))
		fail_msg("%s", err.text);
	assert_string_equal(secret_text(&token.access), access);
	assert_true(token.until == NOW + 172800);
	token_release(&token);
}

static void must_be_refused(long status, const char *body, enum sl_kind kind, const char *part)
{
	struct token token;
	struct sl_error err = {0};

	assert_false(take(status, body, &token, NULL, &err));
	must_fail(&err, kind, part);
	assert_null(token.access.text);
	assert_null(token.refresh.text);
	assert_null(token.scope);
}

static void the_answer_for_client_credentials_is_read(void **state)
{
	struct token token;
	struct sl_error err = {0};

	(void)state;
	assert_true(take(200, "{\"access_token\":\"CANARY1\"," GOOD ",\"other_tokens\":[]}", &token,
			 NULL, &err));
	assert_string_equal(secret_text(&token.access), "CANARY1");
	assert_int_equal(token.refresh.len, 0);
	assert_null(token.identity);
	token_release(&token);
	assert_true(take(200,
			 "{\"access_token\":\"CANARY1\",\"refresh_token\":\"CANARY2\"," GOOD "}",
			 &token, NULL, &err));
	assert_string_equal(secret_text(&token.refresh), "CANARY2");
	token_release(&token);
}

#define OTHER(n) \
	"{\"resource_server\":\"s" #n "\",\"access_token\":\"CANARY" #n "\",\"scope\":\"x\"}"
#define OURS "{\"access_token\":\"CANARYours\"," GOOD

static void a_token_is_chosen_by_its_service_and_never_by_its_place(void **state)
{
	static const char *const shuffled[] = {
		OURS ",\"other_tokens\":[" OTHER(1) "," OTHER(2) "]}",
		"{\"resource_server\":\"s1\",\"access_token\":\"CANARY1\",\"other_tokens\":[" OURS
		"}," OTHER(2) "]}",
		"{\"resource_server\":\"s2\",\"access_token\":\"CANARY2\",\"other_tokens\":[" OTHER(
			1) "," OURS "}]}",
		"{\"other_tokens\":[" OTHER(2) "," OURS "}," OTHER(1) "]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof shuffled / sizeof *shuffled; i++) {
		struct secret_list others = {0};
		must_give(shuffled[i], "CANARYours", &others);
		assert_int_equal(others.len, 2);
		assert_true(strlen(secret_text(&others.items[0])) == strlen("CANARY1"));
		secret_list_release(&others);
	}
	must_be_refused(200, "{\"other_tokens\":[" OTHER(1) "," OTHER(2) "]}", SL_E_FORMAT,
			"no token for funcx_service");
	must_be_refused(200, OURS ",\"other_tokens\":[" OURS "}]}", SL_E_FORMAT,
			"two tokens for funcx_service");
}

static void t87_answers_that_are_none_are_refused_without_repeating_them(void **state)
{
	static const char *const bad[] = {
		"",
		"CANARY",
		"\"CANARY\"",
		"[\"CANARY\"]",
		"{\"access_token\":\"CANARY\"",
		"{\"access_token\":\"CANARY\",\"access_token\":\"CANARY2\"," GOOD "}",
		"{\"access_token\":\"CANARY\"}",
		"{\"access_token\":\"\"," GOOD "}",
		"{\"access_token\":7," GOOD "}",
		"{\"access_token\":\"CANARY\\nInjected: header\"," GOOD "}",
		"{\"access_token\":\"CANARY \xc3\xa4\"," GOOD "}",
		"{\"access_token\":\"CANARY\",\"refresh_token\":\"CANARY \"," GOOD "}",
		"{\"access_token\":\"CANARY\"," SERVER "," SCOPE "," BEARER "}",
		"{\"access_token\":\"CANARY\"," SERVER "," SCOPE ",\"expires_in\":0}",
		"{\"access_token\":\"CANARY\"," SERVER "," SCOPE ",\"expires_in\":-5}",
		"{\"access_token\":\"CANARY\"," SERVER "," SCOPE
		",\"expires_in\":9223372036854775807}",
		"{\"access_token\":\"CANARY\"," SERVER "," SCOPE ",\"expires_in\":\"9\"}",
		"{\"access_token\":\"CANARY\"," SERVER "," TIMES "}",
		"{\"access_token\":\"CANARY\"," SERVER "," TIMES ",\"scope\":\"openid\"}",
		"{\"access_token\":\"CANARY\"," SERVER "," TIMES ",\"scope\":\"" AUTH_COMPUTE_SCOPE
		"2\"}",
		"{\"access_token\":\"CANARY\"," SERVER "," SCOPE "," TIMES
		",\"token_type\":\"mac\"}",
		"{\"access_token\":\"CANARY\"," GOOD ",\"id_token\":\"CANARY\"}",
		"{\"access_token\":\"CANARY\"," GOOD ",\"id_token\":\"CANARY.CANARY.CANARY\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		must_be_refused(200, bad[i], SL_E_FORMAT, "of Globus Auth");
}

static void t87_of_a_refusal_only_its_code_is_shown(void **state)
{
	(void)state;
	must_be_refused(400, "{\"error\":\"invalid_grant\",\"error_description\":\"CANARY\"}",
			SL_E_NETWORK, "sealift-upload login");
	must_be_refused(401, "{\"error\":\"invalid_client\"}", SL_E_NETWORK, "client id");
	must_be_refused(401, "{\"error\":\"unauthorized\",\"errors\":[{\"detail\":\"CANARY\"}]}",
			SL_E_NETWORK, "unauthorized");
	must_be_refused(400, "{\"error\":\"CANARY\"}", SL_E_NETWORK, "HTTP 400");
	must_be_refused(403, "{\"error\":[\"CANARY\"]}", SL_E_NETWORK, "HTTP 403");
	must_be_refused(503, "<html>CANARY", SL_E_NETWORK, "later");
	// A redirect is an answer, and none that gives a token.
	must_be_refused(302, "{\"access_token\":\"CANARY\"," GOOD "}", SL_E_NETWORK, "HTTP 302");
}

static void t48_scopes_are_compared_whole(void **state)
{
	(void)state;
	assert_true(token_has_scope("a b c", "a"));
	assert_true(token_has_scope("a b c", "b"));
	assert_true(token_has_scope("ab b", "b"));
	assert_true(token_has_scope("b b b", "b"));
	assert_false(token_has_scope("abc", "b"));
	assert_false(token_has_scope("bc", "b"));
	assert_false(token_has_scope("ab", "b"));
	assert_false(token_has_scope("", "b"));
}

static void token_text_can_be_put_into_a_header(void **state)
{
	sl_auto_free char *longest = sl_alloc(16 * 1024 + 2);

	(void)state;
	memset(longest, 'x', 16 * 1024);
	assert_true(token_is_text(longest));
	longest[16 * 1024] = 'x';
	assert_false(token_is_text(longest));
	assert_false(token_is_text(""));
	assert_false(token_is_text("a b"));
	assert_false(token_is_text("a\r"));
	assert_false(token_is_text("a\x7f"));
	assert_true(token_is_text("Ag0~-._/+="));
}

static void the_subject_is_read_for_our_client_alone(void **state)
{
	// The second part says {"aud":CLIENT,"sub":PERSON}.
	static const char ours[] =
		"e30."
		"eyJhdWQiOiJjY2NjY2NjYy1jY2NjLTRjY2MtOGNjYy1jY2NjY2NjY2NjY2MiLCJzdWIiOiIxMTExMTExMS"
		"0xMTExLTQxMTEtODExMS0xMTExMTExMTExMTEifQ.c2ln";
	sl_auto_free char *subject = NULL, *none = NULL;
	struct sl_error err = {0};

	(void)state;
	if (!id_token_subject(ours, CLIENT, &subject, &err))
		fail_msg("%s", err.text);
	assert_string_equal(subject, PERSON);
	assert_false(id_token_subject(ours, SDK_CLIENT, &none, &err));
	must_fail(&err, SL_E_FORMAT, "another client");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_answer_for_client_credentials_is_read),
		cmocka_unit_test(a_token_is_chosen_by_its_service_and_never_by_its_place),
		cmocka_unit_test(t87_answers_that_are_none_are_refused_without_repeating_them),
		cmocka_unit_test(t87_of_a_refusal_only_its_code_is_shown),
		cmocka_unit_test(t48_scopes_are_compared_whole),
		cmocka_unit_test(token_text_can_be_put_into_a_header),
		cmocka_unit_test(the_subject_is_read_for_our_client_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
