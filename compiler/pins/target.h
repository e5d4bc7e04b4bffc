// SPDX-License-Identifier: Apache-2.0
// The plan's target in the terms of the packaging standards.
#ifndef PINS_TARGET_H
#define PINS_TARGET_H

#include "bundles/packaging/packaging.h"
#include "bundles/recipe/plan.h"

struct pin_target {
	struct tag_target tag;
	struct tag_set *tags;
	struct marker_environment environment; // `extra` is set by whoever evaluates
	struct version *python;
	char *machine, *python_version; // owned; what the two above point at
};

// The plan's strings are borrowed. SL_E_INPUT for a target that no tag list exists for.
bool pin_target_init(struct pin_target *target, const struct plan *plan,
		     struct sl_error *err) SL_MUST_USE;
void pin_target_release(struct pin_target *target);

// Whether a dependency is active for a package with these extras (PEP 508): without a marker, or
// with the marker true for no extra or for one of them. SL_E_INPUT for an undefined comparison.
bool pin_target_wants(const struct pin_target *target, const struct marker *marker,
		      const struct sl_strings *extras, bool *wanted_out,
		      struct sl_error *err) SL_MUST_USE;

#endif
