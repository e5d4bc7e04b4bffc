// SPDX-License-Identifier: Apache-2.0
// Texts on their way out: they must be ASCII, and stand in JSON as ASCII.
#ifndef SL_UPLOADER_WIRE_TEXT_H
#define SL_UPLOADER_WIRE_TEXT_H

#include "bundles/base/base.h"

bool wire_text_is_ascii(const char *text, size_t len);

// How many bytes a text takes as a JSON string, quotes included; bytes from 0x80 count one each.
size_t wire_text_json_size(const char *text, size_t len);
void wire_text_json_add(struct sl_buf *out, const char *text, size_t len);

#endif
