// SPDX-License-Identifier: Apache-2.0
// From a finished task to what each errand in it hears.
#include "uploader/transport/answer.h"
#include "uploader/transport/globus.h"

#include <string.h>

json_t *globus_read_result(const json_t *task, struct sl_error *err)
{
	const json_t *result = json_object_get(task, "result");
	sl_auto_buf struct sl_buf text;

	sl_buf_init(&text, TRANSPORT_LIMIT_ANSWER);
	if (!json_is_string(result)) {
		sl_fail(err, SL_E_FORMAT, "the task has no result");
		return NULL;
	}
	if (!wire_result(json_string_value(result), json_string_length(result), &text, err) ||
	    !sl_buf_ok(&text, "the agent's answer", err))
		return NULL;
	return answer_parse(text.data, text.len, err);
}

static void hear_letter(struct globus *globus, const struct parcel *parcel, struct letter *letter,
			const json_t *answer)
{
	struct sl_error why = {0};
	const char *hint = transport_hint(answer);
	sl_auto_free char *shown = hint ? sl_text_shown(hint) : NULL;

	if (!json_is_object(answer) || !json_is_boolean(json_object_get(answer, "ok"))) {
		sl_fail(&why, SL_E_FORMAT, "the agent's answer is not an object with \"ok\"");
		globus_conclude(globus, letter, NULL, &why, NULL);
		return;
	}
	globus_learn(globus, parcel->load->clock, answer);
	bool good = answer_check(answer, &why);
	globus_conclude(globus, letter, answer, good ? NULL : &why, good ? NULL : shown);
}

static void hear_calls(struct globus *globus, struct parcel *parcel, const json_t *answers)
{
	for (size_t i = 0; i < parcel->calls.len; i++) {
		const struct call *call = &parcel->calls.items[i];
		const json_t *answer = json_array_get(answers, i);
		if (call->put)
			globus_put_answered(globus, parcel, call, answer);
		else if (call->letter)
			hear_letter(globus, parcel, call->letter, answer);
	}
	parcel->calls.len = parcel->pieces.len = 0;
}

// A whole answer that is none to these calls. An agent of another release may not know "calls".
static bool check_answer(const json_t *answer, const struct parcel *parcel, struct sl_error *err)
{
	const char *ref = json_string_value(json_object_get(answer, "ref"));

	if (!answer_check(answer, err))
		return sl_prefix(err, "the agent did not take the requests");
	if (!ref || strcmp(ref, parcel->ref) != 0)
		return sl_fail(err, SL_E_FORMAT, "the agent's answer is one to other requests");
	if (json_array_size(json_object_get(answer, "answers")) != parcel->calls.len)
		return sl_fail(
			err, SL_E_FORMAT, "the agent's answer has %zu answers to %zu requests",
			json_array_size(json_object_get(answer, "answers")), parcel->calls.len);
	return true;
}

void globus_hear(struct globus *globus, struct parcel *parcel, const json_t *task)
{
	struct sl_error why = {0};

	if (parcel->load->left)
		return; // nobody waits for it
	if (!json_is_string(json_object_get(task, "result"))) {
		globus_task_failed(globus, parcel, task);
		return;
	}
	sl_auto_json json_t *answer = globus_read_result(task, &why);
	if (answer)
		globus_form_was_read(globus, parcel->load->set);
	if (answer && check_answer(answer, parcel, &why)) {
		hear_calls(globus, parcel, json_object_get(answer, "answers"));
		return;
	}
	const char *hint = transport_hint(answer);
	sl_auto_free char *shown = hint ? sl_text_shown(hint) : NULL;
	globus_abandon(globus, parcel, &why, shown);
}
