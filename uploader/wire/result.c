// SPDX-License-Identifier: Apache-2.0
// The text that a function returned. Text is all that is taken: what a stranger sends is decoded,
// never rebuilt.
#include "uploader/wire/base64.h"
#include "uploader/wire/wire.h"

static const char *kind_of(const json_t *json)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return "a dictionary or bytes";
	case JSON_ARRAY:
		return "a list";
	case JSON_NULL:
		return "nothing";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	default:
		return "a number";
	}
}

static bool add_text(const json_t *json, struct sl_buf *out, struct sl_error *err)
{
	if (!json_is_string(json))
		return sl_fail(err, SL_E_FORMAT, "the function returned %s, not a text",
			       kind_of(json));
	sl_buf_add(out, json_string_value(json), json_string_length(json));
	return sl_buf_ok(out, "result", err);
}

// Only a JSON text that begins as a string is given to the parser, so that nothing else can make it
// allocate.
static bool read_json(const char *text, size_t len, struct sl_buf *out, struct sl_error *err)
{
	json_error_t why;
	size_t blank = 0;
	while (blank < len && strchr(" \t\r\n", text[blank]) && text[blank])
		blank++;
	if (blank == len || text[blank] != '"')
		return sl_fail(err, SL_E_FORMAT, "the function did not return a text");
	sl_auto_json json_t *json = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
	if (!json) {
		sl_auto_free char *shown = sl_text_shown(why.text);
		return sl_fail(err, SL_E_FORMAT, "JSON, byte %d: %s", why.position, shown);
	}
	return add_text(json, out, err);
}

static bool read_pickle(const char *text, size_t len, struct sl_buf *out, struct sl_error *err)
{
	sl_auto_buf struct sl_buf pickle;
	sl_buf_init(&pickle, len / 4 * 3 + 3);
	if (!wire_base64_read(text, len, &pickle, err))
		return false;
	sl_auto_json json_t *json =
		wire_unpickle((const unsigned char *)pickle.data, pickle.len, err);
	return json && add_text(json, out, err);
}

static bool read_unknown(const char *result, size_t len, struct sl_error *err)
{
	sl_auto_buf struct sl_buf shown;
	sl_buf_init(&shown, 64);
	sl_text_escape(&shown, result, len < 8 ? len : 8);
	return sl_fail(err, SL_E_FORMAT,
		       "it begins with '%s', not with '11' (JSON) or '00' (a pickle)", shown.data);
}

bool wire_result(const char *result, size_t len, struct sl_buf *out, struct sl_error *err)
{
	bool good;
	if (len > WIRE_LIMIT_RESULT)
		return sl_fail(err, SL_E_LIMIT, "result of a task: larger than %llu bytes",
			       WIRE_LIMIT_RESULT);
	if (len >= 3 && memcmp(result, "11\n", 3) == 0)
		good = read_json(result + 3, len - 3, out, err);
	else if (len >= 3 && memcmp(result, "00\n", 3) == 0)
		good = read_pickle(result + 3, len - 3, out, err);
	else
		good = read_unknown(result, len, err);
	return good || sl_prefix(err, "cannot read the result of a task");
}
