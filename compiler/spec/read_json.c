// SPDX-License-Identifier: Apache-2.0
// JSON (RFC 8259) with positions. Not left to the YAML reader, which takes no surrogate pair, no
// key past 1024 characters and no leading tab, and reads much that is not JSON.
#include "compiler/spec/node.h"

#include <string.h>

struct cursor {
	struct reader *reader;
	const char *at, *end;
	struct spec_place place; // of `at`
};

static struct node *read_value(struct cursor *cursor);

static char peek(const struct cursor *cursor)
{
	return cursor->at < cursor->end ? *cursor->at : '\0';
}

// One byte on; bytes within a character count no column.
static void step(struct cursor *cursor)
{
	if (*cursor->at == '\n') {
		cursor->place.line++;
		cursor->place.column = 0;
	}
	cursor->at++;
	if (cursor->at == cursor->end || ((unsigned char)*cursor->at & 0xc0) != 0x80)
		cursor->place.column++;
}

static void skip_space(struct cursor *cursor)
{
	while (cursor->at < cursor->end && strchr(" \t\r\n", *cursor->at))
		step(cursor);
}

static struct node *fail_at(struct cursor *cursor, const char *expected)
{
	const char *hint = NULL;
	if (peek(cursor) == '#' || peek(cursor) == '/')
		hint = "JSON has no comments; a YAML spec has, and does not begin with '{'";
	else if (peek(cursor) == '\'')
		hint = "JSON text stands in double quotes";
	if (cursor->at == cursor->end)
		reader_break(cursor->reader, cursor->place, hint,
			     "not JSON: it ends where %s is expected", expected);
	else
		reader_break(cursor->reader, cursor->place, hint, "not JSON: expected %s",
			     expected);
	return NULL;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *found = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;
	return found ? (int)(found - digits) : -1;
}

static bool read_hex4(struct cursor *cursor, uint32_t *out)
{
	*out = 0;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(peek(cursor));
		if (digit < 0)
			return fail_at(cursor, "four hexadecimal digits"), false;
		*out = *out << 4 | (uint32_t)digit;
		step(cursor);
	}
	return true;
}

static bool is_surrogate(uint32_t code, uint32_t half)
{
	return (code & 0xfc00) == half;
}

// After "\u": one unit, or two that make a pair.
static bool read_unicode(struct cursor *cursor, uint32_t *code_out)
{
	struct spec_place start = cursor->place;
	uint32_t low = 0;
	if (!read_hex4(cursor, code_out))
		return false;
	if (!is_surrogate(*code_out, 0xd800) && !is_surrogate(*code_out, 0xdc00))
		return true;
	if (is_surrogate(*code_out, 0xd800) && peek(cursor) == '\\') {
		step(cursor);
		if (peek(cursor) == 'u') {
			step(cursor);
			if (!read_hex4(cursor, &low))
				return false;
		}
	}
	if (!is_surrogate(low, 0xdc00)) {
		reader_break(cursor->reader, start, NULL,
			     "not JSON: half of a surrogate pair stands alone");
		return false;
	}
	*code_out = 0x10000 + ((*code_out - 0xd800) << 10) + (low - 0xdc00);
	return true;
}

static void add_utf8(struct sl_buf *out, uint32_t code)
{
	if (code < 0x80) {
		sl_buf_addc(out, (char)code);
		return;
	}
	int tail = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
	static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
	sl_buf_addc(out, (char)(lead[tail] | code >> (6 * tail)));
	while (tail-- > 0)
		sl_buf_addc(out, (char)(0x80 | (code >> (6 * tail) & 0x3f)));
}

// After a backslash.
static bool read_escape(struct cursor *cursor, struct sl_buf *out)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	char c = peek(cursor);
	const char *found = c ? strchr(letters, c) : NULL;
	if (found) {
		step(cursor);
		sl_buf_addc(out, meant[found - letters]);
		return true;
	}
	if (c != 'u')
		return fail_at(cursor, "one of \" \\ / b f n r t u after a backslash"), false;
	step(cursor);
	uint32_t code = 0;
	if (!read_unicode(cursor, &code))
		return false;
	add_utf8(out, code);
	return true;
}

static bool read_characters(struct cursor *cursor, struct sl_buf *out)
{
	while (peek(cursor) != '"') {
		if (cursor->at == cursor->end || (unsigned char)*cursor->at < 0x20)
			return fail_at(cursor, "the closing quote"), false;
		if (*cursor->at == '\\') {
			step(cursor);
			if (!read_escape(cursor, out))
				return false;
			continue;
		}
		sl_buf_addc(out, *cursor->at);
		step(cursor);
	}
	step(cursor);
	return true;
}

static struct node *read_string(struct cursor *cursor)
{
	struct spec_place place = cursor->place;
	sl_auto_buf struct sl_buf text = {0};
	sl_buf_init(&text, SL_LIMIT_SPEC); // no escape is shorter than what it means
	step(cursor);
	if (!read_characters(cursor, &text))
		return NULL;
	place.width = cursor->place.column - place.column;
	size_t len = 0;
	char *owned = sl_buf_steal(&text, &len);
	return reader_node(cursor->reader, NODE_TEXT, place, owned, len);
}

static size_t count_digits(const char *at, const char *end)
{
	const char *start = at;
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return (size_t)(at - start);
}

// The length of the number at `at` by JSON's grammar; 0 when there is none.
static size_t number_length(const char *at, const char *end)
{
	const char *start = at;
	if (at < end && *at == '-')
		at++;
	size_t digits = count_digits(at, end);
	if (digits == 0 || (digits > 1 && *at == '0'))
		return 0;
	at += digits;
	if (at < end && *at == '.') {
		digits = count_digits(++at, end);
		if (digits == 0)
			return 0;
		at += digits;
	}
	if (at < end && (*at == 'e' || *at == 'E')) {
		at++;
		if (at < end && (*at == '+' || *at == '-'))
			at++;
		digits = count_digits(at, end);
		if (digits == 0)
			return 0;
		at += digits;
	}
	return (size_t)(at - start);
}

static size_t word_length(const struct cursor *cursor)
{
	static const char *const words[] = {"true", "false", "null"};
	size_t left = (size_t)(cursor->end - cursor->at);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t len = strlen(words[i]);
		if (left >= len && memcmp(cursor->at, words[i], len) == 0)
			return len;
	}
	return number_length(cursor->at, cursor->end);
}

static struct node *read_word(struct cursor *cursor)
{
	struct spec_place place = cursor->place;
	size_t len = word_length(cursor);
	if (len == 0)
		return fail_at(cursor, "a value");
	const char *start = cursor->at;
	for (size_t i = 0; i < len; i++)
		step(cursor);
	place.width = (unsigned)len;
	return reader_node(cursor->reader, NODE_PLAIN, place, sl_strndup(start, len), len);
}

// Takes `close` or a comma. `*more_out` says which.
static bool read_separator(struct cursor *cursor, char close, bool *more_out)
{
	skip_space(cursor);
	*more_out = peek(cursor) == ',';
	if (!*more_out && peek(cursor) != close)
		return fail_at(cursor, close == '}' ? "',' or '}'" : "',' or ']'"), false;
	step(cursor);
	skip_space(cursor);
	return true;
}

static bool read_entry(struct cursor *cursor, struct node *map)
{
	struct reader *reader = cursor->reader;
	if (peek(cursor) != '"')
		return fail_at(cursor, "a key in double quotes"), false;
	auto_node struct node *key = read_string(cursor);
	if (!key)
		return false;
	skip_space(cursor);
	if (peek(cursor) != ':')
		return fail_at(cursor, "':'"), false;
	step(cursor);
	size_t mark = trail_key(&reader->trail, key->text);
	auto_node struct node *value = read_value(cursor);
	if (value && key->kind != NODE_BAD)
		reader_add_entry(reader, map, sl_take(key), sl_take(value));
	trail_cut(&reader->trail, mark);
	return !reader->broken;
}

static bool read_item(struct cursor *cursor, struct node *list)
{
	struct reader *reader = cursor->reader;
	size_t mark = trail_index(&reader->trail, list->items.len);
	struct node *item = read_value(cursor);
	trail_cut(&reader->trail, mark);
	if (!item)
		return false;
	*sl_list_add(&list->items) = item;
	return true;
}

static bool read_inside(struct cursor *cursor, struct node *node, char close)
{
	step(cursor);
	skip_space(cursor);
	if (peek(cursor) == close) {
		step(cursor);
		return true;
	}
	for (bool more = true; more;) {
		bool ok =
			node->kind == NODE_MAP ? read_entry(cursor, node) : read_item(cursor, node);
		if (!ok || !read_separator(cursor, close, &more))
			return false;
	}
	return true;
}

static struct node *read_collection(struct cursor *cursor, enum node_kind kind)
{
	struct reader *reader = cursor->reader;
	if (!reader_enter(reader, cursor->place))
		return NULL;
	auto_node struct node *node = reader_node(reader, kind, cursor->place, NULL, 0);
	bool ok = node && read_inside(cursor, node, kind == NODE_MAP ? '}' : ']');
	reader_leave(reader);
	return ok ? sl_take(node) : NULL;
}

static struct node *read_value(struct cursor *cursor)
{
	skip_space(cursor);
	switch (peek(cursor)) {
	case '{':
		return read_collection(cursor, NODE_MAP);
	case '[':
		return read_collection(cursor, NODE_LIST);
	case '"':
		return read_string(cursor);
	default:
		return read_word(cursor);
	}
}

struct node *node_read_json(struct reader *reader, const char *text, size_t len)
{
	struct cursor cursor = {reader, text, text + len, {1, 1, 1}};
	auto_node struct node *root = read_value(&cursor);
	if (!root)
		return NULL;
	skip_space(&cursor);
	if (cursor.at != cursor.end)
		return fail_at(&cursor, "the end of the file");
	return sl_take(root);
}
