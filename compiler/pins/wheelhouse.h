// SPDX-License-Identifier: Apache-2.0
// The wheels that lie in the given folders, by name and version. Only names are read here.
#ifndef PINS_WHEELHOUSE_H
#define PINS_WHEELHOUSE_H

#include "bundles/packaging/packaging.h"
#include "compiler/pins/pins.h"

struct wheel_file {
	char *leaf, *path; // path: as it can be opened from here
	struct wheel_name name;
	long rank;     // for the target; -1 = does not fit
	size_t folder; // in order of the folders: the first one that has a file name wins
};

struct wheelhouse {
	SL_LIST(struct wheel_file) wheels; // sorted by normalised name, then best first
	struct sl_strings folders;	   // as they are named in messages
	size_t passed_over;		   // files that are not wheels
};

// Scans the plan's folders (below the spec's) and those of the command line (as given), not
// recursively. A folder that cannot be read is SL_E_IO; a broken wheel name is passed over.
bool wheelhouse_scan(struct wheelhouse *house, const struct plan *plan,
		     const struct pin_sources *sources, const struct tag_set *tags,
		     struct sl_error *err) SL_MUST_USE;
void wheelhouse_release(struct wheelhouse *house);

// The wheels of one project: `*len_out` of them from the returned one on; NULL when there is none.
const struct wheel_file *wheelhouse_find(const struct wheelhouse *house, const char *name,
					 size_t *len_out);

#endif
