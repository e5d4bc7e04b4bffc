// SPDX-License-Identifier: Apache-2.0
// HTTP by libcurl's multi interface: many requests at once from one thread, one rate for all.
//
// What is sent and what comes back may hold secrets: nothing here logs a header or a body. Requests
// go to the host that they name and nowhere else: redirects are not followed. https verifies
// against the machine's certificates, or those of GLOBUS_SDK_VERIFY_SSL when that names a file (it
// cannot switch the check off); plain http only towards a loopback address.
#ifndef SL_UPLOADER_HTTP_H
#define SL_UPLOADER_HTTP_H

#include "bundles/base/base.h"

#define HTTP_LIMIT_ANSWER (64 * SL_MIB)

struct http; // one pool of connections and one token bucket

struct http_options {
	unsigned burst, period_ms; // at most `burst` requests in `period_ms`; 0 = 20 in 10 s
	unsigned timeout;	   // seconds without any progress; 0 = 60
	unsigned connect_timeout;  // 0 = 30
	const char *agent;	   // User-Agent; NULL = sealift-upload/VERSION
};

bool http_new(const struct http_options *options, struct http **out,
	      struct sl_error *err) SL_MUST_USE;
void http_free(struct http *http); // requests that are under way are dropped, without their `done`

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_DELETE };

// How an answer that is lost is dealt with.
enum http_repeat {
	HTTP_ONCE,  // never sent again by itself: whoever asked must find out what became of it
	HTTP_AGAIN, // a question: asked again after network errors, 429, 500, 502, 503, 504 (5
		    // times, growing pauses, Retry-After obeyed up to `patience` seconds)
};

struct http_header {
	const char *name, *value;
};

struct http_request {
	enum http_method method;
	enum http_repeat repeat;
	const char *url;
	const char *bearer;	     // Authorization: Bearer …, or NULL
	const char *user, *password; // Basic, or NULL
	const char *content_type;    // of the body; NULL = application/json
	const char *body;	     // NULL = none; copied
	size_t body_len;
	size_t answer_limit; // bytes; 0 = HTTP_LIMIT_ANSWER
	unsigned patience;   // seconds that repeats may take in all; 0 = 120
	const struct http_header *headers;
	size_t headers_len;
};

struct http_answer {
	long status;	  // of HTTP; 0 when none came
	const char *body; // NUL-terminated; borrowed, also when empty
	size_t len;
	long retry_after; // seconds, or -1
	bool sent;	  // the whole request may have reached the other side
};

// Called once per request, from http_step(). `why` is NULL when an answer came, whatever its
// status; else SL_E_NETWORK with host and reason, SL_E_LIMIT when the answer was too long.
typedef void http_done(void *context, const struct http_answer *answer, const struct sl_error *why);

// Queues a request. All of `request` is copied. 429 of HTTP_ONCE is answered to `done`: the other
// side did nothing, so whoever asked may send it again.
bool http_send(struct http *http, const struct http_request *request, http_done *done,
	       void *context, struct sl_error *err) SL_MUST_USE;

// Moves everything on; waits at most `timeout_ms` for something to happen.
bool http_step(struct http *http, unsigned timeout_ms, struct sl_error *err) SL_MUST_USE;
size_t http_pending(const struct http *http); // queued and under way

// One request from beginning to end. The answer is owned: http_reply_release().
struct http_reply {
	struct http_answer answer;
	struct sl_buf body;
};
bool http_ask(struct http *http, const struct http_request *request, struct http_reply *reply,
	      struct sl_error *err) SL_MUST_USE;
void http_reply_release(struct http_reply *reply);

// ---- the token bucket (its own file, tested alone) -----------------------------------------

struct http_bucket {
	unsigned burst, period_ms;
	int64_t sent[64]; // monotonic ms of the last requests, a ring
	size_t next, count;
};

void http_bucket_init(struct http_bucket *bucket, unsigned burst, unsigned period_ms);
// 0: send now; else the milliseconds to wait.
int64_t http_bucket_wait(const struct http_bucket *bucket, int64_t now_ms);
void http_bucket_take(struct http_bucket *bucket, int64_t now_ms);

#endif
