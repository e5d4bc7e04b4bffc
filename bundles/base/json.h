// SPDX-License-Identifier: Apache-2.0
// JSON: strict loading, the canonical form, and reading objects by consumption.
//
// Canonical (specs/bundle-format.md, "Canonical JSON"): keys sorted by bytes and of [a-z0-9_]+, no
// white space, integers 0 to 2^53-1, strings, true and false, no null, no fraction; one final
// newline.
#ifndef SL_BASE_JSON_H
#define SL_BASE_JSON_H

#include "bundles/base/buf.h"
#include "bundles/base/digest.h"

#include <jansson.h>

#define sl_auto_json __attribute__((cleanup(sl_cleanup_json)))

static inline void sl_cleanup_json(json_t **json)
{
	json_decref(*json);
}

#define SL_JSON_MAX_INT ((uint64_t)1 << 53)

// Parses one JSON text: no duplicate keys, valid UTF-8, nothing after it, depth <= SL_LIMIT_DEPTH.
// Returns an owned value, or NULL with SL_E_FORMAT ("name:line:column: …").
json_t *sl_json_load(const char *text, size_t len, const char *name,
		     struct sl_error *err) SL_MUST_USE;

// The same, and the text must be the canonical form of its value, byte for byte.
json_t *sl_json_load_canonical(const char *text, size_t len, const char *name,
			       struct sl_error *err) SL_MUST_USE;

// Appends the canonical form. SL_E_INTERNAL when the value has none (a real, a null, a bad key).
bool sl_json_canonical(const json_t *value, struct sl_buf *out, struct sl_error *err) SL_MUST_USE;

// Appends one string in that form, quotes included. `text` is UTF-8.
void sl_json_add_string(const char *text, struct sl_buf *out);

// Reading one object: every getter takes its key; sl_obj_done() refuses what nobody took. Errors
// stick in the reader and name the path of the value ("files[3].sha256"), so that the getters can
// stand one under the other. All strings are borrowed from the JSON value.
struct sl_obj {
	json_t *json; // borrowed; NULL once it turned out not to be an object
	char path[160];
	const char *taken[40];
	size_t taken_len;
	enum sl_kind kind; // of the errors this reader makes: SL_E_FORMAT or SL_E_INPUT
	struct sl_error *err;
	bool failed;
};

// The path may be empty: then messages begin with the key.
void sl_obj_init(struct sl_obj *obj, json_t *json, enum sl_kind kind, struct sl_error *err,
		 const char *path_fmt, ...) SL_PRINTF(5, 6);
const char *sl_obj_string(struct sl_obj *obj, const char *key);	    // "" after a failure
const char *sl_obj_string_opt(struct sl_obj *obj, const char *key); // NULL when absent
uint64_t sl_obj_uint(struct sl_obj *obj, const char *key, uint64_t max);
bool sl_obj_has(const struct sl_obj *obj, const char *key);
bool sl_obj_may(struct sl_obj *obj, const char *key); // the same, and the key counts as known
bool sl_obj_bool(struct sl_obj *obj, const char *key);
struct sl_digest sl_obj_digest(struct sl_obj *obj, const char *key);
json_t *sl_obj_object(struct sl_obj *obj, const char *key); // borrowed; NULL after failure
json_t *sl_obj_array(struct sl_obj *obj, const char *key,
		     size_t max); // borrowed; NULL after failure
void sl_obj_fail(struct sl_obj *obj, const char *key, const char *fmt, ...) SL_PRINTF(3, 4);
// False if anything failed, or a key was not taken (the message suggests the nearest known one).
bool sl_obj_done(struct sl_obj *obj) SL_MUST_USE;

// Building: all take over `value` and never fail (they abort on misuse).
void sl_json_set(json_t *object, const char *key, json_t *value);
void sl_json_set_string(json_t *object, const char *key, const char *text);
void sl_json_set_uint(json_t *object, const char *key, uint64_t value);
void sl_json_set_bool(json_t *object, const char *key, bool value);
void sl_json_set_digest(json_t *object, const char *key, const struct sl_digest *digest);
void sl_json_append(json_t *array, json_t *value);

#endif
