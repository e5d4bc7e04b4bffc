// SPDX-License-Identifier: Apache-2.0
// The files of a bundle's content, sorted by name.
#include "bundles/recipe/recipe.h"

#include <assert.h>
#include <string.h>

void content_release(struct content *content)
{
	sl_list_each (&content->files, file) {
		free(file->name);
		free(file->data);
	}
	sl_list_release(&content->files);
}

// The place of `name`, or where it would have to stand.
static size_t lower_bound(const struct content *content, const char *name)
{
	size_t low = 0, high = content->files.len;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(content->files.items[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct content_file *content_find(const struct content *content, const char *name)
{
	size_t at = lower_bound(content, name);
	if (at == content->files.len || strcmp(content->files.items[at].name, name) != 0)
		return NULL;
	return &content->files.items[at];
}

void content_add(struct content *content, const char *name, const void *data, size_t size)
{
	sl_auto_buf struct sl_buf copy;
	sl_buf_init(&copy, size ? size : 1);
	sl_buf_add(&copy, data, size);
	content_take(content, name, &copy);
}

void content_take(struct content *content, const char *name, struct sl_buf *text)
{
	assert(!content_find(content, name));
	size_t at = lower_bound(content, name);
	sl_list_add(&content->files);
	struct content_file *file = content->files.items + at;
	memmove(file + 1, file, (content->files.len - 1 - at) * sizeof *file);
	*file = (struct content_file){
		.name = sl_strdup(name),
		.size = text->len,
	};
	file->data = sl_buf_steal(text, NULL);
}
