// SPDX-License-Identifier: Apache-2.0
// A statement that is accepted is written again as the very same text.
#include "bundles/trust/trust.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct statement statement;
	struct sl_error err = {0};
	sl_auto_free char *text = sl_strndup((const char *)data, size);
	sl_auto_buf struct sl_buf again = {0};
	sl_buf_init(&again, 1024);
	if (!statement_parse(text, &statement, &err))
		return 0;
	if (!statement_format(&statement, &again, &err) || strcmp(again.data, text) != 0)
		abort();
	return 0;
}
