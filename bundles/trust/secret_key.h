// SPDX-License-Identifier: Apache-2.0
// The inside of a secret key, for the two files that make keys and signatures.
#ifndef SL_TRUST_SECRET_KEY_H
#define SL_TRUST_SECRET_KEY_H

#include "bundles/trust/trust.h"

// Lives in sodium_malloc memory: guarded, locked where the system allows it, wiped when freed.
struct secret_key {
	struct public_key public;
	const char *warning;  // static, or NULL
	unsigned char sk[64]; // seed, then the public half
};

// libsodium is set up; SL_E_INTERNAL if it cannot be. To be called before any secret is touched.
bool trust_ready(struct sl_error *err) SL_MUST_USE;

#define auto_secret __attribute__((cleanup(secret_cleanup)))
void secret_cleanup(void *slot); // sodium_free of *(void **)slot

// `size` bytes for a secret, released with sodium_free(); NULL with SL_E_INTERNAL.
void *secret_alloc(size_t size, struct sl_error *err) SL_MUST_USE;

#endif
