// SPDX-License-Identifier: Apache-2.0
// Private to the recipe: the closed line grammar of recipe 1 as a table.
#ifndef SL_RECIPE_DEFINITION_GRAMMAR_H
#define SL_RECIPE_DEFINITION_GRAMMAR_H

#include "bundles/base/base.h"

enum line_occurs {
	LINE_ONE,   // exactly once
	LINE_MAYBE, // at most once
	LINE_MANY,  // any number, mixed with its neighbours of the same block
};

// One form of line. In `pattern`, ‹name› stands for a token (definition_tokens.c), ⟦text⟧ for text
// that may be missing; everything else stands for itself.
struct line_rule {
	const char *section;
	enum line_occurs occurs;
	unsigned block; // LINE_MANY: rules of one block alternate; 0 = on its own
	const char *pattern;
};

// In the order in which lines may come; ends with a NULL section.
const struct line_rule *line_rules(void);

// The sections that a file may have, in their order, NULL-terminated.
const char *const *line_sections(void);
bool line_section_needed(const char *section);

bool line_matches(const char *pattern, const char *line);

#endif
