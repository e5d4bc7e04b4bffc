// SPDX-License-Identifier: Apache-2.0
// The registration driver "container-service": POST /v2/containers, for services that still have
// it and endpoints before 3.0, which look at the id (specs/registration.md).
//
// Nothing tells this service that a request is the same as an earlier one. So an answer that was
// lost is the outcome "unknown", which stands in the ledger and is never tried again by itself.
#ifndef SL_UPLOADER_CONTAINER_SERVICE_H
#define SL_UPLOADER_CONTAINER_SERVICE_H

#include "uploader/compute/compute.h"
#include "uploader/ledger/ledger.h"

struct container {
	const char *name;     // NAME-VERSION
	const char *location; // of the image on the endpoint: registration_image()
	const char *description;
};

enum container_outcome {
	CONTAINER_REGISTERED,
	CONTAINER_REFUSED,   // nothing was registered, and the same again would be refused again
	CONTAINER_UNKNOWN,   // it may have been registered or not
	CONTAINER_NOT_ASKED, // the service was not reached: a later try is a first try
};
const char *container_outcome_name(enum container_outcome outcome); // "registered", …

struct container_result {
	enum container_outcome outcome;
	char *id;	     // of a registered container
	struct sl_error why; // of every other outcome
	char *remedy;	     // the same; never NULL then
};
void container_result_release(struct container_result *result);
#define auto_container_result __attribute__((cleanup(container_result_release)))

// Asks the service and waits for the answer. Whoever calls this has written down that it will.
void container_service_ask(struct compute *compute, const struct container *container,
			   struct container_result *out);

// What the `effects` of a submission (as ledger_export() shows them) say of this very container:
// registered or unknown. False when it was never asked for, or refused, or nothing was sent.
bool container_service_recall(const json_t *effects, const struct container *container,
			      struct container_result *out);

// All of it for the claimed submission `number`: what the ledger knows is not asked for again
// (unknown is, with `again`); the effect is written down before the request and its outcome before
// it is returned. False only when the ledger fails.
bool container_service_register(struct ledger *ledger, int64_t number, struct compute *compute,
				const struct container *container, bool again,
				struct container_result *out, struct sl_error *err) SL_MUST_USE;

// Appends what README.md says of a result, in Markdown.
void container_service_describe(const struct container_result *result, struct sl_buf *out);

#endif
