// SPDX-License-Identifier: Apache-2.0
// What is unusual for now: the service that does not answer, the endpoint that is offline. It is
// told while it lasts (post.note), and is the reason given when patience ends.
#include "uploader/transport/globus.h"

#include <string.h>

#define STALLED_MS 30000 // without news: is the endpoint there at all?
#define QUIET_MS   10000 // without an answer: is the service there at all?

// A short patience leaves less time to find out why.
static int64_t at_most_a_third(const struct globus *globus, int64_t ms)
{
	int64_t third = (int64_t)globus->timeout * 1000 / 3;

	return third < ms ? third : ms;
}

int64_t globus_stalled_ms(const struct globus *globus)
{
	return at_most_a_third(globus, STALLED_MS);
}

// Since when a question is open; INT64_MAX for none.
static int64_t open_since(const struct globus *globus)
{
	if (globus->polling)
		return globus->poll_sent;
	return globus->stage == GLOBUS_ASKING ? globus->status_asked : INT64_MAX;
}

bool globus_is_unanswered(const struct globus *globus, int64_t now)
{
	int64_t since = open_since(globus);

	return globus->unreachable.kind != SL_E_NONE ||
	       (since != INT64_MAX && now - since >= at_most_a_third(globus, QUIET_MS));
}

static char *describe(const struct globus *globus, int64_t now)
{
	if (globus_is_unanswered(globus, now))
		return sl_format("the service '%s' does not answer; it is asked again and again",
				 globus->service);
	if (globus->status_known && !globus->online)
		return sl_format("endpoint %s is offline: what is sent waits at the service until "
				 "it is back, for two weeks",
				 globus->endpoint);
	return NULL;
}

void globus_note(struct globus *globus, int64_t now)
{
	char *note = describe(globus, now);
	char *old = globus->base.note;

	if (note && old && strcmp(note, old) == 0) {
		free(note);
		return;
	}
	free(old);
	globus->base.note = note;
}

const char *globus_explain_silence(const struct globus *globus, int64_t now, struct sl_error *why)
{
	if (globus_is_unanswered(globus, now)) {
		sl_fail(why, SL_E_NETWORK,
			"the service '%s' has not answered for %lld seconds, so nothing is known "
			"of endpoint %s%s%s",
			globus->service, (long long)((now - globus->answered) / 1000),
			globus->endpoint, globus->unreachable.kind != SL_E_NONE ? ": " : "",
			globus->unreachable.text);
		return "check this machine's network; what was sent stays with the service, and "
		       "'sealift-upload run' goes on from here";
	}
	if (globus->status_known && !globus->online) {
		sl_fail(why, SL_E_NETWORK,
			"endpoint %s is offline and has given no sign of life for %u seconds",
			globus->endpoint, globus->timeout);
		return "ask whoever runs the endpoint to start it; what was sent waits for it at "
		       "the service, and 'sealift-upload run' goes on from here";
	}
	sl_fail(why, SL_E_NETWORK, "endpoint %s has given no sign of life for %u seconds",
		globus->endpoint, globus->timeout);
	return "'sealift-upload run' goes on from here; what was sent stays with the service";
}
