// SPDX-License-Identifier: Apache-2.0
// Registering the agent for an operator, with a service that answers by script.
#include "uploader/registration/agent_function.h"

#include "tests/cmocka_all.h"

#include <stdio.h>
#include <string.h>

static const char *const ids[] = {"11111111-2222-4333-8444-555555555555",
				  "66666666-7777-4888-9999-aaaaaaaaaaaa"};

// How many registrations succeed before one fails.
static unsigned good_ones, asked;
static const char *bad_answer;

void compute_register(struct compute *compute, const struct compute_function *function,
		      compute_done *done, void *context)
{
	(void)compute;
	assert_string_equal(function->name, "sealift_agent");
	assert_true(function->open_to_all);
	assert_string_equal(function->serde_identifier, asked == 0 ? "st" : "04");
	assert_non_null(strstr(function->description, "sha256 "));
	assert_true(strlen(function->code) > 10000);
	if (asked == 0)
		assert_non_null(strstr(function->code, "st\nsealift_agent:"));
	if (asked < good_ones) {
		sl_auto_json json_t *answer =
			bad_answer ? json_loads(bad_answer, 0, NULL)
				   : json_pack("{s:s}", "function_uuid", ids[asked]);
		asked++;
		done(context, answer, NULL);
		return;
	}
	char remedy[] = "sealift-upload login";
	struct compute_failure failure = {.status = 401, .remedy = remedy};
	sl_fail(&failure.error, SL_E_NETWORK, "nobody is logged in");
	asked++;
	done(context, NULL, &failure);
}

void compute_wait_done(void *context, const json_t *answer, const struct compute_failure *failure)
{
	struct compute_wait *wait = context;
	wait->over = true;
	wait->answer = json_incref((json_t *)(uintptr_t)answer);
	if (failure) {
		wait->failure = *failure;
		wait->failure.remedy = sl_strdup(failure->remedy);
	}
}

bool compute_wait_for(struct compute *compute, struct compute_wait *wait, struct sl_error *err)
{
	(void)compute;
	assert_true(wait->over);
	return wait->answer ||
	       sl_fail(err, wait->failure.error.kind, "%s", wait->failure.error.text);
}

void compute_wait_release(struct compute_wait *wait)
{
	json_decref(wait->answer);
	free(wait->failure.remedy);
}

bool compute_is_uuid(const char *text)
{
	return strlen(text) == 36;
}

static int reset(void **state)
{
	(void)state;
	good_ones = 2;
	asked = 0;
	bad_answer = NULL;
	return 0;
}

static void both_forms_are_registered_and_ready_to_paste(void **state)
{
	(void)state;
	auto_agent_functions struct agent_functions functions;
	struct sl_error err = {0};
	sl_auto_buf struct sl_buf text = {0};
	char hex[SL_DIGEST_HEX + 1];
	assert_true(agent_functions_register(NULL, &functions, &err));
	assert_int_equal(asked, 2);
	sl_buf_init(&text, SL_MIB);
	agent_functions_yaml(&functions, &text);
	sl_digest_hex(&functions.agent, hex);
	sl_auto_free char *wanted = sl_format("# sealift %s, agent with sha256 %s\n"
					      "allowed_functions:\n"
					      "  - %s  # form st, for endpoints since 3.6\n"
					      "  - %s  # form 04, for every endpoint\n",
					      SEALIFT_VERSION, hex, ids[0], ids[1]);
	assert_string_equal(text.data, wanted);
	sl_auto_json json_t *value = agent_functions_json(&functions);
	json_t *second = json_array_get(json_object_get(value, "functions"), 1);
	assert_string_equal(json_string_value(json_object_get(second, "id")), ids[1]);
	assert_string_equal(json_string_value(json_object_get(second, "form")), "04");
	assert_string_equal(json_string_value(json_object_get(value, "sha256")), hex);
}

static void one_that_fails_fails_both_with_the_remedy(void **state)
{
	(void)state;
	auto_agent_functions struct agent_functions functions;
	struct sl_error err = {0};
	good_ones = 1;
	assert_false(agent_functions_register(NULL, &functions, &err));
	assert_int_equal(err.kind, SL_E_NETWORK);
	assert_non_null(strstr(err.text, "in the form '04': nobody is logged in; sealift-upload "
					 "login"));
	assert_string_equal(functions.items[0].id, ids[0]);
}

static void an_answer_without_an_id_is_none(void **state)
{
	(void)state;
	auto_agent_functions struct agent_functions functions;
	struct sl_error err = {0};
	bad_answer = "{\"function_uuid\":\"; rm\"}";
	assert_false(agent_functions_register(NULL, &functions, &err));
	assert_int_equal(err.kind, SL_E_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(both_forms_are_registered_and_ready_to_paste, reset),
		cmocka_unit_test_setup(one_that_fails_fails_both_with_the_remedy, reset),
		cmocka_unit_test_setup(an_answer_without_an_id_is_none, reset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
