// SPDX-License-Identifier: Apache-2.0
// Environment markers (PEP 508): parse, and evaluate for a target.
#ifndef SL_PACKAGING_MARKER_H
#define SL_PACKAGING_MARKER_H

#include "bundles/packaging/specifier.h"

// The variables of a target. All strings borrowed; NULL = not defined.
struct marker_environment {
	const char *implementation_name, *implementation_version, *os_name, *platform_machine,
		*platform_release, *platform_system, *platform_version, *python_full_version,
		*platform_python_implementation, *python_version, *sys_platform;
	const char *extra; // NULL or "" = not set
	// Lock files only (PEP 751); NULL-terminated lists, NULL = variable not defined here.
	const char *const *extras, *const *dependency_groups;
};

struct marker; // opaque

// `strict` refuses backslash escapes in strings (a user's own input); METADATA takes them
// literally.
bool marker_parse(const char *text, bool strict, struct marker **out,
		  struct sl_error *err) SL_MUST_USE;
void marker_free(struct marker *marker);
#define auto_marker __attribute__((cleanup(marker_cleanup)))
static inline void marker_cleanup(struct marker **marker)
{
	marker_free(*marker);
}

// False with SL_E_INPUT for an undefined comparison or variable. Every comparison is evaluated,
// also those that "and" and "or" would not need: an error does not hide behind a false one.
bool marker_evaluate(const struct marker *marker, const struct marker_environment *environment,
		     bool *result_out, struct sl_error *err) SL_MUST_USE;

// True if the marker compares `variable` ("platform_release", "extra", …).
bool marker_mentions(const struct marker *marker, const char *variable);
// One spelling for equal markers: double quotes, single blanks, only the parentheses that group
// something. Owned.
char *marker_format(const struct marker *marker);

#endif
