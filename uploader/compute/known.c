// SPDX-License-Identifier: Apache-2.0
#include "uploader/compute/known.h"

#include <string.h>
#include <time.h>

#define FRESH_MS 60000

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct known_endpoint *find(struct known_endpoints *known, const char *id)
{
	sl_list_each (known, one)
		if (strcmp(one->id, id) == 0)
			return one;
	struct known_endpoint *added = sl_list_add(known);
	*added = (struct known_endpoint){.id = sl_strdup(id)};
	return added;
}

static bool ask(struct compute *compute, struct known_endpoint *one, struct sl_error *err)
{
	struct compute_wait wait = {0};

	compute_endpoint(compute, one->id, compute_wait_done, &wait);
	bool good = compute_wait_for(compute, &wait, err);
	if (good) {
		json_decref(one->metadata);
		one->metadata = json_incref(wait.answer);
		one->asked_ms = now_ms();
	}
	compute_wait_release(&wait);
	return good;
}

bool known_endpoint(struct known_endpoints *known, struct compute *compute, const char *id,
		    json_t **out, struct sl_error *err)
{
	struct known_endpoint *one = find(known, id);
	bool fresh = one->metadata && now_ms() - one->asked_ms < FRESH_MS;

	if (!fresh && !ask(compute, one, err))
		return false;
	*out = json_incref(one->metadata);
	return true;
}

void known_endpoints_release(struct known_endpoints *known)
{
	sl_list_each (known, one) {
		free(one->id);
		json_decref(one->metadata);
	}
	sl_list_release(known);
}
