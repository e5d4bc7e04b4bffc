// SPDX-License-Identifier: Apache-2.0
// The web API of Globus Compute, as far as an uploader needs it (specs/globus-api.md). One thread,
// many requests: every call is queued (everything it is given is copied); it is sent, and its
// callback called, from compute_step(). A callback may queue further calls, but must not step.
// A 401 gets another token and is sent once more. A 429 is waited out for any call: nothing was
// done. Ids that are no UUIDs never get into a URL: the callback says SL_E_INPUT.
//
// Answers are checked for shape before they are handed on. Refusals become one sentence with the
// service's own code and text, whichever of its shapes they have.
#ifndef SL_UPLOADER_COMPUTE_H
#define SL_UPLOADER_COMPUTE_H

#include "uploader/auth/auth.h"

struct compute;

bool compute_new(const struct auth_places *places, struct auth *auth, struct http *http,
		 struct compute **out, struct sl_error *err) SL_MUST_USE;
void compute_free(struct compute *compute);
bool compute_step(struct compute *compute, unsigned timeout_ms, struct sl_error *err) SL_MUST_USE;

// How an answer came to be missing.
struct compute_failure {
	struct sl_error
		error; // SL_E_NETWORK (also 401: no login), SL_E_UNTRUSTED (403), SL_E_INPUT (404,
		       // 422), SL_E_LIMIT (413), SL_E_FORMAT (an answer that is none)
	long status;   // of HTTP, 0 when none
	bool unknown;  // the request may have been carried out although no answer came
	char *remedy;  // what would help, or NULL
};

// `answer` (borrowed) is the checked JSON body, or NULL with `failure` (borrowed).
typedef void compute_done(void *context, const json_t *answer,
			  const struct compute_failure *failure);

// GET /v2/endpoints/ID: uuid, name, endpoint_version, python_version, user_config_template,
// user_config_schema (those that are there).
void compute_endpoint(struct compute *compute, const char *endpoint, compute_done *done,
		      void *context);
// GET …/status: status ("online" or "offline").
void compute_status(struct compute *compute, const char *endpoint, compute_done *done,
		    void *context);
// GET /v3/endpoints/ID/allowed_functions: restricted, functions.
void compute_allowed(struct compute *compute, const char *endpoint, compute_done *done,
		     void *context);

struct compute_function {
	const char *name, *code, *description; // code: wire_function()
	const char *serde_identifier;	       // wire_serde_identifier()
	bool open_to_all;		       // `public`
};
// POST /v3/functions: function_uuid.
void compute_register(struct compute *compute, const struct compute_function *function,
		      compute_done *done, void *context);

struct compute_submit {
	const char *endpoint, *function;
	const json_t *user_endpoint_config; // NULL = none
	const char *task_group;		    // NULL = a new one
	bool json_results;		    // ask for JSON results (WIRE_MODERN)
};
// POST /v3/endpoints/ID/submit with `count` payloads for one function: request_id, task_group_id,
// endpoint_id, tasks {function: [id…]} with exactly `count` ids in the order of the payloads.
// Never sent twice by itself.
void compute_submit(struct compute *compute, const struct compute_submit *submit,
		    const struct sl_buf *payloads, size_t count, compute_done *done, void *context);

// POST /v2/batch_status for up to COMPUTE_BATCH ids: results {id: {status,
// result|exception|reason}}
#define COMPUTE_BATCH 128
void compute_batch_status(struct compute *compute, const char *const *ids, size_t count,
			  compute_done *done, void *context);
// GET /v2/taskgroup/ID: tasks [{id}].
void compute_task_group(struct compute *compute, const char *group, compute_done *done,
			void *context);
// POST /v2/containers (legacy): container_id. Never sent twice by itself.
void compute_register_container(struct compute *compute, const char *name, const char *location,
				const char *description, compute_done *done, void *context);

// Any of them, waited for: give compute_wait_done and a zeroed struct as `done` and `context`.
struct compute_wait {
	bool over;
	json_t *answer; // owned
	struct compute_failure failure;
};
void compute_wait_done(void *wait, const json_t *answer, const struct compute_failure *failure);
// Steps until it is over. True with wait->answer; false with the failure's error.
bool compute_wait_for(struct compute *compute, struct compute_wait *wait,
		      struct sl_error *err) SL_MUST_USE;
void compute_wait_release(struct compute_wait *wait);
void compute_failure_release(struct compute_failure *failure);

// Whether a text is a UUID in its usual spelling: the only ids that ever get into a URL.
bool compute_is_uuid(const char *text);

#endif
