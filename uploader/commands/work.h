// SPDX-License-Identifier: Apache-2.0
// One submission from the state it is in to its end, in turns: a turn goes on until something has
// to be asked of the builder, or time has to pass. Many submissions take turns in one thread.
#ifndef SL_UPLOADER_COMMANDS_WORK_H
#define SL_UPLOADER_COMMANDS_WORK_H

#include "bundles/trust/trust.h"
#include "uploader/commands/delivery.h"
#include "uploader/ledger/ledger.h"
#include "uploader/transport/post.h"

// How a command hears what is going on. `doing` is a short clause: "delivering 60 objects (45
// MiB)".
struct watch {
	void (*say)(void *context, const struct submission *row, const char *doing);
	void *context;
};

// What the bundles that are open while their objects wait to travel take together, in all works of
// a process: an errand reads from them until the driver has read all.
struct work_room {
	size_t most_bundles, bundles;
	uint64_t bytes; // in memory, about
};

struct work;
// Takes the answer to what was asked; `why` is NULL when it is a yes.
typedef bool work_then(struct work *work, const json_t *answer, const struct sl_error *why,
		       struct sl_error *err);

struct work {
	struct ledger *ledger;
	struct submission row; // claimed by this process; kept equal to the ledger
	const struct watch *watch;
	struct postman *postman;
	struct post *post; // of the builder, or of who builds for it
	char *remedy;	   // what would help against the failure at hand; may be NULL
	bool refused;	   // it was the bundle or the policy, not the circumstances
	bool waits;	   // it was the builder: the bundle stays where it is
	bool stuck;	   // it was the network, but only a person can go on from here
	int64_t renewed;   // when the claim was renewed last

	// The errand that is out.
	struct post *to; // where the next errand goes; NULL = the builder
	// Brings the objects of the next errand back, which then may be closed while they travel;
	// NULL = they stay.
	bool (*reopen)(void *work, struct sl_error *err);
	struct post *at; // where the last one went
	char *noticed;	 // what is unusual there, as the ledger has it; NULL = nothing
	bool out, back;	 // asked; and heard of
	work_then *then;
	int64_t effect; // its row in the ledger, 0 = a question
	json_t *answer;
	struct sl_error why;
	struct sl_progress *progress; // NULL while several works share the terminal

	// Delivering (deliver.c).
	struct verified_bundle *bundle; // NULL until it is needed
	struct delivery delivery;
	struct sl_digest listed; // of the list of objects that `missing` is about
	bool *missing;		 // of each object there; NULL = not asked yet
	const struct transport_object **batch;
	uint64_t batch_bytes;
	size_t asked;  // objects whose presence has been asked for
	json_t *lacks; // the answer to that, until there is room
	struct work_room *room;
	uint64_t content; // bytes in memory while it is open, about, as last seen
	bool travels;	  // its share of the room is taken
	bool again;	  // an object went away once

	// Waiting for the build (await.c).
	int64_t wake_ms; // monotonic; nothing to do before
	int64_t since_ms;
	unsigned pause_ms; // before the next question, 0 = not waiting yet
	char step[32];	   // as the builder called it last
	bool asks;	   // and is being asked about
	bool counted;	   // among the builds that are waited for at the post
	int losses;
	bool blameless; // the next loss is none: it had not been begun
	int64_t ahead;	// builds before this one when the queue stood still, -1 = it has not yet
	bool stalled;	// the queue stood still when it was last looked at

	// Shipping (ship.c).
	struct transport_object image;
	unsigned rounds;  // of bringing what the builder lacks
	bool source_lost; // the image cannot be had any more where it was built
};

// `row` is taken over. The post may be shared with other works.
void work_begin(struct work *work, struct ledger *ledger, struct submission *row,
		struct postman *postman, struct post *post, const struct watch *watch,
		struct work_room *room);
void work_release(struct work *work);

enum work_turn {
	WORK_WAITS, // for an answer
	WORK_RESTS, // until work->wake_ms
	WORK_OVER,  // done, failed, refused, or out of reach for now; the claim is given back
};

// Goes on as far as it can. False only when the ledger itself fails.
bool work_turn(struct work *work, enum work_turn *turn_out, struct sl_error *err) SL_MUST_USE;

// Ends a work that could not even begin, for the reason in `why`.
bool work_conclude(struct work *work, const struct sl_error *why, struct sl_error *err) SL_MUST_USE;

// Writes down what is unusual, for now, about where the errand went (struct post, note), so that
// `status` shows it; `*news_out` (borrowed) is set when that is news: "" when it is over, else
// NULL.
bool work_notice(struct work *work, const char **news_out, struct sl_error *err) SL_MUST_USE;

// Renews the claim when it is time to.
bool work_renew(struct work *work, struct sl_error *err) SL_MUST_USE;

// Closes the bundle unless the errand that is out reads from it: it is verified again when it is
// needed. For many works at once.
void work_let_go(struct work *work);

int64_t work_now_ms(void); // monotonic

// ---- the steps (each starts an errand, or moves row.state on, or fails and says why) -------

// queued, delivering -> building: verify, deliver what is missing, ask for the build (deliver.c).
bool work_deliver(struct work *work, struct sl_error *err) SL_MUST_USE;
// building -> built, or back to delivering when the builder has lost it (await.c).
bool work_await(struct work *work, struct sl_error *err) SL_MUST_USE;
// The builder has accepted it, and others come first.
void work_wait_for_turn(struct work *work);
// shipping -> built: the image that was built elsewhere goes to the builder; or back to delivering
// when it has gone away there (ship.c).
bool work_ship(struct work *work, struct sl_error *err) SL_MUST_USE;
// Nobody waits for its build any more.
void work_leave_builds(struct work *work);
// Asks the runner, once, whether it sees the image; `*asked_out`: its answer has to be awaited
// (runner.c).
bool work_ask_runner(struct work *work, bool *asked_out, struct sl_error *err) SL_MUST_USE;
// built, registering -> done (register.c).
bool work_register(struct work *work, struct sl_error *err) SL_MUST_USE;

// Verifies the bundle's file, checks that it is the one that was queued, and keeps it in
// work->bundle with the descriptor that was verified (verify.c).
bool work_verify(struct work *work, enum verify_depth depth, struct sl_error *err) SL_MUST_USE;

// ---- shared by the steps (work.c) ----------------------------------------------------------

void work_say(const struct work *work, const char *fmt, ...) SL_PRINTF(2, 3);
bool work_move(struct work *work, enum ledger_state state, struct sl_error *err) SL_MUST_USE;
void work_rest(struct work *work, unsigned ms);

// The bundle's share of the room.
void work_take_room(struct work *work);

// Starts an errand; `then` gets its answer in a later turn. `effect` is written to the ledger
// first, with `recorded` (NULL = the request), when it changes something there; NULL = a question.
bool work_ask(struct work *work, const json_t *request, const char *effect, const json_t *recorded,
	      size_t batch_len, work_then *then, struct sl_error *err) SL_MUST_USE;
// {"op": op, "bundle": …}
json_t *work_request(const struct work *work, const char *op);
// The bundle's signatures, as the agent is told of them: [{name, sha256}]. Owned.
json_t *work_list_signatures(const struct work *work);
// What the ledger keeps of a request: itself and, of the first `len` objects of the batch in front
// of it, digests and sizes. Owned.
json_t *work_record(const struct work *work, const json_t *request, size_t len);
// One line of JSON with sorted keys. Owned.
char *work_compact(const json_t *value);
// The failure of an errand as that of the step: kind, sentence, whether the policy refused.
bool work_fail(struct work *work, const struct sl_error *why, struct sl_error *err);
// Remembers what an answer says would help.
void work_take_hint(struct work *work, const json_t *answer);
// Whether the first `count` objects of the batch, of `all`, may travel to `post`; says that they
// do.
bool work_check_size(struct work *work, const struct post *post, size_t count, size_t all,
		     struct sl_error *err) SL_MUST_USE;
// building or shipping -> built with the receipt in `answer`, checked to be for this bundle. Where
// the builder does not build itself: building -> shipping.
bool work_built(struct work *work, const json_t *answer, struct sl_error *err) SL_MUST_USE;

#endif
