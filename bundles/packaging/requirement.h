// SPDX-License-Identifier: Apache-2.0
// One requirement (PEP 508).
#ifndef SL_PACKAGING_REQUIREMENT_H
#define SL_PACKAGING_REQUIREMENT_H

#include "bundles/packaging/marker.h"
#include "bundles/packaging/name.h"

struct requirement {
	char *name;	  // as written
	char *normalised; // PEP 503
	struct sl_strings extras; // normalised, sorted, each once
	struct specifier_set *specifier; // empty set when none
	char *url;	  // NULL unless a direct reference
	struct marker *marker; // NULL when none
};

// `lenient` = from METADATA: specifier rewrites allowed, backslashes literal.
bool requirement_parse(const char *text, bool lenient, struct requirement *out,
		       struct sl_error *err) SL_MUST_USE;
void requirement_release(struct requirement *requirement);

#endif
