// SPDX-License-Identifier: Apache-2.0
// Core metadata of a wheel: found by the zip's central directory, checked for the tricks of T14 and
// T15, parsed as data. Nothing of a wheel is ever unpacked or run here.
#ifndef SL_PACKAGING_METADATA_H
#define SL_PACKAGING_METADATA_H

#include "bundles/packaging/requirement.h"

struct metadata {
	char *name, *version;		// as written
	char *requires_python;		// NULL when absent
	SL_LIST(char *) requires_dist;	// texts, in order
	SL_LIST(char *) provides_extra; // normalised
	char *license_expression;	// NULL when absent
};

void metadata_release(struct metadata *metadata);

// The text of a METADATA file (headers up to the first empty line).
bool metadata_parse(const char *text, size_t len, const char *shown, struct metadata *out,
		    struct sl_error *err) SL_MUST_USE;

// Finds and inflates NAME.dist-info/METADATA in a wheel by its central directory. Refuses:
// encrypted entries, two METADATA, absolute or ".." names, duplicate names, overlapping ranges,
// local headers that disagree with the directory, bytes before or after the archive, sizes past the
// limits.
bool wheel_read_metadata(int fd, uint64_t size, const char *shown, struct sl_buf *out,
			 struct sl_error *err) SL_MUST_USE;

#endif
