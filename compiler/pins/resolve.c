// SPDX-License-Identifier: Apache-2.0
// resolve(plan, sources) -> lock: base, user files, packages and their installer, by digest.
#include "compiler/pins/installer.h"
#include "compiler/pins/pinned.h"
#include "compiler/pins/problems.h"

#include <string.h>

void pins_release(struct pins *pins)
{
	lock_free(pins->lock);
	sl_list_each (&pins->objects, object)
		free(object->path);
	sl_list_release(&pins->objects);
	sl_list_each (&pins->notes, note)
		free(*note);
	sl_list_release(&pins->notes);
	sl_list_each (&pins->problems, problem)
		free(*problem);
	sl_list_release(&pins->problems);
	sl_list_each (&pins->missing, missing)
		free(*missing);
	sl_list_release(&pins->missing);
	*pins = (struct pins){0};
}

static void add_object(struct pins *pins, const struct lock_blob *blob, const char *path)
{
	*sl_list_add(&pins->objects) = (struct pin_object){.blob = *blob, .path = sl_strdup(path)};
}

// ---- the base and the user's files ----------------------------------------------------------

// A file that the spec names, and where it is said.
struct named_file {
	const char *path, *what;
	struct lock_blob blob;
};

struct hashing {
	struct named_file *files;
	const struct pin_sources *sources;
};

static bool hash_named(void *context, size_t index, struct sl_error *err)
{
	const struct hashing *hashing = context;
	struct named_file *file = &hashing->files[index];
	sl_auto_fd int fd = -1;
	if (!sl_open_beneath(hashing->sources->spec_dir, file->path, file->path, &fd,
			     &file->blob.size, err) ||
	    !sl_digest_fd(fd, 0, file->blob.size, file->path, &file->blob.sha256, err))
		return sl_prefix(err, "%s", file->what);
	if (hashing->sources->progress)
		sl_progress_add(hashing->sources->progress, file->blob.size);
	return true;
}

static void take_named(struct pins *pins, const struct pin_sources *sources,
		       const struct named_file *file, bool is_base)
{
	sl_auto_free char *path = sl_path_join(sources->spec_shown, file->path);
	add_object(pins, &file->blob, path);
	if (is_base) {
		pins->lock->has_base_blob = true;
		pins->lock->base = file->blob;
	} else {
		*sl_list_add(&pins->lock->files) = file->blob;
	}
}

static bool pin_named_files(struct pins *pins, const struct plan *plan,
			    const struct pin_sources *sources, struct sl_error *err)
{
	size_t base = plan->base.file != NULL, count = base + plan->files.len;
	sl_auto_free struct named_file *files = sl_alloc_array(count, sizeof *files);
	if (base)
		files[0] = (struct named_file){.path = plan->base.file, .what = "base"};
	for (size_t i = 0; i < plan->files.len; i++)
		files[base + i] =
			(struct named_file){.path = plan->files.items[i].from, .what = "files"};
	struct hashing hashing = {files, sources};
	if (!sl_parallel(count, sources->threads, hash_named, &hashing, err))
		return pins_absorb(pins, err);
	for (size_t i = 0; i < count; i++)
		take_named(pins, sources, &files[i], base && i == 0);
	return true;
}

// ---- packages -------------------------------------------------------------------------------

static bool pin_installer(struct pins *pins, const struct plan *plan,
			  const struct wheelhouse *house, struct sl_error *err)
{
	static const char *const wanted[] = {
		[PIP_INSTALLER_AUTO] = "pip or uv",
		[PIP_INSTALLER_PIP] = "pip",
		[PIP_INSTALLER_UV] = "uv",
	};
	const struct wheel_file *wheel = installer_choose(house, plan->installer);
	if (!wheel && house->wheels.len == 0 && pins->missing.len)
		return true; // the empty wheelhouse has been told
	if (!wheel) {
		pins_problem(pins,
			     "no wheel of %s that fits the target in the wheelhouse: the installer "
			     "travels with the wheels (`pip download --no-deps %s` brings one)",
			     wanted[plan->installer],
			     plan->installer == PIP_INSTALLER_PIP ? "pip" : "uv");
		return true;
	}
	struct lock_installer *installer = &pins->lock->installer;
	sl_auto_fd int fd = -1;
	if (!sl_open_input(wheel->path, &fd, &installer->wheel.size, err) ||
	    !sl_digest_fd(fd, 0, installer->wheel.size, wheel->path, &installer->wheel.sha256, err))
		return false;
	installer->name = sl_strdup(wheel->name.name);
	installer->version = version_format(wheel->name.version);
	installer->file = sl_strdup(wheel->leaf);
	pins->lock->has_installer = true;
	add_object(pins, &installer->wheel, wheel->path);
	return true;
}

static void take_package(struct pins *pins, const struct pinned *pin)
{
	struct lock_package *package = sl_list_add(&pins->lock->packages);
	package->name = sl_strdup(pin->name);
	package->version = version_format(pin->version);
	for (size_t i = 0; i < pin->hashes.len; i++)
		*sl_list_add(&package->hashes) = pin->hashes.items[i];
	if (!pin->wheel)
		return;
	package->carried = true;
	package->file = sl_strdup(pin->wheel->leaf);
	package->wheel = pin->blob;
	for (size_t i = 0; i < pin->requires.len; i++)
		*sl_list_add(&package->requires) = sl_strdup(pin->requires.items[i]);
	add_object(pins, &pin->blob, pin->wheel->path);
}

static bool pin_from_wheelhouse(struct pins *pins, struct pinned_list *list,
				const struct plan *plan, const struct pin_sources *sources,
				const struct pin_target *target, struct sl_error *err)
{
	struct wheelhouse house = {0};
	struct tag_set *tags = NULL;
	bool ok = tags_generate(&target->tag, &tags, err) &&
		  wheelhouse_scan(&house, plan, sources, tags, err) &&
		  pinned_choose_wheels(list, &house, target, sources, pins, err) &&
		  pinned_check_dependencies(list, plan, target, pins, err) &&
		  pin_installer(pins, plan, &house, err);
	if (ok && pins->problems.len == 0) {
		pins->lock->dependencies_checked = true;
		sl_list_each (&list->items, pin)
			take_package(pins, pin);
		if (house.passed_over)
			pins_note(pins,
				  "%zu files of the wheelhouse are not wheels and were passed "
				  "over",
				  house.passed_over);
	}
	wheelhouse_release(&house);
	tags_free(tags);
	return ok;
}

static bool pin_without_wheels(struct pins *pins, struct pinned_list *list, const struct plan *plan,
			       const struct pin_target *target, struct sl_error *err)
{
	if (!pinned_check_roots(list, plan, target, pins, err))
		return false;
	sl_list_each (&list->items, pin)
		take_package(pins, pin);
	pins_note(pins, "dependencies not checked: no wheelhouse, so the lock is taken at its word "
			"and the image uses the base's pip");
	return true;
}

static bool pin_packages(struct pins *pins, const struct plan *plan,
			 const struct pin_sources *sources, struct sl_error *err)
{
	if (!plan->pip_lock)
		return true;
	struct pin_target target;
	struct pinned_list list = {0};
	bool ok = pin_target_init(&target, plan, err) &&
		  pinned_read(&list, plan, sources, &target, pins, err);
	if (ok && (plan->wheelhouses.len || sources->wheelhouses.len))
		ok = pin_from_wheelhouse(pins, &list, plan, sources, &target, err);
	else if (ok)
		ok = pin_without_wheels(pins, &list, plan, &target, err);
	pinned_release(&list);
	pin_target_release(&target);
	return ok;
}

bool resolve(const struct plan *plan, const struct pin_sources *sources, struct pins *pins_out,
	     struct sl_error *err)
{
	*pins_out = (struct pins){.lock = lock_new()};
	if (!pin_named_files(pins_out, plan, sources, err) ||
	    !pin_packages(pins_out, plan, sources, err))
		return false;
	size_t count = pins_out->problems.len;
	if (count > 0)
		return sl_fail(err, SL_E_INPUT, "%zu problem%s with what the spec needs", count,
			       count == 1 ? "" : "s");
	return lock_check(pins_out->lock, plan, err);
}
