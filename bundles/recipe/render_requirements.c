// SPDX-License-Identifier: Apache-2.0
// Requirements files: one exact version and its hashes for each package, and nothing else. There is
// no option line, so no index and no path can be named here (T56, T57).
#include "bundles/recipe/render.h"

#include <string.h>

static void add_head(const struct plan *plan, const char *what, struct sl_buf *out)
{
	sl_buf_addf(out, "# %s %s: %s\n", plan->name, plan->version, what);
	sl_buf_addf(out, "# locked for Python %s, %s, glibc %s\n", plan->target.python,
		    plan->target.platform, plan->target.glibc);
}

static void add_hash(const struct sl_digest *hash, struct sl_buf *out)
{
	sl_buf_adds(out, " \\\n    --hash=sha256:");
	sl_digest_add_hex(hash, out);
}

// With one hash the installer can take no other file than the one that was reviewed.
static void add_package(const struct lock_package *package, bool only_carried, struct sl_buf *out)
{
	sl_buf_addf(out, "%s==%s", package->name, package->version);
	if (only_carried && package->carried) {
		add_hash(&package->wheel.sha256, out);
	} else {
		sl_list_each (&package->hashes, hash) {
			add_hash(hash, out);
		}
	}
	sl_buf_addc(out, '\n');
}

void render_requirements(const struct plan *plan, const struct lock *lock, struct sl_buf *out)
{
	add_head(plan, "the packages of the image", out);
	sl_list_each (&lock->packages, package) {
		add_package(package, true, out);
	}
}

// Marks `index` and whatever it requires, without recursion: `open` is a stack.
static void mark_closure(const struct lock *lock, size_t index, bool *marked)
{
	SL_LIST(size_t) open = {0};
	*sl_list_add(&open) = index;
	while (open.len > 0) {
		const struct lock_package *package = &lock->packages.items[open.items[--open.len]];
		size_t at = (size_t)(package - lock->packages.items);
		if (marked[at])
			continue;
		marked[at] = true;
		for (size_t i = 0; i < package->requires.len; i++) {
			const struct lock_package *needed =
				lock_find(lock, package->requires.items[i]);
			if (needed)
				*sl_list_add(&open) = (size_t)(needed - lock->packages.items);
		}
	}
	sl_list_release(&open);
}

// The endpoint may run on another Python or machine than the image, so all hashes stay.
void render_endpoint_requirements(const struct plan *plan, const struct lock *lock,
				  struct sl_buf *out)
{
	const struct lock_package *worker = lock_find(lock, RECIPE_WORKER);
	bool narrow = lock->dependencies_checked && worker;
	sl_auto_free bool *marked = sl_alloc_array(lock->packages.len + 1, sizeof *marked);
	if (narrow)
		mark_closure(lock, (size_t)(worker - lock->packages.items), marked);
	add_head(plan,
		 narrow ? "the packages of the endpoint"
			: "the packages of the endpoint (all of the image's: their dependencies "
			  "were not checked)",
		 out);
	for (size_t i = 0; i < lock->packages.len; i++)
		if (!narrow || marked[i])
			add_package(&lock->packages.items[i], false, out);
}
