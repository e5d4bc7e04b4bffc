// SPDX-License-Identifier: Apache-2.0
// Requests to a token service on the loopback, which misbehaves as it is told.
#include "tests/uploader/auth/logins.h"
#include "tests/uploader/http/server.h"

#define ANSWER                                                                                 \
	"{\\\"access_token\\\":\\\"CANARY1\\\",\\\"resource_server\\\":\\\"funcx_service\\\"," \
	"\\\"scope\\\":\\\"" AUTH_COMPUTE_SCOPE "\\\",\\\"expires_in\\\":172800,"              \
	"\\\"token_type\\\":\\\"Bearer\\\",\\\"other_tokens\\\":[]}"

static struct server server;
static struct http *http;
static char *base;

static int begin(void **state)
{
	struct http_options haste = server_haste();

	(void)state;
	logins_none("/nonexistent");
	server_start(&server, NULL, NULL);
	http = server_pool(&haste);
	base = sl_format("http://127.0.0.1:%u/auth", server.port);
	return 0;
}

static int end(void **state)
{
	(void)state;
	http_free(http);
	server_stop(&server);
	free(base);
	return 0;
}

static bool ask(const struct secret *password, bool once, struct token *out, struct sl_error *err)
{
	auto_secret struct secret form = {0};
	struct grant grant = {
		.http = http, .auth = base, .client = CLIENT, .password = password, .once = once};

	form_add(&form, "grant_type", "refresh_token");
	form_add(&form, "refresh_token", "CANARY&a=b c\xc3\xa4");
	return grant_ask(&grant, &form, out, NULL, err);
}

static const char *header(const json_t *request, const char *name)
{
	return json_string_value(json_object_get(json_object_get(request, "headers"), name));
}

static json_t *only_request(void)
{
	sl_auto_json json_t *log = server_log(&server, "auth");

	assert_int_equal(json_array_size(log), 1);
	return json_incref(json_array_get(log, 0));
}

static void a_confidential_client_asks_with_basic_authorization(void **state)
{
	auto_secret struct secret password = {0};
	struct token token;
	struct sl_error err = {0};

	(void)state;
	secret_set(&password, "CANARY", 6);
	server_script(&server, "auth", "[{\"body\":\"" ANSWER "\"}]");
	if (!ask(&password, false, &token, &err))
		fail_msg("%s", err.text);
	assert_string_equal(secret_text(&token.access), "CANARY1");
	token_release(&token);
	sl_auto_json json_t *request = only_request();
	assert_string_equal(text_at(request, "method"), "POST");
	assert_string_equal(text_at(request, "target"), "/auth/v2/oauth2/token");
	assert_string_equal(header(request, "authorization"),
			    "Basic Y2NjY2NjY2MtY2NjYy00Y2NjLThjY2MtY2NjY2NjY2NjY2NjOkNBTkFSWQ==");
	assert_string_equal(header(request, "content-type"), "application/x-www-form-urlencoded");
}

static void a_native_client_sends_a_form_and_no_authorization(void **state)
{
	struct token token;
	struct sl_error err = {0};

	(void)state;
	server_script(&server, "auth", "[{\"body\":\"" ANSWER "\"}]");
	assert_true(ask(NULL, false, &token, &err));
	token_release(&token);
	sl_auto_json json_t *request = only_request();
	assert_null(header(request, "authorization"));
	assert_string_equal(text_at(request, "body"),
			    "grant_type=refresh_token&refresh_token=CANARY%26a%3Db%20c%C3%A4");
}

static void must_refuse(const char *steps, enum sl_kind kind, const char *part)
{
	auto_secret struct secret password = {0};
	struct token token;
	struct sl_error err = {0};

	secret_set(&password, "CANARYpassword", 14);
	server_script(&server, "auth", steps);
	assert_false(ask(&password, true, &token, &err));
	must_fail(&err, kind, part);
}

static void t87_no_failure_repeats_a_secret(void **state)
{
	(void)state;
	must_refuse("[{\"reflect\":true}]", SL_E_FORMAT, "of Globus Auth");
	must_refuse("[{\"reflect\":true,\"status\":400}]", SL_E_NETWORK, "HTTP 400");
	must_refuse("[{\"body\":\"{\\\"error\\\":\\\"invalid_grant\\\",\\\"d\\\":\\\"CANARY\\\"}\","
		    "\"status\":400}]",
		    SL_E_NETWORK, "invalid_grant");
	must_refuse("[{\"status\":302,\"headers\":[[\"Location\",\"/auth/CANARY\"]]}]",
		    SL_E_NETWORK, "HTTP 302");
	must_refuse("[{\"drop\":\"after\"}]", SL_E_NETWORK, "127.0.0.1");
	must_refuse("[{\"endless\":\"body\"}]", SL_E_LIMIT, "127.0.0.1");
}

static void a_question_is_asked_again_and_a_code_is_not(void **state)
{
	struct token token;
	struct sl_error err = {0};

	(void)state;
	server_script(&server, "auth", "[{\"status\":503},{\"body\":\"" ANSWER "\"}]");
	assert_true(ask(NULL, false, &token, &err));
	token_release(&token);
	assert_int_equal(server_count(&server, "auth"), 2);
	must_refuse("[{\"status\":503},{\"body\":\"" ANSWER "\"}]", SL_E_NETWORK, "HTTP 503");
	assert_int_equal(server_count(&server, "auth"), 1);
}

static void a_token_is_revoked_by_name_of_its_client(void **state)
{
	auto_secret struct secret token = {0};
	struct grant grant = {.http = http, .auth = base, .client = CLIENT};
	struct sl_error err = {0};

	(void)state;
	secret_set(&token, "CANARY", 6);
	server_script(&server, "auth", "[{},{\"status\":400}]");
	assert_true(grant_revoke(&grant, &token, &err));
	sl_auto_json json_t *request = only_request();
	assert_string_equal(text_at(request, "target"), "/auth/v2/oauth2/token/revoke");
	assert_string_equal(text_at(request, "body"), "token=CANARY&client_id=" CLIENT);
	assert_false(grant_revoke(&grant, &token, &err));
	must_fail(&err, SL_E_NETWORK, "HTTP 400");
}

static void without_a_known_service_nothing_is_asked(void **state)
{
	auto_secret struct secret form = {0};
	struct grant grant = {.http = http, .client = CLIENT};
	struct token token;
	struct sl_error err = {0};

	(void)state;
	form_add(&form, "token", "CANARY");
	assert_false(grant_ask(&grant, &form, &token, NULL, &err));
	must_fail(&err, SL_E_INPUT, "--auth-url");
}

static void t87_secrets_in_plain_do_not_leave_the_machine(void **state)
{
	auto_secret struct secret form = {0};
	struct grant grant = {.http = http, .auth = "http://192.0.2.1", .client = CLIENT};
	struct token token;
	struct sl_error err = {0};

	(void)state;
	form_add(&form, "token", "CANARY");
	assert_false(grant_ask(&grant, &form, &token, NULL, &err));
	must_fail(&err, SL_E_INPUT, "192.0.2.1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_confidential_client_asks_with_basic_authorization),
		cmocka_unit_test(a_native_client_sends_a_form_and_no_authorization),
		cmocka_unit_test(t87_no_failure_repeats_a_secret),
		cmocka_unit_test(a_question_is_asked_again_and_a_code_is_not),
		cmocka_unit_test(a_token_is_revoked_by_name_of_its_client),
		cmocka_unit_test(without_a_known_service_nothing_is_asked),
		cmocka_unit_test(t87_secrets_in_plain_do_not_leave_the_machine),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
