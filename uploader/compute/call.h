// SPDX-License-Identifier: Apache-2.0
// One call from the moment it is made until its callback: what every route has in common.
#ifndef SL_UPLOADER_COMPUTE_CALL_H
#define SL_UPLOADER_COMPUTE_CALL_H

#include "uploader/compute/compute.h"

struct call;

// Checks an answer of success and takes out of it what is nobody's. SL_E_FORMAT.
typedef bool call_check(const struct call *call, json_t *answer, struct sl_error *err);

enum call_state { CALL_WAITING, CALL_SENT, CALL_OVER };

struct call {
	struct call *next;
	struct compute *compute;
	enum call_state state;
	compute_done *done;
	void *context;

	enum http_method method;
	bool effect; // twice would be two: not a question
	char *path;  // below the service's address
	struct sl_buf body;
	size_t answer_limit;
	unsigned timeout; // seconds of silence; 0 = the usual ones

	call_check *check;
	char *id;		 // what the call is about
	size_t count;		 // of the payloads
	struct sl_strings asked; // of a batch

	unsigned login; // the token it was sent with
	bool resent;	// after a 401
	bool due;	// is called back in this step
	json_t *answer;
	struct compute_failure failure;
};

// Queued at once: it is sent, or called back, in a later step.
struct call *call_new(struct compute *compute, enum http_method method, compute_done *done,
		      void *context);
void call_free(struct call *call);

// Makes it end without being sent. Always false.
bool call_refuse(struct call *call, enum sl_kind kind, const char *fmt, ...) SL_PRINTF(3, 4);

// Remembers what the call is about; false, refused, if it is no UUID. `which` says what it should
// be: "endpoint", "task group", …
bool call_about(struct call *call, const char *which, const char *id);

// False, refused, if what a person wrote cannot be a text of JSON. `which` says what it is.
bool call_text(struct call *call, const char *which, const char *text);

// Takes over `object` as the body, within WIRE_LIMIT_SUBMIT bytes.
bool call_body(struct call *call, json_t *object);

// What an answer makes of the call; pure, apart from the call itself.
void call_heard(struct call *call, const struct http_answer *answer, const struct sl_error *why);

#endif
