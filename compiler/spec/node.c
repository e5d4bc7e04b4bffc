// SPDX-License-Identifier: Apache-2.0
// What both readers share: making nodes within the limits, and refusing duplicate keys (T61, T62).
#include "compiler/spec/node.h"

#include <string.h>

void node_free(struct node *node)
{
	if (!node)
		return;
	sl_list_each (&node->entries, entry) {
		node_free(entry->key);
		node_free(entry->value);
	}
	sl_list_each (&node->items, item)
		node_free(*item);
	sl_list_release(&node->entries);
	sl_list_release(&node->items);
	free(node->text);
	free(node);
}

const struct node *node_get(const struct node *map, const char *key)
{
	sl_list_each (&map->entries, entry) {
		if (strcmp(entry->key->text, key) == 0)
			return entry->value;
	}
	return NULL;
}

void reader_problem(struct reader *reader, struct spec_place place, const char *hint,
		    const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	spec_report_addv(reader->report, place, reader->trail.text.data, hint, fmt, args);
	va_end(args);
}

void reader_break(struct reader *reader, struct spec_place place, const char *hint, const char *fmt,
		  ...)
{
	if (reader->broken)
		return;
	va_list args;
	va_start(args, fmt);
	spec_report_addv(reader->report, place, reader->trail.text.data, hint, fmt, args);
	va_end(args);
	reader->broken = true;
}

// An escape can put into a value what the file's own bytes may not hold.
static bool text_is_clean(struct reader *reader, struct spec_place place, const char *text,
			  size_t len)
{
	for (size_t at = 0; at < len;) {
		uint32_t code = 0;
		size_t step = sl_text_decode(text + at, len - at, &code);
		const char *why = step == 0 ? "is not UTF-8" : spec_refused_character(code);
		if (why) {
			reader_problem(reader, place, "leave the character out",
				       "the text holds U+%04X, which %s", (unsigned)code, why);
			return false;
		}
		at += step;
	}
	return true;
}

struct node *reader_node(struct reader *reader, enum node_kind kind, struct spec_place place,
			 char *text, size_t len)
{
	if (reader->nodes == SL_LIMIT_SPEC_NODES) {
		free(text);
		reader_break(reader, place, NULL, "more than %d keys and values in one spec",
			     SL_LIMIT_SPEC_NODES);
		return NULL;
	}
	reader->nodes++;
	struct node *node = sl_alloc(sizeof *node);
	*node = (struct node){.kind = kind, .place = place, .text = text};
	if (text && !text_is_clean(reader, place, text, len))
		node->kind = NODE_BAD;
	return node;
}

bool reader_enter(struct reader *reader, struct spec_place place)
{
	if (reader->depth == SL_LIMIT_DEPTH) {
		reader_break(reader, place, NULL, "nested deeper than %d levels", SL_LIMIT_DEPTH);
		return false;
	}
	reader->depth++;
	return true;
}

void reader_leave(struct reader *reader)
{
	reader->depth--;
}

static const struct node_entry *find_entry(const struct node *map, const char *key)
{
	sl_list_each (&map->entries, entry) {
		if (strcmp(entry->key->text, key) == 0)
			return entry;
	}
	return NULL;
}

void reader_add_entry(struct reader *reader, struct node *map, struct node *key, struct node *value)
{
	const struct node_entry *first = find_entry(map, key->text);
	if (first) {
		reader_problem(reader, key->place,
			       "say it once: readers disagree on which of the two counts",
			       "the key is there already, in line %u", first->key->place.line);
	} else if (map->entries.len == SL_LIMIT_SPEC_ENTRIES) {
		reader_break(reader, key->place, NULL, "more than %d keys in one mapping",
			     SL_LIMIT_SPEC_ENTRIES);
	} else {
		*sl_list_add(&map->entries) = (struct node_entry){key, value};
		return;
	}
	node_free(key);
	node_free(value);
}
