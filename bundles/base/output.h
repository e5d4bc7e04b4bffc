// SPDX-License-Identifier: Apache-2.0
// A file that appears whole or not at all.
//
// open makes a temporary file beside the target (0600, without a name where the file system can);
// write, write, write (the first error sticks); commit = flush, fsync, mode, rename, fsync of the
// folder. Anything else removes the temporary, also a signal that would end the process
// (interrupt.h). Nothing is ever written in place (T47, T72, T74).
#ifndef SL_BASE_OUTPUT_H
#define SL_BASE_OUTPUT_H

#include "bundles/base/error.h"

#include <stdint.h>
#include <sys/types.h>

enum sl_output_flags {
	SL_OUTPUT_NEW = 1 << 1,	    // an existing target is an error (SL_E_IO), never replaced
	SL_OUTPUT_REPLACE = 1 << 2, // an existing regular file is replaced by the commit
	SL_OUTPUT_NO_SYNC =
		1 << 3, // skip both fsyncs (extracting many files: sync once at the end)
};

struct sl_output {
	int dirfd, fd;		   // -1 when closed
	char *shown, *leaf, *temp; // temp is NULL while the temporary has no name
	mode_t mode;
	unsigned flags;
	bool held; // signals, for as long as the temporary has a name
	uint64_t written;
	struct sl_error first;
};

#define sl_auto_output __attribute__((cleanup(sl_output_discard)))

// `mode` is the exact final mode, whatever the umask. The struct need not be initialised.
bool sl_output_open(struct sl_output *out, const char *path, mode_t mode, unsigned flags,
		    struct sl_error *err) SL_MUST_USE;
// `leaf` is one plain name inside the folder `dirfd` (borrowed: duplicated). `shown` for messages.
bool sl_output_open_at(struct sl_output *out, int dirfd, const char *leaf, const char *shown,
		       mode_t mode, unsigned flags, struct sl_error *err) SL_MUST_USE;

// Appends. A failure is remembered and reported by commit; later writes do nothing.
void sl_output_write(struct sl_output *out, const void *data, size_t len);
void sl_output_fail(struct sl_output *out, const struct sl_error *why);

// Flush, check, sync, rename, sync the folder. On false the target is what it was before, or, when
// only the last step failed and there was one, the whole new one.
bool sl_output_commit(struct sl_output *out, struct sl_error *err) SL_MUST_USE;

// Removes the temporary. Does nothing after commit, or on a zeroed struct.
void sl_output_discard(struct sl_output *out);

// Writes a whole file in one call: open, write, commit.
bool sl_store_file(const char *path, const void *data, size_t len, mode_t mode, unsigned flags,
		   struct sl_error *err) SL_MUST_USE;

#endif
