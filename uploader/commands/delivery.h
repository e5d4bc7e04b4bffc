// SPDX-License-Identifier: Apache-2.0
// A verified bundle as the objects that travel.
#ifndef SL_UPLOADER_COMMANDS_DELIVERY_H
#define SL_UPLOADER_COMMANDS_DELIVERY_H

#include "bundles/trust/trust.h"
#include "uploader/transport/transport.h"

// Every byte comes from the descriptor that was verified (T45). Borrows from the bundle.
struct delivery_signature {
	const char *name; // which role and key it claims (specs/signatures.md)
	struct sl_digest sha256;
};

struct delivery {
	SL_LIST(struct transport_object) objects; // sorted by digest, each once
	SL_LIST(struct delivery_signature) signatures;
};

// Nothing but a verified bundle can be delivered.
void delivery_init(struct delivery *delivery, struct verified_bundle *bundle);
void delivery_release(struct delivery *delivery);
#define auto_delivery __attribute__((cleanup(delivery_release)))

// The objects with missing[i] set, cut into what one put of `ops` may carry: the batch that begins
// at object `at`. Returns where the next one begins; `batch` has room for ops->put_objects.
size_t delivery_batch(const struct delivery *delivery, const bool *missing,
		      const struct transport_ops *ops, size_t at,
		      const struct transport_object **batch, size_t *len_out);

// The total size of what is missing.
uint64_t delivery_size(const struct delivery *delivery, const bool *missing, size_t *count_out);

#endif
