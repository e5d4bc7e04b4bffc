// SPDX-License-Identifier: Apache-2.0
#include "bundles/packaging/requirement.h"

#include "bundles/packaging/marker_parts.h"
#include "bundles/packaging/scan.h"
#include "bundles/packaging/specifier_parts.h"

#include <string.h>

struct reader {
	const char *start, *at, *end;
	bool lenient;
	struct sl_error *err;
};

static bool more(const struct reader *reader)
{
	return reader->at < reader->end;
}

static bool at_char(const struct reader *reader, char c)
{
	return more(reader) && *reader->at == c;
}

static void skip_blanks(struct reader *reader)
{
	while (more(reader) && scan_is_blank(*reader->at))
		reader->at++;
}

static bool fail_at(struct reader *reader, const char *what)
{
	sl_auto_free char *shown = sl_text_shown(reader->start);
	return sl_fail(reader->err, SL_E_INPUT,
		       "'%s' is not a requirement (PEP 508): %s at character %zu", shown, what,
		       (size_t)(reader->at - reader->start) + 1);
}

// A name begins with a letter or digit and ends with one (or, as the reference has it, with "_").
static size_t name_length(const struct reader *reader)
{
	const char *at = reader->at;
	if (!more(reader) || !scan_is_alnum(*at))
		return 0;
	while (at < reader->end && (scan_is_alnum(*at) || *at == '.' || *at == '-' || *at == '_'))
		at++;
	while (at[-1] == '.' || at[-1] == '-')
		at--;
	return (size_t)(at - reader->at);
}

static bool read_name(struct reader *reader, struct requirement *out)
{
	skip_blanks(reader);
	size_t len = name_length(reader);
	if (len == 0)
		return fail_at(reader, "a project name is missing");
	out->name = sl_strndup(reader->at, len);
	out->normalised = name_normalise(reader->at, len);
	reader->at += len;
	skip_blanks(reader);
	return true;
}

static void drop_repeated(struct sl_strings *names)
{
	size_t kept = 0;
	for (size_t i = 0; i < names->len; i++) {
		if (kept && strcmp(names->items[kept - 1], names->items[i]) == 0)
			free(names->items[i]);
		else
			names->items[kept++] = names->items[i];
	}
	names->len = kept;
}

static bool read_extras(struct reader *reader, struct requirement *out)
{
	if (!at_char(reader, '['))
		return true;
	reader->at++;
	skip_blanks(reader);
	while (out->extras.len || !at_char(reader, ']')) {
		size_t len = name_length(reader);
		if (len == 0)
			return fail_at(reader, "the name of an extra is missing");
		*sl_list_add(&out->extras) = name_normalise(reader->at, len);
		reader->at += len;
		skip_blanks(reader);
		if (!at_char(reader, ','))
			break;
		reader->at++;
		skip_blanks(reader);
	}
	if (!at_char(reader, ']'))
		return fail_at(reader, "',' or ']' is missing after an extra");
	reader->at++;
	skip_blanks(reader);
	sl_strings_sort(&out->extras);
	drop_repeated(&out->extras);
	return true;
}

// The URL is a run of non-blanks, so a ";" needs a blank before it to begin a marker.
static bool read_url(struct reader *reader, struct requirement *out)
{
	reader->at++;
	skip_blanks(reader);
	const char *start = reader->at;
	while (more(reader) && !scan_is_space(*reader->at))
		reader->at++;
	if (reader->at == start)
		return fail_at(reader, "a URL is missing after '@'");
	out->url = sl_strndup(start, (size_t)(reader->at - start));
	skip_blanks(reader);
	return true;
}

static bool parse_clauses(struct reader *reader, const char *text, size_t len,
			  struct requirement *out)
{
	bool repaired;
	bool good = reader->lenient
			    ? specifier_parse_slice_lenient(text, len, &out->specifier, &repaired,
							    reader->err)
			    : specifier_parse_slice(text, len, true, &out->specifier, reader->err);
	if (good)
		return true;
	sl_auto_free char *shown = sl_text_shown(reader->start);
	return sl_prefix(reader->err, "'%s' is not a requirement (PEP 508)", shown);
}

static bool read_clauses(struct reader *reader, struct requirement *out)
{
	bool enclosed = at_char(reader, '(');
	if (enclosed)
		reader->at++;
	const char *start = reader->at;
	const char *end = start;
	for (; end < reader->end && *end != (enclosed ? ')' : ';'); end++) {
		// A line break is white space for a version, but not for a requirement.
		if (scan_is_space(*end) && !scan_is_blank(*end)) {
			reader->at = end;
			return fail_at(reader, "a line break or control character");
		}
	}
	if (enclosed && end == reader->end)
		return fail_at(reader, "')' is missing");
	if (!parse_clauses(reader, start, (size_t)(end - start), out))
		return false;
	reader->at = enclosed ? end + 1 : end;
	skip_blanks(reader);
	return true;
}

static bool read_marker(struct reader *reader, struct requirement *out)
{
	if (!more(reader))
		return true;
	if (*reader->at != ';')
		return fail_at(reader, "';' or the end is expected");
	reader->at++;
	if (marker_parse_slice(reader->at, (size_t)(reader->end - reader->at), !reader->lenient,
			       &out->marker, reader->err))
		return true;
	sl_auto_free char *shown = sl_text_shown(reader->start);
	return sl_prefix(reader->err, "'%s' is not a requirement (PEP 508)", shown);
}

static bool read_requirement(struct reader *reader, struct requirement *out)
{
	if (!read_name(reader, out) || !read_extras(reader, out))
		return false;
	if (at_char(reader, '@')) {
		if (!read_url(reader, out) || !parse_clauses(reader, "", 0, out))
			return false;
	} else if (!read_clauses(reader, out)) {
		return false;
	}
	return read_marker(reader, out);
}

bool requirement_parse(const char *text, bool lenient, struct requirement *out,
		       struct sl_error *err)
{
	*out = (struct requirement){0};
	size_t len = strlen(text);
	if (len > SL_LIMIT_REQUIRE_LINE)
		return sl_fail(err, SL_E_LIMIT, "a requirement of %zu bytes, more than %llu", len,
			       SL_LIMIT_REQUIRE_LINE);
	struct reader reader = {
		.start = text, .at = text, .end = text + len, .lenient = lenient, .err = err};
	if (read_requirement(&reader, out))
		return true;
	requirement_release(out);
	return false;
}

void requirement_release(struct requirement *requirement)
{
	free(requirement->name);
	free(requirement->normalised);
	sl_strings_release(&requirement->extras);
	specifier_free(requirement->specifier);
	free(requirement->url);
	marker_free(requirement->marker);
	*requirement = (struct requirement){0};
}

bool requirement_is_active(const struct requirement *requirement,
			   const struct marker_environment *environment,
			   const struct sl_strings *extras, bool *active_out, struct sl_error *err)
{
	*active_out = true;
	if (!requirement->marker)
		return true;
	struct marker_environment with_extra = *environment;
	with_extra.extra = NULL;
	if (!marker_evaluate(requirement->marker, &with_extra, active_out, err))
		return false;
	for (size_t i = 0; !*active_out && i < extras->len; i++) {
		with_extra.extra = extras->items[i];
		if (!marker_evaluate(requirement->marker, &with_extra, active_out, err))
			return false;
	}
	return true;
}
