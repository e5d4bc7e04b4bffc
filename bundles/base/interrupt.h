// SPDX-License-Identifier: Apache-2.0
// Ctrl-C while something half-made has a name on disk.
//
// From hold to release, SIGINT, SIGTERM and SIGHUP are only remembered. Long work asks
// sl_interrupt_check() between its pieces and leaves by its error path, which removes what was
// made; the last release then ends the process by the signal that came, as if nobody had waited. A
// second signal ends it at once. What holds nothing is ended at once, too.
#ifndef SL_BASE_INTERRUPT_H
#define SL_BASE_INTERRUPT_H

#include "bundles/base/error.h"

// Called before the temporary is made; may be nested, from any thread. A signal that is ignored
// (nohup) or that the program handles itself is left alone.
void sl_interrupt_hold(void);

// Called when the temporary is gone or has become the target. Does not return if a signal came.
void sl_interrupt_release(void);

// False (SL_E_IO) once a signal has come.
bool sl_interrupt_check(struct sl_error *err) SL_MUST_USE;

#endif
