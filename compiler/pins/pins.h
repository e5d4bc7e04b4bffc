// SPDX-License-Identifier: Apache-2.0
// Plan + sources -> lock. The sources are folders and files on this machine; nothing is fetched.
#ifndef SL_PINS_H
#define SL_PINS_H

#include "bundles/recipe/lock.h"

struct pin_sources {
	int spec_dir; // descriptor of the folder the spec lies in; paths of the plan start here
	const char *spec_shown;	     // its name for messages
	struct sl_words wheelhouses; // extra folders from the command line
	unsigned threads;
	struct sl_progress *progress; // may be NULL
};

// Where the bytes of each carried object are: for the writer.
struct pin_object {
	struct lock_blob blob;
	char *path;
};

struct pins {
	struct lock *lock;
	SL_LIST(struct pin_object) objects; // base, wheels, installer, user files
	SL_LIST(char *) notes;	  // for people: "dependencies not checked", rewritten metadata, …
	SL_LIST(char *) problems; // every reason why there is no lock
	SL_LIST(char *)
	missing; // "NAME VERSION" of every pin without a wheel, told as one problem or more
};

void pins_release(struct pins *pins);

// The carried objects' sizes come from the files as they are now. Their digests were computed, or,
// for a wheel whose only allowed hash stands in the requirements file, taken from there: the writer
// compares while it copies.
// On false with problems: `err` is SL_E_INPUT and counts them, `problems` names each one: a wheel
// that does not fit the target, a hash that does not match, a dependency missing from the lock (and
// who needs it), the worker missing. `pins_out` must be released in either case.
bool resolve(const struct plan *plan, const struct pin_sources *sources, struct pins *pins_out,
	     struct sl_error *err) SL_MUST_USE;

#endif
