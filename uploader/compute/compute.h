// SPDX-License-Identifier: Apache-2.0
// The web API of Globus Compute, as far as an uploader needs it (specs/globus-api.md). One thread,
// many requests: every call is queued (everything it is given is copied); it is sent, and its
// callback called, from compute_step(). A callback may queue further calls, but must not step.
// A 401 gets another token and is sent once more. A 429 is waited out for any call, as long as it
// asks for (COMPUTE_PATIENCE in all) or at least 10 s: nothing was done. Ids that are no UUIDs
// never get into a URL: the callback says SL_E_INPUT.
//
// Answers are checked for shape before they are handed on; members that are null are taken out, and
// escapes in them that no C string can hold (zero bytes, halves of surrogate pairs) become U+FFFD.
// Refusals become one sentence with the service's own code and text, whichever of its shapes they
// have.
#ifndef SL_UPLOADER_COMPUTE_H
#define SL_UPLOADER_COMPUTE_H

#include "uploader/auth/auth.h"

struct compute;

#define COMPUTE_PATIENCE     600 // seconds that all pauses after a 429 may take for one call
#define COMPUTE_LIMIT_ANSWER (256 * SL_MIB) // bytes, of a batch of results

// `auth` and `http` are borrowed, and may be used by others between two steps.
bool compute_new(const struct auth_places *places, struct auth *auth, struct http *http,
		 struct compute **out, struct sl_error *err) SL_MUST_USE;
void compute_free(struct compute *compute); // calls under way are dropped, without their callback
// Returns when something was called back, or after `timeout_ms`, also when nothing is pending.
bool compute_step(struct compute *compute, unsigned timeout_ms, struct sl_error *err) SL_MUST_USE;
size_t compute_pending(const struct compute *compute); // calls that were not called back yet
// Drops the calls with this `context`, without their callback.
void compute_forget(struct compute *compute, const void *context);

// How an answer came to be missing.
struct compute_failure {
	// SL_E_NETWORK (also 3xx, 401, 429, 5xx), SL_E_UNTRUSTED (403), SL_E_INPUT (404, 422, other
	// 4xx), SL_E_LIMIT (413, or ours), SL_E_FORMAT (an answer that is none)
	struct sl_error error;
	long status;  // of HTTP, 0 when none
	bool unknown; // of a submit or a registration: it may have been carried out all the same
	char *remedy; // what would help, or NULL
};

// `answer` (borrowed) is the checked JSON body, or NULL with `failure` (borrowed).
typedef void compute_done(void *context, const json_t *answer,
			  const struct compute_failure *failure);

// GET /v2/endpoints/ID: uuid, name, endpoint_version, python_version, user_config_template,
// user_config_schema (those that are there).
void compute_endpoint(struct compute *compute, const char *endpoint, compute_done *done,
		      void *context);
// GET …/status: status ("online", "offline", or a word that is newer than we are).
void compute_status(struct compute *compute, const char *endpoint, compute_done *done,
		    void *context);
// GET /v3/endpoints/ID/allowed_functions: restricted, functions [id…] (empty when not restricted).
void compute_allowed(struct compute *compute, const char *endpoint, compute_done *done,
		     void *context);

struct compute_function {
	const char *name, *code, *description; // code: wire_function()
	const char *serde_identifier;	       // wire_serde_identifier()
	bool open_to_all;		       // `public`
};
// POST /v3/functions: function_uuid. Never sent twice by itself.
void compute_register(struct compute *compute, const struct compute_function *function,
		      compute_done *done, void *context);

// GET /v2/functions/ID: function_code and description, as far as the service shows them.
void compute_show_function(struct compute *compute, const char *function, compute_done *done,
			   void *context);

struct compute_submit {
	const char *endpoint, *function;
	const json_t *user_endpoint_config; // NULL = none
	const char *task_group;		    // NULL = a new one
	bool json_results;		    // ask for JSON results (WIRE_MODERN)
};
// POST /v3/endpoints/ID/submit with `count` payloads for one function: request_id, task_group_id,
// endpoint_id, tasks {function: [id…]} with exactly `count` ids in the order of the payloads.
// Never sent twice by itself. Payloads are ASCII; a body of more than WIRE_LIMIT_SUBMIT bytes is
// SL_E_LIMIT before anything is sent. The payloads are taken over, whatever comes of it: each
// is released as soon as it stands in the body, so that they are not in memory twice.
void compute_submit(struct compute *compute, const struct compute_submit *submit,
		    struct sl_buf *payloads, size_t count, compute_done *done, void *context);

// The bytes of that body, and those that one payload adds to a body that already has one.
size_t compute_submit_size(const struct compute_submit *submit, const struct sl_buf *payloads,
			   size_t count);
size_t compute_payload_size(const struct sl_buf *payload);

// POST /v2/batch_status for up to COMPUTE_BATCH ids: results {id: {status in small letters,
// result|exception|reason}}. Ids that the service does not know may be missing; entries that have
// not this shape, and ids that were not asked for, are taken out, so that they cost nobody else his
// result.
//
// Fetching is destructive: the service may delete a task once it has answered. So the answer has to
// be written down before it is used; and an answer that is lost after the question was sent is
// asked for again, as nothing else can be done, but then may be gone: tasks that ended unseen are
// missing or failed with a reason. Whoever submits must be able to ask the other end again.
// An answer may have COMPUTE_LIMIT_ANSWER bytes: ask for few at once where results are large.
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
