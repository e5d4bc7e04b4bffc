// SPDX-License-Identifier: Apache-2.0
// Payloads of Globus Compute: functions, arguments and results as text (specs/globus-wire.md).
//
// Everything written here is ASCII, so that a length counted in bytes is also one counted in code
// points, which is what the service's own packing counts. No bytecode is ever written: a worker of
// another Python dies of it. Results are data from a stranger: nothing in them is ever called.
#ifndef SL_UPLOADER_WIRE_H
#define SL_UPLOADER_WIRE_H

#include "bundles/base/base.h"

#define WIRE_LIMIT_RESULT (10 * SL_MIB) // what a worker may send back
#define WIRE_LIMIT_SUBMIT 10000000	// bytes of one submit's body, by the service's own limit
#define WIRE_LIMIT_VALUES (1 << 18)	// in one pickle, and in the JSON made of it
#define WIRE_LIMIT_JSON	  (32 * SL_MIB) // bytes of that JSON, written compactly

// What a worker of some version can read and write.
enum wire_set {
	WIRE_UNIVERSAL, // code 04, arguments 00: every version since 2.2.0
	WIRE_MODERN,	// code st, arguments 11, result_serializers: since 3.6.0
};

// By the endpoint's version; NULL or what is no version gives the universal set. 3.16.0 is not
// modern: what it writes as `st` is its own.
enum wire_set wire_choose(const char *endpoint_version);
enum wire_set wire_other(enum wire_set set);
const char *wire_serde_identifier(enum wire_set set); // "04", "st": `meta.serde_identifier`

// Whether a failed task says that its worker cannot read this set (or may not), so that the other
// one is worth one try.
bool wire_was_refused(const char *exception);

// One packed buffer: decimal length, newline, buffer.
void wire_pack(struct sl_buf *out, const char *buffer, size_t len);

// `function_code`: one packed buffer with the source of the function `name`. SL_E_INTERNAL unless
// the name is a Python name and the source ASCII without zero bytes; SL_E_LIMIT.
bool wire_function(enum wire_set set, const char *name, const char *source, size_t len,
		   struct sl_buf *out, struct sl_error *err) SL_MUST_USE;

// The payload of one task: positional arguments, all texts, and no keywords: two packed buffers.
// SL_E_INTERNAL unless they are ASCII; SL_E_LIMIT past WIRE_LIMIT_SUBMIT.
struct wire_text {
	const char *data;
	size_t len;
};
bool wire_arguments(enum wire_set set, const struct wire_text *texts, size_t count,
		    struct sl_buf *out, struct sl_error *err) SL_MUST_USE;
// How many bytes wire_arguments() would append.
size_t wire_arguments_size(enum wire_set set, const struct wire_text *texts, size_t count);

// The text that a function returned, out of the `result` of a finished task: `11` with a JSON
// string, or `00` with a pickled str of protocol 2 to 5. Appends it to `out`. SL_E_FORMAT for
// everything that is not one text; SL_E_LIMIT.
bool wire_result(const char *result, size_t len, struct sl_buf *out,
		 struct sl_error *err) SL_MUST_USE;

// Any data in a pickle of protocol 1 to 5, as JSON for people to look at: tuples as arrays, bytes
// as {"bytes": base64}, integers past 64 bits as {"int": hexadecimal}, not-a-number and infinities
// as {"float": name}, dictionaries with other keys than texts as {"dict": [[key, value], …]}.
// Opcodes that import, call or build are refused, and so is a value that contains itself
// (SL_E_FORMAT). Nested at most SL_LIMIT_DEPTH deep; SL_E_LIMIT. Owned.
json_t *wire_unpickle(const unsigned char *pickle, size_t len, struct sl_error *err) SL_MUST_USE;

#endif
