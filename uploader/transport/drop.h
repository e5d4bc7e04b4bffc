// SPDX-License-Identifier: Apache-2.0
// Objects that travel through a folder which both sides see (specs/agent.md, "take").
//
// 1. An object lies at <folder>/objects/sha256/<2 hex>/<64 hex>: whole, by one rename, or not at
//    all. The agent hashes it again, so nobody has to trust the folder.
// 2. The ledger knows of an object before it has its name; what no row of this ledger names is
//    somebody else's and is left alone.
// 3. It goes once the agent has it and no other errand waits for it; what the process of an errand
//    left that ended goes at the end of the next run that has no use for it. What an errand needs
//    that nobody could be reached for stays.
#ifndef SL_UPLOADER_TRANSPORT_DROP_H
#define SL_UPLOADER_TRANSPORT_DROP_H

#include "uploader/transport/post.h"

// ---- files (drop_file.c) -------------------------------------------------------------------

// Called before the object gets a name in the folder.
typedef bool drop_written(void *context, const struct sl_digest *sha256, struct sl_error *err);

// Sees to it that the object is in the folder, readable for everybody who may enter that. The
// folder must be there. SL_E_IO; SL_E_FORMAT when the source has other bytes.
bool drop_store(const char *folder, const struct transport_object *object, drop_written *written,
		void *context, struct sl_error *err) SL_MUST_USE;
// Removes it, and what is left of attempts to write it. Nothing there is good. SL_E_IO.
bool drop_remove(const char *folder, const struct sl_digest *sha256,
		 struct sl_error *err) SL_MUST_USE;

// ---- errands (drop.c) ----------------------------------------------------------------------

struct drops;

struct drops *drops_new(struct ledger *ledger);
// After the posts are closed. Removes what is not needed any more.
void drops_free(struct drops *drops);
// For an errand with objects to a post whose configuration names a folder.
bool drops_start(struct drops *drops, struct post *post, const struct errand *errand,
		 struct sl_error *err) SL_MUST_USE;
bool drops_step(struct drops *drops, bool *busy_out, struct sl_error *err) SL_MUST_USE;
size_t drops_pending(const struct drops *drops); // those that no driver has

// {"op": "take", "folder": …, "objects": […]}; owned.
json_t *drop_request(const char *folder, const struct transport_object *const *objects, size_t len,
		     bool keep);

#endif
