// SPDX-License-Identifier: Apache-2.0
// The recipe: plan + lock -> closure and the files that the endpoint builds from. Pure functions:
// the same values give the same bytes, and bundle_verify() renders again and compares.
#ifndef SL_RECIPE_H
#define SL_RECIPE_H

#include "bundles/recipe/lock.h"
#include "bundles/recipe/plan.h"

enum closure { CLOSURE_OPEN, CLOSURE_PINNED, CLOSURE_SEALED };
const char *closure_name(enum closure closure); // "open", "pinned", "sealed"
bool closure_parse(const char *word, enum closure *out) SL_MUST_USE;

// One input and how closed it is, for people: {"wheels", "60 carried", SEALED}.
struct closure_input {
	char *what, *why;
	enum closure closure;
};

struct closure_report {
	enum closure closure; // that of the least closed input
	SL_LIST(struct closure_input) inputs;
};

// The table of specs/closure.md.
void closure_compute(const struct plan *plan, const struct lock *lock,
		     struct closure_report *report_out);
void closure_report_release(struct closure_report *report);

// A file of the bundle's content, by its name there.
struct content_file {
	char *name; // "image.def", "endpoint/bootstrap.sh", "scripts/post-01.sh", "files/<hex>",
		    // "spec"
	char *data; // NUL-terminated, the NUL not counted
	size_t size;
};

struct content {
	SL_LIST(struct content_file) files; // sorted by name (bytes)
};

void content_release(struct content *content);
const struct content_file *content_find(const struct content *content, const char *name); // or NULL
// Both keep the list sorted; adding a name twice is a programmer's mistake. The first copies, the
// second takes the bytes of `text` and leaves it empty.
void content_add(struct content *content, const char *name, const void *data, size_t size);
void content_take(struct content *content, const char *name, struct sl_buf *text);

// sha256 of the canonical plan.json followed by the canonical lock.json: the label
// org.sealift.recipe.
bool recipe_digest(const struct plan *plan, const struct lock *lock, struct sl_digest *digest_out,
		   struct sl_error *err) SL_MUST_USE;

// Adds everything that is a function of plan and lock: plan.json, lock.json, image.def,
// requirements.txt, sbom.cdx.json, scripts/*, endpoint/*. (Not `spec`, not `files/*`.)
// Parses its own image.def again (definition_parse) and compares it with what was meant.
bool recipe_render(const struct plan *plan, const struct lock *lock, struct content *content,
		   struct sl_error *err) SL_MUST_USE;

// Where things stand in the image.
#define RECIPE_VENV  "/opt/venv"
#define RECIPE_STAGE "/opt/sealift" // removed at the end of %post, but for nothing
#define RECIPE_META  "/.sealift"    // manifest.json, signatures/, scripts/, installed.json: stays

#endif
