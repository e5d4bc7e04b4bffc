// SPDX-License-Identifier: Apache-2.0
// Values of a pickle as JSON. A value that is referred to twice is written twice, so the size of
// what comes out is bounded as it is made, not by what went in.
#include "uploader/wire/base64.h"
#include "uploader/wire/pickle.h"
#include "uploader/wire/text.h"

#include <assert.h>
#include <math.h>

struct view {
	struct pickle *pickle;
	size_t values, bytes; // what may still be written, the latter of compact JSON
	struct sl_error *err;
};

static json_t *show(struct view *v, uint32_t index, unsigned depth);

static json_t *sure(json_t *json)
{
	assert(json); // only memory
	return json;
}

// One more value of so many bytes, with the comma or colon behind it.
static bool spend(struct view *v, size_t bytes)
{
	if (v->values == 0)
		return sl_fail(v->err, SL_E_LIMIT, "pickle: more than %d values when written out",
			       WIRE_LIMIT_VALUES);
	if (bytes + 1 > v->bytes)
		return sl_fail(v->err, SL_E_LIMIT, "pickle: more than %llu bytes when written out",
			       WIRE_LIMIT_JSON);
	v->values--;
	v->bytes -= bytes + 1;
	return true;
}

// {"<kind>": content}, for what JSON has no word for. Takes over `content`.
static json_t *wrapped(const char *kind, json_t *content)
{
	json_t *object = sure(json_object());
	sl_json_set(object, kind, sure(content));
	return object;
}

static json_t *show_text(struct view *v, const struct pickle_value *value)
{
	const char *text = (const char *)value->bytes.data;
	if (!spend(v, wire_text_json_size(text, value->bytes.len)))
		return NULL;
	return sure(json_stringn_nocheck(text, value->bytes.len));
}

static json_t *show_bytes(struct view *v, const struct pickle_value *value)
{
	size_t len = WIRE_BASE64_LEN(value->bytes.len);
	sl_auto_buf struct sl_buf text;
	if (!spend(v, len + strlen("{\"bytes\":\"\"}")))
		return NULL;
	sl_buf_init(&text, len + 1);
	wire_base64_add(&text, value->bytes.data, value->bytes.len);
	return wrapped("bytes", json_stringn_nocheck(text.data, text.len));
}

// Python's hex() of a number of more than 64 bits.
static json_t *show_big(struct view *v, const struct pickle_value *value)
{
	const unsigned char *bytes = value->bytes.data;
	size_t len = value->bytes.len;
	bool negative = bytes[len - 1] & 0x80;
	unsigned carry = negative;
	char hex[2 * UINT8_MAX + 8], *at = hex + sizeof hex;
	*--at = '\0';
	assert(len <= UINT8_MAX);
	for (size_t i = 0; i < len; i++) {
		unsigned byte = (negative ? bytes[i] ^ 0xffu : bytes[i]) + carry;
		carry = byte >> 8;
		*--at = "0123456789abcdef"[byte & 15];
		*--at = "0123456789abcdef"[byte >> 4 & 15];
	}
	while (at[0] == '0' && at[1])
		at++;
	sl_auto_free char *text = sl_format("%s0x%s", negative ? "-" : "", at);
	if (!spend(v, strlen(text) + strlen("{\"int\":\"\"}")))
		return NULL;
	return wrapped("int", json_string_nocheck(text));
}

static json_t *show_real(struct view *v, double real)
{
	if (!spend(v, 26)) // as much as 17 digits, sign, point and exponent, or a wrapped name
		return NULL;
	if (isnan(real))
		return wrapped("float", json_string("nan"));
	if (isinf(real))
		return wrapped("float", json_string(real < 0 ? "-inf" : "inf"));
	return sure(json_real(real));
}

static json_t *show_scalar(struct view *v, const struct pickle_value *value)
{
	switch (value->kind) {
	case PICKLE_TEXT:
		return show_text(v, value);
	case PICKLE_BYTES:
		return show_bytes(v, value);
	case PICKLE_BIG_INTEGER:
		return show_big(v, value);
	case PICKLE_REAL:
		return show_real(v, value->real);
	case PICKLE_INTEGER:
		return spend(v, 20) ? sure(json_integer(value->integer)) : NULL;
	case PICKLE_NONE:
		return spend(v, 4) ? json_null() : NULL;
	default:
		return spend(v, 5) ? json_boolean(value->kind == PICKLE_TRUE) : NULL;
	}
}

static json_t *show_parts(struct view *v, const struct pickle_value *value, size_t from, size_t to,
			  unsigned depth)
{
	sl_auto_json json_t *array = sure(json_array());
	if (!spend(v, 2))
		return NULL;
	for (size_t i = from; i < to; i++) {
		json_t *part = show(v, value->parts.items[i], depth + 1);
		if (!part)
			return NULL;
		sl_json_append(array, part);
	}
	return sl_take(array);
}

// Keys that are not texts have no place in a JSON object: {"dict": [[key, value], …]}.
static json_t *show_pairs(struct view *v, const struct pickle_value *dict, unsigned depth)
{
	sl_auto_json json_t *pairs = sure(json_array());
	if (!spend(v, strlen("{\"dict\":[]}")))
		return NULL;
	for (size_t i = 0; i < dict->parts.len; i += 2) {
		json_t *pair = show_parts(v, dict, i, i + 2, depth + 2);
		if (!pair)
			return NULL;
		sl_json_append(pairs, pair);
	}
	return wrapped("dict", sl_take(pairs));
}

static json_t *show_object(struct view *v, const struct pickle_value *dict, unsigned depth)
{
	sl_auto_json json_t *object = sure(json_object());
	if (!spend(v, 2))
		return NULL;
	for (size_t i = 0; i < dict->parts.len; i += 2) {
		const struct pickle_value *key = &v->pickle->values.items[dict->parts.items[i]];
		const char *name = (const char *)key->bytes.data;
		if (!spend(v, wire_text_json_size(name, key->bytes.len)))
			return NULL;
		json_t *part = show(v, dict->parts.items[i + 1], depth + 1);
		if (!part)
			return NULL;
		int failed = json_object_setn_new_nocheck(object, name, key->bytes.len, part);
		assert(!failed); // only memory: a circle was refused before
	}
	return sl_take(object);
}

static bool has_text_keys(const struct view *v, const struct pickle_value *dict)
{
	for (size_t i = 0; i < dict->parts.len; i += 2)
		if (v->pickle->values.items[dict->parts.items[i]].kind != PICKLE_TEXT)
			return false;
	return true;
}

static json_t *show_container(struct view *v, const struct pickle_value *value, unsigned depth)
{
	if (value->kind != PICKLE_DICT)
		return show_parts(v, value, 0, value->parts.len, depth);
	return has_text_keys(v, value) ? show_object(v, value, depth) : show_pairs(v, value, depth);
}

// How many levels of JSON a value opens by itself.
static unsigned levels(const struct view *v, const struct pickle_value *value)
{
	switch (value->kind) {
	case PICKLE_DICT:
		return has_text_keys(v, value) ? 1 : 3;
	case PICKLE_REAL:
		return isfinite(value->real) ? 0u : 1u;
	case PICKLE_LIST:
	case PICKLE_TUPLE:
	case PICKLE_BYTES:
	case PICKLE_BIG_INTEGER:
		return 1;
	default:
		return 0;
	}
}

static json_t *show(struct view *v, uint32_t index, unsigned depth)
{
	struct pickle_value *value = &v->pickle->values.items[index];
	if (value->entered) {
		sl_fail(v->err, SL_E_FORMAT, "pickle: a value contains itself");
		return NULL;
	}
	if (depth + levels(v, value) > SL_LIMIT_DEPTH) {
		sl_fail(v->err, SL_E_LIMIT, "pickle: nested deeper than %d levels", SL_LIMIT_DEPTH);
		return NULL;
	}
	if (value->kind < PICKLE_LIST)
		return show_scalar(v, value);
	value->entered = true;
	json_t *json = show_container(v, value, depth);
	value->entered = false;
	return json;
}

json_t *pickle_json(struct pickle *pickle, struct sl_error *err)
{
	struct view v = {.pickle = pickle,
			 .values = WIRE_LIMIT_VALUES,
			 .bytes = WIRE_LIMIT_JSON,
			 .err = err};
	return show(&v, pickle->root, 0);
}

json_t *wire_unpickle(const unsigned char *data, size_t len, struct sl_error *err)
{
	auto_pickle struct pickle pickle;
	if (!pickle_read(data, len, &pickle, err))
		return NULL;
	return pickle_json(&pickle, err);
}
