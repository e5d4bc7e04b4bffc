// SPDX-License-Identifier: Apache-2.0
// What each call sends, and which answers it takes.
#include "tests/uploader/compute/bench.h"

// ---- what is sent --------------------------------------------------------------------------

struct sent {
	const char *method, *target, *body;
};

static const struct sent expected[] = {
	[ROUTE_ENDPOINT] = {"GET", "/api/v2/endpoints/" ENDPOINT, NULL},
	[ROUTE_STATUS] = {"GET", "/api/v2/endpoints/" ENDPOINT "/status", NULL},
	[ROUTE_ALLOWED] = {"GET", "/api/v3/endpoints/" ENDPOINT "/allowed_functions", NULL},
	[ROUTE_REGISTER] = {"POST", "/api/v3/functions",
			    "{\"function_name\":\"f\",\"function_code\":\"c\",\"meta\":{\"python_"
			    "version\":\"3.8.0\",\"sdk_version\":\"4.19.0\",\"serde_identifier\":"
			    "\"st\"}}"},
	[ROUTE_SUBMIT] = {"POST", "/api/v3/endpoints/" ENDPOINT "/submit",
			  "{\"create_queue\":false,\"tasks\":{\"" FUNCTION
			  "\":[\"2\\n11\",\"3\\nabc\"]}}"},
	[ROUTE_BATCH] = {"POST", "/api/v2/batch_status",
			 "{\"task_ids\":[\"" TASK_A "\",\"" TASK_B "\"]}"},
	[ROUTE_GROUP] = {"GET", "/api/v2/taskgroup/" GROUP, NULL},
	[ROUTE_CONTAINER] = {"POST", "/api/v2/containers",
			     "{\"name\":\"n\",\"location\":\"/x.sif\",\"description\":\"\","
			     "\"type\":\"singularity\"}"},
};

static void assert_sent(const json_t *seen, const struct sent *sent)
{
	const json_t *headers = json_object_get(seen, "headers");
	const char *body = json_string_value(json_object_get(seen, "body"));

	assert_string_equal(json_string_value(json_object_get(seen, "method")), sent->method);
	assert_string_equal(json_string_value(json_object_get(seen, "target")), sent->target);
	assert_string_equal(json_string_value(json_object_get(headers, "authorization")),
			    "Bearer " CANARY "-0");
	if (!sent->body) {
		assert_string_equal(body, "");
		return;
	}
	sl_auto_json json_t *is = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
	sl_auto_json json_t *should = json_loads(sent->body, 0, NULL);
	assert_non_null(should);
	if (!json_equal(is, should))
		fail_msg("%s", body);
	assert_string_equal(json_string_value(json_object_get(headers, "content-type")),
			    "application/json");
}

static void each_call_sends_what_its_route_takes(void **state)
{
	struct bench *bench = *state;

	for (int route = 0; route < ROUTES; route++) {
		struct compute_wait wait;
		bench_route(bench, route, "", true, 1, &wait);
		if (!wait.answer)
			fail_msg("%s: %s", expected[route].target, wait.failure.error.text);
		sl_auto_json json_t *log = server_log(&bench->server, "api");
		assert_int_equal(json_array_size(log), 1);
		assert_sent(json_array_get(log, 0), &expected[route]);
		compute_wait_release(&wait);
	}
}

static void a_function_may_be_open_to_all_and_described(void **state)
{
	static const struct compute_function function = {.name = "f",
							 .code = "2\nst",
							 .description = "d",
							 .serde_identifier = "04",
							 .open_to_all = true};
	struct bench *bench = *state;
	struct compute_wait wait = {0};
	sl_auto_free char *steps = sl_format("[%s]", route_good(ROUTE_REGISTER));

	bench_begin(bench, steps, 1);
	compute_register(bench->compute, &function, compute_wait_done, &wait);
	bench_wait(bench, &wait);
	bench_end(bench);
	compute_wait_release(&wait);
	sl_auto_json json_t *log = server_log(&bench->server, "api");
	const char *text = json_string_value(json_object_get(json_array_get(log, 0), "body"));
	sl_auto_json json_t *body = json_loads(text, 0, NULL);
	assert_true(json_is_true(json_object_get(body, "public")));
	assert_string_equal(json_string_value(json_object_get(body, "description")), "d");
	assert_string_equal(json_string_value(json_object_get(body, "function_code")), "2\nst");
}

// ---- ids that never get into a URL ---------------------------------------------------------

static void refuse_id(struct bench *bench, const char *id)
{
	struct compute_submit submits[] = {{.endpoint = id, .function = FUNCTION},
					   {.endpoint = ENDPOINT, .function = id},
					   {ENDPOINT, FUNCTION, NULL, id, false}};
	struct compute *compute = bench->compute;
	struct compute_wait waits[8] = {0};

	compute_endpoint(compute, id, compute_wait_done, &waits[0]);
	compute_status(compute, id, compute_wait_done, &waits[1]);
	compute_allowed(compute, id, compute_wait_done, &waits[2]);
	compute_task_group(compute, id, compute_wait_done, &waits[3]);
	compute_batch_status(compute, &id, 1, compute_wait_done, &waits[4]);
	for (size_t i = 0; i < 3; i++) {
		struct sl_buf payload = {.data = sl_strdup("x"), .len = 1};
		compute_submit(compute, &submits[i], &payload, 1, compute_wait_done, &waits[5 + i]);
	}
	for (size_t i = 0; i < 8; i++)
		assert_false(waits[i].over); // never before the next step
	for (size_t i = 0; i < 8; i++) {
		bench_wait(bench, &waits[i]);
		assert_int_equal(waits[i].failure.error.kind, SL_E_INPUT);
		assert_non_null(strstr(waits[i].failure.error.text, "UUID"));
		assert_int_equal(waits[i].failure.status, 0);
		assert_false(waits[i].failure.unknown);
		compute_wait_release(&waits[i]);
	}
}

static void t68_an_id_that_is_none_gets_into_no_url(void **state)
{
	static const char *const ids[] = {
		"",
		"x",
		"../../v2/functions",
		ENDPOINT "/status",
		ENDPOINT "?a=b",
		"11111111-1111-4111-8111-11111111111",
		"11111111-1111-4111-8111-11111111111G",
		"AAAAAAAA-AAAA-4AAA-8AAA-AAAAAAAAAAAA",
		"11111111111111111111111111111111",
		"{1111111-1111-4111-8111-11111111111}",
		"11111111-1111-4111-8111-1111\r\nX: y1",
	};
	struct bench *bench = *state;

	bench_begin(bench, "[{}]", 1);
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		assert_false(compute_is_uuid(ids[i]));
		refuse_id(bench, ids[i]);
	}
	bench_end(bench);
	assert_true(compute_is_uuid(ENDPOINT));
	assert_int_equal(server_count(&bench->server, "api"), 0);
}

static void what_cannot_be_json_is_refused(void **state)
{
	struct bench *bench = *state;
	struct compute_wait wait = {0};

	bench_begin(bench, "[{}]", 1);
	compute_register_container(bench->compute, "n", "/scratch/\xff.sif", NULL,
				   compute_wait_done, &wait);
	bench_wait(bench, &wait);
	assert_int_equal(wait.failure.error.kind, SL_E_INPUT);
	assert_non_null(strstr(wait.failure.error.text, "UTF-8"));
	compute_wait_release(&wait);
	bench_end(bench);
	assert_int_equal(server_count(&bench->server, "api"), 0);
}

static void a_batch_has_an_end(void **state)
{
	const char *ids[COMPUTE_BATCH + 1];
	struct bench *bench = *state;
	struct compute_wait none = {0}, many = {0};

	for (size_t i = 0; i <= COMPUTE_BATCH; i++)
		ids[i] = TASK_A;
	bench_begin(bench, "[{}]", 1);
	compute_batch_status(bench->compute, ids, 0, compute_wait_done, &none);
	compute_batch_status(bench->compute, ids, COMPUTE_BATCH + 1, compute_wait_done, &many);
	bench_wait(bench, &none);
	bench_wait(bench, &many);
	assert_int_equal(none.failure.error.kind, SL_E_INTERNAL);
	assert_int_equal(many.failure.error.kind, SL_E_INTERNAL);
	compute_wait_release(&none);
	compute_wait_release(&many);
	bench_end(bench);
}

// ---- answers -------------------------------------------------------------------------------

struct answer {
	int route;
	const char *body; // with ' for "
};

// A step of the server with this body.
static char *step_of(const char *body)
{
	sl_auto_json json_t *step = json_object();
	sl_auto_free char *text = sl_strdup(body);

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	sl_json_set_string(step, "body", text);
	return json_dumps(step, JSON_COMPACT | JSON_ENSURE_ASCII);
}

static void hear(struct bench *bench, int route, const char *body, struct compute_wait *wait)
{
	sl_auto_free char *step = step_of(body);

	bench_route(bench, route, step, false, 1, wait);
}

static void t75_answers_of_another_shape_are_refused(void **state)
{
	static const struct answer bad[] = {
		{ROUTE_ENDPOINT, "{}"},
		{ROUTE_ENDPOINT, "[]"},
		{ROUTE_ENDPOINT, "null"},
		{ROUTE_ENDPOINT, ""},
		{ROUTE_ENDPOINT, "{'uuid':'" ENDPOINT "'"},
		{ROUTE_ENDPOINT, "{'uuid':'" ENDPOINT "','uuid':'" ENDPOINT "'}"},
		{ROUTE_ENDPOINT, "{'uuid':'" ENDPOINT "'} x"},
		{ROUTE_ENDPOINT, "{'uuid':'" FUNCTION "'}"},
		{ROUTE_ENDPOINT, "{'uuid':'" ENDPOINT "','endpoint_version':4}"},
		{ROUTE_ENDPOINT, "{'uuid':'" ENDPOINT "','user_config_template':{}}"},
		{ROUTE_ENDPOINT, "{'uuid':'" ENDPOINT "','user_config_schema':'x'}"},
		{ROUTE_STATUS, "{'status':true}"},
		{ROUTE_STATUS, "'online'"},
		{ROUTE_ALLOWED, "{'functions':[]}"},
		{ROUTE_ALLOWED, "{'restricted':true}"},
		{ROUTE_ALLOWED, "{'restricted':true,'functions':['x']}"},
		{ROUTE_ALLOWED, "{'restricted':1,'functions':[]}"},
		{ROUTE_REGISTER, "{'function_uuid':'x'}"},
		{ROUTE_REGISTER, "{'function_uuid':null}"},
		{ROUTE_CONTAINER, "{'container_id':7}"},
		{ROUTE_BATCH, "{'results':[]}"},
		{ROUTE_BATCH, "{}"},
		{ROUTE_GROUP, "{'tasks':{}}"},
		{ROUTE_GROUP, "{'tasks':[{}]}"},
		{ROUTE_GROUP, "{'tasks':['" TASK_A "']}"},
		{ROUTE_GROUP, "{'tasks':[{'id':'" TASK_A "'},{'id':'" TASK_A "'}]}"},
		{ROUTE_GROUP, "{'taskgroup_id':'" REQUEST "','tasks':[]}"},
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct compute_wait wait;
		hear(*state, bad[i].route, bad[i].body, &wait);
		if (wait.answer || wait.failure.error.kind != SL_E_FORMAT)
			fail_msg("%s: %s", bad[i].body, wait.failure.error.text);
		assert_int_equal(wait.failure.status, 200);
		assert_int_equal(wait.failure.unknown, route_is_effect(bad[i].route));
		compute_wait_release(&wait);
	}
}

static void members_that_are_null_are_not_there(void **state)
{
	struct compute_wait wait;

	hear(*state, ROUTE_ENDPOINT,
	     "{'uuid':'" ENDPOINT "','name':null,'endpoint_version':null,'python_version':'3.11.2',"
	     "'user_config_template':'a: {{ b "
	     "}}','user_config_schema':{'type':'object'},'new':[1]}",
	     &wait);
	assert_non_null(wait.answer);
	assert_null(json_object_get(wait.answer, "name"));
	assert_null(json_object_get(wait.answer, "endpoint_version"));
	assert_string_equal(json_string_value(json_object_get(wait.answer, "python_version")),
			    "3.11.2");
	compute_wait_release(&wait);
	hear(*state, ROUTE_ALLOWED, "{'restricted':false,'functions':null}", &wait);
	assert_int_equal(json_array_size(json_object_get(wait.answer, "functions")), 0);
	assert_true(json_is_array(json_object_get(wait.answer, "functions")));
	compute_wait_release(&wait);
}

static void t82_one_bad_entry_costs_nobody_else_his_result(void **state)
{
	struct compute_wait wait;

	hear(*state, ROUTE_BATCH,
	     "{'response':'batch','results':{'" TASK_A "':{'status':'SUCCESS','result':'11\\n1',"
	     "'exception':null},'" TASK_B "':{'status':7},'" REQUEST "':{'status':'success'}}}",
	     &wait);
	const json_t *results = json_object_get(wait.answer, "results");
	const json_t *task = json_object_get(results, TASK_A);
	assert_int_equal(json_object_size(results), 1);
	assert_string_equal(json_string_value(json_object_get(task, "status")), "success");
	assert_string_equal(json_string_value(json_object_get(task, "result")), "11\n1");
	assert_null(json_object_get(task, "exception"));
	compute_wait_release(&wait);
}

// Python writes both in the text of an exception; jansson would refuse the whole answer.
static void t82_texts_that_are_no_text_cost_no_result(void **state)
{
	struct compute_wait wait;

	hear(*state, ROUTE_BATCH,
	     "{'results':{'" TASK_A "':{'status':'failed','exception':'a\\u0000b\\ud800c\\udc00d"
	     "\\ud83d\\ude00e\\\\u0000'}}}",
	     &wait);
	assert_non_null(wait.answer);
	const json_t *task = json_object_get(json_object_get(wait.answer, "results"), TASK_A);
	assert_string_equal(json_string_value(json_object_get(task, "exception")),
			    "a\xef\xbf\xbd"
			    "b\xef\xbf\xbd"
			    "c\xef\xbf\xbd"
			    "d\xf0\x9f\x98\x80"
			    "e\\u0000");
	compute_wait_release(&wait);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_call_sends_what_its_route_takes),
		cmocka_unit_test(a_function_may_be_open_to_all_and_described),
		cmocka_unit_test(t68_an_id_that_is_none_gets_into_no_url),
		cmocka_unit_test(what_cannot_be_json_is_refused),
		cmocka_unit_test(a_batch_has_an_end),
		cmocka_unit_test(t75_answers_of_another_shape_are_refused),
		cmocka_unit_test(members_that_are_null_are_not_there),
		cmocka_unit_test(t82_one_bad_entry_costs_nobody_else_his_result),
		cmocka_unit_test(t82_texts_that_are_no_text_cost_no_result),
	};

	return cmocka_run_group_tests(tests, bench_up, bench_down);
}
