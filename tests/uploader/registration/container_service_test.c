// SPDX-License-Identifier: Apache-2.0
// The legacy container service, with a compute service that answers by script and a real ledger.
#include "uploader/registration/container_service.h"

#include "tests/uploader/scratch.h"

#define ID "11111111-2222-4333-8444-555555555555"

static const struct container example = {
	.name = "pandas-1.0.0",
	.location = "/srv/images/pandas-1.0.0.sif",
	.description = "sealift bundle abab",
};

// ---- the scripted service ------------------------------------------------------------------

static struct {
	const char *answer; // JSON, or NULL: a failure
	long status;
	enum sl_kind kind;
	bool unknown, never; // never: waiting itself fails
	const char *remedy;
	unsigned asked;
} script;

void compute_register_container(struct compute *compute, const char *name, const char *location,
				const char *description, compute_done *done, void *context)
{
	(void)compute;
	assert_string_equal(name, example.name);
	assert_string_equal(location, example.location);
	assert_string_equal(description, example.description);
	script.asked++;
	if (script.never)
		return;
	if (script.answer) {
		sl_auto_json json_t *answer = json_loads(script.answer, 0, NULL);
		done(context, answer, NULL);
		return;
	}
	sl_auto_free char *remedy = script.remedy ? sl_strdup(script.remedy) : NULL;
	struct compute_failure failure = {
		.status = script.status, .unknown = script.unknown, .remedy = remedy};
	sl_fail(&failure.error, script.kind, "the service's own words");
	done(context, NULL, &failure);
}

void compute_wait_done(void *context, const json_t *answer, const struct compute_failure *failure)
{
	struct compute_wait *wait = context;
	wait->over = true;
	wait->answer = json_incref((json_t *)(uintptr_t)answer);
	if (failure) {
		wait->failure = *failure;
		wait->failure.remedy = failure->remedy ? sl_strdup(failure->remedy) : NULL;
	}
}

bool compute_wait_for(struct compute *compute, struct compute_wait *wait, struct sl_error *err)
{
	(void)compute;
	if (!wait->over)
		return sl_fail(err, SL_E_NETWORK, "the connection went away");
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

static void answers(const char *answer)
{
	memset(&script, 0, sizeof script);
	script.answer = answer;
}

static void fails(long status, enum sl_kind kind, bool unknown)
{
	memset(&script, 0, sizeof script);
	script.status = status;
	script.kind = kind;
	script.unknown = unknown;
}

// ---- one request ---------------------------------------------------------------------------

static void expect(enum container_outcome outcome, const char *words, const char *remedy)
{
	auto_container_result struct container_result result = {0};
	container_service_ask(NULL, &example, &result);
	assert_int_equal(result.outcome, outcome);
	assert_null(result.id);
	assert_int_not_equal(result.why.kind, SL_E_NONE);
	if (!strstr(result.why.text, words))
		fail_msg("'%s' does not say '%s'", result.why.text, words);
	assert_non_null(result.remedy);
	if (!strstr(result.remedy, remedy))
		fail_msg("'%s' does not say '%s'", result.remedy, remedy);
}

static void a_container_is_registered(void **state)
{
	(void)state;
	auto_container_result struct container_result result = {0};
	sl_auto_buf struct sl_buf text = {0};
	answers("{\"container_id\":\"" ID "\"}");
	container_service_ask(NULL, &example, &result);
	assert_int_equal(result.outcome, CONTAINER_REGISTERED);
	assert_string_equal(result.id, ID);
	sl_buf_init(&text, SL_MIB);
	container_service_describe(&result, &text);
	assert_non_null(strstr(text.data, "container_id=\"" ID "\""));
}

static void t88_a_route_that_is_gone_is_called_that(void **state)
{
	(void)state;
	fails(404, SL_E_INPUT, false);
	expect(CONTAINER_REFUSED, "does not have container registration any more (HTTP 404: the",
	       "endpoint-config");
	fails(410, SL_E_NETWORK, false);
	expect(CONTAINER_REFUSED, "has taken container registration out of use (HTTP 410",
	       "endpoint-config");
	fails(422, SL_E_INPUT, false);
	expect(CONTAINER_REFUSED, "accepts no containers of this kind", "endpoint-config");
}

static void another_refusal_keeps_the_services_words_and_remedy(void **state)
{
	(void)state;
	fails(403, SL_E_UNTRUSTED, false);
	script.remedy = "ask the owner";
	expect(CONTAINER_REFUSED, "'pandas-1.0.0': the service's own words", "ask the owner");
	fails(400, SL_E_INPUT, false);
	expect(CONTAINER_REFUSED, "the service's own words", "endpoint-config");
}

static void a_lost_answer_is_unknown(void **state)
{
	(void)state;
	fails(0, SL_E_NETWORK, true);
	expect(CONTAINER_UNKNOWN, "it is not known whether", "--again");
	fails(502, SL_E_NETWORK, false);
	expect(CONTAINER_UNKNOWN, "it is not known whether", "--again");
	fails(200, SL_E_FORMAT, false);
	expect(CONTAINER_UNKNOWN, "it is not known whether", "--again");
	answers("{\"container_id\":\"nonsense\"}");
	expect(CONTAINER_UNKNOWN, "names no container", "--again");
	fails(0, SL_E_NETWORK, false);
	script.never = true;
	expect(CONTAINER_UNKNOWN, "the connection went away", "--again");
}

static void what_was_never_sent_is_not_asked(void **state)
{
	(void)state;
	fails(0, SL_E_NETWORK, false);
	expect(CONTAINER_NOT_ASKED, "the service's own words", "later");
	fails(401, SL_E_NETWORK, false);
	script.remedy = "sealift-upload login";
	expect(CONTAINER_NOT_ASKED, "the service's own words", "sealift-upload login");
	fails(429, SL_E_NETWORK, false);
	expect(CONTAINER_NOT_ASKED, "the service's own words", "later");
}

// ---- with the ledger -----------------------------------------------------------------------

struct queue {
	struct ledger *ledger;
	int64_t number;
};

static struct queue open_queue(const char *folder)
{
	struct submission wanted = {.builder = "local",
				    .runner = "local",
				    .path = "/b.sealift",
				    .container_service = 1};
	struct sl_error err = {0};
	enum ledger_added added;
	enum ledger_claim claim;
	struct queue queue = {0};
	assert_true(ledger_open(folder, &queue.ledger, &err));
	assert_true(ledger_add(queue.ledger, &wanted, &queue.number, &added, &err));
	assert_true(ledger_claim(queue.ledger, queue.number, &claim, &err));
	assert_int_equal(claim, CLAIM_MINE);
	return queue;
}

static enum container_outcome registered(const struct queue *queue, bool again)
{
	auto_container_result struct container_result result = {0};
	struct sl_error err = {0};
	if (!container_service_register(queue->ledger, queue->number, NULL, &example, again,
					&result, &err))
		fail_msg("%s", err.text);
	if (result.outcome == CONTAINER_REGISTERED)
		assert_string_equal(result.id, ID);
	else
		assert_non_null(result.remedy);
	return result.outcome;
}

// The outcome of the ledger and of the answer in the last effect, and how many there are.
static size_t assert_last_effect(const struct queue *queue, const char *outcome, const char *said)
{
	sl_auto_json json_t *all = NULL;
	struct sl_error err = {0};
	assert_true(ledger_export(queue->ledger, &all, &err));
	json_t *row = json_array_get(json_object_get(all, "submissions"), 0);
	json_t *effects = json_object_get(row, "effects");
	json_t *last = json_array_get(effects, json_array_size(effects) - 1);
	json_t *answer = json_object_get(last, "answer");
	assert_string_equal(json_string_value(json_object_get(last, "kind")), "register");
	assert_string_equal(json_string_value(json_object_get(last, "outcome")), outcome);
	assert_string_equal(json_string_value(json_object_get(answer, "outcome")), said);
	return json_array_size(effects);
}

static void what_is_registered_is_not_asked_for_again(void **state)
{
	struct queue queue = open_queue(*state);
	answers("{\"container_id\":\"" ID "\"}");
	assert_int_equal(registered(&queue, false), CONTAINER_REGISTERED);
	assert_int_equal(assert_last_effect(&queue, "good", "registered"), 1);
	assert_int_equal(registered(&queue, false), CONTAINER_REGISTERED);
	assert_int_equal(registered(&queue, true), CONTAINER_REGISTERED);
	assert_int_equal(script.asked, 1);
	ledger_close(queue.ledger);
}

static void t81_unknown_is_tried_again_only_when_told_so(void **state)
{
	struct queue queue = open_queue(*state);
	fails(0, SL_E_NETWORK, true);
	assert_int_equal(registered(&queue, false), CONTAINER_UNKNOWN);
	assert_int_equal(assert_last_effect(&queue, "bad", "unknown"), 1);
	answers("{\"container_id\":\"" ID "\"}");
	assert_int_equal(registered(&queue, false), CONTAINER_UNKNOWN);
	assert_int_equal(script.asked, 0);
	assert_int_equal(registered(&queue, true), CONTAINER_REGISTERED);
	assert_int_equal(script.asked, 1);
	assert_int_equal(assert_last_effect(&queue, "good", "registered"), 2);
	assert_int_equal(registered(&queue, false), CONTAINER_REGISTERED);
	ledger_close(queue.ledger);
}

// As the command does: what the row says now.
static unsigned allowed(const struct queue *queue)
{
	auto_submission struct submission row = {0};
	struct sl_error err = {0};

	assert_true(ledger_find(queue->ledger, queue->number, &row, &err));
	return row.container_service;
}

static void t81_again_holds_for_one_request(void **state)
{
	struct queue queue = open_queue(*state);
	struct sl_error err = {0};

	fails(0, SL_E_NETWORK, true);
	assert_int_equal(registered(&queue, false), CONTAINER_UNKNOWN);
	assert_true(ledger_allow_again(queue.ledger, queue.number, true, &err));
	assert_int_equal(allowed(&queue), 2);
	// Nothing was sent: it stands.
	fails(0, SL_E_NETWORK, false);
	assert_int_equal(registered(&queue, true), CONTAINER_NOT_ASKED);
	assert_int_equal(allowed(&queue), 2);
	// Lost once more: it was used.
	fails(0, SL_E_NETWORK, true);
	assert_int_equal(registered(&queue, true), CONTAINER_UNKNOWN);
	assert_int_equal(allowed(&queue), 1);
	answers("{\"container_id\":\"" ID "\"}");
	assert_int_equal(registered(&queue, allowed(&queue) == 2), CONTAINER_UNKNOWN);
	assert_int_equal(script.asked, 0);
	ledger_close(queue.ledger);
}

static void t81_other_submissions_of_the_bundle_count(void **state)
{
	struct queue queue = open_queue(*state), other = queue;
	struct submission wanted = {.builder = "local",
				    .runner = "4b116d3c-1703-4f8f-9f6f-39921e5864df",
				    .path = "/b.sealift",
				    .container_service = 1};
	struct sl_error err = {0};
	enum ledger_added added;
	enum ledger_claim claim;

	answers("{\"container_id\":\"" ID "\"}");
	assert_int_equal(registered(&queue, false), CONTAINER_REGISTERED);
	assert_true(ledger_add(queue.ledger, &wanted, &other.number, &added, &err));
	assert_int_not_equal(other.number, queue.number);
	assert_true(ledger_claim(queue.ledger, other.number, &claim, &err));
	assert_int_equal(registered(&other, false), CONTAINER_REGISTERED);
	assert_int_equal(script.asked, 1);
	ledger_close(queue.ledger);
}

static void a_refusal_and_an_unsent_request_may_be_tried_again(void **state)
{
	struct queue queue = open_queue(*state);
	fails(404, SL_E_INPUT, false);
	assert_int_equal(registered(&queue, false), CONTAINER_REFUSED);
	assert_last_effect(&queue, "bad", "refused");
	fails(0, SL_E_NETWORK, false);
	assert_int_equal(registered(&queue, false), CONTAINER_NOT_ASKED);
	assert_last_effect(&queue, "bad", "not-asked");
	answers("{\"container_id\":\"" ID "\"}");
	assert_int_equal(registered(&queue, false), CONTAINER_REGISTERED);
	ledger_close(queue.ledger);
}

static void t72_a_request_of_a_process_that_was_killed_is_unknown(void **state)
{
	struct queue queue = open_queue(*state);
	struct sl_error err = {0};
	int64_t effect;
	sl_auto_free char *request =
		sl_format("{\"driver\":\"container-service\",\"name\":\"%s\",\"location\":\"%s\"}",
			  example.name, example.location);
	assert_true(ledger_effect_begin(queue.ledger, queue.number, "register", request, &effect,
					&err));
	answers("{\"container_id\":\"" ID "\"}");
	assert_int_equal(registered(&queue, false), CONTAINER_UNKNOWN);
	assert_int_equal(script.asked, 0);
	ledger_close(queue.ledger);
}

static void the_other_driver_and_another_image_are_not_mixed_up_with_it(void **state)
{
	(void)state;
	auto_container_result struct container_result result = {0};
	sl_auto_json json_t *effects = json_loads(
		"[{\"kind\":\"put\",\"request\":{}},"
		"{\"kind\":\"register\",\"request\":{\"driver\":\"endpoint-config\"}},"
		"{\"kind\":\"register\",\"request\":{\"driver\":\"container-service\",\"name\":"
		"\"pandas-1.0.0\",\"location\":\"/elsewhere.sif\"},\"answer\":{\"outcome\":"
		"\"registered\",\"container_id\":\"" ID "\"}},{\"kind\":\"register\",\"request\":"
		"\"text\"}]",
		0, NULL);
	assert_non_null(effects);
	assert_false(container_service_recall(effects, &example, &result));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_container_is_registered),
		cmocka_unit_test(t88_a_route_that_is_gone_is_called_that),
		cmocka_unit_test(another_refusal_keeps_the_services_words_and_remedy),
		cmocka_unit_test(a_lost_answer_is_unknown),
		cmocka_unit_test(what_was_never_sent_is_not_asked),
		scratch_test(what_is_registered_is_not_asked_for_again),
		scratch_test(t81_unknown_is_tried_again_only_when_told_so),
		scratch_test(t81_again_holds_for_one_request),
		scratch_test(t81_other_submissions_of_the_bundle_count),
		scratch_test(a_refusal_and_an_unsent_request_may_be_tried_again),
		scratch_test(t72_a_request_of_a_process_that_was_killed_is_unknown),
		cmocka_unit_test(the_other_driver_and_another_image_are_not_mixed_up_with_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
