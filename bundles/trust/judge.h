// SPDX-License-Identifier: Apache-2.0
// One judge for all signatures: each gets its own verdict, then the policy decides (T31, T32).
#ifndef SL_TRUST_JUDGE_H
#define SL_TRUST_JUDGE_H

#include "bundles/trust/trust.h"

struct judge_case {
	const struct policy *policy; // NULL: nothing is trusted
	const char *manifest;	     // the exact bytes that were signed
	size_t manifest_len;
	struct sl_digest id; // of the bundle: their sha256
	const struct raw_signature *signatures;
	size_t signatures_len;
};

// Fills the verdict's signatures and the findings `signatures` and `approvals`.
void judge(const struct judge_case *input, struct verdict *verdict);

// Once the manifest may be read: a statement that names another name or version than the manifest
// is for another purpose. Judges both findings again.
void judge_names(const struct judge_case *input, const char *name, const char *version,
		 struct verdict *verdict);

// Replaces what the verdict says of one rule. Both texts are taken over; `remedy` may be NULL.
void verdict_set(struct verdict *verdict, enum rule rule, enum finding_verdict result,
		 enum sl_kind kind, char *evidence, char *remedy);

#endif
