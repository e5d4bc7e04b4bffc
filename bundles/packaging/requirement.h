// SPDX-License-Identifier: Apache-2.0
// One requirement (PEP 508).
#ifndef SL_PACKAGING_REQUIREMENT_H
#define SL_PACKAGING_REQUIREMENT_H

#include "bundles/packaging/marker.h"
#include "bundles/packaging/name.h"

struct requirement {
	char *name;			 // as written
	char *normalised;		 // PEP 503
	struct sl_strings extras;	 // normalised, sorted, each once
	struct specifier_set *specifier; // empty set when none
	char *url;			 // NULL unless a direct reference
	struct marker *marker;		 // NULL when none
};

// `lenient` = from METADATA: specifier rewrites allowed, backslashes literal.
bool requirement_parse(const char *text, bool lenient, struct requirement *out,
		       struct sl_error *err) SL_MUST_USE;
void requirement_release(struct requirement *requirement);
#define auto_requirement __attribute__((cleanup(requirement_release)))

// Is it active for a package that was asked for with `extras` (normalised)? Without a marker, or
// when the marker is true for no extra or for one of them. `environment->extra` is not looked at.
bool requirement_is_active(const struct requirement *requirement,
			   const struct marker_environment *environment,
			   const struct sl_strings *extras, bool *active_out,
			   struct sl_error *err) SL_MUST_USE;

#endif
