// SPDX-License-Identifier: Apache-2.0
// Versions: PEP 440 grammar, normal form and order.
#ifndef SL_PACKAGING_VERSION_H
#define SL_PACKAGING_VERSION_H

#include "bundles/base/base.h"

struct version; // opaque; owns what it parsed

// SL_E_INPUT "'<text>' is not a version (PEP 440): …". Numbers of any length are kept exactly.
bool version_parse(const char *text, struct version **out, struct sl_error *err) SL_MUST_USE;
// The same without an error record: NULL when the `len` bytes are not a version.
struct version *version_try(const char *text, size_t len) SL_MUST_USE;
void version_free(struct version *version);
#define auto_version __attribute__((cleanup(version_cleanup)))
static inline void version_cleanup(struct version **version)
{
	version_free(*version);
}

int version_compare(const struct version *a, const struct version *b); // <0, 0, >0
bool version_is_prerelease(const struct version *version);	       // has pre or dev
bool version_is_postrelease(const struct version *version);
bool version_is_normal(const char *text); // a version, and written in its normal form

char *version_format(const struct version *version); // normal form, owned

enum version_form {
	VERSION_WHOLE,
	VERSION_PUBLIC,	 // without the local part
	VERSION_BASE,	 // epoch and release only
	VERSION_TRIMMED, // whole, without the trailing zeros of the release: equal when versions
			 // are
};
char *version_format_as(const struct version *version, enum version_form form); // owned

#endif
