// SPDX-License-Identifier: Apache-2.0
// A folder that appears whole or not at all: made under a random name beside its target (0700,
// whatever the umask), filled, synced, renamed. What is not committed is removed, also when a
// signal would end the process (T06, T46, T47).
#ifndef COMMANDS_FRESH_FOLDER_H
#define COMMANDS_FRESH_FOLDER_H

#include "bundles/base/base.h"

struct fresh_folder {
	int parent, fd; // -1 when closed; `fd` is the folder while it is filled
	char *shown, *leaf, *temp;
	bool held; // signals, until the folder is removed or has its name
};

#define auto_fresh_folder __attribute__((cleanup(fresh_folder_discard)))

// The target must not exist (SL_E_IO). The struct need not be initialised.
bool fresh_folder_open(struct fresh_folder *folder, const char *path,
		       struct sl_error *err) SL_MUST_USE;

// Opens (and makes, 0755) the folder of the plain relative path `name` for openat(); the caller
// closes it. `*leaf_out` points at the last part of `name`.
bool fresh_folder_place(const struct fresh_folder *folder, const char *name, int *dirfd_out,
			const char **leaf_out, struct sl_error *err) SL_MUST_USE;

// Sync, rename, sync. SL_E_IO if the target has appeared meanwhile.
bool fresh_folder_commit(struct fresh_folder *folder, struct sl_error *err) SL_MUST_USE;

// Removes what was made. Does nothing after commit, or on a zeroed struct.
void fresh_folder_discard(struct fresh_folder *folder);

#endif
