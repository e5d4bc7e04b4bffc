// SPDX-License-Identifier: Apache-2.0
// Collecting problems and the path of the value that is being looked at.
#ifndef SL_SPEC_REPORT_H
#define SL_SPEC_REPORT_H

#include "compiler/spec/spec.h"

// Keeps at most SL_LIMIT_PROBLEMS; the last one then says that there are more. `path` and `hint`
// are copied; `hint` may be NULL.
void spec_report_add(struct spec_report *report, struct spec_place place, const char *path,
		     const char *hint, const char *fmt, ...) SL_PRINTF(5, 6);
void spec_report_addv(struct spec_report *report, struct spec_place place, const char *path,
		      const char *hint, const char *fmt, va_list args) SL_PRINTF(5, 0);
void spec_report_input(struct spec_report *report, struct spec_place place, const char *path,
		       const char *name, enum spec_input_kind kind);
void spec_report_sort(struct spec_report *report); // by position; equal ones stay in order

// "files[3].to", grown and cut as a walk goes down and up the tree.
struct trail {
	struct sl_buf text;
};

void trail_init(struct trail *trail);
void trail_release(struct trail *trail);
// Each returns the mark that trail_cut() goes back to.
size_t trail_key(struct trail *trail, const char *key); // shown escaped, long ones shortened
size_t trail_index(struct trail *trail, size_t index);
void trail_cut(struct trail *trail, size_t mark);

// `text` escaped for a message, cut after about 60 characters. Owned.
char *spec_shown(const char *text);

#endif
