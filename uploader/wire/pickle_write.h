// SPDX-License-Identifier: Apache-2.0
// Pickles of protocol 2 of the few things that are sent: every Python 3 reads them, and they need
// no memo and no frame.
#ifndef SL_UPLOADER_WIRE_PICKLE_WRITE_H
#define SL_UPLOADER_WIRE_PICKLE_WRITE_H

#include "uploader/wire/wire.h"

// A tuple of texts, each shorter than 4 GiB.
void pickle_write_texts(struct sl_buf *out, const struct wire_text *texts, size_t count);
size_t pickle_texts_size(const struct wire_text *texts, size_t count);

#endif
