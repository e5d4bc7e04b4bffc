// SPDX-License-Identifier: Apache-2.0
// Test data of tests/data/packaging/: answers of the reference implementation. A test walks every
// entry, prints each one that differs and fails once at the end.
#ifndef SL_TESTS_PACKAGING_VECTORS_H
#define SL_TESTS_PACKAGING_VECTORS_H

#include "bundles/base/base.h"
#include "tests/cmocka_all.h"

#include <string.h>

static inline json_t *vectors_load(const char *name)
{
	sl_auto_free char *path =
		sl_format("%s/tests/data/packaging/%s.json", SEALIFT_SOURCE_DIR, name);
	json_error_t error;
	json_t *vectors = json_load_file(path, JSON_ALLOW_NUL, &error);
	if (!vectors)
		fail_msg("%s:%d: %s", path, error.line, error.text);
	return vectors;
}

// The list `key`, which has as many entries as meta.counts[count_key] says.
static inline const json_t *vectors_list(const json_t *vectors, const char *key,
					 const char *count_key)
{
	const json_t *list = json_object_get(vectors, key);
	const json_t *counts = json_object_get(json_object_get(vectors, "meta"), "counts");
	assert_true(json_is_array(list));
	assert_int_equal(json_array_size(list),
			 json_integer_value(json_object_get(counts, count_key)));
	return list;
}

static inline const char *vectors_text(const json_t *entry, const char *key)
{
	return json_string_value(json_object_get(entry, key)); // NULL for null
}

static inline bool vectors_bool(const json_t *entry, const char *key)
{
	return json_is_true(json_object_get(entry, key));
}

// An owned text of the same value: numbers past 2^53 are strings in the vectors.
static inline char *vectors_number(const json_t *value)
{
	if (json_is_string(value))
		return sl_strdup(json_string_value(value));
	return sl_format("%lld", (long long)json_integer_value(value));
}

static inline bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

#endif
