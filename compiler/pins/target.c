// SPDX-License-Identifier: Apache-2.0
#include "compiler/pins/target.h"

#include <stdio.h>
#include <string.h>

bool pin_target_init(struct pin_target *target, const struct plan *plan, struct sl_error *err)
{
	*target = (struct pin_target){0};
	struct tag_target *tag = &target->tag;
	const char *machine = strchr(plan->target.platform, '/');
	unsigned patch;
	if (sscanf(plan->target.python, "%u.%u.%u", &tag->major, &tag->minor, &patch) != 3 ||
	    sscanf(plan->target.glibc, "%u.%u", &tag->libc_major, &tag->libc_minor) != 2 ||
	    !machine)
		return sl_fail(err, SL_E_INTERNAL, "the plan's target is not in its grammar");
	target->machine = sl_strdup(machine + 1);
	target->python_version = sl_format("%u.%u", tag->major, tag->minor);
	tag->implementation = "cpython";
	tag->libc = TAG_GLIBC;
	tag->machine = target->machine;
	target->environment = (struct marker_environment){
		.implementation_name = "cpython",
		.implementation_version = plan->target.python,
		.os_name = "posix",
		.platform_machine = target->machine,
		.platform_release = "", // facts of the host's kernel: a build cannot know them
		.platform_system = "Linux",
		.platform_version = "",
		.python_full_version = plan->target.python,
		.platform_python_implementation = "CPython",
		.python_version = target->python_version,
		.sys_platform = "linux",
	};
	return version_parse(plan->target.python, &target->python, err);
}

void pin_target_release(struct pin_target *target)
{
	version_free(target->python);
	free(target->machine);
	free(target->python_version);
	*target = (struct pin_target){0};
}
