// SPDX-License-Identifier: Apache-2.0
// One judge for all signatures: each gets its own verdict, then the policy decides (T31, T32).
#ifndef SL_TRUST_JUDGE_H
#define SL_TRUST_JUDGE_H

#include "bundles/trust/trust.h"

struct judge_case {
	const struct policy *policy; // NULL: nothing is trusted
	const char *manifest;	     // the exact bytes that were signed
	size_t manifest_len;
	struct sl_digest id;			// of the bundle: their sha256
	const struct raw_signature *signatures; // of the bundle, then detached ones
	size_t signatures_len;
	const struct seen *seen; // NULL: not asked
	int64_t now;		 // seconds since 1970
};

// Fills the verdict's signatures and the findings from `signatures` to `time`.
void judge(const struct judge_case *input, struct verdict *verdict);

// Once the manifest may be read: a statement that names another name or version than the manifest
// is for another purpose. Judges both findings again.
void judge_names(const struct judge_case *input, const char *name, const char *version,
		 struct verdict *verdict);

// The finding `time` (demands.c). `prepare` is NULL for an unsigned bundle.
void judge_time(const struct judge_case *input, const struct signature_report *prepare,
		struct verdict *verdict);

// What the policy demands of a bundle whose recipe has been checked: the findings from `version` to
// `size` (demands.c).
struct demands_case {
	const struct policy *policy; // NULL: nothing is demanded
	const struct seen *seen;     // NULL: not asked
	const struct manifest *manifest;
	const struct plan *plan;
	const struct lock *lock;
};
void judge_demands(const struct demands_case *input, struct verdict *verdict);

// Replaces what the verdict says of one rule. Both texts are taken over; `remedy` may be NULL.
void verdict_set(struct verdict *verdict, enum rule rule, enum finding_verdict result,
		 enum sl_kind kind, char *evidence, char *remedy);

#endif
