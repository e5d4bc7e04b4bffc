// SPDX-License-Identifier: Apache-2.0
// Requests against a server on the loopback address that misbehaves as it is told.
#include "tests/uploader/http/server.h"

#define CANARY "canary-that-nobody-may-see"

static struct server server;

static int up(void **state)
{
	(void)state;
	server_start(&server, NULL, NULL);
	return 0;
}

static int down(void **state)
{
	(void)state;
	server_stop(&server);
	return 0;
}

// One request and how it ended. `name` is the script that it meets.
struct
try {
	struct http_options options;
	struct http_request request;
	struct http_reply reply;
	struct sl_error err;
	bool good;
};

static struct try get(void)
{
	return (struct try){.options = server_haste(),
			    .request = {.repeat = HTTP_AGAIN, .bearer = CANARY}};
}

static struct try post(void)
{
	struct try try = get();

	try.request.method = HTTP_POST;
	try.request.repeat = HTTP_CAREFUL;
	try.request.body = "{\"tasks\":{}}";
	try.request.body_len = strlen(try.request.body);
	return try;
}

static void go_through(struct try *try, struct http *http, const char *name, const char *steps)
{
	sl_auto_free char *url = sl_format("http://127.0.0.1:%u/%s/x", server.port, name);

	try->request.url = url;
	server_script(&server, name, steps);
	try->good = http_ask(http, &try->request, &try->reply, &try->err);
	try->request.url = NULL;
	assert_int_equal(try->good, try->err.kind == SL_E_NONE);
	assert_int_equal(http_pending(http), 0);
	assert_null(strstr(try->err.text, CANARY));
	assert_null(memmem(try->reply.answer.body, try->reply.answer.len, CANARY, strlen(CANARY)));
}

static void go(struct try *try, const char *name, const char *steps)
{
	struct http *http = server_pool(&try->options);

	go_through(try, http, name, steps);
	http_free(http);
}

static void end(struct try *try)
{
	http_reply_release(&try->reply);
}

static void assert_says(const struct try *try, enum sl_kind kind, const char *words)
{
	if (try->err.kind != kind || !strstr(try->err.text, words))
		fail_msg("%s: '%s' instead of '%s'", sl_kind_name(try->err.kind), try->err.text,
			 words);
}

// ---- what is sent --------------------------------------------------------------------------

static const char *header_of(const json_t *log, size_t index, const char *name)
{
	const json_t *headers = json_object_get(json_array_get(log, index), "headers");

	return json_string_value(json_object_get(headers, name));
}

static void a_question_carries_token_and_names_us(void **state)
{
	struct try try = get();

	(void)state;
	go(&try, "plain", "[{\"body\":\"{\\\"a\\\": 1}\"}]");
	assert_true(try.good);
	assert_int_equal(try.reply.answer.status, 200);
	assert_true(try.reply.answer.sent);
	assert_int_equal(try.reply.answer.retry_after, -1);
	assert_string_equal(try.reply.answer.body, "{\"a\": 1}");
	assert_int_equal(try.reply.answer.len, 8);
	sl_auto_json json_t *log = server_log(&server, "plain");
	assert_int_equal(json_array_size(log), 1);
	assert_string_equal(header_of(log, 0, "authorization"), "Bearer " CANARY);
	assert_string_equal(header_of(log, 0, "accept"), "application/json");
	assert_string_equal(header_of(log, 0, "user-agent"), "sealift-upload/" SEALIFT_VERSION);
	assert_null(header_of(log, 0, "content-type"));
	end(&try);
}

static void a_body_of_megabytes_arrives_whole(void **state)
{
	struct try try = post();
	size_t len = 3 * SL_MIB + 17;
	sl_auto_free char *body = sl_alloc(len);

	(void)state;
	for (size_t i = 0; i < len; i++)
		body[i] = (char)('a' + i * 31 % 26);
	try.request.body = body;
	try.request.body_len = len;
	go(&try, "large", "[{}]");
	assert_true(try.good);
	sl_auto_json json_t *log = server_log(&server, "large");
	const json_t *seen = json_object_get(json_array_get(log, 0), "body");
	assert_int_equal(json_string_length(seen), len);
	assert_memory_equal(json_string_value(seen), body, len);
	assert_string_equal(header_of(log, 0, "content-type"), "application/json");
	assert_null(header_of(log, 0, "expect"));
	end(&try);
}

static void verbs_headers_and_passwords_go_as_they_are(void **state)
{
	static const struct http_header headers[] = {{"Accept", "text/html"}, {"X-Empty", ""}};
	static const char *const verbs[] = {"GET", "POST", "PUT", "DELETE"};

	(void)state;
	for (int method = HTTP_GET; method <= HTTP_DELETE; method++) {
		struct try try = get();
		try.request = (struct http_request){.method = (enum http_method)method,
						    .user = "id",
						    .password = "a secret",
						    .headers = headers,
						    .headers_len = 2};
		go(&try, "verbs", "[{}]");
		assert_true(try.good);
		sl_auto_json json_t *log = server_log(&server, "verbs");
		const json_t *seen = json_array_get(log, 0);
		assert_string_equal(json_string_value(json_object_get(seen, "method")),
				    verbs[method]);
		assert_string_equal(header_of(log, 0, "authorization"), "Basic aWQ6YSBzZWNyZXQ=");
		assert_string_equal(header_of(log, 0, "accept"), "text/html");
		assert_string_equal(header_of(log, 0, "x-empty"), "");
		end(&try);
	}
}

static void t87_a_token_cannot_carry_further_headers(void **state)
{
	struct try try = get();

	(void)state;
	try.request.bearer = "x\r\nX-Evil: y";
	go(&try, "inject", "[{}]");
	assert_says(&try, SL_E_INPUT, "characters");
	assert_null(strstr(try.err.text, "Evil"));
	assert_int_equal(server_count(&server, "inject"), 0);
	end(&try);
}

// ---- sent again, and not -------------------------------------------------------------------

static void a_question_is_asked_again_until_it_is_answered(void **state)
{
	static const char *const steps[] = {
		"[{\"status\":500},{}]",
		"[{\"status\":502},{\"status\":504},{}]",
		"[{\"drop\":\"before\"},{}]",
		"[{\"drop\":\"after\"},{}]",
		"[{\"cut\":1},{}]",
		"[{\"length\":90},{}]",
		"[{\"status\":429},{}]",
		"[{\"status\":503,\"headers\":[[\"Retry-After\",\"0\"]]},{}]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		struct try try = get();
		go(&try, "again", steps[i]);
		if (!try.good || try.reply.answer.status != 200)
			fail_msg("%s: %ld %s", steps[i], try.reply.answer.status, try.err.text);
		assert_string_equal(try.reply.answer.body, "{}");
		assert_true(server_count(&server, "again") >= 2);
		end(&try);
	}
}

static void a_question_is_not_asked_for_ever(void **state)
{
	struct try try = get(), lost = get();

	(void)state;
	go(&try, "never", "[{\"status\":503,\"body\":\"later\"}]");
	assert_true(try.good); // an answer, although not a nice one
	assert_int_equal(try.reply.answer.status, 503);
	assert_string_equal(try.reply.answer.body, "later");
	assert_int_equal(server_count(&server, "never"), 6);
	end(&try);
	go(&lost, "lost", "[{\"drop\":\"after\"}]");
	assert_says(&lost, SL_E_NETWORK, "no answer from '127.0.0.1:");
	assert_int_equal(lost.reply.answer.status, 0);
	assert_int_equal(server_count(&server, "lost"), 6);
	end(&lost);
}

static void t81_what_must_not_happen_twice_is_sent_once(void **state)
{
	static const char *const steps[] = {"[{\"drop\":\"after\"},{}]", "[{\"cut\":1},{}]",
					    "[{\"length\":90},{}]"};

	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		struct try try = post();
		go(&try, "effect", steps[i]);
		assert_false(try.good);
		assert_true(try.reply.answer.sent);
		assert_int_equal(server_count(&server, "effect"), 1);
		end(&try);
	}
	struct try try = post();
	go(&try, "effect", "[{\"status\":503},{}]");
	assert_int_equal(try.reply.answer.status, 503);
	assert_int_equal(server_count(&server, "effect"), 1);
	end(&try);
}

// libcurl on its own would send it again: the connection had been used before.
static void t81_a_connection_that_was_used_before_repeats_nothing(void **state)
{
	struct try warm = get(), try = post();
	struct http *http = server_pool(&warm.options);

	(void)state;
	go_through(&warm, http, "warm", "[{}]");
	assert_true(warm.good);
	go_through(&try, http, "effect", "[{\"drop\":\"after\"},{}]");
	assert_false(try.good);
	assert_true(try.reply.answer.sent);
	assert_int_equal(server_count(&server, "effect"), 1);
	http_free(http);
	end(&warm);
	end(&try);
}

static void questions_share_a_connection(void **state)
{
	struct try try = get();
	struct http *http = server_pool(&try.options);

	(void)state;
	go_through(&try, http, "share", "[{}]");
	end(&try);
	sl_auto_json json_t *first = server_log(&server, "share");
	go_through(&try, http, "share", "[{}]");
	end(&try);
	sl_auto_json json_t *second = server_log(&server, "share");
	http_free(http);
	assert_true(json_equal(json_object_get(json_array_get(first, 0), "connection"),
			       json_object_get(json_array_get(second, 0), "connection")));
}

static void t81_nothing_is_sent_where_nobody_listens(void **state)
{
	struct try try = post();
	struct http *http = server_pool(&try.options);

	(void)state;
	try.request.url = "http://127.0.0.1:1/x";
	assert_false(http_ask(http, &try.request, &try.reply, &try.err));
	assert_says(&try, SL_E_NETWORK, "cannot reach '127.0.0.1:1': Connection refused");
	assert_false(try.reply.answer.sent);
	http_free(http);
	end(&try);
}

// The body is longer than what any buffer on the way holds: it cannot have arrived whole.
static void t81_half_a_body_is_not_a_request(void **state)
{
	struct try try = post();
	size_t len = 64 * SL_MIB;
	sl_auto_free char *body = sl_alloc(len);

	(void)state;
	try.request.repeat = HTTP_ONCE;
	try.request.body = body;
	try.request.body_len = len;
	go(&try, "half", "[{\"drop\":\"before\"}]");
	assert_false(try.good);
	assert_false(try.reply.answer.sent);
	end(&try);
}

static void a_refusal_that_comes_early_is_heard(void **state)
{
	struct try try = post();
	size_t len = 1 * SL_MIB;
	sl_auto_free char *body = sl_alloc(len);

	(void)state;
	memset(body, 'x', len);
	try.request.body = body;
	try.request.body_len = len;
	go(&try, "early", "[{\"status\":413,\"early\":true}]");
	if (try.good) // else the reset of the connection was faster than the answer
		assert_int_equal(try.reply.answer.status, 413);
	else
		assert_int_equal(try.err.kind, SL_E_NETWORK);
	end(&try);
}

// ---- 429 -----------------------------------------------------------------------------------

static void t83_a_429_is_waited_out_for_what_must_not_happen_twice(void **state)
{
	struct try try = post();

	(void)state;
	go(&try, "busy",
	   "[{\"status\":429},{\"status\":429,\"headers\":[[\"Retry-After\",\"0\"]]},"
	   "{\"status\":429},{\"status\":429},{\"status\":429},{\"status\":429},{\"status\":429},{}"
	   "]");
	assert_true(try.good);
	assert_int_equal(try.reply.answer.status, 200);
	assert_int_equal(server_count(&server, "busy"), 8);
	end(&try);
}

static void t83_a_429_longer_than_our_patience_is_an_answer(void **state)
{
	struct try try = post();

	(void)state;
	go(&try, "long", "[{\"status\":429,\"headers\":[[\"retry-after\",\" 4000 \"]]},{}]");
	assert_true(try.good);
	assert_int_equal(try.reply.answer.status, 429);
	assert_int_equal(try.reply.answer.retry_after, 4000);
	assert_false(try.reply.answer.sent);
	assert_int_equal(server_count(&server, "long"), 1);
	end(&try);
}

static void a_429_of_once_is_an_answer(void **state)
{
	struct try try = post();

	(void)state;
	try.request.repeat = HTTP_ONCE;
	go(&try, "once", "[{\"status\":429},{}]");
	assert_int_equal(try.reply.answer.status, 429);
	assert_int_equal(server_count(&server, "once"), 1);
	end(&try);
}

// Each of 5 gets a 429 and goes again; what is asked later waits with them.
static void count_answer(void *context, const struct http_answer *answer,
			 const struct sl_error *why)
{
	assert_null(why);
	assert_int_equal(answer->status, 200);
	++*(size_t *)context;
}

static void t78_many_requests_all_get_their_answer(void **state)
{
	struct http_options options = server_haste();
	struct http *http = server_pool(&options);
	sl_auto_free char *url = sl_format("http://127.0.0.1:%u/many/x", server.port);
	struct http_request request = {.url = url, .repeat = HTTP_AGAIN};
	struct sl_error err = {0};
	size_t answers = 0;

	(void)state;
	server_script(&server, "many",
		      "[{\"status\":429},{\"status\":500},{\"drop\":\"after\"},{}]");
	for (size_t i = 0; i < 100; i++)
		assert_true(http_send(http, &request, count_answer, &answers, &err));
	assert_int_equal(http_pending(http), 100);
	while (http_pending(http) > 0)
		assert_true(http_step(http, 1000, &err));
	assert_int_equal(answers, 100);
	assert_int_equal(server_count(&server, "many"), 103);
	http_free(http);
}

// ---- answers that are too much or too slow -------------------------------------------------

static void t83_endless_answers_are_cut(void **state)
{
	static const char *const endless[][2] = {{"body", "larger than 1048576 bytes"},
						 {"headers", "more than 65536 bytes of headers"},
						 {"line", "more than 65536 bytes of headers"}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct try try = get();
		sl_auto_free char *steps = sl_format("[{\"endless\":\"%s\"}]", endless[i][0]);
		try.request.answer_limit = SL_MIB;
		go(&try, "endless", steps);
		assert_says(&try, SL_E_LIMIT, endless[i][1]);
		assert_int_equal(server_count(&server, "endless"), 1); // asking again cannot help
		end(&try);
	}
}

static void an_answer_may_be_as_long_as_its_limit(void **state)
{
	struct try try = get(), over = get();

	(void)state;
	try.request.answer_limit = 5;
	go(&try, "exact", "[{\"body\":\"12345\"}]");
	assert_true(try.good);
	assert_string_equal(try.reply.answer.body, "12345");
	end(&try);
	over.request.answer_limit = 4;
	go(&over, "exact", "[{\"body\":\"12345\"}]");
	assert_says(&over, SL_E_LIMIT, "larger than 4 bytes");
	end(&over);
}

static void t79_silence_ends(void **state)
{
	struct try try = post();

	(void)state;
	try.options.timeout = 1;
	go(&try, "silent", "[{\"silent\":true}]");
	assert_says(&try, SL_E_NETWORK, "nothing moved for 1 seconds");
	assert_true(try.reply.answer.sent);
	assert_int_equal(server_count(&server, "silent"), 1);
	end(&try);
}

static void t79_dripping_ends_too(void **state)
{
	struct try try = post();

	(void)state;
	try.options.deadline = 1;
	go(&try, "drip", "[{\"body\":\"0123456789012345678901234567890123456789\",\"drip\":0.1}]");
	assert_says(&try, SL_E_NETWORK, "it took longer than 1 seconds in all");
	end(&try);
}

static void t75_bytes_after_the_answer_are_not_part_of_it(void **state)
{
	struct try try = get();
	struct http *http = server_pool(&try.options);

	(void)state;
	go_through(&try, http, "excess", "[{\"body\":\"{}HTTP/1.1 200 OK\",\"length\":2}]");
	assert_true(try.good);
	assert_string_equal(try.reply.answer.body, "{}");
	end(&try);
	go_through(&try, http, "excess", "[{\"body\":\"second\"}]");
	assert_string_equal(try.reply.answer.body, "second");
	end(&try);
	http_free(http);
}

static void an_answer_without_length_ends_with_its_connection(void **state)
{
	struct try try = get();

	(void)state;
	go(&try, "close", "[{\"length\":null,\"body\":\"all of it\"}]");
	assert_true(try.good);
	assert_string_equal(try.reply.answer.body, "all of it");
	end(&try);
}

static void what_comes_before_the_answer_is_not_it(void **state)
{
	struct try try = post();

	(void)state;
	go(&try, "early-hints",
	   "[{\"before\":\"HTTP/1.1 103 Hints\\r\\nRetry-After: "
	   "7\\r\\n\\r\\n\",\"body\":\"real\"}]");
	assert_true(try.good);
	assert_int_equal(try.reply.answer.status, 200);
	assert_int_equal(try.reply.answer.retry_after, -1);
	assert_string_equal(try.reply.answer.body, "real");
	end(&try);
}

// ---- where it goes, and secrets ------------------------------------------------------------

static void t49_a_redirect_is_an_answer_and_nobody_follows_it(void **state)
{
	struct try try = get();
	sl_auto_free char *steps = sl_format("[{\"status\":302,\"headers\":[[\"Location\","
					     "\"http://127.0.0.1:%u/to/x\"]]}]",
					     server.port);

	(void)state;
	server_script(&server, "to", "[{}]");
	go(&try, "from", steps);
	assert_true(try.good);
	assert_int_equal(try.reply.answer.status, 302);
	assert_int_equal(server_count(&server, "from"), 1);
	assert_int_equal(server_count(&server, "to"), 0);
	end(&try);
}

static void t87_an_answer_that_repeats_the_secret_loses_it(void **state)
{
	struct try try = get(), basic = get();

	(void)state;
	go(&try, "reflect", "[{\"status\":400,\"reflect\":true}]"); // go() looks for the canary
	assert_true(try.good);
	assert_non_null(strstr(try.reply.answer.body, "\"Bearer **************************\""));
	end(&try);
	basic.request = (struct http_request){.user = "id",
					      .password = CANARY,
					      .body = CANARY CANARY,
					      .body_len = 2 * strlen(CANARY)};
	go(&basic, "reflect", "[{\"reflect\":true}]");
	assert_non_null(strstr(basic.reply.answer.body, "******"));
	end(&basic);
}

static void t49_nothing_for_this_machine_goes_through_a_proxy(void **state)
{
	struct try try = get();
	sl_auto_free char *proxy = sl_format("http://127.0.0.1:%u/proxy", server.port);

	(void)state;
	setenv("http_proxy", proxy, 1);
	setenv("all_proxy", proxy, 1);
	go(&try, "noproxy", "[{}]");
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	assert_true(try.good);
	sl_auto_json json_t *log = server_log(&server, "noproxy");
	const json_t *target = json_object_get(json_array_get(log, 0), "target");
	assert_string_equal(json_string_value(target), "/noproxy/x"); // a proxy gets the whole URL
	end(&try);
}

static void t87_a_proxy_that_refuses_is_named_without_its_password(void **state)
{
	struct try try = get();
	sl_auto_free char *proxy = sl_format("http://me:" CANARY "@127.0.0.1:%u", server.port);
	static const char *const broken[] = {"weird://me:" CANARY "@127.0.0.1:1",
					     "http://me:" CANARY "@[::1"};

	(void)state;
	try.request.url = "https://example.invalid/";
	try.request.repeat = HTTP_ONCE;
	struct http *http = server_pool(&try.options);
	server_script(&server, "proxy", "[{\"status\":407}]");
	setenv("https_proxy", proxy, 1);
	assert_false(http_ask(http, &try.request, &try.reply, &try.err));
	assert_says(&try, SL_E_NETWORK, "cannot reach 'example.invalid': the proxy says HTTP 407");
	assert_false(try.reply.answer.sent);
	sl_auto_json json_t *log = server_log(&server, "proxy");
	assert_non_null(header_of(log, 0, "proxy-authorization"));
	assert_null(header_of(log, 0, "authorization")); // the token is not the proxy's
	for (size_t i = 0; i < 2; i++) {
		setenv("https_proxy", broken[i], 1);
		sl_error_clear(&try.err);
		assert_false(http_ask(http, &try.request, &try.reply, &try.err));
		assert_null(strstr(try.err.text, CANARY));
	}
	unsetenv("https_proxy");
	http_free(http);
}

// ---- dropping ------------------------------------------------------------------------------

static void must_not_be_called(void *context, const struct http_answer *answer,
			       const struct sl_error *why)
{
	(void)context;
	(void)answer;
	(void)why;
	fail();
}

static void what_is_forgotten_is_never_heard_of(void **state)
{
	struct http_options options = server_haste();
	struct http *http = server_pool(&options);
	sl_auto_free char *url = sl_format("http://127.0.0.1:%u/forget/x", server.port);
	struct http_request request = {.url = url};
	struct sl_error err = {0};
	size_t answers = 0;
	int other;

	(void)state;
	server_script(&server, "forget", "[{\"silent\":true},{\"silent\":true},{}]");
	assert_true(http_send(http, &request, must_not_be_called, &other, &err));
	assert_true(http_send(http, &request, must_not_be_called, &options, &err));
	while (server_count(&server, "forget") < 2)
		assert_true(http_step(http, 1, &err));
	assert_true(http_send(http, &request, count_answer, &answers, &err));
	http_forget(http, &other);
	assert_int_equal(http_pending(http), 2);
	while (answers == 0)
		assert_true(http_step(http, 1000, &err));
	assert_int_equal(http_pending(http), 1);
	http_free(http); // the last one is dropped
}

struct chain {
	struct http *http;
	struct http_request request;
	unsigned left;
	int victim;
};

static void next_of_chain(void *context, const struct http_answer *answer,
			  const struct sl_error *why)
{
	struct chain *chain = context;
	struct sl_error err = {0};

	assert_null(why);
	assert_int_equal(answer->status, 200);
	http_forget(chain->http, &chain->victim);
	if (--chain->left > 0)
		assert_true(http_send(chain->http, &chain->request, next_of_chain, chain, &err));
}

static void an_answer_may_send_and_forget(void **state)
{
	struct http_options options = server_haste();
	sl_auto_free char *url = sl_format("http://127.0.0.1:%u/chain/x", server.port);
	struct chain chain = {.http = server_pool(&options), .request = {.url = url}, .left = 5};
	struct sl_error err = {0};

	(void)state;
	server_script(&server, "chain", "[{}]");
	assert_true(http_send(chain.http, &chain.request, next_of_chain, &chain, &err));
	for (int i = 0; i < 3; i++)
		assert_true(http_send(chain.http,
				      &(struct http_request){.url = "http://127.0.0.1:1/"},
				      must_not_be_called, &chain.victim, &err));
	http_forget(chain.http, &chain.victim);
	while (http_pending(chain.http) > 0)
		assert_true(http_step(chain.http, 1000, &err));
	assert_int_equal(chain.left, 0);
	http_free(chain.http);
}

static void t83_the_bucket_holds_back_what_is_too_much(void **state)
{
	struct http_options options = server_haste();
	struct sl_error err = {0};
	size_t answers = 0;

	(void)state;
	options.burst = 3;
	options.period_ms = 3600 * 1000;
	struct http *http = server_pool(&options);
	sl_auto_free char *url = sl_format("http://127.0.0.1:%u/burst/x", server.port);
	server_script(&server, "burst", "[{}]");
	for (int i = 0; i < 5; i++)
		assert_true(http_send(http, &(struct http_request){.url = url}, count_answer,
				      &answers, &err));
	while (answers < 3)
		assert_true(http_step(http, 1000, &err));
	assert_true(http_step(http, 0, &err));
	assert_int_equal(http_pending(http), 2);
	assert_int_equal(server_count(&server, "burst"), 3);
	http_free(http);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_carries_token_and_names_us),
		cmocka_unit_test(a_body_of_megabytes_arrives_whole),
		cmocka_unit_test(verbs_headers_and_passwords_go_as_they_are),
		cmocka_unit_test(t87_a_token_cannot_carry_further_headers),
		cmocka_unit_test(a_question_is_asked_again_until_it_is_answered),
		cmocka_unit_test(a_question_is_not_asked_for_ever),
		cmocka_unit_test(t81_what_must_not_happen_twice_is_sent_once),
		cmocka_unit_test(t81_a_connection_that_was_used_before_repeats_nothing),
		cmocka_unit_test(questions_share_a_connection),
		cmocka_unit_test(t81_nothing_is_sent_where_nobody_listens),
		cmocka_unit_test(t81_half_a_body_is_not_a_request),
		cmocka_unit_test(a_refusal_that_comes_early_is_heard),
		cmocka_unit_test(t83_a_429_is_waited_out_for_what_must_not_happen_twice),
		cmocka_unit_test(t83_a_429_longer_than_our_patience_is_an_answer),
		cmocka_unit_test(a_429_of_once_is_an_answer),
		cmocka_unit_test(t78_many_requests_all_get_their_answer),
		cmocka_unit_test(t83_endless_answers_are_cut),
		cmocka_unit_test(an_answer_may_be_as_long_as_its_limit),
		cmocka_unit_test(t79_silence_ends),
		cmocka_unit_test(t79_dripping_ends_too),
		cmocka_unit_test(t75_bytes_after_the_answer_are_not_part_of_it),
		cmocka_unit_test(an_answer_without_length_ends_with_its_connection),
		cmocka_unit_test(what_comes_before_the_answer_is_not_it),
		cmocka_unit_test(t49_a_redirect_is_an_answer_and_nobody_follows_it),
		cmocka_unit_test(t87_an_answer_that_repeats_the_secret_loses_it),
		cmocka_unit_test(t49_nothing_for_this_machine_goes_through_a_proxy),
		cmocka_unit_test(t87_a_proxy_that_refuses_is_named_without_its_password),
		cmocka_unit_test(what_is_forgotten_is_never_heard_of),
		cmocka_unit_test(an_answer_may_send_and_forget),
		cmocka_unit_test(t83_the_bucket_holds_back_what_is_too_much),
	};

	return cmocka_run_group_tests(tests, up, down);
}
