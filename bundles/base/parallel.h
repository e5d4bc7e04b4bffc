// SPDX-License-Identifier: Apache-2.0
// The same job on many items by a few threads, with the same outcome as one after another.
#ifndef SL_BASE_PARALLEL_H
#define SL_BASE_PARALLEL_H

#include "bundles/base/error.h"

typedef bool sl_job(void *context, size_t index, struct sl_error *err);

// Runs job(context, 0 … count-1). threads == 0 means one per online processor. When jobs fail, the
// error reported is that of the lowest failing index, so it does not depend on timing; jobs with a
// higher index may not have run.
bool sl_parallel(size_t count, unsigned threads, sl_job *job, void *context,
		 struct sl_error *err) SL_MUST_USE;

unsigned sl_processors(void);

// What a person may ask for by --threads; sl_parallel() itself stops at what helps.
#define SL_THREADS_MAX 256

#endif
