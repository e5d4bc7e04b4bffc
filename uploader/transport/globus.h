// SPDX-License-Identifier: Apache-2.0
// What the files of the Globus Compute driver share.
//
// An errand is a letter. Letters, and pieces of the objects they wait for, are packed into parcels:
// one payload each, which becomes one task. Some parcels travel together as a load: one submit.
//
// 1. A load is in the ledger before it is sent, with the ref of each parcel; a task's answer is
//    there before it is used.
// 2. A letter is in at most one parcel, a byte of an object in at most one piece under way.
// 3. A letter is heard exactly once, from globus_tell() and nowhere else.
// 4. While tasks may still run of which we do not know what they did (a killed process's, a load
//    whose answer was lost, a load that was given up), nothing is sent (globus_recover.c).
#ifndef SL_UPLOADER_TRANSPORT_GLOBUS_H
#define SL_UPLOADER_TRANSPORT_GLOBUS_H

#include "uploader/transport/post.h"
#include "uploader/wire/wire.h"

#define GLOBUS_REF	    32		  // hex digits
#define GLOBUS_CALLS	    64		  // of the agent in one parcel
#define GLOBUS_TEXT	    (2 * SL_MIB)  // of a parcel that carries letters
#define GLOBUS_ANSWERS	    (4 * SL_MIB)  // of one parcel, as far as they can be foreseen
#define GLOBUS_RIDE	    SL_MIB	  // of objects that travel in front of their letter
#define GLOBUS_PIECE	    6500000	  // bytes of objects in one parcel of their own
#define GLOBUS_LEAST_PIECE  1000000	  // unless an object ends with it
#define GLOBUS_POLLED	    (64 * SL_MIB) // of answers that one poll may bring, foreseen alike
#define GLOBUS_ENTRIES	    1024	  // objects in one parcel
#define GLOBUS_SPANS	    4096	  // stretches of one object that an agent may name
#define GLOBUS_MARGIN	    (64 * SL_KIB) // of a submit's body
#define GLOBUS_LEAST_SUBMIT (128 * SL_KIB)
#define GLOBUS_BODIES	    2		 // submits that are being sent
#define GLOBUS_HEAVY	    (2 * SL_MIB) // one of requests: nothing but small requests beside it
#define GLOBUS_LOADS	    4		 // submits whose tasks have not ended
#define GLOBUS_FREIGHT	    3		 // those of them that carry pieces
#define GLOBUS_COMPANY_MS   200
#define GLOBUS_LOOKED	    16	  // allowed functions whose code is looked at
#define GLOBUS_HEAVY_MS	    10000 // that small requests wait for one to be sent
#define GLOBUS_POLL_MS	    1000
#define GLOBUS_POLL_MOST_MS 10000
#define GLOBUS_TRIES	    4	    // times that anything is sent
#define GLOBUS_TASK_SECONDS 1209600 // the service forgets a task that nobody has run

struct letter {
	struct errand errand;
	char *text; // the request, ASCII
	size_t len, cost, weight;
	struct goods **goods; // one for each of the errand's objects
	uint64_t *moved;      // bytes of each that were reported
	int64_t since;
	unsigned tries;
	struct parcel *parcel; // it is under way in; NULL = it waits
	bool closed;	       // its objects have to be reopened before they are read
	bool concluded, good;
	json_t *answer;
	struct sl_error why;
	char *remedy;
};

struct span {
	uint64_t offset, size;
};

struct spans { // sorted, apart from each other
	struct span *items;
	size_t len, cap;
};

// An object, as far as this post has heard of it.
struct goods {
	struct sl_digest sha256; // first
	uint64_t size;
	bool stored;
	uint64_t stored_at; // the post's clock then
	struct spans taken; // what is there, or under way
	size_t moving;	    // pieces under way
	unsigned tries;
	SL_LIST(struct letter *) wanted; // by whom; the first one lends the bytes
};

struct piece {
	struct goods *goods;
	uint64_t offset, size;
};

// One request to the agent in a parcel: that of a letter, or a put of pieces.
struct call {
	struct letter *letter; // NULL: a put, or the letter has been concluded
	bool put;
	size_t first, count; // pieces
};

struct parcel {
	char ref[GLOBUS_REF + 1];
	char *id; // NULL while the service's answer is not known
	struct load *load;
	size_t position;
	SL_LIST(struct call) calls;
	SL_LIST(struct piece) pieces;
	char *status;  // as last heard
	size_t weight; // of the answer, as far as it can be foreseen
	unsigned missed;
	bool over;
	uint64_t asked; // in which poll
};

enum load_state { LOAD_SENDING, LOAD_ACCEPTED, LOAD_REFUSED, LOAD_LOST };

struct load {
	struct globus *globus;
	struct ledger_submit row;
	enum load_state state;
	enum wire_set set;
	bool left;    // nobody waits for what it did any more
	bool freight; // carries pieces
	uint64_t clock;
	int64_t sent;
	int64_t news;	// when it, or one that was sent later, last moved
	size_t size;	// of the body
	size_t waiting; // parcels that are not over
	SL_LIST(struct parcel *) parcels;
};

// A task of the group that belongs to one of the lost loads.
struct stray {
	char *id, *status, *failure;
	bool over;
	unsigned missed;
	uint64_t asked;
};

struct search {
	char *group;
	bool asking;
	unsigned looks; // in a row that brought nothing new
	int64_t next, news;
	SL_LIST(struct stray) strays;
};

enum globus_stage { GLOBUS_IDLE, GLOBUS_ASKING, GLOBUS_NAMING, GLOBUS_READY };

struct globus {
	struct post base; // first
	struct ledger *ledger;
	struct compute *compute;
	char *service, *endpoint;
	// of the configuration
	unsigned timeout;
	json_t *endpoint_config;
	char *given_function;

	enum globus_stage stage;
	unsigned asked; // questions of the stage that are open
	struct sl_error refused;
	char *refused_remedy;
	bool restricted, online, status_known, switched, fresh;
	struct sl_strings allowed;
	struct globus_looked {
		struct globus *globus;
		bool ours; // the agent of this release, in the form `set`
		enum wire_set set;
		char *release;	 // that its description names, or NULL
	} looked[GLOBUS_LOOKED]; // the first of them
	enum wire_set set;
	char *version; // of the endpoint, "" = it says none; NULL = not asked yet
	bool kept;     // the ledger knows which form is read
	char *function, *group;

	size_t most, most_calls; // of a submit's body, in a parcel
	uint64_t clock;
	SL_LIST(struct letter *) letters; // in the order of their coming
	size_t telling;
	void *tree; // of goods, by digest
	SL_LIST(struct goods *) goods;
	SL_LIST(struct load *) loads;	     // by number
	SL_LIST(struct ledger_answer) heard; // answers whose letters are to be told
	struct search *search;
	bool hurry;

	bool polling, asking_status;
	uint64_t polls;
	int64_t next_poll, poll_ms, news, left_news, status_asked, renewed, next_send;
	int64_t poll_sent, answered; // the last poll; the last answer of the service
	unsigned refusals;	     // submits in a row that never got out
	struct sl_error unreachable; // the last failure to ask anything, until an answer comes
	struct sl_error trouble;     // of the ledger, on the way to globus_step()
};

// ---- clock and chance (globus_clock.c; tests have their own) --------------------------------

int64_t globus_clock_ms(void);
bool globus_ref(char ref[GLOBUS_REF + 1], struct sl_error *err) SL_MUST_USE;

// ---- spans of objects (globus_spans.c) -----------------------------------------------------

void spans_add(struct spans *spans, uint64_t offset, uint64_t size);
void spans_remove(struct spans *spans, uint64_t offset, uint64_t size);
// The first stretch at or behind `from` that no span covers, within `total`. False if none.
bool spans_gap(const struct spans *spans, uint64_t from, uint64_t total, struct span *out);

// ---- letters (globus_letters.c) ------------------------------------------------------------

bool globus_start(struct post *post, const struct errand *errand, struct sl_error *err);
// What a letter hears at the next globus_tell(). `why` NULL: the answer is a yes.
void globus_conclude(struct globus *globus, struct letter *letter, const json_t *answer,
		     const struct sl_error *why, const char *remedy);
void globus_conclude_all(struct globus *globus, const struct sl_error *why, const char *remedy);
// Calls back, then lets the ledger forget the answers. `*any_out`: somebody was told something.
bool globus_tell(struct globus *globus, bool *any_out, struct sl_error *err) SL_MUST_USE;
void globus_letter_free(struct letter *letter);
// Before and after its objects are read; the second only of those that are under way.
bool globus_letter_open(struct letter *letter, struct sl_error *err) SL_MUST_USE;
void globus_letters_close(struct globus *globus);

// ---- objects (globus_objects.c) ------------------------------------------------------------

struct goods *globus_goods(struct globus *globus, const struct sl_digest *sha256, uint64_t size);
void globus_goods_free(struct globus *globus);
// Somebody needs it, and knows its size.
void globus_goods_asked(struct goods *goods, uint64_t size);
// How many bytes of objects a letter lacks, and whether any of them is under way.
uint64_t globus_lacks(const struct letter *letter, bool *moving_out);
void globus_stored(struct globus *globus, struct goods *goods);
// Whoever wants it hears why it cannot be brought.
void globus_goods_failed(struct globus *globus, struct goods *goods, const struct sl_error *why,
			 const char *remedy);
// The agent's answer to a put.
void globus_put_answered(struct globus *globus, const struct parcel *parcel,
			 const struct call *call, const json_t *answer);
// What an answer says about objects beside what was asked: lost ones, begun ones.
void globus_learn(struct globus *globus, uint64_t clock, const json_t *answer);

// ---- parcels and loads (globus_pack.c, globus_send.c) --------------------------------------

// Packs what may go now; NULL when there is nothing, or nothing that is due. The payloads are
// added to `payloads`. A ledger is not asked.
struct load *globus_pack(struct globus *globus, int64_t now, struct sl_buf **payloads_out);
bool globus_send(struct globus *globus, int64_t now, bool *any_out,
		 struct sl_error *err) SL_MUST_USE;
void globus_load_free(struct load *load);
// Its letters and pieces wait again, or have been tried often enough: then they hear `why`.
void globus_requeue(struct globus *globus, struct parcel *parcel, const struct sl_error *why,
		    const char *remedy);
// Its letters, and those that wait for its pieces, hear `why`.
void globus_abandon(struct globus *globus, struct parcel *parcel, const struct sl_error *why,
		    const char *remedy);
// The parcel has ended; a load without others goes.
void globus_parcel_over(struct parcel *parcel);

// ---- the endpoint (globus_open.c) ----------------------------------------------------------

void globus_open_step(struct globus *globus);
// Finds or registers the function for globus->set.
void globus_name_function(struct globus *globus);
// A worker has read what was sent in this form.
void globus_form_was_read(struct globus *globus, enum wire_set set);
void globus_ask_status(struct globus *globus, int64_t now);
// All errands hear `why`; the next one asks again.
void globus_give_up(struct globus *globus, const struct sl_error *why, const char *remedy);
// Uses this function for the agent in the form globus->set, from now on.
void globus_keep_function(struct globus *globus, const char *id);

// ---- restricted endpoints (globus_allowed.c) -----------------------------------------------

bool globus_allows(const struct globus *globus, const char *function);
// Looks which of the allowed functions is the agent, and uses that or refuses.
void globus_look_for_agent(struct globus *globus);
void globus_refuse_restricted(struct globus *globus);
void globus_forget_looked(struct globus *globus);

// ---- what is unusual (globus_note.c) -------------------------------------------------------

void globus_note(struct globus *globus, int64_t now);	// keeps base.note
int64_t globus_stalled_ms(const struct globus *globus); // without news: ask for the status
bool globus_is_unanswered(const struct globus *globus, int64_t now);
// Why nothing has been heard for `timeout` seconds, as far as one knows. Returns what would help.
const char *globus_explain_silence(const struct globus *globus, int64_t now, struct sl_error *why);

// ---- tasks (globus_tasks.c, globus_answer.c, globus_failure.c) -----------------------------

void globus_poll(struct globus *globus, int64_t now);
// Gives up loads that have shown no sign of life for too long.
void globus_deadlines(struct globus *globus, int64_t now);
// What a finished task said, from the service's word on it. The ledger has it already.
void globus_hear(struct globus *globus, struct parcel *parcel, const json_t *task);
// The agent's whole answer in a task, NULL with the reason. Owned.
json_t *globus_read_result(const json_t *task, struct sl_error *err) SL_MUST_USE;
// A task that did not bring the agent's answer.
void globus_task_failed(struct globus *globus, struct parcel *parcel, const json_t *task);

// ---- what is uncertain (globus_recover.c) --------------------------------------------------

bool globus_take_over(struct globus *globus, struct sl_error *err) SL_MUST_USE;
void globus_recover_step(struct globus *globus, int64_t now);
// Whether nothing may be sent for now.
bool globus_is_blocked(struct globus *globus, int64_t now);
void globus_stray_heard(struct globus *globus, struct stray *stray, const json_t *task);
void globus_search_free(struct globus *globus);

#endif
