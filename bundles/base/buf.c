// SPDX-License-Identifier: Apache-2.0
#include "bundles/base/buf.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void sl_buf_init(struct sl_buf *buf, size_t ceiling)
{
	assert(ceiling > 0 && ceiling < SIZE_MAX);
	*buf = (struct sl_buf){.cap = 64, .ceiling = ceiling};
	buf->data = sl_alloc(buf->cap);
}

void sl_buf_release(struct sl_buf *buf)
{
	free(buf->data);
	*buf = (struct sl_buf){0};
}

void sl_buf_clear(struct sl_buf *buf)
{
	buf->len = 0;
	buf->data[0] = '\0';
	buf->overflow = false;
}

// Makes room for `len` more bytes and the NUL; false, remembered, past the ceiling.
static bool reserve(struct sl_buf *buf, size_t len)
{
	assert(buf->data);
	if (buf->overflow || len > buf->ceiling - buf->len) {
		buf->overflow = true;
		return false;
	}
	size_t need = buf->len + len + 1;
	if (need <= buf->cap)
		return true;
	size_t cap = buf->cap;
	while (cap < need)
		cap = cap > buf->ceiling / 2 ? buf->ceiling + 1 : cap * 2;
	buf->data = sl_realloc_array(buf->data, cap, 1);
	buf->cap = cap;
	return true;
}

void sl_buf_add(struct sl_buf *buf, const void *data, size_t len)
{
	if (len == 0 || !reserve(buf, len))
		return;
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void sl_buf_adds(struct sl_buf *buf, const char *text)
{
	sl_buf_add(buf, text, strlen(text));
}

void sl_buf_addc(struct sl_buf *buf, char c)
{
	sl_buf_add(buf, &c, 1);
}

void sl_buf_addf(struct sl_buf *buf, const char *fmt, ...)
{
	va_list args, again;
	va_start(args, fmt);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	assert(len >= 0);
	if (reserve(buf, (size_t)len)) {
		vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, again);
		buf->len += (size_t)len;
	}
	va_end(again);
}

bool sl_buf_ok(const struct sl_buf *buf, const char *what, struct sl_error *err)
{
	if (!buf->overflow)
		return true;
	return sl_fail(err, SL_E_LIMIT, "%s: larger than %zu bytes", what, buf->ceiling);
}

char *sl_buf_steal(struct sl_buf *buf, size_t *len_out)
{
	char *data = buf->data;
	if (len_out)
		*len_out = buf->len;
	sl_buf_init(buf, buf->ceiling);
	return data;
}
