// SPDX-License-Identifier: Apache-2.0
// Do the files that a spec names stand beside it? Opens them as `compile` will, and reads nothing.
#include "compiler/spec/report.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

// A folder below `dirfd`, no link on the way; -1 with errno.
static int open_folder(int dirfd, const char *path)
{
	sl_auto_free char *copy = sl_strdup(path);
	int folder = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	char *rest = copy;
	for (char *part; folder >= 0 && (part = strsep(&rest, "/"));) {
		int next = openat(folder, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		int why = errno;
		close(folder);
		errno = why;
		folder = next;
	}
	return folder;
}

static bool folder_exists(int dirfd, const char *path, const char *shown, struct sl_error *err)
{
	sl_auto_fd int fd = open_folder(dirfd, path);
	if (fd >= 0)
		return true;
	if (errno == ENOTDIR || errno == ELOOP)
		return sl_fail(err, SL_E_INPUT, "'%s' is not a folder, or is a symbolic link",
			       shown);
	return sl_fail_errno(err, "cannot open folder '%s'", shown);
}

static bool input_exists(int dirfd, const struct spec_input *input, const char *shown,
			 struct sl_error *err)
{
	if (input->folder)
		return folder_exists(dirfd, input->name, shown, err);
	sl_auto_fd int fd = -1;
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
