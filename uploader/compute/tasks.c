// SPDX-License-Identifier: Apache-2.0
// How tasks are, and which there are.
#include "uploader/compute/call.h"
#include "uploader/compute/shape.h"

#include <string.h>

// ---- many tasks ----------------------------------------------------------------------------

static bool was_asked(const struct call *call, const char *id)
{
	for (size_t i = 0; i < call->asked.len; i++)
		if (strcmp(call->asked.items[i], id) == 0)
			return true;
	return false;
}

// The status in small letters, as the SDK reads it.
static void lower_status(json_t *task)
{
	sl_auto_free char *status = sl_strdup(json_string_value(json_object_get(task, "status")));

	for (char *c = status; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	sl_json_set_string(task, "status", status);
}

static bool is_task(json_t *task)
{
	struct sl_error ignored = {0};

	if (!json_is_object(task))
		return false;
	shape_drop_nulls(task);
	return shape_text(task, "status", &ignored) && shape_text_opt(task, "result", &ignored) &&
	       shape_text_opt(task, "exception", &ignored) &&
	       shape_text_opt(task, "reason", &ignored);
}

static bool check_batch(const struct call *call, json_t *answer, struct sl_error *err)
{
	json_t *results = json_object_get(answer, "results"), *task;
	const char *id;
	void *next;

	if (!json_is_object(results))
		return sl_fail(err, SL_E_FORMAT,
			       "the service's answer is not what it should be: results: an object "
			       "is needed here");
	json_object_foreach_safe(results, next, id, task)
	{
		if (was_asked(call, id) && is_task(task))
			lower_status(task);
		else
			json_object_del(results, id);
	}
	return true;
}

void compute_batch_status(struct compute *compute, const char *const *ids, size_t count,
			  compute_done *done, void *context)
{
	struct call *call = call_new(compute, HTTP_POST, done, context);
	json_t *body = json_object(), *list = json_array();

	sl_json_set(body, "task_ids", list);
	call->check = check_batch;
	call->answer_limit = COMPUTE_LIMIT_ANSWER;
	call->path = sl_strdup("/v2/batch_status");
	bool good = count > 0 && count <= COMPUTE_BATCH;
	if (!good)
		call_refuse(call, SL_E_INTERNAL, "cannot ask for %zu tasks at once", count);
	for (size_t i = 0; good && i < count; i++) {
		good = call_about(call, "task", ids[i]);
		sl_json_append(list, json_string(good ? ids[i] : ""));
		sl_strings_add(&call->asked, ids[i]);
	}
	if (good)
		call_body(call, body);
	else
		json_decref(body);
}

// ---- a group -------------------------------------------------------------------------------

static bool check_group(const struct call *call, json_t *answer, struct sl_error *err)
{
	const char *id = json_string_value(json_object_get(answer, "taskgroup_id"));
	const json_t *tasks = json_object_get(answer, "tasks"), *task;
	sl_auto_json json_t *ids = json_array();
	size_t i;

	if (id && strcmp(id, call->id) != 0)
		return sl_fail(err, SL_E_FORMAT,
			       "the service answers about another task group than '%s'", call->id);
	if (!json_is_array(tasks))
		return sl_fail(err, SL_E_FORMAT,
			       "the service's answer is not what it should be: tasks: an array is "
			       "needed here");
	json_array_foreach (tasks, i, task) {
		json_t *one = json_object_get(task, "id");
		sl_json_append(ids, one ? json_incref(one) : json_null());
	}
	return shape_uuids(ids, "tasks", err);
}

void compute_task_group(struct compute *compute, const char *group, compute_done *done,
			void *context)
{
	struct call *call = call_new(compute, HTTP_GET, done, context);

	call->check = check_group;
	if (call_about(call, "task group", group))
		call->path = sl_format("/v2/taskgroup/%s", group);
}
