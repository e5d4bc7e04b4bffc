// SPDX-License-Identifier: Apache-2.0
// files, env, labels and help: what is put into the image as it is.
#include "compiler/spec/checker.h"

#include <string.h>

static void read_from(struct checker *checker, const struct node *value)
{
	checker->file->from = checker_path(checker, value, INPUT_FILE);
}

// True if `inner` is a path below the folder `outer`, or the same.
static bool stands_in(const char *inner, const char *outer)
{
	size_t len = strlen(outer);
	return strncmp(inner, outer, len) == 0 && (inner[len] == '\0' || inner[len] == '/');
}

static void read_to(struct checker *checker, const struct node *value)
{
	const char *text =
		checker_ruled_text(checker, value, "a path in the image", plan_check_image_path);
	if (!text)
		return;
	sl_list_each (&checker->plan->files, other) {
		if (!stands_in(text, other->to) && !stands_in(other->to, text))
			continue;
		sl_auto_free char *shown = spec_shown(other->to);
		bool same = strcmp(text, other->to) == 0;
		checker_problem(checker, value, "give each file a path of its own",
				same ? "'%s' is the place of another file, named in line %u"
				     : "'%s', named in line %u, would have to be file and folder",
				shown, other->origin.line);
		return;
	}
	checker->file->to = sl_strdup(text);
}

static const char *rule_mode(const char *text)
{
	bool good = strlen(text) == 4 && text[0] == '0' && strspn(text, "01234567") == 4;
	return good ? NULL : "'0' and three digits from 0 to 7, in quotes: \"0644\" or \"0755\"";
}

static void read_mode(struct checker *checker, const struct node *value)
{
	const char *text = checker_ruled_text(checker, value, "a file mode", rule_mode);
	if (text)
		checker->file->mode = (unsigned)strtoul(text, NULL, 8);
}

static const struct field file_fields[] = {
	{"from", read_from, FIELD_NEEDED, "from: app.ini"},
	{"to", read_to, FIELD_NEEDED, "to: /etc/app.ini"},
	{"mode", read_mode, FIELD_OPTIONAL, NULL},
	FIELD_END,
};

static void read_one_file(struct checker *checker, const struct node *value)
{
	struct plan_file file = {.mode = 0644, .origin = checker_origin(value)};
	checker->file = &file;
	checker_fields(checker, value, file_fields);
	checker->file = NULL;
	if (file.from && file.to) {
		*sl_list_add(&checker->plan->files) = file;
		return;
	}
	free(file.from);
	free(file.to);
}

static int compare_files(const void *a, const void *b)
{
	const struct plan_file *first = a, *second = b;
	return strcmp(first->to, second->to);
}

void section_files(struct checker *checker, const struct node *value)
{
	if (!checker_is_list(checker, value, SL_LIMIT_FILES))
		return;
	for (size_t i = 0; i < value->items.len; i++) {
		size_t mark = trail_index(&checker->trail, i);
		read_one_file(checker, value->items.items[i]);
		trail_cut(&checker->trail, mark);
	}
	if (checker->plan->files.len > 1)
		qsort(checker->plan->files.items, checker->plan->files.len,
		      sizeof *checker->plan->files.items, compare_files);
}

static int compare_pairs(const void *a, const void *b)
{
	const struct plan_pair *first = a, *second = b;
	return strcmp(first->name, second->name);
}

// What a mapping with free keys holds: env and labels.
struct pairs {
	const char *name_what, *value_what;
	text_rule *name_rule, *value_rule;
	size_t max;
};

static bool read_pair(struct checker *checker, const struct node_entry *entry,
		      const struct pairs *pairs, struct plan_pair *pair_out)
{
	const char *name = checker_key(checker, entry->key);
	const char *hint = name ? pairs->name_rule(name) : NULL;
	if (hint) {
		sl_auto_free char *shown = spec_shown(name);
		checker_problem(checker, entry->key, hint, "'%s' is not %s", shown,
				pairs->name_what);
	}
	const char *value =
		checker_ruled_text(checker, entry->value, pairs->value_what, pairs->value_rule);
	if (!name || hint || !value)
		return false;
	*pair_out = (struct plan_pair){sl_strdup(name), sl_strdup(value)};
	return true;
}

struct pair_list {
	SL_LIST(struct plan_pair) pairs;
};

static struct pair_list read_pairs(struct checker *checker, const struct node *value,
				   const struct pairs *rules)
{
	struct pair_list list = {0};
	if (!checker_is_map(checker, value, rules->max))
		return list;
	sl_list_each (&value->entries, entry) {
		struct plan_pair pair;
		size_t mark = trail_key(&checker->trail, entry->key->text);
		if (read_pair(checker, entry, rules, &pair))
			*sl_list_add(&list.pairs) = pair;
		trail_cut(&checker->trail, mark);
	}
	if (list.pairs.len > 1)
		qsort(list.pairs.items, list.pairs.len, sizeof *list.pairs.items, compare_pairs);
	return list;
}

void section_env(struct checker *checker, const struct node *value)
{
	static const struct pairs rules = {
		"the name of a variable",
		"a value for a variable",
		plan_check_env_name,
		plan_check_env_value,
		SL_LIMIT_ENV,
	};
	struct pair_list list = read_pairs(checker, value, &rules);
	checker->plan->env.items = list.pairs.items;
	checker->plan->env.len = list.pairs.len;
	checker->plan->env.cap = list.pairs.cap;
}

void section_labels(struct checker *checker, const struct node *value)
{
	static const struct pairs rules = {
		"the name of a label",	"a value for a label", plan_check_label_name,
		plan_check_label_value, SL_LIMIT_LABELS,
	};
	struct pair_list list = read_pairs(checker, value, &rules);
	checker->plan->labels.items = list.pairs.items;
	checker->plan->labels.len = list.pairs.len;
	checker->plan->labels.cap = list.pairs.cap;
}

void section_help(struct checker *checker, const struct node *value)
{
	const char *text = checker_ruled_text(checker, value, "a help text", plan_check_help);
	if (text)
		checker->plan->help = sl_strdup(text);
}
