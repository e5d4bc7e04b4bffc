// SPDX-License-Identifier: Apache-2.0
// The plan's target in the terms of the packaging standards.
#ifndef PINS_TARGET_H
#define PINS_TARGET_H

#include "bundles/packaging/packaging.h"
#include "bundles/recipe/plan.h"

struct pin_target {
	struct tag_target tag;
	struct marker_environment environment;
	struct version *python;
	char *machine, *python_version; // owned; what the two above point at
};

// The plan's strings are borrowed.
bool pin_target_init(struct pin_target *target, const struct plan *plan,
		     struct sl_error *err) SL_MUST_USE;
void pin_target_release(struct pin_target *target);

#endif
