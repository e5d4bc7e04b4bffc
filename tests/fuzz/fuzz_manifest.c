// SPDX-License-Identifier: Apache-2.0
// Any bytes as manifest.json: what is accepted must be written again as the same bytes.
#include "bundles/format/manifest.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_error err = {0};
	struct manifest manifest;
	if (!manifest_parse((const char *)data, size, &manifest, &err)) {
		if (err.kind != SL_E_FORMAT && err.kind != SL_E_LIMIT)
			abort();
		return 0;
	}
	sl_auto_buf struct sl_buf again;
	sl_buf_init(&again, SL_LIMIT_MANIFEST);
	if (!manifest_format(&manifest, &again, &err) || again.len != size ||
	    memcmp(again.data, data, size) != 0)
		abort();
	manifest_release(&manifest);
	return 0;
}
