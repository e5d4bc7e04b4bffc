// SPDX-License-Identifier: Apache-2.0
// Answers of the service: read as data from a stranger, and held against the shape they should
// have. Messages name the member and not what it says.
#ifndef SL_UPLOADER_COMPUTE_SHAPE_H
#define SL_UPLOADER_COMPUTE_SHAPE_H

#include "uploader/compute/compute.h"

// Parses an answer of success, an object. Escapes that jansson would refuse a whole answer for,
// \u0000 and halves of surrogate pairs, are read as U+FFFD. Owned.
json_t *shape_read(const char *text, size_t len, struct sl_error *err) SL_MUST_USE;

// Rewrites those escapes in place; the length stays.
void shape_mend(char *text, size_t len);

// Takes out the members that are null.
void shape_drop_nulls(json_t *object);

// SL_E_FORMAT unless the member is there (unless it is there or missing, for *_opt) and has this
// type.
bool shape_uuid(const json_t *answer, const char *key, const char **out,
		struct sl_error *err) SL_MUST_USE;
bool shape_text(const json_t *answer, const char *key, struct sl_error *err) SL_MUST_USE;
bool shape_text_opt(const json_t *answer, const char *key, struct sl_error *err) SL_MUST_USE;
bool shape_object_opt(const json_t *answer, const char *key, struct sl_error *err) SL_MUST_USE;

// An array of texts that are all different UUIDs.
bool shape_uuids(const json_t *array, const char *what, struct sl_error *err) SL_MUST_USE;

#endif
