// SPDX-License-Identifier: Apache-2.0
// Any text as a marker. What is read and written again is the same marker: same text, same answer.
#include "bundles/packaging/marker.h"

#include <assert.h>
#include <string.h>

static const char *const names[] = {"test", "Dev_Tools", NULL};

static const struct marker_environment environment = {
	.implementation_name = "cpython",
	.implementation_version = "3.11.7",
	.os_name = "posix",
	.platform_machine = "x86_64",
	.platform_release = "",
	.platform_system = "Linux",
	.platform_version = "",
	.python_full_version = "3.11.7",
	.platform_python_implementation = "CPython",
	.python_version = "3.11",
	.sys_platform = "linux",
	.extra = "test",
	.extras = names,
	.dependency_groups = names,
};

static int answer(const struct marker *marker)
{
	struct sl_error err = {0};
	bool result;
	return marker_evaluate(marker, &environment, &result, &err) ? result : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sl_auto_free char *text = sl_strndup((const char *)data, size);
	struct sl_error err = {0};
	auto_marker struct marker *strict = NULL, *marker = NULL, *again = NULL;
	bool is_strict = marker_parse(text, true, &strict, &err);
	sl_error_clear(&err);
	bool good = marker_parse(text, false, &marker, &err);
	assert(good == (marker != NULL) && good == (err.kind == SL_E_NONE));
	assert(!is_strict || good);
	if (!good)
		return 0;
	sl_auto_free char *first = marker_format(marker);
	assert(marker_parse(first, false, &again, &err));
	sl_auto_free char *second = marker_format(again);
	assert(strcmp(first, second) == 0);
	assert(answer(marker) == answer(again));
	return 0;
}
