// SPDX-License-Identifier: Apache-2.0
// Where a URL leads, and whether we may go there.
#ifndef SL_UPLOADER_HTTP_PLACE_H
#define SL_UPLOADER_HTTP_PLACE_H

#include "bundles/base/base.h"

struct place {
	char *host;    // as messages call it: with its port if that is not the usual one
	bool loopback; // plain http, so towards this machine
};

// SL_E_INPUT for what http_send() refuses. Messages do not repeat the URL: it may hold a password.
bool place_find(const char *url, struct place *out, struct sl_error *err) SL_MUST_USE;
void place_release(struct place *place);

// Whole names and addresses, as libcurl spells them: "localhost", "127.0.0.1", "[::1]".
bool place_is_loopback(const char *host);

#endif
