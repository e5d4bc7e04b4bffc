// SPDX-License-Identifier: Apache-2.0
// One request and its tries: what libcurl is told, what it hands us, and how that is judged.
#ifndef SL_UPLOADER_HTTP_TRANSFER_H
#define SL_UPLOADER_HTTP_TRANSFER_H

#include "uploader/http/place.h"
#include "uploader/http/repeat.h"

#include <curl/curl.h>

#define TRANSFER_LIMIT_HEADERS (64 * SL_KIB) // of one answer, in all

struct transfer {
	struct transfer *next; // in the pool's list
	http_done *done;
	void *context;
	struct repeat repeat;
	struct place place;
	int64_t due_ms, began_ms, moved_ms; // the pool's clock
	int64_t timeout_ms;
	bool running;

	// the request
	CURL *easy;
	struct curl_slist *headers;
	const char *body;
	char *own_body, *bearer, *password; // own_body: NULL where the body is somebody else's
	size_t body_len;
	bool has_body, may_repeat;

	// the try that is under way
	size_t body_at;	     // that libcurl has taken
	struct sl_buf heard; // the answer's body
	size_t headers_len;
	long retry_after;
	bool headers_over, moved;
	char reason[CURL_ERROR_SIZE];

	bool ever_sent; // some try may have arrived whole and was not turned away with a 429
};

// What all requests of a pool have in common.
struct transfer_setting {
	const char *agent;
	const char *ca_file; // NULL = the machine's
	unsigned connect_timeout;
};

bool transfer_new(const struct http_request *request, const struct transfer_setting *setting,
		  struct transfer **out, struct sl_error *err) SL_MUST_USE;
void transfer_free(struct transfer *transfer); // wipes its copies of what it sent and heard

void transfer_rewind(struct transfer *transfer); // before every try

// How the try ended. `stalled` is the pool's reason for having given up, or NULL. The answer
// borrows from the transfer; `why` stays empty when an answer came.
void transfer_judge(struct transfer *transfer, CURLcode code, const char *stalled,
		    struct http_answer *answer, struct repeat_outcome *outcome,
		    struct sl_error *why);

#endif
