// SPDX-License-Identifier: Apache-2.0
// A range of a file, read once: every piece is hashed, then handed on. Sealing, checking and
// copying blobs are the same loop with another hand.
#ifndef SL_FORMAT_PUMP_H
#define SL_FORMAT_PUMP_H

#include "bundles/base/base.h"

// Threads that may pump at the same time: with the memory of each, below 64 MiB in all.
#define PUMP_THREADS 24

typedef bool pump_take(void *context, const void *data, size_t len, struct sl_error *err);

struct pump {
	int fd;
	uint64_t offset, size;
	const char *shown; // of fd, for messages
	pump_take *take;   // NULL: only hash
	void *context;
	struct sl_progress *progress; // may be NULL
};

// Reads all of the range in order. SL_E_IO, SL_E_FORMAT when the file ends early, or what `take`
// reports. A long range is read ahead by a thread of its own, so that the digest never waits.
bool pump_run(const struct pump *pump, struct sl_digest *digest_out,
	      struct sl_error *err) SL_MUST_USE;

// How many threads to give sl_parallel() for jobs that pump: `wanted`, 0 = one per processor.
unsigned pump_threads(unsigned wanted);

#endif
