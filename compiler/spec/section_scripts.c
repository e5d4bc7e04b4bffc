// SPDX-License-Identifier: Apache-2.0
// post, test and runscript: shell text that the image carries as files.
#include "compiler/spec/checker.h"

#include <string.h>

// Owned, with a newline at the end; NULL after a problem.
static char *read_script_text(struct checker *checker, const struct node *value)
{
	const char *text = checker_text(checker, value);
	if (!text)
		return NULL;
	size_t len = strlen(text);
	const char *end = len > 0 && text[len - 1] == '\n' ? "" : "\n";
	sl_auto_free char *script = sl_format("%s%s", text, end);
	const char *hint = strspn(text, " \t\n") == len ? "write what is to be run, or leave it out"
							: plan_check_script(script);
	if (hint) {
		checker_problem(checker, value, hint, "this cannot be run as a script");
		return NULL;
	}
	return sl_take(script);
}

static void read_run(struct checker *checker, const struct node *value)
{
	checker->script->run = read_script_text(checker, value);
}

// In the order of enum script_network.
static void read_network(struct checker *checker, const struct node *value)
{
	static const char *const words[] = {"any", "none", NULL};
	int found = checker_word(checker, value, "a network", words);
	if (found >= 0)
		checker->script->network = (enum script_network)found;
}

static const struct field script_fields[] = {
	{"run", read_run, FIELD_NEEDED, "run: \"make install\""},
	{"network", read_network, FIELD_OPTIONAL, NULL},
	FIELD_END,
};

// Text, or {run, network}. False after a problem.
static bool read_script(struct checker *checker, const struct node *value,
			struct plan_script *script_out)
{
	*script_out = (struct plan_script){.network = SCRIPT_NETWORK_ANY};
	checker->script = script_out;
	if (value->kind == NODE_MAP)
		checker_fields(checker, value, script_fields);
	else
		read_run(checker, value);
	checker->script = NULL;
	return script_out->run != NULL;
}

void section_post(struct checker *checker, const struct node *value)
{
	if (!checker_is_list(checker, value, SL_LIMIT_SCRIPTS))
		return;
	for (size_t i = 0; i < value->items.len; i++) {
		size_t mark = trail_index(&checker->trail, i);
		struct plan_script script;
		if (read_script(checker, value->items.items[i], &script))
			*sl_list_add(&checker->plan->post) = script;
		trail_cut(&checker->trail, mark);
	}
}

void section_test(struct checker *checker, const struct node *value)
{
	struct plan_script script;
	if (read_script(checker, value, &script))
		*sl_list_add(&checker->plan->test) = script;
}

void section_runscript(struct checker *checker, const struct node *value)
{
	checker->plan->runscript = read_script_text(checker, value);
}
