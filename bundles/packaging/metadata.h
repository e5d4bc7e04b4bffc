// SPDX-License-Identifier: Apache-2.0
// Core metadata of a wheel: found by the zip's central directory, checked for the tricks of T14 and
// T15, parsed as data. Nothing of a wheel is ever unpacked or run here.
#ifndef SL_PACKAGING_METADATA_H
#define SL_PACKAGING_METADATA_H

#include "bundles/packaging/requirement.h"
#include "bundles/packaging/wheel.h"

struct metadata {
	char *name, *version;		// as written
	char *requires_python;		// NULL when absent
	SL_LIST(char *) requires_dist;	// texts, in order
	SL_LIST(char *) provides_extra; // normalised
	char *license_expression;	// NULL when absent
};

void metadata_release(struct metadata *metadata);

// The text of a METADATA file (headers up to the first empty line, or to the first line that is no
// header: where the installers stop, too). SL_E_FORMAT "<shown>: …".
bool metadata_parse(const char *text, size_t len, const char *shown, struct metadata *out,
		    struct sl_error *err) SL_MUST_USE;

// Finds and inflates NAME.dist-info/METADATA in a wheel by its central directory. Refuses:
// encrypted entries, two METADATA, absolute or ".." names, duplicate names, overlapping ranges,
// local headers that disagree with the directory, bytes that belong to no entry (before, between or
// after), sizes past the limits. `out` is initialised by the caller, whose ceiling is obeyed. Uses
// pread only.
bool wheel_read_metadata(int fd, uint64_t size, const char *shown, struct sl_buf *out,
			 struct sl_error *err) SL_MUST_USE;

// All of it for the wheel file `leaf`: its name, its METADATA, and that the file name, the
// dist-info folder and METADATA agree on name and version by value (else the file is unusable:
// SL_E_FORMAT).
bool wheel_load_metadata(int fd, uint64_t size, const char *leaf, struct wheel_name *wheel_out,
			 struct metadata *out, struct sl_error *err) SL_MUST_USE;

// The last of these checks alone, for METADATA that came from elsewhere.
bool metadata_agrees(const struct metadata *metadata, const struct wheel_name *wheel,
		     const char *leaf, struct sl_error *err) SL_MUST_USE;

#endif
