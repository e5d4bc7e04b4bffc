// SPDX-License-Identifier: Apache-2.0
// One logical line: the requirement, and the options after it.
#include "bundles/packaging/requirements_parts.h"

#include "bundles/packaging/name.h"
#include "bundles/packaging/scan.h"

#include <string.h>

enum option {
	OPT_REQUIREMENT,
	OPT_CONSTRAINT,
	OPT_EDITABLE,
	OPT_INDEX_URL,
	OPT_EXTRA_INDEX_URL,
	OPT_NO_INDEX,
	OPT_FIND_LINKS,
	OPT_NO_BINARY,
	OPT_ONLY_BINARY,
	OPT_PREFER_BINARY,
	OPT_REQUIRE_HASHES,
	OPT_NO_REQUIRE_HASHES,
	OPT_PRE,
	OPT_ALL_RELEASES,
	OPT_ONLY_FINAL,
	OPT_TRUSTED_HOST,
	OPT_USE_FEATURE,
	OPT_HASH,
	OPT_CONFIG_SETTINGS,
};

static const struct {
	const char *name;
	char letter;
	bool has_value;
	enum option option;
} options[] = {
	{"--requirement", 'r', true, OPT_REQUIREMENT},
	{"--constraint", 'c', true, OPT_CONSTRAINT},
	{"--editable", 'e', true, OPT_EDITABLE},
	{"--index-url", 'i', true, OPT_INDEX_URL},
	{"--pypi-url", 0, true, OPT_INDEX_URL},
	{"--extra-index-url", 0, true, OPT_EXTRA_INDEX_URL},
	{"--no-index", 0, false, OPT_NO_INDEX},
	{"--find-links", 'f', true, OPT_FIND_LINKS},
	{"--no-binary", 0, true, OPT_NO_BINARY},
	{"--only-binary", 0, true, OPT_ONLY_BINARY},
	{"--prefer-binary", 0, false, OPT_PREFER_BINARY},
	{"--require-hashes", 0, false, OPT_REQUIRE_HASHES},
	{"--no-require-hashes", 0, false, OPT_NO_REQUIRE_HASHES},
	{"--pre", 0, false, OPT_PRE},
	{"--all-releases", 0, true, OPT_ALL_RELEASES},
	{"--only-final", 0, true, OPT_ONLY_FINAL},
	{"--trusted-host", 0, true, OPT_TRUSTED_HOST},
	{"--use-feature", 0, true, OPT_USE_FEATURE},
	{"--hash", 0, true, OPT_HASH},
	{"--config-settings", 'C', true, OPT_CONFIG_SETTINGS},
	{"--config-setting", 0, true, OPT_CONFIG_SETTINGS},
};

enum { OPTIONS = sizeof options / sizeof *options };

struct parser {
	struct requirements_line *out;
	char *requirement, *constraint; // of -r and -c, owned
	char *editable;			// owned
	struct sl_error *err;
};

static bool read_hash(struct parser *parser, const char *value)
{
	static const char *const strong[] = {"sha256", "sha384", "sha512"};
	const char *colon = strchr(value, ':');
	if (!colon)
		return sl_fail(parser->err, SL_E_INPUT,
			       "--hash needs an algorithm and a value, as in --hash=sha256:…");
	for (size_t i = 0; i < 3; i++) {
		if ((size_t)(colon - value) != strlen(strong[i]) ||
		    memcmp(value, strong[i], strlen(strong[i])) != 0)
			continue;
		struct requirements_hash *hash = sl_list_add(&parser->out->hashes);
		hash->algorithm = strong[i];
		hash->hex = sl_strdup(colon + 1);
		return true;
	}
	sl_auto_free char *algorithm = sl_strndup(value, (size_t)(colon - value));
	sl_auto_free char *shown = sl_text_shown(algorithm);
	return sl_fail(parser->err, SL_E_INPUT,
		       "--hash: the algorithm '%s' is not one of sha256, sha384, sha512", shown);
}

static size_t find_string(const struct sl_strings *list, const char *text, size_t from)
{
	while (from < list->len && strcmp(list->items[from], text) != 0)
		from++;
	return from;
}

static void split_commas(const char *value, struct sl_strings *out)
{
	for (;;) {
		size_t len = strcspn(value, ",");
		*sl_list_add(out) = sl_strndup(value, len);
		if (!value[len])
			return;
		value += len + 1;
	}
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has_sorted(const struct sl_strings *sorted, const char *text)
{
	return sorted->len &&
	       bsearch(&text, sorted->items, sorted->len, sizeof text, compare_texts);
}

// Keeps what is not in `sorted`, each once.
static void keep_others(struct sl_strings *list, const struct sl_strings *sorted)
{
	size_t kept = 0;
	sl_strings_sort(list);
	for (size_t i = 0; i < list->len; i++) {
		bool repeated = kept && strcmp(list->items[kept - 1], list->items[i]) == 0;
		if (repeated || has_sorted(sorted, list->items[i]))
			free(list->items[i]);
		else
			list->items[kept++] = list->items[i];
	}
	list->len = kept;
}

// Names, ":all:" and ":none:" for one of two sets that exclude each other; both come out sorted.
static bool read_names(struct parser *parser, const char *option, const char *value,
		       struct sl_strings *target, struct sl_strings *other)
{
	if (*value == '-')
		return sl_fail(parser->err, SL_E_INPUT, "%s needs a value", option);
	struct sl_strings names = {0}, named = {0}, nothing = {0};
	split_commas(value, &names);
	size_t from = 0;
	for (size_t at; (at = find_string(&names, ":all:", from)) < names.len; from = at + 1)
		continue;
	if (from) {
		sl_strings_release(other);
		sl_strings_release(target);
		sl_strings_add(target, ":all:");
		// ":all:" covers every name after it, unless ":none:" takes it back.
		if (find_string(&names, ":none:", from) == names.len)
			from = names.len;
	}
	for (size_t i = from; i < names.len; i++) {
		if (strcmp(names.items[i], ":none:") == 0) {
			sl_strings_release(target);
			continue;
		}
		*sl_list_add(&named) = name_normalise(names.items[i], strlen(names.items[i]));
		sl_strings_add(target, named.items[named.len - 1]);
	}
	sl_strings_sort(&named);
	keep_others(other, &named);
	keep_others(target, &nothing);
	sl_strings_release(&names);
	sl_strings_release(&named);
	return true;
}

static bool set_once(struct parser *parser, char **slot, const char *option, const char *value)
{
	if (*slot)
		return sl_fail(parser->err, SL_E_INPUT, "%s stands twice in one line", option);
	*slot = sl_strdup(value);
	return true;
}

static bool take_flag(struct requirements_line *out, enum option option)
{
	if (option == OPT_NO_INDEX)
		out->no_index = true;
	else if (option == OPT_PREFER_BINARY)
		out->prefer_binary = true;
	else if (option == OPT_REQUIRE_HASHES)
		out->require_hashes = true;
	else if (option == OPT_NO_REQUIRE_HASHES)
		out->no_require_hashes = true;
	else
		out->pre = true;
	return true;
}

static bool take_text(struct sl_strings *list, const char *value)
{
	sl_strings_add(list, value);
	return true;
}

static bool take_option(struct parser *parser, size_t index, const char *value)
{
	struct requirements_line *out = parser->out;
	const char *name = options[index].name;
	switch (options[index].option) {
	case OPT_REQUIREMENT:
		return set_once(parser, &parser->requirement, name, value);
	case OPT_CONSTRAINT:
		return set_once(parser, &parser->constraint, name, value);
	case OPT_EDITABLE:
		return set_once(parser, &parser->editable, name, value);
	case OPT_INDEX_URL:
		free(out->index_url);
		out->index_url = sl_strdup(value);
		return true;
	case OPT_EXTRA_INDEX_URL:
		return take_text(&out->extra_index_urls, value);
	case OPT_FIND_LINKS:
		return take_text(&out->find_links, value);
	case OPT_TRUSTED_HOST:
		return take_text(&out->trusted_hosts, value);
	case OPT_USE_FEATURE:
		return take_text(&out->features, value);
	case OPT_NO_BINARY:
		return read_names(parser, name, value, &out->no_binary, &out->only_binary);
	case OPT_ONLY_BINARY:
		return read_names(parser, name, value, &out->only_binary, &out->no_binary);
	case OPT_ALL_RELEASES:
		return read_names(parser, name, value, &out->all_releases, &out->only_final);
	case OPT_ONLY_FINAL:
		return read_names(parser, name, value, &out->only_final, &out->all_releases);
	case OPT_HASH:
		return read_hash(parser, value);
	case OPT_CONFIG_SETTINGS:
		if (!strchr(value, '='))
			return sl_fail(parser->err, SL_E_INPUT, "%s needs KEY=VALUE", name);
		return take_text(&out->config_settings, value);
	case OPT_NO_INDEX:
	case OPT_PREFER_BINARY:
	case OPT_REQUIRE_HASHES:
	case OPT_NO_REQUIRE_HASHES:
	case OPT_PRE:
		break;
	}
	return take_flag(out, options[index].option);
}

static bool unknown_option(struct parser *parser, const char *word, const char *why)
{
	sl_auto_free char *shown = sl_text_shown(word);
	return sl_fail(parser->err, SL_E_INPUT, "the option '%s' %s", shown, why);
}

// A long option by its name or by the beginning of just one.
static bool find_long(struct parser *parser, const char *word, size_t len, size_t *index_out)
{
	size_t matches = 0;
	for (size_t i = 0; i < OPTIONS; i++) {
		// The first letter tells most of them apart.
		if (options[i].name[2] != word[2] || strncmp(options[i].name, word, len) != 0)
			continue;
		*index_out = i;
		if (options[i].name[len] == '\0')
			return true;
		matches++;
	}
	if (matches == 1)
		return true;
	return unknown_option(parser, word,
			      matches ? "is short for more than one"
				      : "is not allowed in a requirements file");
}

static bool find_short(struct parser *parser, const char *word, size_t *index_out)
{
	for (size_t i = 0; i < OPTIONS; i++) {
		if (options[i].letter && options[i].letter == word[1]) {
			*index_out = i;
			return true;
		}
	}
	return unknown_option(parser, word, "is not allowed in a requirements file");
}

// The option at words[*at], with its value from the same word or the next one.
static bool read_option(struct parser *parser, const struct requirements_words *words, size_t *at)
{
	const char *word = words->words.items[*at];
	const char *value = NULL;
	size_t index = 0;
	if (word[1] == '-') {
		size_t len = strcspn(word, "=");
		if (!find_long(parser, word, len, &index))
			return false;
		if (word[len])
			value = word + len + 1;
	} else {
		if (!find_short(parser, word, &index))
			return false;
		if (word[2])
			value = word + 2;
	}
	if (!options[index].has_value && value)
		return unknown_option(parser, word, "takes no value");
	if (options[index].has_value && !value) {
		if (++*at == words->words.len)
			return unknown_option(parser, word, "needs a value");
		value = words->words.items[*at];
	}
	return take_option(parser, index, value);
}

// Words that are no options are passed over, as pip does; so is all that follows "--".
static bool read_options(struct parser *parser, const struct requirements_words *words)
{
	for (size_t at = 0; at < words->words.len; at++) {
		const char *word = words->words.items[at];
		if (strcmp(word, "--") == 0)
			return true;
		if (word[0] == '-' && word[1] && !read_option(parser, words, &at))
			return false;
	}
	return true;
}

bool requirements_split(const char *text, struct requirements_words *out, struct sl_error *err)
{
	char *to = out->text = sl_alloc(strlen(text) + 1);
	char *start = NULL; // of the word that is being read
	char quote = '\0';
	for (; *text; text++) {
		size_t plain = quote ? 0 : strcspn(text, " \t\r\n\\\"'");
		bool escape = *text == '\\' && quote != '\'';
		// Between double quotes a backslash escapes only these two.
		if (escape && quote == '"' && text[1] && text[1] != '"' && text[1] != '\\')
			escape = false;
		if (escape && !text[1])
			return sl_fail(err, SL_E_INPUT, "a backslash at the end in the options");
		if (!start && (quote || !strchr(" \t\r\n", *text)))
			start = to;
		if (plain) { // the long runs are hashes
			memcpy(to, text, plain);
			to += plain;
			text += plain - 1;
		} else if (escape) {
			*to++ = *++text;
		} else if (quote ? *text == quote : *text == '"' || *text == '\'') {
			quote = quote ? '\0' : *text;
		} else if (quote || !strchr(" \t\r\n", *text)) {
			*to++ = *text;
		} else if (start) {
			*sl_list_add(&out->words) = start;
			*to++ = '\0'; // in the place of the blank
			start = NULL;
		}
	}
	if (quote)
		return sl_fail(err, SL_E_INPUT, "a quote that has no end in the options");
	if (start)
		*sl_list_add(&out->words) = start;
	*to = '\0';
	return true;
}

void requirements_words_release(struct requirements_words *words)
{
	free(words->text);
	sl_list_release(&words->words);
}

// Where the options begin: at the first word, between single blanks, that begins with "-".
static const char *find_options(const char *text)
{
	const char *at = strchr(text, '-');
	while (at && at != text && at[-1] != ' ')
		at = strchr(at + 1, '-');
	return at ? at : text + strlen(text);
}

static bool finish(struct parser *parser, char **include_out, bool *include_is_constraint_out)
{
	struct requirements_line *out = parser->out;
	if (out->requirement)
		return true; // other options beside a requirement count for nothing
	if (parser->editable) {
		out->editable = true;
		out->requirement = sl_take(parser->editable);
		return true;
	}
	if (parser->requirement && parser->constraint)
		return sl_fail(parser->err, SL_E_INPUT, "-r and -c stand in one line: use two");
	*include_is_constraint_out = parser->constraint != NULL;
	*include_out =
		parser->constraint ? sl_take(parser->constraint) : sl_take(parser->requirement);
	return true;
}

bool requirements_read_line(const char *text, struct requirements_line *out, char **include_out,
			    bool *include_is_constraint_out, struct sl_error *err)
{
	*include_out = NULL;
	*include_is_constraint_out = false;
	const char *start = text;
	const char *rest = find_options(text);
	size_t len = (size_t)(rest - start);
	scan_trim(&start, &len);
	if (len)
		out->requirement = sl_strndup(start, len);
	struct requirements_words words = {0};
	struct parser parser = {.out = out, .err = err};
	bool good = requirements_split(rest, &words, err) && read_options(&parser, &words) &&
		    finish(&parser, include_out, include_is_constraint_out);
	requirements_words_release(&words);
	free(parser.requirement);
	free(parser.constraint);
	free(parser.editable);
	return good;
}

void requirements_line_release(struct requirements_line *line)
{
	free(line->file);
	free(line->requirement);
	sl_list_each (&line->hashes, hash)
		free(hash->hex);
	sl_list_release(&line->hashes);
	free(line->index_url);
	struct sl_strings *const lists[] = {
		&line->extra_index_urls, &line->find_links,   &line->trusted_hosts,
		&line->features,	 &line->only_binary,  &line->no_binary,
		&line->only_final,	 &line->all_releases, &line->config_settings};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		sl_strings_release(lists[i]);
	*line = (struct requirements_line){0};
}
