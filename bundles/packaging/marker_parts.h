// SPDX-License-Identifier: Apache-2.0
// What a marker is made of: for the files of this room only.
#ifndef SL_PACKAGING_MARKER_PARTS_H
#define SL_PACKAGING_MARKER_PARTS_H

#include "bundles/packaging/marker.h"

enum marker_operator {
	MARKER_ARBITRARY,
	MARKER_COMPATIBLE,
	MARKER_EQUAL,
	MARKER_NOT_EQUAL,
	MARKER_AT_MOST,
	MARKER_AT_LEAST,
	MARKER_LESS,
	MARKER_GREATER,
	MARKER_IN,
	MARKER_NOT_IN,
};

extern const char *const marker_operators[]; // "===" … "not in"

enum marker_variable_kind {
	MARKER_TEXT,
	MARKER_VERSION, // compared as a version where both sides are
	MARKER_EXTRA,	// a name: compared in normal form
	MARKER_SET,	// a list of names
};

struct marker_variable {
	const char *name;
	enum marker_variable_kind kind;
	size_t offset; // in struct marker_environment
};

struct marker_operand {
	const struct marker_variable *variable; // NULL for a string
	char *text;				// NULL for a variable
};

struct marker_comparison {
	struct marker_operand left, right;
	enum marker_operator op;
	struct specifier_set *clause; // operator and right string as a clause, where that is one
};

// A comparison, or a group in parentheses.
struct marker_node {
	bool or_before;	      // joined to what stands before it by "or", else by "and"
	struct marker *group; // NULL for a comparison
	struct marker_comparison comparison;
};

struct marker {
	SL_LIST(struct marker_node) nodes; // at least one
};

// The clause that an operator and the text after it make, or NULL: exactly one, no comma.
struct specifier_set *marker_clause(enum marker_operator op, const char *text) SL_MUST_USE;

// marker_parse() of a part of a text.
bool marker_parse_slice(const char *text, size_t len, bool strict, struct marker **out,
			struct sl_error *err) SL_MUST_USE;

#endif
