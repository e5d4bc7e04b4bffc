// SPDX-License-Identifier: Apache-2.0
// A login that counts what is asked of it, in place of the real one, and calls against server.py.
#ifndef TESTS_UPLOADER_COMPUTE_BENCH_H
#define TESTS_UPLOADER_COMPUTE_BENCH_H

#include "tests/uploader/http/server.h"
#include "uploader/compute/compute.h"

#define CANARY	 "canary-that-nobody-may-see"
#define ENDPOINT "11111111-1111-4111-8111-111111111111"
#define FUNCTION "22222222-2222-4222-8222-222222222222"
#define GROUP	 "33333333-3333-4333-8333-333333333333"
#define TASK_A	 "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
#define TASK_B	 "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
#define REQUEST	 "99999999-9999-4999-8999-999999999999"

// ---- the login -----------------------------------------------------------------------------

static struct {
	unsigned refused; // times, each with a new token after it
	unsigned tokens;  // how many there are at most
	char token[80];
} login;

bool auth_token(struct auth *auth, const char **token_out, struct sl_error *err)
{
	(void)auth;
	if (login.refused >= login.tokens)
		return sl_fail(err, SL_E_NETWORK, "nobody is logged in: sealift-upload login");
	snprintf(login.token, sizeof login.token, CANARY "-%u", login.refused);
	*token_out = login.token;
	return true;
}

bool auth_refused(struct auth *auth, struct sl_error *err)
{
	(void)auth;
	return ++login.refused < login.tokens ||
	       sl_fail(err, SL_E_NETWORK, "the login was refused: sealift-upload login");
}

enum auth_kind auth_kind(const struct auth *auth)
{
	(void)auth;
	return AUTH_OWN;
}

const char *auth_kind_name(enum auth_kind kind)
{
	return kind == AUTH_CLIENT ? "client credentials" : "token file";
}

bool auth_demand_read(const json_t *body, struct auth_demand *out)
{
	const json_t *asked = json_object_get(body, "authorization_parameters");
	const char *message = json_string_value(json_object_get(asked, "session_message"));

	*out = (struct auth_demand){.message = message ? sl_strdup(message) : NULL};
	return asked != NULL;
}

void auth_demand_release(struct auth_demand *demand)
{
	free(demand->message);
}

char *auth_demand_describe(const struct auth_demand *demand)
{
	return sl_strdup(demand->message ? demand->message : "more");
}

// ---- the calls -----------------------------------------------------------------------------

struct bench {
	struct server server;
	struct http *http;
	struct compute *compute;
	char *name; // of the script that calls meet
};

static inline int bench_up(void **state)
{
	struct bench *bench = *state = sl_alloc(sizeof *bench);

	server_start(&bench->server, NULL, NULL);
	return 0;
}

static inline int bench_down(void **state)
{
	struct bench *bench = *state;

	server_stop(&bench->server);
	free(bench);
	return 0;
}

// A client that meets these steps at the server's /NAME, with `tokens` logins.
static inline void bench_begin_at(struct bench *bench, const char *name, const char *steps,
				  unsigned tokens)
{
	struct http_options options = server_haste();
	struct sl_error err = {0};
	sl_auto_free char *address = sl_format("http://127.0.0.1:%u/%s", bench->server.port, name);
	struct auth_places places = {.compute = address};

	server_script(&bench->server, name, steps);
	memset(&login, 0, sizeof login);
	login.tokens = tokens;
	options.timeout = 2;
	bench->http = server_pool(&options);
	assert_true(compute_new(&places, NULL, bench->http, &bench->compute, &err));
}

static inline void bench_begin(struct bench *bench, const char *steps, unsigned tokens)
{
	bench_begin_at(bench, "api", steps, tokens);
}

static inline void bench_end(struct bench *bench)
{
	assert_int_equal(compute_pending(bench->compute), 0);
	assert_int_equal(http_pending(bench->http), 0);
	compute_free(bench->compute);
	http_free(bench->http);
}

static inline void assert_no_secret(const char *text)
{
	if (text && strstr(text, CANARY))
		fail_msg("a token got out: %s", text);
}

static inline void bench_wait(struct bench *bench, struct compute_wait *wait)
{
	struct sl_error err = {0};
	bool good = compute_wait_for(bench->compute, wait, &err);

	assert_true(wait->over);
	assert_int_equal(good, wait->answer != NULL);
	assert_int_equal(good, wait->failure.error.kind == SL_E_NONE);
	assert_string_equal(err.text, wait->failure.error.text);
	assert_no_secret(wait->failure.error.text);
	assert_no_secret(wait->failure.remedy);
	sl_auto_free char *answer = json_dumps(wait->answer, 0);
	assert_no_secret(answer);
}

// ---- every call there is -------------------------------------------------------------------

enum route {
	ROUTE_ENDPOINT,
	ROUTE_STATUS,
	ROUTE_ALLOWED,
	ROUTE_REGISTER,
	ROUTE_SUBMIT,
	ROUTE_BATCH,
	ROUTE_GROUP,
	ROUTE_CONTAINER,
	ROUTES,
};

static inline bool route_is_effect(int route)
{
	return route == ROUTE_REGISTER || route == ROUTE_SUBMIT || route == ROUTE_CONTAINER;
}

// A body that is a good answer, as a step of the server.
static inline const char *route_good(int route)
{
#define STEP(body) "{\"body\":\"" body "\"}"
	static const char *const good[] = {
		[ROUTE_ENDPOINT] = STEP("{\\\"uuid\\\":\\\"" ENDPOINT "\\\"}"),
		[ROUTE_STATUS] = STEP("{\\\"status\\\":\\\"online\\\"}"),
		[ROUTE_ALLOWED] =
			STEP("{\\\"restricted\\\":true,\\\"functions\\\":[\\\"" FUNCTION "\\\"]}"),
		[ROUTE_REGISTER] = STEP("{\\\"function_uuid\\\":\\\"" FUNCTION "\\\"}"),
		[ROUTE_SUBMIT] = STEP(
			"{\\\"request_id\\\":\\\"" REQUEST "\\\",\\\"task_group_id\\\":\\\"" GROUP
			"\\\",\\\"endpoint_id\\\":\\\"" ENDPOINT "\\\",\\\"tasks\\\":{\\\"" FUNCTION
			"\\\":[\\\"" TASK_A "\\\",\\\"" TASK_B "\\\"]}}"),
		[ROUTE_BATCH] =
			STEP("{\\\"results\\\":{\\\"" TASK_A
			     "\\\":{\\\"status\\\":\\\"success\\\",\\\"result\\\":\\\"r\\\"}}}"),
		[ROUTE_GROUP] = STEP("{\\\"tasks\\\":[{\\\"id\\\":\\\"" TASK_A "\\\"}]}"),
		[ROUTE_CONTAINER] = STEP("{\\\"container_id\\\":\\\"" REQUEST "\\\"}"),
	};
#undef STEP
	return good[route];
}

static inline void route_submit(struct compute *compute, compute_done *done, void *context)
{
	struct compute_submit submit = {.endpoint = ENDPOINT, .function = FUNCTION};
	struct sl_buf payloads[] = {{.data = sl_strdup("2\n11"), .len = 4},
				    {.data = sl_strdup("3\nabc"), .len = 5}};

	compute_submit(compute, &submit, payloads, 2, done, context);
}

static inline void route_call(struct compute *compute, int route, compute_done *done, void *context)
{
	static const struct compute_function function = {
		.name = "f", .code = "c", .serde_identifier = "st"};
	static const char *const ids[] = {TASK_A, TASK_B};

	switch (route) {
	case ROUTE_ENDPOINT:
		compute_endpoint(compute, ENDPOINT, done, context);
		break;
	case ROUTE_STATUS:
		compute_status(compute, ENDPOINT, done, context);
		break;
	case ROUTE_ALLOWED:
		compute_allowed(compute, ENDPOINT, done, context);
		break;
	case ROUTE_REGISTER:
		compute_register(compute, &function, done, context);
		break;
	case ROUTE_SUBMIT:
		route_submit(compute, done, context);
		break;
	case ROUTE_BATCH:
		compute_batch_status(compute, ids, 2, done, context);
		break;
	case ROUTE_GROUP:
		compute_task_group(compute, GROUP, done, context);
		break;
	default:
		compute_register_container(compute, "n", "/x.sif", NULL, done, context);
	}
}

// One call against steps; the script's last step is a good answer if `then_good`.
static inline void bench_route(struct bench *bench, int route, const char *steps, bool then_good,
			       unsigned tokens, struct compute_wait *wait)
{
	sl_auto_free char *script = sl_format("[%s%s%s]", steps, then_good && steps[0] ? "," : "",
					      then_good ? route_good(route) : "");

	*wait = (struct compute_wait){0};
	bench_begin(bench, script, tokens);
	route_call(bench->compute, route, compute_wait_done, wait);
	bench_wait(bench, wait);
	bench_end(bench);
}

#endif
