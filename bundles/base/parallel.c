// SPDX-License-Identifier: Apache-2.0
#include "bundles/base/parallel.h"

#include "bundles/base/interrupt.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

// Facts: workers take the next index from one counter, so indexes start in order; when index i
// fails, every lower index has been started and runs to its end; hence the lowest failing index of
// all those started is the lowest failing index there is.
struct pool {
	size_t count;
	sl_job *job;
	void *context;
	atomic_size_t next;
	atomic_bool stop;
	pthread_mutex_t mutex;
	size_t failed_index; // guarded by mutex, as is `first`
	struct sl_error first;
};

static void note_failure(struct pool *pool, size_t index, const struct sl_error *err)
{
	atomic_store(&pool->stop, true);
	pthread_mutex_lock(&pool->mutex);
	if (pool->first.kind == SL_E_NONE || index < pool->failed_index) {
		pool->first = *err;
		pool->failed_index = index;
	}
	pthread_mutex_unlock(&pool->mutex);
}

static void *work(void *argument)
{
	struct pool *pool = argument;
	while (!atomic_load(&pool->stop)) {
		size_t index = atomic_fetch_add(&pool->next, 1);
		if (index >= pool->count)
			break;
		struct sl_error err = {0};
		if (!sl_interrupt_check(&err) || !pool->job(pool->context, index, &err))
			note_failure(pool, index, &err);
	}
	return NULL;
}

// Those that this process may use: no file is read for it, and one that was given two of many
// starts two threads.
unsigned sl_processors(void)
{
	cpu_set_t own;
	if (sched_getaffinity(0, sizeof own, &own) == 0)
		return (unsigned)CPU_COUNT(&own);
	long online = sysconf(_SC_NPROCESSORS_ONLN); // more than such a set has room for
	return online < 1 ? 1 : (unsigned)online;
}

#define MAX_THREADS 64

static unsigned start_helpers(struct pool *pool, unsigned wanted, pthread_t *helpers)
{
	unsigned started = 0;
	while (started < wanted && pthread_create(&helpers[started], NULL, work, pool) == 0)
		started++;
	return started; // fewer are slower, not wrong
}

bool sl_parallel(size_t count, unsigned threads, sl_job *job, void *context, struct sl_error *err)
{
	struct pool pool = {
		.count = count,
		.job = job,
		.context = context,
		.mutex = PTHREAD_MUTEX_INITIALIZER,
	};
	if (threads == 0)
		threads = sl_processors();
	if (threads > MAX_THREADS)
		threads = MAX_THREADS;
	if (threads > count)
		threads = count ? (unsigned)count : 1;
	pthread_t helpers[MAX_THREADS];
	unsigned started = start_helpers(&pool, threads - 1, helpers);
	work(&pool);
	for (unsigned i = 0; i < started; i++)
		pthread_join(helpers[i], NULL);
	pthread_mutex_destroy(&pool.mutex);
	if (pool.first.kind == SL_E_NONE)
		return true;
	return sl_fail(err, pool.first.kind, "%s", pool.first.text);
}
