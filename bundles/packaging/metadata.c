// SPDX-License-Identifier: Apache-2.0
// The headers of METADATA, split into lines and fields as Python's e-mail parser does it, because
// that is what decides on the endpoint: a reader that saw other fields would resolve other
// packages.
#include "bundles/packaging/metadata.h"

#include "bundles/packaging/scan.h"

#include <string.h>
#include <strings.h>

struct reader {
	const char *at, *end;
	const char *shown;
	struct metadata *out;
	struct sl_error *err;
};

void metadata_release(struct metadata *metadata)
{
	free(metadata->name);
	free(metadata->version);
	free(metadata->requires_python);
	sl_list_each (&metadata->requires_dist, text)
		free(*text);
	sl_list_release(&metadata->requires_dist);
	sl_list_each (&metadata->provides_extra, name)
		free(*name);
	sl_list_release(&metadata->provides_extra);
	free(metadata->license_expression);
	*metadata = (struct metadata){0};
}

// The next line without its end, which is "\n", "\r\n" or "\r".
static bool next_line(struct reader *reader, const char **line, size_t *len)
{
	if (reader->at == reader->end)
		return false;
	const char *at = reader->at;
	while (at < reader->end && *at != '\n' && *at != '\r')
		at++;
	*line = reader->at;
	*len = (size_t)(at - reader->at);
	if (at < reader->end && *at == '\r')
		at++;
	if (at < reader->end && *at == '\n' && (at == *line + *len || at[-1] == '\r'))
		at++;
	reader->at = at;
	return true;
}

// Length of the field name that begins `line`, 0 if it is no header.
static size_t field_length(const char *line, size_t len)
{
	size_t i = 0;
	while (i < len && line[i] > ' ' && line[i] < 0x7f && line[i] != ':')
		i++;
	return i < len && line[i] == ':' ? i : 0;
}

enum field {
	FIELD_METADATA_VERSION,
	FIELD_NAME,
	FIELD_VERSION,
	FIELD_REQUIRES_PYTHON,
	FIELD_REQUIRES_DIST,
	FIELD_PROVIDES_EXTRA,
	FIELD_LICENSE_EXPRESSION,
	FIELD_OTHER,
};

static const char *const fields[] = {"Metadata-Version",  "Name",	   "Version",
				     "Requires-Python",	  "Requires-Dist", "Provides-Extra",
				     "License-Expression"};

static enum field field_named(const char *name, size_t len)
{
	for (int i = 0; i < FIELD_OTHER; i++) {
		if (strlen(fields[i]) == len && strncasecmp(fields[i], name, len) == 0)
			return (enum field)i;
	}
	return FIELD_OTHER;
}

// Of a field that may stand there once, the first counts.
static void set_once(char **slot, const char *value)
{
	if (!*slot)
		*slot = sl_strdup(value);
}

static bool check_metadata_version(const struct reader *reader, const char *value)
{
	size_t digits = strspn(value, "0123456789");
	if (digits == 1 && (*value == '1' || *value == '2') && value[1] == '.')
		return true;
	sl_auto_free char *shown = sl_text_shown(value);
	return sl_fail(reader->err, SL_E_FORMAT,
		       "%s: METADATA has Metadata-Version '%s'; 1.x and 2.x can be read",
		       reader->shown, shown);
}

static bool too_many(const struct reader *reader, enum field field)
{
	return sl_fail(reader->err, SL_E_LIMIT, "%s: METADATA has more than %d %s", reader->shown,
		       SL_LIMIT_REQUIRES, fields[field]);
}

static bool take_field(struct reader *reader, enum field field, const char *value)
{
	struct metadata *out = reader->out;
	switch (field) {
	case FIELD_METADATA_VERSION:
		return check_metadata_version(reader, value);
	case FIELD_NAME:
		set_once(&out->name, value);
		return true;
	case FIELD_VERSION:
		set_once(&out->version, value);
		return true;
	case FIELD_REQUIRES_PYTHON:
		set_once(&out->requires_python, value);
		return true;
	case FIELD_LICENSE_EXPRESSION:
		set_once(&out->license_expression, value);
		return true;
	case FIELD_REQUIRES_DIST:
		if (out->requires_dist.len == SL_LIMIT_REQUIRES)
			return too_many(reader, field);
		*sl_list_add(&out->requires_dist) = sl_strdup(value);
		return true;
	case FIELD_PROVIDES_EXTRA:
		if (out->provides_extra.len == SL_LIMIT_REQUIRES)
			return too_many(reader, field);
		*sl_list_add(&out->provides_extra) = name_normalise(value, strlen(value));
		return true;
	case FIELD_OTHER:
		break;
	}
	return true;
}

static bool is_continuation(const struct reader *reader)
{
	return reader->at < reader->end && scan_is_blank(*reader->at);
}

// The value with its continuation lines, each joined by one blank.
static bool read_value(struct reader *reader, enum field field, const char *value, size_t len)
{
	sl_auto_buf struct sl_buf whole = {0};
	sl_buf_init(&whole, SL_LIMIT_REQUIRE_LINE);
	scan_trim(&value, &len);
	sl_buf_add(&whole, value, len);
	while (is_continuation(reader) && next_line(reader, &value, &len)) {
		scan_trim(&value, &len);
		if (whole.len && len)
			sl_buf_addc(&whole, ' ');
		sl_buf_add(&whole, value, len);
	}
	if (whole.overflow)
		return sl_fail(reader->err, SL_E_LIMIT,
			       "%s: METADATA has a %s of more than %llu bytes", reader->shown,
			       fields[field], SL_LIMIT_REQUIRE_LINE);
	return take_field(reader, field, whole.data);
}

static void skip_value(struct reader *reader)
{
	const char *line;
	size_t len;
	while (is_continuation(reader) && next_line(reader, &line, &len))
		continue;
}

static bool read_headers(struct reader *reader)
{
	const char *line;
	size_t len;
	while (next_line(reader, &line, &len)) {
		size_t name_len = field_length(line, len);
		if (name_len == 0)
			return true; // an empty line, or one that ends the headers without being
				     // empty
		enum field field = field_named(line, name_len);
		if (field == FIELD_OTHER)
			skip_value(reader);
		else if (!read_value(reader, field, line + name_len + 1, len - name_len - 1))
			return false;
	}
	return true;
}

static bool check_whole(const struct reader *reader)
{
	const struct metadata *out = reader->out;
	if (!out->name || !name_is_valid(out->name, strlen(out->name)))
		return sl_fail(reader->err, SL_E_FORMAT, "%s: METADATA has no valid Name",
			       reader->shown);
	if (!out->version || !*out->version)
		return sl_fail(reader->err, SL_E_FORMAT, "%s: METADATA has no Version",
			       reader->shown);
	return true;
}

bool metadata_parse(const char *text, size_t len, const char *shown, struct metadata *out,
		    struct sl_error *err)
{
	*out = (struct metadata){0};
	if (len > SL_LIMIT_METADATA)
		return sl_fail(err, SL_E_LIMIT, "%s: METADATA is larger than %llu bytes", shown,
			       SL_LIMIT_METADATA);
	if (memchr(text, '\0', len) || !sl_text_is_utf8(text, len))
		return sl_fail(err, SL_E_FORMAT, "%s: METADATA is not UTF-8 text", shown);
	struct reader reader = {text, text + len, shown, out, err};
	if (read_headers(&reader) && check_whole(&reader))
		return true;
	metadata_release(out);
	return false;
}
