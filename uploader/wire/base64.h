// SPDX-License-Identifier: Apache-2.0
// Base64 as Python's base64 codec reads and writes it: standard alphabet, padded. Written on one
// line; read with line feeds anywhere, since Python writes one after every 76 characters.
#ifndef SL_UPLOADER_WIRE_BASE64_H
#define SL_UPLOADER_WIRE_BASE64_H

#include "bundles/base/base.h"

#define WIRE_BASE64_LEN(bytes) (((bytes) + 2) / 3 * 4)

void wire_base64_add(struct sl_buf *out, const void *data, size_t len);

// Appends the bytes to `out`, whose ceiling counts. SL_E_FORMAT for another character, missing or
// surplus padding, and bits that no encoder sets.
bool wire_base64_read(const char *text, size_t len, struct sl_buf *out,
		      struct sl_error *err) SL_MUST_USE;

#endif
