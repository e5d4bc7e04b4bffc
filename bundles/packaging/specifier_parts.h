// SPDX-License-Identifier: Apache-2.0
// How the other parsers of this room read specifier sets out of longer texts.
#ifndef SL_PACKAGING_SPECIFIER_PARTS_H
#define SL_PACKAGING_SPECIFIER_PARTS_H

#include "bundles/packaging/specifier.h"

// NULL without an error record when the `len` bytes are no set. A set may have empty items
// (">=1,,<2", ",>=1"); with `tidy`, as in a requirement, only one comma at the end.
struct specifier_set *specifier_try(const char *text, size_t len, bool tidy) SL_MUST_USE;

// specifier_parse() and specifier_parse_lenient() of a part of a text.
bool specifier_parse_slice(const char *text, size_t len, bool tidy, struct specifier_set **out,
			   struct sl_error *err) SL_MUST_USE;
bool specifier_parse_slice_lenient(const char *text, size_t len, struct specifier_set **out,
				   bool *repaired_out, struct sl_error *err) SL_MUST_USE;

#endif
