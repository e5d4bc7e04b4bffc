// SPDX-License-Identifier: Apache-2.0
// A small part of JSON Schema: enough to say whether a schema certainly refuses a value.
#ifndef SL_UPLOADER_SCHEMA_SUBSET_H
#define SL_UPLOADER_SCHEMA_SUBSET_H

#include "bundles/base/base.h"

enum schema_verdict {
	SCHEMA_ACCEPTS,	    // every keyword that speaks of the value was understood
	SCHEMA_REFUSES,	    // certain, whatever else stands in the schema
	SCHEMA_NOT_CHECKED, // nothing refuses it, but there are keywords that were not understood
};

// Understands type, properties, additionalProperties, required and enum, and passes over notes for
// people. `*why_out` (owned) is a clause: what is refused, or which keywords were not checked; NULL
// when it accepts.
enum schema_verdict schema_check(const json_t *schema, const json_t *value, char **why_out);

#endif
