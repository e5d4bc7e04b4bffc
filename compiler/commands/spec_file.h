// SPDX-License-Identifier: Apache-2.0
// A spec as the commands take it: read, parsed, and with everything that it names in its place.
#ifndef SL_COMPILER_SPEC_FILE_H
#define SL_COMPILER_SPEC_FILE_H

#include "compiler/spec/spec.h"

struct spec_file {
	char *shown; // the spec's path for messages
	struct sl_buf text;
	struct spec_report report;
	struct plan *plan; // NULL when the spec itself has a problem
	int folder;	   // the one it lies in; -1 before it was opened
	char *folder_path;
};

// True only without any problem. On false with report.problems, `err` is SL_E_INPUT and counts
// them; without, it is about this machine or a limit. Release it in either case.
bool spec_file_read(struct spec_file *file, const char *path, struct sl_error *err) SL_MUST_USE;
void spec_file_release(struct spec_file *file);

// All problems on stderr, as a compiler prints them.
void spec_file_print_problems(const struct spec_file *file);

#endif
