// SPDX-License-Identifier: Apache-2.0
// What the web API says: answers of every route and refusals of every status. The first byte
// chooses the route, the second the status; the rest is the body.
#include "uploader/compute/call.h"
#include "uploader/compute/failure.h"
#include "uploader/compute/machine.h"

#include <string.h>

#define ENDPOINT "11111111-1111-4111-8111-111111111111"
#define FUNCTION "22222222-2222-4222-8222-222222222222"
#define GROUP	 "33333333-3333-4333-8333-333333333333"
#define TASK	 "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void never(void *context, const json_t *answer, const struct compute_failure *failure)
{
	(void)context;
	(void)answer;
	(void)failure;
	abort();
}

static void make_call(struct compute *compute, unsigned route)
{
	static const struct compute_function function = {
		.name = "f", .code = "c", .serde_identifier = "st"};
	static const struct compute_submit submit = {.endpoint = ENDPOINT, .function = FUNCTION};
	struct sl_buf payload = {.len = 3};
	const char *id = TASK;

	switch ((route ^ '0') % 9) {
	case 0:
		compute_endpoint(compute, ENDPOINT, never, NULL);
		break;
	case 1:
		compute_status(compute, ENDPOINT, never, NULL);
		break;
	case 2:
		compute_allowed(compute, ENDPOINT, never, NULL);
		break;
	case 3:
		compute_register(compute, &function, never, NULL);
		break;
	case 4:
		payload.data = sl_strdup("1\nx");
		compute_submit(compute, &submit, &payload, 1, never, NULL);
		break;
	case 5:
		compute_batch_status(compute, &id, 1, never, NULL);
		break;
	case 6:
		compute_task_group(compute, GROUP, never, NULL);
		break;
	case 8:
		compute_show_function(compute, FUNCTION, never, NULL);
		break;
	default:
		compute_register_container(compute, "n", "/x.sif", NULL, never, NULL);
	}
}

// Either an answer or a failure, and never a message of more than one line.
static void must_be_one_or_the_other(const struct call *call)
{
	const struct compute_failure *failure = &call->failure;

	if ((call->answer != NULL) != (failure->error.kind == SL_E_NONE))
		abort();
	if (call->answer && !json_is_object(call->answer))
		abort();
	if (failure->unknown && !call->effect)
		abort();
	for (const char *c = failure->error.text; *c; c++)
		if ((unsigned char)*c < ' ')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const long statuses[] = {200, 201, 302, 400, 401, 403, 404, 413, 422, 429, 500, 503};
	struct auth_places places = {.compute = (char[]){"http://127.0.0.1:1"}};
	struct sl_error err = {0};
	struct compute *compute;

	if (size < 2)
		return 0;
	if (!compute_new(&places, NULL, NULL, &compute, &err))
		abort();
	make_call(compute, data[0]);
	struct call *call = machine_first(compute);
	sl_auto_free char *body = sl_alloc(size - 1);
	memcpy(body, data + 2, size - 2);
	struct http_answer answer = {.status = statuses[data[1] % 12],
				     .body = body,
				     .len = size - 2,
				     .retry_after = -1,
				     .sent = true};
	(void)failure_is_demand(answer.body, answer.len);
	call_heard(call, &answer, NULL);
	must_be_one_or_the_other(call);
	compute_free(compute);
	return 0;
}
