// SPDX-License-Identifier: Apache-2.0
// Submitting tasks. The payloads are megabytes of text that is nearly JSON already: they are
// written straight into the body, and counted by the same code that writes them.
#include "uploader/compute/call.h"
#include "uploader/compute/shape.h"
#include "uploader/wire/wire.h"

#include <string.h>

// The service may start a process before it answers.
#define SILENCE_MAX 300

// ---- writing -------------------------------------------------------------------------------

struct sink {
	struct sl_buf *out; // NULL: only count
	size_t len;
	struct sl_buf *written; // the payloads, which are released one after the other; NULL: kept
};

static void put(struct sink *sink, const char *data, size_t len)
{
	sink->len += len;
	if (sink->out)
		sl_buf_add(sink->out, data, len);
}

static void puts_to(struct sink *sink, const char *text)
{
	put(sink, text, strlen(text));
}

static const char *named_escape(unsigned char c)
{
	switch (c) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	default:
		return NULL;
	}
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

static void put_escape(struct sink *sink, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *named = named_escape(c);

	if (named)
		puts_to(sink, named);
	else
		put(sink, (char[]){'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]}, 6);
}

static void put_string(struct sink *sink, const char *text, size_t len)
{
	size_t begin = 0;

	put(sink, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		if (is_plain((unsigned char)text[i]))
			continue;
		put(sink, text + begin, i - begin);
		put_escape(sink, (unsigned char)text[i]);
		begin = i + 1;
	}
	put(sink, text + begin, len - begin);
	put(sink, "\"", 1);
}

static int put_piece(const char *data, size_t len, void *context)
{
	put(context, data, len);
	return 0;
}

static bool put_body(struct sink *sink, const struct compute_submit *submit,
		     const struct sl_buf *payloads, size_t count)
{
	bool good = true;

	puts_to(sink, "{\"create_queue\":false");
	if (submit->task_group) {
		puts_to(sink, ",\"task_group_id\":");
		put_string(sink, submit->task_group, strlen(submit->task_group));
	}
	if (submit->json_results)
		puts_to(sink,
			",\"result_serializers\":[\"globus_compute_sdk.serialize.JSONData\"]");
	if (submit->user_endpoint_config) {
		puts_to(sink, ",\"user_endpoint_config\":");
		good = json_dump_callback(submit->user_endpoint_config, put_piece, sink,
					  JSON_COMPACT | JSON_ENSURE_ASCII) == 0;
	}
	puts_to(sink, ",\"tasks\":{");
	put_string(sink, submit->function, strlen(submit->function));
	puts_to(sink, ":[");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			puts_to(sink, ",");
		put_string(sink, payloads[i].data, payloads[i].len);
		if (sink->written)
			sl_buf_release(&sink->written[i]);
	}
	puts_to(sink, "]}}");
	return good;
}

size_t compute_submit_size(const struct compute_submit *submit, const struct sl_buf *payloads,
			   size_t count)
{
	struct sink sink = {0};

	put_body(&sink, submit, payloads, count);
	return sink.len;
}

size_t compute_payload_size(const struct sl_buf *payload)
{
	struct sink sink = {.len = 1}; // the comma

	put_string(&sink, payload->data, payload->len);
	return sink.len;
}

// ---- the call ------------------------------------------------------------------------------

static bool check_submitted(const struct call *call, json_t *answer, struct sl_error *err)
{
	const json_t *tasks = json_object_get(answer, "tasks");
	const json_t *ids = json_object_get(tasks, call->id);

	if (!shape_uuid(answer, "request_id", NULL, err) ||
	    !shape_uuid(answer, "task_group_id", NULL, err) ||
	    !shape_uuid(answer, "endpoint_id", NULL, err))
		return false;
	if (json_object_size(tasks) != 1 || json_array_size(ids) != call->count)
		return sl_fail(err, SL_E_FORMAT,
			       "the service's answer is not what it should be: tasks: the ids of "
			       "%zu tasks of function '%s' are needed here",
			       call->count, call->id);
	return shape_uuids(ids, "tasks", err);
}

static bool is_ascii(const struct sl_buf *payload)
{
	for (size_t i = 0; i < payload->len; i++)
		if ((unsigned char)payload->data[i] >= 0x80)
			return false;
	return true;
}

static bool check_payloads(struct call *call, const struct sl_buf *payloads, size_t count)
{
	if (count == 0)
		return call_refuse(call, SL_E_INTERNAL, "there is no task to submit");
	for (size_t i = 0; i < count; i++)
		if (!is_ascii(&payloads[i]))
			return call_refuse(call, SL_E_INTERNAL, "payload %zu is not ASCII", i + 1);
	return true;
}

static void write_call(struct call *call, const struct compute_submit *submit,
		       struct sl_buf *payloads, size_t count)
{
	size_t size = compute_submit_size(submit, payloads, count);
	struct sink sink = {.out = &call->body, .written = payloads};

	if (size > WIRE_LIMIT_SUBMIT) {
		call_refuse(call, SL_E_LIMIT,
			    "a submit of %zu bytes is larger than the %d that the service takes",
			    size, WIRE_LIMIT_SUBMIT);
		call->failure.remedy = sl_strdup("submit fewer tasks at once, or smaller ones");
		return;
	}
	sl_buf_init(&call->body, size);
	sl_buf_grow(&call->body, size);
	if (!put_body(&sink, submit, payloads, count))
		call_refuse(call, SL_E_INTERNAL, "user_endpoint_config cannot be written as JSON");
}

void compute_submit(struct compute *compute, const struct compute_submit *submit,
		    struct sl_buf *payloads, size_t count, compute_done *done, void *context)
{
	struct call *call = call_new(compute, HTTP_POST, done, context);

	call->effect = true;
	call->check = check_submitted;
	call->count = count;
	call->timeout = SILENCE_MAX;
	if (call_about(call, "endpoint", submit->endpoint) &&
	    (!submit->task_group || call_about(call, "task group", submit->task_group)) &&
	    call_about(call, "function", submit->function) &&
	    check_payloads(call, payloads, count)) {
		call->path = sl_format("/v3/endpoints/%s/submit", submit->endpoint);
		write_call(call, submit, payloads, count);
	}
	for (size_t i = 0; i < count; i++)
		sl_buf_release(&payloads[i]);
}
