// SPDX-License-Identifier: Apache-2.0
// Asking the runner whether it sees the image: the same agent, where workers will run, is given the
// path and the digest of the receipt.
#include "uploader/commands/work.h"

#include <string.h>

static bool keep(struct work *work, const char *text, struct sl_error *err)
{
	if (!ledger_keep(work->ledger, work->row.number, LEDGER_RUNNER_SEES, text, err))
		return false;
	free(work->row.runner_sees);
	work->row.runner_sees = sl_strdup(text);
	return true;
}

// {"op": "image", "path", "size", "sha256"} out of the receipt. NULL when the receipt names no
// image.
static json_t *image_request(const struct work *work)
{
	struct sl_error ignored = {0};
	const char *text = work->row.receipt;
	sl_auto_json json_t *receipt = sl_json_load(text, strlen(text), "receipt", &ignored);
	json_t *image = json_object_get(receipt, "image");
	json_t *request = json_object();
	bool whole = true;

	sl_json_set_string(request, "op", "image");
	static const char *const keys[] = {"path", "sha256", "size"};
	for (size_t i = 0; i < 3; i++) {
		json_t *value = json_object_get(image, keys[i]);
		if (value)
			sl_json_set(request, keys[i], json_incref(value));
		whole = whole && value;
	}
	if (whole)
		return request;
	json_decref(request);
	return NULL;
}

static bool then_seen(struct work *work, const json_t *answer, const struct sl_error *why,
		      struct sl_error *err)
{
	const char *state = json_string_value(json_object_get(answer, "image"));

	if (why && !answer) {
		work_say(work, "the runner cannot be asked whether it sees the image: %s",
			 why->text);
		return work_fail(work, why, err);
	}
	if (why) {
		sl_auto_free char *text = sl_format("not checked: %s", why->text);
		return keep(work, text, err);
	}
	if (state && strcmp(state, "same") == 0)
		return keep(work, "yes", err);
	const char *path = json_string_value(json_object_get(answer, "path"));
	sl_auto_free char *shown = sl_text_shown(path ? path : "the image");
	work->remedy = sl_strdup(
		"builder and runner need a store that both see: name one in site.json (\"store\"), "
		"or build where the runner is");
	return sl_fail(err, SL_E_IO, "the runner '%s' %s '%s'", work->row.runner,
		       state && strcmp(state, "other") == 0 ? "sees another file as"
							    : "does not see",
		       shown);
}

bool work_ask_runner(struct work *work, bool *asked_out, struct sl_error *err)
{
	const struct submission *row = &work->row;
	bool local = strcmp(row->runner, "local") == 0;

	*asked_out = false;
	if (row->runner_sees)
		return true;
	if (local)
		return keep(work,
			    strcmp(row->builder, "local") == 0 ? "yes" : "not checked: it is local",
			    err);
	sl_auto_json json_t *request = image_request(work);
	if (!request)
		return sl_fail(err, SL_E_FORMAT, "the receipt names no image");
	struct sl_error why = {0};
	if (!postman_find(work->postman, row->runner, row->runner_config, &work->to, &why)) {
		work->waits = true;
		*err = why;
		return false;
	}
	work_say(work, "asking the runner for the image");
	*asked_out = true;
	return work_ask(work, request, NULL, NULL, 0, then_seen, err);
}
