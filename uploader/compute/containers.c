// SPDX-License-Identifier: Apache-2.0
// The old registration of container images. The type is the service's own word for Apptainer, too.
#include "uploader/compute/call.h"
#include "uploader/compute/shape.h"

static bool check_registered(const struct call *call, json_t *answer, struct sl_error *err)
{
	(void)call;
	return shape_uuid(answer, "container_id", NULL, err);
}

void compute_register_container(struct compute *compute, const char *name, const char *location,
				const char *description, compute_done *done, void *context)
{
	struct call *call = call_new(compute, HTTP_POST, done, context);
	const char *about = description ? description : "";

	call->effect = true;
	call->check = check_registered;
	call->path = sl_strdup("/v2/containers");
	if (!call_text(call, "name of the container", name) ||
	    !call_text(call, "path of the image", location) ||
	    !call_text(call, "description of the container", about))
		return;
	json_t *body = json_object();
	sl_json_set_string(body, "name", name);
	sl_json_set_string(body, "location", location);
	sl_json_set_string(body, "description", about);
	sl_json_set_string(body, "type", "singularity");
	call_body(call, body);
}
