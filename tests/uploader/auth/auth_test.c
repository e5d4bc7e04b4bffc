// SPDX-License-Identifier: Apache-2.0
// Which login is used, and how long: against a token service on the loopback that says what it is
// told, with an empty home that each test fills.
#include "tests/uploader/auth/logins.h"
#include "tests/uploader/http/server.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

static struct server server;
static struct http *http;
static struct auth_places places;

static int begin(void **state)
{
	struct http_options haste = server_haste();

	(void)state;
	server_start(&server, NULL, NULL);
	http = server_pool(&haste);
	places = (struct auth_places){
		.environment = sl_strdup("production"),
		.compute = sl_strdup("https://compute.api.globus.org"),
		.auth = sl_format("http://127.0.0.1:%u/auth", server.port),
	};
	return 0;
}

static int end(void **state)
{
	(void)state;
	http_free(http);
	server_stop(&server);
	auth_places_release(&places);
	return 0;
}

static int home(void **state)
{
	int status = scratch_make(state);

	logins_none(*state);
	server_script(&server, "auth", "[{\"status\":500,\"body\":\"CANARY\"}]");
	return status;
}

// ---- the service ---------------------------------------------------------------------------

static json_t *good_answer(const char *access, const char *refresh, int lifetime)
{
	json_t *body = json_pack("{s:s, s:s, s:s, s:i, s:s, s:[]}", "access_token", access,
				 "resource_server", "funcx_service", "scope", AUTH_COMPUTE_SCOPE,
				 "expires_in", lifetime, "token_type", "Bearer", "other_tokens");

	if (refresh)
		json_object_set_new(body, "refresh_token", json_string(refresh));
	return body;
}

static json_t *step(long status, json_t *body)
{
	sl_auto_free char *text = json_dumps(body, 0);
	json_t *one = json_pack("{s:i, s:s}", "status", (int)status, "body", text);

	json_decref(body);
	return one;
}

// Takes the steps.
static void script(json_t *first, json_t *second)
{
	sl_auto_json json_t *steps = json_array();

	json_array_append_new(steps, first);
	if (second)
		json_array_append_new(steps, second);
	sl_auto_free char *text = json_dumps(steps, 0);
	server_script(&server, "auth", text);
}

static size_t asked(void)
{
	return server_count(&server, "auth");
}

static void must_have_sent(size_t i, const char *part)
{
	sl_auto_json json_t *log = server_log(&server, "auth");
	const char *body = text_at(json_array_get(log, i), "body");

	if (!strstr(body, part))
		fail_msg("'%s' is not in '%s'", part, body);
}

// ---- the login -----------------------------------------------------------------------------

static struct auth *must_open(const char *token_file, enum auth_kind kind)
{
	struct auth *auth = NULL;
	struct sl_error err = {0};

	if (!auth_open(&places, token_file, http, &auth, &err))
		fail_msg("%s", err.text);
	assert_string_equal(auth_kind_name(auth_kind(auth)), auth_kind_name(kind));
	return auth;
}

static void must_give(struct auth *auth, const char *wanted)
{
	const char *token = NULL;
	struct sl_error err = {0};

	if (!auth_token(auth, &token, &err))
		fail_msg("%s", err.text);
	assert_string_equal(token, wanted);
}

static void must_not_give(struct auth *auth, const char *part)
{
	const char *token = NULL;
	struct sl_error err = {0};

	assert_false(auth_token(auth, &token, &err));
	must_fail(&err, SL_E_NETWORK, part);
}

static void must_be_refusable(struct auth *auth)
{
	struct sl_error err = {0};

	if (!auth_refused(auth, &err))
		fail_msg("%s", err.text);
}

static void must_be_at_an_end(struct auth *auth, const char *part)
{
	struct sl_error err = {0};

	assert_false(auth_refused(auth, &err));
	must_fail(&err, SL_E_NETWORK, part);
}

// Frees it, too.
static void must_show_no_secret(struct auth *auth)
{
	sl_auto_json json_t *json = auth_describe(auth);
	sl_auto_free char *text = json_dumps(json, JSON_SORT_KEYS);

	assert_null(strstr(text, CANARY));
	must_be_silent(auth_warnings(auth));
	auth_free(auth);
}

static void use_client(void)
{
	setenv("GLOBUS_COMPUTE_CLIENT_ID", CLIENT, 1);
	setenv("GLOBUS_COMPUTE_CLIENT_SECRET", CANARY "secret", 1);
}

static char *write_token_file(const char *folder, const char *text, mode_t mode)
{
	char *path = sl_path_join(folder, "token");
	struct sl_error err = {0};

	assert_true(sl_store_file(path, text, strlen(text), 0600, SL_OUTPUT_REPLACE, &err));
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

static void log_in_ourselves(int64_t until, const char *refresh)
{
	struct stored stored = {.found = true,
				.client = (char[]){CLIENT},
				.environment = places.environment,
				.auth = places.auth,
				.compute = places.compute};
	struct sl_error err = {0};

	secret_set(&stored.token.access, CANARY "own", strlen(CANARY "own"));
	secret_set(&stored.token.refresh, refresh, strlen(refresh));
	stored.token.scope = sl_strdup(AUTH_COMPUTE_SCOPE);
	stored.token.identity = sl_strdup(PERSON);
	stored.token.until = until;
	if (!own_save(&stored, NULL, &err))
		fail_msg("%s", err.text);
	token_release(&stored.token);
}

static char *log_in_with_the_sdk(const char *folder, int64_t until, const char *refresh)
{
	char *path = sdk_make(folder, "2");
	sl_auto_free char *row = sdk_row(CANARY "sdk", refresh, until);

	sdk_put(path, "user/production", row);
	return path;
}

static int64_t in(int seconds)
{
	return (int64_t)time(NULL) + seconds;
}

// ---- which one -----------------------------------------------------------------------------

static void the_first_of_four_is_used(void **state)
{
	const char *folder = *state;

	auth_free(must_open(NULL, AUTH_NOBODY));
	free(log_in_with_the_sdk(folder, in(3600), ""));
	struct auth *auth = must_open(NULL, AUTH_SDK);
	must_give(auth, CANARY "sdk");
	must_show_no_secret(auth);
	log_in_ourselves(in(3600), "");
	auth = must_open(NULL, AUTH_OWN);
	must_give(auth, CANARY "own");
	must_show_no_secret(auth);
	use_client();
	must_show_no_secret(must_open(NULL, AUTH_CLIENT));
	sl_auto_free char *path = write_token_file(folder, CANARY "file\n", 0600);
	auth = must_open(path, AUTH_GIVEN);
	must_give(auth, CANARY "file");
	must_show_no_secret(auth);
	assert_int_equal(asked(), 0);
}

static void nobody_is_told_how_to_log_in(void **state)
{
	struct auth *auth = must_open(NULL, AUTH_NOBODY);

	(void)state;
	must_not_give(auth, "'sealift-upload login'");
	must_be_at_an_end(auth, "'sealift-upload login'");
	must_show_no_secret(auth);
}

static void must_not_open(const char *token_file, enum sl_kind kind, const char *part)
{
	struct auth *auth = NULL;
	struct sl_error err = {0};

	assert_false(auth_open(&places, token_file, http, &auth, &err));
	must_fail(&err, kind, part);
	assert_null(auth);
}

static void t44_a_broken_login_is_no_reason_to_take_the_next(void **state)
{
	sl_auto_free char *own = sl_path_join(*state, "config");
	sl_auto_free char *file = sl_path_join(own, "login.json");
	struct sl_error err = {0};

	free(log_in_with_the_sdk(*state, in(3600), ""));
	setenv("GLOBUS_COMPUTE_CLIENT_SECRET", CANARY, 1);
	must_not_open(NULL, SL_E_INPUT, "GLOBUS_COMPUTE_CLIENT_ID");
	setenv("GLOBUS_COMPUTE_CLIENT_ID", CANARY, 1);
	must_not_open(NULL, SL_E_INPUT, "GLOBUS_COMPUTE_CLIENT_ID");
	unsetenv("GLOBUS_COMPUTE_CLIENT_SECRET");
	unsetenv("GLOBUS_COMPUTE_CLIENT_ID");
	log_in_ourselves(in(3600), "");
	assert_true(sl_store_file(file, "{\"" CANARY, 8, 0600, SL_OUTPUT_REPLACE, &err));
	must_not_open(NULL, SL_E_INPUT, "login.json");
	must_not_open("/nonexistent/token", SL_E_IO, "/nonexistent/token");
}

static void must_be_passed_over(const struct auth_places *elsewhere)
{
	struct auth *auth = NULL;
	struct sl_error err = {0};

	assert_true(auth_open(elsewhere, NULL, http, &auth, &err));
	assert_int_equal(auth_kind(auth), AUTH_NOBODY);
	assert_int_equal(auth_warnings(auth)->len, 1);
	assert_non_null(strstr(auth_warnings(auth)->items[0], "not used here"));
	must_not_give(auth, "nobody is logged in");
	must_show_no_secret(auth);
}

static void t49_our_own_login_is_not_sent_to_other_services(void **state)
{
	struct auth_places auth = places, compute = places, environment = places, unknown = places;

	(void)state;
	log_in_ourselves(in(3600), CANARY);
	auth.auth = (char[]){"http://127.0.0.1:1/other"};
	must_be_passed_over(&auth);
	compute.compute = (char[]){"https://compute.api.globus.org.example"};
	must_be_passed_over(&compute);
	environment.environment = (char[]){"preview"};
	must_be_passed_over(&environment);
	unknown.auth = NULL;
	must_be_passed_over(&unknown);
	auth_free(must_open(NULL, AUTH_OWN));
}

// ---- client credentials --------------------------------------------------------------------

static void client_credentials_are_asked_for_when_needed_and_kept(void **state)
{
	(void)state;
	use_client();
	script(step(200, good_answer(CANARY "1", NULL, 172800)),
	       step(200, good_answer(CANARY "2", NULL, 172800)));
	struct auth *auth = must_open(NULL, AUTH_CLIENT);
	assert_int_equal(asked(), 0);
	must_give(auth, CANARY "1");
	must_give(auth, CANARY "1");
	assert_int_equal(asked(), 1);
	must_have_sent(0, "grant_type=client_credentials&scope=https%3A%2F%2Fauth.globus.org%2F"
			  "scopes%2Ffacd7ccc-c5f4-42aa-916b-a0e270e2c2a9%2Fall");
	must_be_refusable(auth);
	must_give(auth, CANARY "2");
	assert_int_equal(asked(), 2);
	must_be_at_an_end(auth, "'sealift-upload login'");
	must_give(auth, CANARY "2");
	assert_int_equal(asked(), 2);
	must_show_no_secret(auth);
}

static void a_token_that_is_good_for_less_than_a_minute_is_not_handed_out_again(void **state)
{
	(void)state;
	use_client();
	script(step(200, good_answer(CANARY "1", NULL, 50)),
	       step(200, good_answer(CANARY "2", NULL, 120)));
	struct auth *auth = must_open(NULL, AUTH_CLIENT);
	must_give(auth, CANARY "1");
	must_give(auth, CANARY "2");
	must_give(auth, CANARY "2");
	assert_int_equal(asked(), 2);
	must_show_no_secret(auth);
}

static void t87_a_wrong_secret_is_said_and_not_shown(void **state)
{
	(void)state;
	use_client();
	script(step(401, json_pack("{s:s, s:s}", "error", "invalid_client", "error_description",
				   CANARY "secret is wrong")),
	       step(200, good_answer(CANARY "1", NULL, 120)));
	struct auth *auth = must_open(NULL, AUTH_CLIENT);
	must_not_give(auth, "invalid_client");
	must_give(auth, CANARY "1"); // it has been mended meanwhile
	must_show_no_secret(auth);
}

// ---- refreshing ----------------------------------------------------------------------------

static void an_sdk_login_that_has_ended_is_refreshed_and_put_back(void **state)
{
	sl_auto_free char *path = log_in_with_the_sdk(*state, in(30), CANARY "r");

	script(step(200, good_answer(CANARY "1", NULL, 172800)), NULL);
	struct auth *auth = must_open(NULL, AUTH_SDK);
	must_give(auth, CANARY "1");
	must_have_sent(0,
		       "grant_type=refresh_token&refresh_token=" CANARY "r&client_id=" SDK_CLIENT);
	must_give(auth, CANARY "1");
	assert_int_equal(asked(), 1);
	assert_int_equal(auth_warnings(auth)->len, 0);
	must_show_no_secret(auth);

	sl_auto_json json_t *row = sdk_get(path, "user/production");
	assert_string_equal(text_at(row, "access_token"), CANARY "1");
	assert_string_equal(text_at(row, "refresh_token"), CANARY "r");
	assert_string_equal(text_at(row, "identity_id"), PERSON);
}

static void a_refresh_token_is_kept_in_memory_when_the_reply_has_none(void **state)
{
	sl_auto_free char *path = log_in_with_the_sdk(*state, in(-5), CANARY "r");

	setenv("GLOBUS_COMPUTE_CLIENT_ID", CLIENT, 1);
	script(step(200, good_answer(CANARY "1", NULL, 50)),
	       step(200, good_answer(CANARY "2", CANARY "r2", 172800)));
	struct auth *auth = must_open(NULL, AUTH_SDK);
	must_give(auth, CANARY "1");
	must_give(auth, CANARY "2");
	must_have_sent(1, "refresh_token=" CANARY "r&client_id=" CLIENT);
	must_show_no_secret(auth);
	sl_auto_json json_t *row = sdk_get(path, "user/production");
	assert_string_equal(text_at(row, "refresh_token"), CANARY "r2");
}

static void our_own_login_is_refreshed_and_stored(void **state)
{
	struct stored stored;
	struct sl_strings warnings = {0};
	struct sl_error err = {0};

	(void)state;
	log_in_ourselves(in(-5), CANARY "r");
	script(step(200, good_answer(CANARY "1", NULL, 172800)), NULL);
	struct auth *auth = must_open(NULL, AUTH_OWN);
	must_give(auth, CANARY "1");
	must_have_sent(0, "refresh_token=" CANARY "r&client_id=" CLIENT);
	must_show_no_secret(auth);
	assert_true(own_load(&stored, &warnings, &err) && stored.found);
	assert_string_equal(secret_text(&stored.token.access), CANARY "1");
	assert_string_equal(secret_text(&stored.token.refresh), CANARY "r");
	assert_string_equal(stored.token.identity, PERSON);
	stored_release(&stored);
}

static void a_login_that_the_service_forgot_must_be_made_again(void **state)
{
	sl_auto_free char *path = log_in_with_the_sdk(*state, in(-5), CANARY "r");

	script(step(400, json_pack("{s:s, s:s}", "error", "invalid_grant", "error_description",
				   CANARY "r")),
	       NULL);
	struct auth *auth = must_open(NULL, AUTH_SDK);
	must_not_give(auth, "'sealift-upload login'");
	must_show_no_secret(auth);
	sl_auto_json json_t *row = sdk_get(path, "user/production");
	assert_string_equal(text_at(row, "access_token"), CANARY "sdk");
}

static void what_another_program_refreshed_is_taken_without_asking(void **state)
{
	sl_auto_free char *path = log_in_with_the_sdk(*state, in(-5), CANARY "r");
	struct auth *auth = must_open(NULL, AUTH_SDK);
	sl_auto_free char *fresh = sdk_row(CANARY "theirs", CANARY "r", in(3600));

	sdk_put(path, "user/production", fresh);
	must_give(auth, CANARY "theirs");
	assert_int_equal(asked(), 0);
	must_show_no_secret(auth);
}

static void a_token_that_cannot_be_stored_is_good_all_the_same(void **state)
{
	sl_auto_free char *path = log_in_with_the_sdk(*state, in(-5), CANARY "r");

	script(step(200, good_answer(CANARY "1", NULL, 172800)), NULL);
	struct auth *auth = must_open(NULL, AUTH_SDK);
	assert_int_equal(unlink(path), 0);
	must_give(auth, CANARY "1");
	assert_int_equal(auth_warnings(auth)->len, 1);
	assert_non_null(strstr(auth_warnings(auth)->items[0], "is not stored"));
	assert_int_equal(access(path, F_OK), -1);
	must_show_no_secret(auth);
}

// ---- a refusal -----------------------------------------------------------------------------

static void a_refused_token_is_refreshed_once(void **state)
{
	free(log_in_with_the_sdk(*state, in(3600), CANARY "r"));

	script(step(200, good_answer(CANARY "1", CANARY "r", 172800)), NULL);
	struct auth *auth = must_open(NULL, AUTH_SDK);
	must_give(auth, CANARY "sdk");
	must_be_refusable(auth);
	must_give(auth, CANARY "1");
	assert_int_equal(asked(), 1);
	must_be_at_an_end(auth, "'sealift-upload login'");
	assert_int_equal(asked(), 1);
	must_show_no_secret(auth);
}

static void what_cannot_be_refreshed_ends_with_the_first_refusal(void **state)
{
	sl_auto_free char *path = write_token_file(*state, CANARY "file", 0600);

	log_in_ourselves(in(3600), "");
	struct auth *auth = must_open(NULL, AUTH_OWN);
	must_give(auth, CANARY "own");
	must_be_at_an_end(auth, "'sealift-upload login'");
	must_show_no_secret(auth);
	auth = must_open(path, AUTH_GIVEN);
	must_be_at_an_end(auth, "put another one there");
	must_show_no_secret(auth);
	assert_int_equal(asked(), 0);
}

// ---- a token file --------------------------------------------------------------------------

static void a_token_file_is_read_again_when_its_token_ends(void **state)
{
	sl_auto_free char *old = sl_format(
		"{\"access_token\":\"CANARYold\",\"expires_at_seconds\":%lld}", (long long)in(30));
	sl_auto_free char *path = write_token_file(*state, old, 0600);
	struct auth *auth = must_open(path, AUTH_GIVEN);

	must_not_give(auth, "not good any more");
	free(write_token_file(*state, "CANARYnew\n", 0600));
	must_give(auth, CANARY "new");
	must_show_no_secret(auth);
}

static void t39_a_token_file_is_believed_only_if_nobody_else_can_write_it(void **state)
{
	sl_auto_free char *path = write_token_file(*state, CANARY, 0604);
	struct auth *auth = must_open(path, AUTH_GIVEN);

	assert_int_equal(auth_warnings(auth)->len, 1);
	must_show_no_secret(auth);
	assert_int_equal(chmod(path, 0602), 0);
	must_not_open(path, SL_E_INPUT, "can be written by others");
}

static void t87_token_files_that_hold_none_are_not_repeated(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"CANARY CANARY",
		"CANARY\nCANARY\n",
		"CANARY\x01",
		"{\"access_token\":\"CANARY\"",
		"{\"refresh_token\":\"CANARY\"}",
		"{\"access_token\":\"CANARY\\nX: y\"}",
		"{\"access_token\":\"CANARY\",\"expires_at_seconds\":\"CANARY\"}",
		"{\"access_token\":\"CANARY\",\"resource_server\":\"CANARY\"}",
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		sl_auto_free char *path = write_token_file(*state, bad[i], 0600);
		must_not_open(path, SL_E_INPUT, "the token file");
	}
}

// ---- what is shown -------------------------------------------------------------------------

static void a_description_says_who_where_and_until_when(void **state)
{
	sl_auto_free char *path = log_in_with_the_sdk(*state, 4102444800, CANARY "r");
	struct auth *auth = must_open(NULL, AUTH_SDK);
	sl_auto_json json_t *json = auth_describe(auth);

	assert_string_equal(text_at(json, "kind"), "sdk");
	assert_string_equal(text_at(json, "file"), path);
	assert_string_equal(text_at(json, "subject"), PERSON);
	assert_string_equal(text_at(json, "client_id"), SDK_CLIENT);
	assert_string_equal(text_at(json, "until"), "2100-01-01T00:00:00Z");
	assert_true(json_is_true(json_object_get(json, "renewable")));
	assert_true(json_is_true(json_object_get(json, "good")));
	must_show_no_secret(auth);
}

static void t87_who_holds_a_secret_leaves_no_core_dump(void **state)
{
	auto_secret struct secret secret = {0};
	struct rlimit limit;

	(void)state;
	secret_set(&secret, CANARY, 6);
	assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
	assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
	assert_int_equal(limit.rlim_max, 0);
}

int main(void)
{
#define in_home(function) cmocka_unit_test_setup_teardown(function, home, scratch_remove)
	const struct CMUnitTest tests[] = {
		in_home(the_first_of_four_is_used),
		in_home(nobody_is_told_how_to_log_in),
		in_home(t44_a_broken_login_is_no_reason_to_take_the_next),
		in_home(t49_our_own_login_is_not_sent_to_other_services),
		in_home(client_credentials_are_asked_for_when_needed_and_kept),
		in_home(a_token_that_is_good_for_less_than_a_minute_is_not_handed_out_again),
		in_home(t87_a_wrong_secret_is_said_and_not_shown),
		in_home(an_sdk_login_that_has_ended_is_refreshed_and_put_back),
		in_home(a_refresh_token_is_kept_in_memory_when_the_reply_has_none),
		in_home(our_own_login_is_refreshed_and_stored),
		in_home(a_login_that_the_service_forgot_must_be_made_again),
		in_home(what_another_program_refreshed_is_taken_without_asking),
		in_home(a_token_that_cannot_be_stored_is_good_all_the_same),
		in_home(a_refused_token_is_refreshed_once),
		in_home(what_cannot_be_refreshed_ends_with_the_first_refusal),
		in_home(a_token_file_is_read_again_when_its_token_ends),
		in_home(t39_a_token_file_is_believed_only_if_nobody_else_can_write_it),
		in_home(t87_token_files_that_hold_none_are_not_repeated),
		in_home(a_description_says_who_where_and_until_when),
		in_home(t87_who_holds_a_secret_leaves_no_core_dump),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
