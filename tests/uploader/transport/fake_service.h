// SPDX-License-Identifier: Apache-2.0
// A compute service, an endpoint and an agent in one, instead of the real web API: it keeps what is
// submitted, carries it out when a test says so, hands out each answer once, and loses, refuses or
// forgets on demand. The clock is the test's, too.
#ifndef TESTS_UPLOADER_TRANSPORT_FAKE_SERVICE_H
#define TESTS_UPLOADER_TRANSPORT_FAKE_SERVICE_H

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

// ---- the agent -----------------------------------------------------------------------------

static inline struct stored *fake_object(const struct sl_digest *sha256)
{
	sl_list_each (&fake.store, stored)
		if (sl_digest_equal(&stored->sha256, sha256))
			return stored;
	return NULL;
}

static inline json_t *fake_refusal(const char *kind, const char *message, const char *hint)
{
	return json_pack("{s:b,s:{s:s,s:s,s:s}}", "ok", 0, "error", "kind", kind, "message",
			 message, "hint", hint);
}

static inline json_t *fake_spans(const struct spans *spans)
{
	json_t *list = json_array();
	for (size_t i = 0; i < spans->len; i++)
		sl_json_append(list, json_pack("[I,I]", (json_int_t)spans->items[i].offset,
					       (json_int_t)spans->items[i].size));
	return list;
}

static inline json_t *fake_put_entry(const json_t *entry)
{
	struct sl_error err = {0};
	const char *hex = json_string_value(json_object_get(entry, "sha256"));
	const char *text = json_string_value(json_object_get(entry, "data"));
	uint64_t size = (uint64_t)json_integer_value(json_object_get(entry, "size"));
	const json_t *total_json = json_object_get(entry, "total");
	uint64_t total = total_json ? (uint64_t)json_integer_value(total_json) : size;
	uint64_t offset = (uint64_t)json_integer_value(json_object_get(entry, "offset"));
	sl_auto_buf struct sl_buf data;
	struct sl_digest sha256;
	sl_buf_init(&data, 32 * SL_MIB);
	assert_true(hex && sl_digest_parse(hex, &sha256));
	assert_true(wire_base64_read(text, strlen(text), &data, &err));
	assert_int_equal(data.len, size);
	assert_true(offset + size <= total);
	fake.count.put_bytes += size;
	struct stored *stored = fake_object(&sha256);
	if (!stored) {
		stored = sl_list_add(&fake.store);
		*stored = (struct stored){
			.sha256 = sha256, .total = total, .data = sl_alloc(total + 1)};
	}
	stored->moved += size;
	if (!stored->whole && !fake.lose_pieces) {
		memcpy(stored->data + offset, data.data, size);
		spans_add(&stored->have, offset, size);
	}
	struct span gap;
	if (!stored->whole && !spans_gap(&stored->have, 0, total, &gap)) {
		struct sl_digest made = sl_sha256_bytes(stored->data, total);
		assert_true(sl_digest_equal(&made, &sha256));
		stored->whole = true;
	}
	json_t *result = json_pack("{s:s,s:b}", "sha256", hex, "stored", stored->whole);
	if (!stored->whole)
		sl_json_set(result, "have", fake_spans(&stored->have));
	return result;
}

static inline json_t *fake_put(const json_t *request)
{
	json_t *results = json_array(), *entry;
	size_t i;
	json_array_foreach (json_object_get(request, "objects"), i, entry)
		sl_json_append(results, fake_put_entry(entry));
	return json_pack("{s:b,s:o}", "ok", 1, "objects", results);
}

static inline json_t *fake_have(const json_t *request)
{
	json_t *missing = json_array(), *partial = json_array(), *entry;
	struct sl_digest sha256;
	size_t i;
	json_array_foreach (json_object_get(request, "objects"), i, entry) {
		const char *hex = json_string_value(json_object_get(entry, "sha256"));
		assert_true(hex && sl_digest_parse(hex, &sha256));
		const struct stored *stored = fake_object(&sha256);
		if (stored && stored->whole)
			continue;
		sl_json_append(missing, json_string(hex));
		if (stored)
			sl_json_append(partial, json_pack("{s:s,s:I,s:o}", "sha256", hex, "size",
							  (json_int_t)stored->total, "have",
							  fake_spans(&stored->have)));
	}
	return json_pack("{s:b,s:o,s:o}", "ok", 1, "missing", missing, "partial", partial);
}

// Each request of a test names the objects that have to be there in "needs".
static inline json_t *fake_needs(const json_t *request)
{
	json_t *missing = json_array(), *item;
	struct sl_digest sha256;
	size_t i;
	json_array_foreach (json_object_get(request, "needs"), i, item) {
		assert_true(sl_digest_parse(json_string_value(item), &sha256));
		const struct stored *stored = fake_object(&sha256);
		if (!stored || !stored->whole)
			sl_json_append(missing, json_incref(item));
	}
	if (fake.build_missing)
		sl_json_append(missing, json_string(fake.build_missing));
	if (json_array_size(missing) == 0) {
		json_decref(missing);
		return json_pack("{s:b,s:O}", "ok", 1, "echo", request);
	}
	json_t *answer = fake_refusal("answer", "objects are missing", "put them");
	sl_json_set(answer, "missing", missing);
	return answer;
}

static inline json_t *fake_call(const json_t *request)
{
	const char *op = json_string_value(json_object_get(request, "op"));
	assert_non_null(op);
	if (strcmp(op, "put") == 0)
		return fake_put(request);
	if (strcmp(op, "have") == 0)
		return fake_have(request);
	if (strcmp(op, "no") == 0)
		return fake_refusal("untrusted", "nobody trusted has signed", "sign it");
	fake.count.builds += strcmp(op, "build") == 0;
	fake.count.receipts += strcmp(op, "receipt") == 0;
	return fake_needs(request);
}

static inline json_t *fake_pickled(const char *text, size_t len)
{
	struct sl_error err = {0};
	sl_auto_buf struct sl_buf pickle;
	sl_buf_init(&pickle, 16 * SL_MIB);
	assert_true(wire_base64_read(text, len, &pickle, &err));
	return wire_unpickle((const unsigned char *)pickle.data, pickle.len, &err);
}

// A payload, as a worker that can read both sets reads it: [request].
static inline json_t *fake_request(const char *payload)
{
	struct sl_error err = {0};
	char *at;
	size_t len = strtoul(payload, &at, 10);
	bool modern = strncmp(at, "\n11\n", 4) == 0;
	assert_true(modern || strncmp(at, "\n00\n", 4) == 0);
	json_t *arguments = modern ? sl_json_load(at + 4, len - 3, "arguments", &err)
				   : fake_pickled(at + 4, len - 3);
	assert_string_equal(at + 1 + len, modern ? "5\n11\n{}" : "11\n00\ngAJ9Lg==");
	const char *text = json_string_value(json_array_get(arguments, 0));
	json_t *request = sl_json_load(text, strlen(text), "request", &err);
	json_decref(arguments);
	return request;
}

static inline void fake_carry_out(struct task *task)
{
	json_t *request = fake_request(task->payload);
	json_t *answers = json_array(), *call;
	size_t i, receipts = fake.count.receipts;
	assert_string_equal(json_string_value(json_object_get(request, "op")), "calls");
	json_t *calls = json_object_get(request, "calls");
	fake.count.calls += json_array_size(calls);
	if (json_array_size(calls) > fake.count.most_calls)
		fake.count.most_calls = json_array_size(calls);
	json_array_foreach (calls, i, call)
		sl_json_append(answers, fake_call(call));
	if (fake.count.receipts - receipts > fake.count.most_receipts)
		fake.count.most_receipts = fake.count.receipts - receipts;
	json_t *answer = json_pack("{s:b,s:O,s:o}", "ok", 1, "ref", json_object_get(request, "ref"),
				   "answers", answers);
	char *text = json_dumps(answer, JSON_COMPACT);
	json_t *quoted = json_string(text);
	char *dumped = json_dumps(quoted, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	sl_auto_free char *result = sl_format("11\n%s", dumped);
	json_t *whole = json_pack("{s:s,s:s,s:s}", "task_id", task->id, "status", "success",
				  "result", result);
	task->answer = json_dumps(whole, JSON_COMPACT);
	free(text);
	free(dumped);
	json_decref(quoted);
	json_decref(whole);
	json_decref(answer);
	json_decref(request);
}

// The endpoint: carries out what waits, unless the test holds it.
static inline void fake_run(void)
{
	if (fake.idle || fake.offline)
		return;
	sl_list_each (&fake.tasks, task) {
		if (task->done)
			continue;
		task->done = true;
		if (fake.exceptions > 0) {
			json_t *whole = json_pack("{s:s,s:s,s:s}", "task_id", task->id, "status",
						  "failed", "exception", fake.exception);
			fake.exceptions--;
			task->answer = json_dumps(whole, JSON_COMPACT);
			json_decref(whole);
		} else {
			fake_carry_out(task);
		}
	}
}

// ---- the service's answers -----------------------------------------------------------------

static inline void fake_uuid(char out[40], char first)
{
	snprintf(out, 40, "%c0000000-0000-4000-8000-%012u", first, ++fake.ids);
}

static inline json_t *fake_take(struct question *question)
{
	json_t *ids = json_array();
	char group[40];
	if (question->group)
		snprintf(group, sizeof group, "%s", question->group);
	else
		fake_uuid(group, '9');
	free(fake.last_group);
	fake.last_group = sl_strdup(group);
	size_t outstanding = 0;
	for (size_t i = 0; i < question->payloads.len; i++) {
		struct task *task = sl_list_add(&fake.tasks);
		*task = (struct task){.payload = sl_strdup(question->payloads.items[i])};
		fake_uuid(task->id, 'a');
		memcpy(task->group, group, sizeof group);
		sl_json_append(ids, json_string(task->id));
	}
	sl_list_each (&fake.tasks, task)
		outstanding += !task->done;
	if (outstanding > fake.count.most_outstanding)
		fake.count.most_outstanding = outstanding;
	return json_pack("{s:s,s:s,s:s,s:{s:o}}", "request_id", "r", "task_group_id", group,
			 "endpoint_id", ENDPOINT, "tasks", question->function, ids);
}

static inline enum fate fake_fate(void)
{
	if (fake.fates.len == 0)
		return FATE_TAKEN;
	enum fate fate = fake.fates.items[0];
	fake.fates.len--;
	memmove(fake.fates.items, fake.fates.items + 1, fake.fates.len * sizeof fate);
	return fate;
}

static inline void fake_say(const struct question *question, const json_t *answer,
			    const struct compute_failure *failure)
{
	if (question->done) // else whoever asked is gone
		question->done(question->context, answer, failure);
}

static inline void fake_answer_submit(struct question *question)
{
	struct compute_failure unknown = {.unknown = true};
	struct compute_failure large = {.status = 413};
	sl_fail(&unknown.error, SL_E_NETWORK, "the connection ended");
	sl_fail(&large.error, SL_E_LIMIT, "TASK_PAYLOAD_TOO_LARGE");
	fake.count.bodies--;
	if (question->code) {
		fake_say(question, NULL, &large);
		return;
	}
	enum fate fate = fake_fate();
	json_t *answer =
		fate == FATE_TAKEN || fate == FATE_TAKEN_SILENTLY ? fake_take(question) : NULL;
	if (fate == FATE_TAKEN)
		fake_say(question, answer, NULL);
	else
		fake_say(question, NULL, fate == FATE_REFUSED ? &fake.refusal : &unknown);
	json_decref(answer);
}

static inline void fake_answer_poll(struct question *question)
{
	json_t *results = json_object();
	if (fake.poll_refusal.error.kind != SL_E_NONE) {
		json_decref(results);
		fake_say(question, NULL, &fake.poll_refusal);
		return;
	}
	for (size_t i = 0; i < question->ids.len; i++)
		sl_list_each (&fake.tasks, task) {
			if (strcmp(task->id, question->ids.items[i]) != 0 || task->gone ||
			    fake.forget)
				continue;
			json_t *entry =
				task->done ? json_loads(task->answer, 0, NULL)
					   : json_pack("{s:s,s:s}", "task_id", task->id, "status",
						       fake.offline ? "waiting-for-ep" : "running");
			task->gone = task->done; // fetching takes it away
			json_object_set_new(results, task->id, entry);
		}
	json_t *answer = json_pack("{s:s,s:o}", "response", "batch", "results", results);
	fake_say(question, answer, NULL);
	json_decref(answer);
}

static inline void fake_answer_group(struct question *question)
{
	json_t *tasks = json_array();
	sl_list_each (&fake.tasks, task)
		if (strcmp(task->group, question->group) == 0)
			sl_json_append(tasks, json_pack("{s:s}", "id", task->id));
	json_t *answer = json_pack("{s:s,s:o}", "taskgroup_id", question->group, "tasks", tasks);
	fake_say(question, answer, NULL);
	json_decref(answer);
}

static inline json_t *fake_function(const char *id)
{
	sl_auto_buf struct sl_buf code;
	struct sl_error err = {0};

	fake.count.shown++;
	sl_buf_init(&code, WIRE_LIMIT_SUBMIT);
	if (!fake.shows || strcmp(id, fake.shows) != 0)
		return json_pack("{s:s,s:s}", "function_code", "14\nst\nfoo:def foo", "description",
				 "sealift 0.0.7, agent with sha256 00");
	assert_true(wire_function(fake.shows_set, "sealift_agent", (const char *)agent_source,
				  agent_source_len, &code, &err));
	return json_pack("{s:s}", "function_code", code.data);
}

static inline json_t *fake_simple_answer(struct question *question)
{
	char id[40];
	json_t *allowed = json_array();
	switch (question->what) {
	case ASKED_ENDPOINT:
		json_decref(allowed);
		fake.count.endpoints++;
		return json_pack("{s:s,s:s}", "uuid", ENDPOINT, "endpoint_version", fake.version);
	case ASKED_STATUS:
		json_decref(allowed);
		return json_pack("{s:s}", "status", fake.offline ? "offline" : "online");
	case ASKED_REGISTER:
		json_decref(allowed);
		fake.count.registered++;
		free(fake.last_code);
		fake.last_code = sl_strdup(question->code);
		fake_uuid(id, 'f');
		return json_pack("{s:s}", "function_uuid", id);
	case ASKED_FUNCTION:
		json_decref(allowed);
		return fake_function(question->function);
	default:
		for (size_t i = 0; i < 4 && fake.allowed[i]; i++)
			sl_json_append(allowed, json_string(fake.allowed[i]));
		return json_pack("{s:b,s:o}", "restricted", fake.restricted, "functions", allowed);
	}
}

static inline void fake_answer(struct question *question)
{
	if (question->what == ASKED_SUBMIT) {
		fake_answer_submit(question);
	} else if (question->what == ASKED_POLL) {
		fake_answer_poll(question);
	} else if (question->what == ASKED_GROUP) {
		fake_answer_group(question);
	} else if (question->what == ASKED_ENDPOINT && fake.setup_refusal.error.kind != SL_E_NONE) {
		fake_say(question, NULL, &fake.setup_refusal);
	} else {
		json_t *answer = fake_simple_answer(question);
		fake_say(question, answer, NULL);
		json_decref(answer);
	}
}

// Answers what was asked before this call, as compute_step() would.
static inline void fake_answer_all(void)
{
	size_t len = fake.questions.len;
	for (size_t i = 0, at = 0; i < len; i++) {
		if (fake.questions.items[at].what == ASKED_SUBMIT &&
		    fake.questions.items[at].held && fake.hold_submits) {
			at++;
			continue;
		}
		struct question question = fake.questions.items[at];
		fake.questions.len--;
		memmove(fake.questions.items + at, fake.questions.items + at + 1,
			(fake.questions.len - at) * sizeof question);
		fake_answer(&question);
		fake_question_release(&question);
	}
}

// Whoever asked is no more.
static inline void fake_hang_up(void)
{
	sl_list_each (&fake.questions, question) {
		// What was sent before it died arrives all the same.
		if (question->what == ASKED_SUBMIT && fake_fate() != FATE_VANISHED)
			json_decref(fake_take(question));
		fake_question_release(question);
	}
	fake.questions.len = 0;
	fake.count.bodies = 0;
}

static inline void fake_reset(void)
{
	fake_hang_up();
	sl_list_each (&fake.tasks, task) {
		free(task->payload);
		free(task->answer);
	}
	sl_list_each (&fake.store, stored) {
		free(stored->data);
		sl_list_release(&stored->have);
	}
	sl_list_release(&fake.tasks);
	sl_list_release(&fake.store);
	sl_list_release(&fake.fates);
	sl_list_release(&fake.questions);
	free(fake.last_code);
	free(fake.last_group);
	fake = (struct fake){.now = 1000000, .version = "4.19.0"};
}

static inline void fake_next(enum fate fate)
{
	*sl_list_add(&fake.fates) = fate;
}

// ---- a driver at work ----------------------------------------------------------------------

struct world {
	char *folder;
	struct ledger *ledger;
	struct post *post;
	struct builder_config config;
};

static inline void world_open(struct world *world)
{
	struct sl_error err = {0};
	if (!ledger_open(world->folder, &world->ledger, &err))
		fail_msg("%s", err.text);
	struct post_setup setup = {.ledger = world->ledger,
				   .compute = (struct compute *)&fake,
				   .builder = ENDPOINT,
				   .config = &world->config,
				   .service = SERVICE};
	if (!post_driver_globus.open(&setup, &world->post, &err))
		fail_msg("%s", err.text);
}

static inline void world_close(struct world *world)
{
	post_driver_globus.close(world->post);
	ledger_close(world->ledger);
}

// The process ends at once, and another one begins. (The same process has the same name in the
// ledger, so what it held is given back as if it had died.)
static inline void world_kill(struct world *world)
{
	world_close(world);
	fake_hang_up();
	world_open(world);
}

static inline void world_new(struct world *world, void **state)
{
	*world = (struct world){.folder = *state, .config = {.timeout = 600, .poll_ms = 200}};
	fake_reset();
	world_open(world);
}

static inline void world_step(struct world *world, int64_t ms)
{
	struct sl_error err = {0};
	bool busy;
	fake.now += ms;
	if (!post_driver_globus.step(world->post, &busy, &err))
		fail_msg("%s", err.text);
	fake_answer_all();
	fake_run();
}

static inline size_t world_pending(const struct world *world)
{
	return post_driver_globus.pending(world->post);
}

// Until all errands have been heard of, or for so many seconds.
static inline void world_run(struct world *world, unsigned seconds)
{
	for (unsigned i = 0; i < seconds * 10 && world_pending(world) > 0; i++)
		world_step(world, 100);
}

static inline void world_idle(struct world *world, unsigned seconds)
{
	for (unsigned i = 0; i < seconds * 10; i++)
		world_step(world, 100);
}

// ---- errands -------------------------------------------------------------------------------

struct told {
	unsigned times;
	enum sl_kind kind;
	char text[2048], remedy[512];
	json_t *answer;
	uint64_t moved;
};

static inline void told_heard(void *context, const json_t *answer, const struct sl_error *why,
			      const char *remedy)
{
	struct told *told = context;
	told->times++;
	told->kind = why ? why->kind : SL_E_NONE;
	snprintf(told->text, sizeof told->text, "%s", why ? why->text : "");
	snprintf(told->remedy, sizeof told->remedy, "%s", remedy ? remedy : "");
	json_decref(told->answer);
	told->answer = json_incref((json_t *)(uintptr_t)answer);
}

static inline void told_moved(void *context, uint64_t bytes)
{
	((struct told *)context)->moved += bytes;
}

static inline void told_release(struct told *told)
{
	json_decref(told->answer);
	*told = (struct told){0};
}

static inline void assert_good(const struct told *told)
{
	if (told->times != 1 || told->kind != SL_E_NONE)
		fail_msg("heard %u times: %s", told->times, told->text);
	assert_true(json_is_true(json_object_get(told->answer, "ok")));
}

static inline void assert_told(const struct told *told, enum sl_kind kind, const char *words)
{
	assert_int_equal(told->times, 1);
	if (told->kind != kind || !strstr(told->text, words))
		fail_msg("kind %d, '%s', not kind %d with '%s'", told->kind, told->text, kind,
			 words);
}

// An errand whose request names its objects, so that the agent can tell whether they are there.
static inline void world_ask(struct world *world, const char *op,
			     const struct transport_object *const *objects, size_t len,
			     struct told *told)
{
	struct sl_error err = {0};
	json_t *request = json_object(), *needs = json_array();
	char hex[SL_DIGEST_HEX + 1];
	for (size_t i = 0; i < len; i++) {
		sl_digest_hex(&objects[i]->sha256, hex);
		sl_json_append(needs, json_string(hex));
	}
	sl_json_set_string(request, "op", op);
	if (len > 0)
		sl_json_set(request, "needs", needs);
	else
		json_decref(needs);
	struct errand errand = {.request = request,
				.objects = objects,
				.len = len,
				.heard = told_heard,
				.moved = told_moved,
				.context = told};
	*told = (struct told){0};
	if (!post_driver_globus.start(world->post, &errand, &err))
		fail_msg("%s", err.text);
	json_decref(request);
}

static inline void world_have(struct world *world, const struct transport_object *object,
			      struct told *told)
{
	struct sl_error err = {0};
	char hex[SL_DIGEST_HEX + 1];
	sl_digest_hex(&object->sha256, hex);
	json_t *request = json_pack("{s:s,s:[{s:s,s:I}]}", "op", "have", "objects", "sha256", hex,
				    "size", (json_int_t)object->size);
	struct errand errand = {.request = request, .heard = told_heard, .context = told};
	*told = (struct told){0};
	assert_true(post_driver_globus.start(world->post, &errand, &err));
	json_decref(request);
}

// One small errand, so that endpoint, function and task group are known.
static inline void world_warm_up(struct world *world)
{
	struct told told;
	world_ask(world, "probe", NULL, 0, &told);
	world_run(world, 60);
	assert_good(&told);
	told_release(&told);
	memset(&fake.count, 0, sizeof fake.count);
}

// ---- objects -------------------------------------------------------------------------------

struct source {
	uint64_t seed, reads, read_bytes;
	bool broken;
};

static inline void source_bytes(uint64_t seed, uint64_t offset, unsigned char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint64_t x = (seed << 40) + ((offset + i) >> 2);
		x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15U;
		data[i] = (unsigned char)(x >> (32 + 8 * ((offset + i) & 3)));
	}
}

static inline bool source_read(void *context, size_t index, uint64_t offset, void *data, size_t len,
			       struct sl_error *err)
{
	struct source *source = context;
	(void)index;
	if (source->broken)
		return sl_fail(err, SL_E_IO, "cannot read the bundle");
	source->reads++;
	source->read_bytes += len;
	source_bytes(source->seed, offset, data, len);
	return true;
}

static inline struct transport_object source_object(struct source *source, uint64_t size)
{
	unsigned char *all = sl_alloc(size + 1);
	source_bytes(source->seed, 0, all, size);
	struct transport_object object = {.sha256 = sl_sha256_bytes(all, size),
					  .size = size,
					  .read = source_read,
					  .context = source};
	free(all);
	return object;
}

#endif
