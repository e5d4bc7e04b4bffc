// SPDX-License-Identifier: Apache-2.0
// Files that name other files. The chain of files that are being read is kept on the stack: a name
// that is in it already would never end. SL_LIMIT_INCLUDES bounds the number of files in all.
#include "bundles/packaging/requirements_txt.h"

#include "bundles/packaging/requirements_parts.h"
#include "bundles/packaging/scan.h"

#include <string.h>

struct chain {
	const struct chain *up;
	const char *path; // without "." parts
};

struct job {
	requirements_opener *opener;
	requirements_variable *variable;
	void *context;
	struct requirements_file *out;
	unsigned files;
	struct sl_error *err;
};

// "a/./b//c" is "a/b/c": enough to see that two spellings are one file. ".." is left as it is, for
// what it means depends on links.
static char *tidy_path(const char *path)
{
	char *tidy = sl_strdup(path);
	size_t out = 0;
	for (size_t i = 0; path[i];) {
		size_t len = strcspn(path + i, "/");
		bool last = path[i + len] == '\0';
		bool skip = len == 0 ? i > 0 : len == 1 && path[i] == '.';
		if (!skip) {
			memmove(tidy + out, path + i, len);
			out += len;
			if (!last)
				tidy[out++] = '/';
		}
		i += len + !last;
	}
	tidy[out] = '\0';
	return tidy;
}

// Replaces each ${NAME} that has a value; other "$" are text.
static bool expand(const struct job *job, const char *text, struct sl_buf *out)
{
	for (;;) {
		size_t len = strcspn(text, "$");
		sl_buf_add(out, text, len);
		text += len;
		if (!*text)
			break;
		len = 0;
		if (text[1] == '{')
			len = strspn(text + 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
		if (len == 0 || text[2 + len] != '}') {
			sl_buf_addc(out, *text++);
			continue;
		}
		sl_auto_free char *name = sl_strndup(text + 2, len);
		if (!job->variable)
			return sl_fail(job->err, SL_E_INPUT,
				       "${%s} would make the result depend on the environment: "
				       "write its value",
				       name);
		const char *value = job->variable(job->context, name);
		if (value && *value)
			sl_buf_adds(out, value);
		else
			sl_buf_add(out, text, len + 3);
		text += len + 3;
	}
	return sl_buf_ok(out, "a line", job->err);
}

static bool read_file(struct job *job, const char *path, const char *tidy, bool constraint,
		      const struct chain *up);

static bool is_url(const char *path)
{
	size_t scheme = 0;
	while (scan_is_alnum(path[scheme]) || (path[scheme] && strchr("+-.", path[scheme])))
		scheme++;
	return scheme > 1 && path[scheme] == ':';
}

static bool include(struct job *job, const struct chain *chain, const char *from, const char *name,
		    bool constraint)
{
	sl_auto_free char *shown = sl_text_shown(name);
	if (is_url(name))
		return sl_fail(job->err, SL_E_INPUT,
			       "'%s' is on a network: bring the file here and name it by its path",
			       shown);
	sl_auto_free char *folder = sl_path_dir(from);
	sl_auto_free char *path = strchr(from, '/') ? sl_path_join(folder, name) : sl_strdup(name);
	sl_auto_free char *tidy = tidy_path(path);
	for (const struct chain *link = chain; link; link = link->up) {
		if (strcmp(link->path, tidy) == 0)
			return sl_fail(job->err, SL_E_INPUT,
				       "'%s' includes itself, directly or through others", shown);
	}
	return read_file(job, path, tidy, constraint, chain);
}

static bool take_line(struct job *job, const struct chain *chain, const char *path, unsigned number,
		      const char *text, bool constraint)
{
	struct requirements_line line = {.file = sl_strdup(path), .line = number};
	line.constraint = constraint;
	sl_auto_free char *included = NULL;
	bool included_constraint;
	if (!requirements_read_line(text, &line, &included, &included_constraint, job->err)) {
		requirements_line_release(&line);
		return false;
	}
	if (included) {
		requirements_line_release(&line);
		return include(job, chain, path, included, included_constraint);
	}
	*sl_list_add(&job->out->lines) = line;
	return true;
}

static bool read_lines(struct job *job, const struct chain *chain, const char *path,
		       struct requirements_reader *reader, bool constraint)
{
	sl_auto_buf struct sl_buf expanded = {0};
	sl_buf_init(&expanded, SL_LIMIT_LINE);
	sl_auto_free char *shown = sl_text_shown(path);
	while (requirements_next(reader, job->err)) {
		const char *line = reader->text.data;
		sl_buf_clear(&expanded);
		if (strchr(line, '$')) {
			if (!expand(job, line, &expanded))
				return sl_prefix(job->err, "%s:%u", shown, reader->line);
			line = expanded.data;
		}
		if (!take_line(job, chain, path, reader->line, line, constraint))
			return sl_prefix(job->err, "%s:%u", shown, reader->line);
	}
	if (job->err->kind != SL_E_NONE)
		return sl_prefix(job->err, "%s:%u", shown, reader->line);
	return true;
}

static bool load_text(struct job *job, const char *path, struct sl_buf *text)
{
	sl_auto_buf struct sl_buf bytes = {0};
	sl_buf_init(&bytes, SL_LIMIT_REQUIREMENTS);
	if (!job->opener(job->context, path, &bytes, job->err))
		return false;
	sl_auto_free char *shown = sl_text_shown(path);
	if (!sl_buf_ok(&bytes, shown, job->err))
		return false;
	if (!requirements_decode(bytes.data, bytes.len, text, job->err))
		return sl_prefix(job->err, "%s", shown);
	if (memchr(text->data, '\0', text->len))
		return sl_fail(job->err, SL_E_INPUT, "%s: a NUL character in the text", shown);
	return sl_buf_ok(text, shown, job->err);
}

static bool read_file(struct job *job, const char *path, const char *tidy, bool constraint,
		      const struct chain *up)
{
	if (++job->files > SL_LIMIT_INCLUDES)
		return sl_fail(job->err, SL_E_LIMIT,
			       "more than %d requirements files include each other",
			       SL_LIMIT_INCLUDES);
	sl_auto_buf struct sl_buf text = {0};
	sl_buf_init(&text, 2 * SL_LIMIT_REQUIREMENTS);
	if (!load_text(job, path, &text))
		return false;
	struct chain chain = {up, tidy};
	struct requirements_reader reader;
	requirements_reader_init(&reader, text.data, text.len);
	bool good = read_lines(job, &chain, path, &reader, constraint);
	requirements_reader_release(&reader);
	return good;
}

bool requirements_parse(const char *root, requirements_opener *opener,
			requirements_variable *variable, void *context,
			struct requirements_file *out, struct sl_error *err)
{
	*out = (struct requirements_file){0};
	struct job job = {
		.opener = opener, .variable = variable, .context = context, .out = out, .err = err};
	sl_auto_free char *tidy = tidy_path(root);
	if (read_file(&job, root, tidy, false, NULL))
		return true;
	requirements_release(out);
	return false;
}

void requirements_release(struct requirements_file *file)
{
	sl_list_each (&file->lines, line)
		requirements_line_release(line);
	sl_list_release(&file->lines);
}
