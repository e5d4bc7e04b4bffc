// SPDX-License-Identifier: Apache-2.0
// Every call against a service and a network that misbehave.
#include "tests/uploader/compute/bench.h"

static void assert_failed(const struct compute_wait *wait, int route, enum sl_kind kind,
			  bool unknown)
{
	if (wait->answer || wait->failure.error.kind != kind || wait->failure.unknown != unknown)
		fail_msg("route %d: kind %s, unknown %d: %s", route,
			 sl_kind_name(wait->failure.error.kind), wait->failure.unknown,
			 wait->failure.error.text);
}

// ---- lost answers --------------------------------------------------------------------------

static const char *const losses[] = {
	"{\"drop\":\"after\"}",
	"{\"cut\":1,\"body\":\"{'a': 1}\"}",
	"{\"length\":9000}",
	"{\"status\":500}",
	"{\"status\":502,\"body\":\"<html>\"}",
	"{\"status\":503,\"headers\":[[\"Retry-After\",\"0\"]]}",
	"{\"status\":504}",
};

static void t81_an_effect_whose_answer_is_lost_is_unknown_and_never_repeated(void **state)
{
	struct bench *bench = *state;

	for (int route = 0; route < ROUTES; route++)
		for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
			struct compute_wait wait;
			if (!route_is_effect(route))
				continue;
			bench_route(bench, route, losses[i], true, 1, &wait);
			assert_failed(&wait, route, SL_E_NETWORK, true);
			assert_int_equal(server_count(&bench->server, "api"), 1);
			compute_wait_release(&wait);
		}
}

// Also batch_status, whose answers are gone once they were sent: asking again is all one can do.
static void t82_a_question_whose_answer_is_lost_is_asked_again(void **state)
{
	struct bench *bench = *state;

	for (int route = 0; route < ROUTES; route++)
		for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
			struct compute_wait wait;
			if (route_is_effect(route))
				continue;
			bench_route(bench, route, losses[i], true, 1, &wait);
			if (!wait.answer)
				fail_msg("route %d: %s", route, wait.failure.error.text);
			assert_int_equal(server_count(&bench->server, "api"), 2);
			compute_wait_release(&wait);
		}
}

static void a_question_that_nobody_answers_is_no_effect(void **state)
{
	for (int route = 0; route < ROUTES; route++) {
		struct compute_wait wait;
		if (route_is_effect(route))
			continue;
		bench_route(*state, route, "{\"drop\":\"after\"}", false, 1, &wait);
		assert_failed(&wait, route, SL_E_NETWORK, false);
		assert_int_equal(wait.failure.status, 0);
		compute_wait_release(&wait);
	}
}

static void t79_a_service_that_says_nothing_is_given_up(void **state)
{
	struct compute_wait wait;

	bench_route(*state, ROUTE_CONTAINER, "{\"silent\":true}", false, 1, &wait);
	assert_failed(&wait, ROUTE_CONTAINER, SL_E_NETWORK, true);
	assert_non_null(strstr(wait.failure.error.text, "nothing moved"));
	compute_wait_release(&wait);
}

static void t81_what_never_left_is_not_unknown(void **state)
{
	struct bench *bench = *state;
	struct auth_places places = {.compute = (char[]){"http://127.0.0.1:1"}};
	struct http_options options = server_haste();

	bench_begin(bench, "[{}]", 1);
	compute_free(bench->compute);
	http_free(bench->http);
	bench->http = server_pool(&options);
	struct sl_error err = {0};
	assert_true(compute_new(&places, NULL, bench->http, &bench->compute, &err));
	for (int route = 0; route < ROUTES; route++) {
		struct compute_wait wait = {0};
		route_call(bench->compute, route, compute_wait_done, &wait);
		bench_wait(bench, &wait);
		assert_failed(&wait, route, SL_E_NETWORK, false);
		assert_non_null(strstr(wait.failure.error.text, "cannot reach '127.0.0.1:1'"));
		compute_wait_release(&wait);
	}
	bench_end(bench);
}

static void t49_nothing_is_sent_unencrypted_to_another_machine(void **state)
{
	struct bench *bench = *state;
	struct auth_places places = {.compute = (char[]){"http://compute.example.org"}};
	struct compute_wait wait = {0};
	struct sl_error err = {0};

	bench_begin(bench, "[{}]", 1);
	compute_free(bench->compute);
	assert_true(compute_new(&places, NULL, bench->http, &bench->compute, &err));
	route_call(bench->compute, ROUTE_SUBMIT, compute_wait_done, &wait);
	bench_wait(bench, &wait);
	assert_failed(&wait, ROUTE_SUBMIT, SL_E_INPUT, false);
	assert_non_null(strstr(wait.failure.error.text, "unencrypted"));
	compute_wait_release(&wait);
	bench_end(bench);
}

// ---- refusals ------------------------------------------------------------------------------

static void refusals_have_the_kind_of_their_status_and_the_words_of_the_service(void **state)
{
	static const struct {
		long status;
		enum sl_kind kind;
	} rows[] = {{302, SL_E_NETWORK}, {400, SL_E_INPUT}, {403, SL_E_UNTRUSTED},
		    {404, SL_E_INPUT},	 {405, SL_E_INPUT}, {409, SL_E_INPUT},
		    {410, SL_E_INPUT},	 {413, SL_E_LIMIT}, {422, SL_E_INPUT},
		    {423, SL_E_INPUT},	 {418, SL_E_INPUT}};
	struct bench *bench = *state;

	for (int route = 0; route < ROUTES; route++)
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
			struct compute_wait wait;
			sl_auto_free char *step = sl_format(
				"{\"status\":%ld,\"body\":\"{\\\"status\\\":\\\"Failed\\\","
				"\\\"code\\\":\\\"SOME_CODE\\\",\\\"reason\\\":\\\"its "
				"words\\\"}\"}",
				rows[i].status);
			bench_route(bench, route, step, true, 1, &wait);
			assert_failed(&wait, route, rows[i].kind, false);
			assert_int_equal(wait.failure.status, rows[i].status);
			sl_auto_free char *number =
				sl_format("HTTP %ld, SOME_CODE): its words", rows[i].status);
			assert_non_null(strstr(wait.failure.error.text, number));
			assert_int_equal(server_count(&bench->server, "api"), 1);
			compute_wait_release(&wait);
		}
}

static void t83_a_429_is_waited_out_for_every_call(void **state)
{
	struct bench *bench = *state;

	for (int route = 0; route < ROUTES; route++) {
		struct compute_wait wait;
		bench_route(
			bench, route,
			"{\"status\":429},{\"status\":429,\"headers\":[[\"Retry-After\",\"0\"]]}",
			true, 1, &wait);
		if (!wait.answer)
			fail_msg("route %d: %s", route, wait.failure.error.text);
		assert_int_equal(server_count(&bench->server, "api"), 3);
		compute_wait_release(&wait);
	}
}

static void t83_a_429_for_hours_is_a_failure_and_not_unknown(void **state)
{
	for (int route = 0; route < ROUTES; route++) {
		struct compute_wait wait;
		bench_route(*state, route,
			    "{\"status\":429,\"headers\":[[\"Retry-After\",\"7200\"]]}", false, 1,
			    &wait);
		assert_failed(&wait, route, SL_E_NETWORK, false);
		assert_int_equal(wait.failure.status, 429);
		assert_non_null(wait.failure.remedy);
		compute_wait_release(&wait);
	}
}

static void t83_an_endless_answer_is_cut(void **state)
{
	struct compute_wait wait;

	bench_route(*state, ROUTE_STATUS, "{\"endless\":\"headers\"}", false, 1, &wait);
	assert_failed(&wait, ROUTE_STATUS, SL_E_LIMIT, false);
	compute_wait_release(&wait);
	bench_route(*state, ROUTE_SUBMIT, "{\"endless\":\"body\"}", false, 1, &wait);
	assert_failed(&wait, ROUTE_SUBMIT, SL_E_LIMIT, true);
	compute_wait_release(&wait);
}

// ---- logins --------------------------------------------------------------------------------

static void a_401_gets_another_token_and_is_sent_once_more(void **state)
{
	struct bench *bench = *state;

	for (int route = 0; route < ROUTES; route++) {
		struct compute_wait wait;
		bench_route(bench, route, "{\"status\":401}", true, 2, &wait);
		if (!wait.answer)
			fail_msg("route %d: %s", route, wait.failure.error.text);
		sl_auto_json json_t *log = server_log(&bench->server, "api");
		assert_int_equal(json_array_size(log), 2);
		const json_t *headers = json_object_get(json_array_get(log, 1), "headers");
		assert_string_equal(json_string_value(json_object_get(headers, "authorization")),
				    "Bearer " CANARY "-1");
		assert_true(json_equal(json_object_get(json_array_get(log, 0), "body"),
				       json_object_get(json_array_get(log, 1), "body")));
		assert_int_equal(login.refused, 1);
		compute_wait_release(&wait);
	}
}

static void a_401_for_the_new_token_too_is_the_end(void **state)
{
	struct bench *bench = *state;

	for (int route = 0; route < ROUTES; route++) {
		struct compute_wait wait;
		bench_route(bench, route, "{\"status\":401}", false, 9, &wait);
		assert_failed(&wait, route, SL_E_NETWORK, false);
		assert_int_equal(wait.failure.status, 401);
		assert_non_null(strstr(wait.failure.remedy, "sealift-upload login"));
		assert_int_equal(server_count(&bench->server, "api"), 2);
		compute_wait_release(&wait);
	}
}

static void without_another_token_it_is_not_sent_again(void **state)
{
	struct bench *bench = *state;
	struct compute_wait wait;

	bench_route(bench, ROUTE_SUBMIT, "{\"status\":401}", true, 1, &wait);
	assert_failed(&wait, ROUTE_SUBMIT, SL_E_NETWORK, false);
	assert_int_equal(wait.failure.status, 401);
	assert_non_null(strstr(wait.failure.error.text, "the login was refused"));
	assert_int_equal(server_count(&bench->server, "api"), 1);
	compute_wait_release(&wait);
}

static void without_a_login_nothing_is_sent(void **state)
{
	struct bench *bench = *state;
	struct compute_wait wait;

	bench_route(bench, ROUTE_SUBMIT, "", true, 0, &wait);
	assert_failed(&wait, ROUTE_SUBMIT, SL_E_NETWORK, false);
	assert_non_null(strstr(wait.failure.error.text, "nobody is logged in"));
	assert_int_equal(server_count(&bench->server, "api"), 0);
	compute_wait_release(&wait);
}

// All were sent with the same token: it is reported once, or the new one would be thrown away.
static void many_401_for_one_token_report_it_once(void **state)
{
	struct bench *bench = *state;
	struct compute_wait waits[8] = {0};
	static const char steps[] =
		"[{\"only\":\"Bearer " CANARY "-1\",\"body\":\"{\\\"status\\\":\\\"online\\\"}\"}]";

	bench_begin(bench, steps, 3);
	for (size_t i = 0; i < 8; i++)
		compute_status(bench->compute, ENDPOINT, compute_wait_done, &waits[i]);
	for (size_t i = 0; i < 8; i++) {
		bench_wait(bench, &waits[i]);
		assert_non_null(waits[i].answer);
		compute_wait_release(&waits[i]);
	}
	bench_end(bench);
	assert_int_equal(login.refused, 1);
	assert_int_equal(server_count(&bench->server, "api"), 16);
}

static void a_demand_for_another_login_is_shown_and_not_answered_with_a_token(void **state)
{
	static const long statuses[] = {401, 403};
	struct bench *bench = *state;

	for (size_t i = 0; i < 2; i++) {
		struct compute_wait wait;
		sl_auto_free char *step = sl_format(
			"{\"status\":%ld,\"body\":\"{\\\"code\\\":\\\"AuthorizationRequired\\\","
			"\\\"authorization_parameters\\\":{\\\"session_message\\\":\\\"come with "
			"two factors\\\"}}\"}",
			statuses[i]);
		bench_route(bench, ROUTE_SUBMIT, step, true, 5, &wait);
		assert_failed(&wait, ROUTE_SUBMIT, i == 0 ? SL_E_NETWORK : SL_E_UNTRUSTED, false);
		assert_non_null(strstr(wait.failure.error.text, "come with two factors"));
		assert_non_null(strstr(wait.failure.remedy, "sealift-upload login"));
		assert_int_equal(server_count(&bench->server, "api"), 1);
		assert_int_equal(login.refused, 0);
		compute_wait_release(&wait);
	}
}

// ---- secrets -------------------------------------------------------------------------------

// The server repeats what it was sent in every text that a person may get to see; bench_wait()
// looks for the token in all that comes out.
static void t87_a_service_that_repeats_the_token_gets_it_into_no_message(void **state)
{
	static const long statuses[] = {200, 302, 400, 403, 404, 413, 422, 429, 500};
	static const char *const shapes[] = {
		"{\\\"detail\\\":\\\"bad " CANARY "-0\\\",\\\"code\\\":\\\"" CANARY "-0\\\"}",
		"{\\\"detail\\\":[{\\\"loc\\\":[\\\"" CANARY "-0\\\"],\\\"msg\\\":\\\"" CANARY
		"-0\\\"}]}",
		"{\\\"error\\\":\\\"" CANARY "-0\\\"}",
		"{\\\"errors\\\":[{\\\"title\\\":\\\"" CANARY "-0\\\"}]}",
		"{\\\"uuid\\\":\\\"" CANARY "-0\\\",\\\"results\\\":{\\\"" CANARY "-0\\\":1}}",
		"plain " CANARY "-0 text",
		"{\\\"" CANARY "-0\\\":1,\\\"" CANARY "-0\\\":1}",
	};

	for (int route = 0; route < ROUTES; route++)
		for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
			for (size_t j = 0; j < sizeof shapes / sizeof *shapes; j++) {
				struct compute_wait wait;
				sl_auto_free char *step = sl_format(
					"{\"status\":%ld,\"headers\":[[\"Retry-After\",\"9999\"],"
					"[\"Location\",\"/" CANARY "-0\"]],\"body\":\"%s\"}",
					statuses[i], shapes[j]);
				bench_route(*state, route, step, false, 1, &wait);
				compute_wait_release(&wait);
			}
}

// ---- dropping ------------------------------------------------------------------------------

static void must_not_be_called(void *context, const json_t *answer,
			       const struct compute_failure *failure)
{
	(void)context;
	(void)answer;
	(void)failure;
	fail();
}

// At a place of its own: the server may read what was dropped when the next test has begun.
static void calls_that_are_dropped_are_not_called_back(void **state)
{
	struct bench *bench = *state;
	struct sl_error err = {0};
	int one, other;

	bench_begin_at(bench, "dropped", "[{\"silent\":true}]", 1);
	for (int route = 0; route < ROUTES; route++)
		route_call(bench->compute, route, must_not_be_called, route % 2 ? &one : &other);
	while (server_count(&bench->server, "dropped") < 4)
		assert_true(compute_step(bench->compute, 1, &err));
	compute_forget(bench->compute, &one);
	assert_int_equal(compute_pending(bench->compute), ROUTES / 2);
	compute_forget(bench->compute, &other);
	bench_end(bench);
	bench_begin_at(bench, "dropped", "[{\"silent\":true}]", 1);
	route_call(bench->compute, ROUTE_SUBMIT, must_not_be_called, NULL);
	assert_true(compute_step(bench->compute, 1, &err));
	compute_free(bench->compute); // also with calls under way
	assert_int_equal(http_pending(bench->http), 0);
	http_free(bench->http);
}

struct chain {
	struct compute *compute;
	size_t heard;
	int victim;
};

// Both are over in the same step; the first one drops the second.
static void drop_victim(void *context, const json_t *answer, const struct compute_failure *failure)
{
	struct chain *chain = context;

	assert_null(answer);
	assert_int_equal(failure->error.kind, SL_E_INPUT);
	compute_forget(chain->compute, &chain->victim);
	if (++chain->heard < 3) {
		compute_status(chain->compute, "no id", drop_victim, chain);
		compute_status(chain->compute, "no id", must_not_be_called, &chain->victim);
	}
}

static void a_callback_may_call_and_drop(void **state)
{
	struct bench *bench = *state;
	struct sl_error err = {0};

	bench_begin(bench, "[{}]", 1);
	struct chain chain = {.compute = bench->compute};
	compute_status(chain.compute, "no id", drop_victim, &chain);
	compute_status(chain.compute, "no id", must_not_be_called, &chain.victim);
	while (compute_pending(chain.compute) > 0)
		assert_true(compute_step(chain.compute, 1000, &err));
	assert_int_equal(chain.heard, 3);
	bench_end(bench);
}

static void count_one(void *context, const json_t *answer, const struct compute_failure *failure)
{
	assert_non_null(answer);
	assert_null(failure);
	++*(size_t *)context;
}

static void t78_many_calls_at_once_are_all_answered(void **state)
{
	struct bench *bench = *state;
	struct sl_error err = {0};
	size_t heard = 0;
	sl_auto_free char *steps = sl_format(
		"[{\"status\":500},{\"drop\":\"after\"},{\"status\":429},{\"status\":401},%s]",
		route_good(ROUTE_STATUS));

	bench_begin(bench, steps, 2);
	for (int i = 0; i < 100; i++)
		compute_status(bench->compute, ENDPOINT, count_one, &heard);
	while (compute_pending(bench->compute) > 0)
		assert_true(compute_step(bench->compute, 1000, &err));
	assert_int_equal(heard, 100);
	assert_int_equal(server_count(&bench->server, "api"), 104);
	bench_end(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t81_an_effect_whose_answer_is_lost_is_unknown_and_never_repeated),
		cmocka_unit_test(t82_a_question_whose_answer_is_lost_is_asked_again),
		cmocka_unit_test(a_question_that_nobody_answers_is_no_effect),
		cmocka_unit_test(t79_a_service_that_says_nothing_is_given_up),
		cmocka_unit_test(t81_what_never_left_is_not_unknown),
		cmocka_unit_test(t49_nothing_is_sent_unencrypted_to_another_machine),
		cmocka_unit_test(
			refusals_have_the_kind_of_their_status_and_the_words_of_the_service),
		cmocka_unit_test(t83_a_429_is_waited_out_for_every_call),
		cmocka_unit_test(t83_a_429_for_hours_is_a_failure_and_not_unknown),
		cmocka_unit_test(t83_an_endless_answer_is_cut),
		cmocka_unit_test(a_401_gets_another_token_and_is_sent_once_more),
		cmocka_unit_test(a_401_for_the_new_token_too_is_the_end),
		cmocka_unit_test(without_another_token_it_is_not_sent_again),
		cmocka_unit_test(without_a_login_nothing_is_sent),
		cmocka_unit_test(many_401_for_one_token_report_it_once),
		cmocka_unit_test(a_demand_for_another_login_is_shown_and_not_answered_with_a_token),
		cmocka_unit_test(t87_a_service_that_repeats_the_token_gets_it_into_no_message),
		cmocka_unit_test(calls_that_are_dropped_are_not_called_back),
		cmocka_unit_test(a_callback_may_call_and_drop),
		cmocka_unit_test(t78_many_calls_at_once_are_all_answered),
	};

	return cmocka_run_group_tests(tests, bench_up, bench_down);
}
