// SPDX-License-Identifier: Apache-2.0
// The list of calls, and how they get a token, are sent, and are called back.
#ifndef SL_UPLOADER_COMPUTE_MACHINE_H
#define SL_UPLOADER_COMPUTE_MACHINE_H

#include "uploader/compute/call.h"

void machine_add(struct compute *compute, struct call *call);

// The oldest call that was not called back yet, or NULL.
struct call *machine_first(const struct compute *compute);

#endif
