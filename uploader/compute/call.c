// SPDX-License-Identifier: Apache-2.0
#include "uploader/compute/call.h"

#include "uploader/compute/failure.h"
#include "uploader/compute/machine.h"
#include "uploader/compute/shape.h"
#include "uploader/wire/wire.h"

#include <stdio.h>

struct call *call_new(struct compute *compute, enum http_method method, compute_done *done,
		      void *context)
{
	struct call *call = sl_alloc(sizeof *call);

	*call = (struct call){
		.compute = compute, .method = method, .done = done, .context = context};
	machine_add(compute, call);
	return call;
}

void call_free(struct call *call)
{
	free(call->path);
	free(call->id);
	sl_buf_release(&call->body);
	sl_strings_release(&call->asked);
	json_decref(call->answer);
	compute_failure_release(&call->failure);
	free(call);
}

bool call_refuse(struct call *call, enum sl_kind kind, const char *fmt, ...)
{
	char text[sizeof call->failure.error.text];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	call->state = CALL_OVER;
	return sl_fail(&call->failure.error, kind, "%s", text);
}

bool call_about(struct call *call, const char *which, const char *id)
{
	if (compute_is_uuid(id)) {
		free(call->id);
		call->id = sl_strdup(id);
		return true;
	}
	sl_auto_free char *shown = sl_text_shown(id);
	return call_refuse(call, SL_E_INPUT,
			   "'%.100s' is no %s: a UUID in small letters is needed, like "
			   "01234567-89ab-cdef-0123-456789abcdef",
			   shown, which);
}

bool call_text(struct call *call, const char *which, const char *text)
{
	return sl_text_is_utf8(text, strlen(text)) ||
	       call_refuse(call, SL_E_INPUT, "the %s is not UTF-8", which);
}

static int write_body(const char *data, size_t len, void *context)
{
	struct sl_buf *body = context;

	sl_buf_add(body, data, len);
	return body->overflow ? -1 : 0;
}

bool call_body(struct call *call, json_t *object)
{
	sl_auto_json json_t *owned = object;
	int status;

	sl_buf_init(&call->body, WIRE_LIMIT_SUBMIT);
	status = json_dump_callback(owned, write_body, &call->body,
				    JSON_COMPACT | JSON_ENSURE_ASCII);
	if (call->body.overflow)
		return call_refuse(call, SL_E_LIMIT,
				   "a request of more than %d bytes is too large for the service",
				   WIRE_LIMIT_SUBMIT);
	return status == 0 || call_refuse(call, SL_E_INTERNAL, "cannot write a request as JSON");
}

// ---- what comes back -----------------------------------------------------------------------

static void take_answer(struct call *call, const struct http_answer *answer)
{
	struct sl_error *err = &call->failure.error;
	sl_auto_json json_t *json = shape_read(answer->body, answer->len, err);

	call->failure.status = answer->status;
	if (json) {
		shape_drop_nulls(json);
		if (call->check(call, json, err))
			call->answer = sl_take(json);
	}
	call->failure.unknown = call->effect && !call->answer;
}

// A 303 may come after the deed, and so may everything that begins with 5.
static void take_refusal(struct call *call, const struct http_answer *answer)
{
	failure_of_answer(&call->failure, answer->status, answer->body, answer->len);
	call->failure.unknown = call->effect && (answer->status >= 500 || answer->status == 303);
}

static void take_loss(struct call *call, const struct http_answer *answer,
		      const struct sl_error *why)
{
	sl_fail(&call->failure.error, why->kind, "%s", why->text);
	call->failure.unknown = call->effect && answer->sent;
}

void call_heard(struct call *call, const struct http_answer *answer, const struct sl_error *why)
{
	call->state = CALL_OVER;
	if (why)
		take_loss(call, answer, why);
	else if (answer->status >= 200 && answer->status < 300)
		take_answer(call, answer);
	else
		take_refusal(call, answer);
}
