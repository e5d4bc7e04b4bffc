// SPDX-License-Identifier: Apache-2.0
// Tasks that ended without the agent's answer: what their exceptions mean, and what would help.
#include "uploader/transport/globus.h"

#include <string.h>

struct meaning {
	const char *words[4]; // any of them
	enum sl_kind kind;
	const char *text, *remedy;
};

static const struct meaning meanings[] = {
	{{"WorkerLost", "ManagerLost", NULL},
	 SL_E_NETWORK,
	 "the endpoint lost the worker that carried it out",
	 "the worker may have been ended for its memory or at the end of its batch job; "
	 "'sealift-upload run' goes on from here"},
	{{"BadStateException", "MISSING", NULL},
	 SL_E_NETWORK,
	 "the endpoint could not start a worker",
	 "look at 'user_endpoint_config' of the builder configuration (account, partition, image); "
	 "whoever runs the endpoint finds more in its log"},
	{{"FUNCTION_NOT_ALLOWED", "FUNCTION_NOT_PERMITTED", "not permitted on endpoint", NULL},
	 SL_E_UNTRUSTED,
	 "the endpoint does not allow the agent that was sent",
	 "ask whoever runs the endpoint under which id the agent of this release (" SEALIFT_VERSION
	 ") is registered, or which release is, and give that id as 'function' in the builder "
	 "configuration"},
	{{"MaxResultSizeExceeded", NULL, NULL},
	 SL_E_LIMIT,
	 "the agent's answer is larger than the service carries (10 MiB)",
	 NULL},
};

static const struct meaning *find_meaning(const char *exception)
{
	for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
		for (size_t j = 0; j < 4 && meanings[i].words[j]; j++)
			if (strstr(exception, meanings[i].words[j]))
				return &meanings[i];
	return NULL;
}

// The last line of a traceback that says something: it names the exception. Owned.
static char *last_line(const char *text)
{
	const char *end = text + strlen(text);

	while (end > text && strchr(" \t\r\n", end[-1]))
		end--;
	const char *start = end;
	while (start > text && start[-1] != '\n')
		start--;
	size_t len = (size_t)(end - start);
	sl_auto_free char *line = sl_strndup(start, len < 400 ? len : 400);
	return sl_text_shown(line);
}

static void describe(const struct globus *globus, const char *exception, struct sl_error *why,
		     const char **remedy_out)
{
	if (wire_was_refused(exception)) {
		sl_fail(why, SL_E_FORMAT,
			"endpoint %s: its workers can read neither form of the agent",
			globus->endpoint);
		*remedy_out = "its Globus Compute may be older than 2.2.0, or may be set to allow "
			      "other serializers only: whoever runs the endpoint can tell";
		return;
	}
	const struct meaning *meaning = find_meaning(exception);
	sl_auto_free char *line = last_line(exception);

	*remedy_out = meaning ? meaning->remedy : "whoever runs the endpoint finds more in its log";
	sl_fail(why, meaning ? meaning->kind : SL_E_IO, "endpoint %s: %s: %s", globus->endpoint,
		meaning ? meaning->text : "the task failed", line);
}

// The workers read another form than the endpoint's version promised, or than they did for an
// earlier process. Once, the other is tried.
static bool try_other_form(struct globus *globus, struct parcel *parcel, const char *exception)
{
	struct sl_error why = {0};

	if (!wire_was_refused(exception) || (globus->switched && parcel->load->set == globus->set))
		return false;
	if (!globus->switched) {
		globus->switched = true;
		globus->set = wire_other(globus->set);
		free(sl_take(globus->function));
		globus_name_function(globus);
	}
	sl_fail(&why, SL_E_FORMAT, "endpoint %s: its workers cannot read what they are sent",
		globus->endpoint);
	globus_requeue(globus, parcel, &why, NULL);
	return true;
}

// Too much in one answer: everything can be asked again, fewer at once.
static bool try_fewer(struct globus *globus, struct parcel *parcel, const char *exception)
{
	struct sl_error why = {0};
	size_t calls = parcel->calls.len;

	if (!strstr(exception, "MaxResultSizeExceeded") || calls <= 1)
		return false;
	globus->most_calls = calls / 2 < globus->most_calls ? calls / 2 : globus->most_calls;
	sl_fail(&why, SL_E_LIMIT, "endpoint %s: the answers are larger than the service carries",
		globus->endpoint);
	sl_list_each (&parcel->calls, call)
		if (call->letter)
			call->letter->tries = 0; // fewer each time
	globus_requeue(globus, parcel, &why, NULL);
	return true;
}

void globus_task_failed(struct globus *globus, struct parcel *parcel, const json_t *task)
{
	const char *exception = json_string_value(json_object_get(task, "exception"));
	const char *reason = json_string_value(json_object_get(task, "reason"));
	struct sl_error why = {0};
	const char *remedy = "'sealift-upload run' asks again";

	if (exception &&
	    (try_other_form(globus, parcel, exception) || try_fewer(globus, parcel, exception)))
		return;
	if (exception) {
		describe(globus, exception, &why, &remedy);
	} else {
		sl_auto_free char *shown = sl_text_shown(reason ? reason : "it gave no reason");
		sl_fail(&why, SL_E_NETWORK, "endpoint %s: the answer of a task is lost: %s",
			globus->endpoint, shown);
	}
	globus_abandon(globus, parcel, &why, remedy);
}
