// SPDX-License-Identifier: Apache-2.0
// What a process gives up for good before it reads foreign bytes. The kernel keeps it, for every
// thread. specs/sandbox.md says what and why.
//
// The order is sl_program_main()'s (options.h): the command line is parsed, the command's `before`
// runs (the one place where a helper may be started: what it forks is not confined), then the
// program's `confine` calls what stands here, then `run`. Until `confine`, nothing but the command
// line and the environment has been looked at, and no thread has been started.
#ifndef SL_BASE_SANDBOX_H
#define SL_BASE_SANDBOX_H

#include "bundles/base/error.h"

// The search for leaks of a sanitized build reads about this process, forks and traces, and its
// reports start a symbolizer: such a build keeps the rights for that.
#if defined(__SANITIZE_ADDRESS__)
#define SL_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SL_SANITIZED 1
#endif
#endif
#ifndef SL_SANITIZED
#define SL_SANITIZED 0
#endif

// What a command may open. Links in these paths are followed once, when it is confined. A path that
// is not there gives no right; opening it fails as it would anyway.
struct sl_reach {
	bool confined;		 // false: any path, and the lists are empty
	struct sl_strings read;	 // files, and folders with all below them
	struct sl_strings write; // folders: everything below may be made, read, changed, removed
	struct sl_strings make;	 // folders: others may be made below
	struct sl_strings device;
};

void sl_reach_release(struct sl_reach *reach);
#define sl_auto_reach __attribute__((cleanup(sl_reach_release)))

// Landlock: from here on no other path can be opened, made or removed. `*done_out` is false where
// `reach` asks for nothing, or the kernel cannot do it: the rest goes on without. It holds for the
// calling thread and those that it starts. SL_E_INTERNAL where a kernel that can refuses.
bool sl_sandbox_paths(const struct sl_reach *reach, bool *done_out,
		      struct sl_error *err) SL_MUST_USE;

// seccomp: no network, no other program or process, no further rights, no change of the machine;
// EPERM. Threads can be started. Last, since it cannot be undone and covers all threads.
// SL_E_INTERNAL where the kernel refuses.
bool sl_sandbox_calls(struct sl_error *err) SL_MUST_USE;

#endif
