// SPDX-License-Identifier: Apache-2.0
// A window that slides: the times of the last requests, so that no stretch of `period_ms` ever has
// more than `burst` of them. It knows no clock.
#include "uploader/http/http.h"

#define RING (sizeof(((struct http_bucket *)0)->sent) / sizeof(int64_t))

void http_bucket_init(struct http_bucket *bucket, unsigned burst, unsigned period_ms)
{
	*bucket = (struct http_bucket){.burst = burst, .period_ms = period_ms};
	if (bucket->burst == 0)
		bucket->burst = 20;
	if (bucket->burst > RING)
		bucket->burst = RING;
	if (bucket->period_ms == 0)
		bucket->period_ms = 10000;
}

int64_t http_bucket_wait(const struct http_bucket *bucket, int64_t now_ms)
{
	if (bucket->count < bucket->burst)
		return 0;
	int64_t oldest = bucket->sent[(bucket->next + RING - bucket->burst) % RING];
	int64_t wait = oldest + bucket->period_ms - now_ms;
	return wait > 0 ? wait : 0;
}

void http_bucket_take(struct http_bucket *bucket, int64_t now_ms)
{
	bucket->sent[bucket->next] = now_ms;
	bucket->next = (bucket->next + 1) % RING;
	if (bucket->count < RING)
		bucket->count++;
}
