// SPDX-License-Identifier: Apache-2.0
// Submits: what they weigh, how payloads are written, and which answers name their tasks.
#include "tests/uploader/compute/bench.h"
#include "uploader/wire/wire.h"

static struct sl_buf payload_of(const char *text)
{
	struct sl_buf payload;

	sl_buf_init(&payload, 64 * SL_MIB);
	sl_buf_adds(&payload, text);
	return payload;
}

static json_t *body_seen(struct bench *bench, size_t *len_out)
{
	sl_auto_json json_t *log = server_log(&bench->server, "api");
	const json_t *body = json_object_get(json_array_get(log, 0), "body");

	*len_out = json_string_length(body);
	return json_loads(json_string_value(body), JSON_REJECT_DUPLICATES, NULL);
}

static void submit_and_wait(struct bench *bench, const struct compute_submit *submit,
			    const struct sl_buf *payloads, size_t count, const char *steps,
			    struct compute_wait *wait)
{
	struct sl_buf taken[2] = {0};

	*wait = (struct compute_wait){0};
	bench_begin(bench, steps, 1);
	for (size_t i = 0; i < count; i++) {
		sl_buf_init(&taken[i], 64 * SL_MIB);
		sl_buf_add(&taken[i], payloads[i].data, payloads[i].len);
	}
	compute_submit(bench->compute, submit, taken, count, compute_wait_done, wait);
	for (size_t i = 0; i < count; i++)
		assert_null(taken[i].data);
	bench_wait(bench, wait);
	bench_end(bench);
}

static void every_character_comes_back_as_it_was_and_is_counted(void **state)
{
	char text[128];
	struct sl_buf payloads[2];
	struct bench *bench = *state;
	struct compute_wait wait;
	struct compute_submit submit = {ENDPOINT, FUNCTION, NULL, GROUP, true};
	sl_auto_json json_t *config =
		json_pack("{s:s, s:{s:[i,b,n]}}", "image", "/a\"b\\\xc3\xa9", "deep", "x", 7, 1);
	size_t len;

	for (int c = 1; c < 128; c++)
		text[c - 1] = (char)c;
	text[127] = '\0';
	payloads[0] = payload_of(text);
	payloads[1] = payload_of("");
	submit.user_endpoint_config = config;
	sl_auto_free char *steps = sl_format("[%s]", route_good(ROUTE_SUBMIT));
	submit_and_wait(bench, &submit, payloads, 2, steps, &wait);
	assert_non_null(wait.answer);
	sl_auto_json json_t *body = body_seen(bench, &len);
	assert_non_null(body);
	const json_t *sent = json_object_get(json_object_get(body, "tasks"), FUNCTION);
	assert_string_equal(json_string_value(json_array_get(sent, 0)), text);
	assert_string_equal(json_string_value(json_array_get(sent, 1)), "");
	assert_true(json_equal(json_object_get(body, "user_endpoint_config"), config));
	assert_string_equal(json_string_value(json_object_get(body, "task_group_id")), GROUP);
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(body, "result_serializers"), 0)),
		"globus_compute_sdk.serialize.JSONData");
	assert_true(json_is_false(json_object_get(body, "create_queue")));
	assert_int_equal(json_object_size(body), 5);
	assert_int_equal(len, compute_submit_size(&submit, payloads, 2));
	assert_int_equal(len, compute_submit_size(&submit, payloads, 1) +
				      compute_payload_size(&payloads[1]));
	compute_wait_release(&wait);
	sl_buf_release(&payloads[0]);
	sl_buf_release(&payloads[1]);
}

static void t83_a_submit_may_weigh_ten_million_bytes_and_not_one_more(void **state)
{
	struct bench *bench = *state;
	struct compute_submit submit = {.endpoint = ENDPOINT, .function = FUNCTION};
	struct sl_buf payload = payload_of("");
	struct compute_wait wait;
	size_t len, frame = compute_submit_size(&submit, &payload, 1);
	sl_auto_free char *steps = sl_format(
		"[{\"body\":\"{\\\"request_id\\\":\\\"" REQUEST
		"\\\",\\\"task_group_id\\\":\\\"" GROUP "\\\",\\\"endpoint_id\\\":\\\"" ENDPOINT
		"\\\",\\\"tasks\\\":{\\\"" FUNCTION "\\\":[\\\"" TASK_A "\\\"]}}\"}]");

	while (payload.len < WIRE_LIMIT_SUBMIT - frame)
		sl_buf_addc(&payload, 'x');
	submit_and_wait(bench, &submit, &payload, 1, steps, &wait);
	assert_non_null(wait.answer);
	compute_wait_release(&wait);
	json_decref(body_seen(bench, &len));
	assert_int_equal(len, WIRE_LIMIT_SUBMIT);
	sl_buf_addc(&payload, 'x');
	submit_and_wait(bench, &submit, &payload, 1, steps, &wait);
	assert_int_equal(wait.failure.error.kind, SL_E_LIMIT);
	assert_non_null(strstr(wait.failure.error.text, "10000001 bytes"));
	assert_false(wait.failure.unknown);
	assert_int_equal(wait.failure.status, 0);
	assert_int_equal(server_count(&bench->server, "api"), 0);
	compute_wait_release(&wait);
	sl_buf_release(&payload);
}

static void a_function_has_the_same_limit(void **state)
{
	struct bench *bench = *state;
	struct sl_buf code = payload_of("");
	struct compute_wait wait = {0};

	while (code.len < WIRE_LIMIT_SUBMIT)
		sl_buf_addc(&code, 'x');
	struct compute_function function = {
		.name = "f", .code = code.data, .serde_identifier = "st"};
	bench_begin(bench, "[{}]", 1);
	compute_register(bench->compute, &function, compute_wait_done, &wait);
	bench_wait(bench, &wait);
	bench_end(bench);
	assert_int_equal(wait.failure.error.kind, SL_E_LIMIT);
	assert_int_equal(server_count(&bench->server, "api"), 0);
	compute_wait_release(&wait);
	sl_buf_release(&code);
}

static void payloads_are_ascii_and_there_are_some(void **state)
{
	struct bench *bench = *state;
	struct compute_submit submit = {.endpoint = ENDPOINT, .function = FUNCTION};
	struct sl_buf payload = payload_of("\xc3\xa9");
	struct compute_wait wait;

	submit_and_wait(bench, &submit, &payload, 1, "[{}]", &wait);
	assert_int_equal(wait.failure.error.kind, SL_E_INTERNAL);
	compute_wait_release(&wait);
	submit_and_wait(bench, &submit, &payload, 0, "[{}]", &wait);
	assert_int_equal(wait.failure.error.kind, SL_E_INTERNAL);
	compute_wait_release(&wait);
	assert_int_equal(server_count(&bench->server, "api"), 0);
	sl_buf_release(&payload);
}

static char *answer_with(const char *endpoint, const char *tasks)
{
	sl_auto_json json_t *step = json_object();
	sl_auto_free char *body =
		sl_format("{\"request_id\":\"" REQUEST "\",\"task_group_id\":\"" GROUP
			  "\",\"endpoint_id\":\"%s\",\"tasks\":%s}",
			  endpoint, tasks);

	sl_json_set_string(step, "body", body);
	return json_dumps(step, 0);
}

// Whatever is wrong with it: the tasks may run.
static void t81_an_answer_that_does_not_name_the_tasks_leaves_it_open(void **state)
{
	static const char *const tasks[] = {
		"{}",
		"[]",
		"null",
		"{\"" FUNCTION "\":[]}",
		"{\"" FUNCTION "\":[\"" TASK_A "\"]}",
		"{\"" FUNCTION "\":[\"" TASK_A "\",\"" TASK_A "\"]}",
		"{\"" FUNCTION "\":[\"" TASK_A "\",\"x\"]}",
		"{\"" FUNCTION "\":[\"" TASK_A "\",\"" TASK_B "\",\"" REQUEST "\"]}",
		"{\"" FUNCTION "\":{\"" TASK_A "\":1}}",
		"{\"" REQUEST "\":[\"" TASK_A "\",\"" TASK_B "\"]}",
		"{\"" FUNCTION "\":[\"" TASK_A "\",\"" TASK_B "\"],\"" REQUEST "\":[]}",
	};

	for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
		struct compute_wait wait;
		sl_auto_free char *step = answer_with(ENDPOINT, tasks[i]);
		bench_route(*state, ROUTE_SUBMIT, step, false, 1, &wait);
		if (wait.answer || wait.failure.error.kind != SL_E_FORMAT || !wait.failure.unknown)
			fail_msg("%s: %s", tasks[i], wait.failure.error.text);
		compute_wait_release(&wait);
	}
}

static void the_endpoint_that_is_used_may_be_another_than_the_one_that_was_named(void **state)
{
	struct compute_wait wait;
	sl_auto_free char *step =
		answer_with(REQUEST, "{\"" FUNCTION "\":[\"" TASK_B "\",\"" TASK_A "\"]}");

	bench_route(*state, ROUTE_SUBMIT, step, false, 1, &wait);
	assert_non_null(wait.answer);
	const json_t *ids = json_object_get(json_object_get(wait.answer, "tasks"), FUNCTION);
	assert_string_equal(json_string_value(json_array_get(ids, 0)), TASK_B);
	assert_string_equal(json_string_value(json_array_get(ids, 1)), TASK_A);
	compute_wait_release(&wait);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_character_comes_back_as_it_was_and_is_counted),
		cmocka_unit_test(t83_a_submit_may_weigh_ten_million_bytes_and_not_one_more),
		cmocka_unit_test(a_function_has_the_same_limit),
		cmocka_unit_test(payloads_are_ascii_and_there_are_some),
		cmocka_unit_test(t81_an_answer_that_does_not_name_the_tasks_leaves_it_open),
		cmocka_unit_test(
			the_endpoint_that_is_used_may_be_another_than_the_one_that_was_named),
	};

	return cmocka_run_group_tests(tests, bench_up, bench_down);
}
