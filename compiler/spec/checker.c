// SPDX-License-Identifier: Apache-2.0
#include "compiler/spec/checker.h"

#include "bundles/packaging/version.h"
#include "compiler/spec/scalar.h"

#include <inttypes.h>
#include <string.h>

#define FIELDS_MAX 40

void checker_problem(struct checker *checker, const struct node *node, const char *hint,
		     const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	spec_report_addv(checker->report, node->place, checker->trail.text.data, hint, fmt, args);
	va_end(args);
}

struct plan_origin checker_origin(const struct node *node)
{
	return (struct plan_origin){node->place.line, node->place.column};
}

static const char *kind_phrase(const struct node *node)
{
	switch (node->kind) {
	case NODE_MAP:
		return "a mapping";
	case NODE_LIST:
		return "a list";
	case NODE_TEXT:
		return "text";
	case NODE_PLAIN:
		return scalar_class_phrase(scalar_classify(node->text));
	case NODE_BAD:
		break;
	}
	return "nothing";
}

// The reader has complained of a bad node already.
static void refuse_kind(struct checker *checker, const struct node *node, const char *expected,
			const char *hint)
{
	if (node->kind != NODE_BAD)
		checker_problem(checker, node, hint, "expected %s, found %s", expected,
				kind_phrase(node));
}

bool checker_is_map(struct checker *checker, const struct node *node, size_t max)
{
	if (node->kind != NODE_MAP) {
		refuse_kind(checker, node, "a mapping", "write keys and values below it");
		return false;
	}
	if (node->entries.len > max)
		checker_problem(checker, node, NULL, "more than %zu keys", max);
	return node->entries.len <= max;
}

bool checker_is_list(struct checker *checker, const struct node *node, size_t max)
{
	if (node->kind != NODE_LIST) {
		refuse_kind(checker, node, "a list",
			    "write [one, two], or lines that begin with '- '");
		return false;
	}
	if (node->items.len > max)
		checker_problem(checker, node, NULL, "more than %zu items", max);
	return node->items.len <= max;
}

static const struct field *find_field(const struct field *fields, const char *name)
{
	for (; fields->name; fields++) {
		if (strcmp(fields->name, name) == 0)
			return fields;
	}
	return NULL;
}

static void refuse_key(struct checker *checker, const struct node *key, const struct field *fields)
{
	const char *known[FIELDS_MAX + 1] = {NULL};
	for (size_t i = 0; fields[i].name && i < FIELDS_MAX; i++)
		known[i] = fields[i].name;
	const char *nearest = sl_text_nearest(key->text, known);
	sl_auto_buf struct sl_buf hint = {0};
	sl_buf_init(&hint, SL_KIB);
	if (nearest) {
		sl_buf_addf(&hint, "did you mean '%s'?", nearest);
	} else {
		sl_buf_adds(&hint, "known here:");
		for (size_t i = 0; fields[i].name; i++) {
			if (fields[i].rule != FIELD_LATER)
				sl_buf_addf(&hint, " %s", fields[i].name);
		}
	}
	checker_problem(checker, key, hint.data, "unknown key");
}

static void read_field(struct checker *checker, const struct node_entry *entry,
		       const struct field *fields)
{
	size_t mark = trail_key(&checker->trail, entry->key->text);
	const struct field *field = find_field(fields, entry->key->text);
	if (!field)
		refuse_key(checker, entry->key, fields);
	else if (field->rule == FIELD_LATER)
		checker_problem(checker, entry->key, "leave it out for now",
				"this release of sealift does not read '%s' yet", field->name);
	else
		field->read(checker, entry->value);
	trail_cut(&checker->trail, mark);
}

bool checker_fields(struct checker *checker, const struct node *node, const struct field *fields)
{
	if (!checker_is_map(checker, node, SL_LIMIT_SPEC_ENTRIES))
		return false;
	sl_list_each (&node->entries, entry)
		read_field(checker, entry, fields);
	for (const struct field *field = fields; field->name; field++) {
		if (field->rule != FIELD_NEEDED || node_get(node, field->name))
			continue;
		size_t mark = trail_key(&checker->trail, field->name);
		sl_auto_free char *hint = sl_format("for example %s", field->example);
		checker_problem(checker, node, hint, "this key is missing");
		trail_cut(&checker->trail, mark);
	}
	return true;
}

static const char *plain_text(struct checker *checker, const struct node *node)
{
	enum scalar_class class = scalar_classify(node->text);
	if (class == SCALAR_TEXT || class == SCALAR_EXACT)
		return node->text;
	if (class == SCALAR_NULL) {
		refuse_kind(checker, node, "text",
			    "leave the key out, or write \"\" for empty text");
		return NULL;
	}
	sl_auto_free char *shown = spec_shown(node->text);
	sl_auto_free char *hint = sl_format("put it in quotes: \"%s\"", shown);
	checker_problem(checker, node, hint, "expected text, but %s without quotes is %s", shown,
			scalar_class_phrase(class));
	return NULL;
}

const char *checker_text(struct checker *checker, const struct node *node)
{
	if (node->kind == NODE_TEXT)
		return node->text;
	if (node->kind == NODE_PLAIN)
		return plain_text(checker, node);
	refuse_kind(checker, node, "text",
		    node->kind == NODE_MAP ? "put text that holds ': ' in quotes" : NULL);
	return NULL;
}

const char *checker_key(struct checker *checker, const struct node *key)
{
	return key->kind == NODE_PLAIN ? plain_text(checker, key) : key->text;
}

const char *checker_ruled_text(struct checker *checker, const struct node *node, const char *what,
			       text_rule *rule)
{
	const char *text = checker_text(checker, node);
	const char *hint = text ? rule(text) : NULL;
	if (!hint)
		return text;
	sl_auto_free char *shown = spec_shown(text);
	checker_problem(checker, node, hint, "'%s' is not %s", shown, what);
	return NULL;
}

int checker_word(struct checker *checker, const struct node *node, const char *what,
		 const char *const *words)
{
	const char *text = checker_text(checker, node);
	if (!text)
		return -1;
	sl_auto_buf struct sl_buf hint = {0};
	sl_buf_init(&hint, SL_KIB);
	const char *nearest = sl_text_nearest(text, words);
	if (nearest)
		sl_buf_addf(&hint, "did you mean '%s'?", nearest);
	else
		sl_buf_adds(&hint, "one of:");
	for (int i = 0; words[i]; i++) {
		if (strcmp(words[i], text) == 0)
			return i;
		if (!nearest)
			sl_buf_addf(&hint, " %s", words[i]);
	}
	sl_auto_free char *shown = spec_shown(text);
	checker_problem(checker, node, hint.data, "'%s' is not %s", shown, what);
	return -1;
}

const char *checker_version(struct checker *checker, const struct node *node)
{
	const char *text = checker_text(checker, node);
	if (!text)
		return NULL;
	if (strlen(text) > SL_LIMIT_VERSION) {
		checker_problem(checker, node, NULL, "longer than %d characters", SL_LIMIT_VERSION);
		return NULL;
	}
	if (version_is_normal(text))
		return text;
	auto_version struct version *version = NULL;
	struct sl_error err = {0};
	sl_auto_free char *shown = spec_shown(text);
	if (version_parse(text, &version, &err)) {
		sl_auto_free char *normal = version_format(version);
		sl_auto_free char *hint = sl_format("write %s", normal);
		checker_problem(checker, node, hint, "'%s' is not in normal form (PEP 440)", shown);
	} else {
		checker_problem(checker, node, "a version is written like 1.0.0 or 2.1rc1",
				"'%s' is not a version (PEP 440)", shown);
	}
	return NULL;
}

bool checker_whole(struct checker *checker, const struct node *node, uint64_t min, uint64_t max,
		   uint64_t *out)
{
	if (node->kind != NODE_PLAIN || !scalar_is_whole(node->text)) {
		refuse_kind(checker, node, "a whole number", "write digits alone, without quotes");
		return false;
	}
	*out = strtoull(node->text, NULL, 10); // at most 15 digits
	if (*out >= min && *out <= max)
		return true;
	sl_auto_free char *hint = sl_format("from %" PRIu64 " to %" PRIu64, min, max);
	checker_problem(checker, node, hint, "%s is out of range", node->text);
	return false;
}

char *checker_path(struct checker *checker, const struct node *node, enum spec_input_kind kind)
{
	bool folder = kind == INPUT_FOLDER;
	const char *text = checker_text(checker, node);
	if (!text)
		return NULL;
	sl_auto_free char *path = sl_strdup(text);
	size_t len = strlen(path);
	if (folder && len > 1 && path[len - 1] == '/')
		path[len - 1] = '\0';
	if (!sl_path_is_plain(path) && !(folder && strcmp(path, ".") == 0)) {
		sl_auto_free char *shown = spec_shown(text);
		checker_problem(
			checker, node,
			"name it from the spec's own folder: no '/' in front, no '.' or '..'",
			"'%s' is not a plain relative path", shown);
		return NULL;
	}
	spec_report_input(checker->report, node->place, checker->trail.text.data, path, kind);
	return sl_take(path);
}
