// SPDX-License-Identifier: Apache-2.0
// What can be seen in a Jinja template of YAML without rendering it.
#ifndef SL_UPLOADER_JINJA_SCAN_H
#define SL_UPLOADER_JINJA_SCAN_H

#include "bundles/base/base.h"

// A name that a template reads.
struct jinja_name {
	char *name;
	bool optional; // somewhere there is a default for it, or a question whether it is defined
	bool always;   // it is read outside of every block
};

struct jinja_names {
	struct jinja_name *items;
	size_t len, cap;
};

// The first name of each expression and of each condition, once, in order of appearance; not those
// that the template sets itself. Comments and raw blocks are passed over.
void jinja_scan(const char *template, struct jinja_names *out);
void jinja_names_release(struct jinja_names *names);
#define auto_jinja_names __attribute__((cleanup(jinja_names_release)))

// The value behind "KEY:" wherever it stands outside of comments; for "type" only the first one
// behind a line that begins with "engine". Owned, without quotes and white space; NULL if none.
char *jinja_value(const char *template, const char *key);
char *jinja_engine(const char *template);
// Whether that is only one of several, chosen by a condition.
bool jinja_engine_depends(const char *template);

// The name that a value such as `{{ image|default('"x"') }}` reads: owned; NULL when it reads none.
char *jinja_name_in(const char *value);

// The block of `template` from the line with "{%" above the one that holds `mark` to the line with
// "endif" below it, or that one line. Owned; NULL when `mark` does not occur.
char *jinja_block_around(const char *template, const char *mark);

#endif
