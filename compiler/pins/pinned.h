// SPDX-License-Identifier: Apache-2.0
// A requirements file with hashes (pip-compile, `uv pip compile --generate-hashes`), as pins: one
// version of each project, and the digests it may have.
#ifndef PINS_PINNED_H
#define PINS_PINNED_H

#include "compiler/pins/target.h"
#include "compiler/pins/wheelhouse.h"

struct pinned {
	char *name;  // normalised
	char *shown; // as written
	struct version *version;
	char *where;			  // "requirements.lock:12"
	SL_LIST(struct sl_digest) hashes; // sha256, sorted, each once
	struct sl_strings extras; // asked for, normalised; grows while dependencies are followed
	const struct wheel_file *wheel; // chosen from the wheelhouse
	struct lock_blob blob;		// of the wheel
	bool digest_assumed; // the only hash there is; compared when the bytes are copied
	bool has_metadata;
	struct metadata metadata;   // of the wheel
	struct sl_strings requires; // normalised names of what it needs here
};

struct pinned_list {
	SL_LIST(struct pinned) items; // sorted by name
};

// Problems (no pin, no sha256, a URL, an index option, twice) go to `pins`, with file and line.
// False only for a failure of this machine.
bool pinned_read(struct pinned_list *list, const struct plan *plan,
		 const struct pin_sources *sources, const struct pin_target *target,
		 struct pins *pins, struct sl_error *err) SL_MUST_USE;
void pinned_release(struct pinned_list *list);
struct pinned *pinned_find(struct pinned_list *list, const char *name); // or NULL

// Chooses a wheel for every pin and fills `wheel`, `blob`, `digest_assumed`.
bool pinned_choose_wheels(struct pinned_list *list, const struct wheelhouse *house,
			  const struct pin_target *target, const struct pin_sources *sources,
			  struct pins *pins, struct sl_error *err) SL_MUST_USE;

// Follows METADATA from the plan's requirements and the worker on: everything needed must be
// pinned, at a version that is admitted; every wheel must admit the target's Python. Fills
// `requires`.
bool pinned_check_dependencies(struct pinned_list *list, const struct plan *plan,
			       const struct pin_target *target, struct pins *pins,
			       struct sl_error *err) SL_MUST_USE;

// What the plan itself asks for is pinned (all that can be said without wheels).
bool pinned_check_roots(struct pinned_list *list, const struct plan *plan,
			const struct pin_target *target, struct pins *pins,
			struct sl_error *err) SL_MUST_USE;

#endif
