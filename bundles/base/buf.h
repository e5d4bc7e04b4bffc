// SPDX-License-Identifier: Apache-2.0
// A growing byte buffer that cannot be made without a ceiling.
//
// Writing past the ceiling is remembered, not performed: add, add, add, then ask once with
// sl_buf_ok(). The contents are always followed by a NUL byte that `len` does not count.
#ifndef SL_BASE_BUF_H
#define SL_BASE_BUF_H

#include "bundles/base/error.h"

#include <stdint.h>
#include <string.h>

struct sl_buf {
	char *data;		  // never NULL after sl_buf_init
	size_t len, cap, ceiling; // len < cap <= ceiling + 1
	bool overflow;
};

#define sl_auto_buf __attribute__((cleanup(sl_buf_release)))

void sl_buf_init(struct sl_buf *buf, size_t ceiling);
void sl_buf_release(struct sl_buf *buf); // safe on a zeroed struct
void sl_buf_clear(struct sl_buf *buf);	 // keeps the memory and the ceiling

// Room for `len` more bytes and the NUL; false, remembered, past the ceiling. For those below.
bool sl_buf_grow(struct sl_buf *buf, size_t len);

static inline void sl_buf_add(struct sl_buf *buf, const void *data, size_t len)
{
	bool room = !buf->overflow && len < buf->cap - buf->len;
	if (len == 0 || (!room && !sl_buf_grow(buf, len)))
		return;
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

static inline void sl_buf_adds(struct sl_buf *buf, const char *text)
{
	sl_buf_add(buf, text, strlen(text));
}

static inline void sl_buf_addc(struct sl_buf *buf, char c)
{
	sl_buf_add(buf, &c, 1);
}

void sl_buf_addf(struct sl_buf *buf, const char *fmt, ...) SL_PRINTF(2, 3);

// False with SL_E_LIMIT ("<what>: larger than N bytes") if anything did not fit.
bool sl_buf_ok(const struct sl_buf *buf, const char *what, struct sl_error *err) SL_MUST_USE;

// Hands the bytes out (owned, NUL-terminated) and leaves the buffer empty and usable.
char *sl_buf_steal(struct sl_buf *buf, size_t *len_out);

#endif
