// SPDX-License-Identifier: Apache-2.0
// The lock as a value, and the rules that tie it to its plan.
#include "bundles/recipe/lock.h"

#include <string.h>

#define WORKER "globus-compute-endpoint"

struct lock *lock_new(void)
{
	return sl_alloc(sizeof(struct lock));
}

void lock_free(struct lock *lock)
{
	if (!lock)
		return;
	sl_list_each (&lock->packages, package) {
		free(package->name);
		free(package->version);
		free(package->file);
		sl_list_release(&package->hashes);
		sl_strings_release(&package->requires);
	}
	sl_list_release(&lock->packages);
	sl_list_release(&lock->files);
	free(lock->installer.name);
	free(lock->installer.version);
	free(lock->installer.file);
	free(lock);
}

static int compare_name(const void *name, const void *package)
{
	return strcmp(name, ((const struct lock_package *)package)->name);
}

const struct lock_package *lock_find(const struct lock *lock, const char *name)
{
	if (lock->packages.len == 0)
		return NULL;
	return bsearch(name, lock->packages.items, lock->packages.len, sizeof *lock->packages.items,
		       compare_name);
}

static bool check_base(const struct lock *lock, const struct plan *plan, struct sl_error *err)
{
	bool carried = plan->base.kind != BASE_DOCKER;
	if (carried && !lock->has_base_blob)
		return sl_fail(err, SL_E_FORMAT,
			       "lock.json: base: missing, but the plan carries the base '%s'",
			       plan->base.file);
	if (!carried && lock->has_base_blob)
		return sl_fail(
			err, SL_E_FORMAT,
			"lock.json: base: the plan's base is fetched by digest, not carried");
	return true;
}

static bool check_worker(const struct lock *lock, const struct plan *plan, struct sl_error *err)
{
	if (!plan->worker_version)
		return true;
	const struct lock_package *worker = lock_find(lock, WORKER);
	if (!worker)
		return sl_fail(err, SL_E_FORMAT, "lock.json: packages: " WORKER " is missing");
	if (strcmp(worker->version, plan->worker_version) != 0)
		return sl_fail(err, SL_E_FORMAT,
			       "lock.json: packages: " WORKER " is %s, the plan says %s",
			       worker->version, plan->worker_version);
	return true;
}

static bool check_installer(const struct lock *lock, const struct plan *plan, struct sl_error *err)
{
	bool carried = false;
	sl_list_each (&lock->packages, package) {
		carried = carried || package->carried;
	}
	if (carried != lock->has_installer)
		return sl_fail(err, SL_E_FORMAT, "lock.json: installer: %s",
			       carried ? "missing, but wheels are carried"
				       : "carried, but there is no carried wheel to install");
	static const char *const wanted[] = {[PIP_INSTALLER_AUTO] = NULL,
					     [PIP_INSTALLER_PIP] = "pip",
					     [PIP_INSTALLER_UV] = "uv"};
	const char *want = wanted[plan->installer];
	if (carried && want && strcmp(want, lock->installer.name) != 0)
		return sl_fail(err, SL_E_FORMAT, "lock.json: installer: is %s, the plan says %s",
			       lock->installer.name, want);
	return true;
}

bool lock_check(const struct lock *lock, const struct plan *plan, struct sl_error *err)
{
	if (lock->files.len != plan->files.len)
		return sl_fail(err, SL_E_FORMAT, "lock.json: files: %zu entries, the plan has %zu",
			       lock->files.len, plan->files.len);
	if (lock->packages.len > 0 && !plan->has_pip && !plan->worker_version)
		return sl_fail(err, SL_E_FORMAT,
			       "lock.json: packages: the plan asks for no packages");
	return check_base(lock, plan, err) && check_worker(lock, plan, err) &&
	       check_installer(lock, plan, err);
}
