// SPDX-License-Identifier: Apache-2.0
// Any bytes as the result of a task, as a version and as the text of a failure. A pickle is given
// behind its base64 too, which a fuzzer does not find by itself.
#include "uploader/wire/base64.h"
#include "uploader/wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_result(const char *result, size_t len)
{
	sl_auto_buf struct sl_buf out;
	struct sl_error err = {0};
	sl_buf_init(&out, 1 << 20);
	bool good = wire_result(result, len, &out, &err);
	if (good != (err.kind == SL_E_NONE) || !sl_text_is_utf8(out.data, out.len))
		abort();
	if (!good && err.kind != SL_E_FORMAT && err.kind != SL_E_LIMIT)
		abort();
}

static void as_pickle(const uint8_t *data, size_t size)
{
	sl_auto_buf struct sl_buf text, again;
	struct sl_error err = {0};
	sl_buf_init(&text, 1 << 20);
	sl_buf_adds(&text, "00\n");
	wire_base64_add(&text, data, size);
	as_result(text.data, text.len);
	sl_buf_init(&again, 1 << 20);
	if (!wire_base64_read(text.data + 3, text.len - 3, &again, &err) || again.len != size ||
	    (size && memcmp(again.data, data, size) != 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sl_auto_free char *text = sl_strndup((const char *)data, size);
	as_result((const char *)data, size);
	as_pickle(data, size);
	wire_was_refused(text);
	wire_choose(text);
	return 0;
}
