// SPDX-License-Identifier: Apache-2.0
// The verdict as a value, and the words for its parts.
#include "bundles/trust/judge.h"

static const char *const rule_names[] = {
	[RULE_FORMAT] = "format",	[RULE_SIGNATURES] = "signatures",
	[RULE_APPROVALS] = "approvals", [RULE_REVOCATION] = "revocation",
	[RULE_TIME] = "time",		[RULE_CONTENT] = "content",
	[RULE_RECIPE] = "recipe",	[RULE_VERSION] = "version",
	[RULE_CLOSURE] = "closure",	[RULE_BASE] = "base",
	[RULE_INDEX] = "index",		[RULE_PACKAGES] = "packages",
	[RULE_SIZE] = "size",		[RULE_BLOBS] = "blobs",
};

static const char *const finding_names[] = {
	[FINDING_PASS] = "pass",
	[FINDING_FAIL] = "fail",
	[FINDING_NONE] = "none",
};

static const char *const signature_names[] = {
	[SIGNATURE_GOOD] = "good",
	[SIGNATURE_UNKNOWN_KEY] = "unknown-key",
	[SIGNATURE_BAD] = "bad",
	[SIGNATURE_MALFORMED] = "malformed",
	[SIGNATURE_OTHER_PURPOSE] = "other-purpose",
};

const char *rule_name(enum rule rule)
{
	return rule_names[rule];
}

const char *finding_verdict_name(enum finding_verdict verdict)
{
	return finding_names[verdict];
}

const char *signature_verdict_name(enum signature_verdict verdict)
{
	return signature_names[verdict];
}

void verdict_set(struct verdict *verdict, enum rule rule, enum finding_verdict result,
		 enum sl_kind kind, char *evidence, char *remedy)
{
	struct finding *finding = &verdict->findings[rule];
	free(finding->evidence);
	free(finding->remedy);
	*finding = (struct finding){rule, result, kind, evidence, remedy};
}

void verdict_release(struct verdict *verdict)
{
	sl_list_each (&verdict->signatures, report) {
		free(report->member);
		free(report->key_name);
		free(report->why);
	}
	sl_list_release(&verdict->signatures);
	for (size_t i = 0; i < RULE_COUNT; i++) {
		free(verdict->findings[i].evidence);
		free(verdict->findings[i].remedy);
	}
	*verdict = (struct verdict){0};
}
