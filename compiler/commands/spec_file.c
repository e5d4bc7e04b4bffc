// SPDX-License-Identifier: Apache-2.0
#include "compiler/commands/spec_file.h"

#include <stdio.h>

bool spec_file_read(struct spec_file *file, const char *path, struct sl_error *err)
{
	*file = (struct spec_file){.shown = sl_text_shown(path), .folder = -1};
	sl_buf_init(&file->text, SL_LIMIT_SPEC);
	if (!sl_read_file(path, &file->text, err))
		return err->kind == SL_E_LIMIT ? sl_prefix(err, "this is no spec") : false;
	file->plan = spec_parse(file->text.data, file->text.len, file->shown, &file->report, err);
	if (err->kind)
		return false;
	file->folder_path = sl_path_dir(path);
	if (!sl_open_dir(file->folder_path, &file->folder, err))
		return false;
	if (spec_check_inputs(&file->report, file->folder) && file->plan)
		return true;
	size_t count = file->report.problems.len;
	return sl_fail(err, SL_E_INPUT, "%s: %zu problem%s", file->shown, count,
		       count == 1 ? "" : "s");
}

void spec_file_release(struct spec_file *file)
{
	free(file->shown);
	free(file->folder_path);
	sl_buf_release(&file->text);
	spec_report_release(&file->report);
	plan_free(file->plan);
	sl_cleanup_fd(&file->folder);
}

void spec_file_print_problems(const struct spec_file *file)
{
	sl_auto_buf struct sl_buf out = {0};
	sl_buf_init(&out, 4 * SL_MIB);
	sl_list_each (&file->report.problems, problem)
		spec_problem_print(problem, file->text.data, file->text.len, file->shown, &out);
	fputs(out.data, stderr);
}
