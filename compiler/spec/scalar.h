// SPDX-License-Identifier: Apache-2.0
// What YAML readers make of an unquoted word. Rules differ between YAML 1.1, YAML 1.2 and the
// programs: a word that any of them takes for something other than text is not text to us either.
#ifndef SL_SPEC_SCALAR_H
#define SL_SPEC_SCALAR_H

#include <stdbool.h>

enum scalar_class {
	SCALAR_TEXT,
	SCALAR_NULL,
	SCALAR_BOOL,
	SCALAR_NUMBER, // one that does not come back as it was written: 1.10, 010, 1e3, 12:30
	SCALAR_EXACT,  // one that does, in every reader: 2.36, 17
	SCALAR_DATE,
	SCALAR_SPECIAL, // "=" and "<<"
};

enum scalar_class scalar_classify(const char *text);
// "a number that other programs read as another one", …: for messages. SCALAR_TEXT has none.
const char *scalar_class_phrase(enum scalar_class class);
// A whole number as JSON writes it: 0, 3600.
bool scalar_is_whole(const char *text);

#endif
