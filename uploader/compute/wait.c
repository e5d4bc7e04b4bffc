// SPDX-License-Identifier: Apache-2.0
// Any call, waited for.
#include "uploader/compute/compute.h"

void compute_failure_release(struct compute_failure *failure)
{
	free(failure->remedy);
	*failure = (struct compute_failure){0};
}

void compute_wait_done(void *context, const json_t *answer, const struct compute_failure *failure)
{
	struct compute_wait *wait = context;

	wait->over = true;
	if (answer) {
		wait->answer = json_deep_copy(answer);
		return;
	}
	wait->failure = *failure;
	wait->failure.remedy = failure->remedy ? sl_strdup(failure->remedy) : NULL;
}

bool compute_wait_for(struct compute *compute, struct compute_wait *wait, struct sl_error *err)
{
	while (!wait->over && sl_interrupt_check(err) && compute_step(compute, 1000, err))
		;
	if (!wait->over) {
		compute_forget(compute, wait);
		return false;
	}
	if (wait->answer)
		return true;
	return sl_fail(err, wait->failure.error.kind, "%s", wait->failure.error.text);
}

void compute_wait_release(struct compute_wait *wait)
{
	json_decref(wait->answer);
	compute_failure_release(&wait->failure);
	*wait = (struct compute_wait){0};
}
