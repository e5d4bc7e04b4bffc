// SPDX-License-Identifier: Apache-2.0
// The ledger: what was asked for, how far it is, and everything that was tried on another machine.
// specs/ledger.md is the law for its tables and for the order of states.
//
// One SQLite file in the state folder. Every function that writes is one transaction, on disk when
// it returns; a process that is killed between two of them leaves a ledger that the next run
// understands. Two processes may have the same ledger open: a submission is only ever moved by the
// process that holds its claim.
#ifndef SL_UPLOADER_LEDGER_H
#define SL_UPLOADER_LEDGER_H

#include "bundles/base/base.h"

struct ledger;

// Opens <folder>/ledger.sqlite and makes folder (0700) and file (0600) where they do not exist.
// SL_E_IO on a network file system (names --state-dir), where others can write to either, and on
// disk errors; SL_E_FORMAT when the file is empty, is not a ledger, is damaged, or was made by a
// newer program.
bool ledger_open(const char *folder, struct ledger **ledger_out, struct sl_error *err) SL_MUST_USE;
void ledger_close(struct ledger *ledger); // gives back every claim; NULL is fine
#define auto_ledger __attribute__((cleanup(ledger_cleanup)))
static inline void ledger_cleanup(struct ledger **ledger)
{
	ledger_close(*ledger);
}

// ---- submissions: one per bundle x builder x runner ----------------------------------------

enum ledger_state {
	LEDGER_QUEUED,
	LEDGER_DELIVERING,  // objects travel
	LEDGER_BUILDING,    // the builder was asked to build
	LEDGER_SHIPPING,    // built elsewhere: the image travels to the builder
	LEDGER_BUILT,	    // the receipt is here
	LEDGER_REGISTERING, // the container is being made known
	LEDGER_DONE,
	LEDGER_FAILED,	// `retry` may help
	LEDGER_REFUSED, // the bundle did not verify; only another bundle or policy helps
};

const char *ledger_state_name(enum ledger_state state);
bool ledger_state_is_final(enum ledger_state state); // done, failed, refused

struct submission {
	int64_t number; // 1, 2, 3 …: how people name it
	struct sl_digest bundle;
	char *builder, *runner;		     // "local"
	char *path;			     // of the bundle, absolute
	char *policy, *builder_config, *out; // absolute; NULL = the default
	char *runner_config;		     // the same
	char *build_on, *build_on_config;    // built there and shipped; NULL: the builder builds
	char *signatures; // JSON: absolute folders with detached signatures; NULL = none
	bool force_tasks; // large objects may travel as tasks, too
	// Whether the container service is to be told, too: 0 no, 1 yes, 2 even if an earlier
	// answer was lost.
	unsigned container_service;
	char *name, *version; // NULL until the bundle has been verified
	enum ledger_state state;
	enum sl_kind kind;     // why it failed or was refused, else SL_E_NONE
	char *reason, *remedy; // the same for people; NULL when there is nothing to say
	char *receipt;	       // canonical JSON, NULL before "built"
	char *built;	       // the same of the build elsewhere, NULL before "shipping"
	char *runner_sees;     // what the runner says of the image; NULL = not asked yet
	char *runner_findings; // JSON: how its endpoint compares with the image; NULL = as above
	char *container;       // its id, where the container service gave one
	char *registration;    // folder, NULL before "done"
	int64_t added, changed;
	int64_t worker;	 // pid of the living process that works on it; 0 = nobody
	int64_t renewed; // when it last showed that it does
};

struct submissions {
	struct submission *items;
	size_t len, cap;
};

void submission_release(struct submission *submission);
#define auto_submission __attribute__((cleanup(submission_release)))
void submissions_release(struct submissions *list);
#define auto_submissions __attribute__((cleanup(submissions_release)))
// As "status --json" and "export" show it. Owned.
json_t *submission_to_json(const struct submission *submission);

enum ledger_added {
	LEDGER_ADDED,
	LEDGER_WAS_THERE, // unfinished or failed: its paths are now the new ones
	LEDGER_WAS_DONE,
};

// Queues `wanted` (bundle, builder, runner, the paths, force_tasks, container_service, build_on,
// name, version are used). The same bundle for the same builder and runner is never two
// submissions.
bool ledger_add(struct ledger *ledger, const struct submission *wanted, int64_t *number_out,
		enum ledger_added *added_out, struct sl_error *err) SL_MUST_USE;

// The same for who wants it now, whatever became of it before: what is done, failed or refused is
// queued again, with the new paths (what is done keeps its builder_config if no other is given).
// What is built is not built again, but judged again.
bool ledger_add_again(struct ledger *ledger, const struct submission *wanted, int64_t *number_out,
		      struct sl_error *err) SL_MUST_USE;

// All of them by number. The list is owned by the caller, also after a failure.
bool ledger_list(struct ledger *ledger, struct submissions *out, struct sl_error *err) SL_MUST_USE;
// The same without their receipts (receipt, built), of which many may take much memory; all, or
// those that have not come to their end.
bool ledger_list_brief(struct ledger *ledger, bool unfinished, struct submissions *out,
		       struct sl_error *err) SL_MUST_USE;
// SL_E_USAGE when there is no such number.
bool ledger_find(struct ledger *ledger, int64_t number, struct submission *out,
		 struct sl_error *err) SL_MUST_USE;

// ---- claims --------------------------------------------------------------------------------

enum ledger_claim {
	CLAIM_MINE,
	CLAIM_HELD, // a living process has it
	CLAIM_GONE, // finished or forgotten meanwhile
};

// Takes an unfinished submission for this process. A claim of a process that is no longer alive
// (or, from another host or container, was not renewed for ten minutes) is taken over, and what
// that process had tried without hearing the answer is marked "lost".
bool ledger_claim(struct ledger *ledger, int64_t number, enum ledger_claim *claim_out,
		  struct sl_error *err) SL_MUST_USE;
// To be called at least every few minutes of work. SL_E_INTERNAL if another process has taken over.
bool ledger_renew(struct ledger *ledger, int64_t number, struct sl_error *err) SL_MUST_USE;
bool ledger_release(struct ledger *ledger, int64_t number, struct sl_error *err) SL_MUST_USE;

// ---- moving on; all need the claim ---------------------------------------------------------

// Records what a verified bundle calls itself.
bool ledger_identify(struct ledger *ledger, int64_t number, const char *name, const char *version,
		     struct sl_error *err) SL_MUST_USE;
// SL_E_INTERNAL for a step that specs/ledger.md does not have.
bool ledger_move(struct ledger *ledger, int64_t number, enum ledger_state state,
		 struct sl_error *err) SL_MUST_USE;
// building, shipping -> built, together with the receipt that proves it.
bool ledger_built(struct ledger *ledger, int64_t number, const char *receipt,
		  struct sl_error *err) SL_MUST_USE;
// building -> shipping, together with the receipt of the build elsewhere.
bool ledger_shipping(struct ledger *ledger, int64_t number, const char *receipt,
		     struct sl_error *err) SL_MUST_USE;
// What the runner said of the image, how its endpoint compares, and the container's id: written
// while registering.
enum ledger_fact { LEDGER_RUNNER_SEES, LEDGER_RUNNER_FINDINGS, LEDGER_CONTAINER };
bool ledger_keep(struct ledger *ledger, int64_t number, enum ledger_fact fact, const char *text,
		 struct sl_error *err) SL_MUST_USE;
// Whether the container service may be asked once more although an earlier answer was lost: said by
// a person, and spent by the request. Only where container_service is set.
bool ledger_allow_again(struct ledger *ledger, int64_t number, bool allowed,
			struct sl_error *err) SL_MUST_USE;
// registering -> done, together with the good end of the effect that registered: a process that
// dies between the two would register twice.
bool ledger_done(struct ledger *ledger, int64_t number, const char *registration, int64_t effect,
		 const char *answer, struct sl_error *err) SL_MUST_USE;
// Leaves the state as it is and says why nothing moves for now; the next step wipes it away.
bool ledger_note(struct ledger *ledger, int64_t number, const struct sl_error *why,
		 const char *remedy, struct sl_error *err) SL_MUST_USE;
// Ends it as failed or refused, for the reason in `why`. `remedy` may be NULL.
bool ledger_end(struct ledger *ledger, int64_t number, enum ledger_state state,
		const struct sl_error *why, const char *remedy, struct sl_error *err) SL_MUST_USE;

// ---- for people ----------------------------------------------------------------------------

// failed or refused -> queued (needs no claim). SL_E_USAGE says so when it is neither.
bool ledger_retry(struct ledger *ledger, int64_t number, struct sl_error *err) SL_MUST_USE;
// Ends an unfinished submission as failed, "cancelled". Where a living process works on it,
// `*later_out` is true, and that process ends it when it looks (ledger_is_cancelled). SL_E_USAGE
// when it has come to its end already.
bool ledger_cancel(struct ledger *ledger, int64_t number, bool *later_out,
		   struct sl_error *err) SL_MUST_USE;
#define LEDGER_CANCELLED "cancelled" // the reason of what has ended so
bool submission_is_cancelled(const struct submission *row);
bool ledger_is_cancelled(struct ledger *ledger, int64_t number, bool *out,
			 struct sl_error *err) SL_MUST_USE;
// Removes a submission and its effects. SL_E_USAGE while a living process works on it.
bool ledger_forget(struct ledger *ledger, int64_t number, struct sl_error *err) SL_MUST_USE;

// ---- effects: what was tried on another machine --------------------------------------------

// Written down before it is tried. `request` is JSON text. Needs the claim.
bool ledger_effect_begin(struct ledger *ledger, int64_t number, const char *kind,
			 const char *request, int64_t *effect_out,
			 struct sl_error *err) SL_MUST_USE;
// The answer (JSON text), written down before it is used. `good` false: it was a refusal or error.
bool ledger_effect_end(struct ledger *ledger, int64_t effect, bool good, const char *answer,
		       struct sl_error *err) SL_MUST_USE;

// The effects of all submissions of this one's bundle, oldest first, each as ledger_export() has it
// (an array, owned by the caller).
bool ledger_effects_of_bundle(struct ledger *ledger, int64_t number, json_t **out,
			      struct sl_error *err) SL_MUST_USE;

// ---- tasks: what was handed to a compute service -------------------------------------------
//
// A submit is some payloads that go out in one request; each becomes a task. It is written down
// before it is sent, with a random name (`ref`) for each payload, which the answer to it repeats:
// so the tasks can be told apart even when the service's answer to the submit is lost. A task's
// answer is written down before it is used, because whoever fetches it takes it away.

struct ledger_task {
	char ref[33]; // 32 hex digits
	char *id;     // the service's; NULL while it is not known
	bool waiting; // its answer has not been fetched
};

struct ledger_submit {
	int64_t number; // 0 before ledger_submit_begin()
	char *service, *endpoint, *function;
	char *task_group; // NULL: a new one, which is not known yet
	int64_t tried;
	SL_LIST(struct ledger_task) tasks;
};

struct ledger_submits {
	struct ledger_submit *items;
	size_t len, cap;
};

void ledger_submit_release(struct ledger_submit *submit);
#define auto_ledger_submit __attribute__((cleanup(ledger_submit_release)))
void ledger_submits_release(struct ledger_submits *list);
#define auto_ledger_submits __attribute__((cleanup(ledger_submits_release)))

// Before it is sent: service, endpoint, function, task_group and each ref are used; sets number.
bool ledger_submit_begin(struct ledger *ledger, struct ledger_submit *submit,
			 struct sl_error *err) SL_MUST_USE;
// The service's answer, with one id for each payload.
bool ledger_submit_accepted(struct ledger *ledger, int64_t submit, const char *group,
			    const char *const *ids, size_t count, struct sl_error *err) SL_MUST_USE;
// The service did not take it: nothing of it will run.
bool ledger_submit_refused(struct ledger *ledger, int64_t submit, struct sl_error *err) SL_MUST_USE;
// No more is awaited of it, whatever its tasks do.
bool ledger_submit_over(struct ledger *ledger, int64_t submit, struct sl_error *err) SL_MUST_USE;

struct ledger_answer {
	int64_t submit;
	size_t position;
	const char *id, *text;
};
// Answers that were just fetched, in one transaction.
bool ledger_tasks_answered(struct ledger *ledger, const struct ledger_answer *answers, size_t count,
			   struct sl_error *err) SL_MUST_USE;
// Everybody has heard what these said: the texts are dropped (`id` and `text` are not used).
bool ledger_tasks_told(struct ledger *ledger, const struct ledger_answer *answers, size_t count,
		       struct sl_error *err) SL_MUST_USE;

// Takes over what processes that are no longer alive have left unfinished with an endpoint.
bool ledger_submits_left(struct ledger *ledger, const char *service, const char *endpoint,
			 struct ledger_submits *out, struct sl_error *err) SL_MUST_USE;
// To be called at least every few minutes while submits of this process are unfinished.
bool ledger_submits_renew(struct ledger *ledger, struct sl_error *err) SL_MUST_USE;
// Lets whoever opens the endpoint next take it over.
bool ledger_submit_leave(struct ledger *ledger, int64_t submit, struct sl_error *err) SL_MUST_USE;
// The ids of all tasks that are known in a task group; added to `out`.
bool ledger_group_ids(struct ledger *ledger, const char *group, struct sl_strings *out,
		      struct sl_error *err) SL_MUST_USE;

// ---- objects that were left in a folder for an agent to take -------------------------------

// Written down before an object gets its name in `folder`, so that whoever comes later finds what
// a process that was killed has left there, and nothing that others have put there.
bool ledger_drop_begin(struct ledger *ledger, const char *folder, const struct sl_digest *sha256,
		       struct sl_error *err) SL_MUST_USE;
// Whether this process has written it down, or taken it over.
bool ledger_drop_is_ours(struct ledger *ledger, const char *folder, const struct sl_digest *sha256,
			 bool *out, struct sl_error *err) SL_MUST_USE;
// It is not there any more.
bool ledger_drop_end(struct ledger *ledger, const char *folder, const struct sl_digest *sha256,
		     struct sl_error *err) SL_MUST_USE;

struct ledger_drop {
	struct sl_digest sha256;
	char *folder;
};
struct ledger_drops {
	struct ledger_drop *items;
	size_t len, cap;
};
void ledger_drops_release(struct ledger_drops *list);
// Takes over what processes that have ended, and this one, have left. The list is owned by the
// caller, also after a failure.
bool ledger_drops_left(struct ledger *ledger, struct ledger_drops *out,
		       struct sl_error *err) SL_MUST_USE;

// ---- functions -----------------------------------------------------------------------------

// An agent as a service knows it: registered once for each form of its code.
struct ledger_function {
	const char *service;
	struct sl_digest agent; // of its source
	const char *wire;	// the form
	const char *release;	// of sealift that it belongs to
};
// `*id_out` is owned, NULL when it is not there.
bool ledger_function_find(struct ledger *ledger, const struct ledger_function *function,
			  char **id_out, struct sl_error *err) SL_MUST_USE;
bool ledger_function_add(struct ledger *ledger, const struct ledger_function *function,
			 const char *id, struct sl_error *err) SL_MUST_USE;
bool ledger_function_drop(struct ledger *ledger, const char *service, const char *id,
			  struct sl_error *err) SL_MUST_USE;
// Which release a function is of. Owned, NULL when this ledger does not know it.
bool ledger_function_release(struct ledger *ledger, const char *service, const char *id,
			     char **release_out, struct sl_error *err) SL_MUST_USE;

// ---- forms ---------------------------------------------------------------------------------

// An endpoint of some version, as a service knows it.
struct ledger_form {
	const char *service, *endpoint;
	const char *version; // "" = it is not known
};
// The form ("04", "st") that its workers read although its version promises the other one. Owned,
// NULL = nothing was found out. What was found out about another version is forgotten.
bool ledger_form_find(struct ledger *ledger, const struct ledger_form *form, char **wire_out,
		      struct sl_error *err) SL_MUST_USE;
// `wire` NULL: they read what the version promises.
bool ledger_form_keep(struct ledger *ledger, const struct ledger_form *form, const char *wire,
		      struct sl_error *err) SL_MUST_USE;

// Everything as one JSON value (specs/ledger.md, "Export"). Owned.
bool ledger_export(struct ledger *ledger, json_t **out, struct sl_error *err) SL_MUST_USE;

#endif
