// SPDX-License-Identifier: Apache-2.0
// A parser for the definition files that recipe 1 emits, and for nothing else: every header, every
// section, every %files line and every line of %post must be one that the renderer can write.
#ifndef SL_RECIPE_DEFINITION_H
#define SL_RECIPE_DEFINITION_H

#include "bundles/base/base.h"

struct definition_line {
	unsigned number; // in the file, from 1
	char *text;	 // without the four blanks of indentation
};

struct definition_section {
	char *name; // "files", "post", …
	SL_LIST(struct definition_line) lines;
};

struct definition {
	char *bootstrap, *from;
	SL_LIST(struct definition_section) sections;
};

void definition_release(struct definition *definition);

// SL_E_FORMAT "image.def:LINE: …" for the first thing that is not of the recipe's own form.
bool definition_parse(const char *text, size_t len, struct definition *out,
		      struct sl_error *err) SL_MUST_USE;

#endif
