// SPDX-License-Identifier: Apache-2.0
// The recipe is checked, not believed: whatever is a function of plan and lock is made again.
#ifndef SL_TRUST_RECIPE_CHECK_H
#define SL_TRUST_RECIPE_CHECK_H

#include "bundles/format/manifest.h"

// SL_E_FORMAT names the first thing in manifest or content that plan.json and lock.json do not say.
// Plan and lock are owned by the caller, also after a failure (NULL where there is none).
bool recipe_check(const struct manifest *manifest, const struct content *content,
		  struct plan **plan_out, struct lock **lock_out, struct sl_error *err) SL_MUST_USE;

#endif
