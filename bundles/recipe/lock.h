// SPDX-License-Identifier: Apache-2.0
// The lock: every input of a build by digest, in the order the plan names them. A value like the
// plan; specs/lock.md is the law.
#ifndef SL_RECIPE_LOCK_H
#define SL_RECIPE_LOCK_H

#include "bundles/recipe/plan.h"

#define LOCK_FORMAT 1

// A carried file: travels in the bundle as an object named by its digest.
struct lock_blob {
	struct sl_digest sha256;
	uint64_t size;
};

struct lock_package {
	char *name;    // normalised (PEP 503)
	char *version; // normal form (PEP 440)
	SL_LIST(struct sl_digest)
	hashes; // all that the requirements file allows, sorted; at least one
	bool carried;
	char *file;		// carried: the wheel's file name
	struct lock_blob wheel; // carried: one of the hashes
	struct sl_strings
		requires; // normalised names of the packages it needs here, sorted; only if checked
};

struct lock_installer {
	char *name; // "pip" or "uv"
	char *version, *file;
	struct lock_blob wheel;
};

struct lock {
	bool has_base_blob; // the base is carried
	struct lock_blob base;
	SL_LIST(struct lock_blob) files;       // one for each plan.files, in that order
	SL_LIST(struct lock_package) packages; // sorted by name
	bool dependencies_checked;
	bool has_installer;
	struct lock_installer installer;
};

struct lock *lock_new(void);
void lock_free(struct lock *lock);
#define auto_lock __attribute__((cleanup(lock_cleanup)))
static inline void lock_cleanup(struct lock **lock)
{
	lock_free(*lock);
}

// lock.json: reading refuses everything that lock_check_values() refuses, unknown keys and other
// types (SL_E_FORMAT, "lock.json: path: …"); writing gives the canonical text of what was read.
struct lock *lock_from_json(json_t *json, struct sl_error *err) SL_MUST_USE;
void lock_format(const struct lock *lock, struct sl_buf *out);

// Names and versions in normal form, files that are wheels of their package, lists sorted and each
// entry once, hashes that include the carried wheel's, requirements that are locked.
// SL_E_FORMAT "lock.json: path: …".
bool lock_check_values(const struct lock *lock, struct sl_error *err) SL_MUST_USE;

// Plan and lock belong together: same number of files, a base blob exactly when the base is a file,
// the worker at its version, an installer when wheels are carried. SL_E_FORMAT names what differs.
bool lock_check(const struct lock *lock, const struct plan *plan, struct sl_error *err) SL_MUST_USE;

const struct lock_package *lock_find(const struct lock *lock, const char *name); // or NULL

#endif
