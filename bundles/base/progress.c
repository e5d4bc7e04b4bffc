// SPDX-License-Identifier: Apache-2.0
#include "bundles/base/progress.h"

#include "bundles/base/text.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_NS 100000000

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void sl_progress_begin(struct sl_progress *progress, const char *label, uint64_t total)
{
	progress->label = label;
	progress->total = total;
	atomic_store(&progress->done, 0);
	atomic_store(&progress->shown_ns,
		     now_ns()); // nothing is shown in the first tenth of a second
	progress->active = isatty(STDERR_FILENO) == 1;
}

static void show(const struct sl_progress *progress, uint64_t done)
{
	char have[16], whole[16];
	sl_size_format(done, have);
	sl_size_format(progress->total, whole);
	if (progress->total)
		fprintf(stderr, "\r%s %s of %s (%d %%)\033[K", progress->label, have, whole,
			(int)((double)done * 100 / (double)progress->total));
	else
		fprintf(stderr, "\r%s %s\033[K", progress->label, have);
	fflush(stderr);
}

void sl_progress_add(struct sl_progress *progress, uint64_t bytes)
{
	uint64_t done = atomic_fetch_add(&progress->done, bytes) + bytes;
	if (!progress->active)
		return;
	int64_t now = now_ns(), last = atomic_load(&progress->shown_ns);
	if (now - last >= INTERVAL_NS &&
	    atomic_compare_exchange_strong(&progress->shown_ns, &last, now))
		show(progress, done);
}

void sl_progress_end(struct sl_progress *progress)
{
	if (progress->active) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
	}
	progress->active = false;
}
