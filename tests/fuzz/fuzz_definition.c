// SPDX-License-Identifier: Apache-2.0
// Whatever the parser of definition files accepts, it has understood to the last byte.
#include "bundles/recipe/definition.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_error err = {0};
	struct definition definition, again;
	if (!definition_parse((const char *)data, size, &definition, &err)) {
		assert(err.kind == SL_E_FORMAT || err.kind == SL_E_LIMIT);
		assert(!definition.from && !definition.sections.items);
		return 0;
	}
	sl_auto_buf struct sl_buf text;
	sl_buf_init(&text, size);
	definition_format(&definition, &text);
	assert(!text.overflow && text.len == size && memcmp(text.data, data, size) == 0);
	assert(definition_parse(text.data, text.len, &again, &err));
	assert(definition_equal(&definition, &again));
	definition_release(&again);
	definition_release(&definition);
	return 0;
}
