// SPDX-License-Identifier: Apache-2.0
// Making the built image known. The endpoint's template and schema are the verified bundle's own.
#include "uploader/commands/work.h"
#include "uploader/registration/registration.h"

// A file of the content, or NULL: an image without a worker has no template.
static const char *text_of(const struct work *work, const char *name)
{
	const struct content_file *file = content_find(verified_content(work->bundle), name);

	return file ? file->data : NULL;
}

static bool write_registration(struct work *work, const char *folder, char **path_out,
			       struct sl_error *err)
{
	const struct submission *row = &work->row;
	sl_auto_json json_t *request = json_object();
	int64_t effect;

	sl_json_set_string(request, "driver", "endpoint-config");
	sl_json_set_string(request, "folder", folder);
	sl_auto_free char *asked = work_compact(request);
	if (!ledger_effect_begin(work->ledger, row->number, "register", asked, &effect, err))
		return false;
	struct registration registration = {
		.name = row->name,
		.version = row->version,
		.bundle = row->bundle,
		.receipt = row->receipt,
		.template = text_of(work, "endpoint/user_config_template.yaml.j2"),
		.schema = text_of(work, "endpoint/user_config_schema.json"),
		.folder = folder,
	};
	struct sl_error why = {0}, ledger_error = {0};
	bool good = registration_write(&registration, path_out, &why);
	sl_auto_json json_t *answer = json_object();
	sl_json_set_string(answer, good ? "path" : "error", good ? *path_out : why.text);
	sl_auto_free char *heard = work_compact(answer);
	if (!ledger_effect_end(work->ledger, effect, good, heard, &ledger_error)) {
		*err = ledger_error;
		return false;
	}
	if (!good)
		*err = why;
	return good;
}

bool work_register(struct work *work, struct sl_error *err)
{
	sl_auto_free char *own = NULL, *path = NULL;
	bool asked;

	if (!work_ask_runner(work, &asked, err))
		return false;
	if (asked)
		return true;
	if (!work->row.out && !registration_default_folder(&own, err))
		return false;
	// After an interruption the bundle is opened again; only its head, because the build is
	// over.
	if (!work->bundle && !work_verify(work, VERIFY_HEAD, err))
		return false;
	work_say(work, "registering");
	if (work->row.state == LEDGER_BUILT && !work_move(work, LEDGER_REGISTERING, err))
		return false;
	if (!write_registration(work, own ? own : work->row.out, &path, err) ||
	    !ledger_done(work->ledger, work->row.number, path, err))
		return false;
	work->row.state = LEDGER_DONE;
	work->row.registration = sl_take(path);
	return true;
}
