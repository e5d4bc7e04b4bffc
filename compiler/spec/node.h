// SPDX-License-Identifier: Apache-2.0
// A spec as a tree whose every value knows where it stands, and the two readers that make one.
#ifndef SL_SPEC_NODE_H
#define SL_SPEC_NODE_H

#include "compiler/spec/report.h"

enum node_kind {
	NODE_MAP,
	NODE_LIST,
	NODE_TEXT,  // surely text: quoted or a block in YAML, a string in JSON
	NODE_PLAIN, // an unquoted word in YAML; a number, true, false or null in JSON
	NODE_BAD,   // refused by the reader, which has said so
};

struct node;

struct node_entry {
	struct node *key, *value; // owned
};

struct node {
	enum node_kind kind;
	struct spec_place place;
	char *text; // of the last three kinds, never NULL there; holds no NUL byte
	SL_LIST(struct node_entry) entries; // map: each key once
	SL_LIST(struct node *) items;	    // list
};

void node_free(struct node *node);				      // NULL is fine
const struct node *node_get(const struct node *map, const char *key); // or NULL
#define auto_node __attribute__((cleanup(node_cleanup)))
static inline void node_cleanup(struct node **node)
{
	node_free(*node);
}

// UTF-8 without the characters that hide or change what a person reads. False after a problem.
bool spec_bytes_check(const char *text, size_t len, struct spec_report *report) SL_MUST_USE;

// Why a character may not stand in a spec, as a phrase; NULL when it may.
const char *spec_refused_character(uint32_t code);

// What a reader carries through its walk.
struct reader {
	struct spec_report *report;
	struct trail trail;
	size_t nodes;
	unsigned depth;
	bool broken; // nothing more can be read
};

// NULL, with a problem and `broken`, past SL_LIMIT_SPEC_NODES. `text` is owned from here on; NULL
// for maps and lists.
struct node *reader_node(struct reader *reader, enum node_kind kind, struct spec_place place,
			 char *text, size_t len) SL_MUST_USE;
// One level deeper, for as long as it returns true (SL_LIMIT_DEPTH).
bool reader_enter(struct reader *reader, struct spec_place place) SL_MUST_USE;
void reader_leave(struct reader *reader);
// Refuses a key that is already there; takes both.
void reader_add_entry(struct reader *reader, struct node *map, struct node *key,
		      struct node *value);
void reader_problem(struct reader *reader, struct spec_place place, const char *hint,
		    const char *fmt, ...) SL_PRINTF(4, 5);
// The same for what ends the reading.
void reader_break(struct reader *reader, struct spec_place place, const char *hint, const char *fmt,
		  ...) SL_PRINTF(4, 5);

// NULL when the text cannot be read to its end; problems are in the reader's report. A text that
// was read, but holds what a spec may not hold, gives a tree and problems.
struct node *node_read_yaml(struct reader *reader, const char *text, size_t len) SL_MUST_USE;
struct node *node_read_json(struct reader *reader, const char *text, size_t len) SL_MUST_USE;

#endif
