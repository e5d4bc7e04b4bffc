// SPDX-License-Identifier: Apache-2.0
#include "bundles/base/interrupt.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

// Signals belong to the process, and so does this state. The handler touches `caught` alone;
// everything else is guarded by `mutex`.
static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
#define ENDING (sizeof ending / sizeof *ending)

static atomic_int caught; // the signal that came; 0 for none
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned holders;
static bool replaced[ENDING];
static struct sigaction before[ENDING];

static void remember(int number)
{
	if (atomic_exchange(&caught, number) == 0)
		return;
	signal(number, SIG_DFL); // a second one: it is delivered when this handler returns
	raise(number);
}

static void install(void)
{
	struct sigaction action = {.sa_handler = remember, .sa_flags = SA_RESTART};
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < ENDING; i++)
		sigaddset(&action.sa_mask, ending[i]);
	for (size_t i = 0; i < ENDING; i++)
		replaced[i] = sigaction(ending[i], NULL, &before[i]) == 0 &&
			      !(before[i].sa_flags & SA_SIGINFO) &&
			      before[i].sa_handler == SIG_DFL &&
			      sigaction(ending[i], &action, NULL) == 0;
}

// Whatever comes from here on ends the process by itself.
static void restore(void)
{
	for (size_t i = 0; i < ENDING; i++)
		if (replaced[i])
			sigaction(ending[i], &before[i], NULL);
	int number = atomic_load(&caught);
	if (number)
		raise(number);
}

void sl_interrupt_hold(void)
{
	pthread_mutex_lock(&mutex);
	if (holders++ == 0)
		install();
	pthread_mutex_unlock(&mutex);
}

void sl_interrupt_release(void)
{
	pthread_mutex_lock(&mutex);
	assert(holders > 0);
	if (--holders == 0)
		restore();
	pthread_mutex_unlock(&mutex);
}

bool sl_interrupt_check(struct sl_error *err)
{
	return atomic_load_explicit(&caught, memory_order_relaxed) == 0 ||
	       sl_fail(err, SL_E_IO, "interrupted by a signal");
}
