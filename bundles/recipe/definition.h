// SPDX-License-Identifier: Apache-2.0
// Definition files of recipe 1 as values: written by the renderer, read by a parser that knows
// nothing else. Every header, every section and every line of a body must be one of the forms of
// specs/recipe.md, in their order.
#ifndef SL_RECIPE_DEFINITION_H
#define SL_RECIPE_DEFINITION_H

#include "bundles/base/base.h"

struct definition_line {
	unsigned number; // in the file, from 1; 0 before it was written
	char *text;	 // without the four blanks of indentation
};

struct definition_section {
	char *name; // "files", "post", …
	SL_LIST(struct definition_line) lines;
};

struct definition {
	char *bootstrap, *from;
	SL_LIST(struct definition_section) sections; // each name once
};

void definition_release(struct definition *definition);

// SL_E_FORMAT "image.def:LINE: …" for the first thing that is not of the recipe's own form.
bool definition_parse(const char *text, size_t len, struct definition *out,
		      struct sl_error *err) SL_MUST_USE;

// Appends the file's text. A body of more than SECTION_MAX bytes is written as several sections of
// one name, which Apptainer joins again: it reads no section of 64 KiB or more.
void definition_format(const struct definition *definition, struct sl_buf *out);

// Same headers, sections and lines; line numbers do not count.
bool definition_equal(const struct definition *a, const struct definition *b);

// Building: a new section at the end, and a line of it (takes over `text`).
struct definition_section *definition_add_section(struct definition *definition, const char *name);
void definition_add_line(struct definition_section *section, char *text);

#endif
