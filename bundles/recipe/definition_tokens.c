// SPDX-License-Identifier: Apache-2.0
// Matching one line against one pattern of the grammar. A token takes the longest run of its
// alphabet and then has to obey its rule; patterns are written so that no token is followed by a
// character of its own alphabet, hence there is never a choice to go back to.
#include "bundles/recipe/definition_grammar.h"
#include "bundles/recipe/plan.h"
#include "bundles/recipe/rules.h"

#include <assert.h>
#include <string.h>

#define OPEN	   "‹"
#define CLOSE	   "›"
#define OPEN_MAYBE "⟦"
#define END_MAYBE  "⟧"

#define DIGITS "0123456789"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define ALNUM  DIGITS LOWER UPPER

struct token {
	const char *name;
	const char *alphabet;		  // NULL: up to the end of the line, or `span`
	size_t (*span)(const char *text); // NULL: by alphabet
	bool (*obeys)(const char *text);
};

static bool is_hex(const char *text)
{
	struct sl_digest ignored;
	return sl_digest_parse(text, &ignored);
}

static bool is_script_number(const char *text)
{
	unsigned long number = strtoul(text, NULL, 10);
	return strlen(text) == 2 && number >= 1 && number <= SL_LIMIT_SCRIPTS;
}

static bool is_path(const char *text)
{
	return !plan_check_image_path(text);
}

// A folder in which a user's file lies.
static bool is_folder(const char *text)
{
	sl_auto_free char *inside = sl_format("%s/x", text);
	return is_path(inside);
}

static bool is_mode(const char *text)
{
	return strlen(text) == 4 && *text == '0';
}

static bool is_python(const char *text)
{
	return !plan_check_python(text);
}

static bool is_minor(const char *text)
{
	return strncmp(text, "3.", 2) == 0 && rules_is_numbers(text, 2);
}

static bool is_libc(const char *text)
{
	return !plan_check_glibc(text);
}

// "2, 36": the version as the list that Python compares with.
static bool is_libc_list(const char *text)
{
	const char *comma = strstr(text, ", ");
	if (!comma)
		return false;
	sl_auto_free char *dotted = sl_format("%.*s.%s", (int)(comma - text), text, comma + 2);
	return is_libc(dotted);
}

static bool is_machine(const char *text)
{
	sl_auto_free char *platform = sl_format("linux/%s", text);
	return !plan_check_platform(platform);
}

static bool is_env_name(const char *text)
{
	return !plan_check_env_name(text);
}

static bool is_label_name(const char *text)
{
	return !plan_check_label_name(text);
}

static bool is_label_value(const char *text)
{
	return !plan_check_label_value(text);
}

// "docker.io/library/python:3.11-slim@sha256:…", the tag only if the plan has one.
static bool is_base(const char *text)
{
	const char *at = strchr(text, '@');
	if (!at || strncmp(at, "@sha256:", 8) != 0 || !is_hex(at + 8))
		return false;
	sl_auto_free char *name = sl_strndup(text, (size_t)(at - text));
	char *colon = strrchr(name, ':');
	if (colon && !strchr(colon, '/')) {
		*colon = '\0';
		if (plan_check_tag(colon + 1))
			return false;
	}
	return !plan_check_reference(name);
}

static bool is_help(const char *text)
{
	return rules_is_clean(text, "\t") && !rules_has_section_line(text);
}

// The quoted form of a value up to the closing quote, decoded as rules_quote() encodes.
static size_t span_value(const char *text)
{
	size_t at = 0;
	while (text[at]) {
		if (text[at] == '\\' && text[at + 1])
			at += 2;
		else if (text[at] == '"' && at > 0 && text[at - 1] == '{' &&
			 strncmp(text + at, "\"\"{", 3) == 0)
			at += 2;
		else if (text[at] == '"')
			break;
		else
			at++;
	}
	return at;
}

// The value is good if it says the same when it is decoded, checked and encoded again.
static bool is_value(const char *quoted)
{
	size_t len = strlen(quoted);
	sl_auto_buf struct sl_buf plain, again;
	sl_buf_init(&plain, len + 1);
	sl_buf_init(&again, len + 1);
	for (size_t at = 0; at < len; at++) {
		if (quoted[at] == '"')
			continue;
		if (quoted[at] == '\\')
			at++;
		sl_buf_addc(&plain, quoted[at]);
	}
	if (plan_check_env_value(plain.data))
		return false;
	rules_quote(&again, plain.data);
	return !again.overflow && strcmp(again.data, quoted) == 0;
}

static size_t span_line(const char *text)
{
	return strlen(text);
}

static const struct token tokens[] = {
	{"hex", DIGITS "abcdef", NULL, is_hex},
	{"nn", DIGITS, NULL, is_script_number},
	{"wheel", ALNUM "._+!-", NULL, rules_is_wheel_file},
	{"path", ALNUM "/._+=@,:~-", NULL, is_path},
	{"folder", ALNUM "/._+=@,:~-", NULL, is_folder},
	{"mode", "01234567", NULL, is_mode},
	{"python", DIGITS ".", NULL, is_python},
	{"minor", DIGITS ".", NULL, is_minor},
	{"libc", DIGITS ".", NULL, is_libc},
	{"glibc", DIGITS ", ", NULL, is_libc_list},
	{"machine", ALNUM "_", NULL, is_machine},
	{"version", ALNUM ".!+", NULL, rules_is_version},
	{"name", ALNUM "._-", NULL, sl_text_is_name},
	{"base", ALNUM "./:@_-", NULL, is_base},
	{"env", ALNUM "_", NULL, is_env_name},
	{"value", NULL, span_value, is_value},
	{"label", ALNUM "._-", NULL, is_label_name},
	{"line", NULL, span_line, is_label_value},
	{"help", NULL, span_line, is_help},
};

static const struct token *find_token(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
		if (strlen(tokens[i].name) == len && memcmp(tokens[i].name, name, len) == 0)
			return &tokens[i];
	return NULL;
}

// What a line said for its last token, for ‹same›.
struct capture {
	const char *text;
	size_t len;
};

static bool take_token(const char *name, size_t name_len, const char **line, struct capture *last)
{
	if (name_len == 4 && memcmp(name, "same", 4) == 0) {
		if (strncmp(*line, last->text, last->len) != 0)
			return false;
		*line += last->len;
		return true;
	}
	const struct token *token = find_token(name, name_len);
	assert(token); // the grammar names only tokens of this file
	size_t len = token->span ? token->span(*line) : strspn(*line, token->alphabet);
	sl_auto_free char *text = sl_strndup(*line, len);
	*last = (struct capture){.text = *line, .len = len};
	*line += len;
	return token->obeys(text);
}

// The text between two marks of a pattern; moves `*pattern` behind the closing one.
static const char *take_marked(const char **pattern, const char *open, const char *close,
			       size_t *len_out)
{
	if (strncmp(*pattern, open, strlen(open)) != 0)
		return NULL;
	const char *text = *pattern + strlen(open);
	const char *end = strstr(text, close);
	*len_out = (size_t)(end - text);
	*pattern = end + strlen(close);
	return text;
}

bool line_matches(const char *pattern, const char *line)
{
	struct capture last = {"", 0};
	while (*pattern) {
		size_t len;
		const char *marked = take_marked(&pattern, OPEN, CLOSE, &len);
		if (marked) {
			if (!take_token(marked, len, &line, &last))
				return false;
			continue;
		}
		marked = take_marked(&pattern, OPEN_MAYBE, END_MAYBE, &len);
		if (marked) {
			line += strncmp(line, marked, len) == 0 ? len : 0;
			continue;
		}
		if (*pattern++ != *line++)
			return false;
	}
	return *line == '\0';
}
