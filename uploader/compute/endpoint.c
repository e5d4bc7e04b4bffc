// SPDX-License-Identifier: Apache-2.0
// What is to be known of an endpoint.
#include "uploader/compute/call.h"
#include "uploader/compute/shape.h"

#include <string.h>

// GET BEFORE/ID/AFTER
static void ask(struct compute *compute, const char *endpoint, const char *before,
		const char *after, call_check *check, compute_done *done, void *context)
{
	struct call *call = call_new(compute, HTTP_GET, done, context);

	call->check = check;
	if (call_about(call, "endpoint", endpoint))
		call->path = sl_format("%s%s%s", before, endpoint, after);
}

static bool check_endpoint(const struct call *call, json_t *answer, struct sl_error *err)
{
	static const char *const texts[] = {"name", "endpoint_version", "python_version",
					    "user_config_template"};
	const char *id;

	if (!shape_uuid(answer, "uuid", &id, err))
		return false;
	if (strcmp(id, call->id) != 0)
		return sl_fail(err, SL_E_FORMAT,
			       "the service answers about endpoint '%s' when asked about '%s'", id,
			       call->id);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (!shape_text_opt(answer, texts[i], err))
			return false;
	return shape_object_opt(answer, "user_config_schema", err);
}

void compute_endpoint(struct compute *compute, const char *endpoint, compute_done *done,
		      void *context)
{
	ask(compute, endpoint, "/v2/endpoints/", "", check_endpoint, done, context);
}

static bool check_status(const struct call *call, json_t *answer, struct sl_error *err)
{
	(void)call;
	return shape_text(answer, "status", err);
}

void compute_status(struct compute *compute, const char *endpoint, compute_done *done,
		    void *context)
{
	ask(compute, endpoint, "/v2/endpoints/", "/status", check_status, done, context);
}

static bool check_allowed(const struct call *call, json_t *answer, struct sl_error *err)
{
	const json_t *restricted = json_object_get(answer, "restricted");

	(void)call;
	if (!json_is_boolean(restricted))
		return sl_fail(err, SL_E_FORMAT,
			       "the service's answer is not what it should be: restricted: true "
			       "or false is needed here");
	if (!json_is_true(restricted) && !json_object_get(answer, "functions"))
		sl_json_set(answer, "functions", json_array());
	return shape_uuids(json_object_get(answer, "functions"), "functions", err);
}

void compute_allowed(struct compute *compute, const char *endpoint, compute_done *done,
		     void *context)
{
	ask(compute, endpoint, "/v3/endpoints/", "/allowed_functions", check_allowed, done,
	    context);
}
