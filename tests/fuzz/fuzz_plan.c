// SPDX-License-Identifier: Apache-2.0
// A plan that can be read is written again byte for byte, and renders: with a lock that fits, its
// definition is one that the definition parser accepts.
#include "bundles/recipe/recipe.h"

#include <assert.h>
#include <string.h>

static void fit_worker(struct lock *lock, const struct plan *plan)
{
	if (!plan->worker_version)
		return;
	struct lock_package *worker = sl_list_add(&lock->packages);
	worker->name = sl_strdup("globus-compute-endpoint");
	worker->version = sl_strdup(plan->worker_version);
	*sl_list_add(&worker->hashes) = sl_sha256_bytes("x", 1);
}

static struct lock *fitting_lock(const struct plan *plan)
{
	struct lock *lock = lock_new();
	lock->has_base_blob = plan->base.kind != BASE_DOCKER;
	for (size_t i = 0; i < plan->files.len; i++)
		sl_list_add(&lock->files)->size = i;
	fit_worker(lock, plan);
	return lock;
}

static void check_plan(const struct plan *plan)
{
	struct sl_error err = {0};
	auto_lock struct lock *lock = fitting_lock(plan);
	struct content content = {0};
	bool rendered = recipe_render(plan, lock, &content, &err);
	assert(rendered);
	assert(content_find(&content, "image.def"));
	content_release(&content);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_error err = {0};
	sl_auto_json json_t *json =
		sl_json_load_canonical((const char *)data, size, "plan.json", &err);
	auto_plan struct plan *plan = json ? plan_from_json(json, &err) : NULL;
	if (!plan) {
		assert(err.kind != SL_E_NONE && err.kind != SL_E_INTERNAL);
		return 0;
	}
	sl_auto_json json_t *again = plan_to_json(plan);
	sl_auto_buf struct sl_buf text;
	sl_buf_init(&text, size);
	assert(sl_json_canonical(again, &text, &err));
	assert(!text.overflow && text.len == size && memcmp(text.data, data, size) == 0);
	check_plan(plan);
	return 0;
}
