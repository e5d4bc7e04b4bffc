// SPDX-License-Identifier: Apache-2.0
// How closed a bundle is: one rule over its inputs, never a claim (specs/closure.md).
#include "bundles/recipe/recipe.h"

#include <string.h>

static const char *const closure_words[] = {
	[CLOSURE_OPEN] = "open", [CLOSURE_PINNED] = "pinned", [CLOSURE_SEALED] = "sealed"};

const char *closure_name(enum closure closure)
{
	return closure_words[closure];
}

bool closure_parse(const char *word, enum closure *out)
{
	for (unsigned i = 0; i < sizeof closure_words / sizeof *closure_words; i++) {
		if (strcmp(word, closure_words[i]) == 0) {
			*out = (enum closure)i;
			return true;
		}
	}
	return false;
}

void closure_report_release(struct closure_report *report)
{
	sl_list_each (&report->inputs, input) {
		free(input->what);
		free(input->why);
	}
	sl_list_release(&report->inputs);
}

// Takes over `what` and `why`.
static void add(struct closure_report *report, enum closure closure, char *what, char *why)
{
	struct closure_input *input = sl_list_add(&report->inputs);
	*input = (struct closure_input){.what = what, .why = why, .closure = closure};
	if (closure < report->closure)
		report->closure = closure;
}

static void add_base(struct closure_report *report, const struct plan *plan)
{
	char *what = sl_strdup("base image");
	if (plan->base.kind == BASE_DOCKER)
		add(report, CLOSURE_PINNED, what,
		    sl_format("%s is fetched by its digest", plan->base.reference));
	else
		add(report, CLOSURE_SEALED, what,
		    sl_format("%s carried", base_kind_name(plan->base.kind)));
}

static void add_packages(struct closure_report *report, const struct lock *lock)
{
	size_t carried = 0, all = lock->packages.len;
	sl_list_each (&lock->packages, package) {
		carried += package->carried;
	}
	if (carried > 0)
		add(report, CLOSURE_SEALED, sl_strdup("python packages"),
		    sl_format("%zu carried", carried));
	if (carried < all)
		add(report, CLOSURE_PINNED, sl_strdup("python packages"),
		    sl_format("%zu fetched by sha256", all - carried));
	if (lock->has_installer)
		add(report, CLOSURE_SEALED, sl_strdup("installer"),
		    sl_format("%s %s carried", lock->installer.name, lock->installer.version));
}

// A script may do anything; only without a network is it a function of what it finds in the image.
static void add_script(struct closure_report *report, char *what, const struct plan_script *script)
{
	if (script->network == SCRIPT_NETWORK_NONE)
		add(report, CLOSURE_SEALED, what, sl_strdup("runs without a network"));
	else
		add(report, CLOSURE_OPEN, what,
		    sl_strdup(
			    "may use the network (write {run: …, network: none} if it need not)"));
}

void closure_compute(const struct plan *plan, const struct lock *lock,
		     struct closure_report *report_out)
{
	*report_out = (struct closure_report){.closure = CLOSURE_SEALED};
	add_base(report_out, plan);
	add_packages(report_out, lock);
	if (plan->files.len > 0)
		add(report_out, CLOSURE_SEALED, sl_strdup("files"),
		    sl_format("%zu carried", plan->files.len));
	for (size_t i = 0; i < plan->post.len; i++)
		add_script(report_out, sl_format("post script %zu", i + 1), &plan->post.items[i]);
	sl_list_each (&plan->test, test) {
		add_script(report_out, sl_strdup("test script"), test);
	}
}
