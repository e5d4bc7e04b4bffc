// SPDX-License-Identifier: Apache-2.0
// The promise that a process uses no network, kept by the kernel.
#ifndef SL_BASE_SANDBOX_H
#define SL_BASE_SANDBOX_H

#include "bundles/base/error.h"

// Installs a seccomp filter for this process and all its later threads and children: socket,
// socketpair, io_uring_setup and the system calls of foreign ABIs fail with EPERM. Call before any
// input is read and before any thread starts. SL_E_INTERNAL where the kernel refuses the filter.
bool sl_sandbox_no_network(struct sl_error *err) SL_MUST_USE;

#endif
