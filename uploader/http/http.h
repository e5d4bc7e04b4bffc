// SPDX-License-Identifier: Apache-2.0
// HTTP by libcurl's multi interface: many requests at once from one thread, one rate for all.
//
// What is sent and what comes back may hold secrets: nothing here logs a header or a body, messages
// name a host and a reason and nothing that came from the other side, and an answer that repeats
// the bearer token or the password of its request gets them struck out. Requests go to the host
// that they name and nowhere else: redirects are not followed. https verifies against the machine's
// certificates, or those of GLOBUS_SDK_VERIFY_SSL when that names a file (it cannot switch the
// check off), and goes through the proxies of https_proxy and no_proxy. Plain http only towards a
// loopback address, and never through a proxy: what is another machine's loopback is not ours.
#ifndef SL_UPLOADER_HTTP_H
#define SL_UPLOADER_HTTP_H

#include "bundles/base/base.h"

#define HTTP_LIMIT_ANSWER (64 * SL_MIB)

struct http; // one pool of connections and one token bucket

struct http_options {
	unsigned burst, period_ms; // at most `burst` (64) requests in `period_ms`; 0 = 20 in 10 s
	unsigned timeout;	   // seconds without any progress; 0 = 60
	unsigned connect_timeout;  // 0 = 30
	unsigned deadline;	   // seconds for one request with its answer; 0 = 900
	unsigned pause_ms;	   // before the first repeat, then growing; 0 = 500
	unsigned busy_ms;	   // after a 429 that does not say how long; 0 = 10 s
	const char *agent;	   // User-Agent; NULL = sealift-upload/VERSION
};

// SL_E_INPUT when GLOBUS_SDK_VERIFY_SSL names no file.
bool http_new(const struct http_options *options, struct http **out,
	      struct sl_error *err) SL_MUST_USE;
void http_free(struct http *http); // requests that are under way are dropped, without their `done`

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_DELETE };

// How an answer that is lost is dealt with.
enum http_repeat {
	HTTP_ONCE,    // never sent again by itself: whoever asked must find out what became of it
	HTTP_CAREFUL, // sent again only when nothing can have been done: it did not leave whole, or
		      // the answer is a 429
	HTTP_AGAIN,   // a question: asked again after network errors, 429, 500, 502, 503, 504
};
// At most 5 repeats with growing pauses, obeying Retry-After; a 429 does not count among the 5, and
// holds up everything else for its host, too. In all, the pauses take at most `patience` seconds.

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
	bool body_stays;     // it is not copied: it stays as it is until `done`, or http_forget()
	size_t answer_limit; // bytes; 0 = HTTP_LIMIT_ANSWER
	unsigned patience;   // seconds that pauses before repeats may take in all; 0 = 120
	unsigned timeout;    // seconds without any progress; 0 = that of the pool
	const struct http_header *headers;
	size_t headers_len;
};

struct http_answer {
	long status;	  // of HTTP; 0 when none came
	const char *body; // NUL-terminated; borrowed, also when empty
	size_t len;
	long retry_after; // seconds, or -1
	bool sent;	  // some try of it may have reached the other side whole, and was not a 429
};

// Called once per request, from http_step(). `why` is NULL when an answer came, whatever its
// status; else SL_E_NETWORK with host and reason, SL_E_LIMIT when the answer was too long.
typedef void http_done(void *context, const struct http_answer *answer, const struct sl_error *why);

// Queues a request. All of `request` is copied. SL_E_INPUT for a URL that is none, has a user name
// in it, or is neither https nor towards a loopback address, and for headers that are none. 429 of
// HTTP_ONCE is answered to `done`: the other side did nothing, so whoever asked may send it again.
bool http_send(struct http *http, const struct http_request *request, http_done *done,
	       void *context, struct sl_error *err) SL_MUST_USE;

// Moves everything on. Unless a request ends at once, waits at most `timeout_ms` for one to end,
// also when none is pending. `done` may send and forget, but neither step nor ask.
bool http_step(struct http *http, unsigned timeout_ms, struct sl_error *err) SL_MUST_USE;
size_t http_pending(const struct http *http); // queued and under way

// Drops the requests with this `context`, without their `done`.
void http_forget(struct http *http, const void *context);

// One request from beginning to end; other requests of the pool move on meanwhile and call their
// `done`. The answer is owned: http_reply_release(). After a failure there is nothing to release,
// and reply->answer.sent still holds.
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
