// SPDX-License-Identifier: Apache-2.0
// The plan as a value.
#include "bundles/recipe/plan.h"

#include <string.h>

struct plan *plan_new(void)
{
	return sl_alloc(sizeof(struct plan));
}

static void free_pairs(struct plan_pair *items, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		free(items[i].name);
		free(items[i].value);
	}
	free(items);
}

static void free_scripts(struct plan_script *items, size_t len)
{
	for (size_t i = 0; i < len; i++)
		free(items[i].run);
	free(items);
}

static void free_files(struct plan_file *items, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		free(items[i].from);
		free(items[i].to);
	}
	free(items);
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	char *texts[] = {plan->name,	       plan->version,	      plan->description,
			 plan->base.reference, plan->base.tag,	      plan->base.file,
			 plan->target.python,  plan->target.platform, plan->target.glibc,
			 plan->pip_lock,       plan->runscript,	      plan->help,
			 plan->worker_version};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(texts[i]);
	sl_strings_release(&plan->requirements);
	sl_strings_release(&plan->wheelhouses);
	sl_strings_release(&plan->options);
	free_files(plan->files.items, plan->files.len);
	free_pairs(plan->env.items, plan->env.len);
	free_pairs(plan->labels.items, plan->labels.len);
	free_scripts(plan->post.items, plan->post.len);
	free_scripts(plan->test.items, plan->test.len);
	free(plan);
}

static const char *const base_kinds[] = {
	[BASE_DOCKER] = "docker",
	[BASE_OCI_ARCHIVE] = "oci-archive",
	[BASE_DOCKER_ARCHIVE] = "docker-archive",
	[BASE_LOCALIMAGE] = "localimage",
};

const char *base_kind_name(enum base_kind kind)
{
	return base_kinds[kind];
}

bool base_kind_parse(const char *word, enum base_kind *out)
{
	for (unsigned i = 0; i < sizeof base_kinds / sizeof *base_kinds; i++) {
		if (strcmp(word, base_kinds[i]) == 0) {
			*out = (enum base_kind)i;
			return true;
		}
	}
	return false;
}
