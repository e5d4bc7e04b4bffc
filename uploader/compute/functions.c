// SPDX-License-Identifier: Apache-2.0
// Registering a function, and looking at one.
#include "uploader/compute/call.h"
#include "uploader/compute/shape.h"

// `meta` says which packing the text is of, and the service wants all three. No Python of ours is
// involved: the oldest one that our functions are written for, and the SDK whose packing this is.
#define META_PYTHON "3.8.0"
#define META_SDK    "4.19.0"

static bool check_registered(const struct call *call, json_t *answer, struct sl_error *err)
{
	(void)call;
	return shape_uuid(answer, "function_uuid", NULL, err);
}

static json_t *body_of(const struct compute_function *function)
{
	json_t *body = json_object(), *meta = json_object();

	sl_json_set_string(meta, "python_version", META_PYTHON);
	sl_json_set_string(meta, "sdk_version", META_SDK);
	sl_json_set_string(meta, "serde_identifier", function->serde_identifier);
	sl_json_set(body, "meta", meta);
	sl_json_set_string(body, "function_name", function->name);
	sl_json_set_string(body, "function_code", function->code);
	if (function->description)
		sl_json_set_string(body, "description", function->description);
	if (function->open_to_all)
		sl_json_set_bool(body, "public", true);
	return body;
}

void compute_register(struct compute *compute, const struct compute_function *function,
		      compute_done *done, void *context)
{
	struct call *call = call_new(compute, HTTP_POST, done, context);

	call->effect = true;
	call->check = check_registered;
	call->path = sl_strdup("/v3/functions");
	call_body(call, body_of(function));
}

static bool check_function(const struct call *call, json_t *answer, struct sl_error *err)
{
	(void)call;
	return shape_text_opt(answer, "function_code", err) &&
	       shape_text_opt(answer, "description", err);
}

void compute_show_function(struct compute *compute, const char *function, compute_done *done,
			   void *context)
{
	struct call *call = call_new(compute, HTTP_GET, done, context);

	call->check = check_function;
	if (call_about(call, "function", function))
		call->path = sl_format("/v2/functions/%s", function);
}
