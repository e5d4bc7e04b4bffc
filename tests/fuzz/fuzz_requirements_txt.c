// SPDX-License-Identifier: Apache-2.0
// Any bytes as a requirements file. Parts divided by a byte 0xff are the files that it can name as
// f1.txt, f2.txt, …; the root is the first part.
#include "bundles/packaging/requirements_txt.h"

#include <assert.h>
#include <string.h>

struct input {
	const char *data;
	size_t size;
};

static bool open_part(void *context, const char *path, struct sl_buf *text_out,
		      struct sl_error *err)
{
	const struct input *input = context;
	const char *at = input->data, *end = input->data + input->size;
	unsigned wanted =
		path[0] == 'f' && path[1] >= '1' && path[1] <= '9' ? (unsigned)(path[1] - '0') : 0;
	if (wanted == 0 && strcmp(path, "in.txt") != 0)
		return sl_fail(err, SL_E_IO, "cannot open it");
	for (; wanted; wanted--) {
		at = memchr(at, 0xff, (size_t)(end - at));
		if (!at)
			return sl_fail(err, SL_E_IO, "cannot open it");
		at++;
	}
	const char *stop = memchr(at, 0xff, (size_t)(end - at));
	sl_buf_add(text_out, at, (size_t)((stop ? stop : end) - at));
	return true;
}

static const char *variable(void *context, const char *name)
{
	(void)context;
	return strcmp(name, "A") == 0 ? "value" : NULL;
}

static void check_line(const struct requirements_line *line)
{
	assert(line->file && line->line > 0);
	assert(!line->editable || line->requirement);
	assert(!line->requirement || *line->requirement || line->editable);
	for (size_t i = 0; i < line->hashes.len; i++)
		assert(strncmp(line->hashes.items[i].algorithm, "sha", 3) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {(const char *)data, size};
	struct sl_error err = {0};
	struct requirements_file file;
	bool good = requirements_parse("in.txt", open_part, variable, &input, &file, &err);
	assert(good == (err.kind == SL_E_NONE) && (good || file.lines.len == 0));
	assert(good || err.text[0]);
	for (size_t i = 0; i < file.lines.len; i++)
		check_line(&file.lines.items[i]);
	requirements_release(&file);
	return 0;
}
