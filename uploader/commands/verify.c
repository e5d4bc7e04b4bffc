// SPDX-License-Identifier: Apache-2.0
// The gate of a run: nothing leaves this machine, and nothing is registered, but what comes from a
// bundle that verified in this very process.
#include "uploader/commands/queue.h"
#include "uploader/commands/work.h"

#include <string.h>

// Every way of not verifying is a refusal. Damage keeps its own kind, so that people look at the
// medium; all else is a question of whom to believe.
static bool refuse(struct work *work, const struct verdict *verdict, struct sl_error *err)
{
	const struct finding *recipe = &verdict->findings[RULE_RECIPE];
	bool damaged = err->kind == SL_E_FORMAT && recipe->verdict != FINDING_FAIL;

	if (err->kind != SL_E_ANSWER && err->kind != SL_E_FORMAT && err->kind != SL_E_UNTRUSTED)
		return false; // it could not be read: not its fault
	work->refused = true;
	if (!damaged)
		err->kind = SL_E_UNTRUSTED;
	for (int rule = 0; rule < RULE_COUNT && !work->remedy; rule++) {
		const struct finding *finding = &verdict->findings[rule];
		// The rules on signatures end their sentence with it: once is enough.
		if (finding->verdict == FINDING_FAIL && finding->remedy &&
		    !strstr(err->text, finding->remedy))
			work->remedy = sl_strdup(finding->remedy);
	}
	return false;
}

static bool check_identity(struct work *work, const struct verified_bundle *bundle,
			   struct sl_error *err)
{
	struct sl_digest id = verified_id(bundle);

	if (sl_digest_equal(&id, &work->row.bundle))
		return true;
	work->refused = true;
	work->remedy = sl_strdup("put the file back that was queued ('add' queues the one that is "
				 "there now, as another)");
	return sl_fail(err, SL_E_UNTRUSTED,
		       "'%s' is not the bundle that was queued: the file has been replaced",
		       work->row.path);
}

static bool remember_name(struct work *work, const struct manifest *manifest, struct sl_error *err)
{
	struct submission *row = &work->row;

	if (row->name && row->version)
		return true;
	if (!ledger_identify(work->ledger, row->number, manifest->name, manifest->version, err))
		return false;
	free(row->name);
	free(row->version);
	row->name = sl_strdup(manifest->name);
	row->version = sl_strdup(manifest->version);
	return true;
}

bool work_verify(struct work *work, enum verify_depth depth, struct sl_error *err)
{
	auto_judging struct judging judging = {0};
	auto_verdict struct verdict verdict = {0};
	struct sl_progress progress;

	if (!queue_judging(work->row.policy, work->row.signatures, &judging, err))
		return false;
	struct verify_request request = judging_request(&judging, work->row.path, depth);
	request.progress = &progress;
	work_say(work, "verifying");
	sl_progress_begin(&progress, "verifying", 0);
	work_let_go(work);
	bool good = bundle_verify(&request, &verdict, &work->bundle, err);
	sl_progress_end(&progress);
	if (!good)
		return refuse(work, &verdict, err);
	return check_identity(work, work->bundle, err) &&
	       remember_name(work, verified_manifest(work->bundle), err);
}
