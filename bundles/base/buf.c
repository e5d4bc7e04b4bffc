// SPDX-License-Identifier: Apache-2.0
#include "bundles/base/buf.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void sl_buf_init(struct sl_buf *buf, size_t ceiling)
{
	assert(ceiling > 0 && ceiling < SIZE_MAX);
	*buf = (struct sl_buf){.cap = ceiling < 64 ? ceiling + 1 : 64, .ceiling = ceiling};
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

// What has overflowed takes no more, so that a short piece cannot follow a long one that is
// missing.
bool sl_buf_grow(struct sl_buf *buf, size_t len)
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

void sl_buf_addf(struct sl_buf *buf, const char *fmt, ...)
{
	va_list args, again;
	va_start(args, fmt);
	va_copy(again, args);
	size_t room = buf->cap - buf->len;
	int printed = vsnprintf(buf->data + buf->len, room, fmt, args);
	va_end(args);
	assert(printed >= 0);
	size_t len = (size_t)printed;
	if (!buf->overflow && len < room) {
		buf->len += len;
	} else if (sl_buf_grow(buf, len)) {
		vsnprintf(buf->data + buf->len, len + 1, fmt, again);
		buf->len += len;
	}
	buf->data[buf->len] = '\0';
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
