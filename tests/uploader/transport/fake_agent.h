// SPDX-License-Identifier: Apache-2.0
// The fake endpoint's agent: a store of objects, builds that are over at once, and its answers as a
// worker packs them.
#ifndef TESTS_UPLOADER_TRANSPORT_FAKE_AGENT_H
#define TESTS_UPLOADER_TRANSPORT_FAKE_AGENT_H

#include "tests/uploader/transport/fake_state.h"

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

#endif
