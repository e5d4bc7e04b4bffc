// SPDX-License-Identifier: Apache-2.0
#include "bundles/commands/open_bundle.h"

static void warn_not_verified(const struct open_request *request, const struct verdict *verdict)
{
	sl_auto_free char *shown = sl_text_shown(request->path);
	for (enum rule rule = 0; rule < RULE_COUNT; rule++)
		if (verdict->findings[rule].verdict == FINDING_FAIL)
			sl_warn("NOT VERIFIED: '%s': %s", shown, verdict->findings[rule].evidence);
	sl_warn("NOT VERIFIED: nothing below can be relied on (--untrusted)");
}

bool open_bundle(const struct open_request *request, struct verdict *verdict_out,
		 struct verified_bundle **bundle_out, struct sl_error *err)
{
	auto_judging struct judging judging = {0};
	struct sl_error why = {0};
	*verdict_out = (struct verdict){0};
	if (!judging_by_options(&judging, request->judging, false, err))
		return false;
	struct verify_request verify = judging_request(&judging, request->path, request->depth);
	verify.untrusted = request->untrusted;
	verify.progress = request->progress;
	if (request->before_approval)
		judging.policy.approvals = 0;
	if (!bundle_verify(&verify, verdict_out, bundle_out, &why)) {
		bool judged = why.kind == SL_E_ANSWER || why.kind == SL_E_UNTRUSTED;
		return sl_fail(err, judged ? SL_E_UNTRUSTED : why.kind, "%s%s", why.text,
			       judged ? " (--untrusted shows it all the same)" : "");
	}
	if (!verified_is_trusted(*bundle_out))
		warn_not_verified(request, verdict_out);
	return true;
}
