// SPDX-License-Identifier: Apache-2.0
// The name of a detached signature that is accepted is the one that its parts make again.
#include "bundles/trust/trust.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sl_auto_free char *leaf = sl_strndup((const char *)data, size);
	enum role role;
	struct sl_digest bundle;
	char fingerprint[65], id[SL_DIGEST_HEX + 1];
	if (strlen(leaf) != size || !detached_name_parse(leaf, &role, &bundle, fingerprint))
		return 0;
	sl_digest_hex(&bundle, id);
	sl_auto_free char *again =
		sl_format("%s.%s%s.minisig", id, fingerprint, role == ROLE_REVOKE ? ".revoke" : "");
	if (strcmp(again, leaf) != 0 || role == ROLE_PREPARE)
		abort();
	return 0;
}
