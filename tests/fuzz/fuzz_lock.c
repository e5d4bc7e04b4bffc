// SPDX-License-Identifier: Apache-2.0
// A lock that can be read is written again byte for byte, and renders with a plan that fits.
#include "bundles/recipe/recipe.h"

#include <assert.h>
#include <string.h>

static struct plan *fitting_plan(const struct lock *lock)
{
	struct plan *plan = plan_new();
	plan->name = sl_strdup("fuzz");
	plan->version = sl_strdup("1.0");
	plan->description = sl_strdup("");
	plan->base.kind = lock->has_base_blob ? BASE_LOCALIMAGE : BASE_DOCKER;
	if (lock->has_base_blob)
		plan->base.file = sl_strdup("base.sif");
	else
		plan->base.reference = sl_strdup("docker.io/library/python");
	plan->target.python = sl_strdup("3.11.2");
	plan->target.platform = sl_strdup("linux/x86_64");
	plan->target.glibc = sl_strdup("2.36");
	plan->has_pip = true;
	plan->timeout = 60;
	for (size_t i = 0; i < lock->files.len; i++) {
		struct plan_file *file = sl_list_add(&plan->files);
		*file = (struct plan_file){
			.from = sl_strdup("x"), .to = sl_format("/f%06zu", i), .mode = 0644};
	}
	const struct lock_package *worker = lock_find(lock, "globus-compute-endpoint");
	plan->worker_version = worker ? sl_strdup(worker->version) : NULL;
	return plan;
}

static void check_lock(const struct lock *lock)
{
	struct sl_error err = {0}, why = {0};
	auto_plan struct plan *plan = fitting_plan(lock);
	if (!lock_check(lock, plan, &why))
		return;
	struct content content = {0};
	bool rendered = recipe_render(plan, lock, &content, &err);
	assert(rendered);
	content_release(&content);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_error err = {0};
	sl_auto_json json_t *json =
		sl_json_load_canonical((const char *)data, size, "lock.json", &err);
	auto_lock struct lock *lock = json ? lock_from_json(json, &err) : NULL;
	if (!lock) {
		assert(err.kind != SL_E_NONE && err.kind != SL_E_INTERNAL);
		return 0;
	}
	sl_auto_buf struct sl_buf text;
	sl_buf_init(&text, size);
	lock_format(lock, &text);
	assert(!text.overflow && text.len == size && memcmp(text.data, data, size) == 0);
	check_lock(lock);
	return 0;
}
