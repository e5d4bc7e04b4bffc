// SPDX-License-Identifier: Apache-2.0
#include "uploader/http/repeat.h"

#include <curl/curl.h>
#include <string.h>

static bool is_overload(long status)
{
	return status == 500 || status == 502 || status == 503 || status == 504;
}

static bool may_repeat(const struct repeat *repeat, const struct repeat_outcome *outcome)
{
	if (outcome->hopeless || repeat->kind == HTTP_ONCE)
		return false;
	if (outcome->status == 429)
		return true;
	if (repeat->failures >= REPEAT_TRIES)
		return false;
	if (repeat->kind == HTTP_CAREFUL)
		return outcome->status == 0 && !outcome->sent;
	return outcome->status == 0 || is_overload(outcome->status);
}

// Doubles with every try; between half and one and a half of that.
static int64_t growing(int64_t first_ms, unsigned tries, unsigned noise)
{
	int64_t pause = first_ms;

	for (unsigned i = 0; i < tries && pause < REPEAT_MAX_MS; i++)
		pause *= 2;
	if (pause > REPEAT_MAX_MS)
		pause = REPEAT_MAX_MS;
	return pause / 2 + (int64_t)(noise % (unsigned)(pause + 1));
}

int64_t repeat_pause(struct repeat *repeat, const struct repeat_outcome *outcome, unsigned noise)
{
	if (!may_repeat(repeat, outcome))
		return -1;
	bool busy = outcome->status == 429;
	int64_t asked = outcome->retry_after >= 0 ? (int64_t)outcome->retry_after * 1000
			: busy			  ? repeat->busy_ms
						  : 0;
	int64_t pause =
		growing(repeat->pause_ms, busy ? repeat->busy++ : repeat->failures++, noise);
	if (pause < asked)
		pause = asked;
	if (pause > repeat->patience_ms - repeat->paused_ms)
		return -1;
	repeat->paused_ms += pause;
	return pause;
}

long repeat_after(const char *value, int64_t now)
{
	size_t digits = strspn(value, "0123456789");

	if (digits > 0 && value[digits] == '\0')
		return digits > 9 ? 999999999 : strtol(value, NULL, 10);
	if (digits > 0 || value[0] == '\0' || strlen(value) > 64)
		return -1;
	time_t then = curl_getdate(value, NULL);
	if (then == -1)
		return -1;
	if ((int64_t)then <= now)
		return 0;
	return (int64_t)then - now > 999999999 ? 999999999 : (long)((int64_t)then - now);
}
