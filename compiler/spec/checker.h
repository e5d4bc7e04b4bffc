// SPDX-License-Identifier: Apache-2.0
// The checker: walks the tree by tables of fields, reports every problem, and fills in the plan.
// A field reader that finds a problem leaves the plan as it was and goes on.
#ifndef SL_SPEC_CHECKER_H
#define SL_SPEC_CHECKER_H

#include "compiler/spec/node.h"

struct checker {
	struct spec_report *report;
	struct trail trail;
	struct plan *plan;
	struct plan_file *file;	    // the one of `files` that is being read
	struct plan_script *script; // the one of `post`, or `test`
};

typedef void field_reader(struct checker *checker, const struct node *value);

enum field_rule {
	FIELD_OPTIONAL,
	FIELD_NEEDED,
	FIELD_LATER, // documented, and not read by this release
};

struct field {
	const char *name;
	field_reader *read; // NULL for FIELD_LATER
	enum field_rule rule;
	const char *example; // of a needed field: "python: \"3.11.2\""
};

#define FIELD_END                                \
	{                                        \
		NULL, NULL, FIELD_OPTIONAL, NULL \
	}

// At the node that is looked at, whose path is the checker's trail.
void checker_problem(struct checker *checker, const struct node *node, const char *hint,
		     const char *fmt, ...) SL_PRINTF(4, 5);

// A mapping of known keys: reads each field there is, refuses unknown keys and missing needed ones.
// False when `node` is no mapping.
bool checker_fields(struct checker *checker, const struct node *node, const struct field *fields);

// A mapping or list of at most `max`; false after a problem.
bool checker_is_map(struct checker *checker, const struct node *node, size_t max);
bool checker_is_list(struct checker *checker, const struct node *node, size_t max);

// The node's text, borrowed; NULL after a problem.
const char *checker_text(struct checker *checker, const struct node *node) SL_MUST_USE;
// The same for a key of a mapping with free keys.
const char *checker_key(struct checker *checker, const struct node *key) SL_MUST_USE;

// A rule of bundles/recipe/plan.h, or one like it: NULL, or what would be right.
typedef const char *text_rule(const char *text);
// Text that obeys `rule`; messages call it `what` ("a platform").
const char *checker_ruled_text(struct checker *checker, const struct node *node, const char *what,
			       text_rule *rule) SL_MUST_USE;

// One of `words` (NULL-terminated): its index, or -1 after a problem.
int checker_word(struct checker *checker, const struct node *node, const char *what,
		 const char *const *words) SL_MUST_USE;
bool checker_whole(struct checker *checker, const struct node *node, uint64_t min, uint64_t max,
		   uint64_t *out) SL_MUST_USE;

// A plain path relative to the spec, noted as an input; owned, NULL after a problem. One slash at
// the end of a folder's name is taken off; "." is the spec's own folder.
char *checker_path(struct checker *checker, const struct node *node,
		   enum spec_input_kind kind) SL_MUST_USE;

// A PEP 440 version in its normal form, borrowed; NULL after a problem.
const char *checker_version(struct checker *checker, const struct node *node) SL_MUST_USE;

struct plan_origin checker_origin(const struct node *node);

// The sections, each in a file of its own.
void section_base(struct checker *checker, const struct node *value); // section_base.c
void section_pip(struct checker *checker, const struct node *value);  // section_pip.c
void section_worker(struct checker *checker, const struct node *value);
// After both: packages and worker come from a lock. `root` is the whole spec.
void section_check_lock(struct checker *checker, const struct node *root);
void section_files(struct checker *checker, const struct node *value); // section_image.c
void section_env(struct checker *checker, const struct node *value);
void section_labels(struct checker *checker, const struct node *value);
void section_help(struct checker *checker, const struct node *value);
void section_post(struct checker *checker, const struct node *value); // section_scripts.c
void section_test(struct checker *checker, const struct node *value);
void section_runscript(struct checker *checker, const struct node *value);

#endif
