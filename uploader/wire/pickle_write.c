// SPDX-License-Identifier: Apache-2.0
#include "uploader/wire/pickle_write.h"

#include <assert.h>

static void write_text(struct sl_buf *out, const struct wire_text *text)
{
	assert(text->len <= UINT32_MAX);
	const char head[5] = {'X', (char)text->len, (char)(text->len >> 8), (char)(text->len >> 16),
			      (char)(text->len >> 24)};
	sl_buf_add(out, head, sizeof head);
	sl_buf_add(out, text->data, text->len);
}

void pickle_write_texts(struct sl_buf *out, const struct wire_text *texts, size_t count)
{
	static const char close[] = {')', '\x85', '\x86', '\x87'};
	bool marked = count >= sizeof close;
	sl_buf_add(out, "\x80\x02(", marked ? 3 : 2);
	for (size_t i = 0; i < count; i++)
		write_text(out, &texts[i]);
	sl_buf_addc(out, marked ? 't' : close[count]);
	sl_buf_addc(out, '.');
}

size_t pickle_texts_size(const struct wire_text *texts, size_t count)
{
	size_t size = count >= 4 ? 5 : 4;
	for (size_t i = 0; i < count; i++)
		size += 5 + texts[i].len;
	return size;
}
