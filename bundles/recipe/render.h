// SPDX-License-Identifier: Apache-2.0
// Private to the recipe: one renderer for each kind of file. All are pure functions that cannot
// fail; a buffer that ran into its ceiling is noticed by recipe_render().
#ifndef SL_RECIPE_RENDER_H
#define SL_RECIPE_RENDER_H

#include "bundles/recipe/definition.h"
#include "bundles/recipe/recipe.h"

#define RECIPE_WORKER "globus-compute-endpoint"

// What plan and lock say about packages, decided once for all renderers.
struct render_facts {
	bool packages;	  // there is something to install, hence a venv
	bool carried;	  // some wheels travel, hence an installer does
	bool all_carried; // no index is needed
	bool uv;	  // the installer is uv
	char minor[16];	  // "3.11"
};

struct render_facts render_facts(const struct plan *plan, const struct lock *lock);

// The build of the image.
void render_definition(const struct plan *plan, const struct lock *lock,
		       const struct sl_digest *recipe, struct definition *out);
void render_requirements(const struct plan *plan, const struct lock *lock, struct sl_buf *out);
void render_sbom(const struct plan *plan, const struct lock *lock, const struct sl_digest *recipe,
		 struct sl_buf *out);

// The endpoint's own environment: requirements.txt of the worker's closure (of all packages where
// dependencies were not checked), and the files of endpoint/ by their names there.
void render_endpoint_requirements(const struct plan *plan, const struct lock *lock,
				  struct sl_buf *out);

struct render_file {
	const char *name;	  // "endpoint/bootstrap.sh"
	bool worker;		  // only where there is a worker
	const char *const *lines; // NULL-terminated; @NAME@, @VERSION@, … stand for values
};

const char *const *render_bootstrap(void); // endpoint/bootstrap.sh
// endpoint/config.yaml of the worker's release; there has to be a worker.
const char *const *render_config(const struct plan *plan);
const struct render_file *render_endpoint_files(size_t *len_out);
void render_lines(const struct plan *plan, const struct lock *lock, const char *const *lines,
		  struct sl_buf *out);

#endif
