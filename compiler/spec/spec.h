// SPDX-License-Identifier: Apache-2.0
// Spec file -> plan. Reads YAML and JSON with positions, reports every problem at once.
#ifndef SL_SPEC_H
#define SL_SPEC_H

#include "bundles/recipe/plan.h"

struct spec_problem {
	unsigned line, column;	// from 1; 0 = the file as a whole
	unsigned width;		// of the marked text, in columns, at least 1
	char *path;		// "files[3].to", "" for the whole
	char *message;		// what is wrong
	char *hint;		// what would be right; may be NULL
};

struct spec_report {
	SL_LIST(struct spec_problem) problems; // in order of position
};

void spec_report_release(struct spec_report *report);

// `text` is the file's bytes, `shown` its name for messages. Returns the plan, or NULL when the
// report has a problem (or, with `err`, when the file is past a limit). Reads no other file.
struct plan *spec_parse(const char *text, size_t len, const char *shown,
			struct spec_report *report_out, struct sl_error *err) SL_MUST_USE;

// "file:line:col: message" with the source line, a caret and the hint, as `check` prints it.
void spec_problem_print(const struct spec_problem *problem, const char *text, size_t len,
			const char *shown, struct sl_buf *out);

#endif
