// SPDX-License-Identifier: Apache-2.0
// When a request is sent again, and after how long. Pure: it knows no clock and no chance.
#ifndef SL_UPLOADER_HTTP_REPEAT_H
#define SL_UPLOADER_HTTP_REPEAT_H

#include "uploader/http/http.h"

#define REPEAT_TRIES  5	    // repeats, those after a 429 not counted
#define REPEAT_MAX_MS 10000 // of a pause that nobody asked for, before its random part

struct repeat {
	enum http_repeat kind;
	int64_t pause_ms, busy_ms; // as in http_options
	int64_t patience_ms;	   // in all
	int64_t paused_ms;	   // so far
	unsigned failures, busy;   // so far
};

// How one try ended.
struct repeat_outcome {
	long status;	  // 0 when no answer came
	long retry_after; // seconds, or -1
	bool sent;	  // the other side may have it whole
	bool hopeless;	  // the next try would end in the same way
};

// The milliseconds to wait before the next try, or -1 if this was the last one. `noise` spreads the
// pauses of many clients.
int64_t repeat_pause(struct repeat *repeat, const struct repeat_outcome *outcome, unsigned noise);

// The value of Retry-After, seconds or an HTTP date, as seconds from `now` (since 1970); -1 if it
// is neither.
long repeat_after(const char *value, int64_t now);

#endif
