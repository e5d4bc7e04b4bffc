// SPDX-License-Identifier: Apache-2.0
// A compute service, an endpoint and an agent in one, instead of the real web API: it keeps what is
// submitted, carries it out when a test says so, hands out each answer once, and loses, refuses or
// forgets on demand.
#ifndef TESTS_UPLOADER_TRANSPORT_FAKE_SERVICE_H
#define TESTS_UPLOADER_TRANSPORT_FAKE_SERVICE_H

#include "tests/uploader/transport/fake_agent.h"

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

#endif
