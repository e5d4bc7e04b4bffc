// SPDX-License-Identifier: Apache-2.0
// What an errand hears when endpoint, service or operator say no, and what would help.
#include "tests/uploader/transport/world.h"

#include "uploader/transport/agent_source.h"

static void ask_one(struct world *world, struct told *told)
{
	world_ask(world, "state", NULL, 0, told);
	world_run(world, 700);
}

// ---- opening -------------------------------------------------------------------------------

static void an_unknown_endpoint_is_told_and_asked_for_again(void **state)
{
	struct world world;
	struct told told;
	world_new(&world, state);
	fake.setup_refusal.status = 404;
	fake.setup_refusal.remedy = (char *)"compare the id";
	sl_fail(&fake.setup_refusal.error, SL_E_INPUT, "ENDPOINT_NOT_FOUND");
	ask_one(&world, &told);
	assert_told(&told, SL_E_INPUT, "ENDPOINT_NOT_FOUND");
	assert_string_equal(told.remedy, "compare the id");
	assert_int_equal(fake.count.submits, 0);
	told_release(&told);
	sl_error_clear(&fake.setup_refusal.error);
	ask_one(&world, &told);
	assert_good(&told);
	told_release(&told);
	world_close(&world);
}

static void the_agent_is_registered_once(void **state)
{
	struct world world;
	struct told told;
	world_new(&world, state);
	for (size_t i = 0; i < 3; i++) {
		ask_one(&world, &told);
		assert_good(&told);
		told_release(&told);
		world_kill(&world);
	}
	assert_int_equal(fake.count.registered, 1);
	world_close(&world);
}

static void an_old_endpoint_gets_what_it_can_read(void **state)
{
	struct world world;
	struct told told;
	world_new(&world, state);
	fake.version = "2.2.0";
	fake.idle = true; // the agent of this test reads the modern form only
	world_ask(&world, "state", NULL, 0, &told);
	world_idle(&world, 3);
	assert_string_equal(fake.last_code, "04");
	assert_int_equal(fake.tasks.len, 1);
	assert_non_null(strstr(fake.tasks.items[0].payload, "\n00\n"));
	told_release(&told);
	world_close(&world);
}

static void objects_fit_in_the_old_form_too(void **state)
{
	struct world world;
	struct told told;
	struct source source = {.seed = 1};
	struct transport_object object = source_object(&source, 9000000);
	const struct transport_object *objects[] = {&object};
	world_new(&world, state);
	fake.version = "2.2.0";
	fake.idle = true;
	world_ask(&world, "state", NULL, 0, &told);
	world_idle(&world, 3);
	world_ask(&world, "build", objects, 1, &told);
	// The agent's answer to the first, so that the group is known, came with the submit.
	world_idle(&world, 3);
	assert_true(fake.count.largest > 8000000 && fake.count.largest <= WIRE_LIMIT_SUBMIT);
	told_release(&told);
	world_close(&world);
}

// ---- restricted endpoints ------------------------------------------------------------------

#define OPERATORS "5d1f0000-0000-4000-8000-000000000001"

static void a_restricted_endpoint_names_what_it_allows(void **state)
{
	struct world world;
	struct told told;
	struct sl_error err = {0};
	world_new(&world, state);
	fake.restricted = true;
	fake.allowed[0] = OPERATORS;
	struct ledger_function old = {.service = SERVICE, .wire = "st", .release = "0.0.9"};
	assert_true(ledger_function_add(world.ledger, &old, OPERATORS, &err));
	ask_one(&world, &told);
	assert_told(&told, SL_E_UNTRUSTED, "(the agent of release 0.0.9)");
	assert_non_null(strstr(told.remedy, "'function'"));
	assert_int_equal(fake.count.submits + fake.count.registered, 0);
	told_release(&told);
	world_close(&world);
}

static void t51_an_allowed_function_with_our_code_is_used(void **state)
{
	static const struct {
		const char *version, *id;
		enum wire_set shown;
		bool used, again; // looked at by another process, too
	} cases[] = {
		{"4.19.0", "5d1f0000-0000-4000-8000-000000000001", WIRE_MODERN, true, false},
		{"4.19.0", "5d1f0000-0000-4000-8000-000000000002", WIRE_UNIVERSAL, true, true},
		{"2.2.0", "5d1f0000-0000-4000-8000-000000000003", WIRE_UNIVERSAL, true, false},
		// Its workers could not read it.
		{"2.2.0", "5d1f0000-0000-4000-8000-000000000004", WIRE_MODERN, false, false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct world world;
		struct told told;
		world_new(&world, state);
		fake.version = cases[i].version;
		fake.restricted = true;
		fake.allowed[0] = ENDPOINT;
		fake.allowed[1] = fake.shows = cases[i].id;
		fake.shows_set = cases[i].shown;
		ask_one(&world, &told);
		assert_int_equal(fake.count.registered, 0);
		assert_int_equal(fake.count.shown, 2);
		if (cases[i].used)
			assert_good(&told);
		else
			assert_told(&told, SL_E_UNTRUSTED, "(the agent of release 0.0.7)");
		told_release(&told);
		if (cases[i].used) {
			world_kill(&world);
			ask_one(&world, &told);
			assert_good(&told);
			assert_int_equal(fake.count.shown, cases[i].again ? 4 : 2);
			told_release(&told);
		}
		world_close(&world);
	}
}

static void the_function_that_the_operator_registered_is_used(void **state)
{
	struct world world;
	struct told told;
	static char function[] = OPERATORS;
	world_new(&world, state);
	world_close(&world);
	fake.restricted = true;
	fake.allowed[0] = OPERATORS;
	world.config.function = function;
	world_open(&world);
	ask_one(&world, &told);
	assert_good(&told);
	assert_int_equal(fake.count.registered, 0);
	told_release(&told);
	world_kill(&world);
	fake.allowed[0] = ENDPOINT;
	ask_one(&world, &told);
	assert_told(&told, SL_E_UNTRUSTED, "does not allow the function " OPERATORS);
	told_release(&told);
	static char wrong[] = "no-uuid";
	world.config.function = wrong;
	world_kill(&world);
	ask_one(&world, &told);
	assert_told(&told, SL_E_INPUT, "'no-uuid'");
	told_release(&told);
	world_close(&world);
}

static void what_we_registered_is_used_where_it_is_allowed(void **state)
{
	struct world world;
	struct told told;
	char function[40];
	world_new(&world, state);
	ask_one(&world, &told);
	told_release(&told);
	snprintf(function, sizeof function, "f0000000-0000-4000-8000-%012u", 1);
	fake.restricted = true;
	fake.allowed[0] = OPERATORS;
	fake.allowed[1] = function;
	world_kill(&world);
	ask_one(&world, &told);
	assert_good(&told);
	told_release(&told);
	world_close(&world);
}

// ---- submits that are refused --------------------------------------------------------------

static void refuse_next(long status, enum sl_kind kind, const char *text)
{
	fake_next(FATE_REFUSED);
	fake.refusal = (struct compute_failure){.status = status};
	sl_fail(&fake.refusal.error, kind, "%s", text);
}

static void a_user_endpoint_that_does_not_start_is_told_to_everybody(void **state)
{
	struct world world;
	struct told told[2];
	struct source source = {.seed = 1};
	struct transport_object object = source_object(&source, 2000000);
	const struct transport_object *objects[] = {&object};
	world_new(&world, state);
	world_warm_up(&world);
	refuse_next(422, SL_E_INPUT, "SEMANTICALLY_INVALID: 'image' is undefined");
	world_ask(&world, "state", NULL, 0, &told[0]);
	world_ask(&world, "build", objects, 1, &told[1]);
	world_run(&world, 30);
	for (size_t i = 0; i < 2; i++) {
		assert_told(&told[i], SL_E_INPUT, "'image' is undefined");
		assert_non_null(strstr(told[i].remedy, "user_endpoint_config"));
		told_release(&told[i]);
	}
	world_close(&world);
}

static void t49_no_login_is_told_to_everybody(void **state)
{
	struct world world;
	struct told told;
	world_new(&world, state);
	world_warm_up(&world);
	refuse_next(401, SL_E_NETWORK, "nobody is logged in");
	fake.refusal.remedy = (char *)"sealift-upload login";
	ask_one(&world, &told);
	assert_told(&told, SL_E_NETWORK, "nobody is logged in");
	assert_string_equal(told.remedy, "sealift-upload login");
	told_release(&told);
	world_close(&world);
}

static void a_group_or_function_that_is_gone_is_made_anew_once(void **state)
{
	struct world world;
	struct told told;
	world_new(&world, state);
	world_warm_up(&world);
	refuse_next(404, SL_E_INPUT, "FUNCTION_NOT_FOUND");
	ask_one(&world, &told);
	assert_good(&told);
	assert_int_equal(fake.count.registered, 1);
	told_release(&told);
	refuse_next(403, SL_E_UNTRUSTED, "TASK_GROUP_ACCESS_FORBIDDEN");
	ask_one(&world, &told);
	assert_good(&told);
	assert_int_equal(fake.count.registered, 1);
	told_release(&told);
	refuse_next(403, SL_E_UNTRUSTED, "ENDPOINT_ACCESS_FORBIDDEN");
	fake_next(FATE_REFUSED);
	ask_one(&world, &told);
	assert_told(&told, SL_E_UNTRUSTED, "ENDPOINT_ACCESS_FORBIDDEN");
	told_release(&told);
	world_close(&world);
}

static void a_short_loss_of_the_network_is_waited_out(void **state)
{
	struct world world;
	struct told told;
	world_new(&world, state);
	world_warm_up(&world);
	refuse_next(0, SL_E_NETWORK, "connection refused");
	fake_next(FATE_REFUSED);
	ask_one(&world, &told);
	assert_good(&told);
	told_release(&told);
	for (size_t i = 0; i < GLOBUS_TRIES; i++)
		fake_next(FATE_REFUSED);
	ask_one(&world, &told);
	assert_told(&told, SL_E_NETWORK, "connection refused");
	told_release(&told);
	world_close(&world);
}

static void polls_that_are_refused_are_told(void **state)
{
	struct world world;
	struct told told;
	world_new(&world, state);
	world_warm_up(&world);
	fake.poll_refusal.status = 401;
	sl_fail(&fake.poll_refusal.error, SL_E_NETWORK, "the login has ended");
	ask_one(&world, &told);
	assert_told(&told, SL_E_NETWORK, "the login has ended");
	told_release(&told);
	sl_error_clear(&fake.poll_refusal.error);
	ask_one(&world, &told);
	assert_good(&told);
	told_release(&told);
	world_close(&world);
}

static void t79_polls_that_do_not_go_through_are_waited_out_until_the_deadline(void **state)
{
	struct world world;
	struct told told;
	world_new(&world, state);
	world_warm_up(&world);
	sl_fail(&fake.poll_refusal.error, SL_E_NETWORK, "cannot resolve the name");
	world_ask(&world, "state", NULL, 0, &told);
	world_idle(&world, 30);
	assert_int_equal(told.times, 0);
	sl_error_clear(&fake.poll_refusal.error);
	world_run(&world, 30);
	assert_good(&told);
	told_release(&told);
	sl_fail(&fake.poll_refusal.error, SL_E_NETWORK, "cannot resolve the name");
	ask_one(&world, &told);
	assert_told(&told, SL_E_NETWORK, "has not answered for 600 seconds");
	assert_told(&told, SL_E_NETWORK, "endpoint " ENDPOINT ": cannot resolve the name");
	told_release(&told);
	world_close(&world);
}

// ---- tasks that fail -----------------------------------------------------------------------

static void fail_task(struct world *world, const char *exception, unsigned times, enum sl_kind kind,
		      const char *words, const char *remedy)
{
	struct told told;
	fake.exception = exception;
	fake.exceptions = times;
	ask_one(world, &told);
	assert_told(&told, kind, words);
	if (!strstr(told.remedy, remedy))
		fail_msg("'%s' does not say '%s'", told.remedy, remedy);
	assert_null(strchr(told.text, '\n'));
	told_release(&told);
}

static void exceptions_become_sentences(void **state)
{
	struct world world;
	world_new(&world, state);
	world_warm_up(&world);
	fail_task(&world,
		  "Traceback (most recent call last):\n  File x\nOSError: [Errno 28] No space", 1,
		  SL_E_IO, "the task failed: OSError: [Errno 28] No space", "log");
	fail_task(&world, "parsl.executors.high_throughput.errors.WorkerLost: Task failure", 1,
		  SL_E_NETWORK, "lost the worker", "memory");
	fail_task(&world,
		  "parsl.executors.errors.BadStateException: Executor failed\nJob is marked as "
		  "MISSING since the workers failed to register",
		  1, SL_E_NETWORK, "could not start a worker", "user_endpoint_config");
	fail_task(&world, "FUNCTION_NOT_ALLOWED", 1, SL_E_UNTRUSTED, "does not allow the agent",
		  "'function'");
	// As the endpoint 4.19.0 says it.
	fail_task(&world,
		  "Function 8f7d6239-a4b4-562b-beb6-5b17a5748a9d not permitted on endpoint "
		  "f9ddca03-0da3-51e2-8d1e-d77b1c45e2d1",
		  1, SL_E_UNTRUSTED, "8f7d6239-a4b4-562b-beb6-5b17a5748a9d",
		  "the agent of this release (" SEALIFT_VERSION ")");
	fail_task(&world, "MaxResultSizeExceeded(11534341, 10485760)", 1, SL_E_LIMIT, "10 MiB", "");
	world_close(&world);
}

static void t83_answers_that_are_too_long_are_asked_for_in_halves(void **state)
{
	struct world world;
	struct told told[8];
	world_new(&world, state);
	world_warm_up(&world);
	fake.exception = "MaxResultSizeExceeded(11534341, 10485760)";
	fake.exceptions = 1;
	for (size_t i = 0; i < 8; i++)
		world_ask(&world, "state", NULL, 0, &told[i]);
	world_run(&world, 60);
	for (size_t i = 0; i < 8; i++) {
		assert_good(&told[i]);
		told_release(&told[i]);
	}
	assert_int_equal(fake.count.most_calls, 4);
	world_close(&world);
}

static void t88_workers_that_read_another_form_get_it_once(void **state)
{
	struct world world;
	struct told told;
	world_new(&world, state);
	fake.version = "2.2.0"; // so it is sent in the old form, which these workers refuse
	fake.exception = "globus_compute_sdk.errors.DeserializationError: Invalid header: 00\n in "
			 "data payload";
	fake.exceptions = 1;
	ask_one(&world, &told);
	assert_good(&told);
	assert_int_equal(fake.count.registered, 2);
	assert_string_equal(fake.last_code, "st");
	told_release(&told);
	fake.exceptions = 1;
	ask_one(&world, &told);
	assert_told(&told, SL_E_FORMAT, "neither form");
	told_release(&told);
	world_close(&world);
}

#define CANNOT_READ \
	"globus_compute_sdk.errors.DeserializationError: Invalid header: 00\n in data payload"

// Whether the last task was sent in the modern form.
static bool was_modern(void)
{
	return strstr(fake.tasks.items[fake.tasks.len - 1].payload, "\n11\n{}") != NULL;
}

// Under which id the agent is known in some form. Owned.
static char *registered(struct world *world, const char *wire)
{
	struct ledger_function function = {.service = SERVICE,
					   .agent = sl_sha256_bytes(agent_source, agent_source_len),
					   .wire = wire};
	struct sl_error err = {0};
	char *id;
	assert_true(ledger_function_find(world->ledger, &function, &id, &err));
	assert_non_null(id);
	return id;
}

// One errand of a new process, which is sent `submits` times and ends in the modern form or not.
static void ask_anew(struct world *world, size_t submits, bool modern)
{
	struct told told;
	size_t before;
	world_kill(world);
	before = fake.count.submits;
	ask_one(world, &told);
	assert_good(&told);
	assert_int_equal(fake.count.submits - before, submits);
	assert_true(was_modern() == modern);
	told_release(&told);
}

static void t88_what_workers_read_is_remembered_for_the_endpoints_version(void **state)
{
	struct world world;
	world_new(&world, state);
	fake.version = "2.2.0";
	fake.exception = CANNOT_READ;
	fake.exceptions = 1;
	ask_anew(&world, 2, true);
	ask_anew(&world, 1, true);
	ask_anew(&world, 1, true);
	fake.version = "2.3.0"; // the promise of another version is believed again
	ask_anew(&world, 1, false);
	fake.version = "2.2.0";
	ask_anew(&world, 1, false);
	world_close(&world);
}

static void t88_what_is_remembered_is_given_up_when_it_does_not_hold_any_more(void **state)
{
	struct world world;
	struct told told;
	world_new(&world, state);
	fake.exception = CANNOT_READ;
	fake.exceptions = 1;
	ask_anew(&world, 2, false); // 4.19.0 had promised the modern one
	ask_anew(&world, 1, false);
	world_kill(&world);
	fake.exceptions = 2; // neither is read: one fallback, and nothing is learnt from it
	ask_one(&world, &told);
	assert_told(&told, SL_E_FORMAT, "neither form");
	told_release(&told);
	ask_anew(&world, 1, false);
	fake.exceptions = 1;
	ask_anew(&world, 2, true); // workers that keep the promise
	ask_anew(&world, 1, true);
	world_close(&world);
}

// One that allows the form that its workers do not read only.
static void t88_an_endpoint_that_gets_another_version_meanwhile_is_believed_again(void **state)
{
	struct world world;
	struct told told;
	sl_auto_free char *function = NULL;
	world_new(&world, state);
	fake.version = "2.2.0";
	ask_anew(&world, 1, false);
	function = registered(&world, "04");
	fake.restricted = true;
	fake.allowed[0] = function;
	fake.exception = CANNOT_READ;
	fake.exceptions = 1;
	world_kill(&world);
	ask_one(&world, &told);
	assert_told(&told, SL_E_UNTRUSTED, "allows");
	told_release(&told);
	fake.restricted = false;
	fake.version = "4.19.0";
	fake.exceptions = 1;
	ask_one(&world, &told);
	assert_good(&told);
	assert_false(was_modern());
	told_release(&told);
	world_close(&world);
}

static void assert_span(const struct spans *spans, size_t index, uint64_t offset, uint64_t size)
{
	assert_true(index < spans->len);
	assert_int_equal(spans->items[index].offset, offset);
	assert_int_equal(spans->items[index].size, size);
}

static void spans_join_and_part(void **state)
{
	struct spans spans = {0};
	struct span gap;
	(void)state;
	assert_true(spans_gap(&spans, 0, 10, &gap));
	assert_int_equal(gap.size, 10);
	spans_add(&spans, 20, 10);
	spans_add(&spans, 0, 10);
	spans_add(&spans, 40, 10);
	assert_int_equal(spans.len, 3);
	spans_add(&spans, 10, 10); // touches both sides
	assert_int_equal(spans.len, 2);
	assert_span(&spans, 0, 0, 30);
	spans_add(&spans, 5, 3);
	assert_int_equal(spans.len, 2);
	assert_true(spans_gap(&spans, 0, 100, &gap));
	assert_int_equal(gap.offset, 30);
	assert_int_equal(gap.size, 10);
	assert_true(spans_gap(&spans, 40, 100, &gap));
	assert_int_equal(gap.offset, 50);
	assert_int_equal(gap.size, 50);
	spans_remove(&spans, 10, 5);
	assert_int_equal(spans.len, 3);
	assert_span(&spans, 0, 0, 10);
	assert_span(&spans, 1, 15, 15);
	spans_remove(&spans, 10, 5); // nothing there
	spans_remove(&spans, 0, 45);
	assert_int_equal(spans.len, 1);
	assert_span(&spans, 0, 45, 5);
	spans_add(&spans, 0, 100);
	assert_int_equal(spans.len, 1);
	assert_false(spans_gap(&spans, 0, 100, &gap));
	sl_list_release(&spans);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(an_unknown_endpoint_is_told_and_asked_for_again),
		scratch_test(the_agent_is_registered_once),
		scratch_test(an_old_endpoint_gets_what_it_can_read),
		scratch_test(objects_fit_in_the_old_form_too),
		scratch_test(a_restricted_endpoint_names_what_it_allows),
		scratch_test(t51_an_allowed_function_with_our_code_is_used),
		scratch_test(the_function_that_the_operator_registered_is_used),
		scratch_test(what_we_registered_is_used_where_it_is_allowed),
		scratch_test(a_user_endpoint_that_does_not_start_is_told_to_everybody),
		scratch_test(t49_no_login_is_told_to_everybody),
		scratch_test(a_group_or_function_that_is_gone_is_made_anew_once),
		scratch_test(a_short_loss_of_the_network_is_waited_out),
		scratch_test(polls_that_are_refused_are_told),
		scratch_test(t79_polls_that_do_not_go_through_are_waited_out_until_the_deadline),
		scratch_test(exceptions_become_sentences),
		scratch_test(t83_answers_that_are_too_long_are_asked_for_in_halves),
		scratch_test(t88_workers_that_read_another_form_get_it_once),
		scratch_test(t88_what_workers_read_is_remembered_for_the_endpoints_version),
		scratch_test(t88_what_is_remembered_is_given_up_when_it_does_not_hold_any_more),
		scratch_test(t88_an_endpoint_that_gets_another_version_meanwhile_is_believed_again),
		cmocka_unit_test(spans_join_and_part),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
