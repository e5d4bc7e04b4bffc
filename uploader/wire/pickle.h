// SPDX-License-Identifier: Apache-2.0
// A pickle as values. Two steps, because a pickle is a graph: reading makes the values (a list may
// be filled after others took it), showing walks them and refuses circles.
#ifndef SL_UPLOADER_WIRE_PICKLE_H
#define SL_UPLOADER_WIRE_PICKLE_H

#include "uploader/wire/wire.h"

enum pickle_kind {
	PICKLE_NONE,
	PICKLE_FALSE,
	PICKLE_TRUE,
	PICKLE_INTEGER,
	PICKLE_BIG_INTEGER, // `bytes`: little-endian two's complement
	PICKLE_REAL,
	PICKLE_TEXT,  // `bytes`: valid UTF-8
	PICKLE_BYTES, // `bytes`
	PICKLE_LIST,
	PICKLE_TUPLE,
	PICKLE_DICT, // parts: key, value, key, value, …
};

struct pickle_value {
	enum pickle_kind kind;
	bool entered; // by the walk that shows it
	union {
		int64_t integer;
		double real;
		struct {
			const unsigned char *data; // borrowed from the pickle
			size_t len;
		} bytes;
		SL_LIST(uint32_t) parts; // indices of values
	};
};

struct pickle {
	SL_LIST(struct pickle_value) values;
	uint32_t root;
};

#define auto_pickle __attribute__((cleanup(pickle_release)))
void pickle_release(struct pickle *pickle);

// Values borrow from `data`. SL_E_FORMAT, SL_E_LIMIT.
bool pickle_read(const unsigned char *data, size_t len, struct pickle *out,
		 struct sl_error *err) SL_MUST_USE;

// Owned JSON, within WIRE_LIMIT_VALUES, WIRE_LIMIT_JSON and SL_LIMIT_DEPTH. SL_E_FORMAT for a
// value that contains itself; SL_E_LIMIT.
json_t *pickle_json(struct pickle *pickle, struct sl_error *err) SL_MUST_USE;

#endif
