// SPDX-License-Identifier: Apache-2.0
// What the fake compute service knows, and the web API's functions, which only write down here what
// is asked. The clock is the test's, too.
#ifndef TESTS_UPLOADER_TRANSPORT_FAKE_STATE_H
#define TESTS_UPLOADER_TRANSPORT_FAKE_STATE_H

#include "tests/uploader/scratch.h"
#include "uploader/transport/agent_source.h"
#include "uploader/transport/globus.h"
#include "uploader/wire/base64.h"

#define ENDPOINT "11111111-1111-4111-8111-111111111111"
#define SERVICE	 "https://compute.example"

enum fate {
	FATE_TAKEN,
	FATE_TAKEN_SILENTLY, // tasks are made, but the answer is lost
	FATE_VANISHED,	     // nothing is made, and nobody says so
	FATE_REFUSED,	     // with `refusal`
};

enum asked {
	ASKED_ENDPOINT,
	ASKED_STATUS,
	ASKED_ALLOWED,
	ASKED_REGISTER,
	ASKED_FUNCTION,
	ASKED_SUBMIT,
	ASKED_POLL,
	ASKED_GROUP
};

struct question {
	enum asked what;
	compute_done *done;
	void *context;
	struct sl_strings ids; // of a poll
	char *function, *group, *code;
	bool json_results;
	struct sl_strings payloads;
	bool held;
};

struct task {
	char id[40], group[40];
	char *payload;
	bool done, gone;
	char *answer; // JSON of the task, once done
};

// An object in the agent's store.
struct stored {
	struct sl_digest sha256;
	uint64_t total, moved; // bytes that came for it, each time counted
	struct spans have;
	unsigned char *data;
	bool whole;
};

static struct fake {
	int64_t now;
	unsigned refs, ids;
	SL_LIST(struct question) questions;
	SL_LIST(struct task) tasks;
	SL_LIST(struct stored) store;
	SL_LIST(enum fate) fates; // of the submits to come; then all are taken
	struct compute_failure refusal, poll_refusal, setup_refusal;
	const char *version, *exception; // what a task ends with instead of an answer
	unsigned exceptions;		 // so many times
	const char *allowed[4];
	bool restricted, offline, idle, hold_submits, forget, lose_pieces;
	size_t limit; // bytes of a submit, else 413
	const char *build_missing;
	const char *shows;	 // the function whose code is the agent's,
	enum wire_set shows_set; // in this form
	char *last_code, *last_group;
	struct {
		size_t submits, payloads, calls, most_calls, polls, registered, groups, bodies,
			most_bodies, largest, most_outstanding, receipts, most_receipts, builds,
			endpoints, put_bytes, shown;
	} count;
} fake;

int64_t globus_clock_ms(void)
{
	return fake.now;
}

bool globus_ref(char ref[GLOBUS_REF + 1], struct sl_error *err)
{
	(void)err;
	snprintf(ref, GLOBUS_REF + 1, "%032x", ++fake.refs);
	return true;
}

// ---- the web API's functions ---------------------------------------------------------------

bool compute_is_uuid(const char *text)
{
	return strlen(text) == 36 && text[8] == '-';
}

static inline struct question *fake_ask(enum asked what, compute_done *done, void *context)
{
	struct question *question = sl_list_add(&fake.questions);
	*question = (struct question){.what = what, .done = done, .context = context};
	return question;
}

void compute_endpoint(struct compute *compute, const char *endpoint, compute_done *done,
		      void *context)
{
	(void)compute;
	assert_string_equal(endpoint, ENDPOINT);
	fake_ask(ASKED_ENDPOINT, done, context);
}

void compute_status(struct compute *compute, const char *endpoint, compute_done *done,
		    void *context)
{
	(void)compute;
	(void)endpoint;
	fake_ask(ASKED_STATUS, done, context);
}

void compute_allowed(struct compute *compute, const char *endpoint, compute_done *done,
		     void *context)
{
	(void)compute;
	(void)endpoint;
	fake_ask(ASKED_ALLOWED, done, context);
}

void compute_register(struct compute *compute, const struct compute_function *function,
		      compute_done *done, void *context)
{
	(void)compute;
	assert_string_equal(function->name, "sealift_agent");
	fake_ask(ASKED_REGISTER, done, context)->code = sl_strdup(function->serde_identifier);
}

void compute_show_function(struct compute *compute, const char *function, compute_done *done,
			   void *context)
{
	(void)compute;
	fake_ask(ASKED_FUNCTION, done, context)->function = sl_strdup(function);
}

void compute_submit(struct compute *compute, const struct compute_submit *submit,
		    struct sl_buf *payloads, size_t count, compute_done *done, void *context)
{
	struct question *question = fake_ask(ASKED_SUBMIT, done, context);
	size_t size = compute_submit_size(submit, payloads, count);
	(void)compute;
	question->function = sl_strdup(submit->function);
	question->group = submit->task_group ? sl_strdup(submit->task_group) : NULL;
	question->json_results = submit->json_results;
	question->held = fake.hold_submits;
	for (size_t i = 0; i < count; i++)
		sl_strings_add(&question->payloads, payloads[i].data);
	for (size_t i = 0; i < count; i++)
		sl_buf_release(&payloads[i]);
	fake.count.submits++;
	fake.count.payloads += count;
	fake.count.largest = size > fake.count.largest ? size : fake.count.largest;
	fake.count.bodies++;
	if (fake.count.bodies > fake.count.most_bodies)
		fake.count.most_bodies = fake.count.bodies;
	assert_true(size <= WIRE_LIMIT_SUBMIT);
	assert_true(count > 0);
	// How a 413 comes about is known only here, where the size is.
	if (fake.limit && size > fake.limit)
		question->code = sl_strdup("413");
}

size_t compute_payload_size(const struct sl_buf *payload)
{
	json_t *text = json_stringn(payload->data, payload->len);
	char *dumped = json_dumps(text, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	size_t size = strlen(dumped) + 1;
	free(dumped);
	json_decref(text);
	return size;
}

size_t compute_submit_size(const struct compute_submit *submit, const struct sl_buf *payloads,
			   size_t count)
{
	char *config = submit->user_endpoint_config
			       ? json_dumps(submit->user_endpoint_config, JSON_COMPACT)
			       : NULL;
	size_t size = 300 + (config ? strlen(config) : 0);
	free(config);
	for (size_t i = 0; i < count; i++)
		size += compute_payload_size(&payloads[i]);
	return size;
}

// What was sent is sent: only its answer finds nobody.
void compute_forget(struct compute *compute, const void *context)
{
	(void)compute;
	sl_list_each (&fake.questions, question)
		if (question->context == context)
			question->done = NULL;
}

void compute_batch_status(struct compute *compute, const char *const *ids, size_t count,
			  compute_done *done, void *context)
{
	struct question *question = fake_ask(ASKED_POLL, done, context);
	(void)compute;
	assert_true(count > 0 && count <= COMPUTE_BATCH);
	fake.count.polls++;
	for (size_t i = 0; i < count; i++)
		sl_strings_add(&question->ids, ids[i]);
}

void compute_task_group(struct compute *compute, const char *group, compute_done *done,
			void *context)
{
	(void)compute;
	fake.count.groups++;
	fake_ask(ASKED_GROUP, done, context)->group = sl_strdup(group);
}

static inline void fake_question_release(struct question *question)
{
	sl_strings_release(&question->ids);
	sl_strings_release(&question->payloads);
	free(question->function);
	free(question->group);
	free(question->code);
}

#endif
