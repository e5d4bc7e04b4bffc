// SPDX-License-Identifier: Apache-2.0
// From a bundle's file and some options to a row of the ledger.
#ifndef SL_UPLOADER_COMMANDS_QUEUE_H
#define SL_UPLOADER_COMMANDS_QUEUE_H

#include "bundles/base/options.h"
#include "bundles/trust/judging.h"
#include "uploader/commands/reach.h"
#include "uploader/ledger/ledger.h"

// What `add` and `push` have in common. Borrowed texts; NULL = not given.
struct queue_options {
	const char *builder, *runner;
	const char *builder_config, *runner_config, *policy, *out, *state_dir;
	const char *build_on, *build_on_config;
	struct sl_words signatures; // folders
	bool ship_sif;
	bool force_tasks, container_service, again, json;
	struct postman_options reach;
};

extern const struct sl_option queue_option_table[]; // of `add`, which speaks to nobody
extern const struct sl_option queue_push_table[];

// Opens the ledger of --state-dir, or the person's own.
bool queue_open_ledger(const char *state_dir, struct ledger **out,
		       struct sl_error *err) SL_MUST_USE;

// Refuses builders that this release cannot reach, and files that are not what they should be,
// before anything is queued.
bool queue_check(const struct queue_options *options, struct sl_error *err) SL_MUST_USE;

// Opens the bundle as far as its id reaches (nothing in it is believed) and queues it.
bool queue_bundle(struct ledger *ledger, const struct queue_options *options, const char *path,
		  int64_t *number_out, enum ledger_added *added_out,
		  struct sl_error *err) SL_MUST_USE;
// The same for who wants it now: what has ended is queued again.
bool queue_bundle_again(struct ledger *ledger, const struct queue_options *options,
			const char *path, int64_t *number_out, struct sl_error *err) SL_MUST_USE;

// By what a submission is judged here: its policy or the person's own, its folders of detached
// signatures (a JSON array, or NULL), and what `sealift verify` has seen. Release with
// judging_release().
bool queue_judging(const char *policy, const char *signatures, struct judging *out,
		   struct sl_error *err) SL_MUST_USE;

#endif
