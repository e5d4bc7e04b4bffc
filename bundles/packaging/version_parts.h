// SPDX-License-Identifier: Apache-2.0
// What a version is made of: for the files of this room only.
#ifndef SL_PACKAGING_VERSION_PARTS_H
#define SL_PACKAGING_VERSION_PARTS_H

#include "bundles/packaging/version.h"

// Any number of digits. `value` orders all numbers up to 19 digits; longer ones have UINT64_MAX
// there and are compared by their digits.
struct version_number {
	uint64_t value;
	const char *digits; // no leading zeros
	size_t len;
};

struct version_local {
	bool numeric;
	struct version_number number; // numeric only
	const char *text;	      // lower case
	size_t len;
};

enum version_pre { VERSION_PRE_NONE, VERSION_PRE_A, VERSION_PRE_B, VERSION_PRE_RC };

// One block of memory: the struct, then the arrays, then the text that everything points into.
struct version {
	struct version_number epoch;
	struct version_number *release;
	size_t release_len;
	size_t release_used; // without trailing zeros
	enum version_pre pre;
	bool has_post, has_dev;
	struct version_number pre_number, post, dev;
	struct version_local *local;
	size_t local_len;
	char *text; // as written, trimmed, in lower case
};

int version_number_compare(const struct version_number *a, const struct version_number *b);
int version_compare_public(const struct version *a, const struct version *b);
// Same epoch and same release by value.
bool version_same_base(const struct version *a, const struct version *b);
// Same epoch, and the release of `version`, filled with zeros, starts with the first `parts` parts
// of `prefix`.
bool version_has_prefix(const struct version *version, const struct version *prefix, size_t parts);

#endif
