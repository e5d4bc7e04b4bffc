// SPDX-License-Identifier: Apache-2.0
// A public key that is accepted has exactly one base64 text, and that is the one that was read.
#include "bundles/trust/trust.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct public_key key;
	struct sl_error err = {0};
	char base64[57];
	if (!public_key_parse((const char *)data, size, "fuzz", &key, &err))
		return 0;
	public_key_base64(&key, base64);
	if (!memmem(data, size, base64, strlen(base64)))
		abort();
	return 0;
}
