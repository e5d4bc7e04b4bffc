// SPDX-License-Identifier: Apache-2.0
// Problems and notes gathered while pinning: all of them are reported, not the first alone.
#ifndef PINS_PROBLEMS_H
#define PINS_PROBLEMS_H

#include "compiler/pins/pins.h"

// Both keep at most SL_LIMIT_PROBLEMS; what is left out is counted by nobody.
void pins_problem(struct pins *pins, const char *fmt, ...) SL_PRINTF(2, 3);
void pins_note(struct pins *pins, const char *fmt, ...) SL_PRINTF(2, 3);

// Turns a failure of one item into a problem if it is about what someone wrote or brought (input,
// format, limit), and clears it. False if it is about this machine: then the run ends.
bool pins_absorb(struct pins *pins, struct sl_error *err) SL_MUST_USE;

#endif
