// SPDX-License-Identifier: Apache-2.0
// By what bundles are judged: the policy, the folders of detached signatures, and what has been
// seen. specs/policy.md.
#ifndef SL_TRUST_JUDGING_H
#define SL_TRUST_JUDGING_H

#include "bundles/trust/trust.h"

struct judging {
	char *policy_path;
	bool has_policy; // without one nothing is trusted
	struct policy policy;
	struct sl_strings
		signatures; // folders: `signatures` beside the policy, then the given ones
	bool asks_seen;
	struct seen seen;
};

// `policy` is a file, which must exist, or NULL for the person's own, which need not. `asks_seen`:
// who accepts bundles asks whether they are older than those that have passed.
bool judging_load(struct judging *out, const char *policy, const char *const *folders, size_t len,
		  bool asks_seen, struct sl_error *err) SL_MUST_USE;
void judging_release(struct judging *judging);
#define auto_judging __attribute__((cleanup(judging_release)))

// A request to judge `path`; borrows from `judging`.
struct verify_request judging_request(const struct judging *judging, const char *path,
				      enum verify_depth depth);

#endif
