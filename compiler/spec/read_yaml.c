// SPDX-License-Identifier: Apache-2.0
// YAML by libyaml's events. Of YAML a spec has mappings, lists and text: aliases, anchors, tags,
// directives, merge keys, keys that are no text and second documents are refused (T61, T62).
//
// The parser is told that the bytes are UTF-8 (spec_bytes_check has seen them), so that it does not
// guess; its marks then count characters, as our columns do.
#include "compiler/spec/node.h"

#include <string.h>
#include <yaml.h>

struct events {
	struct reader *reader;
	yaml_parser_t parser;
	yaml_event_t event; // the one looked at
	const char *text;
	size_t len;
};

static struct spec_place place_of(const yaml_mark_t *mark)
{
	return (struct spec_place){(unsigned)mark->line + 1, (unsigned)mark->column + 1, 1};
}

static struct spec_place place_of_event(const yaml_event_t *event)
{
	struct spec_place place = place_of(&event->start_mark);
	if (event->end_mark.line == event->start_mark.line &&
	    event->end_mark.column > event->start_mark.column)
		place.width = (unsigned)(event->end_mark.column - event->start_mark.column);
	return place;
}

// What libyaml says, and what a person can do about it. The first that begins the same counts.
static const struct {
	const char *problem, *hint;
} syntax_hints[] = {
	{"mapping values are not allowed", "put text that holds ': ' in quotes"},
	{"found a tab character", "indent with spaces, not tabs"},
	{"did not find expected key", "check the indentation of this line and the one before it"},
	{"could not find expected ':'", "each key needs a colon and a space after it"},
	{"did not find expected '-' indicator", "check the indentation of this line"},
	{"block sequence entries are not allowed", "start the list in a line of its own"},
	{"found unexpected end of stream", "a closing quote is missing"},
	{"did not find expected ',' or", "a bracket is not closed, or a comma is missing"},
	{"found unknown escape character",
	 "double a backslash inside double quotes, or use single quotes"},
	{"found undefined tag handle", "tags are not read: put the text in quotes"},
	{"did not find expected <document start>", "indent all keys of the spec alike"},
};

static const char *hint_for(const struct events *events, const char *problem)
{
	if (strstr(problem, "cannot start any token")) {
		bool tab = memchr(events->text, '\t', events->len) != NULL;
		return tab ? "indent with spaces, not tabs; put other text in quotes"
			   : "put the text in quotes";
	}
	for (size_t i = 0; i < sizeof syntax_hints / sizeof *syntax_hints; i++) {
		size_t len = strlen(syntax_hints[i].problem);
		if (strncmp(problem, syntax_hints[i].problem, len) == 0)
			return syntax_hints[i].hint;
	}
	return NULL;
}

static bool fail_syntax(struct events *events)
{
	const yaml_parser_t *parser = &events->parser;
	if (parser->error == YAML_MEMORY_ERROR)
		abort(); // as sl_alloc does
	const char *problem = parser->problem ? parser->problem : "it cannot be read";
	reader_break(events->reader, place_of(&parser->problem_mark), hint_for(events, problem),
		     "not YAML: %s", problem);
	return false;
}

// Moves on to the next event.
static bool next(struct events *events)
{
	yaml_event_delete(&events->event);
	if (!yaml_parser_parse(&events->parser, &events->event))
		return fail_syntax(events);
	return true;
}

static void refuse_extras(struct events *events, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	struct spec_place place = place_of(&events->event.start_mark);
	if (anchor)
		reader_problem(events->reader, place, "write the value where it is meant",
			       "anchors are not read");
	if (tag)
		reader_problem(events->reader, place,
			       "leave the tag out; quotes make text of a word",
			       "tags are not read");
}

static struct node *read_value(struct events *events);

static struct node *read_scalar(struct events *events)
{
	const yaml_event_t *event = &events->event;
	refuse_extras(events, event->data.scalar.anchor, event->data.scalar.tag);
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	return reader_node(events->reader, plain ? NODE_PLAIN : NODE_TEXT, place_of_event(event),
			   sl_strndup(text, len), len);
}

static bool read_items(struct events *events, struct node *list)
{
	struct reader *reader = events->reader;
	while (next(events)) {
		if (events->event.type == YAML_SEQUENCE_END_EVENT)
			return true;
		size_t mark = trail_index(&reader->trail, list->items.len);
		struct node *item = read_value(events);
		trail_cut(&reader->trail, mark);
		if (!item)
			return false;
		*sl_list_add(&list->items) = item;
	}
	return false;
}

// NULL with a problem when the key is no text: its value is read all the same.
static struct node *read_key(struct events *events)
{
	struct node *key = read_value(events);
	if (!key)
		return NULL;
	struct reader *reader = events->reader;
	if (!key->text) {
		if (key->kind != NODE_BAD) // an alias is refused already
			reader_problem(reader, key->place, "a key is a word followed by a colon",
				       "a mapping or list cannot be a key");
		key->kind = NODE_BAD;
		key->text = sl_strdup("?");
	} else if (key->kind == NODE_PLAIN && strcmp(key->text, "<<") == 0) {
		reader_problem(reader, key->place, "write the keys where they are meant",
			       "merge keys are not read");
		key->kind = NODE_BAD;
	}
	return key;
}

static bool read_entries(struct events *events, struct node *map)
{
	struct reader *reader = events->reader;
	while (next(events)) {
		if (events->event.type == YAML_MAPPING_END_EVENT)
			return true;
		auto_node struct node *key = read_key(events);
		if (!key || !next(events))
			return false;
		size_t mark = trail_key(&reader->trail, key->text);
		auto_node struct node *value = read_value(events);
		if (value && value->kind == NODE_PLAIN && value->text[0] == '\0')
			value->place = key->place; // nothing stands there to point at
		if (value && key->kind != NODE_BAD)
			reader_add_entry(reader, map, sl_take(key), sl_take(value));
		trail_cut(&reader->trail, mark);
		if (reader->broken)
			return false;
	}
	return false;
}

static struct node *read_collection(struct events *events, enum node_kind kind)
{
	struct reader *reader = events->reader;
	struct spec_place place = place_of(&events->event.start_mark);
	if (!reader_enter(reader, place))
		return NULL;
	auto_node struct node *node = reader_node(reader, kind, place, NULL, 0);
	bool ok =
		node && (kind == NODE_MAP ? read_entries(events, node) : read_items(events, node));
	reader_leave(reader);
	return ok ? sl_take(node) : NULL;
}

// The value whose first event is the one looked at.
static struct node *read_value(struct events *events)
{
	const yaml_event_t *event = &events->event;
	switch ((int)event->type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(events);
	case YAML_MAPPING_START_EVENT:
		refuse_extras(events, event->data.mapping_start.anchor,
			      event->data.mapping_start.tag);
		return read_collection(events, NODE_MAP);
	case YAML_SEQUENCE_START_EVENT:
		refuse_extras(events, event->data.sequence_start.anchor,
			      event->data.sequence_start.tag);
		return read_collection(events, NODE_LIST);
	case YAML_ALIAS_EVENT:
		reader_problem(events->reader, place_of_event(event),
			       "write the value where it is meant", "aliases are not read");
		return reader_node(events->reader, NODE_BAD, place_of_event(event), NULL, 0);
	default:
		reader_break(events->reader, place_of(&event->start_mark), NULL,
			     "not YAML: a value is missing");
		return NULL;
	}
}

static void refuse_directives(struct events *events)
{
	const yaml_event_t *event = &events->event;
	if (event->data.document_start.version_directive ||
	    event->data.document_start.tag_directives.start !=
		    event->data.document_start.tag_directives.end)
		reader_problem(events->reader, place_of(&event->start_mark), "leave the line out",
			       "directives are not read");
}

static struct node *read_document(struct events *events)
{
	struct reader *reader = events->reader;
	if (!next(events) || !next(events)) // the stream's start, then the document's
		return NULL;
	if (events->event.type == YAML_STREAM_END_EVENT) {
		reader_break(reader, (struct spec_place){0}, "start with 'sealift: 1'",
			     "the spec is empty");
		return NULL;
	}
	refuse_directives(events);
	if (!next(events))
		return NULL;
	auto_node struct node *root = read_value(events);
	if (!root || !next(events) || !next(events)) // the document's end, then the stream's
		return NULL;
	if (events->event.type != YAML_STREAM_END_EVENT)
		reader_problem(reader, place_of(&events->event.start_mark),
			       "write one spec in one file", "a second document begins here");
	return sl_take(root);
}

struct node *node_read_yaml(struct reader *reader, const char *text, size_t len)
{
	struct events events = {.reader = reader, .text = text, .len = len};
	if (!yaml_parser_initialize(&events.parser))
		abort();
	yaml_parser_set_encoding(&events.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&events.parser, (const unsigned char *)text, len);
	struct node *root = read_document(&events);
	yaml_event_delete(&events.event);
	yaml_parser_delete(&events.parser);
	return root;
}
