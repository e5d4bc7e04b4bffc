// SPDX-License-Identifier: Apache-2.0
// Spec file -> plan. Reads YAML and JSON with positions, reports every problem at once.
// specs/spec.md is the law.
#ifndef SL_SPEC_H
#define SL_SPEC_H

#include "bundles/recipe/plan.h"

struct spec_place {
	unsigned line, column; // from 1, in characters; line 0 = the file as a whole
	unsigned width;	       // of the marked text, in columns, at least 1
};

struct spec_problem {
	unsigned line, column; // from 1; 0 = the file as a whole
	unsigned width;	       // of the marked text, in columns, at least 1
	char *path;	       // "files[3].to", "" for the whole
	char *message;	       // what is wrong
	char *hint;	       // what would be right; may be NULL
};

enum spec_input_kind {
	INPUT_FILE,
	INPUT_FOLDER,
	INPUT_SIF,
	INPUT_OCI_ARCHIVE,
	INPUT_DOCKER_ARCHIVE,
};

// Something on this machine that the spec names, relative to the spec's own folder.
struct spec_input {
	struct spec_place place;
	char *path; // "pip.lock"
	char *name; // "requirements.lock": a plain path
	enum spec_input_kind kind;
};

struct spec_report {
	SL_LIST(struct spec_problem) problems; // in order of position
	SL_LIST(struct spec_input) inputs;     // all that were named well, problems or not
};

void spec_report_release(struct spec_report *report);

// `text` is the file's bytes, `shown` its name for messages. Returns the plan, or NULL when the
// report has a problem (or, with `err`, when the file is past a limit). Reads no other file. The
// report is always initialised.
struct plan *spec_parse(const char *text, size_t len, const char *shown,
			struct spec_report *report_out, struct sl_error *err) SL_MUST_USE;

// Looks whether report->inputs exist below `dirfd`, the folder of the spec, and whether image files
// begin as such files do; adds a problem for each that does not. True when all do.
bool spec_check_inputs(struct spec_report *report, int dirfd) SL_MUST_USE;

// "file:line:col: path: message" with the source line, a caret and the hint, as `check` prints it.
void spec_problem_print(const struct spec_problem *problem, const char *text, size_t len,
			const char *shown, struct sl_buf *out);

#endif
