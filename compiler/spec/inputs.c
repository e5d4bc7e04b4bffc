// SPDX-License-Identifier: Apache-2.0
// Do the files that a spec names stand beside it? Opens them as `compile` will; of an image, reads
// the first block.
#include "compiler/spec/image.h"
#include "compiler/spec/report.h"

#include <string.h>

static bool input_is_good(int dirfd, const struct spec_input *input, const char *shown,
			  const char **hint_out, struct sl_error *err)
{
	sl_auto_fd int fd = -1;
	uint64_t size;
	if (input->kind == INPUT_FOLDER && strcmp(input->name, ".") == 0)
		return true;
	if (input->kind == INPUT_FOLDER)
		return sl_open_dir_beneath(dirfd, input->name, shown, &fd, err);
	return sl_open_beneath(dirfd, input->name, shown, &fd, &size, err) &&
	       (input->kind == INPUT_FILE ||
		image_check(input->kind, fd, size, shown, hint_out, err));
}

bool spec_check_inputs(struct spec_report *report, int dirfd)
{
	bool all = true;
	sl_list_each (&report->inputs, input) {
		struct sl_error err = {0};
		sl_auto_free char *shown = spec_shown(input->name);
		const char *hint = "paths start at the spec's own folder";
		if (input_is_good(dirfd, input, shown, &hint, &err))
			continue;
		all = false;
		spec_report_add(report, input->place, input->path, hint, "%s", err.text);
	}
	spec_report_sort(report);
	return all;
}
