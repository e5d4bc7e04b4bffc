// SPDX-License-Identifier: Apache-2.0
#include "uploader/wire/wire.h"

void wire_pack(struct sl_buf *out, const char *buffer, size_t len)
{
	sl_buf_addf(out, "%zu\n", len);
	sl_buf_add(out, buffer, len);
}
