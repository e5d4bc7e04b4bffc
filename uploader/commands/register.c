// SPDX-License-Identifier: Apache-2.0
// Making the built image known: the runner sees it, its endpoint fits, the container service is
// told where somebody asked for that, and then the folder is written. The endpoint's template and
// schema are the verified bundle's own.
#include "uploader/commands/work.h"
#include "uploader/registration/container_service.h"
#include "uploader/registration/registration.h"
#include "uploader/registration/runner_template.h"

#include <string.h>

// Everything of one registration.
struct registering {
	struct work *work;
	struct registration registration;
	char *image, *folder; // owned
	struct runner_findings findings;
	struct sl_buf notes;
};

// A file of the content, or NULL: an image without a worker has no template.
static const char *text_of(const struct work *work, const char *name)
{
	const struct content_file *file = content_find(verified_content(work->bundle), name);

	return file ? file->data : NULL;
}

// ---- the runner's endpoint -----------------------------------------------------------------

// A worker that the endpoint cannot talk to is found out now, not by the first task.
static bool judge_findings(struct registering *run, struct sl_error *err)
{
	sl_list_each (&run->findings, finding) {
		if (finding->verdict != RUNNER_LACKS)
			continue;
		if (finding->rule != RUNNER_VERSION) {
			work_say(run->work, "the runner's endpoint lacks something: %s",
				 finding->sentence);
			continue;
		}
		run->work->remedy = sl_strdup("lock the worker at the endpoint's version and make "
					      "the bundle again ('sealift-upload probe' tells it)");
		return sl_fail(err, SL_E_INPUT, "the runner's endpoint does not fit: %s",
			       finding->sentence);
	}
	return true;
}

// `status` shows them, also long after.
static bool keep_findings(struct registering *run, struct sl_error *err)
{
	struct work *work = run->work;
	sl_auto_json json_t *findings = runner_findings_json(&run->findings);
	sl_auto_free char *text = work_compact(findings);

	if (!ledger_keep(work->ledger, work->row.number, LEDGER_RUNNER_FINDINGS, text, err))
		return false;
	free(work->row.runner_findings);
	work->row.runner_findings = sl_take(text);
	return true;
}

static bool compare_runner(struct registering *run, struct sl_error *err)
{
	const struct plan *plan = verified_plan(run->work->bundle);
	sl_auto_json json_t *metadata = NULL;

	if (!run->registration.template)
		return true;
	if (!postman_endpoint(run->work->postman, run->work->row.runner, &metadata, err))
		return false;
	struct runner_question question = {
		.metadata = metadata,
		.template = run->registration.template,
		.schema = run->registration.schema,
		.worker = plan->worker_version,
		.image = run->image,
	};
	runner_compare(&question, &run->findings);
	runner_findings_markdown(&run->findings, &run->notes);
	run->registration.values = run->findings.values;
	return keep_findings(run, err) && judge_findings(run, err);
}

// ---- the container service -----------------------------------------------------------------

static bool take_container(struct registering *run, const struct container_result *result,
			   struct sl_error *err)
{
	struct work *work = run->work;

	container_service_describe(result, &run->notes);
	if (result->outcome == CONTAINER_REGISTERED) {
		free(work->row.container);
		work->row.container = sl_strdup(result->id);
		return ledger_keep(work->ledger, work->row.number, LEDGER_CONTAINER, result->id,
				   err);
	}
	if (result->outcome == CONTAINER_REFUSED) {
		work_say(work, "%s", result->why.text);
		return true; // the folder is what today's endpoints need
	}
	free(work->remedy);
	work->remedy = sl_strdup(result->remedy);
	work->waits = result->outcome == CONTAINER_NOT_ASKED;
	work->stuck = result->outcome == CONTAINER_UNKNOWN;
	*err = result->why;
	return false;
}

static bool tell_container_service(struct registering *run, struct compute *compute,
				   struct sl_error *err)
{
	const struct submission *row = &run->work->row;
	auto_container_result struct container_result result = {0};
	sl_auto_free char *name = sl_format("%s-%s", row->name, row->version);
	struct container container = {
		.name = name,
		.location = run->image,
		.description = verified_plan(run->work->bundle)->description,
	};

	return container_service_register(run->work->ledger, row->number, compute, &container,
					  row->container_service == 2, &result, err) &&
	       take_container(run, &result, err);
}

static bool ask_services(struct registering *run, struct sl_error *err)
{
	const struct submission *row = &run->work->row;
	bool endpoint = strcmp(row->runner, "local") != 0;
	struct compute *compute = NULL;

	if (!endpoint && !row->container_service)
		return true;
	if (!postman_compute(run->work->postman, &compute, err)) {
		run->work->waits = true;
		return false;
	}
	return (!endpoint || compare_runner(run, err)) &&
	       (!row->container_service || tell_container_service(run, compute, err));
}

// ---- the folder ----------------------------------------------------------------------------

static bool keep_end(struct work *work, int64_t effect, const char *path,
		     const struct sl_error *why, struct sl_error *err)
{
	sl_auto_json json_t *answer = json_object();

	sl_json_set_string(answer, path ? "path" : "error", path ? path : why->text);
	sl_auto_free char *heard = work_compact(answer);
	return path ? ledger_done(work->ledger, work->row.number, path, effect, heard, err)
		    : ledger_effect_end(work->ledger, effect, false, heard, err);
}

static bool write_folder(struct registering *run, char **path_out, struct sl_error *err)
{
	struct work *work = run->work;
	sl_auto_json json_t *request = json_object();
	int64_t effect;

	sl_json_set_string(request, "driver", "endpoint-config");
	sl_json_set_string(request, "folder", run->folder);
	sl_auto_free char *asked = work_compact(request);
	if (!sl_buf_ok(&run->notes, "the notes of the registration", err) ||
	    !ledger_effect_begin(work->ledger, work->row.number, "register", asked, &effect, err))
		return false;
	run->registration.notes = run->notes.len ? run->notes.data : NULL;
	struct sl_error why = {0};
	bool good = registration_write(&run->registration, path_out, &why);
	if (!keep_end(work, effect, good ? *path_out : NULL, &why, err))
		return false;
	if (!good)
		*err = why;
	return good;
}

// ---- all of it -----------------------------------------------------------------------------

static bool prepare(struct registering *run, struct sl_error *err)
{
	struct work *work = run->work;
	const struct submission *row = &work->row;

	if (row->out)
		run->folder = sl_strdup(row->out);
	else if (!registration_default_folder(&run->folder, err))
		return false;
	// After an interruption the bundle is opened again; only its head, because the build is
	// over.
	if (!work->bundle && !work_verify(work, VERIFY_HEAD, err))
		return false;
	run->registration = (struct registration){
		.name = row->name,
		.version = row->version,
		.bundle = row->bundle,
		.receipt = row->receipt,
		.template = text_of(work, "endpoint/user_config_template.yaml.j2"),
		.schema = text_of(work, "endpoint/user_config_schema.json"),
		.folder = run->folder,
	};
	return registration_image(&run->registration, &run->image, err);
}

static bool finish(struct registering *run, struct sl_error *err)
{
	struct work *work = run->work;
	sl_auto_free char *path = NULL;

	work_say(work, "registering");
	if (work->row.state == LEDGER_BUILT && !work_move(work, LEDGER_REGISTERING, err))
		return false;
	if (!ask_services(run, err) || !write_folder(run, &path, err))
		return false;
	work->row.state = LEDGER_DONE;
	free(work->row.registration);
	work->row.registration = sl_take(path);
	return true;
}

bool work_register(struct work *work, struct sl_error *err)
{
	struct registering run = {.work = work};
	bool asked;

	if (!work_ask_runner(work, &asked, err))
		return false;
	if (asked)
		return true; // the next turn goes on
	sl_buf_init(&run.notes, SL_MIB);
	bool good = prepare(&run, err) && finish(&run, err);
	runner_findings_release(&run.findings);
	sl_buf_release(&run.notes);
	free(run.image);
	free(run.folder);
	return good;
}
