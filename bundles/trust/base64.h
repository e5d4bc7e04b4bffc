// SPDX-License-Identifier: Apache-2.0
// Base64 as minisign writes it: the standard alphabet, padded, on one line. Reading accepts exactly
// what writing makes, so that no two texts mean the same bytes.
#ifndef SL_TRUST_BASE64_H
#define SL_TRUST_BASE64_H

#include "bundles/base/base.h"

#define BASE64_LEN(bytes) (((bytes) + 2) / 3 * 4)

// Writes BASE64_LEN(len) characters and a NUL. In constant time: secret keys pass through here.
void base64_encode(const void *data, size_t len, char *out);

// False (without an error record) unless `text` is the one encoding of exactly `out_len` bytes.
bool base64_decode(const char *text, size_t len, void *out, size_t out_len) SL_MUST_USE;

#endif
