// SPDX-License-Identifier: Apache-2.0
// Reading and writing markers. Groups nest at most SL_LIMIT_MARKER_DEPTH deep, so that the
// recursion over them is bounded; a chain of "and" and "or" of any length is one list.
#include "bundles/packaging/marker_parts.h"

#include "bundles/packaging/name.h"
#include "bundles/packaging/scan.h"
#include "bundles/packaging/specifier_parts.h"

#include <string.h>

// Longest first.
const char *const marker_operators[] = {
	"===", "~=", "==", "!=", "<=", ">=", "<", ">", "in", "not in"};

#define VARIABLE(field, kind)                                            \
	{                                                                \
#field, kind, offsetof(struct marker_environment, field) \
	}

static const struct marker_variable variables[] = {
	VARIABLE(python_version, MARKER_VERSION),
	VARIABLE(python_full_version, MARKER_VERSION),
	VARIABLE(implementation_version, MARKER_VERSION),
	VARIABLE(platform_release, MARKER_VERSION),
	VARIABLE(os_name, MARKER_TEXT),
	VARIABLE(sys_platform, MARKER_TEXT),
	VARIABLE(platform_system, MARKER_TEXT),
	VARIABLE(platform_version, MARKER_TEXT),
	VARIABLE(platform_machine, MARKER_TEXT),
	VARIABLE(platform_python_implementation, MARKER_TEXT),
	VARIABLE(implementation_name, MARKER_TEXT),
	VARIABLE(extra, MARKER_EXTRA),
	VARIABLE(extras, MARKER_SET),
	VARIABLE(dependency_groups, MARKER_SET),
};

static const struct {
	const char *old, *name;
} aliases[] = {
	{"os.name", "os_name"},
	{"sys.platform", "sys_platform"},
	{"platform.version", "platform_version"},
	{"platform.machine", "platform_machine"},
	{"platform.python_implementation", "platform_python_implementation"},
	{"python_implementation", "platform_python_implementation"},
};

struct reader {
	const char *start, *at, *end;
	bool strict;
	unsigned depth;
	struct sl_error *err;
};

static bool more(const struct reader *reader)
{
	return reader->at < reader->end;
}

static void skip_blanks(struct reader *reader)
{
	while (more(reader) && scan_is_blank(*reader->at))
		reader->at++;
}

static bool fail_at(struct reader *reader, const char *what)
{
	sl_auto_free char *text = sl_strndup(reader->start, (size_t)(reader->end - reader->start));
	sl_auto_free char *shown = sl_text_shown(text);
	return sl_fail(reader->err, SL_E_INPUT,
		       "'%s' is not a marker (PEP 508): %s at character %zu", shown, what,
		       (size_t)(reader->at - reader->start) + 1);
}

static bool is_word_char(char c)
{
	return scan_is_alnum(c) || c == '_';
}

// Takes `word` if it stands here and the word ends where it ends.
static bool take_word(struct reader *reader, const char *word)
{
	size_t len = strlen(word);
	if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, word, len) != 0)
		return false;
	if (reader->at + len < reader->end && is_word_char(reader->at[len]))
		return false;
	reader->at += len;
	return true;
}

static const struct marker_variable *variable_named(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
		if (strlen(aliases[i].old) == len && memcmp(aliases[i].old, name, len) == 0)
			return variable_named(aliases[i].name, strlen(aliases[i].name));
	}
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
		if (strlen(variables[i].name) == len && memcmp(variables[i].name, name, len) == 0)
			return &variables[i];
	}
	return NULL;
}

static bool read_string(struct reader *reader, struct marker_operand *operand)
{
	char quote = *reader->at;
	const char *start = reader->at + 1;
	const char *close = memchr(start, quote, (size_t)(reader->end - start));
	if (!close)
		return fail_at(reader, "a string that has no end");
	size_t len = (size_t)(close - start);
	if (reader->strict && memchr(start, '\\', len))
		return fail_at(reader, "a string with a backslash, which has no agreed meaning,");
	operand->text = sl_strndup(start, len);
	reader->at = close + 1;
	return true;
}

static bool read_operand(struct reader *reader, struct marker_operand *operand)
{
	skip_blanks(reader);
	if (!more(reader))
		return fail_at(reader, "a variable or a quoted string is missing");
	if (*reader->at == '"' || *reader->at == '\'')
		return read_string(reader, operand);
	size_t len = 0;
	while (reader->at + len < reader->end &&
	       (is_word_char(reader->at[len]) || reader->at[len] == '.'))
		len++;
	operand->variable = variable_named(reader->at, len);
	if (!operand->variable)
		return fail_at(reader, "neither a known variable nor a quoted string");
	reader->at += len;
	return true;
}

static bool read_operator(struct reader *reader, enum marker_operator *out)
{
	skip_blanks(reader);
	for (int i = MARKER_ARBITRARY; i <= MARKER_GREATER; i++) {
		size_t len = strlen(marker_operators[i]);
		if ((size_t)(reader->end - reader->at) >= len &&
		    memcmp(reader->at, marker_operators[i], len) == 0) {
			reader->at += len;
			*out = (enum marker_operator)i;
			return true;
		}
	}
	if (take_word(reader, "in")) {
		*out = MARKER_IN;
		return true;
	}
	const char *start = reader->at;
	if (take_word(reader, "not") && more(reader) && scan_is_blank(*reader->at)) {
		skip_blanks(reader);
		if (take_word(reader, "in")) {
			*out = MARKER_NOT_IN;
			return true;
		}
	}
	reader->at = start;
	return fail_at(reader, "an operator (==, <, in, not in, …) is missing");
}

struct specifier_set *marker_clause(enum marker_operator op, const char *text)
{
	if (op > MARKER_GREATER || strchr(text, ','))
		return NULL;
	sl_auto_free char *clause = sl_format("%s%s", marker_operators[op], text);
	return specifier_try(clause, strlen(clause), true);
}

static void normalise_name(struct marker_operand *operand)
{
	char *normal = name_normalise(operand->text, strlen(operand->text));
	free(operand->text);
	operand->text = normal;
}

// What can be worked out once: names in normal form, and the clause of a version comparison.
static void prepare(struct marker_comparison *comparison)
{
	const struct marker_variable *left = comparison->left.variable;
	const struct marker_variable *right = comparison->right.variable;
	if (left && !right && left->kind == MARKER_VERSION)
		comparison->clause = marker_clause(comparison->op, comparison->right.text);
	if (left && !right && left->kind == MARKER_EXTRA)
		normalise_name(&comparison->right);
	if (right && !left && (right->kind == MARKER_EXTRA || right->kind == MARKER_SET))
		normalise_name(&comparison->left);
}

static bool read_comparison(struct reader *reader, struct marker_comparison *comparison)
{
	if (!read_operand(reader, &comparison->left) || !read_operator(reader, &comparison->op) ||
	    !read_operand(reader, &comparison->right))
		return false;
	prepare(comparison);
	return true;
}

static bool read_marker(struct reader *reader, struct marker *marker);

// A group of one is that one.
static void unwrap(struct marker_node *node)
{
	struct marker *group = node->group;
	if (group->nodes.len != 1)
		return;
	bool or_before = node->or_before;
	*node = group->nodes.items[0];
	node->or_before = or_before;
	sl_list_release(&group->nodes);
	free(group);
}

static bool read_group(struct reader *reader, struct marker_node *node)
{
	if (++reader->depth > SL_LIMIT_MARKER_DEPTH)
		return sl_fail(reader->err, SL_E_LIMIT,
			       "a marker has parentheses nested deeper than %d",
			       SL_LIMIT_MARKER_DEPTH);
	reader->at++;
	node->group = sl_alloc(sizeof *node->group);
	if (!read_marker(reader, node->group))
		return false;
	if (!more(reader) || *reader->at != ')')
		return fail_at(reader, "')' is missing");
	reader->at++;
	reader->depth--;
	unwrap(node);
	return true;
}

static bool read_node(struct reader *reader, struct marker_node *node)
{
	skip_blanks(reader);
	if (more(reader) && *reader->at == '(')
		return read_group(reader, node);
	return read_comparison(reader, &node->comparison);
}

static bool read_marker(struct reader *reader, struct marker *marker)
{
	bool or_before = false;
	do {
		struct marker_node *node = sl_list_add(&marker->nodes);
		node->or_before = or_before;
		if (!read_node(reader, node))
			return false;
		skip_blanks(reader);
		or_before = take_word(reader, "or");
	} while (or_before || take_word(reader, "and"));
	return true;
}

bool marker_parse_slice(const char *text, size_t len, bool strict, struct marker **out,
			struct sl_error *err)
{
	*out = NULL;
	struct reader reader = {
		.start = text, .at = text, .end = text + len, .strict = strict, .err = err};
	auto_marker struct marker *marker = sl_alloc(sizeof *marker);
	if (!read_marker(&reader, marker))
		return false;
	if (more(&reader))
		return fail_at(&reader, "'and', 'or' or the end is expected");
	if (marker->nodes.len == 1 && marker->nodes.items[0].group) {
		struct marker *group = marker->nodes.items[0].group;
		marker->nodes.items[0].group = NULL;
		marker_free(marker);
		marker = group;
	}
	*out = sl_take(marker);
	return true;
}

bool marker_parse(const char *text, bool strict, struct marker **out, struct sl_error *err)
{
	return marker_parse_slice(text, strlen(text), strict, out, err);
}

void marker_free(struct marker *marker)
{
	if (!marker)
		return;
	sl_list_each (&marker->nodes, node) {
		marker_free(node->group);
		free(node->comparison.left.text);
		free(node->comparison.right.text);
		specifier_free(node->comparison.clause);
	}
	sl_list_release(&marker->nodes);
	free(marker);
}

bool marker_mentions(const struct marker *marker, const char *variable)
{
	for (size_t i = 0; i < marker->nodes.len; i++) {
		const struct marker_node *node = &marker->nodes.items[i];
		const struct marker_variable *left = node->comparison.left.variable;
		const struct marker_variable *right = node->comparison.right.variable;
		if ((node->group && marker_mentions(node->group, variable)) ||
		    (left && strcmp(left->name, variable) == 0) ||
		    (right && strcmp(right->name, variable) == 0))
			return true;
	}
	return false;
}

static void format_operand(const struct marker_operand *operand, struct sl_buf *out)
{
	if (operand->variable) {
		sl_buf_adds(out, operand->variable->name);
		return;
	}
	// A string cannot hold both kinds of quotes.
	char quote = strchr(operand->text, '"') ? '\'' : '"';
	sl_buf_addc(out, quote);
	sl_buf_adds(out, operand->text);
	sl_buf_addc(out, quote);
}

static void format_nodes(const struct marker *marker, struct sl_buf *out)
{
	for (size_t i = 0; i < marker->nodes.len; i++) {
		const struct marker_node *node = &marker->nodes.items[i];
		if (i)
			sl_buf_adds(out, node->or_before ? " or " : " and ");
		if (node->group) {
			sl_buf_addc(out, '(');
			format_nodes(node->group, out);
			sl_buf_addc(out, ')');
			continue;
		}
		format_operand(&node->comparison.left, out);
		sl_buf_addf(out, " %s ", marker_operators[node->comparison.op]);
		format_operand(&node->comparison.right, out);
	}
}

char *marker_format(const struct marker *marker)
{
	struct sl_buf out;
	sl_buf_init(&out, 64 * SL_MIB); // far above what a text of any allowed size can become
	format_nodes(marker, &out);
	return out.data; // owned by the caller now
}
