// SPDX-License-Identifier: Apache-2.0
// What went wrong, as one sentence, one kind and a remedy.
#ifndef SL_UPLOADER_COMPUTE_FAILURE_H
#define SL_UPLOADER_COMPUTE_FAILURE_H

#include "uploader/compute/compute.h"

// An answer with a status that is no success, in any shape that the service or Globus Auth has for
// it; or in none. `failure` is zeroed.
void failure_of_answer(struct compute_failure *failure, long status, const char *body, size_t len);

// A demand for another login means something else to client credentials: nobody can log in as them
// with a browser. Sentence and remedy say so then.
void failure_of_demand(struct compute_failure *failure, long status, const char *body, size_t len,
		       enum auth_kind kind);

// Whether it asks for another login than the one we have, so that another token cannot help.
bool failure_is_demand(const char *body, size_t len);

// The kind for a status that is no success.
enum sl_kind failure_kind(long status);

#endif
