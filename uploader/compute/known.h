// SPDX-License-Identifier: Apache-2.0
// What endpoints are, asked for once and remembered for a minute: all bundles of a queue are
// compared with the same few runners, and the service counts requests.
#ifndef SL_UPLOADER_COMPUTE_KNOWN_H
#define SL_UPLOADER_COMPUTE_KNOWN_H

#include "uploader/compute/compute.h"

struct known_endpoints {
	struct known_endpoint {
		char *id;
		json_t *metadata;
		int64_t asked_ms;
	} * items;
	size_t len, cap;
};

// The answer of compute_endpoint(), waited for if it is not remembered (an owned reference).
bool known_endpoint(struct known_endpoints *known, struct compute *compute, const char *id,
		    json_t **out, struct sl_error *err) SL_MUST_USE;
void known_endpoints_release(struct known_endpoints *known);

#endif
