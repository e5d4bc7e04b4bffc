// SPDX-License-Identifier: Apache-2.0
// One line of progress on stderr, only when stderr is a terminal, at most ten times a second.
#ifndef SL_BASE_PROGRESS_H
#define SL_BASE_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct sl_progress {
	const char *label; // borrowed
	uint64_t total;	   // bytes; 0 = not known
	_Atomic uint64_t done;
	_Atomic int64_t shown_ns;
	bool active;
};

// `total` in bytes. Safe to call from several threads after begin.
void sl_progress_begin(struct sl_progress *progress, const char *label, uint64_t total);
void sl_progress_add(struct sl_progress *progress, uint64_t bytes);
void sl_progress_end(struct sl_progress *progress); // erases the line

#endif
