// SPDX-License-Identifier: Apache-2.0
// Project and extra names: PEP 508 grammar, PEP 503 normal form.
#ifndef SL_PACKAGING_NAME_H
#define SL_PACKAGING_NAME_H

#include "bundles/base/base.h"

bool name_is_valid(const char *text, size_t len);
bool name_is_normal(const char *text, size_t len);  // valid, and as name_normalise() gives it
char *name_normalise(const char *text, size_t len); // owned; any text

#endif
