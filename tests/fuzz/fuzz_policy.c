// SPDX-License-Identifier: Apache-2.0
// A policy that is accepted is written and read again as the same policy, with distinct keys.
#include "bundles/trust/trust.h"

#include <string.h>

static void check_distinct(const struct policy *policy)
{
	for (size_t i = 0; i < policy->keys.len; i++)
		for (size_t j = 0; j < i; j++)
			if (public_key_equal(&policy->keys.items[i].key,
					     &policy->keys.items[j].key))
				abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_policy struct policy policy = {0}, again = {0};
	struct sl_error err = {0};
	sl_auto_buf struct sl_buf first = {0}, second = {0};
	sl_buf_init(&first, 2 * SL_LIMIT_POLICY);
	sl_buf_init(&second, 2 * SL_LIMIT_POLICY);
	if (size > SL_LIMIT_POLICY ||
	    !policy_parse((const char *)data, size, "fuzz", &policy, &err))
		return 0;
	check_distinct(&policy);
	if (!policy_format(&policy, &first, &err) ||
	    !policy_parse(first.data, first.len, "again", &again, &err) ||
	    !policy_format(&again, &second, &err) || strcmp(first.data, second.data) != 0)
		abort();
	return 0;
}
