// SPDX-License-Identifier: Apache-2.0
// Certificates: looked at always, whatever the environment says.
#include "tests/uploader/http/server.h"
#include "tests/uploader/scratch.h"

// A certificate of our own for 127.0.0.1, and the server that shows it.
static void start(struct server *server, const char *folder)
{
	char *certificate = sl_format("%s/cert.pem", folder);
	char *key = sl_format("%s/key.pem", folder);
	sl_auto_free char *command =
		sl_format("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
			  "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -days 2 "
			  "-keyout '%s' -out '%s' 2>/dev/null",
			  key, certificate);

	assert_int_equal(system(command), 0);
	server_start(server, certificate, key);
	server_script(server, "tls", "[{\"body\":\"seen\"}]");
	free(certificate);
	free(key);
}

static bool ask(const struct server *server, const char *host, struct http_reply *reply,
		struct sl_error *err)
{
	struct http_options options = server_haste();
	struct http *http = server_pool(&options);
	sl_auto_free char *url = sl_format("https://%s:%u/tls/x", host, server->port);
	struct http_request request = {.url = url, .repeat = HTTP_AGAIN, .bearer = "canary"};
	bool good = http_ask(http, &request, reply, err);

	http_free(http);
	return good;
}

static void a_stranger_is_refused_whatever_the_environment_says(void **state)
{
	static const char *const switches[] = {NULL, "0", "false", "OFF", "no", ""};
	struct server server;

	start(&server, *state);
	for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
		struct http_reply reply;
		struct sl_error err = {0};
		if (switches[i])
			setenv("GLOBUS_SDK_VERIFY_SSL", switches[i], 1);
		assert_false(ask(&server, "127.0.0.1", &reply, &err));
		assert_int_equal(err.kind, SL_E_NETWORK);
		assert_non_null(strstr(err.text, "certificate"));
		assert_false(reply.answer.sent);
		http_reply_release(&reply);
	}
	unsetenv("GLOBUS_SDK_VERIFY_SSL");
	assert_int_equal(server_count(&server, "tls"), 0);
	server_stop(&server);
}

static void a_certificate_that_the_environment_names_is_trusted_for_its_own_name(void **state)
{
	sl_auto_free char *certificate = sl_format("%s/cert.pem", (char *)*state);
	struct http_reply reply;
	struct sl_error err = {0};
	struct server server;

	start(&server, *state);
	setenv("GLOBUS_SDK_VERIFY_SSL", certificate, 1);
	if (!ask(&server, "127.0.0.1", &reply, &err))
		fail_msg("%s", err.text);
	assert_string_equal(reply.answer.body, "seen");
	http_reply_release(&reply);
	assert_false(ask(&server, "localhost", &reply, &err));
	assert_int_equal(err.kind, SL_E_NETWORK);
	http_reply_release(&reply);
	unsetenv("GLOBUS_SDK_VERIFY_SSL");
	assert_int_equal(server_count(&server, "tls"), 1);
	server_stop(&server);
}

static void certificates_that_are_not_there_are_an_error(void **state)
{
	struct http_options options = server_haste();
	struct sl_error err = {0};
	struct http *http;

	setenv("GLOBUS_SDK_VERIFY_SSL", *state, 1); // a folder
	assert_false(http_new(&options, &http, &err));
	assert_int_equal(err.kind, SL_E_INPUT);
	assert_non_null(strstr(err.text, "GLOBUS_SDK_VERIFY_SSL"));
	unsetenv("GLOBUS_SDK_VERIFY_SSL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(a_stranger_is_refused_whatever_the_environment_says),
		scratch_test(a_certificate_that_the_environment_names_is_trusted_for_its_own_name),
		scratch_test(certificates_that_are_not_there_are_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
