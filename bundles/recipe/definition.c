// SPDX-License-Identifier: Apache-2.0
// Writing and reading definition files. The reader works line by line against the table of
// definition_grammar.c and at the end writes what it understood: a file that comes out differently
// in any byte is refused.
#include "bundles/recipe/definition.h"
#include "bundles/recipe/definition_grammar.h"
#include "bundles/recipe/plan.h"
#include "bundles/recipe/rules.h"

#include <string.h>

#define INDENT	    "    "
#define SECTION_MAX (56 * SL_KIB)

// ---- the value -----------------------------------------------------------------------------

void definition_release(struct definition *definition)
{
	free(definition->bootstrap);
	free(definition->from);
	sl_list_each (&definition->sections, section) {
		sl_list_each (&section->lines, line) {
			free(line->text);
		}
		sl_list_release(&section->lines);
		free(section->name);
	}
	sl_list_release(&definition->sections);
	*definition = (struct definition){0};
}

struct definition_section *definition_add_section(struct definition *definition, const char *name)
{
	struct definition_section *section = sl_list_add(&definition->sections);
	section->name = sl_strdup(name);
	return section;
}

void definition_add_line(struct definition_section *section, char *text)
{
	sl_list_add(&section->lines)->text = text;
}

static bool section_equal(const struct definition_section *a, const struct definition_section *b)
{
	if (strcmp(a->name, b->name) != 0 || a->lines.len != b->lines.len)
		return false;
	for (size_t i = 0; i < a->lines.len; i++)
		if (strcmp(a->lines.items[i].text, b->lines.items[i].text) != 0)
			return false;
	return true;
}

bool definition_equal(const struct definition *a, const struct definition *b)
{
	if (strcmp(a->bootstrap, b->bootstrap) != 0 || strcmp(a->from, b->from) != 0 ||
	    a->sections.len != b->sections.len)
		return false;
	for (size_t i = 0; i < a->sections.len; i++)
		if (!section_equal(&a->sections.items[i], &b->sections.items[i]))
			return false;
	return true;
}

// ---- writing -------------------------------------------------------------------------------

static void format_section(const struct definition_section *section, struct sl_buf *out)
{
	size_t written = SECTION_MAX; // so that the first line opens the section
	sl_list_each (&section->lines, line) {
		size_t len = strlen(line->text);
		if (written + strlen(INDENT) + len + 1 > SECTION_MAX) {
			sl_buf_addf(out, "\n%%%s\n", section->name);
			written = strlen(section->name) + 2;
		}
		written += strlen(INDENT) + len + 1;
		sl_buf_addf(out, "%s%s\n", len > 0 ? INDENT : "", line->text);
	}
}

void definition_format(const struct definition *definition, struct sl_buf *out)
{
	sl_buf_addf(out, "Bootstrap: %s\nFrom: %s\n", definition->bootstrap, definition->from);
	sl_list_each (&definition->sections, section) {
		format_section(section, out);
	}
}

// ---- reading -------------------------------------------------------------------------------

struct reader {
	const char *next; // the rest of the text
	unsigned number;  // of the line last taken
	char *line;	  // owned
	struct definition *out;
	struct sl_error *err;
};

static bool refuse(const struct reader *reader, unsigned number, const char *why)
{
	return sl_fail(reader->err, SL_E_FORMAT, "image.def:%u: %s", number, why);
}

// The next line without its line feed; false at the end of the text.
static bool take_line(struct reader *reader)
{
	if (!*reader->next)
		return false;
	size_t len = strcspn(reader->next, "\n");
	free(reader->line);
	reader->line = sl_strndup(reader->next, len);
	reader->next += len + (reader->next[len] == '\n');
	reader->number++;
	return true;
}

static bool read_header(struct reader *reader, const char *key, char **value_out)
{
	if (!take_line(reader) || strncmp(reader->line, key, strlen(key)) != 0)
		return sl_fail(reader->err, SL_E_FORMAT, "image.def:%u: '%s' must stand here",
			       reader->number, key);
	*value_out = sl_strdup(reader->line + strlen(key));
	return true;
}

static bool is_blob_path(const char *from)
{
	static const char prefix[] = "blobs/sha256/";
	struct sl_digest ignored;
	return strncmp(from, prefix, strlen(prefix)) == 0 &&
	       sl_digest_parse(from + strlen(prefix), &ignored);
}

static bool is_pinned_reference(const char *from)
{
	struct sl_digest ignored;
	const char *at = strstr(from, "@sha256:");
	if (!at || !sl_digest_parse(at + 8, &ignored))
		return false;
	sl_auto_free char *name = sl_strndup(from, (size_t)(at - from));
	return !plan_check_reference(name);
}

static bool read_headers(struct reader *reader)
{
	struct definition *out = reader->out;
	if (!read_header(reader, "Bootstrap: ", &out->bootstrap) ||
	    !read_header(reader, "From: ", &out->from))
		return false;
	enum base_kind kind;
	if (!base_kind_parse(out->bootstrap, &kind))
		return refuse(reader, 1,
			      "a recipe bootstraps from docker, oci-archive, "
			      "docker-archive or localimage only");
	if (kind == BASE_DOCKER && !is_pinned_reference(out->from))
		return refuse(reader, 2, "must be REGISTRY/NAME@sha256:DIGEST");
	if (kind != BASE_DOCKER && !is_blob_path(out->from))
		return refuse(reader, 2, "must be blobs/sha256/DIGEST");
	return true;
}

static struct definition_section *find_section(struct definition *definition, const char *name)
{
	sl_list_each (&definition->sections, section) {
		if (strcmp(section->name, name) == 0)
			return section;
	}
	return NULL;
}

static bool is_known_section(const char *name)
{
	for (const char *const *known = line_sections(); *known; known++)
		if (strcmp(name, *known) == 0)
			return true;
	return false;
}

// The lines of one section. An empty line before a section line (or at the end) only separates.
static bool read_body(struct reader *reader, struct definition_section *section)
{
	while (*reader->next && strncmp(reader->next, "\n%", 2) != 0) {
		take_line(reader);
		size_t indent = strlen(INDENT);
		bool empty = !*reader->line;
		if (empty ? strcmp(section->name, "help") != 0
			  : strncmp(reader->line, INDENT, indent) != 0)
			return refuse(reader, reader->number,
				      "a line of a section must be indented by four blanks");
		definition_add_line(section, sl_strdup(reader->line + (empty ? 0 : indent)));
		section->lines.items[section->lines.len - 1].number = reader->number;
	}
	return true;
}

static bool read_section(struct reader *reader)
{
	if (!take_line(reader) || *reader->line || !take_line(reader))
		return refuse(reader, reader->number,
			      "an empty line and a section must stand here");
	if (*reader->line != '%' || !is_known_section(reader->line + 1))
		return refuse(reader, reader->number,
			      "only %files, %post, %environment, %runscript, %test, %labels and "
			      "%help can stand here, without arguments");
	struct definition_section *section = find_section(reader->out, reader->line + 1);
	if (!section)
		section = definition_add_section(reader->out, reader->line + 1);
	return read_body(reader, section);
}

static const struct line_rule *first_rule(const char *section)
{
	const struct line_rule *rule = line_rules();
	while (strcmp(rule->section, section) != 0)
		rule++;
	return rule;
}

static bool same_section(const struct line_rule *rule, const char *section)
{
	return rule->section && strcmp(rule->section, section) == 0;
}

// Where matching goes on after `rule` has matched.
static const struct line_rule *after_rule(const struct line_rule *rule)
{
	if (rule->occurs != LINE_MANY)
		return rule + 1;
	while (rule->block > 0 && rule > line_rules() && rule[-1].block == rule->block &&
	       same_section(rule - 1, rule->section))
		rule--;
	return rule;
}

// The rule that `line` follows, from `rule` on and not past one that must not be left out.
static const struct line_rule *find_rule(const struct line_rule *rule, const char *section,
					 const char *line)
{
	for (; same_section(rule, section); rule++) {
		if (line_matches(rule->pattern, line))
			return rule;
		if (rule->occurs == LINE_ONE)
			return NULL;
	}
	return NULL;
}

static bool check_section(const struct reader *reader, const struct definition_section *section)
{
	const struct line_rule *rule = first_rule(section->name);
	unsigned last = 0;
	sl_list_each (&section->lines, line) {
		const struct line_rule *found = find_rule(rule, section->name, line->text);
		if (!found)
			return refuse(reader, line->number,
				      "not a line that recipe 1 writes, or not in its place "
				      "(specs/recipe.md)");
		rule = after_rule(found);
		last = line->number;
	}
	for (; same_section(rule, section->name); rule++)
		if (rule->occurs == LINE_ONE)
			return refuse(reader, last,
				      "lines of this section are missing (specs/recipe.md)");
	return true;
}

// Sections in their order, each that a recipe always has, each of known lines.
static bool check_sections(const struct reader *reader)
{
	const struct definition *out = reader->out;
	size_t at = 0;
	for (const char *const *name = line_sections(); *name; name++) {
		bool here =
			at < out->sections.len && strcmp(out->sections.items[at].name, *name) == 0;
		if (!here && line_section_needed(*name))
			return sl_fail(reader->err, SL_E_FORMAT,
				       "image.def:%u: section %%%s is missing or not in its place",
				       reader->number, *name);
		if (here && !check_section(reader, &out->sections.items[at++]))
			return false;
	}
	if (at < out->sections.len)
		return refuse(reader, reader->number, "the sections are not in their order");
	return true;
}

// What was understood must be the whole text: nothing lost, nothing spelled otherwise.
static bool check_spelling(const struct reader *reader, const char *text, size_t len)
{
	sl_auto_buf struct sl_buf again;
	sl_buf_init(&again, len);
	definition_format(reader->out, &again);
	if (!again.overflow && again.len == len && memcmp(again.data, text, len) == 0)
		return true;
	unsigned number = 1;
	for (size_t i = 0; i < again.len && again.data[i] == text[i]; i++)
		number += text[i] == '\n';
	return refuse(reader, number, "not spelled as recipe 1 spells it");
}

static bool read_all(struct reader *reader)
{
	if (!read_headers(reader))
		return false;
	while (*reader->next)
		if (!read_section(reader))
			return false;
	return check_sections(reader);
}

bool definition_parse(const char *text, size_t len, struct definition *out, struct sl_error *err)
{
	*out = (struct definition){0};
	if (len > SL_LIMIT_CONTENT_FILE)
		return sl_fail(err, SL_E_LIMIT, "image.def: larger than %llu bytes",
			       SL_LIMIT_CONTENT_FILE);
	sl_auto_free char *copy = sl_strndup(text, len);
	struct reader reader = {.next = copy, .out = out, .err = err};
	bool ok;
	if (strlen(copy) != len || !rules_is_clean(copy, "\n\t"))
		ok = refuse(&reader, 1, "not UTF-8 text without control characters");
	else if (rules_has_template(copy))
		ok = refuse(&reader, 1, "holds {{ word }}, a build argument");
	else
		ok = read_all(&reader) && check_spelling(&reader, copy, len);
	free(reader.line);
	if (!ok)
		definition_release(out);
	return ok;
}
