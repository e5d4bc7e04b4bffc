// SPDX-License-Identifier: Apache-2.0
// Failure: one caller-owned record, one line to fail, one line to add context on the way up.
//
// Every function that can fail returns bool, is must-use, and takes `struct sl_error *err` last
// (never NULL). The first failure wins: a later sl_fail() on the same record changes nothing.
// Kinds decide the exit code (specs/exit-codes.md); texts are for people: lower case, no full stop,
// what failed first, the subject in quotes, then the cause and what would help.
#ifndef SL_BASE_ERROR_H
#define SL_BASE_ERROR_H

#include "bundles/base/alloc.h"

#include <stdbool.h>

enum sl_kind {
	SL_E_NONE = 0,
	SL_E_ANSWER,	// the answer is "no": differences, or nobody trusted has signed
	SL_E_USAGE,	// the command line
	SL_E_INPUT,	// what a person wrote is wrong: spec, requirements, policy
	SL_E_FORMAT,	// what a machine wrote is broken: structure or digest
	SL_E_UNTRUSTED, // bad signature, or the policy refuses
	SL_E_IO,	// files and disks
	SL_E_NETWORK,
	SL_E_LIMIT, // larger than a limit of specs/limits.md
	SL_E_INTERNAL,
};

struct sl_error {
	enum sl_kind kind;
	char text[2048];
};

// Records the failure unless one is already there. Always returns false.
bool sl_fail(struct sl_error *err, enum sl_kind kind, const char *fmt, ...) SL_PRINTF(3, 4);

// The same with kind SL_E_IO and ": <text of errno>" appended.
bool sl_fail_errno(struct sl_error *err, const char *fmt, ...) SL_PRINTF(2, 3);

// Puts "<context>: " in front of the recorded text. Always returns false.
bool sl_prefix(struct sl_error *err, const char *fmt, ...) SL_PRINTF(2, 3);

#ifdef SEALIFT_ANALYZE
// gcc's analyzer reads one file at a time and would follow paths on which these return true.
static inline bool sl_always_false(bool returned)
{
	(void)returned;
	return false;
}
#define sl_fail(...)	   sl_always_false((sl_fail)(__VA_ARGS__))
#define sl_fail_errno(...) sl_always_false((sl_fail_errno)(__VA_ARGS__))
#define sl_prefix(...)	   sl_always_false((sl_prefix)(__VA_ARGS__))
#endif

void sl_error_clear(struct sl_error *err);

// The process exit code of a kind, 0 for SL_E_NONE (specs/exit-codes.md).
int sl_exit_code(enum sl_kind kind);

// The word for a kind in --json output: "usage", "input", "format", …
const char *sl_kind_name(enum sl_kind kind);

#endif
