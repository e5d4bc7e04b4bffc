// SPDX-License-Identifier: Apache-2.0
// An agent is another program on another machine: what it says is data, shown escaped, never
// trusted to have the right shape.
#include "uploader/transport/answer.h"

#include <string.h>

json_t *answer_parse(const char *text, size_t len, struct sl_error *err)
{
	sl_auto_json json_t *answer = sl_json_load(text, len, "the agent's answer", err);

	if (!answer)
		return NULL;
	if (!json_is_object(answer) || !json_is_boolean(json_object_get(answer, "ok"))) {
		sl_fail(err, SL_E_FORMAT, "the agent's answer is not an object with \"ok\"");
		return NULL;
	}
	return sl_take(answer);
}

static enum sl_kind kind_of(const char *word)
{
	for (int kind = SL_E_ANSWER; word && kind <= SL_E_INTERNAL; kind++)
		if (strcmp(sl_kind_name((enum sl_kind)kind), word) == 0)
			return (enum sl_kind)kind;
	return SL_E_INTERNAL;
}

bool answer_check(const json_t *answer, struct sl_error *err)
{
	const json_t *error = json_object_get(answer, "error");
	const char *message = json_string_value(json_object_get(error, "message"));

	if (json_is_true(json_object_get(answer, "ok")))
		return true;
	sl_auto_free char *shown = sl_text_shown(message ? message : "it gave no reason");
	return sl_fail(err, kind_of(json_string_value(json_object_get(error, "kind"))), "%s",
		       shown);
}

const char *transport_hint(const json_t *answer)
{
	const json_t *error = json_object_get(answer, "error");
	const char *hint = json_string_value(json_object_get(error, "hint"));

	return hint && hint[0] ? hint : NULL;
}
