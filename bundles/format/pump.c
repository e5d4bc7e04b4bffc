// SPDX-License-Identifier: Apache-2.0
// Copying a piece out of the page cache costs a fifth of hashing it. For a long range that fifth
// goes to a second thread: one blob is then hashed at the full rate of one core.
//
// Facts about reading ahead:
//  1. The ring has SLOTS pieces; piece i lies in slot i % SLOTS.
//  2. `empty` counts slots that the reader may fill, `full` those that may be hashed.
//  3. A slot belongs to one side at a time; the semaphores pass it on, and `good` with it.
//  4. The reader ends after its last piece, after a piece that is not good, or at `stop`, which
//     the other side sets before it gives back a slot for the last time.
//  5. The reader's error is looked at only after it has been joined.
#include "bundles/format/pump.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#define PIECE ((size_t)(512 * SL_KIB))
#define SLOTS 4
#define LONG  (16 * SL_MIB)

unsigned pump_threads(unsigned wanted)
{
	unsigned threads = wanted ? wanted : sl_processors();
	return threads < PUMP_THREADS ? threads : PUMP_THREADS;
}

static size_t piece_len(const struct pump *pump, uint64_t done)
{
	uint64_t left = pump->size - done;
	return left < PIECE ? (size_t)left : PIECE;
}

static bool use(const struct pump *pump, struct sl_sha256 *sha, const void *data, size_t len,
		struct sl_error *err)
{
	sl_sha256_add(sha, data, len);
	if (pump->take && !pump->take(pump->context, data, len, err))
		return false;
	if (pump->progress)
		sl_progress_add(pump->progress, len);
	return sl_interrupt_check(err);
}

static bool run_plain(const struct pump *pump, struct sl_sha256 *sha, struct sl_error *err)
{
	sl_auto_free char *piece = sl_alloc(pump->size < PIECE ? (size_t)pump->size + 1 : PIECE);
	for (uint64_t done = 0; done < pump->size;) {
		size_t len = piece_len(pump, done);
		if (!sl_pread_all(pump->fd, piece, len, pump->offset + done, pump->shown, err) ||
		    !use(pump, sha, piece, len, err))
			return false;
		done += len;
	}
	return true;
}

struct ahead {
	const struct pump *pump;
	char *ring;
	bool good[SLOTS];
	sem_t empty, full;
	atomic_bool stop;
	struct sl_error err; // the reader's
};

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) != 0 && errno == EINTR)
		continue;
}

static void *read_ahead(void *argument)
{
	struct ahead *ahead = argument;
	const struct pump *pump = ahead->pump;
	bool good = true;
	uint64_t done = 0;
	for (size_t slot = 0; good && done < pump->size; slot = (slot + 1) % SLOTS) {
		wait_for(&ahead->empty);
		if (atomic_load(&ahead->stop))
			break;
		size_t len = piece_len(pump, done);
		good = sl_pread_all(pump->fd, ahead->ring + slot * PIECE, len, pump->offset + done,
				    pump->shown, &ahead->err);
		ahead->good[slot] = good;
		done += len;
		sem_post(&ahead->full);
	}
	return NULL;
}

// False without an error when the reader has failed.
static bool hash_behind(struct ahead *ahead, struct sl_sha256 *sha, struct sl_error *err)
{
	const struct pump *pump = ahead->pump;
	bool good = true;
	uint64_t done = 0;
	for (size_t slot = 0; good && done < pump->size; slot = (slot + 1) % SLOTS) {
		size_t len = piece_len(pump, done);
		wait_for(&ahead->full);
		good = ahead->good[slot] && use(pump, sha, ahead->ring + slot * PIECE, len, err);
		done += len;
		if (!good)
			atomic_store(&ahead->stop, true);
		sem_post(&ahead->empty);
	}
	return good;
}

static bool run_ahead(const struct pump *pump, struct sl_sha256 *sha, struct sl_error *err)
{
	struct ahead ahead = {.pump = pump};
	pthread_t reader;
	sem_init(&ahead.empty, 0, SLOTS);
	sem_init(&ahead.full, 0, 0);
	ahead.ring = sl_alloc(SLOTS * PIECE);
	bool started = pthread_create(&reader, NULL, read_ahead, &ahead) == 0;
	bool ok = started ? hash_behind(&ahead, sha, err) : run_plain(pump, sha, err);
	if (started)
		pthread_join(reader, NULL);
	if (ahead.err.kind != SL_E_NONE)
		ok = sl_fail(err, ahead.err.kind, "%s", ahead.err.text);
	free(ahead.ring);
	sem_destroy(&ahead.empty);
	sem_destroy(&ahead.full);
	return ok;
}

bool pump_run(const struct pump *pump, struct sl_digest *digest_out, struct sl_error *err)
{
	struct sl_sha256 sha;
	sl_sha256_init(&sha);
	if (!(pump->size < LONG ? run_plain : run_ahead)(pump, &sha, err))
		return false;
	*digest_out = sl_sha256_final(&sha);
	return true;
}
