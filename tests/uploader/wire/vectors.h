// SPDX-License-Identifier: Apache-2.0
// The vectors of tests/data/wire, which real Pythons and the real SDK wrote.
#ifndef TESTS_UPLOADER_WIRE_VECTORS_H
#define TESTS_UPLOADER_WIRE_VECTORS_H

#include "tests/cmocka_all.h"
#include "uploader/wire/base64.h"
#include "uploader/wire/wire.h"

#include <string.h>

static const char *const vectors_of_sdks[] = {"sdk-2.2.0-python-3.9.18.json",
					      "sdk-4.19.0-python-3.11.7.json",
					      "sdk-4.19.0-python-3.14.10.json", NULL};

// Owned.
static inline json_t *vectors_load(const char *leaf)
{
	sl_auto_free char *path = sl_format("%s/tests/data/wire/%s", SEALIFT_SOURCE_DIR, leaf);
	json_error_t why;
	json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
	if (!json)
		fail_msg("%s: %s", path, why.text);
	return json;
}

static inline const char *vectors_string(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));
	assert_non_null(text);
	return text;
}

static inline void vectors_bytes(const json_t *row, const char *key, struct sl_buf *out)
{
	const char *text = vectors_string(row, key);
	struct sl_error err = {0};
	assert_true(wire_base64_read(text, strlen(text), out, &err));
}

// The text of a row: `count` times `unit`.
static inline void vectors_text(const json_t *row, struct sl_buf *out)
{
	const json_t *unit = json_object_get(row, "unit");
	json_int_t count = json_integer_value(json_object_get(row, "count"));
	for (json_int_t i = 0; i < count; i++)
		sl_buf_add(out, json_string_value(unit), json_string_length(unit));
	assert_false(out->overflow);
}

static inline void assert_same_bytes(const struct sl_buf *found, const struct sl_buf *wanted)
{
	assert_false(found->overflow || wanted->overflow);
	assert_int_equal(found->len, wanted->len);
	assert_memory_equal(found->data, wanted->data, wanted->len);
}

#endif
