// SPDX-License-Identifier: Apache-2.0
#include "bundles/base/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>

// io_uring can open sockets without the socket system call; socketcall is the 32-bit multiplexer.
// Other architectures' system calls (a 32-bit call from a 64-bit process) fall to the filter's
// bad-architecture action.
static const char *const denied[] = {
	"socket",	  "socketpair",	    "socketcall",
	"io_uring_setup", "io_uring_enter", "io_uring_register",
};

static int deny_all(scmp_filter_ctx filter)
{
	int failed = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));
	for (size_t i = 0; !failed && i < sizeof denied / sizeof *denied; i++) {
		int call = seccomp_syscall_resolve_name(denied[i]);
		if (call != __NR_SCMP_ERROR)
			failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0);
	}
	return failed;
}

bool sl_sandbox_no_network(struct sl_error *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	if (!filter)
		return sl_fail(err, SL_E_INTERNAL, "cannot make the system call filter");
	int failed = deny_all(filter);
	if (!failed)
		failed = seccomp_load(filter);
	seccomp_release(filter);
	if (failed)
		return sl_fail(err, SL_E_INTERNAL,
			       "the kernel refuses the system call filter that keeps this program "
			       "off the network: %s",
			       strerror(-failed));
	return true;
}
