// SPDX-License-Identifier: Apache-2.0
// What has passed here before: the newest version of each name, and the latest time (T40, T43).
// specs/policy.md, "Older versions".
#ifndef SL_TRUST_SEEN_H
#define SL_TRUST_SEEN_H

#include "bundles/base/base.h"

#include <stdint.h>

#define SEEN_NUMBER 1

struct seen_version {
	char *name;
	char *version; // normal form
	int64_t time;  // when it passed
};

struct seen {
	SL_LIST(struct seen_version) versions; // sorted by name
	int64_t latest;			       // 0 = never
};

void seen_release(struct seen *seen);
#define auto_seen __attribute__((cleanup(seen_release)))
bool seen_parse(const char *text, size_t len, const char *shown, struct seen *out,
		struct sl_error *err) SL_MUST_USE;
bool seen_format(const struct seen *seen, struct sl_buf *out, struct sl_error *err) SL_MUST_USE;

const struct seen_version *seen_find(const struct seen *seen, const char *name); // or NULL

// The person's own: seen.json in the state folder. One that does not exist is empty.
bool seen_load(struct seen *out, struct sl_error *err) SL_MUST_USE;
// Reads it again, adds, and writes it whole; processes that do so at the same time take turns.
// A version that is older than the one there changes nothing but the time, unless the one there is
// above `highest` (NULL = none): that one does not count any more (T42).
bool seen_note(const char *name, const char *version, const char *highest, int64_t now,
	       struct sl_error *err) SL_MUST_USE;

#endif
