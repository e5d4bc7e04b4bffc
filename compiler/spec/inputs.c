// SPDX-License-Identifier: Apache-2.0
// Do the files that a spec names stand beside it? Opens them as `compile` will, and reads nothing.
#include "compiler/spec/report.h"

#include <string.h>

static bool input_exists(int dirfd, const struct spec_input *input, const char *shown,
			 struct sl_error *err)
{
	sl_auto_fd int fd = -1;
	if (input->folder && strcmp(input->name, ".") == 0)
		return true;
	if (input->folder)
		return sl_open_dir_beneath(dirfd, input->name, shown, &fd, err);
	return sl_open_beneath(dirfd, input->name, shown, &fd, NULL, err);
}

bool spec_check_inputs(struct spec_report *report, int dirfd)
{
	bool all = true;
	sl_list_each (&report->inputs, input) {
		struct sl_error err = {0};
		sl_auto_free char *shown = spec_shown(input->name);
		if (input_exists(dirfd, input, shown, &err))
			continue;
		all = false;
		spec_report_add(report, input->place, input->path,
				"paths start at the spec's own folder", "%s", err.text);
	}
	spec_report_sort(report);
	return all;
}
