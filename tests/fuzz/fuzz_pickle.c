// SPDX-License-Identifier: Apache-2.0
// Any bytes as a pickle. What is taken can be written as JSON within its limit, and read again.
#include "uploader/wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_written(const json_t *json)
{
	sl_auto_free char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
	struct sl_error err = {0};
	if (!text || strlen(text) > WIRE_LIMIT_JSON)
		abort();
	if (!json_is_array(json) && !json_is_object(json))
		return;
	sl_auto_json json_t *again = sl_json_load(text, strlen(text), "again", &err);
	// jansson writes \u0000 and does not read it.
	if (!again && !strstr(text, "\\u0000"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_error err = {0};
	sl_auto_json json_t *json = wire_unpickle(data, size, &err);
	if ((json == NULL) != (err.kind == SL_E_FORMAT || err.kind == SL_E_LIMIT))
		abort();
	if (json)
		check_written(json);
	return 0;
}
