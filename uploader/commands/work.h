// SPDX-License-Identifier: Apache-2.0
// One submission from the state it is in to its end.
#ifndef SL_UPLOADER_COMMANDS_WORK_H
#define SL_UPLOADER_COMMANDS_WORK_H

#include "bundles/trust/trust.h"
#include "uploader/ledger/ledger.h"
#include "uploader/transport/transport.h"

// How a command hears what is going on. `doing` is a short clause: "delivering 60 objects (45
// MiB)".
struct watch {
	void (*say)(void *context, const struct submission *row, const char *doing);
	void *context;
};

struct work {
	struct ledger *ledger;
	struct submission *row; // claimed by this process; kept equal to the ledger
	const struct watch *watch;
	struct builder_config config;
	struct transport *transport;	// NULL until it is needed
	struct verified_bundle *bundle; // NULL until it is needed
	char *remedy;			// what would help against the failure in `err`; may be NULL
	bool refused;			// it was the bundle or the policy, not the circumstances
	bool waits;			// it was the builder: the bundle stays where it is
	int64_t renewed;		// when the claim was renewed last
};

// Works on the claimed submission until it is done, failed or refused, or cannot go on for now
// (the builder is out of reach), and writes that down. False only when the ledger itself fails.
bool work_on(struct ledger *ledger, struct submission *row, const struct watch *watch,
	     struct sl_error *err) SL_MUST_USE;

// ---- the steps (each moves row->state on, or fails and says why in work) -------------------

// queued, delivering -> building: verify, deliver what is missing, ask for the build (deliver.c).
bool work_deliver(struct work *work, struct sl_error *err) SL_MUST_USE;
// building -> built, or back to delivering when the builder has lost it (await.c).
bool work_await(struct work *work, struct sl_error *err) SL_MUST_USE;

// built, registering -> done (register.c).
bool work_register(struct work *work, struct sl_error *err) SL_MUST_USE;

// Verifies the bundle's file, checks that it is the one that was queued, and keeps it in
// work->bundle with the descriptor that was verified (verify.c).
bool work_verify(struct work *work, enum verify_depth depth, struct sl_error *err) SL_MUST_USE;

// ---- shared by the steps (work.c) ----------------------------------------------------------

void work_say(const struct work *work, const char *fmt, ...) SL_PRINTF(2, 3);
bool work_move(struct work *work, enum ledger_state state, struct sl_error *err) SL_MUST_USE;
// Opens the transport unless it is open. A failure is the builder's: the bundle waits.
bool work_connect(struct work *work, struct sl_error *err) SL_MUST_USE;
// Renews the claim when it is time to.
bool work_renew(struct work *work, struct sl_error *err) SL_MUST_USE;
// A request that changes something there: written down, tried, its answer written down. `batch`
// (may be NULL) are objects to be put. `*answer_out` is owned, also after a refusal.
bool work_effect(struct work *work, const char *kind, const json_t *request,
		 const struct transport_object *const *batch, size_t batch_len,
		 struct sl_progress *progress, json_t **answer_out,
		 struct sl_error *err) SL_MUST_USE;
// A question: nothing to write down. The rest as above.
bool work_ask(struct work *work, const char *op, json_t **answer_out,
	      struct sl_error *err) SL_MUST_USE;
// {"op": op, "bundle": …}
json_t *work_request(const struct work *work, const char *op);
// One line of JSON with sorted keys. Owned.
char *work_compact(const json_t *value);
// Remembers what the builder said would help, and whether its policy refused.
void work_take_hint(struct work *work, const json_t *answer, const struct sl_error *err);
// building -> built with the receipt in `answer`, checked to be for this bundle.
bool work_built(struct work *work, const json_t *answer, struct sl_error *err) SL_MUST_USE;

#endif
