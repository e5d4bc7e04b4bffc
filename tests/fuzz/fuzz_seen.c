// SPDX-License-Identifier: Apache-2.0
// A seen.json that is accepted is written and read again as the same, with each name found.
#include "bundles/trust/seen.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_seen struct seen seen = {0}, again = {0};
	struct sl_error err = {0};
	sl_auto_buf struct sl_buf first = {0}, second = {0};
	sl_buf_init(&first, 4 * SL_MIB);
	sl_buf_init(&second, 4 * SL_MIB);
	if (size > SL_MIB || !seen_parse((const char *)data, size, "fuzz", &seen, &err))
		return 0;
	sl_list_each (&seen.versions, entry)
		if (seen_find(&seen, entry->name) != entry)
			abort();
	if (!seen_format(&seen, &first, &err) ||
	    !seen_parse(first.data, first.len, "again", &again, &err) ||
	    !seen_format(&again, &second, &err) || strcmp(first.data, second.data) != 0)
		abort();
	return 0;
}
