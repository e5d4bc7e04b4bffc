// SPDX-License-Identifier: Apache-2.0
#include "uploader/registration/jinja_scan.h"

#include <ctype.h>
#include <string.h>

#define LIMIT_NAMES 1024

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t\r\n-+");
}

static size_t word_len(const char *at)
{
	size_t len = 0;

	while (is_word(at[len]))
		len++;
	return isdigit((unsigned char)at[0]) ? 0 : len;
}

static bool word_is(const char *at, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(at, word, len) == 0;
}

static bool contains(const char *at, size_t len, const char *word)
{
	return memmem(at, len, word, strlen(word)) != NULL;
}

// ---- names ---------------------------------------------------------------------------------

void jinja_names_release(struct jinja_names *names)
{
	sl_list_each (names, one)
		free(one->name);
	sl_list_release(names);
}

static void add_name(struct jinja_names *names, const char *at, size_t len, bool optional,
		     bool always)
{
	if (len == 0 || word_is(at, len, "true") || word_is(at, len, "false") ||
	    word_is(at, len, "none"))
		return;
	sl_list_each (names, one)
		if (word_is(at, len, one->name)) {
			one->optional = one->optional || optional;
			one->always = one->always || always;
			return;
		}
	if (names->len < LIMIT_NAMES)
		*sl_list_add(names) = (struct jinja_name){sl_strndup(at, len), optional, always};
}

// "|d(": the short name of the filter "default".
static bool has_default(const char *at, size_t len)
{
	const char *end = at + len;

	if (contains(at, len, "default"))
		return true;
	while ((at = memchr(at, '|', (size_t)(end - at))) != NULL) {
		at = skip_blanks(at + 1);
		if (word_is(at, word_len(at), "d"))
			return true;
		if (at > end)
			return false;
	}
	return false;
}

// One tag between its braces. `depth` counts open blocks.
struct tag {
	char kind; // '{' an expression, '%' a statement, '#' a comment
	const char *text;
	size_t len;
};

static void see_expression(struct jinja_names *names, const struct tag *tag, unsigned depth)
{
	const char *at = skip_blanks(tag->text);
	bool optional =
		has_default(tag->text, tag->len) || contains(tag->text, tag->len, "is defined");

	add_name(names, at, word_len(at), optional, depth == 0);
}

static void see_condition(struct jinja_names *names, const struct tag *tag, const char *at,
			  unsigned depth)
{
	bool optional = contains(tag->text, tag->len, "defined") ||
			contains(tag->text, tag->len, "default");

	at = skip_blanks(at);
	if (word_is(at, word_len(at), "not"))
		at = skip_blanks(at + strlen("not"));
	add_name(names, at, word_len(at), optional, depth == 0);
}

static unsigned see_statement(struct jinja_names *names, struct sl_strings *set,
			      const struct tag *tag, unsigned depth)
{
	static const char *const open[] = {"for", "macro", "call", "filter", "block", NULL};
	const char *at = skip_blanks(tag->text);
	size_t len = word_len(at);

	if (word_is(at, len, "if")) {
		see_condition(names, tag, at + len, depth);
		return depth + 1;
	}
	if (word_is(at, len, "set")) {
		const char *name = skip_blanks(at + len);
		sl_auto_free char *own = sl_strndup(name, word_len(name));
		sl_strings_add(set, own);
		return depth;
	}
	for (size_t i = 0; open[i]; i++)
		if (word_is(at, len, open[i]))
			return depth + 1;
	// "set" opened nothing, so "endset" closes nothing.
	bool closes = len > 3 && strncmp(at, "end", 3) == 0 && !word_is(at, len, "endset");
	return depth > 0 && closes ? depth - 1 : depth;
}

// Finds the next tag at or behind `at`; returns where to go on, or NULL at the end.
static const char *next_tag(const char *at, struct tag *out)
{
	for (; (at = strchr(at, '{')) != NULL; at++) {
		if (!at[1] || !strchr("{%#", at[1]))
			continue;
		char close[3] = {at[1] == '{' ? '}' : at[1], '}', '\0'};
		const char *end = strstr(at + 2, close);
		if (!end)
			return NULL;
		*out = (struct tag){at[1], at + 2, (size_t)(end - at) - 2};
		return end + 2;
	}
	return NULL;
}

static bool is_statement(const struct tag *tag, const char *word)
{
	const char *at = skip_blanks(tag->text);

	return tag->kind == '%' && word_is(at, word_len(at), word);
}

static void drop_set(struct jinja_names *names, const struct sl_strings *set)
{
	sl_list_each (names, one)
		for (size_t i = 0; i < set->len; i++)
			if (strcmp(one->name, set->items[i]) == 0)
				one->optional = true;
}

void jinja_scan(const char *template, struct jinja_names *out)
{
	struct sl_strings set = {0};
	struct tag tag;
	unsigned depth = 0;
	bool raw = false;

	*out = (struct jinja_names){0};
	for (const char *at = template; (at = next_tag(at, &tag)) != NULL;) {
		raw = raw ? !is_statement(&tag, "endraw") : is_statement(&tag, "raw");
		if (raw || is_statement(&tag, "endraw"))
			continue;
		// The text of a tag is followed by its braces, so reading a word too far is safe.
		if (tag.kind == '{')
			see_expression(out, &tag, depth);
		else if (tag.kind == '%')
			depth = see_statement(out, &set, &tag, depth);
	}
	drop_set(out, &set);
	sl_strings_release(&set);
}

// ---- values --------------------------------------------------------------------------------

static const char *line_end(const char *at)
{
	return at + strcspn(at, "\n");
}

static bool is_comment(const char *line)
{
	line += strspn(line, " \t");
	return *line == '#' || strncmp(line, "{#", 2) == 0;
}

static char *trimmed(const char *at, const char *end)
{
	const char *quotes = "\"'";
	const char *comment = memmem(at, (size_t)(end - at), " #", 2);

	if (comment)
		end = comment;
	at += strspn(at, " \t");
	while (end > at && strchr(" \t\r,", end[-1]))
		end--;
	// A lone brace closes a flow mapping; "}}" belongs to an expression.
	if (end - at > 1 && end[-1] == '}' && end[-2] != '}')
		end--;
	while (end > at && strchr(" \t", end[-1]))
		end--;
	if (end - at > 1 && strchr(quotes, *at) && end[-1] == *at) {
		at++;
		end--;
	}
	return sl_strndup(at, (size_t)(end > at ? end - at : 0));
}

// Where the value of `key` begins in one line, or NULL.
static const char *value_in_line(const char *line, const char *end, const char *key)
{
	size_t len = strlen(key);

	for (const char *at = line; at + len < end; at++) {
		if (memcmp(at, key, len) != 0 || (at > line && (is_word(at[-1]) || at[-1] == '.')))
			continue;
		const char *after = at + len + strspn(at + len, "\"' \t");
		if (after < end && *after == ':')
			return after + 1;
	}
	return NULL;
}

static char *find_value(const char *text, const char *key)
{
	for (const char *line = text; *line;) {
		const char *end = line_end(line);
		const char *value = is_comment(line) ? NULL : value_in_line(line, end, key);
		if (value) {
			// In a flow mapping the value ends at a comma outside of expressions.
			const char *comma = memchr(value, ',', (size_t)(end - value));
			bool plain = comma && !contains(value, (size_t)(comma - value), "{{");
			return trimmed(value, plain ? comma : end);
		}
		line = *end ? end + 1 : end;
	}
	return NULL;
}

char *jinja_value(const char *template, const char *key)
{
	return find_value(template, key);
}

char *jinja_engine(const char *template)
{
	for (const char *line = template; *line;) {
		const char *end = line_end(line);
		if (strncmp(line, "engine", 6) == 0 && !is_word(line[6]))
			return find_value(line, "type");
		line = *end ? end + 1 : end;
	}
	return NULL;
}

static bool opens_block(const char *line, size_t len)
{
	return contains(line, len, "{%") &&
	       (contains(line, len, " if ") || contains(line, len, " for "));
}

static bool closes_block(const char *line, size_t len)
{
	return contains(line, len, "endif") || contains(line, len, "endfor");
}

// Members of the engine stand as far right as its first one does; those of its provider further.
bool jinja_engine_depends(const char *template)
{
	size_t column = 0; // of the engine's members, 0 = not known yet
	unsigned depth = 0;
	bool engine = false;

	for (const char *line = template; *line;) {
		const char *end = line_end(line);
		size_t len = (size_t)(end - line), blank = strspn(line, " \t");
		bool yaml = blank < len && line[blank] != '{' && line[blank] != '#';
		if (yaml && blank == 0) {
			engine = strncmp(line, "engine", 6) == 0 && !is_word(line[6]);
			column = 0;
		} else if (yaml && engine) {
			column = column ? column : blank;
			if (depth > 0 && blank == column && strncmp(line + blank, "type", 4) == 0 &&
			    !is_word(line[blank + 4]))
				return true;
		}
		if (closes_block(line, len))
			depth -= depth > 0;
		else if (opens_block(line, len))
			depth++;
		line = *end ? end + 1 : end;
	}
	return false;
}

char *jinja_name_in(const char *value)
{
	struct tag tag;

	if (!next_tag(value, &tag) || tag.kind != '{')
		return NULL;
	const char *at = skip_blanks(tag.text);
	size_t len = word_len(at);
	return len > 0 ? sl_strndup(at, len) : NULL;
}

// ---- blocks --------------------------------------------------------------------------------

static const char *line_start(const char *text, const char *at)
{
	while (at > text && at[-1] != '\n')
		at--;
	return at;
}

static bool line_has(const char *line, const char *word)
{
	return contains(line, strcspn(line, "\n"), word);
}

char *jinja_block_around(const char *template, const char *mark)
{
	const char *found = strstr(template, mark);
	if (!found)
		return NULL;
	const char *line = line_start(template, found), *first = line, *last = line;

	while (first > template && !line_has(first, "{%"))
		first = line_start(template, first - 1);
	while (*last && !line_has(last, "endif")) {
		last = line_end(last);
		last += *last == '\n';
	}
	if (!line_has(first, "{%") || !*last)
		first = last = line;
	last = line_end(last);
	return sl_strndup(first, (size_t)(last - first) + (*last == '\n'));
}
