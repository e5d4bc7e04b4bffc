// SPDX-License-Identifier: Apache-2.0
// The agent of this release as a function of a compute service, for an operator's
// `allowed_functions` (specs/agent.md, "Enforcement").
#ifndef SL_UPLOADER_AGENT_FUNCTION_H
#define SL_UPLOADER_AGENT_FUNCTION_H

#include "uploader/compute/compute.h"
#include "uploader/wire/wire.h"

#define AGENT_FORMS 2

// One form of its code, registered or not.
struct agent_function {
	enum wire_set set;
	char *id; // NULL: it was not registered, for the reason in `why`
	struct sl_error why;
	char *remedy; // or NULL
};

struct agent_functions {
	struct sl_digest agent;			  // of its source
	struct agent_function items[AGENT_FORMS]; // the modern form first
};
void agent_functions_release(struct agent_functions *functions);
#define auto_agent_functions __attribute__((cleanup(agent_functions_release)))

// Registers both forms, open to all who may use the endpoint, and waits. Each call makes new ids;
// older ones stay as good as they were. False (with the first failure) unless both have one.
bool agent_functions_register(struct compute *compute, struct agent_functions *out,
			      struct sl_error *err) SL_MUST_USE;

// Appends lines for the config.yaml of an endpoint.
void agent_functions_yaml(const struct agent_functions *functions, struct sl_buf *out);
// {"release", "sha256", "functions": [{"id", "form"}]}. Owned.
json_t *agent_functions_json(const struct agent_functions *functions);

#endif
