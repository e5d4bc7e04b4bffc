// SPDX-License-Identifier: Apache-2.0
#include "uploader/wire/base64.h"
#include "uploader/wire/pickle_write.h"
#include "uploader/wire/text.h"

#define NO_KEYWORDS_00 "11\n00\ngAJ9Lg==" // 80 02 7d 2e: {}
#define NO_KEYWORDS_11 "5\n11\n{}"

static size_t json_size(const struct wire_text *texts, size_t count)
{
	size_t size = 2 + (count ? count - 1 : 0);
	for (size_t i = 0; i < count; i++)
		size += wire_text_json_size(texts[i].data, texts[i].len);
	return size;
}

static void write_json(const struct wire_text *texts, size_t count, struct sl_buf *out)
{
	sl_buf_addf(out, "%zu\n11\n[", 3 + json_size(texts, count));
	for (size_t i = 0; i < count; i++) {
		if (i)
			sl_buf_addc(out, ',');
		wire_text_json_add(out, texts[i].data, texts[i].len);
	}
	sl_buf_adds(out, "]" NO_KEYWORDS_11);
}

static void write_pickled(const struct wire_text *texts, size_t count, struct sl_buf *out)
{
	size_t size = pickle_texts_size(texts, count);
	sl_auto_buf struct sl_buf pickle;
	sl_buf_init(&pickle, size);
	pickle_write_texts(&pickle, texts, count);
	sl_buf_addf(out, "%zu\n00\n", 3 + WIRE_BASE64_LEN(size));
	wire_base64_add(out, pickle.data, pickle.len);
	sl_buf_adds(out, NO_KEYWORDS_00);
}

static size_t packed_size(size_t buffer)
{
	size_t digits = 1;
	for (size_t left = buffer; left >= 10; left /= 10)
		digits++;
	return digits + 1 + buffer;
}

size_t wire_arguments_size(enum wire_set set, const struct wire_text *texts, size_t count)
{
	if (set == WIRE_MODERN)
		return packed_size(3 + json_size(texts, count)) + strlen(NO_KEYWORDS_11);
	return packed_size(3 + WIRE_BASE64_LEN(pickle_texts_size(texts, count))) +
	       strlen(NO_KEYWORDS_00);
}

bool wire_arguments(enum wire_set set, const struct wire_text *texts, size_t count,
		    struct sl_buf *out, struct sl_error *err)
{
	for (size_t i = 0; i < count; i++)
		if (!wire_text_is_ascii(texts[i].data, texts[i].len))
			return sl_fail(err, SL_E_INTERNAL, "argument %zu of a task is not ASCII",
				       i + 1);
	// Also what keeps every length of the pickle below 4 GiB.
	if (wire_arguments_size(set, texts, count) > WIRE_LIMIT_SUBMIT)
		return sl_fail(err, SL_E_LIMIT, "arguments of a task: larger than %d bytes",
			       WIRE_LIMIT_SUBMIT);
	if (set == WIRE_MODERN)
		write_json(texts, count, out);
	else
		write_pickled(texts, count, out);
	return sl_buf_ok(out, "arguments of a task", err);
}
