// SPDX-License-Identifier: Apache-2.0
// Secret keys without a password; the ones with one end before scrypt is asked.
#include "bundles/trust/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct secret_key *key = NULL;
	struct sl_error err = {0};
	if (secret_key_parse((const char *)data, size, "fuzz", NULL, &key, &err))
		secret_key_free(key);
	else if (err.kind == SL_E_NONE || err.kind == SL_E_INTERNAL)
		abort();
	return 0;
}
